//! The cryptography that nobody can leave out, by aws-lc: the measure of everything else.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{
    OAEP_SHA256_MGF1SHA256, OaepPublicEncryptingKey, PublicEncryptingKey, PublicKeyComponents,
};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _,
    UnparsedPublicKey,
};
use license::{SigningPublicKey, SoftwareSigningKey};
use std::fmt;

/// Processor time of each, µs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Primitives {
    /// RSA-2048 encryption with OAEP, the modulus given as octets.
    pub(crate) oaep: f64,
    /// ES256 verification, the key given as its uncompressed point.
    pub(crate) es256: f64,
    /// Ed25519 signature.
    pub(crate) ed25519: f64,
}

impl fmt::Display for Primitives {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { oaep, es256, ed25519 } = self;
        write!(
            f,
            "RSA-OAEP {oaep:.1} µs, ES256 verification {es256:.1} µs, Ed25519 signature {ed25519:.1} µs"
        )
    }
}

impl Primitives {
    /// Measures on all cores at once, as the server and its load use them.
    pub(crate) fn measure() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let threads: Vec<_> = (0..cores).map(|_| std::thread::spawn(Self::of_thread)).collect();
        let each: Vec<Self> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
        let mean = |of: fn(&Self) -> f64| each.iter().map(of).sum::<f64>() / each.len() as f64;
        Self { oaep: mean(|p| p.oaep), es256: mean(|p| p.es256), ed25519: mean(|p| p.ed25519) }
    }

    fn of_thread() -> Self {
        let mut modulus = [0xa7; 256];
        modulus[0] = 0xf1;
        let key = Signing::new(&SoftwareSigningKey::generate().unwrap());
        let (message, site) = ([7; 1200], Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap());
        let signature = key.sign(&message);
        let point = key.0.public_key().as_ref().to_vec();
        let oaep = || {
            let key = PublicKeyComponents { n: &modulus[..], e: &[1, 0, 1][..] };
            let key: PublicEncryptingKey = key.try_into().unwrap();
            let key = OaepPublicEncryptingKey::new(key).unwrap();
            key.encrypt(&OAEP_SHA256_MGF1SHA256, &[7; 32], &mut [0; 256], None).unwrap();
        };
        let es256 = || {
            let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &point);
            key.verify(&message, &signature).unwrap();
        };
        let ed25519 = || {
            std::hint::black_box(site.sign(&message));
        };
        Self { oaep: microseconds(oaep), es256: microseconds(es256), ed25519: microseconds(ed25519) }
    }
}

/// The thread's processor time for one call.
fn microseconds(call: impl Fn()) -> f64 {
    // The kernel counts it in ticks of some milliseconds.
    const ENOUGH: u64 = 400_000_000;
    let (begun, mut calls) = (processor_time(), 0_u32);
    loop {
        (0..100).for_each(|_| call());
        calls += 100;
        let spent = processor_time() - begun;
        if spent >= ENOUGH {
            return spent as f64 / f64::from(calls) / 1000.0;
        }
    }
}

/// Nanoseconds that this thread has run.
fn processor_time() -> u64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    text.split(' ').next().unwrap().parse().unwrap()
}

/// A device's signing key in aws-lc: its load on the machine is not what is measured.
pub(crate) struct Signing(EcdsaKeyPair, SigningPublicKey);

impl Signing {
    pub(crate) fn new(key: &SoftwareSigningKey) -> Self {
        let public = key.public_key().unwrap();
        let point = public.decompress().unwrap();
        let pair = EcdsaKeyPair::from_private_key_and_public_key(
            &ECDSA_P256_SHA256_FIXED_SIGNING,
            &*key.to_bytes(),
            point.as_bytes(),
        );
        Self(pair.unwrap(), public)
    }

    pub(crate) fn public_key(&self) -> SigningPublicKey {
        self.1
    }

    pub(crate) fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(&SystemRandom::new(), message).unwrap().as_ref().try_into().unwrap()
    }
}
