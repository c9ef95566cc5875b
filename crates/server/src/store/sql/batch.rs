//! Transactions that are committed together, where an engine has one writer at a time.
//!
//! Who ends while others wait for the writer leaves its last writes to the next of them, which makes them on
//! its way: the transaction stays open, and goes from one to the other until nobody waits, there are
//! [`MOST`], or the first has waited for [`LONGEST`]. The last one commits for all, and only then is anybody
//! told. So a burst of requests takes one round trip each and one commit in all.
//!
//! It is all or nothing for them: where one fails, none has happened, and each runs again
//! ([`StoreError::Contended`]), alone.

use super::pending::Write;
use crate::store::{Result, StoreError};
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::Instant;

/// Those that are committed together at most, so that the first one does not wait for long.
const MOST: usize = 16;
/// After so long nobody else may join, for the same reason: not every one of them is quick.
const LONGEST: Duration = Duration::from_millis(5);

/// What those that ended in an open transaction have left.
#[derive(Debug, Default)]
pub(super) struct Batch {
    /// Writes that are still to be made, in their order.
    pub(super) writes: Vec<Write>,
    members: Vec<oneshot::Sender<Result<()>>>,
    /// When the first of them ended.
    since: Option<Instant>,
    /// Whether somebody ran in the transaction after them and was given up.
    pub(super) was_left: bool,
}

impl Batch {
    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether what fails may be another one's fault.
    pub(super) fn is_several(&self) -> bool {
        self.members.len() > 1 || self.was_left
    }

    /// Whether nobody else may join.
    pub(super) fn is_full(&self) -> bool {
        self.members.len() >= MOST || self.since.is_some_and(|since| since.elapsed() >= LONGEST)
    }

    /// One more has ended with these writes. It is told what becomes of them.
    pub(super) fn join(&mut self, mut writes: Vec<Write>) -> oneshot::Receiver<Result<()>> {
        let (member, ended) = oneshot::channel();
        self.writes.append(&mut writes);
        self.members.push(member);
        self.since.get_or_insert_with(Instant::now);
        ended
    }

    /// Tells everybody whether it was committed. Where it was not, one alone is told why; of several nobody
    /// knows whose fault it was.
    pub(super) fn tell(mut self, done: Result<()>) {
        let is_done = done.is_ok();
        // Who has gone need not know.
        if !self.is_several()
            && let Some(only) = self.members.pop()
        {
            let _ = only.send(done);
        }
        for member in self.members {
            let _ = member.send(if is_done { Ok(()) } else { Err(StoreError::Contended) });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn nobody_joins_when_the_first_has_waited() {
        let mut batch = Batch::default();
        assert!(!batch.is_full());
        let millisecond = Duration::from_millis(1);
        let _first = batch.join(Vec::new());
        tokio::time::advance(LONGEST - millisecond).await;
        let _second = batch.join(Vec::new());
        assert!(!batch.is_full());
        tokio::time::advance(millisecond).await;
        assert!(batch.is_full());
    }

    #[test]
    fn only_who_was_alone_is_told_why() {
        let told = |others: usize, was_left: bool| {
            let mut batch = Batch { was_left, ..Batch::default() };
            let mut ended = batch.join(Vec::new());
            let _others: Vec<_> = (0..others).map(|_| batch.join(Vec::new())).collect();
            batch.tell(Err(StoreError::Absent));
            ended.try_recv().unwrap()
        };
        assert!(matches!(told(0, false), Err(StoreError::Absent)));
        assert!(matches!(told(1, false), Err(StoreError::Contended)));
        assert!(matches!(told(0, true), Err(StoreError::Contended)));
    }
}
