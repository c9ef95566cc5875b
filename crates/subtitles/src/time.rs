//! Times.

use std::fmt;

/// Milliseconds from the film's beginning.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(pub u64);

/// Displays as `00:00:01.500`.
impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(ms) = self;
        write!(f, "{:02}:{:02}:{:02}.{:03}", ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60, ms % 1000)
    }
}

/// Reads `hours:mm:ss.mmm` or `mm:ss.mmm`; SubRip's comma is taken, too, and fewer digits behind it.
pub fn time(text: &str) -> Option<Time> {
    let (whole, fraction) = text.split_once(['.', ',']).unwrap_or((text, "0"));
    let number = |text: &str, digits: std::ops::RangeInclusive<usize>| {
        let plain = digits.contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        plain.then(|| text.parse::<u64>().ok()).flatten()
    };
    let sixtieth = |text| number(text, 1..=2).filter(|n| *n < 60);
    let mut parts = whole.rsplit(':');
    let (seconds, minutes) = (sixtieth(parts.next()?)?, sixtieth(parts.next()?)?);
    let hours = parts.next().map_or(Some(0), |hours| number(hours, 1..=4))?;
    if parts.next().is_some() {
        return None;
    }
    let ms = number(fraction, 1..=3)? * 10u64.pow(3 - fraction.len() as u32);
    Some(Time(((hours * 60 + minutes) * 60 + seconds) * 1000 + ms))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        for (text, ms) in [
            ("00:00:01.500", 1500),
            ("00:01,5", 1500),
            ("1:00:00,000", 3_600_000),
            ("9999:59:59.999", 35_999_999_999),
            ("0:09", 9000),
        ] {
            assert_eq!(time(text), Some(Time(ms)), "{text}");
        }
        for text in
            ["", "1", "60:00.000", "00:60.000", "1:2:3:4", "00:00.0000", "-1:00.000", "00:00.", "+1:00"]
        {
            assert_eq!(time(text), None, "{text}");
        }
        assert_eq!(Time(3_661_001).to_string(), "01:01:01.001");
    }
}
