//! Comments in Rust stay within 110 columns. rustfmt holds code to that and leaves comments alone.

use std::path::Path;

use crate::error::Error;
use crate::project::Project;

const WIDTH: usize = 110;
const FOLDERS: [&str; 4] = ["src", "tests", "crates", "fuzz"];
/// What begins a line of Markdown with a meaning of its own.
const MARKS: [&str; 6] = ["*", "-", "+", ">", "#", "|"];

/// Checks that there is nothing to wrap.
///
/// # Errors
/// [`Error::Rule`] with the first wide line of each file.
pub(super) fn check(project: &Project) -> Result<(), Error> {
    let mut wrong = Vec::new();
    each_file(project, &mut |path, text| {
        let wrapped = wrapped(text);
        if wrapped != text {
            let differs = text.lines().zip(wrapped.lines()).position(|(is, should)| is != should);
            wrong.push(format!(
                "{}:{}: a comment is wider than {WIDTH} columns",
                path.display(),
                differs.unwrap_or(0) + 1
            ));
        }
        Ok(())
    })?;
    if wrong.is_empty() {
        return Ok(());
    }
    wrong.push("`cargo xtask check --fix` wraps them".to_owned());
    Err(Error::Rule(wrong.join("\n")))
}

/// Wraps comments that are too wide.
///
/// # Errors
/// [`Error::File`].
pub(super) fn mend(project: &Project) -> Result<(), Error> {
    each_file(project, &mut |path, text| {
        let wrapped = wrapped(text);
        if wrapped == text { Ok(()) } else { std::fs::write(path, wrapped).map_err(Error::file(path)) }
    })
}

type Look<'a> = dyn FnMut(&Path, &str) -> Result<(), Error> + 'a;

fn each_file(project: &Project, look: &mut Look<'_>) -> Result<(), Error> {
    FOLDERS.iter().try_for_each(|folder| within(&project.root.join(folder), look))
}

/// All Rust files below a folder, but for what is compiled there.
fn within(folder: &Path, look: &mut Look<'_>) -> Result<(), Error> {
    for entry in std::fs::read_dir(folder).map_err(Error::file(folder))? {
        let entry = entry.map_err(Error::file(folder))?;
        let path = entry.path();
        if entry.file_type().map_err(Error::file(&path))?.is_dir() {
            if entry.file_name() != "target" && entry.file_name() != "node_modules" {
                within(&path, look)?;
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            look(&path, &std::fs::read_to_string(&path).map_err(Error::file(&path))?)?;
        }
    }
    Ok(())
}

/// A line that is a comment, whole.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Comment<'a> {
    /// Its indentation, and `//`, `///` or `//!`.
    start: &'a str,
    text: &'a str,
}

impl<'a> Comment<'a> {
    fn of(line: &'a str) -> Option<Self> {
        let trimmed = line.trim_start();
        let marker = ["///", "//!", "//"].into_iter().find(|marker| trimmed.starts_with(marker))?;
        let (start, text) = line.split_at(line.len() - trimmed.len() + marker.len());
        (text.is_empty() || text.starts_with(' ')).then_some(Self { start, text })
    }

    fn is_wide(&self) -> bool {
        self.start.chars().count() + self.text.chars().count() > WIDTH
    }

    fn indentation(&self) -> usize {
        self.text.len() - self.text.trim_start().len()
    }

    /// Octets of what begins an item of a list, with the blank behind it; 0: it is none.
    fn item(&self) -> usize {
        let text = self.text.trim_start();
        if ["* ", "- ", "+ "].iter().any(|mark| text.starts_with(mark)) {
            return 2;
        }
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        match text.as_bytes().get(digits..digits + 2) {
            Some(b". " | b") ") if digits > 0 => digits + 2,
            _ => 0,
        }
    }

    /// Whether it stays as it is: nothing, a heading, a row of a table, a quotation, code by its indentation.
    fn is_fixed(&self) -> bool {
        let text = self.text.trim_start();
        text.is_empty() || text.starts_with(['#', '|', '>']) || self.indentation() > 4
    }

    /// Whether it goes on with the paragraph of a first line, whose other lines are indented like that.
    fn follows(&self, first: &Self, hang: usize) -> bool {
        let is_text = !self.is_fence() && !self.is_fixed() && self.item() == 0;
        self.start == first.start && is_text && self.indentation() == hang
    }

    fn is_fence(&self) -> bool {
        self.text.trim_start().starts_with("```")
    }
}

/// A file with its wide comments wrapped, each to the end of its paragraph.
fn wrapped(text: &str) -> String {
    let lines: Vec<&str> = text.split('\n').collect();
    let mut out: Vec<String> = Vec::with_capacity(lines.len());
    let (mut at, mut fenced, mut within) = (0, false, Within::Code);
    while let Some(line) = lines.get(at) {
        at += 1;
        let Some(first) = Comment::of(line).filter(|_| within == Within::Code) else {
            (fenced, within) = (false, within.after(line));
            out.push((*line).to_owned());
            continue;
        };
        if first.is_fence() {
            fenced = !fenced;
        }
        if fenced || first.is_fence() || first.is_fixed() {
            out.push((*line).to_owned());
            continue;
        }
        let hang = first.indentation() + first.item();
        let mut paragraph = vec![first];
        while let Some(next) =
            lines.get(at).and_then(|line| Comment::of(line)).filter(|next| next.follows(&first, hang))
        {
            paragraph.push(next);
            at += 1;
        }
        if paragraph.iter().any(Comment::is_wide) {
            out.extend(filled(&paragraph, hang));
        } else {
            out.extend(paragraph.iter().map(|comment| format!("{}{}", comment.start, comment.text)));
        }
    }
    out.join("\n")
}

/// A paragraph's words in lines as wide as may be.
fn filled(paragraph: &[Comment<'_>], hang: usize) -> Vec<String> {
    let Some(first) = paragraph.first() else { return Vec::new() };
    let (head, _) = first.text.split_at(hang);
    let words = paragraph.iter().enumerate().flat_map(|(n, comment)| {
        let text = if n == 0 { &comment.text[hang..] } else { comment.text };
        text.split_whitespace()
    });
    // What would be a mark at the beginning of a line stays behind its word.
    let mut pieces: Vec<String> = Vec::new();
    for word in words {
        let number = word.strip_suffix(['.', ')']).unwrap_or_default();
        let is_number = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
        let is_mark = MARKS.contains(&word) || is_number || word.starts_with("```");
        match pieces.last_mut() {
            Some(piece) if is_mark => *piece = format!("{piece} {word}"),
            _ => pieces.push(word.to_owned()),
        }
    }
    let mut lines = vec![format!("{}{head}", first.start)];
    let mut is_empty = true;
    for piece in pieces {
        let line = lines.last_mut().map(|line| (line.chars().count(), line));
        let Some((width, line)) = line else { break };
        if is_empty || width + 1 + piece.chars().count() <= WIDTH {
            if !is_empty {
                line.push(' ');
            }
            line.push_str(&piece);
        } else {
            lines.push(format!("{}{}{piece}", first.start, " ".repeat(hang)));
        }
        is_empty = false;
    }
    lines
}

/// In what a line ends, and the next one begins.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Within {
    Code,
    /// A string with escapes.
    Text,
    /// A raw string that ends with a quotation mark and so many `#`.
    Raw(usize),
    /// So many comments in each other, as in `/* /* */ */`.
    Block(usize),
}

impl Within {
    /// Goes on with a line.
    fn after(mut self, line: &str) -> Self {
        let mut rest = line;
        // What a literal's prefix must not follow: `number"` is no raw string.
        let mut is_word = false;
        while let Some(next) = rest.chars().next() {
            let taken = match self {
                Self::Raw(hashes) => match rest.strip_prefix('"') {
                    Some(behind) if count(behind, '#') >= hashes => {
                        self = Self::Code;
                        1 + hashes
                    }
                    _ => next.len_utf8(),
                },
                Self::Text if next == '\\' => 1 + rest[1..].chars().next().map_or(0, char::len_utf8),
                Self::Text => {
                    if next == '"' {
                        self = Self::Code;
                    }
                    next.len_utf8()
                }
                Self::Block(depth) if rest.starts_with("*/") => {
                    self = if depth > 1 { Self::Block(depth - 1) } else { Self::Code };
                    2
                }
                Self::Block(depth) if rest.starts_with("/*") => {
                    self = Self::Block(depth + 1);
                    2
                }
                Self::Block(_) => next.len_utf8(),
                Self::Code if rest.starts_with("//") => return self,
                Self::Code => {
                    let (within, taken) = begun(rest, is_word);
                    self = within;
                    taken
                }
            };
            is_word = next.is_alphanumeric() || next == '_';
            rest = &rest[taken..];
        }
        self
    }
}

/// What begins where code goes on, and how many octets of it are taken.
fn begun(rest: &str, is_word: bool) -> (Within, usize) {
    if rest.starts_with("/*") {
        return (Within::Block(1), 2);
    }
    if rest.starts_with('"') {
        return (Within::Text, 1);
    }
    let raw = ["r", "br", "cr"].into_iter().filter(|_| !is_word).find_map(|prefix| {
        let behind = rest.strip_prefix(prefix)?;
        let hashes = count(behind, '#');
        behind[hashes..].starts_with('"').then_some((Within::Raw(hashes), prefix.len() + hashes + 1))
    });
    raw.unwrap_or_else(|| (Within::Code, character(rest)))
}

/// Octets of a character in quotation marks, which may be one itself; else of what comes next.
fn character(rest: &str) -> usize {
    let first = rest.chars().next().map_or(0, char::len_utf8);
    let Some(behind) = rest.strip_prefix('\'') else { return first };
    if let Some(escaped) = behind.strip_prefix('\\') {
        // Behind what is escaped, for that may be a mark.
        let skipped = escaped.chars().next().map_or(0, char::len_utf8);
        return escaped[skipped..].find('\'').map_or(first, |end| 2 + skipped + end + 1);
    }
    // Without a mark behind it, it is a lifetime.
    let width = behind.chars().next().map_or(0, char::len_utf8);
    if behind[width..].starts_with('\'') { width + 2 } else { first }
}

/// How often it stands there in a row.
fn count(text: &str, what: char) -> usize {
    text.chars().take_while(|next| *next == what).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(count: usize) -> String {
        vec!["word"; count].join(" ")
    }

    #[test]
    fn what_is_narrow_stays_as_it_is() {
        let text = "//! One.\n//! Two.\n\nfn a() {\n    // Three.\n    let b = 1; // Four.\n}\n";
        assert_eq!(wrapped(text), text);
    }

    #[test]
    fn a_wide_paragraph_is_filled_and_no_other() {
        let (long, short) = (words(30), words(3));
        let text = format!(
            "/// {short}\n///\n    /// {long}\n    /// {short}\n    ///\n    /// {short}\nfn a() {{}}\n"
        );
        let out = wrapped(&text);
        let lines: Vec<&str> = out.lines().collect();
        assert!(lines.iter().all(|line| line.chars().count() <= WIDTH), "{out}");
        assert_eq!(lines.iter().map(|line| line.matches("word").count()).sum::<usize>(), 39);
        assert_eq!(lines.len(), 7, "{out}");
        assert_eq!(
            (lines[0], lines[4], lines[5]),
            ("/// word word word", "    ///", "    /// word word word")
        );
        assert_eq!(wrapped(&out), out);
    }

    #[test]
    fn items_hang() {
        let text = format!("/// * {}\n///   more\n/// * next\n", words(25));
        let out = wrapped(&text);
        let lines: Vec<&str> = out.lines().collect();
        assert!(lines[0].starts_with("/// * word") && lines[1].starts_with("///   word"), "{out}");
        assert!(lines[1].ends_with("more") && lines[2] == "/// * next", "{out}");
    }

    #[test]
    fn code_tables_and_strings_stay() {
        let long = words(30);
        let text =
            format!("/// ```\n/// {long}\n/// ```\n/// | {long} |\nconst A: &str = r#\"\n// {long}\n\"#;\n");
        assert_eq!(wrapped(&text), text);
        let url = format!("// https://example.org/{}", "a".repeat(120));
        assert_eq!(wrapped(&url), url);
    }

    /// What looks like a comment may be a program's text.
    #[test]
    fn strings_of_every_kind_stay() {
        let long = words(30);
        let strings = [
            format!("r\"\n// {long}\n\""),
            format!("r##\"\n\"#\n// {long}\n\"##"),
            format!("br#\"\n// {long}\n\"#"),
            format!("\"\\\"\n// {long}\n\""),
            format!("('\"', \"\n// {long}\n\")"),
            format!("(b'\\'', '\\\\', \"\n// {long}\n\")"),
            format!("/* \" /* */\n// {long}\n */ \"\""),
        ];
        for string in strings {
            let text = format!("const A: X<'_> = {string};\n// {}\n", words(3));
            assert_eq!(wrapped(&text), text);
            let text = format!("const A: X<'_> = {string};\n// {long}\n");
            assert_ne!(wrapped(&text), text, "the string has ended");
        }
        // Strings that end in their line, and marks that begin none.
        for line in ["r\"\\\"", "number(\"\")", "\"\\\\\"", "'\"'", "// \"", "b'\"'", "'a \"\" 'b", "r#type"]
        {
            let text = format!("{line}\n// {long}\n");
            assert_ne!(wrapped(&text), text, "{line}");
        }
    }

    #[test]
    fn no_line_begins_with_a_mark() {
        let text = format!("/// {} - {}", words(21), words(3));
        let out = wrapped(&text);
        assert!(out.lines().all(|line| !line.starts_with("/// -")), "{out}");
    }
}
