use core::fmt;
use core::str::FromStr;

use crate::Error;

fn printable(text: &str, what: &'static str) -> Result<String, Error> {
    if text.is_empty() || !text.bytes().all(|byte| (0x21..=0x7e).contains(&byte)) {
        return Err(Error::Name { what });
    }
    Ok(text.to_owned())
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = Error;

            fn from_str(text: &str) -> Result<Self, Error> {
                printable(text, $what).map(Self)
            }
        }

        impl TryFrom<String> for $name {
            type Error = Error;

            fn try_from(text: String) -> Result<Self, Error> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> String {
                name.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

name! {
    /// What is encrypted: by default `movie/{movie_id}`. One or more bytes 0x21 to 0x7E.
    ContentId, "content id"
}

name! {
    /// Which of several keys of one content: `main` by default. One or more bytes 0x21 to 0x7E.
    Label, "label"
}

impl ContentId {
    /// The default content id of a movie: `movie/{movie_id}`.
    pub fn of_movie(movie_id: u64) -> Self {
        Self(format!("movie/{movie_id}"))
    }
}

impl Default for Label {
    /// `main`.
    fn default() -> Self {
        Self("main".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_printable_ascii() {
        assert_eq!(ContentId::of_movie(7).as_str(), "movie/7");
        assert_eq!("movie/7".parse(), Ok(ContentId::of_movie(7)));
        assert_eq!(Label::default().to_string(), "main");
        for bad in ["", "a b", "a\0", "é", "a\u{7f}"] {
            assert!(bad.parse::<ContentId>().is_err(), "{bad:?}");
            assert!(bad.parse::<Label>().is_err(), "{bad:?}");
        }
    }
}
