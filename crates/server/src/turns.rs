//! A few at a time, and a bounded number that wait for it: those whom the server knows go first.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::oneshot;

/// Who asks for a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Caller {
    /// A browser with a device of the account.
    Known,
    /// Any other.
    Stranger,
}

/// As many wait as may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Full;

/// Turns that are given out.
#[derive(Debug)]
pub(crate) struct Turns {
    /// How many of each kind may wait.
    most: usize,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    free: usize,
    known: VecDeque<oneshot::Sender<Turn>>,
    strangers: VecDeque<oneshot::Sender<Turn>>,
}

/// A turn, until it is dropped: the next one's then.
#[derive(Debug)]
pub(crate) struct Turn(Arc<Turns>);

impl Turns {
    /// `parallel` at a time, `most` of each kind that wait.
    pub(crate) fn new(parallel: usize, most: usize) -> Arc<Self> {
        let state = State { free: parallel, known: VecDeque::new(), strangers: VecDeque::new() };
        Arc::new(Self { most, state: Mutex::new(state) })
    }

    /// Waits for a turn.
    ///
    /// # Errors
    /// [`Full`], at once.
    pub(crate) async fn take(self: &Arc<Self>, caller: Caller) -> Result<Turn, Full> {
        let turn = {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            if state.free > 0 {
                state.free -= 1;
                return Ok(Turn(Arc::clone(self)));
            }
            let queue = match caller {
                Caller::Known => &mut state.known,
                Caller::Stranger => &mut state.strangers,
            };
            // Those who hung up.
            queue.retain(|waiting| !waiting.is_closed());
            if queue.len() >= self.most {
                return Err(Full);
            }
            let (give, turn) = oneshot::channel();
            queue.push_back(give);
            turn
        };
        turn.await.map_err(|_| Full)
    }

    /// Who is next; without anybody the turn is free.
    fn next(&self) -> Option<oneshot::Sender<Turn>> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            match state.known.pop_front().or_else(|| state.strangers.pop_front()) {
                Some(waiting) if waiting.is_closed() => {}
                Some(waiting) => return Some(waiting),
                None => {
                    state.free += 1;
                    return None;
                }
            }
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some(next) = self.0.next() {
            // Who hung up in this moment drops it, and so gives it on.
            let _ = next.send(Self(Arc::clone(&self.0)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt as _;

    #[tokio::test]
    async fn those_who_are_known_go_first() {
        let turns = Turns::new(1, 2);
        let turn = turns.take(Caller::Stranger).await.unwrap();
        let mut stranger = Box::pin(turns.take(Caller::Stranger));
        let mut known = Box::pin(turns.take(Caller::Known));
        assert!(stranger.as_mut().now_or_never().is_none() && known.as_mut().now_or_never().is_none());
        drop(turn);
        assert!(stranger.as_mut().now_or_never().is_none());
        let turn = known.now_or_never().unwrap().unwrap();
        drop(turn);
        stranger.now_or_never().unwrap().unwrap();
    }

    #[tokio::test]
    async fn a_bounded_number_waits() {
        let turns = Turns::new(1, 2);
        let turn = turns.take(Caller::Stranger).await.unwrap();
        let mut waiting: Vec<_> = (0..2).map(|_| Box::pin(turns.take(Caller::Stranger))).collect();
        assert!(waiting.iter_mut().all(|turn| turn.as_mut().now_or_never().is_none()));
        assert_eq!(turns.take(Caller::Stranger).await.unwrap_err(), Full);
        // Strangers do not fill the queue of those who are known.
        let mut known = Box::pin(turns.take(Caller::Known));
        assert!(known.as_mut().now_or_never().is_none());
        // Who hangs up leaves the place to another, and nobody waits for them.
        drop(waiting.remove(0));
        let mut another = Box::pin(turns.take(Caller::Stranger));
        assert!(another.as_mut().now_or_never().is_none());
        drop(known);
        drop(turn);
        let turn = waiting.remove(0).now_or_never().unwrap().unwrap();
        drop(turn);
        drop(another.now_or_never().unwrap().unwrap());
        assert!(turns.take(Caller::Known).now_or_never().unwrap().is_ok(), "it is free again");
    }
}
