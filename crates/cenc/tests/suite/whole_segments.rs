//! Whole segments under AES-128-CBC: Project Wycheproof's vectors, a segment that others encrypted, and both
//! ways in parts of any size beside the `aes` crate.

use cenc::{AesCipher, Cek, ContentId, Error, IvKey, WholeEncryption, WholeIvs, decrypt_whole, whole_len};
use cipher::{BlockCipherEncrypt, KeyInit};
use proptest::prelude::*;

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
            let mut made = octets(message);
            let encryption = WholeEncryption::new(octets(iv).try_into().unwrap());
            encryption.last(&cipher, &mut made).unwrap();
            assert_eq!(made, octets(ciphertext), "vector {id}");
            assert_eq!(made.len() as u64, whole_len(octets(message).len() as u64), "vector {id}");
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

/// CBC with PKCS #7 as NIST SP 800-38A and RFC 5652 define them, block by block.
fn by_the_book(key: [u8; 16], iv: [u8; 16], clear: &[u8]) -> Vec<u8> {
    let aes = aes::Aes128::new(&key.into());
    let padding = 16 - clear.len() % 16;
    let padded = [clear, &vec![u8::try_from(padding).unwrap(); padding]].concat();
    let (mut chain, mut out) = (iv, Vec::new());
    for block in padded.chunks(16) {
        let mut next = std::array::from_fn::<u8, 16, _>(|n| block[n] ^ chain[n]).into();
        aes.encrypt_block(&mut next);
        chain = next.into();
        out.extend(chain);
    }
    out
}

proptest! {
    #[test]
    fn any_segment_in_any_parts(
        key: [u8; 16],
        iv: [u8; 16],
        clear in proptest::collection::vec(any::<u8>(), 0..500),
        cuts in proptest::collection::vec(0usize..6, 0..8),
    ) {
        let cipher = AesCipher::new(&Cek::new(key));
        let (mut encryption, mut rest, mut made) = (WholeEncryption::new(iv), &clear[..], Vec::new());
        for blocks in cuts {
            let (part, after) = rest.split_at((blocks * 16).min(rest.len() / 16 * 16));
            let mut part = part.to_vec();
            encryption.part(&cipher, &mut part).unwrap();
            made.extend(part);
            rest = after;
        }
        prop_assert_eq!(encryption.clone().part(&cipher, &mut [0; 15]), Err(Error::Padding));
        let mut last = rest.to_vec();
        encryption.last(&cipher, &mut last).unwrap();
        made.extend(last);
        prop_assert_eq!(&made, &by_the_book(key, iv, &clear));
        decrypt_whole(&cipher, iv, &mut made).unwrap();
        prop_assert_eq!(made, clear);
    }
}

/// What the IVs are made of, beside the derivation that docs/protocol.md gives; and that each is another.
#[test]
fn ivs_of_segments() {
    let common = "000102030405060708090a0b0c0d0e0f".parse().unwrap();
    let content: ContentId = "films/a".parse().unwrap();
    let ivs = |r: &str, pack: &str| WholeIvs::new(IvKey::Common(&common), &content, r, pack).unwrap();
    let (video, pack) =
        (ivs("v720-1500", "00112233445566778899aabbccddeeff"), "00112233445566778899aabbccddeeff");
    let mut all: Vec<_> = (0..1000).map(|n| video.of_segment(n)).collect();
    for other in [ivs("a-en-1", pack), ivs("v720-1500", "10112233445566778899aabbccddeeff")] {
        all.extend((0..1000).map(|n| other.of_segment(n)));
    }
    assert_eq!(video.of_segment(0), VECTORS[0]);
    assert_eq!(video.of_segment(1), VECTORS[1]);
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), 3000);
}

/// By Python's hmac and OpenSSL.
const VECTORS: [[u8; 16]; 2] = [
    0xa8131f89d9e9638d03a3a36d56e624bf_u128.to_be_bytes(),
    0xf0bbf854a8b6379907cc6abb2fbe5142_u128.to_be_bytes(),
];
