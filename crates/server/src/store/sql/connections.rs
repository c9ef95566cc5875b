//! Connections that stay warm: what ended a transaction cleanly is given to the next one as it is. (The pool
//! would ask each connection whether it lives before and after each transaction, which are two round trips.)
//!
//! Whatever ended otherwise is rolled back and goes through the pool's hands.

use super::Db;
use crate::store::{Result, StoreError, stale};
use sqlx::pool::PoolConnection;
use sqlx::{Connection as _, Pool};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// After how long the pool looks at a connection again, and replaces it where it is old.
const WARM: Duration = Duration::from_secs(60);

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
}

impl Connections {
    /// At most as many as the pool has.
    pub(in crate::store) fn new(pool: Pool<Db>, patience: Duration) -> Self {
        let turns = Arc::new(Semaphore::new(pool.options().get_max_connections() as usize));
        Self(Arc::new(Inner { pool, turns, patience, warm: Mutex::default() }))
    }

    /// The next one, when it is this caller's turn.
    ///
    /// # Errors
    /// [`StoreError::Engine`]: nobody gave one back for too long, there is none to be had, or the store is
    /// closed.
    pub(super) async fn take(&self) -> Result<Held> {
        let turn = tokio::time::timeout(self.0.patience, Arc::clone(&self.0.turns).acquire_owned()).await;
        let turn = turn.map_err(|_| StoreError::Engine(sqlx::Error::PoolTimedOut))?;
        let turn = turn.map_err(|_| StoreError::Engine(sqlx::Error::PoolClosed))?;
        let is_fit = |since: &Instant| since.elapsed() < WARM && !stale::was_noted_within(since.elapsed());
        let warm = self.0.warm().pop().filter(|(_, since)| is_fit(since));
        let (connection, since, is_warm) = match warm {
            Some((connection, since)) => (connection, since, true),
            None => (self.0.pool.acquire().await?, Instant::now(), false),
        };
        let home = Arc::clone(&self.0);
        Ok(Held { connection: Some(connection), since, is_warm, is_open: false, home, turn: Some(turn) })
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
    fn warm(&self) -> std::sync::MutexGuard<'_, Vec<(PoolConnection<Db>, Instant)>> {
        self.warm.lock().unwrap_or_else(PoisonError::into_inner)
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
    home: Arc<Inner>,
    turn: Option<OwnedSemaphorePermit>,
}

impl Held {
    /// # Panics
    /// Never: it is there until the drop.
    pub(super) fn connection(&mut self) -> &mut PoolConnection<Db> {
        self.connection.as_mut().expect("a connection until it is dropped")
    }

    /// Closes one that lives no more.
    pub(super) async fn discard(mut self) {
        if let Some(connection) = self.connection.take() {
            let _ = connection.detach().close_hard().await;
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let Some(mut connection) = self.connection.take() else { return };
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
