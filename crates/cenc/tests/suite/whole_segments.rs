//! Whole segments under AES-128-CBC: Project Wycheproof's vectors, and a segment that others encrypted.

use cenc::{AesCipher, Cek, Error, decrypt_whole};

fn octets(hex: &str) -> Vec<u8> {
    let hex = if hex == "-" { "" } else { hex };
    hex.as_bytes()
        .chunks(2)
        .map(|two| u8::from_str_radix(std::str::from_utf8(two).unwrap(), 16).unwrap())
        .collect()
}

/// The message, or that the padding is wrong.
#[test]
fn wycheproof_aes_128_cbc_pkcs7() {
    let (mut good, mut bad) = (0, 0);
    for line in
        include_str!("../wycheproof/aes-128-cbc-pkcs7.txt").lines().filter(|line| !line.starts_with('#'))
    {
        let [id, result, key, iv, message, ciphertext] = line.split(' ').collect::<Vec<_>>()[..] else {
            panic!("{line}")
        };
        let cipher = AesCipher::new(&Cek::new(octets(key).try_into().unwrap()));
        let mut data = octets(ciphertext);
        let got = decrypt_whole(&cipher, octets(iv).try_into().unwrap(), &mut data);
        if result == "valid" {
            assert_eq!((got, data), (Ok(()), octets(message)), "vector {id}");
            good += 1;
        } else {
            assert_eq!(got, Err(Error::Padding), "vector {id}");
            bad += 1;
        }
    }
    assert_eq!((good, bad), (24, 48));
}

/// The subtitles of video.js's HLS tests (`encryptionKey.key`, IV 0).
#[test]
fn a_segment_that_others_encrypted() {
    let cipher = AesCipher::new(&"2459d6388c608c6e8fa64c7f1ca17b48".parse().unwrap());
    let mut data = include_bytes!("../fixtures/subtitlesEncrypted.vtt").to_vec();
    decrypt_whole(&cipher, [0; 16], &mut data).unwrap();
    assert_eq!(data, include_bytes!("../fixtures/subtitles.vtt"));
}
