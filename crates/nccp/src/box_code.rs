//! The code that a box shows and somebody types in (docs/protocol.md, section 3, `activationcode`).

use std::fmt;
use std::str::FromStr;

/// Most characters that are looked at: a code with blanks and dashes all over has fewer.
const MOST: usize = 64;

/// An activation code in its plain form: six symbols of [`BoxCode::ALPHABET`].
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct BoxCode([u8; BoxCode::LENGTH]);

/// Why a text is no activation code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BoxCodeError {
    /// This character is in no code.
    #[error("no code has {0:?} in it")]
    Symbol(char),
    /// It has this many symbols.
    #[error("a code has 6 symbols, not {0}")]
    Length(usize),
}

impl BoxCode {
    /// Symbols of a code, none of which looks like another: no I, O, 0 and 1.
    pub const ALPHABET: &'static [u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
    /// Symbols in a code.
    pub const LENGTH: usize = 6;

    /// The code of these random octets: five bits of each make a symbol.
    pub fn from_random(octets: [u8; Self::LENGTH]) -> Self {
        Self(octets.map(|octet| Self::ALPHABET[usize::from(octet % 32)]))
    }

    /// The plain form, as it crosses the wire.
    pub fn as_str(&self) -> &str {
        // Only symbols of the alphabet come in.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

/// As people type it: any case, with blanks and dashes.
impl FromStr for BoxCode {
    type Err = BoxCodeError;

    fn from_str(text: &str) -> Result<Self, BoxCodeError> {
        let mut code = [0; Self::LENGTH];
        let mut length = 0;
        let dashes = |c: char| matches!(c, '-' | '_' | '.' | '\u{2010}'..='\u{2015}' | '\u{2212}');
        for typed in text.chars().take(MOST + 1).filter(|c| !c.is_whitespace() && !dashes(*c)) {
            let symbol = typed.to_ascii_uppercase();
            let octet = u8::try_from(symbol).ok().filter(|octet| Self::ALPHABET.contains(octet));
            let octet = octet.ok_or(BoxCodeError::Symbol(typed))?;
            if let Some(place) = code.get_mut(length) {
                *place = octet;
            }
            length += 1;
        }
        if length == Self::LENGTH && text.chars().nth(MOST).is_none() {
            Ok(Self(code))
        } else {
            Err(BoxCodeError::Length(length))
        }
    }
}

/// In two groups, as people read it: `ABC-DEF`.
impl fmt::Display for BoxCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (first, second) = self.as_str().split_at(Self::LENGTH / 2);
        write!(f, "{first}-{second}")
    }
}

impl fmt::Debug for BoxCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BoxCode([redacted])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn plain(text: &str) -> Result<String, BoxCodeError> {
        text.parse::<BoxCode>().map(|code| code.as_str().to_owned())
    }

    #[test]
    fn codes_are_typed_in_many_ways() {
        for text in
            ["ABC234", "abc234", " abc-234 ", "a b c 2 3 4", "AB\u{2013}C2\u{a0}34", "abc_234.", "\tABC\n234"]
        {
            assert_eq!(plain(text).as_deref(), Ok("ABC234"), "{text:?}");
        }
    }

    #[test]
    fn what_is_no_code_says_why() {
        for (text, error) in [
            ("", BoxCodeError::Length(0)),
            ("ABC-DE", BoxCodeError::Length(5)),
            ("ABC-DEFG", BoxCodeError::Length(7)),
            ("ABCDE0", BoxCodeError::Symbol('0')),
            ("abcdei", BoxCodeError::Symbol('i')),
            ("\u{c0}BCDEF", BoxCodeError::Symbol('\u{c0}')),
            ("ABC'--", BoxCodeError::Symbol('\'')),
            ("ABC\u{17f}23", BoxCodeError::Symbol('\u{17f}')),
        ] {
            assert_eq!(plain(text), Err(error), "{text:?}");
        }
        let long = format!("ABC{}234", "-".repeat(MOST));
        assert!(plain(&long).is_err());
        assert!(plain(&"A".repeat(MOST + 1)).is_err());
    }

    #[test]
    fn a_code_is_shown_in_groups_and_kept_out_of_logs() {
        let code: BoxCode = "abc234".parse().unwrap();
        assert_eq!(code.to_string(), "ABC-234");
        assert_eq!(format!("{code:?}"), "BoxCode([redacted])");
    }

    proptest! {
        /// A111: every code is of six symbols of the alphabet, and is understood however its groups are set.
        #[test]
        fn every_code_is_understood(octets: [u8; 6]) {
            let code = BoxCode::from_random(octets);
            prop_assert!(code.as_str().bytes().all(|symbol| BoxCode::ALPHABET.contains(&symbol)));
            prop_assert_eq!(&code.to_string().to_lowercase().parse::<BoxCode>(), &Ok(code.clone()));
            prop_assert_eq!(&code.as_str().parse::<BoxCode>(), &Ok(code.clone()));
        }

        #[test]
        fn nothing_typed_makes_it_panic(text in any::<String>()) {
            let _ = text.parse::<BoxCode>();
        }
    }
}
