/// Where in a track the next fragment begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// Fragments before it.
    pub fragments: u32,
    /// Samples before it; IVs count from there.
    pub samples: u64,
    /// Decoding time of its first sample.
    pub decode_time: i64,
}

impl Position {
    /// The beginning of a track. Decoding begins with the time at which the first sample is shown, priming
    /// added: offsets are signed.
    pub const fn first(decode_time: i64) -> Self {
        Self { fragments: 0, samples: 0, decode_time }
    }
}
