//! Small values and how the protocol writes them.

use crate::Error;
use crate::ids::decimal;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::fmt;
use std::str::FromStr;

/// An exact fraction `n/d`, as durations and frame rates are written; `d` is never 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fraction {
    numerator: u64,
    denominator: u64,
}

impl Fraction {
    /// `numerator / denominator`.
    ///
    /// # Errors
    /// [`Error::Value`] for a denominator of 0.
    pub fn new(numerator: u64, denominator: u64) -> Result<Self, Error> {
        if denominator == 0 { Err(Error::Value("fraction")) } else { Ok(Self { numerator, denominator }) }
    }

    /// The part above the line.
    pub fn numerator(self) -> u64 {
        self.numerator
    }

    /// The part below the line.
    pub fn denominator(self) -> u64 {
        self.denominator
    }

    /// The nearest floating-point number.
    pub fn as_f64(self) -> f64 {
        self.numerator as f64 / self.denominator as f64
    }
}

impl fmt::Display for Fraction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.numerator, self.denominator)
    }
}

impl FromStr for Fraction {
    type Err = Error;

    fn from_str(s: &str) -> Result<Self, Error> {
        let (n, d) = s.split_once('/').unwrap_or((s, "1"));
        match (decimal(n), decimal(d)) {
            (Some(n), Some(d)) => Self::new(n, d),
            _ => Err(Error::Value("fraction")),
        }
    }
}

/// Seconds with milliseconds, 0 to 999,999,999.999: `12.500`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Seconds(pub(crate) f64);

impl TryFrom<f64> for Seconds {
    type Error = Error;

    /// Rounds to milliseconds, as they are written.
    fn try_from(value: f64) -> Result<Self, Error> {
        let rounded = (value * 1000.0).round() / 1000.0;
        if value >= 0.0 && rounded < 1e9 { Ok(Self(rounded)) } else { Err(Error::Value("seconds")) }
    }
}

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = if self.0.is_finite() && self.0 > 0.0 { self.0 } else { 0.0 };
        write!(f, "{value:.3}")
    }
}

impl FromStr for Seconds {
    type Err = Error;

    fn from_str(s: &str) -> Result<Self, Error> {
        let plain = !s.is_empty() && s.len() <= 32 && s.bytes().all(|b| b.is_ascii_digit() || b == b'.');
        let value = s.parse::<f64>().ok().filter(|_| plain).ok_or(Error::Value("seconds"))?;
        Self::try_from(value)
    }
}

/// A Unix time in seconds, with milliseconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Moment(pub(crate) f64);

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = if self.0.is_finite() && self.0 > 0.0 { self.0 } else { 0.0 };
        write!(f, "{value:.3}")
    }
}

impl FromStr for Moment {
    type Err = Error;

    fn from_str(s: &str) -> Result<Self, Error> {
        let plain = !s.is_empty() && s.len() <= 32 && s.bytes().all(|b| b.is_ascii_digit() || b == b'.');
        // Before the year 5000.
        let value = s.parse::<f64>().ok().filter(|value| plain && *value < 1e11);
        value.map(|value| Self((value * 1000.0).round() / 1000.0)).ok_or(Error::Value("time"))
    }
}

/// An unsigned decimal number without sign or spaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Decimal(pub(crate) u64);

impl FromStr for Decimal {
    type Err = Error;

    fn from_str(s: &str) -> Result<Self, Error> {
        decimal(s).map(Self).ok_or(Error::Value("number"))
    }
}

/// What names a license's rules (`policyversion`), opaque to clients: 1 to 64 characters from `!` to `~`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PolicyVersion(pub(crate) String);

impl FromStr for PolicyVersion {
    type Err = Error;

    fn from_str(s: &str) -> Result<Self, Error> {
        let fits = (1..=64).contains(&s.len()) && s.bytes().all(|b| b.is_ascii_graphic());
        if fits { Ok(Self(s.to_owned())) } else { Err(Error::Value("policyversion")) }
    }
}

/// Octets in base64 with padding; white space between the letters is allowed.
pub(crate) fn base64_decode(text: &str, name: &'static str) -> Result<Vec<u8>, Error> {
    STANDARD.decode(text).or_else(|_| {
        let letters: String = text.split_ascii_whitespace().collect();
        STANDARD.decode(letters).map_err(|_| Error::Value(name))
    })
}

/// Octets as base64 with padding.
pub(crate) fn base64_encode(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// Text that people read, on one line: control characters and line ends become spaces, characters that turn
/// the direction of writing are left out, and white space at the ends goes.
///
/// Names come from devices and are shown to others: in lists, in logs, on terminals.
pub fn single_line(text: &str) -> String {
    let directions = |c: char| matches!(c, '\u{61C}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}');
    let breaks = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
    let line: String =
        text.chars().filter(|c| !directions(*c)).map(|c| if breaks(c) { ' ' } else { c }).collect();
    line.trim().to_owned()
}
