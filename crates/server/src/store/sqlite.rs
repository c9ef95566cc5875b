//! The SQLite engine: one writer at a time (`BEGIN IMMEDIATE`), readers beside it (WAL).

use super::{
    Account, Device, DeviceState, LogEntry, Movie, NewDevice, NewMovie, Registered, Result, Session, Slot,
    Store, StoreError, Transaction, Viewing,
};
use async_trait::async_trait;
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteRow, SqliteSynchronous,
};
use sqlx::{Row, SqlSafeStr, Sqlite, SqlitePool};
use std::borrow::Cow;
use std::path::Path;
use std::time::Duration;

mod devices;

/// How long a writer of this process waits for those of others (the command line beside a running server).
const BUSY: Duration = Duration::from_secs(10);
/// How long a request waits for its turn. With [`BUSY`] less than a request may take, so that it is answered with `TRY_LATER`.
const QUEUE: Duration = Duration::from_secs(10);

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match error.as_database_error() {
            Some(e) if e.is_unique_violation() => Self::Exists,
            _ => Self::Engine(error),
        }
    }
}

/// A database in one file.
#[derive(Debug, Clone)]
pub struct SqliteStore {
    writer: SqlitePool,
    readers: SqlitePool,
}

impl SqliteStore {
    /// Opens the database, makes it if it is not there, and brings its schema up to date.
    ///
    /// # Errors
    /// [`StoreError`] when the file cannot be opened or migrated.
    pub async fn open(path: &Path) -> Result<Self> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Normal)
            .foreign_keys(true)
            .busy_timeout(BUSY);
        // One connection writes, so writers queue here, in order, rather than spin on SQLite's lock.
        let writer = SqlitePoolOptions::new()
            .max_connections(1)
            .acquire_timeout(QUEUE)
            .connect_with(options.clone())
            .await?;
        migrator().run(&writer).await.map_err(StoreError::Migrate)?;
        let readers =
            SqlitePoolOptions::new().max_connections(4).acquire_timeout(QUEUE).connect_with(options).await?;
        Ok(Self { writer, readers })
    }

    /// Closes every connection; transactions that wait fail.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

fn migrator() -> Migrator {
    let migration = |version, name: &'static str, sql: &'static str| {
        Migration::new(version, Cow::Borrowed(name), MigrationType::Simple, sql.into_sql_str(), false)
    };
    Migrator::with_migrations(vec![migration(
        1,
        "start",
        include_str!("../../migrations/sqlite/0001_start.sql"),
    )])
}

#[async_trait]
impl Store for SqliteStore {
    async fn begin(&self) -> Result<Box<dyn Transaction>> {
        Ok(Box::new(SqliteTransaction { tx: self.writer.begin_with("BEGIN IMMEDIATE").await? }))
    }

    async fn read(&self) -> Result<Box<dyn Transaction>> {
        Ok(Box::new(SqliteTransaction { tx: self.readers.begin().await? }))
    }
}

struct SqliteTransaction {
    tx: sqlx::Transaction<'static, Sqlite>,
}

/// Numbers are stored signed; ours stay far below 2^63.
fn int(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

fn unsigned(row: &SqliteRow, column: &'static str) -> Result<u64> {
    u64::try_from(row.try_get::<i64, _>(column)?).map_err(|_| StoreError::Corrupt(column))
}

fn json<T: serde::de::DeserializeOwned>(row: &SqliteRow, column: &'static str) -> Result<T> {
    serde_json::from_str(row.try_get::<&str, _>(column)?).map_err(|_| StoreError::Corrupt(column))
}

fn to_json<T: serde::Serialize + ?Sized>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

fn account(row: &SqliteRow) -> Result<Account> {
    Ok(Account {
        id: row.try_get("id")?,
        handle: row.try_get("handle")?,
        email: row.try_get("email")?,
        plan: row.try_get("plan")?,
        disabled: row.try_get("disabled")?,
        created: unsigned(row, "created")?,
    })
}

fn movie(row: &SqliteRow) -> Result<Movie> {
    Ok(Movie {
        id: unsigned(row, "id")?,
        title: row.try_get("title")?,
        year: row
            .try_get::<Option<i64>, _>("year")?
            .map(|y| u16::try_from(y).map_err(|_| StoreError::Corrupt("year")))
            .transpose()?,
        cast: json(row, "cast_names")?,
        synopsis: row.try_get("synopsis")?,
        rating: row.try_get("rating")?,
        runtime: row.try_get("runtime")?,
        pack: row.try_get("pack")?,
        policy: row.try_get("policy")?,
        plans: json(row, "plans")?,
        available: row.try_get("available")?,
        added: unsigned(row, "added")?,
    })
}

fn viewing(row: &SqliteRow) -> Result<Viewing> {
    Ok(Viewing {
        started: unsigned(row, "started")?,
        seen: unsigned(row, "seen")?,
        position: row.try_get("position")?,
        finished: row.try_get("finished")?,
    })
}

#[async_trait]
impl Transaction for SqliteTransaction {
    async fn commit(self: Box<Self>) -> Result<()> {
        Ok(self.tx.commit().await?)
    }

    async fn savepoint(&mut self) -> Result<()> {
        sqlx::query("SAVEPOINT message").execute(&mut *self.tx).await?;
        Ok(())
    }

    async fn release(&mut self) -> Result<()> {
        sqlx::query("RELEASE SAVEPOINT message").execute(&mut *self.tx).await?;
        Ok(())
    }

    async fn roll_back(&mut self) -> Result<()> {
        sqlx::query("ROLLBACK TO SAVEPOINT message").execute(&mut *self.tx).await?;
        self.release().await
    }

    async fn add_account(
        &mut self,
        handle: &str,
        email: &str,
        password_hash: &str,
        plan: &str,
        now: u64,
    ) -> Result<Account> {
        let row = sqlx::query(
            "INSERT INTO accounts (handle, email, password_hash, plan, created) VALUES ($1, $2, $3, $4, $5) RETURNING *",
        )
        .bind(handle)
        .bind(email)
        .bind(password_hash)
        .bind(plan)
        .bind(int(now))
        .fetch_one(&mut *self.tx)
        .await?;
        account(&row)
    }

    async fn account_by_email(&mut self, email: &str) -> Result<Option<(Account, String)>> {
        let row = sqlx::query("SELECT * FROM accounts WHERE email = $1")
            .bind(email)
            .fetch_optional(&mut *self.tx)
            .await?;
        row.map(|row| Ok((account(&row)?, row.try_get("password_hash")?))).transpose()
    }

    async fn account(&mut self, id: i64) -> Result<Option<Account>> {
        let row = sqlx::query("SELECT * FROM accounts WHERE id = $1")
            .bind(id)
            .fetch_optional(&mut *self.tx)
            .await?;
        row.as_ref().map(account).transpose()
    }

    async fn accounts(&mut self) -> Result<Vec<Account>> {
        let rows = sqlx::query("SELECT * FROM accounts ORDER BY email").fetch_all(&mut *self.tx).await?;
        rows.iter().map(account).collect()
    }

    async fn set_password(&mut self, id: i64, password_hash: &str) -> Result<()> {
        sqlx::query("UPDATE accounts SET password_hash = $2 WHERE id = $1")
            .bind(id)
            .bind(password_hash)
            .execute(&mut *self.tx)
            .await?;
        sqlx::query("DELETE FROM sessions WHERE account = $1").bind(id).execute(&mut *self.tx).await?;
        Ok(())
    }

    async fn set_disabled(&mut self, id: i64, disabled: bool) -> Result<()> {
        sqlx::query("UPDATE accounts SET disabled = $2 WHERE id = $1")
            .bind(id)
            .bind(disabled)
            .execute(&mut *self.tx)
            .await?;
        if disabled {
            sqlx::query("DELETE FROM sessions WHERE account = $1").bind(id).execute(&mut *self.tx).await?;
        }
        Ok(())
    }

    async fn add_session(&mut self, session: &Session) -> Result<()> {
        sqlx::query("INSERT INTO sessions (id_hash, secret_hash, account, expires) VALUES ($1, $2, $3, $4)")
            .bind(&session.id_hash[..])
            .bind(&session.secret_hash[..])
            .bind(session.account)
            .bind(int(session.expires))
            .execute(&mut *self.tx)
            .await?;
        Ok(())
    }

    async fn session_account(
        &mut self,
        id_hash: &[u8; 32],
        secret_hash: &[u8; 32],
        now: u64,
    ) -> Result<Option<Account>> {
        let row = sqlx::query(
            "SELECT a.* FROM sessions s JOIN accounts a ON a.id = s.account
             WHERE s.id_hash = $1 AND s.secret_hash = $2 AND s.expires > $3 AND NOT a.disabled",
        )
        .bind(&id_hash[..])
        .bind(&secret_hash[..])
        .bind(int(now))
        .fetch_optional(&mut *self.tx)
        .await?;
        row.as_ref().map(account).transpose()
    }

    async fn remove_session(&mut self, id_hash: &[u8; 32], secret_hash: &[u8; 32]) -> Result<()> {
        sqlx::query("DELETE FROM sessions WHERE id_hash = $1 AND secret_hash = $2")
            .bind(&id_hash[..])
            .bind(&secret_hash[..])
            .execute(&mut *self.tx)
            .await?;
        Ok(())
    }

    async fn device(&mut self, id: &str) -> Result<Option<Device>> {
        devices::by_id(&mut self.tx, id).await
    }

    async fn device_by_key(&mut self, account: i64, signing_key: &[u8]) -> Result<Option<Device>> {
        devices::by_key(&mut self.tx, account, signing_key).await
    }

    async fn device_by_browser(&mut self, account: i64, browser_hash: &[u8; 32]) -> Result<Option<Device>> {
        devices::by_browser(&mut self.tx, account, browser_hash).await
    }

    async fn devices(&mut self, account: i64) -> Result<Vec<Device>> {
        devices::of_account(&mut self.tx, account).await
    }

    async fn add_device(&mut self, device: &NewDevice, limit: u32) -> Result<Slot> {
        devices::add(&mut self.tx, device, limit).await
    }

    async fn take_slot(&mut self, id: &str, limit: u32) -> Result<Slot> {
        devices::take_slot(&mut self.tx, id, limit).await
    }

    async fn free_slot(&mut self, account: i64, id: &str) -> Result<bool> {
        devices::free_slot(&mut self.tx, account, id).await
    }

    async fn remove_device(&mut self, account: i64, id: &str) -> Result<bool> {
        devices::remove(&mut self.tx, account, id).await
    }

    async fn reclaim_idle(&mut self, account: i64, before: u64) -> Result<u64> {
        devices::reclaim_idle(&mut self.tx, account, before).await
    }

    async fn reregister(&mut self, id: &str, registered: &Registered) -> Result<()> {
        devices::reregister(&mut self.tx, id, registered).await
    }

    async fn replace_device(&mut self, old: &str, device: &NewDevice, now: u64) -> Result<()> {
        devices::replace(&mut self.tx, old, device, now).await
    }

    async fn set_sequence(&mut self, id: &str, state: &DeviceState) -> Result<()> {
        devices::set_sequence(&mut self.tx, id, state).await
    }

    async fn put_movie(&mut self, movie: &NewMovie, now: u64) -> Result<()> {
        sqlx::query(
            "INSERT INTO movies (id, title, year, cast_names, synopsis, rating, runtime, pack, policy, plans, added)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
             ON CONFLICT (id) DO UPDATE SET title = excluded.title, year = excluded.year,
               cast_names = excluded.cast_names, synopsis = excluded.synopsis, rating = excluded.rating,
               runtime = excluded.runtime, pack = excluded.pack, policy = excluded.policy, plans = excluded.plans,
               available = 1",
        )
        .bind(int(movie.id))
        .bind(&movie.title)
        .bind(movie.year.map(i64::from))
        .bind(to_json(&movie.cast))
        .bind(&movie.synopsis)
        .bind(&movie.rating)
        .bind(movie.runtime)
        .bind(&movie.pack)
        .bind(&movie.policy)
        .bind(to_json(&movie.plans))
        .bind(int(now))
        .execute(&mut *self.tx)
        .await?;
        Ok(())
    }

    async fn movie(&mut self, id: u64) -> Result<Option<Movie>> {
        let row = sqlx::query("SELECT * FROM movies WHERE id = $1")
            .bind(int(id))
            .fetch_optional(&mut *self.tx)
            .await?;
        row.as_ref().map(movie).transpose()
    }

    async fn movies(&mut self) -> Result<Vec<Movie>> {
        let rows = sqlx::query("SELECT * FROM movies ORDER BY title, id").fetch_all(&mut *self.tx).await?;
        rows.iter().map(movie).collect()
    }

    async fn remove_movie(&mut self, id: u64) -> Result<bool> {
        let done =
            sqlx::query("DELETE FROM movies WHERE id = $1").bind(int(id)).execute(&mut *self.tx).await?;
        Ok(done.rows_affected() > 0)
    }

    async fn queue(&mut self, account: i64) -> Result<Vec<Movie>> {
        let rows = sqlx::query(
            "SELECT m.* FROM queue q JOIN movies m ON m.id = q.movie WHERE q.account = $1 ORDER BY q.added, m.id",
        )
        .bind(account)
        .fetch_all(&mut *self.tx)
        .await?;
        rows.iter().map(movie).collect()
    }

    async fn set_queued(&mut self, account: i64, movie: u64, queued: bool, now: u64) -> Result<()> {
        let sql = if queued {
            "INSERT INTO queue (account, movie, added) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING"
        } else {
            "DELETE FROM queue WHERE account = $1 AND movie = $2 AND $3 >= 0"
        };
        sqlx::query(sql).bind(account).bind(int(movie)).bind(int(now)).execute(&mut *self.tx).await?;
        Ok(())
    }

    async fn viewings(&mut self, account: i64, movie: u64, most: u32) -> Result<Vec<Viewing>> {
        let rows = sqlx::query(
            "SELECT * FROM viewings WHERE account = $1 AND movie = $2 ORDER BY seen DESC, id DESC LIMIT $3",
        )
        .bind(account)
        .bind(int(movie))
        .bind(i64::from(most))
        .fetch_all(&mut *self.tx)
        .await?;
        rows.iter().map(viewing).collect()
    }

    async fn latest_viewings(&mut self, account: i64) -> Result<Vec<(u64, Viewing)>> {
        let rows = sqlx::query(
            "SELECT v.* FROM viewings v WHERE v.account = $1 AND NOT EXISTS (SELECT 1 FROM viewings w
             WHERE w.account = v.account AND w.movie = v.movie AND (w.seen > v.seen OR (w.seen = v.seen AND w.id > v.id)))",
        )
        .bind(account)
        .fetch_all(&mut *self.tx)
        .await?;
        rows.iter().map(|row| Ok((unsigned(row, "movie")?, viewing(row)?))).collect()
    }

    async fn record_viewing(
        &mut self,
        account: i64,
        movie: u64,
        viewing: &Viewing,
        since: u64,
    ) -> Result<()> {
        let done = sqlx::query(
            "UPDATE viewings SET seen = $3, position = $4, finished = $5 WHERE id = (SELECT id FROM viewings
             WHERE account = $1 AND movie = $2 ORDER BY seen DESC, id DESC LIMIT 1) AND seen > $6",
        )
        .bind(account)
        .bind(int(movie))
        .bind(int(viewing.seen))
        .bind(viewing.position)
        .bind(viewing.finished)
        .bind(int(since))
        .execute(&mut *self.tx)
        .await?;
        if done.rows_affected() == 0 {
            sqlx::query(
                "INSERT INTO viewings (account, movie, started, seen, position, finished) VALUES ($1, $2, $3, $4, $5, $6)",
            )
            .bind(account)
            .bind(int(movie))
            .bind(int(viewing.started))
            .bind(int(viewing.seen))
            .bind(viewing.position)
            .bind(viewing.finished)
            .execute(&mut *self.tx)
            .await?;
        }
        Ok(())
    }

    async fn first_play(&mut self, account: i64, movie: u64, now: u64) -> Result<u64> {
        sqlx::query(
            "INSERT INTO first_plays (account, movie, at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        )
        .bind(account)
        .bind(int(movie))
        .bind(int(now))
        .execute(&mut *self.tx)
        .await?;
        let row = sqlx::query("SELECT at FROM first_plays WHERE account = $1 AND movie = $2")
            .bind(account)
            .bind(int(movie))
            .fetch_one(&mut *self.tx)
            .await?;
        unsigned(&row, "at")
    }

    async fn log(&mut self, entry: &LogEntry) -> Result<()> {
        let counters: serde_json::Map<String, serde_json::Value> =
            entry.counters.iter().map(|(name, value)| (name.clone(), (*value).into())).collect();
        sqlx::query(
            "INSERT INTO log (account, device, movie, at, event, code, position, counters)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        )
        .bind(entry.account)
        .bind(&entry.device)
        .bind(int(entry.movie))
        .bind(int(entry.at))
        .bind(&entry.event)
        .bind(&entry.code)
        .bind(entry.position)
        .bind(to_json(&counters))
        .execute(&mut *self.tx)
        .await?;
        Ok(())
    }

    async fn purge(&mut self, now: u64, log_before: u64) -> Result<()> {
        sqlx::query("DELETE FROM sessions WHERE expires <= $1").bind(int(now)).execute(&mut *self.tx).await?;
        sqlx::query("DELETE FROM log WHERE at < $1").bind(int(log_before)).execute(&mut *self.tx).await?;
        sqlx::query("DELETE FROM devices WHERE slot IS NULL AND last_seen < $1")
            .bind(int(log_before))
            .execute(&mut *self.tx)
            .await?;
        Ok(())
    }
}
