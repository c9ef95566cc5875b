//! What only the browser knows of a language.

/// A plural category (Unicode CLDR, Language Plural Rules).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Category {
    /// Nothing, where a language has a form for it.
    Zero,
    /// What is said of one.
    One,
    /// What is said of two.
    Two,
    /// What is said of a few.
    Few,
    /// What is said of many.
    Many,
    /// Everything else.
    #[default]
    Other,
}

impl Category {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Zero, Self::One, Self::Two, Self::Few, Self::Many, Self::Other];

    /// As CLDR and `Intl.PluralRules` write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Zero => "zero",
            Self::One => "one",
            Self::Two => "two",
            Self::Few => "few",
            Self::Many => "many",
            Self::Other => "other",
        }
    }

    /// The reverse of [`as_str`](Self::as_str); [`Other`](Self::Other) for anything else.
    pub fn parse(text: &str) -> Self {
        Self::ALL.into_iter().find(|category| category.as_str() == text).unwrap_or_default()
    }
}

/// A unit of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Seconds.
    Second,
    /// Minutes.
    Minute,
    /// Hours.
    Hour,
    /// Days.
    Day,
}

impl Unit {
    /// As `Intl.NumberFormat` and `Intl.RelativeTimeFormat` write it (ECMA-402, 6.6).
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Second => "second",
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::Day => "day",
        }
    }
}

/// What ECMA-402's `Intl` knows of one language.
pub trait Intl {
    /// What is said of so many (`Intl.PluralRules`).
    fn plural(&self, number: f64) -> Category;
    /// The number as it is written (`Intl.NumberFormat`).
    fn number(&self, number: f64) -> String;
    /// `5 minutes` (`Intl.NumberFormat`, style `unit`).
    fn duration(&self, count: f64, unit: Unit) -> String;
    /// `5 minutes ago` (`Intl.RelativeTimeFormat`).
    fn ago(&self, count: f64, unit: Unit) -> String;
    /// `one, two, three` (`Intl.ListFormat`, type `unit`).
    fn list(&self, parts: &[String]) -> String;
}
