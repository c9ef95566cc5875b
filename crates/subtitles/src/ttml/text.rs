//! Text of one cue: white space (TTML2, section 8.3.8 and XSL's), tags, lines.

use super::style::{Ruby, Style};

/// What WebVTT's tags can say of a character.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Look {
    bold: bool,
    italic: bool,
    underline: bool,
    ruby: Option<Ruby>,
}

impl Look {
    fn of(style: Style) -> Self {
        let is = |said: Option<bool>| said == Some(true);
        Self {
            bold: is(style.bold),
            italic: is(style.italic),
            underline: is(style.underline),
            ruby: style.ruby.filter(|ruby| *ruby != Ruby::Container),
        }
    }

    /// The tags of the look alone, without ruby.
    fn tags(self) -> impl DoubleEndedIterator<Item = &'static str> {
        let tags = [(self.bold, "b"), (self.italic, "i"), (self.underline, "u")];
        tags.into_iter().filter_map(|(set, tag)| set.then_some(tag))
    }
}

/// Lines that are being written.
#[derive(Debug)]
pub(super) struct Lines {
    lines: Vec<Vec<(char, Look)>>,
}

impl Lines {
    pub(super) fn new() -> Self {
        Self { lines: vec![Vec::new()] }
    }

    pub(super) fn end_line(&mut self) {
        self.lines.push(Vec::new());
    }

    /// Adds text; white space in it is one blank, if it is not to be preserved. Between the parts of ruby it
    /// is none: files are indented there.
    pub(super) fn add(&mut self, text: &str, style: Style, preserve: bool) {
        let is_blank = |c: char| matches!(c, ' ' | '\t' | '\n' | '\r');
        if style.ruby == Some(Ruby::Container) && text.chars().all(is_blank) {
            return;
        }
        let look = Look::of(style);
        for c in text.chars() {
            match c {
                '\n' if preserve => self.end_line(),
                '\r' if preserve => {}
                c if preserve => self.push(c, look),
                c if is_blank(c) => {
                    // A blank at the beginning of a line, or behind another, is none.
                    if self.lines.last().and_then(|line| line.last()).is_some_and(|(last, _)| *last != ' ') {
                        self.push(' ', look);
                    }
                }
                c => self.push(c, look),
            }
        }
    }

    fn push(&mut self, c: char, look: Look) {
        if let Some(line) = self.lines.last_mut() {
            line.push((c, look));
        }
    }

    /// The lines as WebVTT's cue text. Tags do not go on in the next line.
    pub(super) fn finish(self) -> Vec<String> {
        self.lines.iter().map(|line| marked_up(line)).collect()
    }
}

fn marked_up(line: &[(char, Look)]) -> String {
    let seen = |(c, _): &(char, Look)| !c.is_whitespace();
    let (Some(first), Some(last)) = (line.iter().position(seen), line.iter().rposition(seen)) else {
        return String::new();
    };
    let mut out = String::new();
    let mut now = Look::default();
    for (c, look) in &line[first..=last] {
        turn(&mut out, now, *look);
        now = *look;
        match c {
            '&' => out += "&amp;",
            '<' => out += "&lt;",
            '>' => out += "&gt;",
            c => out.push(*c),
        }
    }
    turn(&mut out, now, Look::default());
    out
}

/// Ends one look and begins another.
fn turn(out: &mut String, from: Look, to: Look) {
    if from == to {
        return;
    }
    for tag in from.tags().rev() {
        *out += &format!("</{tag}>");
    }
    *out += match (from.ruby, to.ruby) {
        (None, Some(Ruby::Base)) => "<ruby>",
        (None, Some(Ruby::Text)) => "<ruby><rt>",
        (Some(Ruby::Base), Some(Ruby::Text)) => "<rt>",
        (Some(Ruby::Text), Some(Ruby::Base)) => "</rt>",
        (Some(Ruby::Base), None) => "</ruby>",
        (Some(Ruby::Text), None) => "</rt></ruby>",
        _ => "",
    };
    for tag in to.tags() {
        *out += &format!("<{tag}>");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(pieces: &[(&str, Style, bool)]) -> Vec<String> {
        let mut lines = Lines::new();
        for (text, style, preserve) in pieces {
            lines.add(text, *style, *preserve);
        }
        lines.finish()
    }

    #[test]
    fn white_space_and_tags() {
        let plain = Style::default();
        let (italic, bold) = (Style { italic: Some(true), ..plain }, Style { bold: Some(true), ..plain });
        let both = Style { bold: Some(true), ..italic };
        assert_eq!(lines(&[("\n  a\n\tb ", plain, false), (" c ", plain, false)]), ["a b c"]);
        assert_eq!(lines(&[(" a  b\nc", plain, true)]), ["a  b", "c"]);
        assert_eq!(
            lines(&[("a ", plain, false), ("b", italic, false), ("c", both, false), ("d", bold, false)]),
            ["a <i>b</i><b><i>c</i></b><b>d</b>"]
        );
        assert_eq!(lines(&[("a\nb", italic, true)]), ["<i>a</i>", "<i>b</i>"]);
        assert_eq!(lines(&[("<i> & {", plain, false)]), ["&lt;i&gt; &amp; {"]);
        let ruby = |ruby| Style { ruby: Some(ruby), ..plain };
        assert_eq!(
            lines(&[("今", plain, false), ("日", ruby(Ruby::Base), false), ("び", ruby(Ruby::Text), false)]),
            ["今<ruby>日<rt>び</rt></ruby>"]
        );
        let (base, text, around) = (ruby(Ruby::Base), ruby(Ruby::Text), ruby(Ruby::Container));
        assert_eq!(
            lines(&[("\n ", around, false), ("日", base, false), ("\n ", around, true), ("び", text, false)]),
            ["<ruby>日<rt>び</rt></ruby>"]
        );
    }
}
