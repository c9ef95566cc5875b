//! What is said in the film, in two languages, and its chapters.

use std::fmt::Write as _;

use demo_film::{LINE_SECONDS, LINES};

/// Seconds after a line's beginning at which its subtitle goes.
const SHOWN: u32 = LINE_SECONDS - 1;

/// The chapters: second, name.
const CHAPTERS: [(u32, &str); 4] = [(0, "Dusk"), (15, "The balloon"), (30, "The moon"), (45, "Night")];

/// A language that the film is told in.
#[derive(Clone, Copy)]
pub(crate) enum Language {
    English,
    German,
}

/// The lines of one language with their seconds.
pub(crate) fn lines(language: Language) -> impl Iterator<Item = (u32, &'static str)> {
    let text = move |(english, german): (&'static str, &'static str)| match language {
        Language::English => english,
        Language::German => german,
    };
    LINES.into_iter().enumerate().map(move |(n, line)| (n as u32 * LINE_SECONDS, text(line)))
}

/// The subtitles as WebVTT.
pub(crate) fn subtitles(language: Language) -> String {
    let mut out = String::from("WEBVTT\n");
    for (start, text) in lines(language) {
        let end = start + SHOWN;
        let _ = write!(out, "\n00:00:{start:02}.500 --> 00:00:{end:02}.500\n{text}\n");
    }
    out
}

/// The chapters, a line each.
pub(crate) fn chapters() -> String {
    CHAPTERS.iter().map(|(start, name)| format!("00:00:{start:02} {name}\n")).collect()
}
