//! What the service remembers: a trait over transactions, so that engines other than SQLite can stand behind
//! it.
//!
//! Every engine must pass the contract in `tests/http/contract`.

mod absent;
mod audit;
mod model;
mod networks;
mod postgres;
mod retry;
mod sequence;
// Both engines compile the statements in `sql` against their own types.
#[allow(clippy::duplicate_mod)]
mod sqlite;
mod stale;

pub use absent::AbsentStore;
pub use audit::{Actor, AuditEntry, AuditFilter, Audited};
pub use model::{
    Account, ActivationCode, Ahead, ApiKey, Device, DeviceState, Lease, LogEntry, Movie, NewDevice, NewLease,
    NewMovie, NewPoster, Poster, Registered, Session, Share, Slot, Viewing, VoteCount, Wants, Watched,
};
pub use networks::{Network, Networks, Whereabouts};
pub use postgres::PostgresStore;
pub use retry::{Retries, Transient, retried};
pub use sequence::SequenceWindow;
pub use sqlite::SqliteStore;

use crate::Error;
use crate::config::Config;
use crate::keys::RevokedId;
use async_trait::async_trait;
use sqlx::SqlSafeStr as _;
use sqlx::migrate::{Migration, MigrationType, Migrator};
use std::borrow::Cow;
use std::path::PathBuf;
use std::sync::Arc;

/// What can go wrong in a store.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The engine failed.
    #[error("the database failed: {0}")]
    Engine(#[source] sqlx::Error),
    /// The schema could not be brought up to date.
    #[error("the database could not be migrated: {0}")]
    Migrate(#[source] sqlx::migrate::MigrateError),
    /// The database's file could not be made.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The database's file, or one that SQLite has beside it, can be read by others than who runs this, or is
    /// theirs.
    #[error(
        "{0}: others can read this file of the database, or it is another user's; run `chmod 600` and `chown` on it"
    )]
    Exposed(PathBuf),
    /// A row holds what no row may hold.
    #[error("the database holds a bad value in {0}")]
    Corrupt(&'static str),
    /// This server runs without a database.
    #[error("this server runs without a database")]
    Absent,
    /// The row is there already.
    #[error("it exists already")]
    Exists,
    /// Another transaction took what this one had seen free.
    #[error("another transaction was first")]
    Contended,
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        if stale::is_refusal(&error) {
            stale::note();
        }
        match error.as_database_error() {
            // The slot was chosen because none had it: at a snapshot, that may be over by now.
            Some(e) if e.constraint() == Some("devices_account_slot_key") => Self::Contended,
            Some(e) if e.is_unique_violation() => Self::Exists,
            _ => Self::Engine(error),
        }
    }
}

fn migrator<const N: usize>(scripts: [(&'static str, &'static str); N]) -> Migrator {
    let migration = |(version, (name, sql)): (i64, (&'static str, &'static str))| {
        Migration::new(version, Cow::Borrowed(name), MigrationType::Simple, sql.into_sql_str(), false)
    };
    let mut migrator = Migrator::with_migrations((1..).zip(scripts).map(migration).collect());
    // The next release may have been here already: migrations only add, or change
    // indices.
    migrator.set_ignore_missing(true);
    migrator
}

/// Opens the database that the configuration names: SQLite in the data folder, or `database.url`.
///
/// # Errors
/// [`Error::Store`]; [`Error::Setting`] that does not repeat the URL, which holds a password.
pub async fn open(config: &Config) -> std::result::Result<Arc<dyn Store>, Error> {
    match config.database.server_url()? {
        None => Ok(Arc::new(SqliteStore::open(&config.database()).await?)),
        Some(url) => Ok(Arc::new(PostgresStore::open(&url, config.database.connections).await?)),
    }
}

/// Result of a store's operation.
pub type Result<T> = std::result::Result<T, StoreError>;

/// A transaction that began for a device, with the account and the device, which it has locked; without them
/// where there is no such device of the account.
pub type Begun = (Box<dyn Transaction>, Option<(Account, Device)>);

/// A database. A transaction may fail because of another's ([`Transient`]): then it runs again, see
/// [`Retries`].
#[async_trait]
pub trait Store: Send + Sync {
    /// A transaction that may write. What it decides by and others may change, it
    /// must lock first ([`Transaction::lock_account`], then [`Transaction::lock_device`]).
    async fn begin(&self) -> Result<Box<dyn Transaction>>;

    /// As [`Store::begin`], for what a device asks: it has locked the account and the device, and has read
    /// what is going to be asked for, in as few round trips as the engine allows.
    ///
    /// It may see what others have ended but not yet committed. Its own commit succeeds only together with
    /// theirs. A refusal that commits nothing may rest on what is undone then; the next request may find it
    /// lifted.
    async fn begin_for(&self, ahead: &Ahead<'_>) -> Result<Begun> {
        let mut tx = self.begin().await?;
        let account = tx.lock_account(ahead.account).await?;
        let device = match &account {
            Some(_) => tx.lock_device(ahead.device).await?.filter(|device| device.account == ahead.account),
            None => None,
        };
        Ok((tx, account.zip(device)))
    }

    /// A transaction that only reads and waits for no writer.
    async fn read(&self) -> Result<Box<dyn Transaction>>;

    /// Closes every connection; transactions that wait fail.
    async fn close(&self);
}

/// A transaction. Dropped without [`Transaction::commit`] it leaves no trace.
#[async_trait]
pub trait Transaction: Send {
    /// Makes everything durable.
    async fn commit(self: Box<Self>) -> Result<()>;

    /// Marks a point to go back to; one at a time.
    async fn savepoint(&mut self) -> Result<()>;
    /// Keeps what was done since the savepoint.
    async fn release(&mut self) -> Result<()>;
    /// Undoes what was done since the savepoint.
    async fn roll_back(&mut self) -> Result<()>;

    /// Makes an account. [`StoreError::Exists`] when the address is taken.
    async fn add_account(
        &mut self,
        handle: &str,
        email: &str,
        password_hash: &str,
        plan: &str,
        now: u64,
    ) -> Result<Account>;
    /// Account and password hash of an address.
    async fn account_by_email(&mut self, email: &str) -> Result<Option<(Account, String)>>;
    /// An account.
    async fn account(&mut self, id: i64) -> Result<Option<Account>>;
    /// Every account, by address.
    async fn accounts(&mut self) -> Result<Vec<Account>>;
    /// Sets another password hash and ends the account's sessions.
    async fn set_password(&mut self, id: i64, password_hash: &str) -> Result<()>;
    /// Sets an account's plan, and its name.
    async fn set_plan(&mut self, id: i64, plan: &str, name: &str) -> Result<()>;
    /// Disables or enables an account; disabling ends its sessions.
    async fn set_disabled(&mut self, id: i64, disabled: bool) -> Result<()>;
    /// Forgets an account with all that is its own: sessions, devices, leases, codes, links to films, list,
    /// votes, viewings and playback log. What the audit log has of it stays, and no later account gets its
    /// number. `false` when there is none.
    async fn remove_account(&mut self, id: i64) -> Result<bool>;

    /// Remembers an API key. [`StoreError::Exists`] when the name is taken.
    async fn add_api_key(&mut self, key: &ApiKey) -> Result<()>;
    /// The API key of that id.
    async fn api_key(&mut self, id: &str) -> Result<Option<ApiKey>>;
    /// Every API key, by name.
    async fn api_keys(&mut self) -> Result<Vec<ApiKey>>;
    /// Notes that an API key was used.
    async fn use_api_key(&mut self, id: &str, now: u64) -> Result<()>;
    /// Forgets the API key of that name; `false` when there is none.
    async fn remove_api_key(&mut self, name: &str) -> Result<bool>;

    /// Remembers a link.
    async fn add_share(&mut self, share: &Share) -> Result<()>;
    /// The link with this hash.
    async fn share(&mut self, token_hash: &[u8; 32]) -> Result<Option<Share>>;
    /// Every link, oldest first.
    async fn shares(&mut self) -> Result<Vec<Share>>;
    /// Forgets a link; its account, if there was one of that id.
    async fn remove_share(&mut self, id: &str) -> Result<Option<i64>>;

    /// Remembers a session by the hashes of its two cookies.
    async fn add_session(&mut self, session: &Session) -> Result<()>;
    /// The account of a session that is alive and whose account is enabled.
    async fn session_account(
        &mut self,
        id_hash: &[u8; 32],
        secret_hash: &[u8; 32],
        now: u64,
    ) -> Result<Option<Account>>;
    /// A session that is alive, with its account, which is enabled.
    async fn session(
        &mut self,
        id_hash: &[u8; 32],
        secret_hash: &[u8; 32],
        now: u64,
    ) -> Result<Option<(Account, Session)>>;
    /// The account's sessions that are alive, the last used first.
    async fn sessions(&mut self, account: i64, now: u64) -> Result<Vec<Session>>;
    /// Notes that a session was used.
    async fn use_session(&mut self, id_hash: &[u8; 32], now: u64) -> Result<()>;
    /// Ends the account's session with this `id_hash`; `false` when there is none.
    async fn end_session(&mut self, account: i64, id_hash: &[u8; 32]) -> Result<bool>;
    /// Ends the account's sessions, but for the one with this `id_hash`; how many.
    async fn end_sessions(&mut self, account: i64, but: Option<&[u8; 32]>) -> Result<u64>;
    /// Ends a session.
    async fn remove_session(&mut self, id_hash: &[u8; 32], secret_hash: &[u8; 32]) -> Result<()>;

    /// A device.
    async fn device(&mut self, id: &str) -> Result<Option<Device>>;
    /// As [`Transaction::device`], and no other writer changes the device until this transaction ends.
    async fn lock_device(&mut self, id: &str) -> Result<Option<Device>>;
    /// As [`Transaction::account`], and no other writer that locks the account goes on until this transaction
    /// ends. Whoever needs the account and one of its devices, codes or leases locks the account first.
    async fn lock_account(&mut self, id: i64) -> Result<Option<Account>>;
    /// The account's device with this signing key.
    async fn device_by_key(&mut self, account: i64, signing_key: &[u8]) -> Result<Option<Device>>;
    /// The account's device in the browser with this cookie, if it holds a slot.
    async fn device_by_browser(&mut self, account: i64, browser_hash: &[u8; 32]) -> Result<Option<Device>>;
    /// Devices of an account that hold a slot, by slot.
    async fn devices(&mut self, account: i64) -> Result<Vec<Device>>;
    /// Makes a device in the lowest free slot of `1..=limit`; [`Slot::Full`] when there is none. The engine's
    /// own constraint keeps two devices out of one slot.
    async fn add_device(&mut self, device: &NewDevice, limit: u32) -> Result<Slot>;
    /// The account's devices go on to their next epoch, boxes only if `boxes`: no ticket that is out is good
    /// any more, and they have to register again. With the boxes go the codes that were typed in for the
    /// account.
    async fn end_tickets(&mut self, account: i64, boxes: bool) -> Result<()>;
    /// Gives a device without a slot the lowest free one.
    async fn take_slot(&mut self, id: &str, limit: u32) -> Result<Slot>;
    /// Devices of every account, with a slot or without, that a revocation names.
    async fn revoked_devices(&mut self, revoked: RevokedId) -> Result<Vec<Device>>;
    /// De-authorizes: the slot is free, the device lives on. `false` when the account has no such device with
    /// a slot.
    async fn free_slot(&mut self, account: i64, id: &str) -> Result<bool>;
    /// Calls a device of the account that holds a slot by another name; empty: by the one that it registered
    /// by. `false` when there is none of that id.
    async fn rename_device(&mut self, account: i64, id: &str, name: &str) -> Result<bool>;
    /// Of each device of an account that holds a slot, the movie of its latest log line, where there is one.
    async fn last_watched(&mut self, account: i64) -> Result<Vec<Watched>>;
    /// Remembers that the account's owner removed a device, and forgets those of `before` or earlier. When
    /// the others were, latest first. No other writer that locks the account goes on until this transaction
    /// ends.
    async fn add_removal(&mut self, account: i64, now: u64, before: u64) -> Result<Vec<u64>>;
    /// Forgets a device at once, and the code that it was registered by. `false` when the account has none of
    /// that id.
    async fn remove_device(&mut self, account: i64, id: &str) -> Result<bool>;
    /// Frees the slots of the account's devices not heard of since `before`; how many.
    async fn reclaim_idle(&mut self, account: i64, before: u64) -> Result<u64>;
    /// The device registers again: next epoch, its window begins at `sequence`.
    async fn reregister(&mut self, id: &str, registered: &Registered) -> Result<()>;
    /// Another signing key takes the place of the device's, which was lost.
    async fn rekey(&mut self, id: &str, signing_key: &[u8], now: u64) -> Result<()>;
    /// Remembers what a device's certificate names: its component, and the modulus of its RSA key,
    /// big-endian.
    async fn set_component(&mut self, id: &str, component: &[u8; 16], rsa_modulus: &[u8; 256]) -> Result<()>;
    /// The modulus of a device's RSA key, where it was remembered.
    async fn rsa_modulus(&mut self, id: &str) -> Result<Option<[u8; 256]>>;
    /// Stores which sequence numbers were seen, and when and where the device was last heard of.
    async fn set_sequence(&mut self, id: &str, state: &DeviceState) -> Result<()>;

    /// Lets a lease that is alive end later; `false` when there is none.
    async fn keep_lease(&mut self, lease: &NewLease<'_>) -> Result<bool>;
    /// Gives a lease, also in place of one that has ended.
    async fn put_lease(&mut self, lease: &NewLease<'_>) -> Result<()>;
    /// Keeps the lease that is alive, or gives one where fewer than `limit` others of the account are; else
    /// it gives these. The device's leases of other movies that no report has kept are forgotten. The account
    /// is locked.
    async fn take_lease(&mut self, lease: &NewLease<'_>, limit: usize) -> Result<Option<Vec<Lease>>>;
    /// The leases of an account that are alive, the one that began first at the head.
    async fn leases(&mut self, account: i64, now: u64) -> Result<Vec<Lease>>;
    /// The name of the device for which this one's lease of a movie was ended, if it was, after `since`.
    async fn stopped_by(&mut self, device: &str, movie: u64, since: u64) -> Result<Option<String>>;
    /// Ends a lease.
    async fn end_lease(&mut self, device: &str, movie: u64, now: u64) -> Result<()>;
    /// Ends the lease of the account's device in the browser with this cookie, whether it has a slot or not.
    async fn end_browser_lease(
        &mut self,
        account: i64,
        browser_hash: &[u8; 32],
        movie: u64,
        now: u64,
    ) -> Result<()>;
    /// Ends the leases of a device of the account for another one, whose name is remembered.
    async fn stop_leases(&mut self, account: i64, device: &str, by: &str, now: u64) -> Result<()>;
    /// Forgets the device's leases of other movies that no report has kept: nothing came of them.
    async fn drop_unreported_leases(&mut self, device: &str, movie: u64) -> Result<()>;

    /// Remembers a request by a hash of it until `expires`; `false` when it is remembered already.
    async fn first_seen(&mut self, hash: &[u8; 32], expires: u64) -> Result<bool>;

    /// Adds a movie; `false`, and nothing is changed, where there is one of its number. Of two that add one
    /// at once, one does.
    async fn add_movie(&mut self, movie: &NewMovie, now: u64) -> Result<bool>;
    /// Adds a movie, or replaces the one with its number.
    async fn put_movie(&mut self, movie: &NewMovie, now: u64) -> Result<()>;
    /// A movie.
    async fn movie(&mut self, id: u64) -> Result<Option<Movie>>;
    /// As [`Transaction::movie`], and no other writer changes it until this transaction ends.
    async fn lock_movie(&mut self, id: u64) -> Result<Option<Movie>>;
    /// Every movie, by title.
    async fn movies(&mut self) -> Result<Vec<Movie>>;
    /// The plans of the movies that are available: each list of plans that one of them has, once.
    async fn movie_plans(&mut self) -> Result<Vec<Vec<String>>>;
    /// Forgets a movie with its poster, and what accounts did with it, and ends the links to it. Its number
    /// is remembered ([`Transaction::removed_movies`]). `false` when there was none.
    async fn remove_movie(&mut self, id: u64) -> Result<bool>;
    /// The numbers of movies that were removed. One of them may have been given again since, by name.
    async fn removed_movies(&mut self) -> Result<Vec<u64>>;

    /// Gives a movie a poster, in place of the one that it was given before.
    async fn set_poster(&mut self, movie: u64, poster: &NewPoster<'_>) -> Result<()>;
    /// Forgets the poster that a movie was given; `false` when there is none.
    async fn remove_poster(&mut self, movie: u64) -> Result<bool>;
    /// The poster that a movie was given.
    async fn poster(&mut self, movie: u64) -> Result<Option<Poster>>;
    /// The posters that movies were given, with the movies' numbers.
    async fn posters(&mut self) -> Result<Vec<(u64, Poster)>>;
    /// The file of a given poster, by its name.
    async fn poster_file(&mut self, name: &str) -> Result<Option<Vec<u8>>>;

    /// The account's list, oldest entry first.
    async fn queue(&mut self, account: i64) -> Result<Vec<Movie>>;
    /// Puts a movie on the list, or takes it off.
    async fn set_queued(&mut self, account: i64, movie: u64, queued: bool, now: u64) -> Result<()>;

    /// What the account thinks of a movie, in place of what it said before; `None` takes that back.
    async fn set_vote(&mut self, account: i64, movie: u64, liked: Option<bool>, now: u64) -> Result<()>;
    /// The movies of which the account has said what it thinks, by number, and whether it likes them.
    async fn votes(&mut self, account: i64) -> Result<Vec<(u64, bool)>>;
    /// Whether the account likes a movie; `None` where it has not said so.
    async fn vote(&mut self, account: i64, movie: u64) -> Result<Option<bool>>;
    /// How the votes stand of every movie that has at least so many, by number.
    async fn vote_counts(&mut self, least: u64) -> Result<Vec<VoteCount>>;

    /// Viewings of a movie, latest first, at most `most`.
    async fn viewings(&mut self, account: i64, movie: u64, most: u32) -> Result<Vec<Viewing>>;
    /// The latest viewing of each movie that the account has watched.
    async fn latest_viewings(&mut self, account: i64) -> Result<Vec<(u64, Viewing)>>;
    /// Continues the latest viewing, if it was last seen after `since`, or begins one.
    async fn record_viewing(&mut self, account: i64, movie: u64, viewing: &Viewing, since: u64)
    -> Result<()>;
    /// When the account first played the movie; `now` is remembered if it never did.
    async fn first_play(&mut self, account: i64, movie: u64, now: u64) -> Result<u64>;

    /// Adds a line to the playback log.
    async fn log(&mut self, entry: &LogEntry) -> Result<()>;
    /// The counters of the latest log line of a device for a movie.
    async fn last_counters(&mut self, device: &str, movie: u64) -> Result<Vec<(String, u64)>>;
    /// The log of a movie: by device, oldest first.
    async fn movie_log(&mut self, movie: u64) -> Result<Vec<LogEntry>>;

    /// Remembers a code in place of its box's last one. [`StoreError::Exists`] when another box has it.
    async fn add_code(&mut self, code: &ActivationCode) -> Result<()>;
    /// A code, over or not.
    async fn code(&mut self, code: &str) -> Result<Option<ActivationCode>>;
    /// The account that a box's code was given to.
    async fn account_of_code(&mut self, signing_key: &[u8]) -> Result<Option<i64>>;
    /// The code of a box; no other writer changes it until this transaction ends.
    async fn code_by_key(&mut self, signing_key: &[u8]) -> Result<Option<ActivationCode>>;
    /// Gives a code to an account; `false` when it is another's already, or gone.
    async fn confirm_code(&mut self, code: &str, account: i64) -> Result<bool>;
    /// Lets a code end at another time (Unix seconds).
    async fn end_code(&mut self, code: &str, expires: u64) -> Result<()>;
    /// Forgets a code.
    async fn remove_code(&mut self, code: &str) -> Result<()>;

    /// Adds to the audit log: in the transaction of what the entry tells.
    async fn audit(&mut self, entry: &AuditEntry) -> Result<()>;
    /// What the audit log has, oldest first.
    async fn audited(&mut self, filter: &AuditFilter) -> Result<Vec<Audited>>;
    /// Forgets entries of the audit log from before that time.
    async fn purge_audit(&mut self, before: u64) -> Result<()>;

    /// Forgets sessions, codes and requests that are over, leases that were over a day ago, and log lines
    /// older than `log_before`.
    async fn purge(&mut self, now: u64, log_before: u64) -> Result<()>;
}
