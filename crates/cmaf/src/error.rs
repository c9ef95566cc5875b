/// Why samples cannot be made into CMAF. Displays in words that fit behind the name of the source.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The decoder configuration cannot be read.
    #[error("{0}")]
    Configuration(String),
    /// The bitstream of a sample cannot be read.
    #[error("sample {sample} of the video: {what}")]
    Bitstream {
        /// Number of the sample in decoding order, from 0.
        sample: u64,
        /// What is wrong.
        what: String,
    },
    /// A segment does not begin with a picture that decoding can begin with.
    #[error("the segment at {time} ticks does not begin with a random access point")]
    OpenGop {
        /// Presentation time of its first sample.
        time: i64,
    },
    /// The composition offset does not fit into 32 bits.
    #[error("a sample shown hours after it is decoded")]
    Composition,
    /// A segment is to be encrypted, and the key of its rotation period is not there.
    #[error("there is no key for rotation period {period}")]
    NoKey {
        /// The period.
        period: usize,
    },
    /// There are not as many bytes as the samples say.
    #[error("samples of {expected} bytes came with {found}")]
    MediaSize {
        /// What the samples add up to.
        expected: u64,
        /// What came.
        found: u64,
    },
    /// An index cannot say it.
    #[error("a segment of over 2 GiB, or more than 65,535 of them")]
    Index,
    /// A fragment that boxes cannot describe.
    #[error(transparent)]
    Boxes(#[from] isobmff::Error),
    /// Subsamples that do not fit.
    #[error(transparent)]
    Cenc(#[from] cenc::Error),
}
