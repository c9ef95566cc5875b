//! What goes into the engine and what comes out.

use std::time::Duration;

use crate::{
    buffer::Ranges,
    client_data::ClientData,
    error::Error,
    index::{IndexUpdate, SegmentIndex},
    model::{ByteRange, Presentation, TrackKind},
};

/// Names one logical download. A retry keeps the id, and requests only the bytes that are still missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FetchId(pub u64);

/// What happened, told to the engine.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// The first manifest, or a refreshed one (same ids, new URLs).
    Manifest(Presentation),
    /// A refresh that was asked for did not succeed.
    ManifestFailed,
    /// The device woke up, or the page became visible, after the URLs were due for a refresh.
    UrlsStale,
    /// The head of a single file is complete: its init segment has arrived, its index is parsed. Where
    /// segments are files, the end of the init segment's download says the same.
    Index {
        /// Which track.
        track: TrackKind,
        /// The representation's downloadable id.
        representation: String,
        /// Its segments.
        index: SegmentIndex,
    },
    /// The news of a film that grows: the answer to [`Command::RefreshIndex`]. A server that
    /// pushes may tell it without being asked. One event for all representations, so that all of them grow
    /// at the same moment.
    IndexUpdate(IndexUpdate),
    /// The index that was asked for did not come.
    IndexFailed,
    /// Bytes of a running download arrived.
    Progress {
        /// Which download.
        fetch: FetchId,
        /// How many bytes came since the last such event.
        bytes: u64,
    },
    /// The last byte of a download arrived: all that were asked for, or the end of a file whose size was not
    /// known.
    FetchDone {
        /// Which download.
        fetch: FetchId,
    },
    /// A download broke off.
    FetchFailed {
        /// Which download.
        fetch: FetchId,
        /// Why.
        failure: Failure,
    },
    /// The media of a download is damaged: the DRM module could not use it.
    Damaged {
        /// Which download.
        fetch: FetchId,
    },
    /// Every fragment of a finished download is in the source buffer. Tell [`Event::Buffered`] first.
    SegmentAppended {
        /// Which download.
        fetch: FetchId,
    },
    /// The buffered ranges of a track as they now are.
    Buffered {
        /// Which track.
        track: TrackKind,
        /// All ranges.
        ranges: Ranges,
    },
    /// Where the playhead is. Send it about four times a second, and when the video element reports
    /// `waiting`.
    Playhead {
        /// Seconds.
        position: f64,
        /// False while paused or ended.
        playing: bool,
    },
    /// How fast the viewer wants the film to be played: 1, or the speed that they have chosen. Tell it before
    /// the [`Event::Playhead`] that follows. 1 until told otherwise; what
    /// [`Engine::rate`](crate::Engine::rate) says is nobody's choice.
    Speed {
        /// 1 is as it was made.
        speed: f64,
    },
    /// The viewer asked for another position.
    Seek {
        /// Seconds.
        position: f64,
    },
    /// The size of the video element in device pixels; (0, 0) when unknown.
    Viewport {
        /// Pixels across.
        width: u32,
        /// Pixels down.
        height: u32,
    },
    /// The viewer chose a picture quality.
    Quality {
        /// Downloadable id; `None`: automatic.
        representation: Option<String>,
    },
    /// The viewer chose another sound track.
    Audio {
        /// Downloadable id.
        representation: String,
    },
    /// The license's policy caps the picture.
    MaxHeight {
        /// Lines; `None`: no cap.
        height: Option<u32>,
    },
    /// The viewer wants to save data: no larger picture is taken without being asked for.
    DataSaver {
        /// Lines; `None`: no cap.
        height: Option<u32>,
    },
    /// What the decoder has done since the film was loaded, as `getVideoPlaybackQuality()` tells it.
    Frames {
        /// All frames, dropped ones among them (`totalVideoFrames`).
        decoded: u64,
        /// Frames that came too late to be shown (`droppedVideoFrames`).
        dropped: u64,
    },
    /// `startstreaming` and `endstreaming` of a `ManagedMediaSource`. Wanted until told otherwise.
    Streaming {
        /// Whether new segments may be fetched.
        wanted: bool,
    },
    /// The device cannot decode a representation after all: `changeType` or the decoder refused it.
    Undecodable {
        /// Downloadable id.
        representation: String,
    },
    /// The network is gone (`offline` of the window). Nobody gives up until [`Event::Online`].
    Offline,
    /// The network is back (`online` of the window).
    Online,
    /// The source buffer is full. The fragment that did not fit is held until [`Command::RetryAppend`].
    QuotaExceeded {
        /// Which track.
        track: TrackKind,
    },
    /// Only time has passed. Send it about four times a second.
    Tick,
}

/// Why a download broke off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// Connection, DNS, CORS: the browser does not say which.
    Network,
    /// An answer whose status is not the one that the range form promises.
    Status(u16),
    /// Fewer or other bytes than were asked for.
    Truncated,
    /// A persistent connection that was to bring it is gone, which is no CDN's fault: the next attempt, which
    /// begins at once, has to go another way.
    Unstreamed,
    /// The engine's own time-out; never reported from outside.
    TimedOut,
}

/// One HTTP request for media.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchSpec {
    /// Which download.
    pub fetch: FetchId,
    /// For which track.
    pub track: TrackKind,
    /// The representation's downloadable id.
    pub representation: String,
    /// Ready to fetch: for CDNs with ranges in the path, the range is in it.
    pub url: String,
    /// Whether the request must carry `Range: bytes=a-b`; answer 206 then, 200 otherwise.
    pub range_header: bool,
    /// The bytes asked for. Unless the download is `sized` they are the most that may come: the answer ends
    /// with the file (a range that reaches beyond it is cut: RFC 9110, 14.1.2).
    pub range: ByteRange,
    /// Whether exactly these bytes must arrive. False for a file of unknown size.
    pub sized: bool,
    /// How many of the first bytes of the *whole* download are init segment and index; the rest is one
    /// segment. Zero for a plain segment. Where segments are files, a head is an init segment and the whole
    /// of its file.
    pub head: u64,
    /// How many bytes of the download earlier attempts delivered.
    pub offset: u64,
    /// False when the download is init segment and index only. Low latency: it may be a part of a segment,
    /// which is decrypted and appended as a whole one is.
    pub segment: bool,
    /// When its segment begins, by the film's timeline; `None` without a segment.
    pub start: Option<Duration>,
    /// Caches on the way must not answer it from what they hold.
    pub afresh: bool,
    /// What the CDN wants to be told with it. It has no place in `url` yet.
    pub client_data: Option<ClientData>,
}

/// A question for the index of a film that grows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexQuestion {
    /// The number behind the newest segment that is known to be whole in all tracks; `None`: all of the
    /// window.
    pub since: Option<u64>,
    /// Low latency: the server is to hold its answer back until there is this part, by the numbers of its
    /// segment and of itself. `None`: until segment `since` is whole.
    pub part: Option<(u64, usize)>,
    /// The CDN to ask, by its id; `None` where the manifest names none.
    pub cdn: Option<String>,
}

/// What has to be done, told by the engine.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Send a request.
    Fetch(FetchSpec),
    /// Stop a running request. Bytes that arrived stay good.
    Abort {
        /// Which download.
        fetch: FetchId,
    },
    /// Forget everything of the track that is not yet in its source buffer: half segments, held fragments.
    Reset {
        /// Which track.
        track: TrackKind,
    },
    /// Remove from the source buffer.
    Remove {
        /// Which track.
        track: TrackKind,
        /// From this second …
        start: f64,
        /// … to this one.
        end: f64,
    },
    /// Try the held fragment again.
    RetryAppend {
        /// Which track.
        track: TrackKind,
    },
    /// Set the playhead: over a gap in the buffer, or a little on where it hangs; in a film that grows to
    /// where the viewer joins, and back into what can be fetched.
    JumpTo {
        /// Seconds.
        position: f64,
    },
    /// All tracks are complete to the end, which is known.
    EndOfStream,
    /// Get a fresh manifest.
    RefreshManifest,
    /// Ask what is new in a film that grows; answer with [`Event::IndexUpdate`] or [`Event::IndexFailed`].
    RefreshIndex(IndexQuestion),
    /// Playback cannot continue.
    Fail(Error),
}
