//! The SQLite engine: one writer at a time (`BEGIN IMMEDIATE`), readers beside it (WAL).

use super::{Ahead, Begun, Result, Store, StoreError, Transaction, migrator};
use crate::private;
use async_trait::async_trait;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use std::path::{Path, PathBuf};
use std::time::Duration;

type Db = sqlx::Sqlite;
type DbRow = sqlx::sqlite::SqliteRow;

/// There is one writer anyway.
macro_rules! locked {
    ($sql:literal) => {
        $sql
    };
}

/// The number of the next account. By itself SQLite would give the last one's again when that was removed.
macro_rules! next_account {
    () => {
        "1 + max(coalesce((SELECT max(id) FROM accounts), 0), coalesce((SELECT max(id) FROM removed_accounts), 0))"
    };
}

/// Begins a writer's transaction and reads, in one round trip.
macro_rules! opening {
    ($($sql:tt)*) => {
        concat!("BEGIN IMMEDIATE; ", $($sql)*)
    };
}

/// A statement without parameters.
macro_rules! plain {
    ($sql:expr) => {
        sqlx::query($sql)
    };
}

/// Whether one round trip takes several statements with parameters. It does, one after the other.
const STATEMENTS_TOGETHER: bool = true;

#[path = "sql/mod.rs"]
mod sql;

use sql::{Connections, SqlTransaction};

/// How long a writer of this process waits for those of others (the command line beside a running server).
const BUSY: Duration = Duration::from_secs(10);
/// How long a request waits for its turn. With [`BUSY`] less than a request may take, so that it is answered
/// with `TRY_LATER`.
const QUEUE: Duration = Duration::from_secs(10);

/// Pages of the write-ahead log (of 4 KiB) after which a writer copies them to the database's file. A page
/// that changed often is copied once, so fewer copies are less to write and to sync; the log has some 16 MiB
/// then.
const CHECKPOINT: &str = "4000";

/// A database in one file.
#[derive(Debug, Clone)]
pub struct SqliteStore {
    writer: Connections,
    readers: Connections,
}

impl SqliteStore {
    /// Opens the database, makes it if it is not there, for its owner alone, and brings its schema up to
    /// date.
    ///
    /// # Errors
    /// [`StoreError`] when the file cannot be opened or migrated, or others may read it.
    pub async fn open(path: &Path) -> Result<Self> {
        keep_private(path)?;
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Normal)
            .foreign_keys(true)
            .busy_timeout(BUSY)
            .pragma("wal_autocheckpoint", CHECKPOINT);
        // One connection writes, so writers queue here, in order, rather than spin on SQLite's lock.
        let writer = SqlitePoolOptions::new()
            .max_connections(1)
            .acquire_timeout(QUEUE)
            .connect_with(options.clone())
            .await?;
        migrator([
            ("start", include_str!("../../migrations/sqlite/0001_start.sql")),
            ("boxes", include_str!("../../migrations/sqlite/0002_boxes.sql")),
            ("embedded licenses", include_str!("../../migrations/sqlite/0003_embedded_licenses.sql")),
            ("components", include_str!("../../migrations/sqlite/0004_components.sql")),
            ("audit", include_str!("../../migrations/sqlite/0005_audit.sql")),
            ("removals", include_str!("../../migrations/sqlite/0006_removals.sql")),
            ("leases", include_str!("../../migrations/sqlite/0007_leases.sql")),
            ("seen requests", include_str!("../../migrations/sqlite/0008_seen_requests.sql")),
            ("plans", include_str!("../../migrations/sqlite/0009_plans.sql")),
            ("sessions", include_str!("../../migrations/sqlite/0010_sessions.sql")),
            ("session networks", include_str!("../../migrations/sqlite/0011_session_networks.sql")),
            ("networks", include_str!("../../migrations/sqlite/0012_networks.sql")),
            ("grants", include_str!("../../migrations/sqlite/0013_grants.sql")),
            ("shares", include_str!("../../migrations/sqlite/0014_shares.sql")),
            ("genres and names", include_str!("../../migrations/sqlite/0015_genres_and_names.sql")),
            ("removed accounts", include_str!("../../migrations/sqlite/0016_removed_accounts.sql")),
            ("posters", include_str!("../../migrations/sqlite/0017_posters.sql")),
            ("votes", include_str!("../../migrations/sqlite/0018_votes.sql")),
            ("lease index", include_str!("../../migrations/sqlite/0019_lease_index.sql")),
            ("device countries", include_str!("../../migrations/sqlite/0020_device_countries.sql")),
        ])
        .run(&writer)
        .await
        .map_err(StoreError::Migrate)?;
        let readers =
            SqlitePoolOptions::new().max_connections(4).acquire_timeout(QUEUE).connect_with(options).await?;
        Ok(Self { writer: Connections::new(writer, QUEUE), readers: Connections::new(readers, QUEUE) })
    }
}

/// Refuses files that others may read, and makes the database's own: SQLite gives those that it makes beside
/// it the same permissions.
fn keep_private(path: &Path) -> Result<()> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        |source| StoreError::File { path, source }
    };
    for beside in ["", "-wal", "-shm", "-journal"] {
        let mut name = path.as_os_str().to_owned();
        name.push(beside);
        let file = PathBuf::from(name);
        if private::is_exposed(&file).map_err(failed(&file))? {
            return Err(StoreError::Exposed(file));
        }
    }
    private::make_file(path).map_err(failed(path))
}

#[async_trait]
impl Store for SqliteStore {
    async fn begin(&self) -> Result<Box<dyn Transaction>> {
        Ok(Box::new(SqlTransaction::begin(&self.writer, "BEGIN IMMEDIATE").await?))
    }

    async fn begin_for(&self, ahead: &Ahead<'_>) -> Result<Begun> {
        let (tx, speaker) = SqlTransaction::begin_for(&self.writer, ahead).await?;
        Ok((Box::new(tx), speaker))
    }

    async fn read(&self) -> Result<Box<dyn Transaction>> {
        Ok(Box::new(SqlTransaction::begin(&self.readers, "BEGIN").await?))
    }

    async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{AuditEntry, AuditFilter, Wants};

    /// Who has ended in a transaction that SQLite then undid by itself runs again, and who waits begins anew:
    /// in what is no transaction any more each write would be durable by itself.
    #[tokio::test]
    async fn what_sqlite_undid_is_not_gone_on_with() {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&folder.path().join("matinee.db")).await.unwrap();
        let ahead = Ahead { account: 1, device: "d-none", wants: Wants::Nothing, now: 100 };
        let begin = async |action: &str| {
            let (mut tx, _) = SqlTransaction::begin_for(&store.writer, &ahead).await.unwrap();
            tx.audit(&AuditEntry::client(action, 100)).await.unwrap();
            tx
        };
        let first = begin("first").await;
        // The others wait before it ends.
        let (second, third, first) = tokio::join!(
            biased;
            async { begin("second").await.lose().await },
            async { Box::new(begin("third").await).commit().await },
            Box::new(first).commit(),
        );
        second.unwrap();
        assert!(matches!(first, Err(StoreError::Contended)), "{first:?}");
        third.unwrap();
        let filter = AuditFilter { most: 10, ..AuditFilter::default() };
        let found = store.read().await.unwrap().audited(&filter).await.unwrap();
        let found: Vec<_> = found.into_iter().map(|found| found.entry.action).collect();
        assert_eq!(found, ["third"]);
    }
}
