//! Transactions that another one got in the way of run again.

use super::StoreError;
use std::time::Duration;

/// Runs of a transaction before its failure is told.
const ATTEMPTS: u32 = 12;
/// The longest first pause; each further one may be twice as long, up to [`LONGEST`].
const PAUSE: Duration = Duration::from_millis(5);
/// The longest pause.
const LONGEST: Duration = Duration::from_millis(320);

/// Whether an error says "try again": nothing was wrong but the moment.
pub trait Transient {
    /// Whether the same transaction may succeed when it runs again.
    fn is_transient(&self) -> bool;
}

impl Transient for StoreError {
    /// SQLSTATE 40001 (serialization failure), 40P01 (deadlock) and 0A000 (a prepared statement of a schema
    /// that is no more: the connection is opened anew); SQLITE_BUSY (5), its extended codes and SQLITE_LOCKED
    /// (6).
    fn is_transient(&self) -> bool {
        let code = match self {
            Self::Contended => return true,
            Self::Engine(error) => error.as_database_error().and_then(|e| e.code()),
            _ => None,
        };
        match code.as_deref() {
            Some("40001" | "40P01" | "0A000") => true,
            // SQLSTATEs have five characters, SQLite's codes are smaller numbers.
            Some(code) => {
                code.len() < 5 && code.parse::<u32>().is_ok_and(|code| matches!(code & 0xFF, 5 | 6))
            }
            None => false,
        }
    }
}

/// Counts the runs of one transaction, and pauses between them.
#[derive(Debug)]
pub struct Retries {
    left: u32,
    pause: Duration,
}

impl Default for Retries {
    fn default() -> Self {
        Self { left: ATTEMPTS - 1, pause: PAUSE }
    }
}

impl Retries {
    /// Whether to run again; if so, after a pause of random length, so that those who met do not meet again.
    pub async fn again(&mut self, error: &(impl Transient + Sync)) -> bool {
        if self.left == 0 || !error.is_transient() {
            return false;
        }
        self.left -= 1;
        let random = u32::from_be_bytes(crate::secret::random()) % 1000;
        tokio::time::sleep(self.pause * random / 1000).await;
        self.pause = (self.pause * 2).min(LONGEST);
        true
    }
}

/// Awaits an attempt, again as long as it fails for a [`Transient`] reason and [`Retries`] allow.
#[macro_export]
macro_rules! retried {
    ($attempt:expr) => {{
        let mut retries = $crate::store::Retries::default();
        loop {
            match $attempt.await {
                Err(error) if retries.again(&error).await => {}
                result => break result,
            }
        }
    }};
}
pub use retried;
