//! Subtitles: WebVTT, SubRip (`.srt`), TTML (IMSC, EBU-TT-D, SMPTE-TT) and CEA-708 in, clean WebVTT out. No
//! I/O.
//!
//! * [`read`] takes any of them and tells them apart; [`read_webvtt`], [`read_srt`] and [`read_ttml`] take
//!   one.
//! * [`Cea708`] takes the captions of pictures.
//! * [`Track::to_webvtt`] is the one writer. What it writes is read as the same track.
//!
//! The readers are strict about times and their order within a cue, because a wrong time is a subtitle that
//! nobody sees; and bounded, because the files come from anywhere. Text keeps the tags that WebVTT knows
//! (`i`, `b`, `u`, `c`, `v`, `lang`, `ruby`, `rt`) and its cue settings; other tags, notes, styles and
//! regions are left out, so nothing in a file says more than what is shown when. Of TTML, styles and regions
//! become such tags and settings.
//!
//! # Examples
//! ```
//! let srt = b"1\r\n00:00:01,500 --> 00:00:03,000\r\n<font color=\"red\">Who's there?</font>\r\n";
//! let track = subtitles::read(srt)?;
//! assert_eq!(track.cues.len(), 1);
//! assert_eq!(track.to_webvtt(), "WEBVTT\n\n00:00:01.500 --> 00:00:03.000\nWho's there?\n");
//! assert_eq!(subtitles::read(track.to_webvtt().as_bytes())?, track);
//!
//! let wrong = subtitles::read(b"WEBVTT\n\n00:05.000 --> 00:04.000\nBackwards\n").unwrap_err();
//! assert_eq!(wrong.to_string(), "line 3: a cue that ends before it begins");
//! # Ok::<(), subtitles::Error>(())
//! ```

mod cea708;
mod lines;
mod srt;
mod text;
mod time;
mod ttml;
mod webvtt;

pub use cea708::Cea708;
pub use srt::read_srt;
pub use time::{Time, time};
pub use ttml::read_ttml;
pub use webvtt::read_webvtt;

/// Octets of the largest file that is read.
pub const MAX_OCTETS: usize = 8 << 20;

/// Cues of a track, at most: twelve hours with more than one a second.
pub const MAX_CUES: usize = 50_000;

/// Octets of a cue's text, at most.
pub const MAX_TEXT: usize = 4096;

/// Cues in the order of their start.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Track {
    /// The cues.
    pub cues: Vec<Cue>,
}

/// Text and when it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cue {
    /// When it appears.
    pub start: Time,
    /// When it goes: after `start`.
    pub end: Time,
    /// Settings as WebVTT writes them, such as `line:0 align:start`; mostly empty.
    pub settings: String,
    /// WebVTT cue text: at least one line, no empty one.
    pub text: String,
}

/// Why a file is refused: one line that says where and what.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Not text in UTF-8, nor in UTF-16 with a mark.
    #[error("not text in UTF-8; convert it, for example by `iconv -f latin1 -t utf-8`")]
    Encoding,
    /// Larger than is read.
    #[error("too large for subtitles: {MAX_OCTETS} octets and {MAX_CUES} cues are read at most")]
    TooLarge,
    /// None of the formats.
    #[error("neither WebVTT nor SubRip (SRT) nor TTML")]
    Unknown,
    /// Something is wrong in a line.
    #[error("line {line}: {what}")]
    Line {
        /// Its number, from 1.
        line: usize,
        /// What is wrong.
        what: &'static str,
    },
    /// There is not one cue.
    #[error("there is nothing in it to show")]
    Empty,
}

/// Reads WebVTT, SubRip or TTML, by how the file begins.
///
/// # Errors
/// [`Error`].
pub fn read(file: &[u8]) -> Result<Track, Error> {
    let text = lines::decode(file)?;
    match webvtt::has_signature(&text) {
        true => webvtt::read_text(&text),
        false if ttml::has_signature(&text) => ttml::read_text(&text),
        false => srt::read_text(&text),
    }
}

impl Track {
    /// The track as a WebVTT file.
    pub fn to_webvtt(&self) -> String {
        let mut out = "WEBVTT\n".to_owned();
        for cue in &self.cues {
            let blank = if cue.settings.is_empty() { "" } else { " " };
            out += &format!("\n{} --> {}{blank}{}\n{}\n", cue.start, cue.end, cue.settings, cue.text);
        }
        out
    }

    /// The order of the start, and within the bounds.
    fn finish(mut self) -> Result<Self, Error> {
        if self.cues.is_empty() {
            return Err(Error::Empty);
        }
        self.cues.sort_by_key(|cue| cue.start);
        Ok(self)
    }

    fn push(&mut self, cue: Cue) -> Result<(), Error> {
        if self.cues.len() >= MAX_CUES {
            return Err(Error::TooLarge);
        }
        self.cues.push(cue);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Pieces of which files are made, so that random ones come deep into the readers.
    const PIECES: [&str; 24] = [
        "WEBVTT",
        "\n",
        "\n\n",
        "\r\n",
        "00:00:01.000",
        "00:00:02,5",
        " --> ",
        "-->",
        "1",
        "<i>",
        "</i>",
        "<v Bob>",
        "<",
        ">",
        "&",
        "&amp;",
        "&#x41;",
        "NOTE x",
        "STYLE",
        "line:0",
        " align:start",
        "\u{feff}",
        "text",
        "{\\an8}",
    ];

    proptest! {
        #[test]
        fn what_is_read_is_written_and_read_again(pieces in prop::collection::vec(0..PIECES.len(), 0..60)) {
            let file: String = pieces.iter().map(|n| PIECES[*n]).collect();
            for given in [file.clone(), format!("WEBVTT\n\n00:00.000 --> 00:01.000\n{file}"),
                format!("1\n00:00:00,000 --> 00:00:01,000\n{file}")] {
                if let Ok(track) = read(given.as_bytes()) {
                    prop_assert_eq!(read_webvtt(track.to_webvtt().as_bytes()), Ok(track));
                }
            }
        }

        #[test]
        fn any_octets_are_read_or_refused(file: Vec<u8>) {
            let _ = read(&file);
        }
    }

    #[test]
    fn what_is_neither_is_said() {
        assert_eq!(read(b"Once upon a time"), Err(Error::Unknown));
        assert_eq!(read(b""), Err(Error::Unknown));
        assert_eq!(read(b"\xff\xd8\xff\xe0"), Err(Error::Encoding));
        assert_eq!(read(&vec![b'\n'; MAX_OCTETS + 1]), Err(Error::TooLarge));
        assert_eq!(read(b"WEBVTT\n"), Err(Error::Empty));
    }
}
