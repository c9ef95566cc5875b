use core::fmt;
use core::str::FromStr;

/// Which samples of a video are encrypted. Audio is always encrypted whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Level {
    /// Every sample.
    #[default]
    High,
    /// Sync samples and those that others refer to.
    Medium,
    /// Sync samples.
    Low,
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::High => "high",
            Self::Medium => "medium",
            Self::Low => "low",
        })
    }
}

impl FromStr for Level {
    type Err = &'static str;

    /// On error, the words that would have been understood.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "high" => Ok(Self::High),
            "medium" => Ok(Self::Medium),
            "low" => Ok(Self::Low),
            _ => Err("expected one of: high, medium, low"),
        }
    }
}
