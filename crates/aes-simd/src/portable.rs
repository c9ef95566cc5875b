//! The same on the `aes` crate: AES instructions where the machine has them, fixsliced software elsewhere.

use cbc::Decryptor;
use cipher::{
    Array, BlockCipherDecrypt, BlockCipherEncrypt, BlockModeDecrypt, InnerIvInit, KeyInit, StreamCipher,
    StreamCipherCoreWrapper,
};
use ctr::{CtrCore, flavors};

use crate::{CounterWidth, Pattern, Span};

ciphers!(Key);

type Block = [u8; 16];

/// How many blocks are gathered before one call of the block cipher: a multiple of every backend's width.
const BATCH: usize = 64;

/// How many spans are chained side by side: a block of a chain waits for the one before it, and not for those
/// of other chains, so that the processor always has something to do.
const LANES: usize = 16;

/// A span that is being enciphered as a chain of blocks.
#[derive(Debug, Clone, Copy, Default)]
struct Chain {
    iv: Block,
    /// Where its next block begins.
    at: usize,
    /// Where the span ends.
    end: usize,
    /// Blocks before the next ones that the pattern leaves alone.
    left: u8,
}

impl Chain {
    /// `None`: nothing of the span is enciphered.
    fn new(span: &Span, pattern: Pattern) -> Option<Self> {
        let this = Self { iv: span.iv, at: span.offset, end: span.offset + span.len, left: pattern.crypt };
        (pattern.crypt > 0 && span.len >= 16).then_some(this)
    }

    /// On to the next block; false: there is none.
    fn advance(&mut self, pattern: Pattern) -> bool {
        self.at += 16;
        self.left -= 1;
        if self.left == 0 {
            self.at += usize::from(pattern.skip) * 16;
            self.left = pattern.crypt;
        }
        self.at.checked_add(16).is_some_and(|end| end <= self.end)
    }
}

/// An expanded key, wiped when dropped.
pub(crate) enum Key {
    Aes128(aes::Aes128),
    Aes256(aes::Aes256),
}

macro_rules! with {
    ($key:expr, $cipher:ident => $call:expr) => {
        match $key {
            Key::Aes128($cipher) => $call,
            Key::Aes256($cipher) => $call,
        }
    };
}

impl Key {
    /// Expands a key of 16 or 32 bytes.
    pub(crate) fn new(key: &[u8]) -> Self {
        match (<&[u8; 16]>::try_from(key), <&[u8; 32]>::try_from(key)) {
            (_, Ok(key)) => Self::Aes256(aes::Aes256::new(key.into())),
            (Ok(key), _) => Self::Aes128(aes::Aes128::new(key.into())),
            _ => unreachable!("a key of 16 or 32 bytes"),
        }
    }

    pub(crate) fn encrypt_blocks(&self, blocks: &mut [Block]) {
        with!(self, cipher => cipher.encrypt_blocks(Array::cast_slice_from_core_mut(blocks)));
    }

    pub(crate) fn decrypt_blocks(&self, blocks: &mut [Block]) {
        with!(self, cipher => cipher.decrypt_blocks(Array::cast_slice_from_core_mut(blocks)));
    }

    pub(crate) fn ctr(&self, width: CounterWidth, spans: &[Span], data: &mut [u8]) {
        for span in spans {
            let bytes = &mut data[span.offset..span.offset + span.len];
            let (iv, skip) = (&span.iv.into(), &mut [0; 16][..usize::from(span.skip & 15)]);
            with!(self, cipher => match width {
                CounterWidth::Bits64 => {
                    let core = CtrCore::<_, flavors::Ctr64BE>::inner_iv_init(cipher, iv);
                    stream(StreamCipherCoreWrapper::from_core(core), skip, bytes);
                }
                CounterWidth::Bits128 => {
                    let core = CtrCore::<_, flavors::Ctr128BE>::inner_iv_init(cipher, iv);
                    stream(StreamCipherCoreWrapper::from_core(core), skip, bytes);
                }
            });
        }
    }

    pub(crate) fn cbc_encrypt(&self, pattern: Pattern, spans: &[Span], data: &mut [u8]) {
        let mut waiting = spans.iter().filter_map(|span| Chain::new(span, pattern));
        let mut chains = [Chain::default(); LANES];
        let mut states = [[0; 16]; LANES];
        let mut count = 0;
        loop {
            while count < LANES
                && let Some(chain) = waiting.next()
            {
                (chains[count], states[count]) = (chain, chain.iv);
                count += 1;
            }
            if count == 0 {
                return;
            }
            for (state, chain) in states[..count].iter_mut().zip(&chains) {
                let block = &data[chain.at..chain.at + 16];
                state.iter_mut().zip(block).for_each(|(state, octet)| *state ^= octet);
            }
            self.encrypt_blocks(&mut states[..count]);
            let mut lane = 0;
            while lane < count {
                let chain = &mut chains[lane];
                data[chain.at..chain.at + 16].copy_from_slice(&states[lane]);
                if chain.advance(pattern) {
                    lane += 1;
                } else {
                    // The last one takes its place, and has its turn there.
                    count -= 1;
                    chains.swap(lane, count);
                    states.swap(lane, count);
                }
            }
        }
    }

    pub(crate) fn cbc_decrypt(&self, pattern: Pattern, spans: &[Span], data: &mut [u8]) {
        for span in spans {
            let bytes = &mut data[span.offset..span.offset + span.len];
            let iv = &span.iv.into();
            with!(self, cipher => decrypt_span(Decryptor::inner_iv_init(cipher, iv), pattern, bytes));
        }
    }
}

fn stream(mut stream: impl StreamCipher, skip: &mut [u8], bytes: &mut [u8]) {
    stream.apply_keystream(skip);
    stream.apply_keystream(bytes);
}

fn decrypt_span(
    mut mode: impl BlockModeDecrypt<BlockSize = cipher::consts::U16>,
    pattern: Pattern,
    data: &mut [u8],
) {
    if pattern.skip == 0 && pattern.crypt > 0 {
        let whole = data.len() / 16 * 16;
        for batch in data[..whole].chunks_mut(BATCH * 16) {
            mode.decrypt_blocks(Array::cast_slice_from_core_mut(batch.as_chunks_mut::<16>().0));
        }
        return;
    }
    // The protected blocks lie apart; gathered, the cipher takes several at a time.
    let crypt = usize::from(pattern.crypt) * 16;
    let mut gathered = [[0u8; 16]; BATCH];
    let mut starts = (0..data.len())
        .step_by(stride(pattern))
        .flat_map(|at| (at..at + crypt).step_by(16))
        .take_while(|at| at + 16 <= data.len())
        .collect::<alloc::vec::Vec<usize>>()
        .into_iter()
        .peekable();
    while starts.peek().is_some() {
        let mut offsets = [0; BATCH];
        let mut len = 0;
        for at in starts.by_ref().take(BATCH) {
            gathered[len].copy_from_slice(&data[at..at + 16]);
            offsets[len] = at;
            len += 1;
        }
        mode.decrypt_blocks(Array::cast_slice_from_core_mut(&mut gathered[..len]));
        for (block, &at) in gathered[..len].iter().zip(&offsets) {
            data[at..at + 16].copy_from_slice(block);
        }
    }
}

/// Bytes of one round of the pattern; never 0.
fn stride(pattern: Pattern) -> usize {
    (usize::from(pattern.crypt) + usize::from(pattern.skip)).max(1) * 16
}
