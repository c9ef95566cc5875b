//! Downloads over a persistent connection (docs/protocol.md, section 8): what to say to the server, and whose
//! the octets are that come. No I/O, and no choices: what is wanted next is the engine's to say, as with
//! ranges.
//!
//! Each track is granted the segment that the engine asks for, and no octet more. So the engine's goals for
//! the buffer hold the server back. A segment behind the last one costs no round trip but the grant's; any
//! other is a seek of its track, after a switch where it is another representation's.

mod lane;
#[cfg(test)]
mod tests;

use std::time::Duration;

use engine::{FetchId, FetchSpec};
use nccp::stream::{Ask, Piece, Told, TrackKind, from_base64};

use lane::{Lane, Want};

/// After how long the connection is given up when something is wanted and nothing of it came, whatever came
/// of the rest. Sooner than the engine gives up a download (3 s), which it would blame a CDN for.
const SILENCE: Duration = Duration::from_millis(2500);

/// What follows from what happened, in order.
#[derive(Clone, Debug, PartialEq)]
pub enum Do {
    /// Send this.
    Say(Ask),
    /// These are the next octets of a download.
    Head {
        /// Which download.
        fetch: FetchId,
        /// What was missing of init segment and index.
        octets: Vec<u8>,
        /// Whether they are its last.
        last: bool,
    },
    /// The octets of the piece that has just come, behind the first `skip` of them, are the next of a
    /// download.
    Octets {
        /// Which download.
        fetch: FetchId,
        /// So many the download has already.
        skip: u64,
        /// Whether they are its last.
        last: bool,
    },
}

/// Why there is no connection, or none any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Broken {
    /// It could not be opened, or was closed without a word.
    Closed,
    /// Nothing came of what was wanted.
    Silent,
    /// What came is not what the protocol says.
    Nonsense,
    /// The server ended it with this error code (docs/protocol.md, section 4).
    Told(String),
}

impl Broken {
    /// The server's error code, if it said one that looks like one: it goes onto the page and into reports,
    /// and what a server says can be anything.
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Told(code) => Some(code.as_str()).filter(|code| is_code(code)),
            Self::Closed | Self::Silent | Self::Nonsense => None,
        }
    }
}

/// Whether that looks like an error code.
fn is_code(code: &str) -> bool {
    (1..=40).contains(&code.len()) && code.bytes().all(|b| b.is_ascii_uppercase() || b == b'_')
}

/// Init segment and index, which were asked for and have not come.
#[derive(Debug)]
struct HeadWant {
    fetch: FetchId,
    file: String,
    /// All its octets, and how many of them the download has.
    length: u64,
    offset: u64,
    /// Whether they are all that the download is.
    alone: bool,
    /// When they were asked for.
    since: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Connecting,
    /// Nothing was played.
    Open,
    Playing,
}

/// A playback's persistent connection, from the first attempt to connect on.
#[derive(Debug)]
pub struct Stream {
    state: State,
    /// What was wanted before it was open.
    early: Vec<FetchSpec>,
    heads: Vec<HeadWant>,
    lanes: [Lane; 2],
    /// How many plays and seeks the server was told.
    turn: u32,
    /// Since when it is being opened.
    begun: Duration,
}

impl Stream {
    /// Whether a download can come this way: a segment of a film whose place in the file is known, or a head.
    /// What came damaged is better fetched another way.
    pub fn carries(spec: &FetchSpec) -> bool {
        spec.sized && !spec.afresh && spec.segment == spec.start.is_some() && (spec.segment || spec.head > 0)
    }

    /// A connection that is being opened.
    pub fn connecting(now: Duration) -> Self {
        Self {
            state: State::Connecting,
            early: Vec::new(),
            heads: Vec::new(),
            lanes: [TrackKind::Video, TrackKind::Audio].map(Lane::new),
            turn: 0,
            begun: now,
        }
    }

    /// It is open.
    pub fn opened(&mut self, now: Duration) -> Vec<Do> {
        let mut out = Vec::new();
        if self.state == State::Connecting {
            self.state = State::Open;
            for spec in std::mem::take(&mut self.early) {
                self.take(&spec, now, &mut out);
            }
        }
        out
    }

    /// The engine wants this, which the connection [carries](Self::carries).
    pub fn want(&mut self, spec: &FetchSpec, now: Duration) -> Vec<Do> {
        let mut out = Vec::new();
        if self.state == State::Connecting {
            self.early.push(spec.clone());
            return out;
        }
        self.take(spec, now, &mut out);
        out
    }

    fn take(&mut self, spec: &FetchSpec, now: Duration, out: &mut Vec<Do>) {
        let (fetch, file) = (spec.fetch, spec.representation.clone());
        if spec.offset < spec.head {
            out.push(Do::Say(Ask::Head { rep: file.clone() }));
            let (length, offset) = (spec.head, spec.offset);
            let (file, alone) = (file.clone(), !spec.segment);
            self.heads.push(HeadWant { fetch, file, length, offset, alone, since: now });
        }
        let Some(start) = spec.start else { return };
        let before = spec.range.start.saturating_sub(spec.offset);
        let place = before.saturating_add(spec.head);
        let want = Want {
            fetch,
            file,
            start: start.as_secs_f64(),
            place,
            length: spec.range.end.saturating_add(1).saturating_sub(place),
            skip: spec.offset.saturating_sub(spec.head),
            since: now,
        };
        let lane = self.lane(match spec.track {
            engine::model::TrackKind::Video => TrackKind::Video,
            engine::model::TrackKind::Audio => TrackKind::Audio,
        });
        lane.wants.push_back(want);
        if lane.wants.len() == 1 {
            let number = lane.kind.number();
            self.ask_for(number, out);
        }
    }

    fn lane(&mut self, kind: TrackKind) -> &mut Lane {
        let [video, audio] = &mut self.lanes;
        match kind {
            TrackKind::Video => video,
            TrackKind::Audio => audio,
        }
    }

    fn numbered(&mut self, number: u32) -> Option<&mut Lane> {
        self.lanes.iter_mut().find(|lane| lane.kind.number() == number)
    }

    /// Has the server send the first of what is wanted of a track.
    fn ask_for(&mut self, number: u32, out: &mut Vec<Do>) {
        let (begun, turn) = (self.state == State::Playing, self.turn);
        let Some(lane) = self.numbered(number) else { return };
        let asks = lane.ask(begun);
        let turns =
            asks.iter().filter(|ask| matches!(ask, Ask::Play { .. } | Ask::Seek { .. })).count() as u32;
        if turns > 0 {
            lane.since = turn + turns;
        }
        self.turn = turn + turns;
        self.state = State::Playing;
        out.extend(asks.into_iter().map(Do::Say));
    }

    /// The engine does not want it any more.
    pub fn give_up(&mut self, fetch: FetchId) -> Vec<Do> {
        let mut out = Vec::new();
        self.early.retain(|spec| spec.fetch != fetch);
        self.heads.retain(|head| head.fetch != fetch);
        for number in 0..self.lanes.len() as u32 {
            let Some(lane) = self.numbered(number) else { continue };
            let Some(at) = lane.wants.iter().position(|want| want.fetch == fetch) else { continue };
            lane.wants.remove(at);
            if at == 0 {
                // What the server is sending, or was granted, is not to come: it goes elsewhere, or back to
                // where it began.
                lane.lose_place();
                match lane.wants.is_empty() {
                    true => self.leave(number, &mut out),
                    false => self.ask_for(number, &mut out),
                }
            }
        }
        out
    }

    /// Has the server stop within a segment.
    fn leave(&mut self, number: u32, out: &mut Vec<Do>) {
        let turn = self.turn + 1;
        let Some(lane) = self.numbered(number) else { return };
        lane.since = turn;
        out.push(Do::Say(Ask::Seek { at: lane.asked_at, track: Some(lane.kind) }));
        self.turn = turn;
    }

    /// The server says something.
    ///
    /// # Errors
    /// It ends the connection, or says what cannot be.
    pub fn told(&mut self, told: Told, now: Duration) -> Result<Vec<Do>, Broken> {
        match told {
            // What the manifest brought holds here, too.
            Told::Metadata { .. } | Told::End { .. } => Ok(Vec::new()),
            Told::Error { code, .. } => Err(Broken::Told(code)),
            Told::Segment { track, file, place, bytes, number, turn, .. } => {
                let lane = self.lane(track);
                lane.heard = now;
                lane.announced(&file, (place, bytes), (number, turn))?;
                Ok(Vec::new())
            }
            Told::Head { file, data } => {
                let Some(at) = self.heads.iter().position(|head| head.file == file) else {
                    return Ok(Vec::new()); // given up meanwhile
                };
                let HeadWant { fetch, length, offset, alone, .. } = self.heads.remove(at);
                let octets = from_base64(&data).map_err(|_| Broken::Nonsense)?;
                if octets.len() as u64 != length {
                    return Err(Broken::Nonsense);
                }
                let octets = octets.into_iter().skip(usize::try_from(offset).unwrap_or(usize::MAX)).collect();
                Ok(vec![Do::Head { fetch, octets, last: alone }])
            }
        }
    }

    /// A binary message came: its head, and how many octets are behind it.
    ///
    /// # Errors
    /// Nothing of the kind was announced.
    pub fn piece(&mut self, piece: Piece, octets: u64, now: Duration) -> Result<Vec<Do>, Broken> {
        let lane = self.numbered(piece.track).ok_or(Broken::Nonsense)?;
        lane.heard = now;
        let Some((fetch, skip, last)) = lane.arrived(piece.number, octets)? else { return Ok(Vec::new()) };
        let more = last && !lane.wants.is_empty();
        if self.heads.iter().any(|head| head.fetch == fetch) {
            return Err(Broken::Nonsense);
        }
        let mut out = vec![Do::Octets { fetch, skip, last }];
        if more {
            self.ask_for(piece.track, &mut out);
        }
        Ok(out)
    }

    /// Whether it is to be given up, because nothing comes of something that is wanted.
    pub fn is_silent(&self, now: Duration) -> bool {
        let is_late = |since: Duration| now >= since + SILENCE;
        match self.state {
            State::Connecting => is_late(self.begun),
            State::Open | State::Playing => {
                self.heads.iter().any(|head| is_late(head.since))
                    || self.lanes.iter().filter_map(Lane::waits_since).any(is_late)
            }
        }
    }

    /// Whether it was opened.
    pub fn is_open(&self) -> bool {
        self.state != State::Connecting
    }

    /// It is over: the downloads that it leaves behind.
    pub fn close(&mut self) -> Vec<FetchId> {
        let early = self.early.drain(..).map(|spec| spec.fetch);
        let heads = self.heads.drain(..).map(|head| head.fetch);
        let lanes = self.lanes.iter_mut().flat_map(|lane| lane.wants.drain(..)).map(|want| want.fetch);
        let mut left: Vec<FetchId> = early.chain(heads).chain(lanes).collect();
        left.sort_unstable();
        left.dedup();
        left
    }
}
