//! Identifiers that cross the wire.

use crate::Error;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// The first integer that a JavaScript number cannot count past: ids and sequence numbers stay below it.
pub const MAX_INTEGER: u64 = 1 << 53;

/// Number of a movie, below 2^53 so that it survives JSON in a browser.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u64", into = "u64")]
pub struct MovieId(u64);

impl MovieId {
    /// The number itself.
    pub fn get(self) -> u64 {
        self.0
    }
}

impl TryFrom<u64> for MovieId {
    type Error = Error;

    fn try_from(value: u64) -> Result<Self, Error> {
        if value < MAX_INTEGER { Ok(Self(value)) } else { Err(Error::Value("movie_id")) }
    }
}

impl From<MovieId> for u64 {
    fn from(id: MovieId) -> Self {
        id.0
    }
}

impl FromStr for MovieId {
    type Err = Error;

    fn from_str(s: &str) -> Result<Self, Error> {
        Self::try_from(decimal(s).ok_or(Error::Value("movie_id"))?)
    }
}

impl fmt::Display for MovieId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Number of a request, below 2^53, from one counter per device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u64", into = "u64")]
pub struct Sequence(u64);

impl Sequence {
    /// The number itself.
    pub fn get(self) -> u64 {
        self.0
    }
}

impl TryFrom<u64> for Sequence {
    type Error = Error;

    fn try_from(value: u64) -> Result<Self, Error> {
        if value < MAX_INTEGER { Ok(Self(value)) } else { Err(Error::Value("sequence")) }
    }
}

impl From<Sequence> for u64 {
    fn from(sequence: Sequence) -> Self {
        sequence.0
    }
}

impl FromStr for Sequence {
    type Err = Error;

    fn from_str(s: &str) -> Result<Self, Error> {
        Self::try_from(decimal(s).ok_or(Error::Value("sequence"))?)
    }
}

impl fmt::Display for Sequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Name of a device: `d-` and 1 to 64 letters, digits, `-` or `_`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DeviceId(String);

impl DeviceId {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for DeviceId {
    type Error = Error;

    fn try_from(value: String) -> Result<Self, Error> {
        let tail = value.strip_prefix("d-").ok_or(Error::Value("device"))?;
        let ok = (1..=64).contains(&tail.len())
            && tail.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        if ok { Ok(Self(value)) } else { Err(Error::Value("device")) }
    }
}

impl From<DeviceId> for String {
    fn from(id: DeviceId) -> Self {
        id.0
    }
}

impl FromStr for DeviceId {
    type Err = Error;

    fn from_str(s: &str) -> Result<Self, Error> {
        Self::try_from(s.to_owned())
    }
}

impl fmt::Display for DeviceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Digits only: no sign, no white space, which `u64::from_str` would take in part.
pub(crate) fn decimal(s: &str) -> Option<u64> {
    if s.is_empty() || !s.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    s.parse().ok()
}
