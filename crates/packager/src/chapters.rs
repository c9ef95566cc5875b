//! Chapters from a file.

use std::fs;
use std::path::Path;

use pack::Chapter;
use pack::layout::is_label;
use subtitles::{Time, read_webvtt, time};

use crate::Error;

/// Chapters of a film, at most.
const MAX_CHAPTERS: usize = 1000;

/// Reads chapters: WebVTT, whose cues are the chapters; or a line for each, with the time when it begins and
/// its name (`00:12:30 The wedding`). Empty lines and those that begin with `#` are left out.
///
/// # Errors
/// [`Error::Io`], or [`Error::Unsupported`] with what is wrong in which line.
pub fn read_chapters(path: &Path) -> Result<Vec<Chapter>, Error> {
    let file = fs::read(path).map_err(Error::io(path, "read"))?;
    let wrong = |source| Error::Subtitles { path: path.into(), source };
    let chapters = match file.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&file).starts_with(b"WEBVTT") {
        true => {
            let track = read_webvtt(&file).map_err(wrong)?;
            let chapter =
                |cue: subtitles::Cue| Chapter { start: cue.start.0, title: cue.text.replace('\n', " ") };
            track.cues.into_iter().map(chapter).collect()
        }
        false => {
            let text = std::str::from_utf8(&file).map_err(|_| wrong(subtitles::Error::Encoding))?;
            lines(text).map_err(|what| Error::unsupported(path, what))?
        }
    };
    check(chapters).map_err(|what| Error::unsupported(path, what))
}

fn lines(text: &str) -> Result<Vec<Chapter>, String> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let lines = (1..).zip(text.lines().map(str::trim));
    let meant = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    meant
        .map(|(number, line)| {
            let (start, title) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
            match time(start) {
                Some(Time(start)) => Ok(Chapter { start, title: title.trim().to_owned() }),
                None => {
                    Err(format!("line {number}: a chapter is a time and a name, like 00:12:30 The wedding"))
                }
            }
        })
        .collect()
}

/// In the order of time, with names that can be shown.
pub(crate) fn check(mut chapters: Vec<Chapter>) -> Result<Vec<Chapter>, String> {
    if chapters.len() > MAX_CHAPTERS {
        return Err(format!("more than {MAX_CHAPTERS} chapters"));
    }
    chapters.sort_by_key(|chapter| chapter.start);
    match chapters.iter().find(|chapter| !is_label(&chapter.title)) {
        Some(bad) => Err(format!("the chapter at {} has no name, or one that is too long", Time(bad.start))),
        None => Ok(chapters),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chapters_of_both_forms() {
        let dir = tempfile::tempdir().unwrap();
        let read = |text: &str| {
            let path = dir.path().join("chapters");
            fs::write(&path, text).unwrap();
            read_chapters(&path)
        };
        let expected = vec![
            Chapter { start: 0, title: "Opening".into() },
            Chapter { start: 750_000, title: "The wedding".into() },
        ];
        assert_eq!(read("# by hand\n00:12:30 The wedding\n\n00:00:00.000\tOpening\n").unwrap(), expected);
        let cues = "WEBVTT\n\n00:00.000 --> 12:30.000\nOpening\n\n12:30.000 --> 20:00.000\nThe wedding\n";
        assert_eq!(read(cues).unwrap(), expected);
        for (bad, what) in
            [("soon The end\n", "line 1"), ("00:01\n", "no name"), ("\u{feff}0:61 x", "line 1")]
        {
            let error = read(bad).unwrap_err().to_string();
            assert!(error.contains(what), "{error}");
        }
    }
}
