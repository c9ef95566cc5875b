//! Captions of CEA-708 in a film's pictures: ffprobe takes their octets out of the decoded pictures, in the
//! order in which they are shown, and the crate `subtitles` reads them.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::Stdio;

use subtitles::{Cea708, Time, Track};

use crate::ffmpeg::{last_words, not_there, tail};
use crate::leash::{self, Leash};
use crate::{Error, Progress};

/// ffprobe's arguments, before the graph that gives the octets and behind it.
const BEFORE: [&str; 5] = ["-v", "error", "-f", "lavfi", "-i"];
const BEHIND: [&str; 7] =
    ["-select_streams", "s", "-show_entries", "packet=pts_time,data", "-show_data", "-of", "compact=p=0"];

/// Reads the captions of a film, which is found by its link in a folder, by a graph of filters as in
/// [`calls::caption_graph`](crate::calls::caption_graph). The film begins at `start`, in milliseconds.
///
/// Nothing to show is a track without cues; more cues than a track may have are a reason to leave it out.
///
/// # Errors
/// [`Error::Missing`]; [`Error::Ffmpeg`] for what ffprobe cannot read.
pub(crate) fn read(
    film: &Path,
    folder: &Path,
    graph: &str,
    start: i64,
    progress: &mut dyn Progress,
) -> Result<Result<Track, subtitles::Error>, Error> {
    let mut command = leash::command("ffprobe");
    command.args(BEFORE).arg(graph).args(BEHIND).current_dir(folder);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|error| not_there("ffprobe", folder, error))?;
    let leash = Leash::of(&mut child);
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let complaints = std::thread::spawn(move || tail(stderr));
    let (mut captions, mut end, mut read) = (Cea708::default(), 0_u64, Ok(()));
    for line in stdout.into_iter().flat_map(|stdout| BufReader::new(stdout).lines()) {
        let Ok(line) = line else { break };
        let Some((seconds, octets)) = packet(&line) else { continue };
        let time = ((seconds * 1000.0).round() as i64).saturating_sub(start).max(0).unsigned_abs();
        progress.at(time);
        end = end.max(time);
        // The program is heard out all the same: it has something to say where it fails.
        if read.is_ok() {
            read = captions.push(Time(time), &octets);
        }
    }
    let complaints = complaints.join().unwrap_or_default();
    let status = child.wait().map_err(Error::io("ffprobe"))?;
    drop(leash);
    match status.code() {
        Some(0) => {}
        Some(leash::NOT_FOUND) => return Err(Error::Missing("ffprobe")),
        _ => {
            let (step, what) = ("captions".to_owned(), last_words(&complaints));
            return Err(Error::Ffmpeg { path: film.to_owned(), step, what });
        }
    }
    Ok(match read.and_then(|()| captions.finish(Time(end))) {
        Err(subtitles::Error::Empty) => Ok(Track::default()),
        done => done,
    })
}

/// A packet in a line like `pts_time=1.5|data=\n00000000: fc80 80   ...\n`: seconds, and what its dump has. A
/// dump has up to 16 octets in hexadecimal between the place and the letters, two together, in 40 columns.
fn packet(line: &str) -> Option<(f64, Vec<u8>)> {
    let (time, data) = line.strip_prefix("pts_time=")?.split_once("|data=")?;
    let seconds: f64 = time.parse().ok().filter(|seconds: &f64| seconds.is_finite())?;
    let mut octets = Vec::new();
    for row in data.split("\\n") {
        let place = format!("{:08x}: ", octets.len());
        // Letters may look like the end of a row; what follows is no row then.
        let Some(dump) = row.strip_prefix(&place[..]).and_then(|rest| rest.get(..40)) else { continue };
        let digits: Vec<u8> = dump.bytes().filter(|byte| *byte != b' ').collect();
        let pairs = digits.chunks_exact(2).map(|pair| std::str::from_utf8(pair).ok());
        octets.extend(pairs.map_while(|pair| u8::from_str_radix(pair?, 16).ok()));
    }
    Some((seconds, octets))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ffprobe_dumps_is_read() {
        let line = "pts_time=0.400000|data=\\n00000000: fc80 80ff 0527 fe98 30fe 4a00 fe2e 1ffe  .....'..0.J.....\\n\
                    00000010: 0900                                     ..\\n";
        let octets =
            [0xfc, 0x80, 0x80, 0xff, 5, 0x27, 0xfe, 0x98, 0x30, 0xfe, 0x4a, 0, 0xfe, 0x2e, 0x1f, 0xfe, 9, 0];
        assert_eq!(packet(line), Some((0.4, octets.to_vec())));
        let odd = "pts_time=1|data=\\n00000000: fc80 80                                  ...\\n";
        assert_eq!(packet(odd), Some((1.0, vec![0xfc, 0x80, 0x80])));
        for line in ["", "pts_time=N/A|data=", "pts_time=1", "pts_time=inf|data="] {
            assert_eq!(packet(line), None, "{line}");
        }
        for data in
            ["", "x", "00000000: fc", "00000001: fc80 80                                  ...", "\u{e9}"]
        {
            assert_eq!(packet(&format!("pts_time=1|data={data}")), Some((1.0, Vec::new())), "{data}");
        }
    }
}
