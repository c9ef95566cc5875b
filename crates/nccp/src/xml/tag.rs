//! What stands between `<` and `>` of a start tag (XML 1.0, section 3.1), and names and references anywhere.

use super::is_xml_char;
use crate::Error;

/// White space as XML has it (section 2.3).
pub(super) fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r')
}

/// A name with or without a prefix (Namespaces in XML, section 4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct QName<'a> {
    /// Empty where there is none.
    pub(super) prefix: &'a str,
    pub(super) local: &'a str,
}

impl<'a> QName<'a> {
    pub(super) fn parse(name: &'a str) -> Result<Self, Error> {
        let (prefix, local) = name.split_once(':').unwrap_or(("", name));
        let prefix_fits = prefix.len() + local.len() == name.len() || is_ncname(prefix);
        if prefix_fits && is_ncname(local) {
            Ok(Self { prefix, local })
        } else {
            Err(Error::Malformed("bad name"))
        }
    }

    /// The prefix that an attribute of this name declares; the empty one for `xmlns` itself.
    pub(super) fn declared(self) -> Option<&'a str> {
        match (self.prefix, self.local) {
            ("", "xmlns") => Some(""),
            ("xmlns", prefix) => Some(prefix),
            _ => None,
        }
    }
}

/// A name without a colon (Namespaces in XML, production 4).
fn is_ncname(name: &str) -> bool {
    let mut chars = name.chars();
    chars.next().is_some_and(starts_name) && chars.all(|c| starts_name(c) || continues_name(c))
}

/// `NameStartChar` (XML 1.0, production 4) but for the colon.
fn starts_name(c: char) -> bool {
    matches!(c,
        'A'..='Z' | '_' | 'a'..='z' | '\u{C0}'..='\u{D6}' | '\u{D8}'..='\u{F6}' | '\u{F8}'..='\u{2FF}'
        | '\u{370}'..='\u{37D}' | '\u{37F}'..='\u{1FFF}' | '\u{200C}'..='\u{200D}' | '\u{2070}'..='\u{218F}'
        | '\u{2C00}'..='\u{2FEF}' | '\u{3001}'..='\u{D7FF}' | '\u{F900}'..='\u{FDCF}' | '\u{FDF0}'..='\u{FFFD}'
        | '\u{10000}'..='\u{EFFFF}')
}

/// What `NameChar` (production 4a) has beyond `NameStartChar`.
fn continues_name(c: char) -> bool {
    matches!(c, '-' | '.' | '0'..='9' | '\u{B7}' | '\u{300}'..='\u{36F}' | '\u{203F}'..='\u{2040}')
}

/// Splits a tag's content into its name and what follows, which is empty or begins with white space.
pub(super) fn split_name(content: &str) -> (&str, &str) {
    content.split_at(content.find(is_blank).unwrap_or(content.len()))
}

/// The attributes of a tag: names, and values as they are written. After an error there are no more.
pub(super) struct Attributes<'a> {
    rest: &'a str,
}

impl<'a> Attributes<'a> {
    /// Of what follows the tag's name.
    pub(super) fn of(rest: &'a str) -> Self {
        Self { rest }
    }

    fn split_first(&self) -> Option<(&'a str, &'a str, &'a str)> {
        let begun = self.rest.strip_prefix(is_blank)?.trim_start_matches(is_blank);
        let (name, rest) = begun.split_once('=')?;
        let quoted = rest.trim_start_matches(is_blank);
        let quote = quoted.chars().next().filter(|c| matches!(c, '"' | '\''))?;
        let (value, rest) = quoted[1..].split_once(quote)?;
        if value.contains('<') { None } else { Some((name.trim_end_matches(is_blank), value, rest)) }
    }
}

impl<'a> Iterator for Attributes<'a> {
    type Item = Result<(&'a str, &'a str), Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.trim_start_matches(is_blank).is_empty() {
            return None;
        }
        let first = self.split_first();
        self.rest = first.map_or("", |(_, _, rest)| rest);
        Some(first.map(|(name, value, _)| (name, value)).ok_or(Error::Malformed("bad attribute")))
    }
}

/// An attribute's value: references resolved, each line end and tab a space (XML 1.0, sections 2.11 and
/// 3.3.3).
pub(super) fn attribute_value(raw: &str) -> Result<String, Error> {
    let mut value = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = rest.find(['&', '\t', '\n', '\r']) {
        value.push_str(&rest[..at]);
        let (special, after) = rest[at..].split_at(1);
        rest = after;
        if special == "&" {
            let (name, after) = rest.split_once(';').ok_or(Error::Malformed("bad reference"))?;
            value.push(referenced(name)?);
            rest = after;
        } else {
            value.push(' ');
            if special == "\r" {
                rest = rest.strip_prefix('\n').unwrap_or(rest);
            }
        }
    }
    value.push_str(rest);
    Ok(value)
}

/// The character that a reference of this name stands for (XML 1.0, sections 4.1 and 4.6): `lt`, `#60`,
/// `#x3C`.
pub(super) fn referenced(name: &str) -> Result<char, Error> {
    let numbered = |digits: &str, radix| {
        // `from_str_radix` takes a sign.
        let plain = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        let number = u32::from_str_radix(digits, radix).ok().filter(|_| plain);
        number.and_then(char::from_u32).filter(|c| is_xml_char(*c))
    };
    let character = match name {
        "lt" => Some('<'),
        "gt" => Some('>'),
        "amp" => Some('&'),
        "apos" => Some('\''),
        "quot" => Some('"'),
        _ => match name.strip_prefix("#x") {
            Some(digits) => numbered(digits, 16),
            None => name.strip_prefix('#').and_then(|digits| numbered(digits, 10)),
        },
    };
    character.ok_or(Error::Malformed("bad reference"))
}
