//! Where a film's licenses come from.

use license::Domain;
use std::fmt;
use std::str::FromStr;

/// Where a film's licenses come from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LicenseMode {
    /// From the license server, for one device and one challenge.
    #[default]
    Server,
    /// Along with the DRM metadata, for every device of a domain; from the license server where that one does
    /// not serve.
    Embedded(Domain),
}

impl LicenseMode {
    /// The domain of an embedded license.
    pub fn domain(self) -> Option<Domain> {
        match self {
            Self::Server => None,
            Self::Embedded(domain) => Some(domain),
        }
    }
}

impl fmt::Display for LicenseMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Server => f.write_str("server"),
            Self::Embedded(domain) => write!(f, "embedded-{domain}"),
        }
    }
}

impl FromStr for LicenseMode {
    type Err = UnknownMode;

    /// `server`, `embedded` (for the domain `all`), or `embedded-` and a domain.
    fn from_str(text: &str) -> Result<Self, UnknownMode> {
        match text {
            "server" => Ok(Self::Server),
            "embedded" => Ok(Self::Embedded(Domain::All)),
            _ => {
                let domain = text.strip_prefix("embedded-").and_then(|domain| domain.parse().ok());
                domain.map(Self::Embedded).ok_or(UnknownMode)
            }
        }
    }
}

/// No mode of that name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be server, embedded, embedded-browser, embedded-box or embedded-all")]
pub struct UnknownMode;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_are_written_as_they_are_read() {
        for mode in Domain::ALL.map(LicenseMode::Embedded).into_iter().chain([LicenseMode::Server]) {
            assert_eq!(mode.to_string().parse(), Ok(mode));
        }
        assert_eq!("embedded".parse(), Ok(LicenseMode::Embedded(Domain::All)));
        for other in ["", "Server", "embedded-", "embedded-tv"] {
            assert_eq!(other.parse::<LicenseMode>(), Err(UnknownMode), "{other}");
        }
    }
}
