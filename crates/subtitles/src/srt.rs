//! SubRip (`.srt`), as editors write it.

use crate::lines::{blocks, decode};
use crate::webvtt::{cue_text, times, timing};
use crate::{Cue, Error, Track};

/// Reads a SubRip file. Cues of no length are left out, as players do.
///
/// # Errors
/// [`Error`]; a file without a cue in front is [`Error::Unknown`].
pub fn read_srt(file: &[u8]) -> Result<Track, Error> {
    read_text(&decode(file)?)
}

pub(crate) fn read_text(text: &str) -> Result<Track, Error> {
    let mut track = Track::default();
    for (number, block) in blocks(text).iter().enumerate() {
        let Some((first, timing)) = timing(block) else {
            // Text after an empty line inside a cue: part of the cue before, as players show it.
            let Some(last) = track.cues.last_mut().filter(|_| number > 0) else { return Err(Error::Unknown) };
            let more = cue_text(block)?;
            if !more.is_empty() && last.text.len() + more.len() < crate::MAX_TEXT {
                last.text = format!("{}\n{more}", last.text);
            }
            continue;
        };
        let line = block[first].0;
        if first > 1 {
            return Err(Error::Line { line, what: "a cue's time that does not begin its cue" });
        }
        let (start, end, _) = match times(line, timing) {
            Err(_) if number == 0 => return Err(Error::Unknown),
            times => times?,
        };
        if end < start {
            return Err(Error::Line { line, what: "a cue that ends before it begins" });
        }
        let text = cue_text(&block[first + 1..])?;
        if !text.is_empty() && end > start {
            track.push(Cue { start, end, settings: String::new(), text })?;
        }
    }
    match track.cues.is_empty() && blocks(text).is_empty() {
        true => Err(Error::Unknown),
        false => track.finish(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_as_editors_write_it() {
        let file = "\u{feff}1\r\n00:00:05,000 --> 00:00:06,000\r\nLater\r\n\r\n2\r\n00:00:01,000 --> 00:00:02,000  X1:1 X2:2\r\n\
            {\\an8}<i>First</i>\r\n\r\nand more\r\n\r\n3\r\n00:00:09,000 --> 00:00:09,000\r\nnothing\r\n";
        let track = read_srt(file.as_bytes()).unwrap();
        assert_eq!(
            track.to_webvtt(),
            "WEBVTT\n\n00:00:01.000 --> 00:00:02.000\n<i>First</i>\nand more\n\n00:00:05.000 --> 00:00:06.000\nLater\n"
        );
    }

    #[test]
    fn numbers_may_be_missing_times_may_not() {
        assert_eq!(read_srt(b"00:00:01,000 --> 00:00:02,000\nx\n").unwrap().cues.len(), 1);
        assert_eq!(read_srt(b"1\nx\n"), Err(Error::Unknown));
        let line = Error::Line { line: 5, what: "no time such as 00:01:02.500 --> 00:01:04.000" };
        assert_eq!(read_srt(b"1\n00:00:01,000 --> 00:00:02,000\nx\n\n00:00 --> there\ny\n"), Err(line));
    }
}
