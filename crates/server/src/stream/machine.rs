//! What is sent next over a persistent connection. Pure: asks and octets that were sent go in, steps come
//! out.

use super::film::{Film, Instant, compare};
use nccp::stream::{Ask, FIRST_CREDIT, MAX_CREDIT, TrackKind};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Octets of a segment in one message, at most.
pub(crate) const PIECE: u64 = 16 << 10;

/// What to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// Nothing, until the client asks for something.
    Wait,
    /// A playback begins: its DRM metadata is due.
    Metadata,
    /// Announce this segment.
    Begin(Segment),
    /// Send up to so many octets of the segment that was announced of this track, and say how many they were.
    Send(TrackKind, u64),
    /// Say that the film is over.
    End,
}

/// A segment that is to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Segment {
    /// Place of its representation in the film.
    pub(crate) rep: usize,
    /// Its number there.
    pub(crate) number: usize,
    /// Whether the track had another representation before it, or none, and the client has not its head
    /// either.
    pub(crate) with_init: bool,
}

/// Why an ask cannot be followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mistake {
    /// There is no such representation of that track, or no such track.
    Unknown(TrackKind),
    /// Nothing is played yet.
    NotBegun,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Idle,
    Playing,
    Paused,
    Ended,
}

#[derive(Debug)]
struct Track {
    kind: TrackKind,
    /// The representation that `next` counts in.
    rep: usize,
    /// The one that is sent from the next segment on.
    wanted: usize,
    next: usize,
    /// The one whose init segment the client has last.
    told: Option<usize>,
    /// How much is left of the segment that is being sent.
    open: Option<u64>,
    /// What it may have, where each track has its own.
    credit: u64,
}

impl Track {
    /// Takes what is wanted into use, at the same place in the film.
    fn settle(&mut self, film: &Film) {
        if self.rep != self.wanted {
            let (from, to) = (&film.reps[self.rep], &film.reps[self.wanted]);
            self.next = from.start(self.next).map_or(to.segments.len(), |at| to.segment_for(at));
            self.rep = self.wanted;
        }
    }

    /// What was announced and not sent to its end stays behind.
    fn go_to(&mut self, film: &Film, seconds: f64) {
        self.open = None;
        self.rep = self.wanted;
        self.next = film.reps[self.rep].segment_at(seconds);
    }

    /// When its next segment begins; `None` at its end.
    fn start(&self, film: &Film) -> Option<Instant> {
        film.reps[self.rep].start(self.next)
    }

    /// The segment that is to be announced, if there is one, to a client with these heads.
    fn begin(&mut self, film: &Film, heads: &BTreeSet<usize>) -> Option<Segment> {
        let (_, range) = film.reps[self.rep].segments.get(self.next)?;
        let with_init = self.told != Some(self.rep) && !heads.contains(&self.rep);
        self.told = Some(self.rep);
        self.open = Some(range.length());
        Some(Segment { rep: self.rep, number: self.next, with_init })
    }
}

/// A client's playback.
#[derive(Debug)]
pub(crate) struct Playback {
    film: Arc<Film>,
    tracks: Vec<Track>,
    /// The representations whose heads the client has asked for: there are init segments in them.
    heads: BTreeSet<usize>,
    state: State,
    /// What all tracks may have together; `None` where each has its own.
    shared: Option<u64>,
    turn: u32,
    /// DRM metadata is due.
    begun: bool,
    /// Which of the tracks was sent last, where each has its own credit.
    last: usize,
}

impl Playback {
    pub(crate) fn new(film: Arc<Film>) -> Self {
        let track = |kind| {
            let rep = film.first(kind)?;
            Some(Track { kind, rep, wanted: rep, next: 0, told: None, open: None, credit: 0 })
        };
        let tracks = [TrackKind::Video, TrackKind::Audio].into_iter().filter_map(track).collect();
        let (state, shared) = (State::Idle, Some(FIRST_CREDIT));
        let heads = BTreeSet::new();
        Self { film, tracks, heads, state, shared, turn: 0, begun: false, last: 0 }
    }

    /// How many plays and seeks to a place were followed.
    pub(crate) const fn turn(&self) -> u32 {
        self.turn
    }

    /// The client was sent the head of the representation at this place in the film.
    pub(crate) fn has_head(&mut self, rep: usize) {
        self.heads.insert(rep);
    }

    /// Whether nothing was ever played.
    pub(crate) fn is_idle(&self) -> bool {
        self.state == State::Idle
    }

    /// Follows an ask, wholly or not at all. A head is nothing of a playback's.
    pub(crate) fn ask(&mut self, ask: &Ask) -> Result<(), Mistake> {
        match ask {
            Ask::Play { at, video, audio } => {
                self.choose(video.as_deref(), audio.as_deref())?;
                let begins = matches!(self.state, State::Idle | State::Ended);
                self.begun |= begins;
                if let Some(at) = at.or(begins.then_some(0.0)) {
                    self.go_to(at, None);
                }
                self.state = State::Playing;
            }
            Ask::Seek { at, track } => {
                if self.state == State::Idle {
                    return Err(Mistake::NotBegun);
                }
                if let Some(kind) = track {
                    self.track(*kind)?.credit = 0;
                }
                if self.state == State::Ended {
                    self.state = State::Playing;
                }
                self.go_to(*at, *track);
            }
            Ask::Switch { video, audio } => self.choose(video.as_deref(), audio.as_deref())?,
            Ask::Pause if self.state == State::Playing => self.state = State::Paused,
            Ask::Pause | Ask::Head { .. } => {}
            Ask::Credit { bytes, track } => self.grant(*bytes, *track)?,
        }
        Ok(())
    }

    fn track(&mut self, kind: TrackKind) -> Result<&mut Track, Mistake> {
        self.tracks.iter_mut().find(|track| track.kind == kind).ok_or(Mistake::Unknown(kind))
    }

    fn choose(&mut self, video: Option<&str>, audio: Option<&str>) -> Result<(), Mistake> {
        let find = |kind, name: Option<&str>| {
            name.map(|name| self.film.find(kind, name).ok_or(Mistake::Unknown(kind))).transpose()
        };
        let found = [find(TrackKind::Video, video)?, find(TrackKind::Audio, audio)?];
        for (kind, rep) in [TrackKind::Video, TrackKind::Audio].into_iter().zip(found) {
            let track = self.tracks.iter_mut().find(|track| track.kind == kind);
            if let (Some(track), Some(rep)) = (track, rep) {
                track.wanted = rep;
            }
        }
        Ok(())
    }

    fn grant(&mut self, octets: u64, kind: Option<TrackKind>) -> Result<(), Mistake> {
        let more = |credit: u64| credit.saturating_add(octets).min(MAX_CREDIT);
        match kind {
            Some(kind) => {
                let track = self.track(kind)?;
                track.credit = more(track.credit);
                self.shared = None;
            }
            None => match &mut self.shared {
                Some(shared) => *shared = more(*shared),
                None => self.tracks.iter_mut().for_each(|track| track.credit = more(track.credit)),
            },
        }
        Ok(())
    }

    /// All tracks, or the one of a kind.
    fn go_to(&mut self, seconds: f64, kind: Option<TrackKind>) {
        self.turn = self.turn.saturating_add(1);
        for track in self.tracks.iter_mut().filter(|track| kind.is_none_or(|kind| track.kind == kind)) {
            track.go_to(&self.film, seconds);
        }
    }

    pub(crate) fn next(&mut self) -> Step {
        if self.state != State::Playing {
            return Step::Wait;
        }
        if std::mem::take(&mut self.begun) {
            return Step::Metadata;
        }
        for track in self.tracks.iter_mut().filter(|track| track.open.is_none()) {
            track.settle(&self.film);
        }
        if self.tracks.iter().all(|track| track.open.is_none() && track.start(&self.film).is_none()) {
            self.state = State::Ended;
            return Step::End;
        }
        match self.shared {
            Some(credit) => self.next_in_order(credit),
            None => self.next_in_turn(),
        }
    }

    /// One segment behind the other: the one that is presented first; of equals the pictures, which come
    /// first here.
    fn next_in_order(&mut self, credit: u64) -> Step {
        if credit == 0 {
            return Step::Wait;
        }
        if let Some(track) = self.tracks.iter().find(|track| track.open.is_some()) {
            return Step::Send(track.kind, track.open.unwrap_or(0).min(credit).min(PIECE));
        }
        let (film, heads) = (&self.film, &self.heads);
        let waiting = self.tracks.iter_mut().filter_map(|track| Some((track.start(film)?, track)));
        let first = waiting.min_by(|a, b| compare(a.0, b.0));
        first.and_then(|(_, track)| track.begin(film, heads)).map_or(Step::Wait, Step::Begin)
    }

    /// A piece of each track that may have one, in turn.
    fn next_in_turn(&mut self) -> Step {
        let count = self.tracks.len();
        for n in (1..=count).map(|further| (self.last + further) % count) {
            let track = &mut self.tracks[n];
            if track.credit == 0 {
                continue;
            }
            if let Some(left) = track.open {
                self.last = n;
                return Step::Send(track.kind, left.min(track.credit).min(PIECE));
            }
            if let Some(segment) = track.begin(&self.film, &self.heads) {
                return Step::Begin(segment);
            }
        }
        Step::Wait
    }

    /// So many octets of the segment that was announced of a track are sent.
    pub(crate) fn sent(&mut self, kind: TrackKind, octets: u64) {
        let Some(track) = self.tracks.iter_mut().find(|track| track.kind == kind) else { return };
        let Some(left) = track.open else { return };
        let credit = self.shared.as_mut().unwrap_or(&mut track.credit);
        *credit = credit.saturating_sub(octets);
        track.open = Some(left.saturating_sub(octets)).filter(|left| *left > 0);
        if track.open.is_none() {
            track.next += 1;
        }
    }
}

#[cfg(test)]
mod tests;
