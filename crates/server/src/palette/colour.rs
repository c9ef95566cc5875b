//! Colours of sRGB, and how well they are told apart (WCAG 2.2, "relative luminance" and "contrast ratio").

use serde::Deserialize;
use std::fmt;
use std::str::FromStr;

/// An opaque colour of sRGB: `#rrggbb` or `#rgb`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Colour {
    red: u8,
    green: u8,
    blue: u8,
}

/// What a colour looks like in the file.
const FORM: &str = "expected a colour like \"#8c1a30\"";

impl FromStr for Colour {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.strip_prefix('#').ok_or(FORM)?;
        let digits: Option<Vec<u8>> = digits.chars().map(|c| u8::try_from(c.to_digit(16)?).ok()).collect();
        match digits.ok_or(FORM)?[..] {
            [red, green, blue] => Ok(Self { red: red * 17, green: green * 17, blue: blue * 17 }),
            [r, red, g, green, b, blue] => {
                Ok(Self { red: r << 4 | red, green: g << 4 | green, blue: b << 4 | blue })
            }
            _ => Err(FORM),
        }
    }
}

impl TryFrom<String> for Colour {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl fmt::Display for Colour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{:02x}{:02x}{:02x}", self.red, self.green, self.blue)
    }
}

impl Colour {
    /// Black.
    pub const BLACK: Self = Self::new(0);
    /// White.
    pub const WHITE: Self = Self::new(0x00ff_ffff);

    /// Of `0xrrggbb`.
    pub(crate) const fn new(rgb: u32) -> Self {
        let [_, red, green, blue] = rgb.to_be_bytes();
        Self { red, green, blue }
    }

    /// 0 (black) to 1 (white).
    fn luminance(self) -> f64 {
        let linear = |channel: u8| {
            let value = f64::from(channel) / 255.0;
            if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * linear(self.red) + 0.7152 * linear(self.green) + 0.0722 * linear(self.blue)
    }

    /// 1 (the same) to 21 (black and white).
    pub fn contrast(self, other: Self) -> f64 {
        let (one, two) = (self.luminance(), other.luminance());
        (one.max(two) + 0.05) / (one.min(two) + 0.05)
    }

    /// This one with a share (0 to 1) of another over it, as browsers mix in sRGB.
    pub(crate) fn mix(self, other: Self, share: f64) -> Self {
        let mixed = |from: u8, to: u8| {
            // Between two octets lies an octet.
            (f64::from(from) + (f64::from(to) - f64::from(from)) * share).round() as u8
        };
        Self {
            red: mixed(self.red, other.red),
            green: mixed(self.green, other.green),
            blue: mixed(self.blue, other.blue),
        }
    }

    /// Black or white, whichever is told apart better from this one.
    pub(crate) fn opposite(self) -> Self {
        if self.contrast(Self::BLACK) >= self.contrast(Self::WHITE) { Self::BLACK } else { Self::WHITE }
    }

    /// The first colour on the way from this one to another that has at least this contrast with all of
    /// these; the other one where none has.
    pub(crate) fn until(self, other: Self, against: &[Self], contrast: f64) -> Self {
        let mut steps = (0..=20).map(|step| self.mix(other, f64::from(step) / 20.0));
        let enough = |colour: &Self| against.iter().all(|ground| colour.contrast(*ground) >= contrast);
        steps.find(enough).unwrap_or(other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn colour(text: &str) -> Colour {
        text.parse().unwrap()
    }

    #[test]
    fn colours_are_read_in_both_forms_and_nothing_else_is() {
        assert_eq!(colour("#8c1a30").to_string(), "#8c1a30");
        assert_eq!(colour("#FA0"), colour("#ffaa00"));
        assert_eq!(Colour::new(0x8c_1a30), colour("#8c1a30"));
        for text in ["", "8c1a30", "#8c1a3", "#8c1a301", "#8c1a30ff", "#gggggg", "red", "#１２３", "#fa0;}"]
        {
            assert_eq!(text.parse::<Colour>(), Err(FORM), "{text}");
        }
    }

    /// Values of others' calculators.
    #[test]
    fn contrasts_are_those_of_wcag() {
        for (one, two, ratio) in [
            ("#000", "#fff", 21.0),
            ("#fff", "#fff", 1.0),
            ("#777777", "#ffffff", 4.48),
            ("#767676", "#ffffff", 4.54),
            ("#ff0000", "#ffffff", 4.0),
            ("#0000ff", "#ffffff", 8.59),
        ] {
            let found = colour(one).contrast(colour(two));
            assert!((found - ratio).abs() < 0.01, "{one} on {two}: {found}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(rgb in 0u32..0x0100_0000) {
            let one = Colour::new(rgb);
            prop_assert_eq!(colour(&one.to_string()), one);
            prop_assert!(one.contrast(one.opposite()) >= 4.5);
            prop_assert_eq!(one.mix(Colour::BLACK, 0.0), one);
            prop_assert_eq!(one.mix(Colour::BLACK, 1.0), Colour::BLACK);
        }
    }
}
