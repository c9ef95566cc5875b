//! WebVTT (W3C, <https://www.w3.org/TR/webvtt1/>).

use crate::lines::{Line, blocks, decode};
use crate::text::clean;
use crate::{Cue, Error, MAX_TEXT, Time, Track, time};

/// Names of cue settings that are kept.
const SETTINGS: [&str; 5] = ["vertical", "line", "position", "size", "align"];

/// Reads a WebVTT file.
///
/// # Errors
/// [`Error`]; a file that does not begin with `WEBVTT` is [`Error::Unknown`].
pub fn read_webvtt(file: &[u8]) -> Result<Track, Error> {
    read_text(&decode(file)?)
}

/// Whether a text begins as WebVTT does.
pub(crate) fn has_signature(text: &str) -> bool {
    text.strip_prefix("WEBVTT")
        .is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\r', '\n']))
}

pub(crate) fn read_text(text: &str) -> Result<Track, Error> {
    if !has_signature(text) {
        return Err(Error::Unknown);
    }
    let mut track = Track::default();
    for (number, block) in blocks(text).iter().enumerate() {
        let Some((first, timing)) = timing(block) else {
            let (line, text) = block[0];
            let known = ["NOTE", "STYLE", "REGION"].iter().any(|word| text.starts_with(word));
            // The first block is the header.
            match number == 0 || known {
                true => continue,
                false => {
                    return Err(Error::Line { line, what: "text that belongs to no cue: it has no time" });
                }
            }
        };
        let (line, words) = (block[first].0, timing);
        if first > 1 || number == 0 {
            return Err(Error::Line { line, what: "a cue's time that does not begin its cue" });
        }
        let (start, end, settings) = times(line, words)?;
        if end <= start {
            return Err(Error::Line { line, what: "a cue that ends before it begins" });
        }
        let text = cue_text(&block[first + 1..])?;
        if !text.is_empty() {
            track.push(Cue { start, end, settings, text })?;
        }
    }
    track.finish()
}

/// The line of a block that has a cue's time, and what it says.
pub(crate) fn timing<'a>(block: &[Line<'a>]) -> Option<(usize, &'a str)> {
    let at = block.iter().position(|(_, text)| text.contains("-->"))?;
    Some((at, block[at].1))
}

/// `start --> end settings`.
pub(crate) fn times(line: usize, text: &str) -> Result<(Time, Time, String), Error> {
    let wrong = Error::Line { line, what: "no time such as 00:01:02.500 --> 00:01:04.000" };
    let (start, rest) = text.split_once("-->").ok_or(wrong.clone())?;
    let mut words = rest.split_whitespace();
    let end = words.next().and_then(time);
    let (Some(start), Some(end)) = (time(start.trim()), end) else { return Err(wrong) };
    let mut seen = Vec::new();
    let mut settings = String::new();
    for word in words {
        let Some((name, value)) = word.split_once(':') else { continue };
        let good = |b: u8| b.is_ascii_alphanumeric() || b"%,.-".contains(&b);
        let known = SETTINGS.contains(&name) && !seen.contains(&name);
        if known && !value.is_empty() && value.len() <= 32 && value.bytes().all(good) && !value.contains("--")
        {
            seen.push(name);
            settings += if settings.is_empty() { "" } else { " " };
            settings += word;
        }
    }
    Ok((start, end, settings))
}

/// The text of a cue: its lines, clean, without those that have nothing left.
pub(crate) fn cue_text(lines: &[Line<'_>]) -> Result<String, Error> {
    let mut text = String::new();
    for &(line, content) in lines {
        if content.contains("-->") {
            return Err(Error::Line { line, what: "a second time in one cue: an empty line is missing" });
        }
        let clean = clean(content);
        let clean = clean.trim();
        if clean.is_empty() {
            continue;
        }
        if !text.is_empty() {
            text.push('\n');
        }
        text += clean;
        if text.len() > MAX_TEXT {
            return Err(Error::Line { line, what: "more text than a cue can have" });
        }
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_as_editors_write_it() {
        let file = "\u{feff}WEBVTT - a title\nX-TIMESTAMP-MAP=LOCAL:00:00:00.000,MPEGTS:0\n\nSTYLE\n::cue { color: red }\n\n\
            NOTE made by hand\n\nintro\n00:01.000 --> 00:02.000 line:0 region:x align:start\n- Hello\n- <b>Hi</b>\n\n\
            00:00:00.500 --> 00:00:00.900\nEarlier\n";
        let track = read_webvtt(file.as_bytes()).unwrap();
        assert_eq!(
            track.to_webvtt(),
            "WEBVTT\n\n00:00:00.500 --> 00:00:00.900\nEarlier\n\n\
            00:00:01.000 --> 00:00:02.000 line:0 align:start\n- Hello\n- <b>Hi</b>\n"
        );
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line() {
        let line = |file: &str| match read_webvtt(file.as_bytes()) {
            Err(Error::Line { line, what }) => (line, what.split(':').next().unwrap_or_default()),
            other => panic!("{other:?}"),
        };
        assert_eq!(line("WEBVTT\n\n00:01 -> 2\nx\n"), (3, "text that belongs to no cue"));
        assert_eq!(line("WEBVTT\n\n1:00 --> x\nx\n").0, 3);
        assert_eq!(
            line("WEBVTT\n\n00:01.000 --> 00:02.000\nx\n00:03.000 --> 00:04.000\ny\n"),
            (5, "a second time in one cue")
        );
        assert_eq!(line("WEBVTT\n00:01.000 --> 00:02.000\nx\n").0, 2);
        let long = format!("WEBVTT\n\n00:01.000 --> 00:02.000\n{}\n", "x".repeat(MAX_TEXT + 1));
        assert_eq!(line(&long), (4, "more text than a cue can have"));
        assert_eq!(read_webvtt(b"WEBVTT2\n"), Err(Error::Unknown));
    }
}
