/// What can be wrong with keys, names, IVs and protected ranges.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Not 32 hexadecimal digits (hyphens between them are allowed in a KID).
    #[error("not a 16-byte value in hexadecimal")]
    NotHex16,
    /// `KID:KEY` without its colon or with a malformed half. Never quotes the text: it may hold a key.
    #[error("not of the form KID:KEY, 32 hexadecimal digits each")]
    NotKidAndKey,
    /// A key of another length than 16 bytes.
    #[error("a key has 16 bytes, not {0}")]
    KeyLength(usize),
    /// An empty name, or a byte outside 0x21 to 0x7E.
    #[error("{what} must be one or more printable ASCII characters without spaces")]
    Name {
        /// Which name: "content id" or "label".
        what: &'static str,
    },
    /// A field of the IV derivation is longer than its u16 length prefix can say.
    #[error("a name of {0} bytes is too long")]
    NameLength(usize),
    /// IVs have 8 or 16 bytes.
    #[error("an IV has 8 or 16 bytes, not {0}")]
    IvLength(usize),
    /// A wholly encrypted segment has no whole number of blocks, or its padding is not what was encrypted
    /// under this key and IV.
    #[error("not a segment that was encrypted whole under this key and IV")]
    Padding,
    /// The scheme is neither `cenc` nor `cbcs`.
    #[error("unknown protection scheme")]
    UnknownScheme,
    /// The subsamples' lengths do not add up to the sample's size.
    #[error("subsamples cover {covered} bytes of a sample of {size}")]
    SubsampleSum {
        /// Sum of clear and protected lengths.
        covered: u64,
        /// Size of the sample.
        size: u64,
    },
    /// A protected range reaches past the end of the data.
    #[error("protected bytes {offset}+{len} lie outside the data of {available} bytes")]
    OutOfBounds {
        /// First byte of the range.
        offset: usize,
        /// Its length.
        len: usize,
        /// Size of the data.
        available: usize,
    },
}
