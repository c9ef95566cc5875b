//! Lengths in the picture (TTML2, section 10.3).

use super::xml::{Element, Space};

/// Two lengths, sideways and downwards, in percent of the picture.
pub(super) type Pair = (f64, f64);

/// What lengths are measured by.
#[derive(Debug, Clone, Copy)]
pub(super) struct Frame {
    /// Pixels across and down, where that is said.
    pixels: Option<(f64, f64)>,
    /// Cells across and down.
    cells: (f64, f64),
}

impl Default for Frame {
    fn default() -> Self {
        Self { pixels: None, cells: (32.0, 15.0) }
    }
}

impl Frame {
    /// That of a document's root.
    pub(super) fn of(root: &Element) -> Self {
        let two = |text: &str, unit: &str| -> Option<(f64, f64)> {
            let mut numbers = text.split_whitespace().map(|word| number(word.strip_suffix(unit)?));
            let both = (numbers.next()??, numbers.next()??);
            (both.0 > 0.0 && both.1 > 0.0).then_some(both)
        };
        let cells = root.attribute(Space::Parameter, "cellResolution").and_then(|text| two(text, ""));
        let pixels = root.attribute(Space::Styling, "extent").and_then(|text| two(text, "px"));
        Self { pixels, cells: cells.unwrap_or(Self::default().cells) }
    }

    /// Two lengths in percent, such as `10% 80%`, `64px 576px`, `4c 12c`.
    pub(super) fn pair(&self, text: &str) -> Option<Pair> {
        let mut words = text.split_whitespace();
        let pair = (self.length(words.next()?, 0)?, self.length(words.next()?, 1)?);
        words.next().is_none().then_some(pair)
    }

    fn length(&self, word: &str, axis: usize) -> Option<f64> {
        let of = |pair: (f64, f64)| if axis == 0 { pair.0 } else { pair.1 };
        let unit = word.find(|c: char| c.is_ascii_alphabetic() || c == '%')?;
        let (value, unit) = (number(&word[..unit])?, &word[unit..]);
        match (unit, axis) {
            ("%", _) | ("rw", 0) | ("rh", 1) => Some(value),
            ("px", _) => Some(value * 100.0 / of(self.pixels?)),
            ("c", _) => Some(value * 100.0 / of(self.cells)),
            _ => None,
        }
    }
}

/// A number without an exponent.
fn number(text: &str) -> Option<f64> {
    let plain = text.len() <= 16 && text.bytes().all(|b| b.is_ascii_digit() || b"+-.".contains(&b));
    plain.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_parts_of_the_picture() {
        let frame = Frame { pixels: Some((1280.0, 720.0)), ..Frame::default() };
        assert_eq!(frame.pair("10% 80.5%"), Some((10.0, 80.5)));
        assert_eq!(frame.pair("128px 72px"), Some((10.0, 10.0)));
        assert_eq!(frame.pair("16c 3c"), Some((50.0, 20.0)));
        assert_eq!(frame.pair("10rw 20rh"), Some((10.0, 20.0)));
        for wrong in ["", "10%", "10% 10% 10%", "auto", "1em 1em", "10rh 10rw", "1e9% 1%", "nan% inf%"] {
            assert_eq!(frame.pair(wrong), None, "{wrong}");
        }
        assert_eq!(Frame::default().pair("1px 1px"), None, "of how many?");
    }
}
