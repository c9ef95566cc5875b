//! C5: equal to the `aes`, `ctr` and `cbc` crates, natively and in a browser: random keys, lengths, IVs,
//! alignments, counters about to wrap.

use aes_simd::{CounterWidth, OutOfBounds, Pattern, Span, portable};
use cipher::{BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// A generator that is the same everywhere (Marsaglia's xorshift).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() >> 11) as usize % end
    }

    fn bytes<const N: usize>(&mut self) -> [u8; N] {
        core::array::from_fn(|_| (self.next() >> 24) as u8)
    }

    /// Spans with gaps between them, over data that reaches a little farther.
    fn spans(&mut self, most: usize) -> (Vec<Span>, Vec<u8>) {
        let mut at = 0;
        let mut spans = Vec::new();
        let count = if self.below(4) == 0 { 40 } else { 8 };
        for _ in 0..self.below(count) {
            at += self.below(40);
            let len = match self.below(3) {
                0 => self.below(40),
                1 => self.below(700),
                _ => self.below(most),
            };
            let mut iv = self.bytes::<16>();
            // Wraps in the last byte, in the lower half, in all of it.
            match self.below(4) {
                0 => iv[15] |= 0xf0,
                1 => iv[8..15].fill(0xff),
                2 => iv[..15].fill(0xff),
                _ => iv[8..].fill(0),
            }
            spans.push(Span { offset: at, len, iv, skip: self.below(16) as u8 });
            at += len;
        }
        let data = (0..at + self.below(20)).map(|_| self.next() as u8).collect();
        (spans, data)
    }
}

macro_rules! agree {
    ($random:ident, $aes:ident, $len:literal, $rounds:expr) => {
        for round in 0..$rounds {
            let key = $random.bytes::<$len>();
            let (ours, theirs) = (aes_simd::$aes::new(&key), portable::$aes::new(&key));
            let (spans, data) = $random.spans(if round % 8 == 0 { 40_000 } else { 3_000 });
            let (mut a, mut b) = (data.clone(), data);
            for width in [CounterWidth::Bits64, CounterWidth::Bits128] {
                ours.ctr(width, &spans, &mut a).unwrap();
                theirs.ctr(width, &spans, &mut b).unwrap();
                assert!(a == b, "{width:?} {spans:?}");
            }
            for pattern in [(1, 0), (1, 9), (0, 1), (2, 3), (5, 5), (10, 0), (255, 255)] {
                let pattern = Pattern { crypt: pattern.0, skip: pattern.1 };
                ours.cbc_decrypt(pattern, &spans, &mut a).unwrap();
                theirs.cbc_decrypt(pattern, &spans, &mut b).unwrap();
                assert!(a == b, "{pattern:?} {spans:?}");
                if round % 8 > 0 {
                    ours.cbc_encrypt(pattern, &spans, &mut a).unwrap();
                    theirs.cbc_encrypt(pattern, &spans, &mut b).unwrap();
                    assert!(a == b, "{pattern:?} {spans:?}");
                }
            }
            let mut blocks = vec![[0; 16]; $random.below(70)];
            blocks.iter_mut().for_each(|block| *block = $random.bytes());
            let mut other = blocks.clone();
            ours.encrypt_blocks(&mut blocks);
            theirs.encrypt_blocks(&mut other);
            assert_eq!(blocks, other);
            ours.decrypt_blocks(&mut other);
            ours.decrypt_blocks(&mut other);
            theirs.decrypt_blocks(&mut blocks);
            theirs.decrypt_blocks(&mut blocks);
            assert_eq!(blocks, other);
        }
    };
}

/// As few in an unoptimised browser build as show something.
const ROUNDS: usize = if cfg!(target_arch = "wasm32") { 64 } else { 200 };

#[test]
fn aes_128() {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    agree!(random, Aes128, 16, ROUNDS);
}

#[test]
fn aes_256() {
    let mut random = Random(0xd1b5_4a32_d192_ed03);
    agree!(random, Aes256, 32, ROUNDS);
}

/// Every alignment of the data in memory, and every length about the batch's.
#[test]
fn alignments_and_lengths() {
    let key = *b"0123456789abcdef";
    let (ours, theirs) = (aes_simd::Aes128::new(&key), portable::Aes128::new(&key));
    let mut a: Vec<u8> = (0..2000u32).map(|i| ((i * i) >> 3) as u8).collect();
    let mut b = a.clone();
    for offset in 0..32 {
        for len in (480..560).chain(990..1060).step_by(7) {
            let spans = [Span { offset, len, iv: [offset as u8; 16], skip: (len % 16) as u8 }];
            ours.ctr(CounterWidth::Bits64, &spans, &mut a).unwrap();
            theirs.ctr(CounterWidth::Bits64, &spans, &mut b).unwrap();
            ours.cbc_decrypt(Pattern { crypt: 1, skip: 0 }, &spans, &mut a).unwrap();
            theirs.cbc_decrypt(Pattern { crypt: 1, skip: 0 }, &spans, &mut b).unwrap();
        }
        assert!(a == b, "{offset}");
    }
}

/// The traits of the `cipher` crate, single blocks and many.
#[test]
fn traits() {
    let key = [7; 32];
    let ours = aes_simd::Aes256::new(&key);
    let theirs = aes::Aes256::new(&key.into());
    let mut blocks: Vec<cipher::Array<u8, _>> = (0..75).map(|i| [i; 16].into()).collect();
    let mut other = blocks.clone();
    BlockCipherEncrypt::encrypt_blocks(&ours, &mut blocks);
    theirs.encrypt_blocks(&mut other);
    assert_eq!(blocks, other);
    BlockCipherDecrypt::decrypt_blocks(&ours, &mut blocks[..40]);
    theirs.decrypt_blocks(&mut other[..40]);
    ours.decrypt_block(&mut blocks[41]);
    theirs.decrypt_block(&mut other[41]);
    assert_eq!(blocks, other);
}

#[test]
fn what_reaches_past_the_data_is_refused_and_nothing_changed() {
    let aes = aes_simd::Aes128::new(&[1; 16]);
    let mut data = [5; 64];
    for (offset, len) in [(0, 65), (64, 1), (usize::MAX, 2), (2, usize::MAX)] {
        let spans = [Span { offset: 0, len: 64, ..Span::default() }, Span { offset, len, ..Span::default() }];
        let pattern = Pattern { crypt: 1, skip: 0 };
        assert_eq!(aes.ctr(CounterWidth::Bits64, &spans, &mut data), Err(OutOfBounds));
        assert_eq!(aes.cbc_decrypt(pattern, &spans, &mut data), Err(OutOfBounds));
        assert_eq!(aes.cbc_encrypt(pattern, &spans, &mut data), Err(OutOfBounds));
    }
    assert_eq!(data, [5; 64]);
}

#[test]
fn keys_stay_out_of_debug() {
    assert_eq!(format!("{:?}", aes_simd::Aes128::new(&[1; 16])), "Aes128(redacted)");
    assert_eq!(format!("{:?}", aes_simd::Aes256::new(&[1; 32])), "Aes256(redacted)");
}
