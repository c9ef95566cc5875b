//! Project Wycheproof's vectors (`tests/wycheproof`), run through what this crate itself calls.
#![allow(clippy::unwrap_used)]

use aes_kw::{AesKw, KeyInit, KwAes256};
use ed25519_dalek::VerifyingKey;

use crate::{SigningPublicKey, SoftwareRsaKey};

/// The fields of each vector; `-` is empty.
pub(crate) fn vectors(file: &str) -> impl Iterator<Item = Vec<&str>> {
    let lines = file.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| line.split(' ').map(|field| if field == "-" { "" } else { field }).collect())
}

pub(crate) fn octets(field: &str) -> Vec<u8> {
    hex::decode(field).unwrap()
}

/// RSAES-OAEP (SHA-256): good ciphertexts open, all others and those with a label do not.
#[test]
fn rsa_oaep() {
    let mut vectors = vectors(include_str!("../tests/wycheproof/rsa-oaep-2048-sha256.txt"));
    let key = SoftwareRsaKey::from_pkcs8(&octets(vectors.next().unwrap()[0])).unwrap();
    let (mut opened, mut refused) = (0, 0);
    for vector in vectors {
        let [id, result, label, message, ciphertext] = vector[..] else { panic!("{vector:?}") };
        let got = key.decrypt(&octets(ciphertext));
        if result == "valid" && label.is_empty() {
            assert_eq!(*got.unwrap(), octets(message), "vector {id}");
            opened += 1;
        } else {
            assert!(got.is_err(), "vector {id}");
            refused += 1;
        }
    }
    assert_eq!(opened + refused, 37);
    assert!(opened >= 10 && refused >= 19, "{opened} {refused}");
}

/// AES-KW (RFC 3394) under keys of 256 bits, with our AES: unwrapping, and wrapping as the license server
/// does.
#[test]
fn aes_kw() {
    let (mut opened, mut refused) = (0, 0);
    for vector in vectors(include_str!("../tests/wycheproof/aes-256-kw.txt")) {
        let [id, result, kek, key, wrapped] = vector[..] else { panic!("{vector:?}") };
        if wrapped.len() < 48 {
            continue; // Shorter than 24 octets, which no wrapped key of a license can be: its type has just these.
        }
        let (kek, key, wrapped) = (octets(kek), octets(key), octets(wrapped));
        let cipher = AesKw::<aes_simd::Aes256>::new_from_slice(&kek).unwrap();
        let mut out = vec![0; wrapped.len().saturating_sub(8)];
        let got = cipher.unwrap_key(&wrapped, &mut out);
        if result == "valid" {
            assert_eq!(got.unwrap(), &key, "vector {id}");
            let mut again = vec![0; wrapped.len()];
            let writer = KwAes256::new_from_slice(&kek).unwrap();
            assert_eq!(writer.wrap_key(&key, &mut again).unwrap(), &wrapped, "vector {id}");
            opened += 1;
        } else {
            assert!(got.is_err(), "vector {id}");
            refused += 1;
        }
    }
    assert_eq!((opened, refused), (13, 37));
}

/// ECDSA on P-256 with SHA-256, signatures as r ‖ s. (The vectors of other lengths are no 64 octets, which
/// the type demands.)
#[test]
fn ecdsa_p256() {
    let (mut good, mut bad) = (0, 0);
    for vector in vectors(include_str!("../tests/wycheproof/ecdsa-p256-sha256.txt")) {
        let [id, result, key, message, signature] = vector[..] else { panic!("{vector:?}") };
        let key = SigningPublicKey::from_uncompressed(&octets(key)).unwrap();
        let verified =
            octets(signature).try_into().is_ok_and(|s: [u8; 64]| key.verify(&octets(message), &s).is_ok());
        assert_eq!(verified, result == "valid", "vector {id}");
        (good, bad) = if verified { (good + 1, bad) } else { (good, bad + 1) };
    }
    assert_eq!((good, bad), (79, 89));
}

/// Ed25519, strictly: malleable signatures and encodings that are not canonical are refused.
#[test]
fn ed25519() {
    let (mut good, mut bad) = (0, 0);
    for vector in vectors(include_str!("../tests/wycheproof/ed25519.txt")) {
        let [id, result, key, message, signature] = vector[..] else { panic!("{vector:?}") };
        let key = VerifyingKey::from_bytes(&octets(key).try_into().unwrap()).unwrap();
        let signature: Result<[u8; 64], _> = octets(signature).try_into();
        let verified = signature.is_ok_and(|s| crate::cose::verify_eddsa(&key, &octets(message), &s).is_ok());
        assert_eq!(verified, result == "valid", "vector {id}");
        (good, bad) = if verified { (good + 1, bad) } else { (good, bad + 1) };
    }
    assert_eq!(good + bad, 98);
    assert!(good >= 30 && bad >= 60, "{good} {bad}");
}
