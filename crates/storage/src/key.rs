use std::fmt;
use std::str::FromStr;

/// Longest key in bytes: what S3 takes.
const MAX_LEN: usize = 1024;

/// The name of an object: parts with `/` between them, relative to the storage. Each part has 1 or more
/// letters, digits, `.`, `-` and `_`, and does not begin with `.`, so that no key leads out of a folder or
/// names a hidden file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(String);

/// A text is no key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{}` cannot be the name of an object: use letters, digits, `.`, `-`, `_`, and `/` between parts", .0.escape_debug())]
pub struct InvalidKey(pub String);

impl Key {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// This key with more parts behind it.
    ///
    /// # Errors
    /// [`InvalidKey`].
    pub fn join(&self, rest: &str) -> Result<Self, InvalidKey> {
        format!("{self}/{rest}").parse()
    }

    /// The name of an object below a prefix, or of one without.
    ///
    /// # Errors
    /// [`InvalidKey`].
    pub fn below(prefix: Option<&Self>, name: &str) -> Result<Self, InvalidKey> {
        prefix.map_or_else(|| name.parse(), |prefix| prefix.join(name))
    }

    /// The parts.
    pub fn parts(&self) -> impl Iterator<Item = &str> {
        self.0.split('/')
    }

    /// Whether it lies below a prefix of whole parts.
    pub fn is_below(&self, prefix: &Self) -> bool {
        self.0.strip_prefix(&prefix.0).is_some_and(|rest| rest.starts_with('/'))
    }
}

impl FromStr for Key {
    type Err = InvalidKey;

    fn from_str(text: &str) -> Result<Self, InvalidKey> {
        let is_part = |part: &str| {
            !part.is_empty()
                && !part.starts_with('.')
                && part.bytes().all(|b| b.is_ascii_alphanumeric() || b".-_".contains(&b))
        };
        match text.len() <= MAX_LEN && text.split('/').all(is_part) {
            true => Ok(Self(text.to_owned())),
            false => Err(InvalidKey(text.to_owned())),
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::path::{Component, Path};

    #[test]
    fn what_leads_out_or_hides_is_no_key() {
        for text in
            ["", "/", "a/", "/a", "a//b", "..", "a/../b", ".a", "a/.b", "a\\b", "C:\\a", "a b", "ä", "a\0"]
        {
            assert_eq!(text.parse::<Key>(), Err(InvalidKey(text.to_owned())));
        }
        assert!("a".repeat(1025).parse::<Key>().is_err());
        let key: Key = "8e06/541/1811192541.mp4".parse().unwrap();
        assert_eq!(key.parts().collect::<Vec<_>>(), ["8e06", "541", "1811192541.mp4"]);
        assert!(key.is_below(&"8e06".parse().unwrap()) && !key.is_below(&"8e".parse().unwrap()));
        assert!(!key.is_below(&key) && key.join("../x").is_err());
    }

    proptest! {
        #[test]
        fn a_key_stays_in_its_folder(text in "[a./\\\\~:-]{1,12}") {
            if let Ok(key) = text.parse::<Key>() {
                prop_assert!(Path::new(key.as_str()).components().all(|c| matches!(c, Component::Normal(_))));
            }
        }
    }
}
