//! The PostgreSQL engine, and whatever speaks its protocol.
//!
//! Writers run at READ COMMITTED and lock the rows that they decide by (`FOR UPDATE`), readers on one
//! snapshot. An engine that knows only SERIALIZABLE (CockroachDB) does as well: what it refuses with 40001
//! runs again.

use super::{Ahead, Begun, Result, Store, StoreError, Transaction, migrator, stale};
use async_trait::async_trait;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use std::str::FromStr as _;
use std::time::Duration;

type Db = sqlx::Postgres;
type DbRow = sqlx::postgres::PgRow;

/// Other writers wait for the row until the transaction ends.
macro_rules! locked {
    ($sql:literal) => {
        concat!($sql, " FOR NO KEY UPDATE")
    };
}

/// The number of the next account: a sequence, which gives none twice.
macro_rules! next_account {
    () => {
        "DEFAULT"
    };
}

/// Reads in a transaction that has begun and locked the account, and locks the device.
macro_rules! opening {
    ($($sql:tt)*) => {
        concat!($($sql)*, " FOR NO KEY UPDATE OF d")
    };
}

/// A statement without parameters: in one round trip, not prepared.
macro_rules! plain {
    ($sql:expr) => {
        sqlx::raw_sql($sql)
    };
}

/// Whether one round trip takes several statements with parameters. Only as parts of one statement, in no
/// order.
const STATEMENTS_TOGETHER: bool = false;

#[path = "sql/mod.rs"]
mod sql;

use sql::{Connections, SqlTransaction};

/// How long a request waits for a connection.
const QUEUE: Duration = Duration::from_secs(10);

/// A database on a server.
#[derive(Debug, Clone)]
pub struct PostgresStore {
    connections: Connections,
}

impl PostgresStore {
    /// Connects, with at most so many connections, and brings the schema up to date. Servers that start at
    /// once do that one after the other.
    ///
    /// # Errors
    /// [`StoreError`] when the server cannot be reached or the schema not migrated.
    pub async fn open(url: &str, connections: u32) -> Result<Self> {
        let options = PgConnectOptions::from_str(url)?
            .application_name("matinee")
            // What waits longer for a row than a request may take is given up, and not left to hold others
            // up.
            .options([("lock_timeout", "10s"), ("idle_in_transaction_session_timeout", "60s")]);
        let pool = PgPoolOptions::new()
            .max_connections(connections)
            .acquire_timeout(QUEUE)
            .before_acquire(|_, connection| {
                Box::pin(async move { Ok(!stale::was_noted_within(connection.age)) })
            })
            .connect_with(options)
            .await?;
        migrator([
            ("start", include_str!("../../migrations/postgres/0001_start.sql")),
            ("boxes", include_str!("../../migrations/postgres/0002_boxes.sql")),
            ("embedded licenses", include_str!("../../migrations/postgres/0003_embedded_licenses.sql")),
            ("components", include_str!("../../migrations/postgres/0004_components.sql")),
            ("audit", include_str!("../../migrations/postgres/0005_audit.sql")),
            ("removals", include_str!("../../migrations/postgres/0006_removals.sql")),
            ("leases", include_str!("../../migrations/postgres/0007_leases.sql")),
            ("seen requests", include_str!("../../migrations/postgres/0008_seen_requests.sql")),
            ("plans", include_str!("../../migrations/postgres/0009_plans.sql")),
            ("sessions", include_str!("../../migrations/postgres/0010_sessions.sql")),
            ("session networks", include_str!("../../migrations/postgres/0011_session_networks.sql")),
            ("networks", include_str!("../../migrations/postgres/0012_networks.sql")),
            ("grants", include_str!("../../migrations/postgres/0013_grants.sql")),
            ("shares", include_str!("../../migrations/postgres/0014_shares.sql")),
            ("genres and names", include_str!("../../migrations/postgres/0015_genres_and_names.sql")),
            ("removed accounts", include_str!("../../migrations/postgres/0016_removed_accounts.sql")),
            ("posters", include_str!("../../migrations/postgres/0017_posters.sql")),
            ("votes", include_str!("../../migrations/postgres/0018_votes.sql")),
            ("lease index", include_str!("../../migrations/postgres/0019_lease_index.sql")),
            ("device countries", include_str!("../../migrations/postgres/0020_device_countries.sql")),
        ])
        .run(&pool)
        .await
        .map_err(StoreError::Migrate)?;
        Ok(Self { connections: Connections::new(pool, QUEUE) })
    }
}

#[async_trait]
impl Store for PostgresStore {
    async fn begin(&self) -> Result<Box<dyn Transaction>> {
        Ok(Box::new(SqlTransaction::begin(&self.connections, "BEGIN").await?))
    }

    async fn begin_for(&self, ahead: &Ahead<'_>) -> Result<Begun> {
        let (tx, speaker) = SqlTransaction::begin_for(&self.connections, ahead).await?;
        Ok((Box::new(tx), speaker))
    }

    async fn read(&self) -> Result<Box<dyn Transaction>> {
        let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
        Ok(Box::new(SqlTransaction::begin(&self.connections, begin).await?))
    }

    async fn close(&self) {
        self.connections.close().await;
    }
}
