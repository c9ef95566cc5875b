//! Whole rounds over 32 blocks, and electronic code book.

use super::key::Key;
use super::lanes::{Block, W};
use super::linear::{RoundKey, State, add, mix, shift, slice, unmix, unshift, unslice};
use super::sbox::{inverse, sbox, substitute};

/// Rounds with MixColumns.
#[inline(never)]
pub(super) fn rounds(state: &mut State, keys: &[RoundKey]) {
    for key in keys {
        for planes in state.as_chunks_mut::<8>().0 {
            *planes = sbox(*planes);
        }
        mix(state, key);
    }
}

/// The last round, and from bit planes to blocks.
#[inline(never)]
pub(super) fn finish(state: &mut State, key: &RoundKey) {
    state.as_chunks_mut::<8>().0.iter_mut().for_each(substitute);
    shift(state, key);
    unslice(state);
}

impl Key {
    /// Encrypts 32 blocks.
    #[inline(never)]
    pub(super) fn encrypt_batch(&self, state: &mut State) {
        slice(state);
        add(state, self.schedule().first());
        let (keys, last) = self.schedule().rest();
        rounds(state, keys);
        finish(state, last);
    }

    /// Decrypts 32 blocks.
    #[inline(never)]
    pub(super) fn decrypt_batch(&self, state: &mut State) {
        slice(state);
        let (keys, last) = self.schedule().rest();
        add(state, last);
        let mut keys = keys.iter().rev();
        loop {
            for planes in state.as_chunks_mut::<8>().0 {
                *planes = inverse(*planes);
            }
            let Some(key) = keys.next() else { break };
            unmix(state, key);
        }
        unshift(state, self.schedule().first());
        unslice(state);
    }

    /// Encrypts each block by itself (ECB).
    pub(crate) fn encrypt_blocks(&self, blocks: &mut [Block]) {
        each_batch(blocks, |state| self.encrypt_batch(state));
    }

    /// Decrypts each block by itself (ECB).
    pub(crate) fn decrypt_blocks(&self, blocks: &mut [Block]) {
        each_batch(blocks, |state| self.decrypt_batch(state));
    }
}

fn each_batch(blocks: &mut [Block], apply: impl Fn(&mut State)) {
    let mut state = [W::default(); 32];
    for blocks in blocks.chunks_mut(32) {
        for (lanes, block) in state.iter_mut().zip(blocks.iter()) {
            *lanes = W::load(block);
        }
        apply(&mut state);
        for (lanes, block) in state.iter().zip(blocks) {
            lanes.store(block);
        }
    }
}
