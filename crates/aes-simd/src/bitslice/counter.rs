//! Counter mode.
//!
//! Counter blocks that differ in their last byte only differ, after round 1, in one column, and enter round
//! 2's MixColumns with one byte in each. So for each run of 256 such blocks, rounds 1 and 2 are done once,
//! but for a table of the last byte and a quarter of round 2's S-boxes (the idea: Bernstein and Schwabe, "New
//! AES software speed records", INDOCRYPT 2008, §3).

use super::batch::{finish, rounds};
use super::key::Key;
use super::lanes::{Block, W};
use super::linear::{State, add, slice, xtime};
use super::sbox::substitute;
use crate::{CounterWidth, Span};

/// Counter blocks of which only the last byte differs, and where their key stream goes.
#[derive(Clone, Copy, Default)]
struct Run {
    /// With 0 as last byte.
    block: Block,
    /// The first and one past the last of those that are used, 0 to 256.
    first: usize,
    end: usize,
    /// The data's bytes: from, to.
    from: usize,
    to: usize,
    /// Bytes of the first block's key stream that are not used.
    skip: usize,
}

/// Fewer blocks of a batch than these go one by one, with others.
const WORTH: usize = 26;

impl Run {
    /// Where the key stream of block `n` goes: data offset, bytes left out in front, length.
    fn piece(&self, n: usize) -> (usize, usize, usize) {
        let skip = if n == self.first { self.skip } else { 0 };
        let from = if n == self.first { self.from } else { self.from + 16 * (n - self.first) - self.skip };
        (from, skip, (16 - skip).min(self.to - from))
    }

    /// The blocks of batch `t`.
    fn batch(&self, t: usize) -> core::ops::Range<usize> {
        self.first.max(32 * t)..self.end.min(32 * t + 32)
    }

    fn batches(&self) -> core::ops::Range<usize> {
        self.first / 32..self.end.div_ceil(32)
    }

    fn is_fast(&self) -> bool {
        self.batches().filter(|&t| self.batch(t).len() >= WORTH).count() >= 2
    }
}

/// Blocks that are encrypted one by one, 32 at a time.
struct Singles {
    len: usize,
    counters: State,
    pieces: [(usize, usize, usize); 32],
}

/// What the blocks of 32 runs have in common.
struct Common {
    /// First column before round 2's S-boxes, without the part of the last byte; lane `r` is row `r`, bit `n`
    /// of a lane is run `n`.
    column: [W; 8],
    /// All after round 2, without the part of the first column.
    state: State,
}

impl Key {
    /// Applies the key stream to each span, in place. The spans lie inside the data.
    pub(crate) fn ctr(&self, width: CounterWidth, spans: &[Span], data: &mut [u8]) {
        let mut runs = [Run::default(); 32];
        let mut waiting = 0;
        let mut singles = Singles { len: 0, counters: [W::default(); 32], pieces: [(0, 0, 0); 32] };
        for span in spans {
            let mut counter = u128::from_be_bytes(span.iv);
            let (mut from, end) = (span.offset, span.offset + span.len);
            let mut skip = usize::from(span.skip & 15);
            while from < end {
                let first = counter as usize & 255;
                let blocks = (skip + end - from).div_ceil(16).min(256 - first);
                let to = end.min(from + 16 * blocks - skip);
                let block = (counter & !255).to_be_bytes();
                let run = Run { block, first, end: first + blocks, from, to, skip };
                if run.is_fast() {
                    runs[waiting] = run;
                    waiting += 1;
                    if waiting == 32 {
                        self.fast(&runs, &mut singles, data);
                        waiting = 0;
                    }
                } else {
                    self.singly(&run, run.first..run.end, &mut singles, data);
                }
                counter = width.add(counter, blocks as u64);
                from = to;
                skip = 0;
            }
        }
        if waiting > 0 {
            self.fast(&runs[..waiting], &mut singles, data);
        }
        self.flush_singles(&mut singles, data);
    }

    /// Up to 32 runs.
    fn fast(&self, runs: &[Run], singles: &mut Singles, data: &mut [u8]) {
        let common = self.common(runs);
        let mut base = [W::default(); 32];
        let mut state = [W::default(); 32];
        for (n, run) in runs.iter().enumerate() {
            let n = n as u32;
            let column = common.column.map(|plane| plane.mask_of_bit(n));
            for (mask, plane) in base.iter_mut().zip(&common.state) {
                *mask = plane.mask_of_bit(n);
            }
            for t in run.batches() {
                let blocks = run.batch(t);
                if blocks.len() < WORTH {
                    self.singly(run, blocks, singles, data);
                    continue;
                }
                self.key_stream(t, &column, &base, &mut state);
                let whole = (blocks.len() == 32).then(|| run.piece(blocks.start));
                let whole = whole.filter(|(from, _, len)| *len == 16 && run.to - from >= 512);
                match whole.and_then(|(from, ..)| data[from..].first_chunk_mut::<512>()) {
                    Some(bytes) => {
                        for (block, stream) in bytes.as_chunks_mut::<16>().0.iter_mut().zip(&state) {
                            (*stream ^ W::load(block)).store(block);
                        }
                    }
                    None => {
                        for n in blocks {
                            combine(data, run.piece(n), state[n % 32]);
                        }
                    }
                }
            }
        }
    }

    /// Rounds 1 and 2 of up to 32 runs.
    #[inline(never)]
    fn common(&self, runs: &[Run]) -> Common {
        let mut state = [W::default(); 32];
        for (lanes, run) in state.iter_mut().zip(runs) {
            *lanes = W::load(&run.block);
        }
        slice(&mut state);
        add(&mut state, self.schedule().first());
        let (keys, _) = self.schedule().rest();
        // The S-box without its constant makes 0 of 0, so what is cleared has no part in what follows. First
        // the last byte:
        for plane in &mut state[24..] {
            *plane = plane.with_lane::<3>(W::default());
        }
        rounds(&mut state, &keys[..1]);
        let column =
            core::array::from_fn(|b| W::from_words(core::array::from_fn(|r| state[8 * r + b].words()[0])));
        for plane in &mut state {
            *plane = plane.with_lane::<0>(W::default());
        }
        rounds(&mut state, &keys[1..2]);
        Common { column, state }
    }

    /// The key stream of batch `t` of a run.
    #[inline(never)]
    fn key_stream(&self, t: usize, column: &[W; 8], base: &State, state: &mut State) {
        let table = &self.schedule().counters[t];
        let mut s = core::array::from_fn(|b| column[b] ^ table[b]);
        substitute(&mut s);
        // ShiftRows: row r goes to column -r.
        let one = s.map(W::negate_lanes);
        let two = xtime(one);
        for b in 0..8 {
            let (one, two) = (one[b], two[b]);
            let three = one ^ two;
            state[b] = one.with_lane::<0>(two).with_lane::<3>(three) ^ base[b];
            state[8 + b] = one.with_lane::<3>(two).with_lane::<2>(three) ^ base[8 + b];
            state[16 + b] = one.with_lane::<2>(two).with_lane::<1>(three) ^ base[16 + b];
            state[24 + b] = one.with_lane::<1>(two).with_lane::<0>(three) ^ base[24 + b];
        }
        let (keys, last) = self.schedule().rest();
        rounds(state, &keys[2..]);
        finish(state, last);
    }

    fn singly(&self, run: &Run, blocks: core::ops::Range<usize>, singles: &mut Singles, data: &mut [u8]) {
        for n in blocks {
            let at = singles.len & 31;
            let mut counter = run.block;
            counter[15] = n as u8;
            singles.counters[at] = W::load(&counter);
            singles.pieces[at] = run.piece(n);
            singles.len = at + 1;
            if at == 31 {
                self.flush_singles(singles, data);
            }
        }
    }

    #[inline(never)]
    fn flush_singles(&self, singles: &mut Singles, data: &mut [u8]) {
        if singles.len == 0 {
            return;
        }
        self.encrypt_batch(&mut singles.counters);
        for (piece, stream) in singles.pieces.iter().zip(&singles.counters).take(singles.len) {
            combine(data, *piece, *stream);
        }
        singles.len = 0;
    }
}

/// Adds the key stream block to the piece of data.
#[inline(always)]
fn combine(data: &mut [u8], (from, skip, len): (usize, usize, usize), stream: W) {
    let Some(piece) = data.get_mut(from..from + len) else { return };
    if let Ok(piece) = <&mut Block>::try_from(&mut *piece) {
        (stream ^ W::load(piece)).store(piece);
        return;
    }
    let mut bytes = [0; 16];
    stream.store(&mut bytes);
    for (byte, stream) in piece.iter_mut().zip(&bytes[skip..]) {
        *byte ^= stream;
    }
}
