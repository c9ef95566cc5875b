//! Transactions that are committed together, where an engine has one writer at a time.
//!
//! Who ends while others wait for the writer leaves its last writes to the next of them, which makes them on
//! its way: the transaction stays open, and goes from one to the other until nobody waits, or there are
//! [`MOST`]. The last one commits for all, and only then is anybody told. So a burst of requests takes one
//! round trip each and one commit in all.
//!
//! It is all or nothing for them: where one fails, none has happened, and each runs again
//! ([`StoreError::Contended`]), alone.

use super::pending::Write;
use crate::store::{Result, StoreError};
use tokio::sync::oneshot;

/// Those that are committed together at most, so that the first one does not wait for long.
const MOST: usize = 16;

/// What those that ended in an open transaction have left.
#[derive(Debug, Default)]
pub(super) struct Batch {
    /// Writes that are still to be made, in their order.
    pub(super) writes: Vec<Write>,
    members: Vec<oneshot::Sender<Result<()>>>,
}

impl Batch {
    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// Whether there is more than one.
    pub(super) fn is_several(&self) -> bool {
        self.members.len() > 1
    }

    /// Whether nobody else may join.
    pub(super) fn is_full(&self) -> bool {
        self.members.len() >= MOST
    }

    /// One more has ended with these writes. It is told what becomes of them.
    pub(super) fn join(&mut self, mut writes: Vec<Write>) -> oneshot::Receiver<Result<()>> {
        let (member, ended) = oneshot::channel();
        self.writes.append(&mut writes);
        self.members.push(member);
        ended
    }

    /// Tells everybody whether it was committed. Where it was not, one alone is told why; of several nobody
    /// knows whose fault it was.
    pub(super) fn tell(mut self, done: Result<()>) {
        let is_done = done.is_ok();
        // Who has gone need not know.
        if self.members.len() == 1
            && let Some(only) = self.members.pop()
        {
            let _ = only.send(done);
        }
        for member in self.members {
            let _ = member.send(if is_done { Ok(()) } else { Err(StoreError::Contended) });
        }
    }
}
