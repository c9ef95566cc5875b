//! Who takes the film.

mod pipe;

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;

pub(crate) use pipe::Pipe;

/// Who takes the film.
#[derive(Debug, Clone, PartialEq)]
pub enum Sink {
    /// mpv or ffplay, where one is installed; else nobody.
    Auto,
    /// Nobody: fragments are decrypted, counted and forgotten, while time passes so many times faster than it
    /// does.
    Null {
        /// 1 is real time.
        speed: f64,
    },
    /// mpv.
    Mpv,
    /// ffplay, of FFmpeg.
    Ffplay,
    /// Any program that plays fragmented MP4 from its standard input.
    Program(Program),
}

/// A program that plays what it reads from its standard input, and ends when that does.
#[derive(Debug, Clone, PartialEq)]
pub struct Program {
    /// What people call it.
    pub name: String,
    /// What to run.
    pub path: PathBuf,
    /// With what arguments.
    pub arguments: Vec<OsString>,
    /// How it says where it is.
    pub reports: Reports,
}

/// How a program says where it is in the film.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Reports {
    /// It does not: time passes, so many times faster than it does.
    Nothing {
        /// 1 is real time.
        speed: f64,
    },
    /// Lines on its standard error that begin with a number of seconds.
    StandardError,
}

/// A sink that is there.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Chosen {
    Null { speed: f64 },
    Program(Program),
}

impl Chosen {
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Null { .. } => "null",
            Self::Program(program) => &program.name,
        }
    }

    /// Whether an event can be followed by parts of segments. That takes a playhead that goes as fast as the
    /// engine says, and where it says. A program reads ahead, plays at its own speed, and cannot be moved: it
    /// gets segments when they are whole, and the distance from what is live that they leave.
    pub(crate) fn takes_parts(&self) -> bool {
        matches!(self, Self::Null { speed } if (*speed - 1.0).abs() < f64::EPSILON)
    }

    /// How many times faster than it does time passes.
    pub(crate) fn speed(&self) -> f64 {
        match self {
            Self::Null { speed } => *speed,
            Self::Program(Program { reports: Reports::Nothing { speed }, .. }) => *speed,
            Self::Program(_) => 1.0,
        }
    }
}

/// Its status line goes to standard error, whether or not that is a terminal.
fn mpv() -> Option<Program> {
    let arguments = [
        "--no-config",
        "--msg-level=all=error,statusline=status",
        "--term-status-msg=${=time-pos}",
        "--force-window=yes",
        // A film that is resumed in its middle begins there.
        "--rebase-start-time=no",
        "--title=Matinee",
        "--demuxer=lavf",
        "--demuxer-lavf-format=mp4",
        "-",
    ];
    installed("mpv", &arguments)
}

/// `-stats` writes where it is to standard error.
fn ffplay() -> Option<Program> {
    let arguments = [
        "-hide_banner",
        "-loglevel",
        "error",
        "-stats",
        "-autoexit",
        "-window_title",
        "Matinee",
        "-f",
        "mp4",
        "-i",
        "pipe:0",
    ];
    installed("ffplay", &arguments)
}

fn installed(name: &str, arguments: &[&str]) -> Option<Program> {
    let folders = env::var_os("PATH")?;
    let path = env::split_paths(&folders).map(|folder| folder.join(name)).find(|path| path.is_file())?;
    let arguments = arguments.iter().map(OsString::from).collect();
    Some(Program { name: name.to_owned(), path, arguments, reports: Reports::StandardError })
}

/// The sink that is wanted, or the best that there is; the name of a player that is not installed otherwise.
pub(crate) fn choose(sink: &Sink) -> Result<Chosen, &'static str> {
    match sink {
        Sink::Null { speed } => Ok(Chosen::Null { speed: *speed }),
        Sink::Program(program) => Ok(Chosen::Program(program.clone())),
        Sink::Mpv => mpv().map(Chosen::Program).ok_or("mpv"),
        Sink::Ffplay => ffplay().map(Chosen::Program).ok_or("ffplay"),
        Sink::Auto => Ok(mpv().or_else(ffplay).map_or(Chosen::Null { speed: 1.0 }, Chosen::Program)),
    }
}
