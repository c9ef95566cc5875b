use std::fmt::{Display, Write as _};

/// A tag with a list of attributes (section 4.2).
pub(super) struct Attributes(String);

impl Attributes {
    /// Of the tag of that name, without `#`.
    pub(super) fn of(tag: &str) -> Self {
        Self(format!("#{tag}:"))
    }

    /// A number or a word.
    pub(super) fn word(mut self, name: &str, value: impl Display) -> Self {
        let comma = if self.0.ends_with(':') { "" } else { "," };
        // Writing into memory does not fail.
        let _ = write!(self.0, "{comma}{name}={value}");
        self
    }

    /// A quoted string: without what one cannot hold.
    pub(super) fn quoted(self, name: &str, value: &str) -> Self {
        let may = |c: char| match c {
            '"' => Some('\''),
            c if c.is_control() => None,
            c => Some(c),
        };
        let value: String = value.chars().filter_map(may).collect();
        self.word(name, format_args!("\"{value}\""))
    }

    /// A quoted string, if there is one.
    pub(super) fn maybe(self, name: &str, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.quoted(name, value),
            None => self,
        }
    }

    /// The line.
    pub(super) fn line(self) -> String {
        self.0 + "\n"
    }
}
