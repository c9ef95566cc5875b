//! What a call is told: where, how much, under which IV.

/// A run of bytes that belong together under one IV.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Span {
    /// Its first byte in the data.
    pub offset: usize,
    /// Number of bytes.
    pub len: usize,
    /// CTR: counter block of the first byte. CBC: the IV.
    pub iv: [u8; 16],
    /// CTR: how many key stream bytes of that first block are used up already (0 to 15). CBC: 0.
    pub skip: u8,
}

/// How many 16-byte blocks are enciphered, then left, in turn (ISO/IEC 23001-7 §9.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pattern {
    /// Enciphered blocks of each round; where it is 0, nothing is.
    pub crypt: u8,
    /// Blocks left alone after them.
    pub skip: u8,
}

/// How much of a counter block counts, from its end; it wraps there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CounterWidth {
    /// The lower 64 bits, as in ISO/IEC 23001-7 §9.2.
    Bits64,
    /// All, as in NIST SP 800-38A.
    Bits128,
}

impl CounterWidth {
    #[cfg(any(test, all(target_arch = "wasm32", target_feature = "simd128")))]
    pub(crate) fn add(self, counter: u128, blocks: u64) -> u128 {
        match self {
            Self::Bits64 => counter >> 64 << 64 | u128::from((counter as u64).wrapping_add(blocks)),
            Self::Bits128 => counter.wrapping_add(u128::from(blocks)),
        }
    }
}

/// A span reaches past the data; nothing has been changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a span reaches past the data")]
pub struct OutOfBounds;

/// Refuses spans that reach past the data.
pub(crate) fn check(spans: &[Span], data: &[u8]) -> Result<(), OutOfBounds> {
    let inside = |span: &Span| span.offset.checked_add(span.len).is_some_and(|end| end <= data.len());
    if spans.iter().all(inside) { Ok(()) } else { Err(OutOfBounds) }
}
