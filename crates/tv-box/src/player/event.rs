//! An event while it goes on: its index, asked for again and again, and the keys that it declares.

use std::time::Duration;

use engine::IndexQuestion;
use nccp::{LiveManifest, Manifest};
use playback::{BETWEEN, Joined, Joining, LiveIndex, MAX_INDEX, PATIENCE, engine_question, index_question};
use tokio::time::Instant;

use crate::Error;

/// So often in a row there may be no answer, until that is a failure.
const MOST_FAILURES: u32 = 8;
/// How long what is there may lack its key: a license was asked for too early for it.
const LACKING: Duration = Duration::from_secs(15);

/// Why there is no index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoIndex {
    /// It may come later.
    Later,
    /// The session is over, or its URLs are: a fresh manifest says what there is.
    Gone,
}

/// What an event's manifest names no more.
pub(super) const MOVED: Error = Error::Event("it is over, or goes on under another address");

/// What is known of an event that plays.
pub(super) struct Feed {
    live: LiveManifest,
    /// The index that the manifest was made whole with.
    whole: LiveIndex,
    joining: Joining,
    /// When it was begun to be joined.
    begun: Instant,
    /// KIDs that the latest index names.
    declared: Vec<String>,
    /// KIDs that were declared when the last license was asked for.
    asked: Vec<String>,
    /// KIDs that there is a license for.
    licensed: Vec<String>,
    /// Since when something lacks its key.
    lacking: Option<Instant>,
}

fn kids(index: &LiveIndex) -> Vec<String> {
    index.keys.iter().map(|(kid, _)| kid.clone()).collect()
}

impl Feed {
    fn new(live: LiveManifest, whole: LiveIndex, joining: Joining, begun: Instant) -> Self {
        let declared = kids(&whole);
        // The first license is asked for beside the manifest, and may be a period older than the index.
        let asked = declared[..declared.len().saturating_sub(1).max(1).min(declared.len())].to_vec();
        Self { live, whole, joining, begun, declared, asked, licensed: Vec::new(), lacking: None }
    }

    /// Whether the engine is to hear of parts of segments.
    pub(super) fn in_parts(&self) -> bool {
        self.joining.in_parts()
    }

    /// What the engine asks for; at first all that was known when the film began, if it is not too old.
    pub(super) fn news(
        &mut self,
        client: &reqwest::Client,
        question: &IndexQuestion,
    ) -> impl Future<Output = Result<Box<LiveIndex>, NoIndex>> + Send + use<> {
        let known = self.joining.first(self.begun.elapsed());
        let (client, url) = (client.clone(), engine_question(&self.live, question));
        async move {
            match known {
                Some(index) => Ok(Box::new(index)),
                None => ask(&client, &url).await.map(Box::new),
            }
        }
    }

    /// The first number under a key that no license was asked for, where there is one.
    pub(super) fn heard(&mut self, index: &LiveIndex) -> Option<u64> {
        self.declared = kids(index);
        index.first_unlicensed(|kid| self.licensed.iter().any(|known| known == kid))
    }

    /// A license is asked for.
    pub(super) fn asking(&mut self) {
        self.asked.clone_from(&self.declared);
    }

    /// It is there.
    pub(super) fn granted(&mut self) {
        self.licensed.clone_from(&self.asked);
    }

    /// Something lacks its key, or nothing does. Whether that has been so for too long.
    pub(super) fn lacks(&mut self, lacks: bool) -> bool {
        if !lacks {
            self.lacking = None;
            return false;
        }
        self.lacking.get_or_insert_with(Instant::now).elapsed() > LACKING
    }

    /// A fresh manifest of the same session, made whole.
    pub(super) fn complete(&mut self, fresh: &Manifest) -> Manifest {
        if let Some(live) = &fresh.live {
            self.live = live.clone();
        }
        self.whole.complete(fresh, self.in_parts()).0
    }
}

/// The manifest of an event, made whole: waits until something of it can be played. `takes_parts` says
/// whether the sink can follow it by parts.
///
/// # Errors
/// [`Error::Event`] where the session is gone, [`Error::Unreachable`].
pub(super) async fn complete(
    client: &reqwest::Client,
    manifest: &Manifest,
    takes_parts: bool,
) -> Result<(Manifest, Feed), Error> {
    let live = manifest.live.clone().ok_or(Error::Protocol)?;
    let (mut joining, begun, mut failures) = (Joining::default(), Instant::now(), 0);
    loop {
        match ask(client, &index_question(&live, failures, joining.waits_for())).await {
            Ok(index) => {
                failures = 0;
                match joining.heard(begun.elapsed(), index.clone(), manifest, takes_parts) {
                    Joined::Ready(whole) => return Ok((*whole, Feed::new(live, index, joining, begun))),
                    Joined::Over => return Err(MOVED),
                    Joined::NotYet => {}
                }
            }
            Err(NoIndex::Gone) => return Err(MOVED),
            Err(NoIndex::Later) if failures == MOST_FAILURES => return Err(Error::Unreachable),
            Err(NoIndex::Later) => failures += 1,
        }
        tokio::time::sleep(BETWEEN * (1 + failures)).await;
    }
}

/// Gets an index, as media are got.
async fn ask(client: &reqwest::Client, url: &str) -> Result<LiveIndex, NoIndex> {
    let answer = async {
        let mut response = client.get(url).send().await.map_err(|_| NoIndex::Later)?;
        match response.status().as_u16() {
            200 => {}
            400 | 403 | 404 | 410 => return Err(NoIndex::Gone),
            _ => return Err(NoIndex::Later),
        }
        let mut text = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|_| NoIndex::Later)? {
            if text.len() + chunk.len() > MAX_INDEX {
                return Err(NoIndex::Later);
            }
            text.extend_from_slice(&chunk);
        }
        LiveIndex::parse(&text).ok_or(NoIndex::Later)
    };
    tokio::time::timeout(PATIENCE, answer).await.unwrap_or(Err(NoIndex::Later))
}
