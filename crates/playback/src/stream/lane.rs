//! One track of a persistent connection: what is wanted of it, and where the server is in it.

use std::collections::VecDeque;
use std::time::Duration;

use engine::FetchId;
use nccp::stream::{Ask, TrackKind};

use super::Broken;

/// So many seconds behind a segment's beginning the server is sent for it, so that rounding does not find the
/// one before.
const WITHIN: f64 = 0.001;

/// A segment that the engine wants.
#[derive(Debug)]
pub(super) struct Want {
    pub(super) fetch: FetchId,
    /// The representation, by its name in the manifest.
    pub(super) file: String,
    /// Seconds.
    pub(super) start: f64,
    /// Its first octet in the file, and how many it has.
    pub(super) place: u64,
    pub(super) length: u64,
    /// How many of its first octets the download has already.
    pub(super) skip: u64,
    /// Since when it is wanted.
    pub(super) since: Duration,
}

/// The segment that the server is sending.
#[derive(Debug)]
struct Open {
    /// Whether it is the first of what is wanted. Else it was on its way when that was given up.
    wanted: bool,
    number: u32,
    left: u64,
}

#[derive(Debug)]
pub(super) struct Lane {
    pub(super) kind: TrackKind,
    /// In the engine's order. The first is asked for.
    pub(super) wants: VecDeque<Want>,
    /// The representation that the server was told last.
    named: Option<String>,
    /// Where the server goes on in that one's file.
    at: Option<u64>,
    /// Where it was sent last, in seconds.
    pub(super) asked_at: f64,
    /// What was announced in an earlier turn is not wanted any more.
    pub(super) since: u32,
    open: Option<Open>,
    /// When something of it came last.
    pub(super) heard: Duration,
}

impl Lane {
    pub(super) fn new(kind: TrackKind) -> Self {
        Self {
            kind,
            wants: VecDeque::new(),
            named: None,
            at: None,
            asked_at: 0.0,
            since: 0,
            open: None,
            heard: Duration::ZERO,
        }
    }

    /// Since when the first of what is wanted waits for more of it; `None`: nothing is wanted.
    pub(super) fn waits_since(&self) -> Option<Duration> {
        self.wants.front().map(|want| want.since.max(self.heard))
    }

    /// A name for one kind of track in what is asked: video, audio.
    fn names(&self, file: &str) -> (Option<String>, Option<String>) {
        match self.kind {
            TrackKind::Video => (Some(file.to_owned()), None),
            TrackKind::Audio => (None, Some(file.to_owned())),
        }
    }

    /// What has the server send the first of what is wanted. `begun`: something is played already.
    pub(super) fn ask(&mut self, begun: bool) -> Vec<Ask> {
        let Some(want) = self.wants.front() else { return Vec::new() };
        let at = want.start + WITHIN;
        let credit = Ask::Credit { bytes: want.length, track: Some(self.kind) };
        let is_named = self.named.as_ref() == Some(&want.file);
        let (video, audio) = self.names(&want.file);
        let asks = match (begun, is_named && self.at == Some(want.place)) {
            // The grant comes first: without one all tracks would be sent at once.
            (false, _) => vec![credit, Ask::Play { at: Some(at), video, audio }],
            (true, true) => vec![credit],
            (true, false) => {
                let switch = (!is_named).then_some(Ask::Switch { video, audio });
                let seek = Ask::Seek { at, track: Some(self.kind) };
                switch.into_iter().chain([seek, credit]).collect()
            }
        };
        self.named = Some(want.file.clone());
        self.at = Some(want.place);
        self.asked_at = at;
        asks
    }

    /// The server has to be sent wherever the next segment is.
    pub(super) fn lose_place(&mut self) {
        self.at = None;
        if let Some(open) = &mut self.open {
            open.wanted = false;
        }
    }

    /// A segment was announced: of this file, at this place and of so many octets; its number and turn.
    pub(super) fn announced(
        &mut self,
        file: &str,
        (place, length): (u64, u64),
        (number, turn): (u32, u32),
    ) -> Result<(), Broken> {
        let wanted = turn >= self.since;
        let is_asked = |want: &Want| want.file == file && (want.place, want.length) == (place, length);
        // Segments come whole, and none that was not granted; turns never go back.
        let is_open = self.open.as_ref().is_some_and(|open| open.wanted);
        if is_open || (wanted && !self.wants.front().is_some_and(is_asked)) {
            return Err(Broken::Nonsense);
        }
        if wanted {
            self.at = place.checked_add(length);
        }
        self.open = Some(Open { wanted, number, left: length }).filter(|_| length > 0);
        Ok(())
    }

    /// So many octets came of the segment that was announced: whose they are, how many of them it has, and
    /// whether they are the last. `None` where nobody wants them.
    pub(super) fn arrived(
        &mut self,
        number: u32,
        octets: u64,
    ) -> Result<Option<(FetchId, u64, bool)>, Broken> {
        let open = self.open.as_mut().filter(|open| open.number == number && octets <= open.left);
        let open = open.ok_or(Broken::Nonsense)?;
        open.left -= octets;
        let (wanted, last) = (open.wanted, open.left == 0);
        if last {
            self.open = None;
        }
        if !wanted {
            return Ok(None);
        }
        let want = self.wants.front_mut().ok_or(Broken::Nonsense)?;
        let (fetch, skip) = (want.fetch, want.skip.min(octets));
        want.skip -= skip;
        if last {
            self.wants.pop_front();
        }
        Ok(Some((fetch, skip, last)))
    }
}
