//! Key schedules without table look-ups.

use alloc::boxed::Box;

use zeroize::{Zeroize, Zeroizing};

use super::lanes::W;
use super::linear::{RoundKey, xtime};
use super::sbox::{AFFINE, substitute};

/// Round keys of AES-256, the most there are.
const MOST: usize = 15;

/// An expanded key. Wiped when dropped.
pub(crate) struct Key(Box<Schedule>);

pub(super) struct Schedule {
    /// Of each round, the first with index 0. All but that one hold the S-box's constant, too.
    keys: [RoundKey; MOST],
    rounds: usize,
    /// What round 1 makes of the last byte of counter blocks: for `32 * t + n` the `t`th, where lane `r` is
    /// row `r` of the first column and bit `n` of a lane is counter `32 * t + n`.
    pub(super) counters: [[W; 8]; 8],
}

impl Drop for Schedule {
    fn drop(&mut self) {
        self.keys.as_flattened_mut().zeroize();
        self.counters.as_flattened_mut().zeroize();
    }
}

impl Key {
    pub(super) fn schedule(&self) -> &Schedule {
        &self.0
    }

    /// Expands a key of 16 or 32 bytes (FIPS 197 §5.2).
    pub(crate) fn new(key: &[u8]) -> Self {
        let words = key.len() / 4;
        let rounds = words + 6;
        let mut expanded = Zeroizing::new([0u32; 4 * MOST]);
        for (word, bytes) in expanded.iter_mut().zip(key.as_chunks::<4>().0) {
            *word = u32::from_le_bytes(*bytes);
        }
        let mut constant = 1;
        for i in words..4 * (rounds + 1) {
            let last = expanded[i - 1];
            let mixed = match i % words {
                0 => {
                    let substituted = sub_word(last.rotate_right(8)) ^ constant;
                    constant <<= 1;
                    if constant > 0x80 {
                        constant = 0x1b;
                    }
                    substituted
                }
                4 if words > 6 => sub_word(last),
                _ => last,
            };
            expanded[i] = expanded[i - words] ^ mixed;
        }
        let zero = W::default();
        let mut schedule = Box::new(Schedule { keys: [[zero; 32]; MOST], rounds, counters: [[zero; 8]; 8] });
        for (number, (key, words)) in schedule.keys.iter_mut().zip(expanded.as_chunks::<4>().0).enumerate() {
            let affine = if number == 0 { 0 } else { u32::from(AFFINE) * 0x0101_0101 };
            let lanes = W::from_words(words.map(|word| word ^ affine));
            for r in 0..4 {
                for b in 0..8 {
                    // Row r is byte r of a lane.
                    key[8 * r + b] = lanes.mask_of_bit((8 * r + b) as u32);
                }
            }
        }
        schedule.tabulate();
        Self(schedule)
    }
}

impl Schedule {
    pub(super) fn first(&self) -> &RoundKey {
        &self.keys[0]
    }

    /// Those between the first and the last, and the last.
    pub(super) fn rest(&self) -> (&[RoundKey], &RoundKey) {
        (&self.keys[1..self.rounds], &self.keys[self.rounds])
    }

    /// Fills `counters`.
    fn tabulate(&mut self) {
        // Row 3, last column.
        let key: [u32; 8] = core::array::from_fn(|b| self.keys[0][24 + b].words()[3]);
        for half in 0..2 {
            let mut lanes = [W::default(); 8];
            for (b, plane) in lanes.iter_mut().enumerate() {
                *plane = W::from_words(core::array::from_fn(|lane| {
                    let t = 4 * half + lane;
                    let bit = match b {
                        0..5 => COUNTING[b],
                        _ => 0u32.wrapping_sub((t >> (b - 5)) as u32 & 1),
                    };
                    bit ^ key[b]
                }));
            }
            substitute(&mut lanes);
            let (s, double) = (lanes, xtime(lanes));
            for lane in 0..4 {
                for b in 0..8 {
                    let (one, two) = (s[b].words()[lane], double[b].words()[lane]);
                    // The column of MixColumns by which row 3 is multiplied.
                    self.counters[4 * half + lane][b] = W::from_words([one, one, one ^ two, two]);
                }
            }
        }
    }
}

/// Bit `b` of the numbers 0 to 31.
const COUNTING: [u32; 5] = [0xaaaa_aaaa, 0xcccc_cccc, 0xf0f0_f0f0, 0xff00_ff00, 0xffff_0000];

/// SubWord of FIPS 197 §5.2, by the circuit: lane `i` holds byte `i`.
fn sub_word(word: u32) -> u32 {
    let bytes = word.to_le_bytes().map(u32::from);
    let lanes = W::from_words(bytes);
    let mut planes = core::array::from_fn(|b| lanes.mask_of_bit(b as u32));
    substitute(&mut planes);
    let bits = planes.into_iter().enumerate().map(|(b, plane)| plane & W::splat(1 << b));
    let sum = bits.fold(W::splat(u32::from(AFFINE)), |sum, bit| sum ^ bit);
    u32::from_le_bytes(sum.words().map(|byte| byte as u8))
}
