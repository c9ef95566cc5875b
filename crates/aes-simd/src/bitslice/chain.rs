//! Cipher block chaining.

use super::key::Key;
use super::lanes::{Block, W};
use super::linear::State;
use crate::{Pattern, Span};

/// Protected blocks, gathered from wherever they lie.
struct Gathered {
    /// How many there are.
    len: usize,
    blocks: State,
    /// What each is combined with after decryption: its IV or the block before it.
    chain: State,
    /// Where they come from.
    offsets: [usize; 32],
}

impl Key {
    /// Decrypts the blocks of the pattern in each span, in place. The spans lie inside the data.
    pub(crate) fn cbc_decrypt(&self, pattern: Pattern, spans: &[Span], data: &mut [u8]) {
        let none = [W::default(); 32];
        let mut gathered = Gathered { len: 0, blocks: none, chain: none, offsets: [0; 32] };
        let (crypt, skip) = (usize::from(pattern.crypt), usize::from(pattern.skip));
        for span in spans {
            let mut chain = W::load(&span.iv);
            let mut rest = span.offset..span.offset + span.len;
            let mut left = crypt;
            while rest.len() >= 16 && crypt > 0 {
                if skip == 0
                    && gathered.len == 0
                    && let Some(bytes) = data[rest.clone()].first_chunk_mut::<512>()
                {
                    chain = self.cbc_decrypt_batch(chain, bytes);
                    rest.start += 512;
                    continue;
                }
                let at = rest.start;
                rest.start += 16;
                let Some(block) = data[at..].first_chunk() else { break };
                let block = W::load(block);
                let n = gathered.len & 31;
                gathered.blocks[n] = block;
                gathered.chain[n] = chain;
                gathered.offsets[n] = at;
                gathered.len = n + 1;
                chain = block;
                if n == 31 {
                    self.flush(&mut gathered, data);
                }
                left -= 1;
                if left == 0 {
                    left = crypt;
                    rest.start += 16 * skip;
                }
            }
        }
        self.flush(&mut gathered, data);
    }

    /// Decrypts 32 blocks that follow each other; gives the last as it was.
    fn cbc_decrypt_batch(&self, mut chain: W, bytes: &mut [u8; 512]) -> W {
        let blocks = bytes.as_chunks_mut::<16>().0;
        let mut state = [W::default(); 32];
        for (lanes, block) in state.iter_mut().zip(blocks.iter()) {
            *lanes = W::load(block);
        }
        self.decrypt_batch(&mut state);
        for (lanes, block) in state.iter().zip(blocks) {
            let next = W::load(block);
            (*lanes ^ chain).store(block);
            chain = next;
        }
        chain
    }

    #[inline(never)]
    fn flush(&self, gathered: &mut Gathered, data: &mut [u8]) {
        let Gathered { len, blocks, chain, offsets } = gathered;
        if *len > 0 {
            self.decrypt_batch(blocks);
        }
        for ((block, chain), at) in blocks.iter().zip(chain).zip(offsets).take(*len) {
            if let Some(out) = data[*at..].first_chunk_mut() {
                (*block ^ *chain).store(out);
            }
        }
        *len = 0;
    }

    /// Encrypts the blocks of the pattern in each span, in place: each block needs the one before it, but the
    /// spans go side by side, up to 32 at once. The spans lie inside the data and do not overlap.
    pub(crate) fn cbc_encrypt(&self, pattern: Pattern, spans: &[Span], data: &mut [u8]) {
        for spans in spans.chunks(32) {
            let mut state = [W::default(); 32];
            for (chain, span) in state.iter_mut().zip(spans) {
                *chain = W::load(&span.iv);
            }
            for number in 0.. {
                let mut any = false;
                for (chain, span) in state.iter_mut().zip(spans) {
                    if let Some(block) = place(pattern, span, number, data) {
                        any = true;
                        *chain ^= W::load(block);
                    }
                }
                if !any {
                    break;
                }
                self.encrypt_batch(&mut state);
                for (chain, span) in state.iter().zip(spans) {
                    if let Some(block) = place(pattern, span, number, data) {
                        chain.store(block);
                    }
                }
            }
        }
    }
}

/// The protected block of this number, if the span has it.
fn place<'a>(pattern: Pattern, span: &Span, number: usize, data: &'a mut [u8]) -> Option<&'a mut Block> {
    let crypt = usize::from(pattern.crypt);
    let round = number.checked_div(crypt)?;
    let block = round * (crypt + usize::from(pattern.skip)) + number % crypt;
    data[span.offset..span.offset + span.len].get_mut(16 * block..)?.first_chunk_mut()
}
