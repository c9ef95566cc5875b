//! What a box tells people, or programs.

use nccp::MovieId;
use serde::Serialize;

/// Shows notices.
pub trait Screen: Send {
    /// Shows one. Must not wait.
    fn show(&mut self, notice: &Notice);
}

/// Something to be shown. As JSON: an object whose `event` names it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Notice {
    /// The box is on.
    Starting {
        /// Model and serial number.
        name: String,
        /// The site.
        site: String,
    },
    /// What was kept is damaged or another box's: it begins anew.
    StateLost,
    /// The code to be typed in, once for each code.
    Code {
        /// The code.
        code: String,
        /// Where to type it in.
        url: String,
        /// The same with the code in it: to be opened, or scanned as a QR code.
        link: String,
        /// When it ends, Unix seconds by the server's clock.
        expires: u64,
        /// Seconds until then.
        seconds: u64,
    },
    /// The code was entered, but the account has no free slot: the box asks again.
    LimitReached {
        /// Where devices can be removed.
        url: String,
    },
    /// The box has its slot.
    Activated {
        /// Its id.
        device_id: String,
    },
    /// The account no longer has the box.
    Deactivated,
    /// Whose box it is.
    Account {
        /// The account's name.
        name: String,
        /// Its plan.
        plan: String,
        /// What the box is called.
        device: String,
        /// Devices that hold a slot.
        devices: u32,
        /// Slots there are.
        limit: u32,
    },
    /// The account's list.
    Queue {
        /// The films, in order.
        movies: Vec<Listed>,
    },
    /// A film begins.
    Playing {
        /// Which.
        movie_id: MovieId,
        /// Its title.
        title: String,
        /// Seconds.
        duration: f64,
        /// Where it begins, in seconds.
        position: f64,
        /// Who takes it: `null`, `mpv`, `ffplay`, …
        sink: String,
    },
    /// Where it is, about once a second.
    Position {
        /// Seconds.
        position: f64,
        /// Seconds.
        duration: f64,
        /// Up to which second it is there.
        buffered: f64,
        /// Lines of the picture.
        height: Option<u32>,
        /// Whether it is paused.
        paused: bool,
    },
    /// The controller took a report.
    Logged {
        /// Which film.
        movie_id: MovieId,
        /// Why it was reported: `interval`, `pause`, `end`, `hide`.
        reason: &'static str,
        /// Seconds.
        position: f64,
    },
    /// A film is over, or was left.
    Ended {
        /// Which.
        movie_id: MovieId,
        /// Why.
        reason: Reason,
        /// Seconds.
        position: f64,
        /// Times the buffer ran dry.
        stalls: u64,
        /// Changes of the picture's representation.
        switches: u64,
        /// What the sink was given of each track.
        tracks: Vec<Delivered>,
    },
    /// Something does not work.
    Trouble(Trouble),
    /// The box is told to stop.
    Stopping,
}

/// A film of the list.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Listed {
    /// Its number.
    pub movie_id: MovieId,
    /// Its title.
    pub title: String,
    /// Year of release.
    pub year: Option<u16>,
    /// Length in seconds.
    pub runtime: f64,
    /// Where to resume, in seconds.
    pub position: f64,
    /// URL of the widest picture.
    pub art: Option<String>,
}

/// Why a film ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// It is over.
    Finished,
    /// The viewer, or who runs the box, wanted it.
    Stopped,
    /// It could not continue.
    Failed,
}

/// What a sink was given of a track, decrypted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Delivered {
    /// `video` or `audio`.
    pub track: &'static str,
    /// Fragments.
    pub fragments: u64,
    /// Samples: pictures, or frames of sound.
    pub samples: u64,
    /// Octets of the samples.
    pub bytes: u64,
}

/// What does not work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Trouble {
    /// In words.
    pub message: String,
    /// The controller's code, where it gave one.
    pub code: Option<&'static str>,
    /// Seconds until the next try, where there is one.
    pub retry: Option<u64>,
}
