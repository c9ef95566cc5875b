/// A sample without its bytes: a coded picture, or a frame of sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sample {
    /// Number of bytes.
    pub size: u32,
    /// How long it lasts in decoding order.
    pub duration: u32,
    /// When it is presented. Before 0 where it primes the decoder.
    pub time: i64,
    /// Whether decoding can begin with it.
    pub sync: bool,
}
