//! English without a browser: what is there before any language is installed.

use crate::{Category, Intl, Unit};

/// English by rule.
#[derive(Debug, Clone, Copy, Default)]
pub struct English;

impl Intl for English {
    fn plural(&self, number: f64) -> Category {
        if number == 1.0 { Category::One } else { Category::Other }
    }

    fn number(&self, number: f64) -> String {
        number.to_string()
    }

    fn duration(&self, count: f64, unit: Unit) -> String {
        let ending = if count == 1.0 { "" } else { "s" };
        format!("{count} {}{ending}", unit.as_str())
    }

    fn ago(&self, count: f64, unit: Unit) -> String {
        format!("{} ago", self.duration(count, unit))
    }

    fn list(&self, parts: &[String]) -> String {
        parts.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn english_counts() {
        assert_eq!(English.duration(1.0, Unit::Minute), "1 minute");
        assert_eq!(English.duration(54.0, Unit::Minute), "54 minutes");
        assert_eq!(English.ago(2.0, Unit::Day), "2 days ago");
        assert_eq!(English.number(1234.0), "1234");
        assert_eq!(English.list(&["a".into(), "b".into(), "c".into()]), "a, b, c");
        for category in Category::ALL {
            assert_eq!(Category::parse(category.as_str()), category);
        }
        assert_eq!(Category::parse("several"), Category::Other);
    }
}
