use core::fmt;
use core::str::FromStr;

use crate::Error;
use crate::cbor::{Cbor, Reader, Writer};

/// Version of the DRM module: `major.minor.patch`, decimal, compared as numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    /// First number.
    pub major: u32,
    /// Second number.
    pub minor: u32,
    /// Third number.
    pub patch: u32,
}

impl Version {
    /// The version of these three numbers.
    pub const fn new(major: u32, minor: u32, patch: u32) -> Self {
        Self { major, minor, patch }
    }
}

impl FromStr for Version {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let mut numbers = text.split('.').map(|part| part.parse::<u32>().map_err(|_| Error::Malformed));
        let mut next = || numbers.next().unwrap_or(Err(Error::Malformed));
        let version = Self::new(next()?, next()?, next()?);
        // One text for one version: no sign, no leading zero, no fourth number.
        if version.to_string() == text { Ok(version) } else { Err(Error::Malformed) }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

impl Cbor for Version {
    fn write(&self, out: &mut Writer) {
        out.text(&self.to_string());
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Error> {
        reader.text()?.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_compare_as_numbers() {
        let v = |text: &str| text.parse::<Version>().unwrap();
        assert!(v("0.10.0") > v("0.9.9"));
        assert_eq!(v("1.2.3").to_string(), "1.2.3");
        for bad in ["", "1", "1.2", "1.2.3.4", "01.2.3", "+1.2.3", "1.2.x", "1.2.3 ", "4294967296.0.0"] {
            assert_eq!(bad.parse::<Version>(), Err(Error::Malformed), "{bad}");
        }
    }
}
