//! Reports of what happens in a playback (CTA-5004-B, event mode), for whom the server names in the manifest.
//!
//! Lines are gathered here and sent together by who has a network. They say what a CDN is told with requests,
//! and how the film goes; no account, no device, and of a file's address nothing but the path: its query is a
//! key.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use engine::{Failure, FetchId, FetchSpec, model::TrackKind};

use super::{Cmcd, Value, encode, hundreds, kilobits, millis};

/// The media type of what is sent.
pub const MEDIA_TYPE: &str = "application/cmcd";
/// Time between two reports of how it goes (`t`): the standard's own.
const INTERVAL: Duration = Duration::from_secs(30);
/// Time for which reports are gathered.
const GATHERED: Duration = Duration::from_secs(10);
/// Lines of a body at most, its octets, and those of a line, as `POST /cmcd` takes them (docs/protocol.md,
/// section 8).
const MOST_LINES: usize = 50;
const MOST_OCTETS: usize = 16 << 10;
const MOST_LINE: usize = 2048;
/// Lines that wait at most; of more the oldest are not told.
const MOST_WAITING: usize = 200;
/// Downloads that are followed at a time at most.
const MOST_DOWNLOADS: usize = 64;

/// Where a player stands (`sta`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It was told to play.
    Starting,
    /// Pictures are shown.
    Playing,
    /// The viewer sought.
    Seeking,
    /// The buffer ran dry.
    Rebuffering,
    /// It stands still, because somebody wanted that.
    Paused,
    /// The film is over.
    Ended,
    /// It cannot go on.
    Failed,
    /// The viewer left before the end; may come back to where the page was.
    Quit,
}

impl State {
    fn token(self) -> &'static str {
        match self {
            Self::Starting => "s",
            Self::Playing => "p",
            Self::Seeking => "k",
            Self::Rebuffering => "r",
            Self::Paused => "a",
            Self::Ended => "e",
            Self::Failed => "f",
            Self::Quit => "q",
        }
    }

    /// Whether time passes in it that is told of.
    fn is_under_way(self) -> bool {
        matches!(self, Self::Playing | Self::Seeking | Self::Rebuffering | Self::Paused)
    }
}

/// When something happened, by both clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// Milliseconds since 1970.
    pub unix: u64,
    /// Of a clock that never goes back.
    pub monotonic: Duration,
}

/// How the film goes when something is reported.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// How much is in the buffer ahead of the playhead.
    pub ahead: Duration,
    /// Measured throughput in bit/s.
    pub throughput: Option<u64>,
    /// The viewer does not see the page.
    pub is_hidden: bool,
}

/// A download that is under way.
#[derive(Clone, Debug)]
struct Download {
    url: String,
    kind: &'static str,
    /// The status that it has unless it fails.
    status: u16,
    asked: Now,
    first: Option<Duration>,
}

/// The reports of a playback.
#[derive(Clone, Debug)]
pub struct Reports {
    cmcd: Cmcd,
    is_live: bool,
    /// Each download is reported, too (`rr`).
    with_downloads: bool,
    lines: VecDeque<String>,
    /// The next report's number (`sn`).
    number: u64,
    state: Option<State>,
    downloads: BTreeMap<FetchId, Download>,
    /// When the last report of how it goes was made, and when lines were taken.
    told: Duration,
    taken: Duration,
    /// The receiver wants no more.
    is_refused: bool,
}

impl Reports {
    /// Of a playback that begins. `with_downloads`: each download is reported, too.
    pub fn new(cmcd: Cmcd, is_live: bool, with_downloads: bool, now: Now) -> Self {
        Self {
            cmcd,
            is_live,
            with_downloads,
            lines: VecDeque::new(),
            number: 0,
            state: None,
            downloads: BTreeMap::new(),
            told: now.monotonic,
            taken: now.monotonic,
            is_refused: false,
        }
    }

    /// The player stands there from now on (`ps`). What it says again is not told again, nothing follows a
    /// failure, and who leaves at the end has not left before it.
    pub fn state(&mut self, state: State, facts: Facts, now: Now) {
        let is_told = match self.state {
            Some(State::Failed) => false,
            Some(State::Ended) => ![State::Ended, State::Quit].contains(&state),
            before => before != Some(state),
        };
        if !is_told {
            return;
        }
        self.state = Some(state);
        self.report("ps", now.unix, self.of(facts));
    }

    /// It cannot go on (`e`), and the code by which viewers are told why.
    pub fn error(&mut self, code: &str, facts: Facts, now: Now) {
        if self.state == Some(State::Failed) {
            return;
        }
        let mut pairs = self.of(facts);
        let codes = format!("({})", super::quoted(code));
        pairs.push(("ec", Value::Written(codes)));
        self.report("e", now.unix, pairs);
        self.state(State::Failed, facts, now);
    }

    /// Time passes: every 30 seconds it is told how it goes (`t`), from when the first picture is there to
    /// the end.
    pub fn pass(&mut self, facts: impl FnOnce() -> Facts, now: Now) {
        let is_under_way = self.state.is_some_and(State::is_under_way);
        if is_under_way && now.monotonic.saturating_sub(self.told) >= INTERVAL {
            self.told = now.monotonic;
            self.report("t", now.unix, self.of(facts()));
        }
    }

    /// A download begins, at the address that is asked for.
    pub fn asked(&mut self, spec: &FetchSpec, now: Now) {
        if self.with_downloads && !self.is_refused && self.downloads.len() < MOST_DOWNLOADS {
            let kind = match (spec.segment, spec.track) {
                (false, _) => "i",
                (true, TrackKind::Video) => "v",
                (true, TrackKind::Audio) => "a",
            };
            let path = spec.url.split(['?', '#']).next().unwrap_or_default().to_owned();
            let status = if spec.range_header { 206 } else { 200 };
            self.downloads.insert(spec.fetch, Download { url: path, kind, status, asked: now, first: None });
        }
    }

    /// Octets of a download came.
    pub fn arrived(&mut self, fetch: FetchId, now: Now) {
        if let Some(download) = self.downloads.get_mut(&fetch) {
            download.first.get_or_insert(now.monotonic.saturating_sub(download.asked.monotonic));
        }
    }

    /// The last octet of a download came.
    pub fn done(&mut self, fetch: FetchId, now: Now) {
        if let Some(download) = self.downloads.remove(&fetch) {
            let whole = now.monotonic.saturating_sub(download.asked.monotonic);
            self.response(&download, download.status, Some(whole));
        }
    }

    /// A download broke off.
    pub fn failed(&mut self, fetch: FetchId, failure: &Failure) {
        let Some(download) = self.downloads.remove(&fetch) else { return };
        let status = match failure {
            Failure::Status(status) => *status,
            // There was none, or it is not known.
            _ => 0,
        };
        self.response(&download, status, None);
    }

    /// A download is not wanted any more.
    pub fn aborted(&mut self, fetch: FetchId) {
        self.downloads.remove(&fetch);
    }

    fn response(&mut self, download: &Download, status: u16, whole: Option<Duration>) {
        let mut pairs = vec![
            ("ot", Value::Token(download.kind)),
            ("rc", Value::Integer(status.into())),
            ("url", Value::Written(super::quoted(&download.url))),
        ];
        pairs.extend(download.first.map(|first| ("ttfbb", Value::Integer(millis(first)))));
        pairs.extend(whole.map(|whole| ("ttlb", Value::Integer(millis(whole)))));
        self.report("rr", download.asked.unix, pairs);
    }

    /// Pairs of reports that say how the film goes.
    fn of(&self, facts: Facts) -> Vec<(&'static str, Value<'static>)> {
        let mut pairs = vec![("bl", Value::Written(format!("({})", hundreds(millis(facts.ahead)))))];
        if let Some(throughput) = facts.throughput {
            pairs.push(("mtp", Value::Written(format!("({})", hundreds(kilobits(throughput))))));
        }
        if facts.is_hidden {
            pairs.push(("bg", Value::True));
        }
        pairs.extend(self.state.map(|state| ("sta", Value::Token(state.token()))));
        pairs
    }

    fn report(&mut self, event: &'static str, unix: u64, mut pairs: Vec<(&'static str, Value<'static>)>) {
        if self.is_refused {
            return;
        }
        let written = |text: &str| Value::Written(super::quoted(text));
        pairs.extend([
            ("cid", written(&self.cmcd.content)),
            ("e", Value::Token(event)),
            ("sf", Value::Token("o")),
            ("sid", written(&self.cmcd.session)),
            ("sn", Value::Integer(self.number)),
            ("st", Value::Token(if self.is_live { "l" } else { "v" })),
            ("ts", Value::Integer(unix)),
            ("v", Value::Integer(2)),
        ]);
        let line = encode(&pairs);
        if line.len() < MOST_LINE {
            self.number += 1;
            self.lines.push_back(line);
            if self.lines.len() > MOST_WAITING {
                self.lines.pop_front();
            }
        }
    }

    /// What is to be sent now: lines that were gathered for ten seconds, or as many as go into a body.
    pub fn due(&mut self, now: Now) -> Option<String> {
        let is_due = now.monotonic.saturating_sub(self.taken) >= GATHERED || self.lines.len() >= MOST_LINES;
        if is_due { self.take(now) } else { None }
    }

    /// What is to be sent at the end; `None`: there is nothing. To be asked until it says so.
    pub fn take(&mut self, now: Now) -> Option<String> {
        let mut body = String::new();
        let mut count = 0;
        while let Some(line) = self.lines.front()
            && count < MOST_LINES
            && body.len() + line.len() < MOST_OCTETS
        {
            // Between lines, and not behind the last.
            if count > 0 {
                body.push('\n');
            }
            body.push_str(line);
            count += 1;
            self.lines.pop_front();
        }
        self.taken = now.monotonic;
        (count > 0).then_some(body)
    }

    /// The receiver says that it wants none (410): nothing is gathered any more.
    pub fn refuse(&mut self) {
        self.is_refused = true;
        self.lines.clear();
        self.downloads.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine::model::ByteRange;
    use proptest::prelude::*;

    const FACTS: Facts =
        Facts { ahead: Duration::from_millis(4951), throughput: Some(15_049_400), is_hidden: false };

    fn at(millis: u64) -> Now {
        Now { unix: 1_790_000_000_000 + millis, monotonic: Duration::from_millis(millis) }
    }

    fn reports(with_downloads: bool) -> Reports {
        Reports::new(Cmcd::new([0xff; 16], "5ec2e7"), false, with_downloads, at(0))
    }

    fn spec(fetch: u64, url: &str) -> FetchSpec {
        FetchSpec {
            fetch: FetchId(fetch),
            track: TrackKind::Video,
            representation: "1811192541".to_owned(),
            url: url.to_owned(),
            range_header: true,
            range: ByteRange::new(0, 999).unwrap(),
            sized: true,
            head: 0,
            offset: 0,
            segment: true,
            start: None,
            afresh: false,
            client_data: None,
        }
    }

    const REST: &str = "sid=\"ffffffff-ffff-4fff-bfff-ffffffffffff\"";

    /// Lines that `validateCmcdEvents` of the alliance's library (`@svta/cml-cmcd` 2.7.0) finds right.
    #[test]
    fn a_playback_from_its_start_to_an_error() {
        let mut reports = reports(true);
        reports.state(State::Starting, Facts::default(), at(10));
        reports.asked(&spec(7, "https://a.example/s/0/1.mp4?p=44&e=1&h=2"), at(20));
        reports.arrived(FetchId(7), at(50));
        reports.arrived(FetchId(7), at(60));
        reports.done(FetchId(7), at(80));
        reports.state(State::Playing, FACTS, at(100));
        reports.state(State::Playing, FACTS, at(101));
        reports.pass(|| Facts { is_hidden: true, ..FACTS }, at(30_100));
        reports.pass(|| unreachable!("it was told a moment ago"), at(30_101));
        reports.error("decode-\"x\"", FACTS, at(30_200));
        reports.state(State::Quit, FACTS, at(30_300));
        reports.error("another", FACTS, at(30_400));
        let body = reports.take(at(30_500)).unwrap();
        let expected = [
            format!("bl=(0),cid=\"5ec2e7\",e=ps,sf=o,{REST},sn=0,st=v,sta=s,ts=1790000000010,v=2"),
            format!(
                "cid=\"5ec2e7\",e=rr,ot=v,rc=206,sf=o,{REST},sn=1,st=v,ts=1790000000020,ttfbb=30,ttlb=60,\
                 url=\"https://a.example/s/0/1.mp4\",v=2"
            ),
            format!(
                "bl=(5000),cid=\"5ec2e7\",e=ps,mtp=(15000),sf=o,{REST},sn=2,st=v,sta=p,ts=1790000000100,v=2"
            ),
            format!(
                "bg,bl=(5000),cid=\"5ec2e7\",e=t,mtp=(15000),sf=o,{REST},sn=3,st=v,sta=p,ts=1790000030100,v=2"
            ),
            format!(
                "bl=(5000),cid=\"5ec2e7\",e=e,ec=(\"decode-\\\"x\\\"\"),mtp=(15000),sf=o,{REST},sn=4,st=v,sta=p,\
                 ts=1790000030200,v=2"
            ),
            format!(
                "bl=(5000),cid=\"5ec2e7\",e=ps,mtp=(15000),sf=o,{REST},sn=5,st=v,sta=f,ts=1790000030200,v=2"
            ),
        ];
        assert_eq!(body, expected.join("\n"));
        assert_eq!(reports.take(at(30_500)), None);
    }

    #[test]
    fn they_are_sent_together() {
        let mut reports = reports(false);
        reports.state(State::Starting, FACTS, at(0));
        assert_eq!(reports.due(at(9_999)), None);
        reports.state(State::Playing, FACTS, at(9_999));
        assert_eq!(reports.due(at(10_000)).unwrap().lines().count(), 2);
        assert_eq!(reports.due(at(30_000)), None, "there is nothing");
        for n in 0..70 {
            let state = if n % 2 == 0 { State::Paused } else { State::Playing };
            reports.state(state, FACTS, at(30_000));
        }
        assert_eq!(reports.due(at(30_001)).unwrap().lines().count(), MOST_LINES, "they are many");
        assert_eq!(reports.due(at(30_002)), None);
        assert_eq!(reports.take(at(30_003)).unwrap().lines().count(), 20, "at the end");
    }

    /// Downloads are told only where that is wanted; one that breaks off has its status, or none.
    #[test]
    fn downloads_that_fail_or_are_not_wanted() {
        let mut silent = reports(false);
        silent.asked(&spec(1, "https://a.example/1.mp4"), at(0));
        silent.done(FetchId(1), at(1));
        assert_eq!(silent.take(at(2)), None);
        let mut reports = reports(true);
        for fetch in 1..=3 {
            reports.asked(&spec(fetch, "https://a.example/1.mp4"), at(0));
        }
        reports.failed(FetchId(1), &Failure::Status(503));
        reports.failed(FetchId(2), &Failure::Network);
        reports.aborted(FetchId(3));
        reports.done(FetchId(3), at(1));
        let body = reports.take(at(2)).unwrap();
        let codes: Vec<_> =
            body.lines().map(|line| line.contains("rc=503,") || line.contains("rc=0,")).collect();
        assert_eq!(codes, [true, true]);
        assert!(!body.contains("ttlb"));
    }

    /// Who closes the page at the end has seen it; who does so before has not, and may come back.
    #[test]
    fn leaving() {
        let states = |all: &[State]| {
            let mut reports = reports(false);
            all.iter().for_each(|state| reports.state(*state, FACTS, at(0)));
            let body = reports.take(at(1)).unwrap_or_default();
            body.lines().map(|line| line.split("sta=").nth(1).unwrap()[..1].to_owned()).collect::<String>()
        };
        use State::{Ended, Failed, Paused, Playing, Quit, Starting};
        assert_eq!(states(&[Starting, Playing, Ended, Quit]), "spe");
        assert_eq!(states(&[Starting, Playing, Quit, Quit, Playing, Paused]), "spqpa");
        assert_eq!(states(&[Playing, Ended, Playing]), "pep");
        assert_eq!(states(&[Playing, Failed, Quit, Playing]), "pf");
    }

    #[test]
    fn who_wants_none_gets_none() {
        let mut reports = reports(true);
        reports.state(State::Playing, FACTS, at(0));
        reports.refuse();
        reports.asked(&spec(1, "https://a.example/1.mp4"), at(1));
        reports.done(FetchId(1), at(2));
        reports.state(State::Paused, FACTS, at(3));
        reports.error("x", FACTS, at(4));
        assert_eq!(reports.take(at(5)), None);
    }

    proptest! {
        /// Whatever happens, bodies are what `POST /cmcd` takes, and no token is in them.
        #[test]
        fn bodies_are_bounded(codes in proptest::collection::vec("\\PC{0,3000}", 0..5), count in 0_u64..300) {
            let mut reports = reports(true);
            for n in 0..count {
                reports.asked(&spec(n, &format!("https://a.example/{}?h=secret#h=secret", "x".repeat(n as usize * 9))), at(n));
                reports.done(FetchId(n), at(n + 1));
            }
            for code in &codes {
                reports.error(code, FACTS, at(count));
            }
            let mut bodies = 0;
            while let Some(body) = reports.take(at(count)) {
                bodies += 1;
                prop_assert!(body.len() <= MOST_OCTETS && body.lines().count() <= MOST_LINES);
                prop_assert!(body.lines().all(|line| !line.is_empty() && line.len() <= MOST_LINE));
                prop_assert!(body.bytes().all(|b| b == b'\n' || (b' '..=b'~').contains(&b)));
                prop_assert!(!body.contains("secret"));
            }
            prop_assert!(bodies < 100);
        }
    }
}
