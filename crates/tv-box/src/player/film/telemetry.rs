//! What the operator's receiver is told of a playback, where the manifest names one (CMCD, event mode), as
//! players in browsers tell it: gathered, and sent so that it can be joined with no account.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use engine::{Event, FetchId, FetchSpec, buffer::Ranges};
use playback::cmcd::{
    Cmcd,
    reports::{Facts, MEDIA_TYPE, Now, Reports, State},
};
use tokio::task::JoinSet;

use super::{Film, STANDS_STILL};
use crate::control::Shared;
use crate::player::FilmEnd;
use crate::{Error, Reason};

/// The receiver wants no more reports.
const GONE: u16 = 410;
/// How long a receiver may take; nothing waits for it but the end of the process, and not so long.
const PATIENCE: Duration = Duration::from_secs(10);

/// The reports of a playback, and where they go.
pub(super) struct Telemetry {
    client: reqwest::Client,
    url: String,
    reports: Reports,
    is_gone: Arc<AtomicBool>,
    /// Bodies on their way.
    sending: JoinSet<()>,
}

impl Telemetry {
    /// Of a playback that begins.
    pub(super) fn new(
        client: &reqwest::Client,
        to: &nccp::Reports,
        cmcd: Cmcd,
        is_live: bool,
        now: Now,
    ) -> Self {
        let mut reports = Reports::new(cmcd, is_live, to.downloads, now);
        reports.state(State::Starting, Facts::default(), now);
        Self {
            client: client.clone(),
            url: to.url.clone(),
            reports,
            is_gone: Arc::default(),
            sending: JoinSet::new(),
        }
    }

    /// What does not get there is not sent again: a receiver that is away is no reason to load the network.
    fn send(&mut self, body: String) {
        let request = self.client.post(&self.url).header("content-type", MEDIA_TYPE).timeout(PATIENCE);
        let request = request.body(body);
        let is_gone = Arc::clone(&self.is_gone);
        self.sending.spawn(async move {
            if request.send().await.is_ok_and(|answer| answer.status().as_u16() == GONE) {
                is_gone.store(true, Ordering::Relaxed);
            }
        });
    }

    /// Sends what was gathered for long enough.
    fn send_due(&mut self, now: Now) {
        while self.sending.try_join_next().is_some() {}
        if self.is_gone.load(Ordering::Relaxed) {
            self.reports.refuse();
        }
        if let Some(body) = self.reports.due(now) {
            self.send(body);
        }
    }
}

/// When something happens, by the server's clock: a box's own may never have been set.
pub(super) fn now(shared: &Shared, begun: tokio::time::Instant) -> Now {
    let unix = Duration::try_from_secs_f64(shared.server_now()).unwrap_or_default();
    Now { unix: u64::try_from(unix.as_millis()).unwrap_or(u64::MAX), monotonic: begun.elapsed() }
}

impl Film<'_> {
    fn facts(&self) -> Facts {
        let ahead = self.engine.buffered().ahead(self.outlet.position);
        Facts {
            ahead: Duration::try_from_secs_f64(ahead).unwrap_or_default(),
            throughput: self.engine.estimate(),
            is_hidden: false,
        }
    }

    fn tell(&mut self, what: impl FnOnce(&mut Reports, Now)) {
        if let Some(telemetry) = &mut self.telemetry {
            what(&mut telemetry.reports, now(&self.control.shared, self.begun));
        }
    }

    /// A download is asked for, at the address that is asked.
    pub(super) fn tell_asked(&mut self, spec: &FetchSpec) {
        self.tell(|reports, now| reports.asked(spec, now));
    }

    /// One is not wanted any more.
    pub(super) fn tell_aborted(&mut self, fetch: FetchId) {
        self.tell(|reports, _| reports.aborted(fetch));
    }

    /// What becomes of downloads.
    pub(super) fn follow(&mut self, event: &Event) {
        self.tell(|reports, now| match event {
            Event::Progress { fetch, .. } => reports.arrived(*fetch, now),
            Event::FetchDone { fetch } => reports.done(*fetch, now),
            Event::FetchFailed { fetch, failure } => reports.failed(*fetch, failure),
            _ => {}
        });
    }

    /// Time has passed: where the film stands, and how it goes. `there` is what all tracks have.
    pub(super) fn tell_standing(&mut self, sought: bool, there: &Ranges) {
        if self.telemetry.is_none() {
            return;
        }
        let standing = Standing {
            moved: self.outlet.moved,
            paused: self.outlet.paused,
            wants: !self.complete && self.outlet.is_playing(there),
            stood: if self.outlet.is_ours() { f64::INFINITY } else { self.stood },
        };
        let stands = if sought { Some(State::Seeking) } else { standing.state() };
        let (state, facts) = (stands.filter(|_| self.first_picture.is_some()), self.facts());
        let now = now(&self.control.shared, self.begun);
        if let Some(telemetry) = &mut self.telemetry {
            if let Some(state) = state {
                telemetry.reports.state(state, facts, now);
            }
            telemetry.reports.pass(|| facts, now);
            telemetry.send_due(now);
        }
    }

    /// It is over, was left, or cannot go on.
    pub(in crate::player) fn tell_end(&mut self, ended: &Result<FilmEnd, Error>) {
        let (facts, paused) = (self.facts(), self.outlet.paused);
        self.tell(|reports, now| match ended {
            Ok(FilmEnd { reason: Reason::Finished, .. }) => reports.state(State::Ended, facts, now),
            Ok(_) => {
                // Nobody may have looked since.
                if paused {
                    reports.state(State::Paused, facts, now);
                }
                reports.state(State::Quit, facts, now);
            }
            Err(error) => reports.error(error.report_code(), facts, now),
        });
    }

    /// Sends all reports that there are, and waits until they and those before are there, for a while.
    pub(in crate::player) fn send_reports(&mut self) -> impl Future<Output = ()> + use<> {
        let now = now(&self.control.shared, self.begun);
        let telemetry = self.telemetry.take().map(|mut telemetry| {
            while let Some(body) = telemetry.reports.take(now) {
                telemetry.send(body);
            }
            telemetry
        });
        async move {
            if let Some(mut telemetry) = telemetry {
                while telemetry.sending.join_next().await.is_some() {}
            }
        }
    }
}

/// What a film is seen to do.
#[derive(Debug, Clone, Copy)]
struct Standing {
    moved: bool,
    paused: bool,
    /// It would go on, if there were more of it.
    wants: bool,
    /// Seconds that it is known to have stood: a program does not say at each look where it is.
    stood: f64,
}

impl Standing {
    /// Where it stands; `None`: where it stood before.
    fn state(self) -> Option<State> {
        match self {
            Self { moved: true, .. } => Some(State::Playing),
            Self { paused: true, .. } => Some(State::Paused),
            Self { wants: true, stood, .. } if stood >= STANDS_STILL => Some(State::Rebuffering),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    #[test]
    fn where_a_film_stands() {
        let still = Standing { moved: false, paused: false, wants: false, stood: 9.0 };
        assert_eq!(still.state(), None);
        assert_eq!(Standing { moved: true, ..still }.state(), Some(State::Playing));
        assert_eq!(Standing { paused: true, wants: true, ..still }.state(), Some(State::Paused));
        assert_eq!(Standing { wants: true, ..still }.state(), Some(State::Rebuffering));
        assert_eq!(Standing { wants: true, stood: 0.2, ..still }.state(), None, "the program may say more");
    }

    /// A receiver that is gone is told nothing more; one that fails is no trouble.
    #[tokio::test]
    async fn a_receiver_that_wants_none_gets_none() {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        for (status, is_told_more) in [("503 Service Unavailable", true), ("410 Gone", false)] {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let url = format!("http://{}/cmcd", listener.local_addr().unwrap());
            let receiver = tokio::spawn(async move {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut request = Vec::new();
                while !request.ends_with(b"v=2") {
                    assert!(stream.read_buf(&mut request).await.unwrap() > 0);
                }
                let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
                stream.write_all(answer.as_bytes()).await.unwrap();
            });
            let to = nccp::Reports { url, content: "5ec2e7".to_owned(), downloads: false };
            let at = |seconds| Now { unix: 1_790_000_000_000, monotonic: Duration::from_secs(seconds) };
            let client = reqwest::Client::new();
            let mut telemetry = Telemetry::new(&client, &to, Cmcd::new([0; 16], "5ec2e7"), false, at(0));
            telemetry.send_due(at(11));
            assert!(telemetry.sending.join_next().await.is_some(), "what begins was told");
            receiver.await.unwrap();
            telemetry.send_due(at(12));
            telemetry.reports.state(State::Playing, Facts::default(), at(13));
            assert_eq!(telemetry.reports.take(at(14)).is_some(), is_told_more, "{status}");
        }
    }
}
