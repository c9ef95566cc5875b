//! A transaction: how it begins, what of it is known, and what waits to be written.

mod statements;

use super::ahead::{self, Known};
use super::connections::{Connections, Held};
use super::pending::{self, Write};
use super::{STATEMENTS_TOGETHER, Tx};
use crate::store::{Account, Ahead, Device, Result, StoreError};

/// A transaction of either engine. What was read when it began is known, and writes that nothing waits for
/// are pending: so what is asked for most often takes two round trips, one there and one back.
pub(crate) struct SqlTransaction {
    held: Held,
    known: Option<Known>,
    writes: Vec<Write>,
    savepoint: Savepoint,
}

/// A savepoint is made when something is written behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Savepoint {
    No,
    /// It is to be, behind so many of the pending writes.
    Wanted(usize),
    Made,
}

impl SqlTransaction {
    /// Begins a transaction by this statement.
    pub(in crate::store) async fn begin(connections: &Connections, sql: &'static str) -> Result<Self> {
        Self::begin_by(connections, Beginning::Plain(sql)).await
    }

    /// Begins one that has locked account and device; `None` where there is no such device of the account.
    pub(in crate::store) async fn begin_for(
        connections: &Connections,
        what: &Ahead<'_>,
    ) -> Result<(Self, Option<(Account, Device)>)> {
        let begun = Self::begin_by(connections, Beginning::Ahead(what)).await?;
        let speaker = begun.known.as_ref().map(|known| (known.account.clone(), known.device.clone()));
        Ok((begun, speaker))
    }

    /// A warm connection may be dead: its transaction has not begun then, so it begins on another one.
    async fn begin_by(connections: &Connections, how: Beginning<'_>) -> Result<Self> {
        loop {
            let mut held = match how {
                Beginning::Ahead(what) if STATEMENTS_TOGETHER => {
                    let held = connections.take_or_inherit().await?;
                    if held.is_inherited() {
                        return Self::go_on(held, what).await;
                    }
                    held
                }
                _ => connections.take().await?,
            };
            held.is_open = true;
            match how.begin(held.connection()).await {
                Ok(known) => {
                    return Ok(Self { held, known, writes: Vec::new(), savepoint: Savepoint::No });
                }
                Err(StoreError::Engine(error)) if held.is_warm && is_gone(&error) => held.discard().await,
                Err(error) => return Err(error),
            }
        }
    }

    /// Goes on in a transaction in which others have ended.
    async fn go_on(mut held: Held, what: &Ahead<'_>) -> Result<Self> {
        // Until all of it is done nobody knows what is.
        held.is_touched = true;
        let before = held.take_inherited();
        match ahead::go_on(held.connection(), what, &before).await {
            Ok(known) => {
                held.is_touched = false;
                Ok(Self { held, known, writes: Vec::new(), savepoint: Savepoint::No })
            }
            Err(error) => {
                tracing::warn!(%error, "transactions failed together, and are tried alone");
                Err(StoreError::Contended)
            }
        }
    }

    /// The connection, for a statement that writes, and that what is pending must not follow; what was known
    /// may change by it.
    async fn now(&mut self) -> Result<&mut Tx> {
        self.held.is_touched = true;
        self.read().await
    }

    /// The connection, to read what pending writes may change: they come first.
    async fn read(&mut self) -> Result<&mut Tx> {
        self.known = None;
        self.settle().await?;
        Ok(self.held.connection())
    }

    /// The connection, to read what no pending write changes.
    fn aside(&mut self) -> &mut Tx {
        self.held.connection()
    }

    /// Does what is pending.
    async fn settle(&mut self) -> Result<()> {
        self.held.is_touched |= !self.writes.is_empty();
        let mut writes = std::mem::take(&mut self.writes);
        if let Savepoint::Wanted(before) = self.savepoint {
            let behind = writes.split_off(before);
            if !writes.is_empty() {
                pending::flush(self.held.connection(), &writes, false).await?;
            }
            plain!("SAVEPOINT message").execute(&mut **self.held.connection()).await?;
            self.savepoint = Savepoint::Made;
            writes = behind;
        }
        match writes.is_empty() {
            true => Ok(()),
            false => pending::flush(self.held.connection(), &writes, false).await,
        }
    }

    /// Lets a write wait for others.
    async fn later(&mut self, write: Write) -> Result<()> {
        if !self.writes.iter().all(|other| other.goes_with(&write)) {
            self.settle().await?;
        }
        self.writes.push(write);
        Ok(())
    }

    /// Undoes all of it without a word to anybody, as SQLite does for some errors.
    #[cfg(test)]
    #[allow(dead_code, reason = "one engine's test needs it")]
    pub(in crate::store) async fn lose(&mut self) -> Result<()> {
        plain!("ROLLBACK").execute(&mut **self.aside()).await?;
        Ok(())
    }

    fn known_device(&self, id: &str) -> Option<&Known> {
        self.known.as_ref().filter(|known| known.device.id == id)
    }
}

/// How a transaction begins.
#[derive(Clone, Copy)]
enum Beginning<'a> {
    Plain(&'static str),
    Ahead(&'a Ahead<'a>),
}

impl Beginning<'_> {
    async fn begin(self, tx: &mut Tx) -> Result<Option<Known>> {
        match self {
            Self::Plain(sql) => {
                plain!(sql).execute(&mut **tx).await?;
                Ok(None)
            }
            Self::Ahead(what) => ahead::begin(tx, what).await,
        }
    }
}

/// Whether a connection ended: the statement was not done.
fn is_gone(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) | sqlx::Error::Protocol(_) | sqlx::Error::WorkerCrashed => true,
        // SQLSTATE class 57P: the server shuts down, or ended this connection.
        sqlx::Error::Database(error) => error.code().is_some_and(|code| code.starts_with("57P")),
        _ => false,
    }
}
