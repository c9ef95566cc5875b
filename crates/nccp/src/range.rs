//! Byte ranges, as the manifest, the `Range` header and the path form write them: inclusive `a-b`.

use crate::Error;
use crate::ids::decimal;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// Octets `first` to `last`, both included; never empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ByteRange {
    first: u64,
    last: u64,
}

impl ByteRange {
    /// Octets `first` to `last`, both included.
    ///
    /// # Errors
    /// [`Error::Value`] when `last < first`, or when the length would not fit a `u64`.
    pub fn new(first: u64, last: u64) -> Result<Self, Error> {
        if first <= last && last - first < u64::MAX {
            Ok(Self { first, last })
        } else {
            Err(Error::Value("range"))
        }
    }

    /// First octet.
    pub fn first(self) -> u64 {
        self.first
    }

    /// Last octet, included.
    pub fn last(self) -> u64 {
        self.last
    }

    /// Number of octets.
    pub fn length(self) -> u64 {
        self.last - self.first + 1
    }

    /// Cuts the range to a file of `size` octets; `None` when it begins at or after its end.
    pub fn clamp(self, size: u64) -> Option<Self> {
        (self.first < size).then(|| Self { first: self.first, last: self.last.min(size - 1) })
    }
}

impl FromStr for ByteRange {
    type Err = Error;

    fn from_str(s: &str) -> Result<Self, Error> {
        let (first, last) = s.split_once('-').ok_or(Error::Value("range"))?;
        match (decimal(first), decimal(last)) {
            (Some(first), Some(last)) => Self::new(first, last),
            _ => Err(Error::Value("range")),
        }
    }
}

impl fmt::Display for ByteRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.first, self.last)
    }
}

impl TryFrom<String> for ByteRange {
    type Error = Error;

    fn try_from(s: String) -> Result<Self, Error> {
        s.parse()
    }
}

impl From<ByteRange> for String {
    fn from(range: ByteRange) -> Self {
        range.to_string()
    }
}

/// What a `Range` request header asks for (RFC 9110, section 14.2), where it is one that a server should
/// honour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RangeHeader {
    /// `bytes=a-b`.
    Bounded(ByteRange),
    /// `bytes=a-`.
    From(u64),
    /// `bytes=-n`: the last n octets.
    Suffix(u64),
}

impl RangeHeader {
    /// Reads the header's value; `None` means "ignore it", as for any unit but bytes and any syntax error.
    ///
    /// Several ranges are ignored, too, as section 14.2 lets servers: the answer is the whole file, once,
    /// however many there are and however they overlap, and a cache on the way can cut its answer from that.
    pub fn parse(value: &str) -> Option<Self> {
        let (unit, set) = value.split_once('=')?;
        if !unit.trim().eq_ignore_ascii_case("bytes") {
            return None;
        }
        let (first, last) = set.trim().split_once('-')?;
        match (first, last) {
            ("", n) => decimal(n).map(Self::Suffix),
            (a, "") => decimal(a).map(Self::From),
            (a, b) => ByteRange::new(decimal(a)?, decimal(b)?).ok().map(Self::Bounded),
        }
    }

    /// The octets of a file of `size` octets that are meant; `None` when there are none (416).
    pub fn resolve(self, size: u64) -> Option<ByteRange> {
        let last = size.checked_sub(1)?;
        match self {
            Self::Bounded(range) => range.clamp(size),
            Self::From(first) => ByteRange::new(first, last).ok(),
            Self::Suffix(0) => None,
            Self::Suffix(n) => ByteRange::new(size.saturating_sub(n), last).ok(),
        }
    }
}

/// Puts a range into a media URL's path: `…/1811192541.mp4?p=…` becomes `…/1811192541.mp4/range/a-b?p=…`. The
/// token stays valid, since it covers the path only up to the file's name. For caches and clients that cannot
/// send `Range`.
pub fn with_range(url: &str, range: ByteRange) -> String {
    let at = url.find(['?', '#']).unwrap_or(url.len());
    let (path, rest) = url.split_at(at);
    format!("{path}/range/{range}{rest}")
}
