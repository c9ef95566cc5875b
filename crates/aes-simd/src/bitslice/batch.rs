//! Whole rounds over 32 blocks, and electronic code book.

use super::key::Key;
use super::lanes::{Block, W};
use super::linear::{
    Blocks, RoundKey, State, add, mix, row, shift, slice, unmix, unshift, unslice,
};
use super::sbox::{inverse, sbox};

/// SubBytes, without its constant.
#[inline(always)]
pub(super) fn substitute(state: &mut State) {
    for r in 0..4 {
        let planes = sbox(row(state, r));
        state[8 * r..8 * r + 8].copy_from_slice(&planes);
    }
}

/// InvSubBytes, without its constant.
#[inline(always)]
fn unsubstitute(state: &mut State) {
    for r in 0..4 {
        let planes = inverse(row(state, r));
        state[8 * r..8 * r + 8].copy_from_slice(&planes);
    }
}

/// All rounds but the first AddRoundKey: those of `keys`, then the last.
#[inline(never)]
pub(super) fn rounds(state: &mut State, keys: &[RoundKey], last: &RoundKey) {
    for key in keys {
        substitute(state);
        mix(state, key);
    }
    substitute(state);
    shift(state, last);
}

impl Key {
    /// Encrypts 32 blocks; the result is still in bit planes.
    pub(super) fn encrypt_batch(&self, blocks: &Blocks, state: &mut State) {
        slice(blocks, state);
        add(state, self.schedule().first());
        let (keys, last) = self.schedule().rest();
        rounds(state, keys, last);
    }

    /// Decrypts 32 blocks; the result is still in bit planes.
    #[inline(never)]
    pub(super) fn decrypt_batch(&self, blocks: &Blocks, state: &mut State) {
        slice(blocks, state);
        let (keys, last) = self.schedule().rest();
        add(state, last);
        for key in keys.iter().rev() {
            unsubstitute(state);
            unmix(state, key);
        }
        unsubstitute(state);
        unshift(state, self.schedule().first());
    }

    /// Encrypts each block by itself (ECB).
    pub(crate) fn encrypt_blocks(&self, blocks: &mut [Block]) {
        each_batch(blocks, |batch, state| self.encrypt_batch(batch, state));
    }

    /// Decrypts each block by itself (ECB).
    pub(crate) fn decrypt_blocks(&self, blocks: &mut [Block]) {
        each_batch(blocks, |batch, state| self.decrypt_batch(batch, state));
    }
}

fn each_batch(blocks: &mut [Block], apply: impl Fn(&Blocks, &mut State)) {
    let mut batch = [[0; 16]; 32];
    let mut state = [W::default(); 32];
    for blocks in blocks.chunks_mut(32) {
        batch[..blocks.len()].copy_from_slice(blocks);
        apply(&batch, &mut state);
        unslice(&mut state, |n, block| {
            if let Some(out) = blocks.get_mut(n) {
                block.store(out);
            }
        });
    }
}
