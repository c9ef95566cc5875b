//! Message files in Fluent's format (FTL 1.0), compiled when the site is built.
//!
//! The English file is the reference: its messages, in their order, are what there is to say, and its
//! variables are what is known when it is said. Out of it come a Rust function for each message
//! ([`Reference::rust`]), so that what does not exist does not compile, and patterns for `localization` to
//! render. Other files are held to it ([`Reference::translate`]): the same messages, no other variables.
//!
//! # The compact pattern
//! Text stands as it is, and has none of `{`, `}` and `|`. `{0}` is the value of the first variable.
//! `{0?one:a film|3:three|*:{0} films}` chooses by the value: by number, by CLDR's plural category, or, for a
//! text, by itself; `*` takes what is left.
//!
//! # What of Fluent there is
//! Messages with a value and attributes, terms without arguments, string and number literals, variables,
//! `NUMBER()` without options, selectors. Anything else is an [`Error`].
//!
//! # Examples
//! ```
//! use fluent_compiler::Reference;
//!
//! let english = Reference::parse("hello = Hello, { $name }\n")?;
//! assert_eq!(english.messages[0].pattern, "Hello, {0}");
//! assert_eq!(english.translate("hello = Moin, { $name }\n")?, ["Moin, {0}"]);
//! assert!(english.translate("other = Moin\n").is_err());
//! # Ok::<(), fluent_compiler::Error>(())
//! ```

mod pattern;
mod rust;

use std::collections::BTreeMap;

use fluent_syntax::{
    ast::{Entry, Pattern, Resource},
    parser,
};

use pattern::{Terms, Variables, compile};
pub use rust::{OF_CODES, WITHOUT_THE_APP};

/// Why a file cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.join("\n"))]
pub struct Error(
    /// Each with the message that it is in.
    pub Vec<String>,
);

/// What a variable is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Text.
    Text,
    /// A number: it decides on a plural, or stands in `NUMBER()`.
    Number,
}

/// One thing to say: a message's value, or one of its attributes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// `message`, or `message.attribute`.
    pub key: String,
    /// What is known when it is said, in the order in which the English text has it.
    pub variables: Vec<(String, Kind)>,
    /// The compact pattern.
    pub pattern: String,
}

/// The English file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// All there is to say, in the file's order.
    pub messages: Vec<Message>,
}

impl Reference {
    /// Reads the English file.
    ///
    /// # Errors
    /// [`Error`] with all that is wrong with it.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let resource = read(text)?;
        let mut problems = Vec::new();
        let mut messages: Vec<Message> = Vec::new();
        each_pattern(&resource, &mut problems, |key, pattern, terms, problems| {
            let mut variables = Variables::open();
            match compile(pattern, terms, &mut variables) {
                Ok(_) if messages.iter().any(|other| other.key == key) => {
                    problems.push(format!("{key}: is there twice"));
                }
                Ok(pattern) => messages.push(Message { key, variables: variables.into_list(), pattern }),
                Err(problem) => problems.push(format!("{key}: {problem}")),
            }
        });
        if problems.is_empty() { Ok(Self { messages }) } else { Err(Error(problems)) }
    }

    /// Reads another language's file: its compact patterns, in the reference's order.
    ///
    /// # Errors
    /// [`Error`] with all that is wrong with it: what is missing, what the reference does not have.
    pub fn translate(&self, text: &str) -> Result<Vec<String>, Error> {
        let resource = read(text)?;
        let mut problems = Vec::new();
        let mut found: Vec<Option<String>> = vec![None; self.messages.len()];
        each_pattern(&resource, &mut problems, |key, pattern, terms, problems| {
            let Some(place) = self.messages.iter().position(|message| message.key == key) else {
                return problems.push(format!("{key}: English does not have it"));
            };
            let mut variables = Variables::closed(&self.messages[place].variables);
            match compile(pattern, terms, &mut variables) {
                Ok(_) if found[place].is_some() => problems.push(format!("{key}: is there twice")),
                Ok(pattern) => {
                    problems.extend(variables.unused().map(|name| format!("{key}: does not use ${name}")));
                    found[place] = Some(pattern);
                }
                Err(problem) => problems.push(format!("{key}: {problem}")),
            }
        });
        for (message, found) in self.messages.iter().zip(&found) {
            if found.is_none() {
                problems.push(format!("{}: is missing", message.key));
            }
        }
        if problems.is_empty() { Ok(found.into_iter().flatten().collect()) } else { Err(Error(problems)) }
    }

    /// Tells tables of one set of messages from those of another: FNV-1a of all keys and variables, in hex.
    pub fn fingerprint(&self) -> String {
        let mut hash = 0xCBF2_9CE4_8422_2325_u64;
        let mut add = |text: &str| {
            for octet in text.bytes().chain([0]) {
                hash = (hash ^ u64::from(octet)).wrapping_mul(0x0100_0000_01B3);
            }
        };
        for message in &self.messages {
            add(&message.key);
            message.variables.iter().for_each(|(name, _)| add(name));
        }
        format!("{hash:016x}")
    }
}

/// Parses a file; whatever does not parse is an error.
fn read(text: &str) -> Result<Resource<&str>, Error> {
    parser::parse_runtime(text).map_err(|(_, errors)| {
        let line = |at: usize| text.get(..at).map_or(0, |before| before.matches('\n').count()) + 1;
        Error(errors.iter().map(|error| format!("line {}: {error}", line(error.pos.start))).collect())
    })
}

/// Gives each value and attribute to `take`, with its key; terms come first, wherever they stand.
fn each_pattern<'a>(
    resource: &'a Resource<&'a str>,
    problems: &mut Vec<String>,
    mut take: impl FnMut(String, &'a Pattern<&'a str>, &Terms<'a>, &mut Vec<String>),
) {
    let mut terms: Terms<'a> = BTreeMap::new();
    for entry in &resource.body {
        if let Entry::Term(term) = entry {
            // Of terms that stand before it, and of no variables.
            match compile(&term.value, &terms, &mut Variables::closed(&[])) {
                Ok(text) => {
                    terms.insert(term.id.name, text);
                }
                Err(problem) => problems.push(format!("-{}: {problem}", term.id.name)),
            }
        }
    }
    for entry in &resource.body {
        if let Entry::Message(message) = entry {
            if let Some(value) = &message.value {
                take(message.id.name.to_owned(), value, &terms, problems);
            }
            for attribute in &message.attributes {
                let key = format!("{}.{}", message.id.name, attribute.id.name);
                take(key, &attribute.value, &terms, problems);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENGLISH: &str = "-name = Matinee\nhello = Welcome to { -name }, { $who }\n    .title = Hello\nfilms =\n    { $count ->\n        [one] One film\n       *[other] { $count } films\n    }\nsize = { NUMBER($bytes) } bytes of { $file }\n";

    #[test]
    fn messages_become_compact_patterns() {
        let english = Reference::parse(ENGLISH).unwrap();
        let of: Vec<(&str, &str)> =
            english.messages.iter().map(|message| (&*message.key, &*message.pattern)).collect();
        assert_eq!(
            of,
            [
                ("hello", "Welcome to Matinee, {0}"),
                ("hello.title", "Hello"),
                ("films", "{0?one:One film|*:{0} films}"),
                ("size", "{0} bytes of {1}"),
            ]
        );
        let kinds = |place: usize| english.messages[place].variables.clone();
        assert_eq!(kinds(0), [("who".to_owned(), Kind::Text)]);
        assert_eq!(kinds(2), [("count".to_owned(), Kind::Number)]);
        assert_eq!(kinds(3), [("bytes".to_owned(), Kind::Number), ("file".to_owned(), Kind::Text)]);
    }

    #[test]
    fn another_language_may_say_it_in_another_order_and_form() {
        let english = Reference::parse(ENGLISH).unwrap();
        let other = "size = { $file }: { $bytes ->\n    [0] nichts\n   *[other] { NUMBER($bytes) } Bytes\n    }\nfilms = { $count } Filme\nhello = Hallo { $who }\n    .title = Hallo\n";
        assert_eq!(
            english.translate(other).unwrap(),
            ["Hallo {0}", "Hallo", "{0} Filme", "{1}: {0?0:nichts|*:{0} Bytes}"]
        );
    }

    #[test]
    fn what_does_not_fit_the_reference_is_named() {
        let english = Reference::parse("one = One { $a }\ntwo = Two\n").unwrap();
        for (text, problem) in [
            ("one = Eins { $a }\n", "two: is missing"),
            ("one = Eins\ntwo = Zwei\n", "one: does not use $a"),
            ("one = Eins { $b }{ $a }\ntwo = Zwei\n", "one: English does not have $b"),
            ("one = Eins { $a }\ntwo = Zwei\nthree = Drei\n", "three: English does not have it"),
            ("one = Eins { $a }\ntwo = Zwei\ntwo = Zwo\n", "two: is there twice"),
            ("one = { $a ->\n    [one] Eins\n   *[other] Viele\n    }\ntwo = Zwei\n", "one: $a is no number"),
            ("one = Eins { $a }\ntwo = Zwei | Zwo\n", "two: text has none of { } |"),
            ("one = Eins { $a }\ntwo = { one }\n", "two: messages are not referred to"),
            ("one = Eins { $a }\ntwo = { -no }\n", "two: there is no term -no before it"),
            ("one = Eins { $a }\ntwo = { DATETIME($a) }\n", "two: there is no function DATETIME"),
            ("one = Eins { $a \ntwo = Zwei\n", "line "),
        ] {
            let error = english.translate(text).unwrap_err().to_string();
            assert!(error.contains(problem), "{text}: {error}");
        }
        assert!(Reference::parse("one = A\none = B\n").is_err());
    }

    #[test]
    fn a_fingerprint_tells_sets_of_messages_apart() {
        let of = |text| Reference::parse(text).unwrap().fingerprint();
        assert_eq!(of("one = A { $a }\n"), of("one = Another { $a }\n"));
        assert_ne!(of("one = A { $a }\n"), of("one = A { $b }\n"));
        assert_ne!(of("one = A\ntwo = B\n"), of("two = B\none = A\n"));
        assert_eq!(of("").len(), 16);
    }
}
