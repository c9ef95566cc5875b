//! The calls of ffmpeg and ffprobe: arguments as a vector, inputs by `file:`, no other protocol.

use std::ffi::{OsStr, OsString};
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::leash::{self, Leash};
use crate::mastering::Mastering;
use crate::packets::{self, Packets};
use crate::plan::{HdrCoding, Refusal, Source, film_that_may_pass, may_have_captions, sound_may_pass};
use crate::probe::Media;
use crate::{Error, Progress};

/// Octets of ffmpeg's complaints that are kept.
const KEPT: usize = 16 << 10;

/// Octets of ffprobe's answer that are read.
const MAX_ANSWER: u64 = 256 << 20;

/// Names of files that are read as TTML, which ffmpeg does not read.
const TTML: [&str; 3] = ["ttml", "dfxp", "xml"];

/// ffprobe's arguments for what is beside the pictures. Whoever sends captions sends them with all pictures,
/// even where nobody speaks, so the key frames of a minute tell.
const SIDE_DATA: [&str; 8] = [
    "-skip_frame",
    "nokey",
    "-read_intervals",
    "%+60",
    "-show_entries",
    "frame_side_data=side_data_type",
    "-of",
    "csv=p=0",
];

/// ffprobe's arguments for what stands beside the first picture, where HEVC and AV1 say how it was mastered,
/// and not every container does.
const FIRST_PICTURE: [&str; 6] =
    ["-read_intervals", "%+#1", "-show_entries", "frame_side_data", "-of", "json"];

/// ffprobe's name of captions in the user data of ATSC A/53.
const A53: &str = "ATSC A53 Part 4 Closed Captions";

/// `file:` in front of a path, so that nothing in its name is taken for a protocol or an option.
pub(crate) fn file(path: &Path) -> OsString {
    let mut name = OsString::from("file:");
    name.push(path);
    name
}

/// The last lines of what a program complained, as one.
pub(crate) fn last_words(stderr: &[u8]) -> String {
    let text = String::from_utf8_lossy(stderr);
    let lines: Vec<_> =
        text.lines().map(str::trim).filter(|line| !line.is_empty()).map(without_address).collect();
    match lines.is_empty() {
        true => "it said nothing".to_owned(),
        false => lines[lines.len().saturating_sub(4)..].join(" | "),
    }
}

/// A line without where in memory it was said: `[h264 @ 0x55d] x` is `[h264] x`.
fn without_address(line: &str) -> String {
    let parts = line.split_once(" @ 0x").and_then(|(name, rest)| Some((name, rest.split_once(']')?.1)));
    parts.map_or_else(|| line.to_owned(), |(name, rest)| format!("{name}]{rest}"))
}

fn probe_output(path: &Path, args: &[&str]) -> Result<Vec<u8>, Error> {
    let mut command = Command::new("ffprobe");
    command.args(["-v", "error", "-protocol_whitelist", "file,pipe"]).args(args).arg("-i").arg(file(path));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|error| not_there("ffprobe", path, error))?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let complaints = std::thread::spawn(move || tail(stderr));
    let mut answer = Vec::new();
    if let Some(stdout) = stdout {
        stdout.take(MAX_ANSWER).read_to_end(&mut answer).map_err(Error::io(path))?;
    }
    let complaints = complaints.join().unwrap_or_default();
    match child.wait().map_err(Error::io(path))?.success() {
        true => Ok(answer),
        false => Err(Error::Unreadable { path: path.into(), what: last_words(&complaints) }),
    }
}

pub(crate) fn not_there(program: &'static str, path: &Path, error: std::io::Error) -> Error {
    match error.kind() {
        std::io::ErrorKind::NotFound => Error::Missing(program),
        _ => Error::io(path)(error),
    }
}

/// Keeps the last octets of a stream.
pub(crate) fn tail(stream: Option<impl std::io::Read>) -> Vec<u8> {
    let (mut kept, mut piece) = (Vec::new(), [0; 4096]);
    let Some(mut stream) = stream else { return kept };
    while let Ok(count @ 1..) = stream.read(&mut piece) {
        kept.extend_from_slice(&piece[..count]);
        if kept.len() > 2 * KEPT {
            kept.drain(..kept.len() - KEPT);
        }
    }
    kept
}

/// A file of TTML.
fn ttml(path: PathBuf) -> Result<Source, Error> {
    let len = std::fs::metadata(&path).map_err(Error::io(&path))?.len();
    let track = match len > subtitles::MAX_OCTETS as u64 {
        true => Err(subtitles::Error::TooLarge),
        false => subtitles::read_ttml(&std::fs::read(&path).map_err(Error::io(&path))?),
    };
    track.map_err(|error| Refusal { path: path.clone(), what: error.to_string() })?;
    Ok(Source { path, media: Media::of_subtitles("ttml"), key_frames: None, holes: Vec::new() })
}

/// Whether captions are seen in a stream of pictures. In what cannot be decoded none are: that is no reason
/// to refuse the film here.
fn has_captions(path: &Path, stream: usize) -> bool {
    let number = stream.to_string();
    let args = [&["-select_streams", &number[..]][..], &SIDE_DATA].concat();
    probe_output(path, &args).is_ok_and(|answer| String::from_utf8_lossy(&answer).contains(A53))
}

/// How pictures were mastered, by the first one; of what cannot be decoded nothing is known.
fn mastering(path: &Path, stream: usize) -> Mastering {
    let number = stream.to_string();
    let args = [&["-select_streams", &number[..]][..], &FIRST_PICTURE].concat();
    probe_output(path, &args).map(|answer| Mastering::of_frames(&answer)).unwrap_or_default()
}

/// Probes an input: its streams, captions in its pictures, how HDR was mastered, and, where some streams may
/// pass, the distance of its key frames and gaps in its sound. Files of TTML are read, not probed.
///
/// # Errors
/// [`Error::Missing`], [`Error::Unreadable`], [`Error::Refused`], [`Error::Io`].
pub fn probe(path: &Path) -> Result<Source, Error> {
    // ffprobe's own words for a missing file are none.
    let path = std::fs::canonicalize(path).map_err(Error::io(path))?;
    let meta = std::fs::metadata(&path).map_err(Error::io(&path))?;
    let refused = |what: &str| Refusal { path: path.clone(), what: what.to_owned() };
    if meta.is_dir() {
        return Err(refused("it is a folder; name the film's file").into());
    }
    if meta.is_file() && meta.len() == 0 {
        return Err(refused("it is empty").into());
    }
    let extension = path.extension().map(|extension| extension.to_string_lossy().to_lowercase());
    if extension.is_some_and(|extension| TTML.contains(&&extension[..])) {
        return ttml(path);
    }
    let answer = probe_output(&path, &["-show_format", "-show_streams", "-show_chapters", "-of", "json"])?;
    let unreadable = |what: String| Error::Unreadable { path: path.clone(), what };
    // ffmpeg decodes what is encrypted, and sees noise.
    if packager::says_encrypted(&path) {
        return Err(refused("it is encrypted; give the film's clear file").into());
    }
    let mut media = Media::from_json(&answer).map_err(|error| unreadable(error.to_string()))?;
    if let Some(index) = may_have_captions(&media)
        && has_captions(&path, index)
    {
        media.set_captions(index);
    }
    if let Some((index, unknown)) = media.unknown_mastering() {
        *unknown = mastering(&path, index);
    }
    let pictures = film_that_may_pass(&media);
    let sound = media.streams.iter().any(sound_may_pass);
    if pictures.is_none() && !sound && media.duration > 0.0 {
        return Ok(Source { path, media, key_frames: None, holes: Vec::new() });
    }
    let packets = Packets::read(&String::from_utf8_lossy(&probe_output(&path, &packets::ASKED)?));
    if media.duration <= 0.0 {
        // What was written to a pipe does not say how long it is: its packets do.
        media.duration = (packets.end() - media.start).max(0.0);
    }
    let key_frames = pictures.map(|stream| packets.longest_group(stream, media.duration + media.start));
    Ok(Source { path, media, key_frames, holes: packets.with_holes() })
}

/// In what this ffmpeg can keep HDR, the one that more devices decode first.
///
/// # Errors
/// [`Error::Missing`], [`Error::Io`].
pub fn hdr_encoders() -> Result<Vec<HdrCoding>, Error> {
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-hide_banner", "-encoders"]).stdin(Stdio::null());
    let answer = command.output().map_err(|error| not_there("ffmpeg", &PathBuf::from("ffmpeg"), error))?;
    Ok(named(&String::from_utf8_lossy(&answer.stdout)))
}

/// The encoders that ffmpeg's list names.
fn named(list: &str) -> Vec<HdrCoding> {
    let names: Vec<_> = list.lines().filter_map(|line| line.split_whitespace().nth(1)).collect();
    HdrCoding::ALL.into_iter().filter(|coding| names.contains(&coding.encoder())).collect()
}

/// A call of ffmpeg.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    /// What it reads.
    of: PathBuf,
    args: Vec<OsString>,
}

impl Call {
    /// That reads this file or folder, once it is told to.
    pub(crate) fn of(path: &Path) -> Self {
        let base =
            ["-nostdin", "-hide_banner", "-loglevel", "error", "-y", "-nostats", "-progress", "pipe:1"];
        Self { of: path.to_owned(), args: base.map(OsString::from).to_vec() }
    }

    /// Adds arguments, separated by blanks.
    pub(crate) fn words(mut self, words: &str) -> Self {
        self.args.extend(words.split_whitespace().map(OsString::from));
        self
    }

    /// Adds one argument.
    pub(crate) fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.args.push(arg.as_ref().to_owned());
        self
    }

    /// Adds the file as an input, with what was said before it.
    pub(crate) fn input(self) -> Self {
        let path = file(&self.of);
        self.words("-protocol_whitelist file,pipe -i").arg(path)
    }

    /// Adds an output, with what was said before it.
    pub(crate) fn output(self, path: &Path) -> Self {
        self.arg(file(path))
    }

    /// What is said, without where it is written.
    pub(crate) fn said(&self) -> &[OsString] {
        &self.args
    }

    /// Runs it in a folder; tells how many milliseconds of the film are done.
    pub(crate) fn run(&self, step: &str, folder: &Path, progress: &mut dyn Progress) -> Result<(), Error> {
        let mut command = leash::command("ffmpeg");
        command.args(&self.args).current_dir(folder).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child =
            command.spawn().map_err(|error| not_there("ffmpeg", &PathBuf::from("ffmpeg"), error))?;
        let leash = Leash::of(&mut child);
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let complaints = std::thread::spawn(move || tail(stderr));
        for line in stdout.into_iter().flat_map(|stdout| BufReader::new(stdout).lines()) {
            let Ok(line) = line else { break };
            if let Some(us) = line.strip_prefix("out_time_us=").and_then(|us| us.trim().parse::<u64>().ok()) {
                progress.at(us / 1000);
            }
        }
        let complaints = complaints.join().unwrap_or_default();
        let status = child.wait().map_err(Error::io("ffmpeg"))?;
        drop(leash);
        match status.code() {
            Some(0) => Ok(()),
            Some(leash::NOT_FOUND) => Err(Error::Missing("ffmpeg")),
            _ => Err(Error::Ffmpeg {
                path: self.of.clone(),
                step: step.to_owned(),
                what: last_words(&complaints),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encoders_are_found_by_name() {
        let list = " V..... = Video\n ------\n V..... libsvtav1            SVT-AV1\n V....D libx264   x\n";
        assert_eq!(named(list), [HdrCoding::Av1]);
        let list = format!("{list} V....D libx265              libx265 H.265 / HEVC (codec hevc)\n");
        assert_eq!(named(&list), [HdrCoding::Hevc, HdrCoding::Av1]);
        assert!(named("").is_empty());
    }

    #[test]
    fn last_words_are_one_line() {
        assert_eq!(last_words(b"a\nb\nc\n\nd\ne\n"), "b | c | d | e");
        assert_eq!(last_words(b""), "it said nothing");
        assert_eq!(last_words(b"[mov,mp4 @ 0x55d0] no tfhd\n[x @ 0x1 y"), "[mov,mp4] no tfhd | [x @ 0x1 y");
        assert!(tail(Some(&[7; 100_000][..])).len() <= 2 * KEPT);
    }
}
