use std::path::{Path, PathBuf};

use cenc::Kid;
use cmaf::CutError;
use cmaf::timeline::seconds;

/// Why a film cannot be packaged, looked into or decrypted. Each displays as one line that says what is wrong
/// and, where that is not plain, what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file cannot be opened, read or written.
    #[error("{}: cannot {doing}: {source}", path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// What was tried: "open", "read", "write", ….
        doing: &'static str,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The file has no bytes.
    #[error("{}: the file is empty", path.display())]
    Empty {
        /// Which file.
        path: PathBuf,
    },
    /// The file ends too early.
    #[error("{}: the file is truncated: {what}", path.display())]
    Truncated {
        /// Which file.
        path: PathBuf,
        /// What is missing.
        what: String,
    },
    /// The file is neither MP4 nor Matroska.
    #[error("{}: neither MP4 nor Matroska; convert it first, for example with ffmpeg", path.display())]
    NotMp4 {
        /// Which file.
        path: PathBuf,
    },
    /// The file's boxes are malformed.
    #[error("{}: malformed MP4: {source}", path.display())]
    Boxes {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        source: isobmff::Error,
    },
    /// A codec that is not supported.
    #[error(
        "{}: {media} codec `{codec}` is not supported; encode it as {supported}, for example by `ffmpeg -i {} {} {}`, \
         or let `matinee add` do it",
        path.display(), quoted(path), encode(media), quoted(&remade(path))
    )]
    Codec {
        /// Which file.
        path: PathBuf,
        /// "video" or "audio".
        media: &'static str,
        /// The sample entry's code, such as `hvc1`, or what it stands for.
        codec: String,
        /// What to use instead.
        supported: &'static str,
    },
    /// The file is encrypted already.
    #[error("{}: already encrypted; package the clear source", path.display())]
    Encrypted {
        /// Which file.
        path: PathBuf,
    },
    /// Subtitles that cannot be read.
    #[error("{}: {source}", path.display())]
    Subtitles {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        source: subtitles::Error,
    },
    /// Something in the file that the packager does not handle.
    #[error("{}: {what}", path.display())]
    Unsupported {
        /// Which file.
        path: PathBuf,
        /// What it is, in words.
        what: String,
    },
    /// No input has a video track.
    #[error("{}: no video track", path.display())]
    NoVideo {
        /// The first input.
        path: PathBuf,
    },
    /// No input has an audio track.
    #[error("{}: no audio track; to package a silent film, say so (--no-audio)", path.display())]
    NoAudio {
        /// The first input.
        path: PathBuf,
    },
    /// Nothing to package.
    #[error("no input file given")]
    NoInput,
    /// Pictures refer to pictures before the sync sample they follow.
    #[error(
        "{}: open GOP at {seconds:.3} s: pictures that are shown before the key frame follow it, or need what is before \
         it; encode with closed GOPs and without leading pictures (x264: open-gop=0; x265: open-gop=0:radl=0)",
        path.display()
    )]
    OpenGop {
        /// Which file.
        path: PathBuf,
        /// Presentation time of the sync sample.
        seconds: f64,
    },
    /// The inputs have no point within the limit at which all could be cut.
    #[error(
        "no sync sample common to all inputs between {from:.3} s and {to:.3} s; encode all with the same key frame \
         interval of at most {limit} s"
    )]
    NoCommonSync {
        /// Start of the segment that would be too long.
        from: f64,
        /// Its end.
        to: f64,
        /// Longest allowed segment in seconds.
        limit: u64,
    },
    /// The inputs are not of equal length.
    #[error("{}: {seconds:.3} s long, but the first input has {expected:.3} s; are they the same film?", path.display())]
    Length {
        /// Which file.
        path: PathBuf,
        /// Its length.
        seconds: f64,
        /// The first input's length.
        expected: f64,
    },
    /// A segment would have no audio.
    #[error("{}: no audio between {from:.3} s and {to:.3} s of the film", path.display())]
    AudioGap {
        /// Which file.
        path: PathBuf,
        /// Start of the segment.
        from: f64,
        /// Its end.
        to: f64,
    },
    /// The bitstream of a sample cannot be read.
    #[error("{}: sample {sample} of the video: {what}", path.display())]
    Bitstream {
        /// Which file.
        path: PathBuf,
        /// Number of the sample in decoding order, from 0.
        sample: usize,
        /// What is wrong.
        what: String,
    },
    /// Two inputs would be the same representation.
    #[error("two inputs give the same representation `{id}`; leave one out")]
    SameRepresentation {
        /// Its id.
        id: String,
    },
    /// Two representations would have the same downloadable id.
    #[error(
        "representations `{a}` and `{b}` get the same downloadable id; change the segment length or the label"
    )]
    IdCollision {
        /// One.
        a: String,
        /// The other.
        b: String,
    },
    /// Two samples would be encrypted with the same IV under the same key.
    #[error("representations `{a}` and `{b}` would use an IV twice under one key")]
    IvOverlap {
        /// One.
        a: String,
        /// The other.
        b: String,
    },
    /// An option that is not built yet.
    #[error("{what}: not yet")]
    NotYet {
        /// The option.
        what: &'static str,
    },
    /// An option has a value that it cannot have.
    #[error("{what}")]
    Option {
        /// What is wrong.
        what: &'static str,
    },
    /// Given keys that do not fit the film.
    #[error("{what}")]
    Keys {
        /// What is wrong.
        what: String,
    },
    /// The library has the same film, encrypted by another key under the same KID.
    #[error("{}: already there under another key with the same KID; give the key a KID of its own", path.display())]
    OtherKey {
        /// Where the film lies.
        path: PathBuf,
    },
    /// The place to publish to is taken.
    #[error("{}: already there; remove it or choose another place", path.display())]
    Exists {
        /// The place.
        path: PathBuf,
    },
    /// A `pack.json` that cannot be read, or could not be once written.
    #[error("{}: {source}", path.display())]
    Pack {
        /// The pack's folder.
        path: PathBuf,
        /// What is wrong.
        source: pack::Error,
    },
    /// No key was given for a file's KID.
    #[error("no key given for KID {kid}")]
    NoKey {
        /// The KID.
        kid: Kid,
    },
    /// The pack cannot be put where it is to lie.
    #[error(transparent)]
    Storage(#[from] storage::Error),
    /// Keys, names or subsamples that do not fit.
    #[error(transparent)]
    Cenc(#[from] cenc::Error),
}

/// A file's name as shells take it.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || b"/._-+:@%,".contains(&b);
    match text.bytes().all(is_plain) && !text.starts_with('-') {
        true => text,
        false => format!("'{}'", text.replace('\'', "'\\''")),
    }
}

/// A name for the file that is made of one: another one, beside it.
fn remade(path: &Path) -> PathBuf {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!("{stem}-new.mp4"))
}

/// ffmpeg's options that make of a medium what every browser plays, with key frames where segments can begin,
/// and leave the other as it is.
fn encode(media: &str) -> &'static str {
    match media {
        "audio" => "-map 0:v? -map 0:a -c:v copy -c:a aac -b:a 192k",
        _ => {
            "-map 0:v:0 -map 0:a? -c:v libx264 -crf 20 -pix_fmt yuv420p -force_key_frames 'expr:gte(t,n_forced*2)' -c:a copy"
        }
    }
}

impl Error {
    pub(crate) fn io(path: impl Into<PathBuf>, doing: &'static str) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { path, doing, source }
    }

    pub(crate) fn boxes(path: impl Into<PathBuf>) -> impl FnOnce(isobmff::Error) -> Self {
        let path = path.into();
        move |source| Self::Boxes { path, source }
    }

    /// For a source in whose timescale times are.
    pub(crate) fn cmaf(path: &Path, timescale: u32) -> impl FnOnce(cmaf::Error) -> Self {
        move |error| match error {
            cmaf::Error::Bitstream { sample, what } => {
                Self::Bitstream { path: path.into(), sample: sample as usize, what }
            }
            cmaf::Error::OpenGop { time } => {
                Self::OpenGop { path: path.into(), seconds: seconds(time, timescale) }
            }
            cmaf::Error::Boxes(source) => Self::Boxes { path: path.into(), source },
            cmaf::Error::Cenc(error) => Self::Cenc(error),
            other => Self::unsupported(path, other.to_string()),
        }
    }

    /// For inputs of which `path` names one by its index among the videos.
    pub(crate) fn cut<'a>(path: impl Fn(usize) -> &'a Path) -> impl FnOnce(CutError) -> Self {
        move |error| match error {
            CutError::OpenGop { video, seconds } => Self::OpenGop { path: path(video).into(), seconds },
            CutError::Length { video, seconds, expected } => {
                Self::Length { path: path(video).into(), seconds, expected }
            }
            CutError::NoCommonSync { from, to, limit } => Self::NoCommonSync { from, to, limit },
            CutError::AudioGap { from, to } => Self::AudioGap { path: path(0).into(), from, to },
            CutError::NoSync { video } => Self::unsupported(path(video), error.to_string()),
            other => Self::unsupported(path(0), other.to_string()),
        }
    }

    pub(crate) fn pack(path: impl Into<PathBuf>) -> impl FnOnce(pack::Error) -> Self {
        let path = path.into();
        move |source| Self::Pack { path, source }
    }

    pub(crate) fn unsupported(path: impl Into<PathBuf>, what: impl Into<String>) -> Self {
        Self::Unsupported { path: path.into(), what: what.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is refused says the command that mends it, to be pasted into a shell.
    #[test]
    fn a_refused_codec_comes_with_the_command() {
        let error = |path: &str, media| Error::Codec {
            path: path.into(),
            media,
            codec: "vp08 (VP8)".to_owned(),
            supported: "H.264, HEVC, VP9 or AV1",
        };
        let said = error("My film's cut.mp4", "video").to_string();
        assert!(
            said.contains("`ffmpeg -i 'My film'\\''s cut.mp4' -map 0:v:0 ") && !said.contains('\n'),
            "{said}"
        );
        assert!(said.contains(" -c:a copy 'My film'\\''s cut-new.mp4'`"), "{said}");
        let said = error("film.mp4", "audio").to_string();
        assert!(said.contains("`ffmpeg -i film.mp4 -map 0:v? -map 0:a -c:v copy -c:a aac"), "{said}");
        assert!(said.contains(" -b:a 192k film-new.mp4`"), "the film itself is not written over: {said}");
        assert_eq!(quoted(Path::new("-i")), "'-i'");
    }
}
