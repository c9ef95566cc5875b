//! Cipher block chaining.

use super::key::Key;
use super::lanes::W;
use super::linear::{Blocks, State, unslice};
use crate::{Pattern, Span};

/// Protected blocks, gathered from wherever they lie.
struct Gathered {
    /// How many there are.
    len: usize,
    /// As they are in the data.
    blocks: Blocks,
    /// What each is combined with after decryption: its IV or the block before it.
    chain: Blocks,
    /// Where they come from.
    offsets: [usize; 32],
}

impl Key {
    /// Decrypts the blocks of the pattern in each span, in place. The spans lie inside the data.
    pub(crate) fn cbc_decrypt(&self, pattern: Pattern, spans: &[Span], data: &mut [u8]) {
        let mut state = [W::default(); 32];
        let mut gathered =
            Gathered { len: 0, blocks: [[0; 16]; 32], chain: [[0; 16]; 32], offsets: [0; 32] };
        for span in spans {
            let mut chain = span.iv;
            let (mut at, end) = (span.offset, span.offset + span.len);
            let mut left = pattern.crypt;
            while at + 16 <= end {
                if left == 0 {
                    at += 16 * usize::from(pattern.skip);
                    left = pattern.crypt;
                    if left == 0 {
                        break;
                    }
                    continue;
                }
                let batch = &mut gathered;
                let n = batch.len;
                let Some(block) = data[at..].first_chunk::<16>() else { break };
                batch.blocks[n] = *block;
                batch.chain[n] = chain;
                batch.offsets[n] = at;
                chain = *block;
                batch.len = n + 1;
                at += 16;
                left -= 1;
                if n == 31 {
                    self.flush(&mut gathered, &mut state, data);
                }
            }
        }
        self.flush(&mut gathered, &mut state, data);
    }

    fn flush(&self, gathered: &mut Gathered, state: &mut State, data: &mut [u8]) {
        if gathered.len == 0 {
            return;
        }
        self.decrypt_batch(&gathered.blocks, state);
        unslice(state, |n, block| {
            if n < gathered.len
                && let Some(out) = data[gathered.offsets[n]..].first_chunk_mut::<16>()
            {
                (block ^ W::load(&gathered.chain[n])).store(out);
            }
        });
        gathered.len = 0;
    }

    /// Encrypts the blocks of the pattern in each span, in place: each block needs the one before it, but the spans go side by side, up to
    /// 32 at once. The spans lie inside the data and do not overlap.
    pub(crate) fn cbc_encrypt(&self, pattern: Pattern, spans: &[Span], data: &mut [u8]) {
        let mut state = [W::default(); 32];
        for spans in spans.chunks(32) {
            let mut chain: Blocks = [[0; 16]; 32];
            for (chain, span) in chain.iter_mut().zip(spans) {
                *chain = span.iv;
            }
            for number in 0.. {
                let place = |span: &Span| place(pattern, span, number);
                let mut any = false;
                for (chain, span) in chain.iter_mut().zip(spans) {
                    let Some(at) = place(span) else { continue };
                    any = true;
                    let Some(block) = data[at..].first_chunk::<16>() else { continue };
                    (W::load(chain) ^ W::load(block)).store(chain);
                }
                if !any {
                    break;
                }
                self.encrypt_batch(&chain, &mut state);
                unslice(&mut state, |n, block| {
                    block.store(&mut chain[n]);
                });
                for (chain, span) in chain.iter().zip(spans) {
                    if let Some(at) = place(span) {
                        data[at..at + 16].copy_from_slice(chain);
                    }
                }
            }
        }
    }
}

/// Where the protected block of this number lies, if the span has it.
fn place(pattern: Pattern, span: &Span, number: usize) -> Option<usize> {
    let crypt = usize::from(pattern.crypt);
    let round = number.checked_div(crypt)?;
    let block = round * (crypt + usize::from(pattern.skip)) + number % crypt;
    (16 * block + 16 <= span.len).then_some(span.offset + 16 * block)
}

