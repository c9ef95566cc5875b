//! NIST's vectors, natively and in a browser: SP 800-38A, and AESAVS (known answers, multi-block messages,
//! Monte Carlo). C5, B24.

use aes_simd::{Aes128, Aes256, CounterWidth, Pattern, Span};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

enum Aes {
    Short(Aes128),
    Long(Aes256),
}

/// One call on either.
macro_rules! on {
    ($aes:expr, $call:ident($($argument:expr),*)) => {
        match $aes {
            Aes::Short(aes) => aes.$call($($argument),*),
            Aes::Long(aes) => aes.$call($($argument),*),
        }
    };
}

impl Aes {
    fn new(key: &[u8]) -> Self {
        match key.len() {
            16 => Self::Short(Aes128::new(key.try_into().unwrap())),
            _ => Self::Long(Aes256::new(key.try_into().unwrap())),
        }
    }

    fn encrypt(&self, block: [u8; 16]) -> [u8; 16] {
        let mut blocks = [block];
        on!(self, encrypt_blocks(&mut blocks));
        blocks[0]
    }

    fn decrypt(&self, block: [u8; 16]) -> [u8; 16] {
        let mut blocks = [block];
        on!(self, decrypt_blocks(&mut blocks));
        blocks[0]
    }
}

fn bytes(hex: &str) -> Vec<u8> {
    hex::decode(hex.replace([' ', '\n'], "")).unwrap()
}

fn block(hex: &str) -> [u8; 16] {
    bytes(hex).try_into().unwrap()
}

/// The text's bytes, with zeros after them.
fn padded(hex: &str, len: usize) -> Vec<u8> {
    let mut out = bytes(hex);
    out.resize(len, 0);
    out
}

fn whole(data: &[u8], iv: [u8; 16]) -> [Span; 1] {
    [Span { offset: 0, len: data.len(), iv, skip: 0 }]
}

const ALL: Pattern = Pattern { crypt: 1, skip: 0 };
const SHORT: &str = "2b7e151628aed2a6abf7158809cf4f3c";
const LONG: &str = "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4";
const CLEAR: &str = "6bc1bee22e409f96e93d7e117393172a ae2d8a571e03ac9c9eb76fac45af8e51
                     30c81c46a35ce411e5fbc1191a0a52ef f69f2445df4f9b17ad2b417be66c3710";

#[test]
fn sp800_38a_f1_ecb() {
    let rows = [
        (
            SHORT,
            "3ad77bb40d7a3660a89ecaf32466ef97 f5d3d58503b9699de785895a96fdbaaf
                 43b1cd7f598ece23881b00e3ed030688 7b0c785e27e8ad3f8223207104725dd4",
        ),
        (
            LONG,
            "f3eed1bdb5d2a03c064b5a7e3db181f8 591ccb10d410ed26dc5ba74a31362870
                b6ed21b99ca6f4f9f153e7b1beafed1d 23304b7a39f9f3ff067d8d8f9e24ecc7",
        ),
    ];
    for (key, protected) in rows {
        let aes = Aes::new(&bytes(key));
        let mut data = bytes(CLEAR);
        on!(&aes, encrypt_blocks(data.as_chunks_mut().0));
        assert_eq!(data, bytes(protected));
        on!(&aes, decrypt_blocks(data.as_chunks_mut().0));
        assert_eq!(data, bytes(CLEAR));
    }
}

#[test]
fn sp800_38a_f2_cbc() {
    let rows = [
        (
            SHORT,
            "7649abac8119b246cee98e9b12e9197d 5086cb9b507219ee95db113a917678b2
                 73bed6b8e3c1743b7116e69e22229516 3ff1caa1681fac09120eca307586e1a7",
        ),
        (
            LONG,
            "f58c4c04d6e5f1ba779eabfb5f7bfbd6 9cfc4e967edb808d679f777bc6702c7d
                39f23369a9d9bacfa530e26304231461 b2eb05e2c39be9fcda6c19078c6a9d1b",
        ),
    ];
    for (key, protected) in rows {
        let aes = Aes::new(&bytes(key));
        let mut data = bytes(CLEAR);
        let spans = whole(&data, block("000102030405060708090a0b0c0d0e0f"));
        on!(&aes, cbc_encrypt(ALL, &spans, &mut data)).unwrap();
        assert_eq!(data, bytes(protected));
        on!(&aes, cbc_decrypt(ALL, &spans, &mut data)).unwrap();
        assert_eq!(data, bytes(CLEAR));
    }
}

#[test]
fn sp800_38a_f5_ctr() {
    let rows = [
        (
            SHORT,
            "874d6191b620e3261bef6864990db6ce 9806f66b7970fdff8617187bb9fffdff
                 5ae4df3edbd5d35e5b4f09020db03eab 1e031dda2fbe03d1792170a0f3009cee",
        ),
        (
            LONG,
            "601ec313775789a5b7a7f504bbf3d228 f443e3ca4d62b59aca84e990cacaf5c5
                2b0930daa23de94ce87017ba2d84988d dfc9c58db67aada613c2dd08457941a6",
        ),
    ];
    for (key, protected) in rows {
        let aes = Aes::new(&bytes(key));
        for width in [CounterWidth::Bits64, CounterWidth::Bits128] {
            let mut data = bytes(CLEAR);
            let spans = whole(&data, block("f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff"));
            on!(&aes, ctr(width, &spans, &mut data)).unwrap();
            assert_eq!(data, bytes(protected));
        }
    }
}

/// GFSbox, KeySbox, VarTxt and VarKey.
#[test]
fn aesavs_known_answers() {
    let mut count = 0;
    for line in include_str!("../fixtures/known-answers.txt").lines().filter(|line| !line.starts_with('#')) {
        let [len, key, clear, protected] = *line.split(' ').collect::<Vec<_>>() else { panic!("{line}") };
        let aes = Aes::new(&padded(key, len.parse().unwrap()));
        let clear: [u8; 16] = padded(clear, 16).try_into().unwrap();
        assert_eq!(aes.encrypt(clear), block(protected), "{line}");
        assert_eq!(aes.decrypt(block(protected)), clear, "{line}");
        count += 1;
    }
    assert_eq!(count, 689);
}

#[test]
fn aesavs_messages() {
    for line in include_str!("../fixtures/messages.txt").lines() {
        let [key, iv, clear, protected] = *line.split(' ').collect::<Vec<_>>() else { panic!("{line}") };
        let aes = Aes::new(&bytes(key));
        let mut data = bytes(protected);
        let spans = whole(&data, block(iv));
        on!(&aes, cbc_decrypt(ALL, &spans, &mut data)).unwrap();
        assert_eq!(data, bytes(clear));
        on!(&aes, cbc_encrypt(ALL, &spans, &mut data)).unwrap();
        assert_eq!(data, bytes(protected));
    }
}

/// The next key: the last two results (as many bytes as it has, of their end) are added to it.
fn next_key(key: &mut [u8], before: [u8; 16], last: [u8; 16]) {
    let results = [before, last].concat();
    let from = results.len() - key.len();
    key.iter_mut().zip(&results[from..]).for_each(|(key, byte)| *key ^= byte);
}

/// AESAVS §6.4.1: 100 keys, a chain of 1000 blocks each.
fn monte_carlo_ecb(key: &str, first: &str, apply: impl Fn(&Aes, [u8; 16]) -> [u8; 16]) -> String {
    let (mut key, mut value) = (bytes(key), block(first));
    for _ in 0..100 {
        let aes = Aes::new(&key);
        let mut before = value;
        for _ in 0..1000 {
            before = value;
            value = apply(&aes, value);
        }
        next_key(&mut key, before, value);
    }
    hex::encode(value)
}

#[test]
fn aesavs_monte_carlo_ecb() {
    let rows = [
        (
            "139a35422f1d61de3c91787fe0507afd",
            "b9145a768b7dc489a096b546f43b231f",
            "fb2649694783b551eacd9d5db6126d47",
        ),
        (
            "f9e8389f5b80712e3886cc1fa2d28a3b8c9cd88a2d4a54c6aa86ce0fef944be0",
            "b379777f9050e2a818f2940cbbd9aba4",
            "c5d2cb3d5b7ff0e23e308967ee074825",
        ),
    ];
    for (key, first, last) in rows {
        assert_eq!(monte_carlo_ecb(key, first, Aes::encrypt), last);
    }
    let (key, first) = ("0c60e7bf20ada9baa9e1ddf0d1540726", "b08a29b11a500ea3aca42c36675b9785");
    assert_eq!(monte_carlo_ecb(key, first, Aes::decrypt), "d1d2bfdc58ffcad2341b095bce55221e");
}

/// AESAVS §6.4.2, decryption, through CBC of one block.
#[test]
fn aesavs_monte_carlo_cbc() {
    let rows = [
        (
            "287b07c78f8e3e1be7c41b3d96c04e6e",
            "41b461f9464fd515d25413b4241002b8",
            "7c54923b0490a9d4de4ec1ce6790aa4d",
            "4769317b0562c45949c18b3855f8bf4a",
        ),
        (
            "31397ad8cc79c519e0f46e0f70303587e38958d70723b771552336b7771f6311",
            "4139cb54eeac3fcf36ed72941122c40f",
            "27a1d5c10fe45b801d15f56e654a70f0",
            "9be831799a79b0955241f308f0d5b2e1",
        ),
    ];
    for (key, iv, first, last) in rows {
        let (mut key, mut iv, mut input) = (bytes(key), block(iv), block(first));
        let mut output = [0; 16];
        for _ in 0..100 {
            let aes = Aes::new(&key);
            let mut before = output;
            // The first input after the IV, which then chains.
            let (mut chain, mut next) = (iv, input);
            for j in 0..1000 {
                before = output;
                let mut data = next;
                on!(&aes, cbc_decrypt(ALL, &whole(&next, chain), &mut data)).unwrap();
                output = data;
                chain = next;
                next = if j == 0 { iv } else { before };
            }
            next_key(&mut key, before, output);
            (iv, input) = (output, before);
        }
        assert_eq!(hex::encode(output), last);
    }
}
