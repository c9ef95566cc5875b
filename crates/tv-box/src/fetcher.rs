//! Ranged fetches of media: whatever arrives is handed on at once. Which form of range, and what to do about
//! an error, is the engine's decision.

use bytes::Bytes;
use engine::{Failure, FetchId, FetchSpec};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// What came of a fetch.
#[derive(Debug)]
pub(crate) enum Came {
    /// Bytes, in order; `true` with the last ones.
    Chunk(Bytes, bool),
    /// It broke off. Nothing comes after this.
    Failed(Failure),
}

/// What came, and of which attempt: what an earlier one left behind is of no use.
#[derive(Debug)]
pub(crate) struct Arrival {
    pub(crate) fetch: FetchId,
    pub(crate) attempt: u64,
    pub(crate) came: Came,
}

/// A running fetch; dropping it aborts it.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) attempt: u64,
    task: JoinHandle<()>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Starts a fetch. Its bytes wait in the channel, whose length bounds them.
pub(crate) fn start(
    client: &reqwest::Client,
    spec: &FetchSpec,
    attempt: u64,
    arrivals: mpsc::Sender<Arrival>,
) -> Running {
    let mut request = client.get(&spec.url);
    if spec.range_header {
        request = request.header("range", format!("bytes={}-{}", spec.range.start, spec.range.end));
    }
    if spec.afresh {
        // What a cache on the way holds is of no use.
        request = request.header("cache-control", "no-cache");
    }
    let expected = if spec.range_header { 206 } else { 200 };
    let (fetch, length) = (spec.fetch, (spec.range.length(), spec.sized));
    let task = tokio::spawn(async move {
        if let Err(failure) = run(request, expected, length, (fetch, attempt), &arrivals).await {
            // Where nobody listens any more, nobody needs to know.
            let _ = arrivals.send(Arrival { fetch, attempt, came: Came::Failed(failure) }).await;
        }
    });
    Running { attempt, task }
}

async fn run(
    request: reqwest::RequestBuilder,
    expected: u16,
    (length, sized): (u64, bool),
    (fetch, attempt): (FetchId, u64),
    arrivals: &mpsc::Sender<Arrival>,
) -> Result<(), Failure> {
    let mut response = request.send().await.map_err(|_| Failure::Network)?;
    let status = response.status().as_u16();
    if status != expected {
        return Err(Failure::Status(status));
    }
    let mut received = 0;
    // Whether a piece is the last of a file whose size is not known shows with what follows it.
    let mut held = None;
    while let Some(chunk) = response.chunk().await.map_err(|_| Failure::Network)? {
        received += chunk.len() as u64;
        if received > length {
            return Err(Failure::Truncated);
        }
        if !sized {
            if let Some(before) = held.replace(chunk) {
                let came = Came::Chunk(before, false);
                if arrivals.send(Arrival { fetch, attempt, came }).await.is_err() {
                    return Ok(());
                }
            }
            continue;
        }
        let last = received == length;
        if arrivals.send(Arrival { fetch, attempt, came: Came::Chunk(chunk, last) }).await.is_err() {
            return Ok(());
        }
        if last {
            // Read to its end, so that the connection serves again.
            let _ = response.chunk().await;
            return Ok(());
        }
    }
    let Some(last) = held else { return Err(Failure::Truncated) };
    // Where nobody listens any more, nobody needs it.
    let _ = arrivals.send(Arrival { fetch, attempt, came: Came::Chunk(last, true) }).await;
    Ok(())
}
