//! What viewers read, in their language.
//!
//! [`say`] has a function for each message of `www/languages/en.ftl`, made by the build script: what is not
//! in that file does not compile. English is compiled in, so that it is there at once. Another language is a
//! table that is [installed](install) before the first page is made, and stays for as long as the page does.
//!
//! What only the browser knows of a language (plurals, numbers, lengths of time, lists) is asked for through
//! [`Intl`]. Nothing here does I/O.
//!
//! # Examples
//! ```
//! use localization::{English, Value, render_pattern};
//!
//! let pattern = "{0?one:a film|*:{0} films}";
//! assert_eq!(render_pattern(pattern, &[Value::Number(1.0)], &English, false), "a film");
//! assert_eq!(render_pattern(pattern, &[Value::Number(3.0)], &English, false), "3 films");
//! ```

mod english;
mod intl;
mod render;

use std::cell::Cell;

pub use english::English;
pub use intl::{Category, Intl, Unit};
pub use render::{Value, render as render_pattern};

/// A language: its table, and what the browser knows of it.
pub struct Language {
    tag: String,
    table: Vec<&'static str>,
    intl: Box<dyn Intl>,
}

/// A table that is for another version of the app.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WrongTable;

impl Language {
    /// English, with what the browser knows of it.
    pub fn english(tag: String, intl: Box<dyn Intl>) -> Self {
        Self { tag, table: ENGLISH.to_vec(), intl }
    }

    /// A language by its tag (BCP 47), and its patterns in the order of the English file. `fingerprint` tells
    /// which messages they are for.
    ///
    /// # Errors
    /// [`WrongTable`] where they are not for those that are here.
    pub fn new(
        tag: String,
        fingerprint: &str,
        patterns: Vec<String>,
        intl: Box<dyn Intl>,
    ) -> Result<Self, WrongTable> {
        if fingerprint != FINGERPRINT || patterns.len() != ENGLISH.len() {
            return Err(WrongTable);
        }
        // The page keeps its language for as long as it lives.
        let table = patterns.into_iter().map(|pattern| &*String::leak(pattern)).collect();
        Ok(Self { tag, table, intl })
    }
}

thread_local! {
    static CURRENT: Cell<Option<&'static Language>> = const { Cell::new(None) };
}

/// Has everything said in this language from now on. What was said before stays as it is: this comes first.
pub fn install(language: Language) {
    CURRENT.set(Some(Box::leak(Box::new(language))));
}

/// What the browser knows of the current language.
pub fn intl() -> &'static dyn Intl {
    CURRENT.get().map_or(&English as &'static dyn Intl, |language| &*language.intl)
}

/// The current language's tag (BCP 47), with the viewer's region where it is known.
pub fn tag() -> &'static str {
    CURRENT.get().map_or("en", |language| language.tag.as_str())
}

/// Whether it is English, which the server and the engine speak, too.
pub fn is_english() -> bool {
    tag().split('-').next() == Some("en")
}

/// Whether it is written from right to left.
pub fn is_right_to_left() -> bool {
    say::direction() == "rtl"
}

/// Title, text and what else there is to know, of a code of the error table or of the player's; `None`: it is
/// not known.
pub fn code(code: &str) -> Option<[&'static str; 3]> {
    let (_, place) = CODES.iter().find(|(name, _)| *name == code)?;
    Some([text(*place), text(place + 1), text(place + 2)])
}

/// All codes that [`code`] knows.
pub fn codes() -> impl Iterator<Item = &'static str> {
    CODES.iter().map(|(code, _)| *code)
}

/// What is said without any variables: its pattern is the text.
fn text(place: usize) -> &'static str {
    CURRENT.get().map_or(ENGLISH[place], |language| language.table[place])
}

fn render(place: usize, values: &[Value<'_>]) -> String {
    render_pattern(text(place), values, intl(), is_right_to_left())
}

include!(concat!(env!("OUT_DIR"), "/messages.rs"));
