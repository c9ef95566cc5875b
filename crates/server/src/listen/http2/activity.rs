use super::HEAD;
use axum::body::{Body, Bytes};
use hyper::body::{Frame, SizeHint};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// How long an answer waits for a peer that takes none of it. Longer than on a connection with one request at
/// a time, where single octets are seen to go: here it is pieces of a film.
const STALL: Duration = Duration::from_secs(120);

/// What goes on on a connection. Clones are of the same.
#[derive(Clone)]
pub(super) struct Activity(Arc<Mutex<State>>);

struct State {
    /// Answers that are worked at.
    busy: usize,
    /// Answers that have begun and not ended.
    sending: usize,
    /// When something happened.
    last: Instant,
}

impl Activity {
    pub(super) fn new() -> Self {
        Self(Arc::new(Mutex::new(State { busy: 0, sending: 0, last: Instant::now() })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn touch(&self) {
        self.state().last = Instant::now();
    }

    /// An answer is worked at as long as this lives.
    pub(super) fn busy(&self) -> Busy {
        self.state().busy += 1;
        Busy(self.clone())
    }

    /// Ready when nothing has been asked for a while, or nothing that is sent has been taken.
    pub(super) async fn quiet(&self) {
        loop {
            let (busy, limit, last) = {
                let state = self.state();
                (state.busy > 0, if state.sending > 0 { STALL } else { HEAD }, state.last)
            };
            let now = Instant::now();
            // As long as it is us who are slow, nobody is quiet.
            let end = if busy { now + HEAD } else { last + limit };
            if end <= now {
                return;
            }
            sleep_until(end).await;
        }
    }
}

/// An answer that is worked at.
pub(super) struct Busy(Activity);

impl Drop for Busy {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.busy -= 1;
        state.last = Instant::now();
    }
}

/// The body of an answer, whose pieces are seen to be taken.
pub(super) struct Held {
    body: Body,
    activity: Activity,
    /// While the next piece is made.
    waiting: Option<Busy>,
}

impl Held {
    pub(super) fn new(body: Body, busy: &Busy) -> Self {
        let activity = busy.0.clone();
        activity.state().sending += 1;
        Self { body, activity, waiting: None }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut state = self.activity.state();
        state.sending -= 1;
        state.last = Instant::now();
    }
}

impl hyper::body::Body for Held {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = &mut *self;
        let polled = Pin::new(&mut this.body).poll_frame(context);
        if polled.is_pending() {
            this.waiting.get_or_insert_with(|| this.activity.busy());
        } else {
            this.waiting = None;
            this.activity.touch();
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::{FutureExt as _, StreamExt as _, stream};
    use hyper::body::Body as _;
    use std::io;

    async fn frame(held: &mut Held) -> Option<Bytes> {
        let frame = std::future::poll_fn(|context| Pin::new(&mut *held).poll_frame(context)).await;
        frame.map(|frame| frame.unwrap().into_data().unwrap())
    }

    /// On a clock of its own: it goes forward when everybody waits.
    #[tokio::test(start_paused = true)]
    async fn a_connection_is_quiet_when_nobody_needs_it() {
        let activity = Activity::new();
        let begun = Instant::now();
        activity.quiet().await;
        assert!(begun.elapsed() >= HEAD && begun.elapsed() < 2 * HEAD);

        // As long as an answer is worked at, it is not; then it is after the same time.
        let busy = activity.busy();
        let mut quiet = Box::pin(activity.quiet());
        for _ in 0..20 {
            tokio::time::advance(STALL).await;
            assert!(quiet.as_mut().now_or_never().is_none());
        }
        // An answer of two pieces; the second is never made.
        let pieces = stream::iter([Ok::<_, io::Error>(Bytes::from_static(b"one"))]).chain(stream::pending());
        let mut held = Held::new(Body::from_stream(pieces), &busy);
        drop(busy);
        assert_eq!(frame(&mut held).await.unwrap(), "one");
        tokio::time::advance(STALL - HEAD).await;
        assert!(quiet.as_mut().now_or_never().is_none(), "nothing more was asked of it: the peer is slow");
        assert!(frame(&mut held).now_or_never().is_none());
        for _ in 0..20 {
            tokio::time::advance(STALL).await;
            assert!(quiet.as_mut().now_or_never().is_none(), "it is us who are slow");
        }
        drop(held);
        tokio::time::advance(HEAD).await;
        quiet.await;

        // Who takes nothing of what there is.
        let busy = activity.busy();
        let held = Held::new(Body::from("never taken"), &busy);
        drop(busy);
        let begun = Instant::now();
        activity.quiet().await;
        assert!(begun.elapsed() >= STALL && begun.elapsed() < STALL + HEAD);
        drop(held);
    }
}
