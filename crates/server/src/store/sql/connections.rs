//! Connections that stay warm: what ended a transaction cleanly is given to the next one as it is. (The pool
//! would ask each connection whether it lives before and after each transaction, which are two round trips.)
//!
//! Whatever ended otherwise is rolled back and goes through the pool's hands.

use super::Db;
use super::batch::Batch;
use super::pending::{self, Write};
use crate::store::{Result, StoreError, stale};
use sqlx::pool::PoolConnection;
use sqlx::{Connection as _, Pool};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

/// After how long the pool looks at a connection again, and replaces it where it is old.
const WARM: Duration = Duration::from_secs(60);
/// For so long nobody's transaction is committed with others' after that failed.
const APART: Duration = Duration::from_secs(1);

/// The connections of an engine, given out in the order in which they are asked for.
#[derive(Debug, Clone)]
pub(in crate::store) struct Connections(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    pool: Pool<Db>,
    turns: Arc<Semaphore>,
    /// How long somebody waits for a turn.
    patience: Duration,
    warm: Mutex<Vec<(PoolConnection<Db>, Instant)>>,
    heirs: Mutex<Heirs>,
}

/// Those who wait for a connection, and would go on in a transaction that is open.
#[derive(Debug, Default)]
struct Heirs {
    waiting: VecDeque<oneshot::Sender<Held>>,
    /// Until then each goes alone.
    apart_until: Option<Instant>,
}

/// A connection, or the turn to take one.
enum Next {
    Open(Held),
    Turn(OwnedSemaphorePermit),
}

impl Connections {
    /// At most as many as the pool has.
    pub(in crate::store) fn new(pool: Pool<Db>, patience: Duration) -> Self {
        let turns = Arc::new(Semaphore::new(pool.options().get_max_connections() as usize));
        let (warm, heirs) = Default::default();
        Self(Arc::new(Inner { pool, turns, patience, warm, heirs }))
    }

    /// The next one, when it is this caller's turn.
    ///
    /// # Errors
    /// [`StoreError::Engine`]: nobody gave one back for too long, there is none to be had, or the store is
    /// closed.
    pub(super) async fn take(&self) -> Result<Held> {
        let turn = tokio::time::timeout(self.0.patience, Arc::clone(&self.0.turns).acquire_owned()).await;
        let turn = turn.map_err(|_| StoreError::Engine(sqlx::Error::PoolTimedOut))?;
        self.held(turn.map_err(|_| StoreError::Engine(sqlx::Error::PoolClosed))?).await
    }

    /// As [`Connections::take`], or one with a transaction that others have ended in and left open
    /// ([`Held::is_inherited`]).
    ///
    /// # Errors
    /// As [`Connections::take`].
    pub(super) async fn take_or_inherit(&self) -> Result<Held> {
        let turns = Arc::clone(&self.0.turns);
        if let Ok(turn) = Arc::clone(&turns).try_acquire_owned() {
            return self.held(turn).await;
        }
        let inherited = self.0.wait_as_heir();
        let next = tokio::time::timeout(self.0.patience, async {
            tokio::select! {
                // Others wait for the end of an open transaction.
                biased;
                Ok(held) = inherited => Ok(Next::Open(held)),
                turn = turns.acquire_owned() => turn.map(Next::Turn),
            }
        });
        let next = next.await.map_err(|_| StoreError::Engine(sqlx::Error::PoolTimedOut))?;
        match next.map_err(|_| StoreError::Engine(sqlx::Error::PoolClosed))? {
            Next::Open(held) => Ok(held),
            Next::Turn(turn) => self.held(turn).await,
        }
    }

    async fn held(&self, turn: OwnedSemaphorePermit) -> Result<Held> {
        let is_fit = |since: &Instant| since.elapsed() < WARM && !stale::was_noted_within(since.elapsed());
        let warm = self.0.warm().pop().filter(|(_, since)| is_fit(since));
        let (connection, since, is_warm) = match warm {
            Some((connection, since)) => (connection, since, true),
            None => (self.0.pool.acquire().await?, Instant::now(), false),
        };
        Ok(Held {
            connection: Some(connection),
            since,
            is_warm,
            is_open: false,
            is_touched: false,
            batch: Batch::default(),
            home: Arc::clone(&self.0),
            turn: Some(turn),
        })
    }

    /// Closes every connection; who waits for one fails.
    pub(in crate::store) async fn close(&self) {
        let warm = {
            // Under the lock: nobody gives one back behind this.
            let mut warm = self.0.warm();
            self.0.turns.close();
            std::mem::take(&mut *warm)
        };
        drop(warm);
        self.0.pool.close().await;
    }
}

impl Inner {
    fn warm(&self) -> MutexGuard<'_, Vec<(PoolConnection<Db>, Instant)>> {
        self.warm.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn heirs(&self) -> MutexGuard<'_, Heirs> {
        self.heirs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits with others for an open transaction.
    fn wait_as_heir(&self) -> oneshot::Receiver<Held> {
        let (heir, inherited) = oneshot::channel();
        let mut heirs = self.heirs();
        // Turns are given in the order in which they are asked for, so those who had one are at the head.
        while heirs.waiting.front().is_some_and(oneshot::Sender::is_closed) {
            heirs.waiting.pop_front();
        }
        heirs.waiting.push_back(heir);
        inherited
    }

    /// Who waits for longest.
    fn next_heir(&self) -> Option<oneshot::Sender<Held>> {
        let mut heirs = self.heirs();
        if heirs.apart_until.is_some_and(|until| Instant::now() < until) {
            return None;
        }
        std::iter::from_fn(|| heirs.waiting.pop_front()).find(|heir| !heir.is_closed())
    }

    /// Whether somebody would go on in a transaction that ends now.
    fn has_heirs(&self) -> bool {
        let heirs = self.heirs();
        let is_apart = heirs.apart_until.is_some_and(|until| Instant::now() < until);
        !is_apart && heirs.waiting.iter().any(|heir| !heir.is_closed())
    }

    /// A transaction of several failed: each is to go alone for a while, so that the others succeed.
    fn keep_apart(&self) {
        self.heirs().apart_until = Some(Instant::now() + APART);
    }
}

impl Drop for Inner {
    /// The pool would give them back in a task, and there may be no runtime any more.
    fn drop(&mut self) {
        self.warm().drain(..).for_each(|(connection, _)| drop(connection.leak()));
    }
}

/// A connection and the turn to use it.
#[derive(Debug)]
pub(super) struct Held {
    connection: Option<PoolConnection<Db>>,
    since: Instant,
    /// Whether nobody has looked whether it lives.
    pub(super) is_warm: bool,
    /// Whether there is a transaction that did not end.
    pub(super) is_open: bool,
    /// Whether the transaction was written to by whoever holds it now: it is not undone without what others
    /// did before.
    pub(super) is_touched: bool,
    /// Those that have ended in this transaction.
    batch: Batch,
    home: Arc<Inner>,
    turn: Option<OwnedSemaphorePermit>,
}

impl Held {
    /// # Panics
    /// Never: it is there until the drop.
    pub(super) fn connection(&mut self) -> &mut PoolConnection<Db> {
        self.connection.as_mut().expect("a connection until it is dropped")
    }

    /// Whether others have ended in this transaction, and wait for its end.
    pub(super) fn is_inherited(&self) -> bool {
        !self.batch.is_empty()
    }

    /// What those have left to be written first.
    pub(super) fn take_inherited(&mut self) -> Vec<Write> {
        std::mem::take(&mut self.batch.writes)
    }

    /// Closes one that lives no more.
    pub(super) async fn discard(mut self) {
        if let Some(connection) = self.connection.take() {
            let _ = connection.detach().close_hard().await;
        }
    }

    /// Ends a transaction with these writes: commits it, or lets those who wait go on in it and commit for
    /// all. Ready when that is done.
    ///
    /// # Errors
    /// Of the engine; [`StoreError::Contended`] where it was not committed for another one's sake.
    pub(super) async fn end(mut self, writes: Vec<Write>) -> Result<()> {
        let may_pass_on = !self.is_touched && !self.batch.is_full();
        if self.batch.is_empty() && !(may_pass_on && self.home.has_heirs()) {
            pending::flush(self.connection(), &writes, true).await?;
            self.is_open = false;
            return Ok(());
        }
        let ended = self.batch.join(writes);
        let left = if may_pass_on { self.pass_on() } else { Some(self) };
        if let Some(held) = left {
            // In a task of its own: others wait for it, even if this caller is given up.
            tokio::spawn(held.commit_for_all());
        }
        ended.await.unwrap_or(Err(StoreError::Engine(sqlx::Error::PoolClosed)))
    }

    /// Gives the open transaction to who waits for longest; back where nobody does.
    fn pass_on(self) -> Option<Self> {
        let mut held = self;
        while let Some(heir) = held.home.next_heir() {
            match heir.send(held) {
                Ok(()) => return None,
                Err(back) => held = back,
            }
        }
        Some(held)
    }

    /// Commits for all that have ended in this transaction.
    async fn commit_for_all(mut self) {
        // If this task is given up, nobody goes on.
        self.is_touched = true;
        let writes = self.take_inherited();
        let done = pending::flush(self.connection(), &writes, true).await;
        self.is_open = done.is_err();
        if done.is_ok() && self.batch.len() > 1 {
            metrics::counter!("matinee_transactions_joined_total").increment(self.batch.len() as u64);
        }
        if done.is_err() && self.batch.is_several() {
            self.home.keep_apart();
        }
        let batch = std::mem::take(&mut self.batch);
        // The next one's turn.
        drop(self);
        batch.tell(done);
    }

    /// What is given up of a transaction in which others have ended: not theirs, unless this one has written
    /// to it. Back where it is to be undone.
    fn rescue(&mut self, connection: PoolConnection<Db>) -> Option<PoolConnection<Db>> {
        if !self.is_open || self.batch.is_empty() {
            return Some(connection);
        }
        let mut batch = std::mem::take(&mut self.batch);
        let runtime = Handle::try_current().ok().filter(|_| !self.is_touched);
        let Some(runtime) = runtime else {
            self.home.keep_apart();
            batch.tell(Err(StoreError::Contended));
            return Some(connection);
        };
        // Where somebody has run since, even if it only read, SQLite may have undone the transaction for an
        // error of the disk or for want of memory, and the next one's writes would be durable one by one. A
        // bare COMMIT fails then.
        batch.was_left = batch.writes.is_empty();
        let may_pass_on = !batch.was_left && !batch.is_full();
        let held = Self {
            connection: Some(connection),
            since: self.since,
            is_warm: self.is_warm,
            is_open: true,
            is_touched: false,
            batch,
            home: Arc::clone(&self.home),
            turn: self.turn.take(),
        };
        let left = if may_pass_on { held.pass_on() } else { Some(held) };
        if let Some(mut held) = left {
            // Already here: a task that is never run drops it, too.
            held.is_touched = true;
            runtime.spawn(held.commit_for_all());
        }
        None
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else { return };
        let Some(mut connection) = self.rescue(connection) else { return };
        if !self.is_open {
            let mut warm = self.home.warm();
            // Under the lock: `close` empties it once.
            if !self.home.turns.is_closed() {
                warm.push((connection, self.since));
                return;
            }
        }
        let Ok(runtime) = Handle::try_current() else {
            drop(connection.leak());
            return;
        };
        // The turn goes on when the transaction is gone.
        let (turn, is_open) = (self.turn.take(), self.is_open);
        runtime.spawn(async move {
            if is_open && plain!("ROLLBACK").execute(&mut *connection).await.is_err() {
                // It had not begun, was over already, or lives no more: the pool finds out.
                connection.close_on_drop();
            }
            drop(connection);
            drop(turn);
        });
    }
}
