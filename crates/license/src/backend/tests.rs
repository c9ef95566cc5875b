//! Two libraries, one behaviour: each is held against the other, and against Project Wycheproof's vectors.
#![allow(clippy::unwrap_used)]

use super::{aws_lc, rust_crypto};
use crate::wycheproof::{octets, vectors};
use crate::{Error, RsaModulus, SigningPoint, SigningPublicKey, SoftwareRsaKey, SoftwareSigningKey, cose};
use ed25519_dalek::VerifyingKey;
use proptest::prelude::*;

fn both(point: &SigningPoint, message: &[u8], signature: &[u8; 64]) -> Result<(), Error> {
    let by_aws_lc = aws_lc::verify_es256(point, message, signature);
    assert_eq!(by_aws_lc, rust_crypto::verify_es256(point, message, signature));
    by_aws_lc
}

/// The order of P-256's group.
const ORDER: &str = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";

#[test]
fn es256_of_wycheproof_is_told_alike() {
    let (mut good, mut bad) = (0, 0);
    for vector in vectors(include_str!("../../tests/wycheproof/ecdsa-p256-sha256.txt")) {
        let [id, result, key, message, signature] = vector[..] else { panic!("{vector:?}") };
        let point = SigningPoint::try_from(<[u8; 65]>::try_from(octets(key)).unwrap()).unwrap();
        let Ok(signature) = <[u8; 64]>::try_from(octets(signature)) else { continue };
        let verified = both(&point, &octets(message), &signature).is_ok();
        assert_eq!(verified, result == "valid", "vector {id}");
        (good, bad) = if verified { (good + 1, bad) } else { (good, bad + 1) };
    }
    assert!(good == 79 && bad > 20, "{good} {bad}");
}

#[test]
fn es256_takes_no_point_beside_the_curve() {
    let key = SoftwareSigningKey::generate().unwrap();
    let (message, point) = (b"message", key.public_key().unwrap().decompress().unwrap());
    let signature = key.sign(message);
    assert_eq!(both(&point, message, &signature), Ok(()));
    for at in [1, 32, 33, 64] {
        let mut other = *point.as_bytes();
        other[at] ^= 1;
        let other = SigningPoint::try_from(other).unwrap();
        assert_eq!(both(&other, message, &signature), Err(Error::NotAuthentic), "{at}");
    }
    for octets in [[0; 64], [0xff; 64]] {
        let mut other = [4; 65];
        other[1..].copy_from_slice(&octets);
        let other = SigningPoint::try_from(other).unwrap();
        assert_eq!(both(&other, message, &signature), Err(Error::NotAuthentic));
    }
}

/// The point of a compressed key is the one that it was made of; half of all x have none.
#[test]
fn keys_are_decompressed_to_what_they_were() {
    let mut none = 0;
    for n in 0..64 {
        let key = SoftwareSigningKey::generate().unwrap().public_key().unwrap();
        assert_eq!(key.decompress().unwrap().compressed(), key);
        let mut x = [n; 33];
        x[0] = 2 + (n & 1);
        match SigningPublicKey::try_from(x).unwrap().decompress() {
            Ok(point) => assert_eq!(point.compressed().as_bytes(), &x),
            Err(error) => {
                assert_eq!(error, Error::NotAuthentic);
                none += 1;
            }
        }
    }
    assert!((10..55).contains(&none), "{none}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// What one signs, both verify; what is damaged, neither.
    #[test]
    fn es256_alike(message in proptest::collection::vec(any::<u8>(), 0..300), bit in 0usize..512, lie in 0usize..4) {
        let key = SoftwareSigningKey::generate().unwrap();
        let point = key.public_key().unwrap().decompress().unwrap();
        let signature = key.sign(&message);
        prop_assert_eq!(both(&point, &message, &signature), Ok(()));
        let mut other = signature;
        match lie {
            0 => other[bit / 8] ^= 1 << (bit % 8),
            1 => other[..32].fill(0),
            2 => other[32..].fill(0),
            // s and n − s are one signature in two forms: it is for whoever remembers requests to know.
            _ => {
                let order = octets(ORDER);
                let mut borrow = 0i16;
                for n in (0..32).rev() {
                    let difference = i16::from(order[n]) - i16::from(signature[32 + n]) - borrow;
                    borrow = i16::from(difference < 0);
                    other[32 + n] = difference.rem_euclid(256) as u8;
                }
                prop_assert_eq!(both(&point, &message, &other), Ok(()));
                other[..32].copy_from_slice(&order);
            }
        }
        prop_assert_eq!(both(&point, &message, &other), Err(Error::NotAuthentic));
    }

    /// What is sealed under one key and nonce is the same.
    #[test]
    fn gcm_alike(key: [u8; 32], nonce: [u8; 12], octets in proptest::collection::vec(any::<u8>(), 0..1500)) {
        let sealed = aws_lc::seal_gcm(&key, nonce, b"additional", &octets).unwrap();
        prop_assert_eq!(sealed.len(), octets.len() + 16);
        prop_assert_eq!(sealed, rust_crypto::seal_gcm(&key, nonce, b"additional", &octets).unwrap());
    }

    /// Ed25519 is deterministic: the same octets, and the strict verifier takes them.
    #[test]
    fn ed25519_alike(seed: [u8; 32], message in proptest::collection::vec(any::<u8>(), 0..300)) {
        let (one, other) =
            (aws_lc::Ed25519Key::from_seed(&seed).unwrap(), rust_crypto::Ed25519Key::from_seed(&seed).unwrap());
        prop_assert_eq!(one.public_key(), other.public_key());
        let signature = one.sign(&message).unwrap();
        prop_assert_eq!(signature, other.sign(&message).unwrap());
        let key = VerifyingKey::from_bytes(&one.public_key().unwrap()).unwrap();
        prop_assert_eq!(cose::verify_eddsa(&key, &message, &signature), Ok(()));
    }
}

type Encrypt = fn(&RsaModulus, &[u8]) -> Result<[u8; 256], Error>;

const ENCRYPT: [Encrypt; 2] = [
    |modulus, plaintext| aws_lc::OaepKey::new(modulus)?.encrypt(plaintext),
    |modulus, plaintext| rust_crypto::OaepKey::new(modulus)?.encrypt(plaintext),
];

/// What either encrypts, the device's library opens; up to the longest message that OAEP takes, and no
/// longer.
#[test]
fn oaep_opens_whoever_encrypted() {
    let key = SoftwareRsaKey::generate().unwrap();
    let modulus = key.modulus().unwrap();
    for encrypt in ENCRYPT {
        for length in [0, 1, 32, 190] {
            let plaintext = vec![0x5a; length];
            let (one, other) =
                (encrypt(&modulus, &plaintext).unwrap(), encrypt(&modulus, &plaintext).unwrap());
            assert_ne!(one, other, "never twice the same");
            assert_eq!(*key.decrypt(&one).unwrap(), plaintext);
            assert_eq!(*key.decrypt(&other).unwrap(), plaintext);
        }
        assert_eq!(encrypt(&modulus, &[0; 191]), Err(Error::Malformed));
    }
}

/// Moduli that are none: whoever asks with one gets nothing that panics, from either.
#[test]
fn oaep_bears_any_modulus() {
    let mut lowest = [0; 256];
    (lowest[0], lowest[255]) = (0x80, 1);
    for octets in [lowest, [0xff; 256], [0x81; 256]] {
        let modulus = RsaModulus::try_from(octets).unwrap();
        for encrypt in ENCRYPT {
            assert!(matches!(encrypt(&modulus, &[7; 32]), Ok(_) | Err(Error::Malformed)));
        }
    }
}
