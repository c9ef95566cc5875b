//! The statements of a transaction.

use super::ahead::{self, Known};
use super::connections::{Connections, Held};
use super::pending::{self, Write};
use super::{
    Tx, account, api_keys, audit, codes, devices, int, json, leases, movie, posters, sessions, shares,
    to_json, viewings,
};
use crate::keys::RevokedId;
use crate::store::{
    Account, ActivationCode, Ahead, ApiKey, AuditEntry, AuditFilter, Audited, Device, DeviceState, Lease,
    LogEntry, Movie, NewDevice, NewLease, NewMovie, NewPoster, Poster, Registered, Result, Session, Share,
    Slot, StoreError, Transaction, Viewing,
};
use async_trait::async_trait;
use sqlx::Row as _;

/// A transaction of either engine. What was read when it began is known, and writes that nothing waits for are
/// pending: so what is asked for most often takes two round trips, one there and one back.
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
            let mut held = connections.take().await?;
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

    /// The connection, for a statement that what is pending must not follow; what was known may change by it.
    async fn now(&mut self) -> Result<&mut Tx> {
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

#[async_trait]
impl Transaction for SqlTransaction {
    async fn commit(mut self: Box<Self>) -> Result<()> {
        pending::flush(self.held.connection(), &self.writes, true).await?;
        self.held.is_open = false;
        Ok(())
    }

    async fn savepoint(&mut self) -> Result<()> {
        self.savepoint = Savepoint::Wanted(self.writes.len());
        Ok(())
    }

    async fn release(&mut self) -> Result<()> {
        if self.savepoint == Savepoint::Made {
            plain!("RELEASE SAVEPOINT message").execute(&mut **self.aside()).await?;
        }
        self.savepoint = Savepoint::No;
        Ok(())
    }

    async fn roll_back(&mut self) -> Result<()> {
        self.known = None;
        match self.savepoint {
            Savepoint::No => {}
            Savepoint::Wanted(before) => self.writes.truncate(before),
            // What is pending came behind it.
            Savepoint::Made => {
                self.writes.clear();
                plain!("ROLLBACK TO SAVEPOINT message").execute(&mut **self.aside()).await?;
            }
        }
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
        let row = sqlx::query(concat!(
            "INSERT INTO accounts (id, handle, email, password_hash, plan, created) VALUES (",
            next_account!(),
            ", $1, $2, $3, $4, $5) RETURNING *",
        ))
        .bind(handle)
        .bind(email)
        .bind(password_hash)
        .bind(plan)
        .bind(int(now))
        .fetch_one(&mut **self.now().await?)
        .await?;
        account(&row, "")
    }

    async fn account_by_email(&mut self, email: &str) -> Result<Option<(Account, String)>> {
        let row = sqlx::query("SELECT * FROM accounts WHERE email = $1")
            .bind(email)
            .fetch_optional(&mut **self.now().await?)
            .await?;
        row.map(|row| Ok((account(&row, "")?, row.try_get("password_hash")?))).transpose()
    }

    async fn account(&mut self, id: i64) -> Result<Option<Account>> {
        if let Some(known) = self.known.as_ref().filter(|known| known.account.id == id) {
            return Ok(Some(known.account.clone()));
        }
        let row = sqlx::query("SELECT * FROM accounts WHERE id = $1")
            .bind(id)
            .fetch_optional(&mut **self.now().await?)
            .await?;
        row.as_ref().map(|row| account(row, "")).transpose()
    }

    async fn accounts(&mut self) -> Result<Vec<Account>> {
        let rows =
            sqlx::query("SELECT * FROM accounts ORDER BY email").fetch_all(&mut **self.now().await?).await?;
        rows.iter().map(|row| account(row, "")).collect()
    }

    async fn set_password(&mut self, id: i64, password_hash: &str) -> Result<()> {
        sqlx::query("UPDATE accounts SET password_hash = $2 WHERE id = $1")
            .bind(id)
            .bind(password_hash)
            .execute(&mut **self.now().await?)
            .await?;
        sessions::end(self.now().await?, id, None).await?;
        Ok(())
    }

    async fn set_plan(&mut self, id: i64, plan: &str, name: &str) -> Result<()> {
        sqlx::query("UPDATE accounts SET plan = $2, name = $3 WHERE id = $1")
            .bind(id)
            .bind(plan)
            .bind(name)
            .execute(&mut **self.now().await?)
            .await?;
        Ok(())
    }

    async fn set_disabled(&mut self, id: i64, disabled: bool) -> Result<()> {
        sqlx::query("UPDATE accounts SET disabled = $2 WHERE id = $1")
            .bind(id)
            .bind(disabled)
            .execute(&mut **self.now().await?)
            .await?;
        if disabled {
            sessions::end(self.now().await?, id, None).await?;
        }
        Ok(())
    }

    async fn remove_account(&mut self, id: i64) -> Result<bool> {
        // What is the account's own refers to it, and goes with it.
        let done = sqlx::query("DELETE FROM accounts WHERE id = $1")
            .bind(id)
            .execute(&mut **self.now().await?)
            .await?;
        if done.rows_affected() == 0 {
            return Ok(false);
        }
        sqlx::query("INSERT INTO removed_accounts (id) VALUES ($1)")
            .bind(id)
            .execute(&mut **self.now().await?)
            .await?;
        Ok(true)
    }

    async fn add_api_key(&mut self, key: &ApiKey) -> Result<()> {
        api_keys::add(self.now().await?, key).await
    }

    async fn api_key(&mut self, id: &str) -> Result<Option<ApiKey>> {
        api_keys::by_id(self.now().await?, id).await
    }

    async fn api_keys(&mut self) -> Result<Vec<ApiKey>> {
        api_keys::all(self.now().await?).await
    }

    async fn use_api_key(&mut self, id: &str, now: u64) -> Result<()> {
        api_keys::note_use(self.now().await?, id, now).await
    }

    async fn remove_api_key(&mut self, name: &str) -> Result<bool> {
        api_keys::remove(self.now().await?, name).await
    }

    async fn add_share(&mut self, share: &Share) -> Result<()> {
        shares::add(self.now().await?, share).await
    }

    async fn share(&mut self, token_hash: &[u8; 32]) -> Result<Option<Share>> {
        shares::by_token(self.now().await?, token_hash).await
    }

    async fn shares(&mut self) -> Result<Vec<Share>> {
        shares::all(self.now().await?).await
    }

    async fn remove_share(&mut self, id: &str) -> Result<Option<i64>> {
        shares::remove(self.now().await?, id).await
    }

    async fn add_session(&mut self, session: &Session) -> Result<()> {
        sessions::add(self.now().await?, session).await
    }

    async fn session_account(
        &mut self,
        id_hash: &[u8; 32],
        secret_hash: &[u8; 32],
        now: u64,
    ) -> Result<Option<Account>> {
        if let Some(known) = &self.known
            && let Some(of) = &known.renewing
            && of.session == Some((*id_hash, *secret_hash))
        {
            return Ok(Some(&known.account).filter(|account| !account.disabled).cloned());
        }
        Ok(sessions::find(self.aside(), id_hash, secret_hash, now).await?.map(|(account, _)| account))
    }

    async fn session(
        &mut self,
        id_hash: &[u8; 32],
        secret_hash: &[u8; 32],
        now: u64,
    ) -> Result<Option<(Account, Session)>> {
        sessions::find(self.now().await?, id_hash, secret_hash, now).await
    }

    async fn sessions(&mut self, account: i64, now: u64) -> Result<Vec<Session>> {
        sessions::of_account(self.now().await?, account, now).await
    }

    async fn use_session(&mut self, id_hash: &[u8; 32], now: u64) -> Result<()> {
        sessions::note_use(self.now().await?, id_hash, now).await
    }

    async fn end_session(&mut self, account: i64, id_hash: &[u8; 32]) -> Result<bool> {
        sessions::end_one(self.now().await?, account, id_hash).await
    }

    async fn end_sessions(&mut self, account: i64, but: Option<&[u8; 32]>) -> Result<u64> {
        sessions::end(self.now().await?, account, but).await
    }

    async fn remove_session(&mut self, id_hash: &[u8; 32], secret_hash: &[u8; 32]) -> Result<()> {
        sessions::remove(self.now().await?, id_hash, secret_hash).await
    }

    async fn device(&mut self, id: &str) -> Result<Option<Device>> {
        if let Some(known) = self.known_device(id) {
            return Ok(Some(known.device.clone()));
        }
        devices::by_id(self.now().await?, id).await
    }

    async fn lock_device(&mut self, id: &str) -> Result<Option<Device>> {
        if let Some(known) = self.known_device(id) {
            return Ok(Some(known.device.clone()));
        }
        devices::lock(self.now().await?, id).await
    }

    async fn lock_account(&mut self, id: i64) -> Result<Option<Account>> {
        if let Some(known) = self.known.as_ref().filter(|known| known.account.id == id) {
            return Ok(Some(known.account.clone()));
        }
        let row = devices::lock_account(self.now().await?, id).await?;
        row.as_ref().map(|row| account(row, "")).transpose()
    }

    async fn device_by_key(&mut self, account: i64, signing_key: &[u8]) -> Result<Option<Device>> {
        devices::by_key(self.now().await?, account, signing_key).await
    }

    async fn device_by_browser(&mut self, account: i64, browser_hash: &[u8; 32]) -> Result<Option<Device>> {
        devices::by_browser(self.now().await?, account, browser_hash).await
    }

    async fn devices(&mut self, account: i64) -> Result<Vec<Device>> {
        devices::of_account(self.now().await?, account).await
    }

    async fn add_device(&mut self, device: &NewDevice, limit: u32) -> Result<Slot> {
        devices::add(self.now().await?, device, limit).await
    }

    async fn end_tickets(&mut self, account: i64, boxes: bool) -> Result<()> {
        devices::end_tickets(self.now().await?, account, boxes).await
    }

    async fn take_slot(&mut self, id: &str, limit: u32) -> Result<Slot> {
        devices::take_slot(self.now().await?, id, limit).await
    }

    async fn revoked_devices(&mut self, revoked: RevokedId) -> Result<Vec<Device>> {
        devices::revoked(self.now().await?, revoked).await
    }

    async fn free_slot(&mut self, account: i64, id: &str) -> Result<bool> {
        devices::free_slot(self.now().await?, account, id).await
    }

    async fn add_removal(&mut self, account: i64, now: u64, before: u64) -> Result<Vec<u64>> {
        devices::add_removal(self.now().await?, account, now, before).await
    }

    async fn remove_device(&mut self, account: i64, id: &str) -> Result<bool> {
        devices::remove(self.now().await?, account, id).await
    }

    async fn reclaim_idle(&mut self, account: i64, before: u64) -> Result<u64> {
        devices::reclaim_idle(self.now().await?, account, before).await
    }

    async fn reregister(&mut self, id: &str, registered: &Registered) -> Result<()> {
        devices::reregister(self.now().await?, id, registered).await
    }

    async fn rekey(&mut self, id: &str, signing_key: &[u8], now: u64) -> Result<()> {
        devices::rekey(self.now().await?, id, signing_key, now).await
    }

    async fn set_component(&mut self, id: &str, component: &[u8; 16], rsa_modulus: &[u8; 256]) -> Result<()> {
        devices::set_component(self.now().await?, id, component, rsa_modulus).await
    }

    async fn rsa_modulus(&mut self, id: &str) -> Result<Option<[u8; 256]>> {
        if let Some(known) = self.known_device(id) {
            return Ok(known.rsa_modulus);
        }
        devices::rsa_modulus(self.aside(), id).await
    }

    async fn set_sequence(&mut self, id: &str, state: &DeviceState) -> Result<()> {
        if let Some(known) = self.known.as_mut().filter(|known| known.device.id == id) {
            known.device.window = state.window.clone();
            known.device.networks = state.networks.clone();
            known.device.last_seen = state.last_seen;
        }
        self.later(Write::Sequence { device: id.to_owned(), state: state.clone() }).await
    }

    async fn keep_lease(&mut self, lease: &NewLease<'_>) -> Result<bool> {
        leases::keep(self.now().await?, lease).await
    }

    async fn put_lease(&mut self, lease: &NewLease<'_>) -> Result<()> {
        self.later(Write::put(lease)).await
    }

    async fn take_lease(&mut self, lease: &NewLease<'_>, limit: usize) -> Result<Option<Vec<Lease>>> {
        let known = self.known_device(lease.device).filter(|known| known.account.id == lease.account);
        let playing = known.and_then(|known| known.playing.as_ref());
        if let Some(playing) = playing.filter(|playing| playing.number == lease.movie) {
            if playing.has_lease {
                self.later(Write::keep(lease)).await?;
                return Ok(None);
            }
            if playing.others < limit {
                self.drop_unreported_leases(lease.device, lease.movie).await?;
                self.put_lease(lease).await?;
                return Ok(None);
            }
        }
        if self.keep_lease(lease).await? {
            return Ok(None);
        }
        self.drop_unreported_leases(lease.device, lease.movie).await?;
        let others = self.leases(lease.account, lease.now).await?;
        if others.len() >= limit {
            return Ok(Some(others));
        }
        self.put_lease(lease).await?;
        Ok(None)
    }

    async fn leases(&mut self, account: i64, now: u64) -> Result<Vec<Lease>> {
        leases::of_account(self.now().await?, account, now).await
    }

    async fn stopped_by(&mut self, device: &str, movie: u64, since: u64) -> Result<Option<String>> {
        leases::stopped_by(self.now().await?, device, movie, since).await
    }

    async fn end_lease(&mut self, device: &str, movie: u64, now: u64) -> Result<()> {
        leases::end(self.now().await?, device, movie, now).await
    }

    async fn end_browser_lease(
        &mut self,
        account: i64,
        browser_hash: &[u8; 32],
        movie: u64,
        now: u64,
    ) -> Result<()> {
        leases::end_in_browser(self.now().await?, account, browser_hash, movie, now).await
    }

    async fn stop_leases(&mut self, account: i64, device: &str, by: &str, now: u64) -> Result<()> {
        leases::stop(self.now().await?, account, device, by, now).await
    }

    async fn drop_unreported_leases(&mut self, device: &str, movie: u64) -> Result<()> {
        self.later(Write::DropLeases { device: device.to_owned(), movie }).await
    }

    async fn put_movie(&mut self, movie: &NewMovie, now: u64) -> Result<()> {
        sqlx::query(
            "INSERT INTO movies (id, title, year, cast_names, synopsis, rating, runtime, pack, policy, plans,
               regions, license, added, changed)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $13)
             ON CONFLICT (id) DO UPDATE SET title = excluded.title, year = excluded.year,
               cast_names = excluded.cast_names, synopsis = excluded.synopsis, rating = excluded.rating,
               runtime = excluded.runtime, pack = excluded.pack, policy = excluded.policy, plans = excluded.plans,
               regions = excluded.regions, license = excluded.license, changed = excluded.changed,
               available = TRUE",
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
        .bind(to_json(&movie.regions))
        .bind(movie.license.to_string())
        .bind(int(now))
        .execute(&mut **self.now().await?)
        .await?;
        Ok(())
    }

    async fn movie(&mut self, id: u64) -> Result<Option<Movie>> {
        let playing = self.known.as_ref().and_then(|known| known.playing.as_ref());
        if let Some(playing) = playing.filter(|playing| playing.number == id) {
            return Ok(playing.movie.clone());
        }
        let row = sqlx::query("SELECT * FROM movies WHERE id = $1")
            .bind(int(id))
            .fetch_optional(&mut **self.aside())
            .await?;
        row.as_ref().map(|row| movie(row, "")).transpose()
    }

    async fn lock_movie(&mut self, id: u64) -> Result<Option<Movie>> {
        let row = sqlx::query(locked!("SELECT * FROM movies WHERE id = $1"))
            .bind(int(id))
            .fetch_optional(&mut **self.now().await?)
            .await?;
        row.as_ref().map(|row| movie(row, "")).transpose()
    }

    async fn movies(&mut self) -> Result<Vec<Movie>> {
        let rows = sqlx::query("SELECT * FROM movies ORDER BY title, id")
            .fetch_all(&mut **self.now().await?)
            .await?;
        rows.iter().map(|row| movie(row, "")).collect()
    }

    async fn movie_plans(&mut self) -> Result<Vec<Vec<String>>> {
        if let Some(of) = self.known.as_ref().and_then(|known| known.renewing.as_ref()) {
            return Ok(of.movie_plans.clone());
        }
        let rows = sqlx::query("SELECT DISTINCT plans FROM movies WHERE available = TRUE")
            .fetch_all(&mut **self.aside())
            .await?;
        rows.iter().map(|row| json(row, "plans")).collect()
    }

    async fn remove_movie(&mut self, id: u64) -> Result<bool> {
        let done = sqlx::query("DELETE FROM movies WHERE id = $1")
            .bind(int(id))
            .execute(&mut **self.now().await?)
            .await?;
        Ok(done.rows_affected() > 0)
    }

    async fn set_poster(&mut self, movie: u64, poster: &NewPoster<'_>) -> Result<()> {
        posters::set(self.now().await?, movie, poster).await
    }

    async fn remove_poster(&mut self, movie: u64) -> Result<bool> {
        posters::remove(self.now().await?, movie).await
    }

    async fn poster(&mut self, movie: u64) -> Result<Option<Poster>> {
        posters::of_movie(self.aside(), movie).await
    }

    async fn posters(&mut self) -> Result<Vec<(u64, Poster)>> {
        posters::all(self.aside()).await
    }

    async fn poster_file(&mut self, name: &str) -> Result<Option<Vec<u8>>> {
        posters::file(self.aside(), name).await
    }

    async fn queue(&mut self, account: i64) -> Result<Vec<Movie>> {
        let rows = sqlx::query(
            "SELECT m.* FROM queue q JOIN movies m ON m.id = q.movie WHERE q.account = $1 ORDER BY q.added, m.id",
        )
        .bind(account)
        .fetch_all(&mut **self.now().await?)
        .await?;
        rows.iter().map(|row| movie(row, "")).collect()
    }

    async fn set_queued(&mut self, account: i64, movie: u64, queued: bool, now: u64) -> Result<()> {
        if queued {
            sqlx::query(
                "INSERT INTO queue (account, movie, added) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
            )
            .bind(account)
            .bind(int(movie))
            .bind(int(now))
            .execute(&mut **self.now().await?)
            .await?;
        } else {
            sqlx::query("DELETE FROM queue WHERE account = $1 AND movie = $2")
                .bind(account)
                .bind(int(movie))
                .execute(&mut **self.now().await?)
                .await?;
        }
        Ok(())
    }

    async fn viewings(&mut self, account: i64, movie: u64, most: u32) -> Result<Vec<Viewing>> {
        viewings::of_movie(self.aside(), account, movie, most).await
    }

    async fn latest_viewings(&mut self, account: i64) -> Result<Vec<(u64, Viewing)>> {
        viewings::latest(self.aside(), account).await
    }

    async fn record_viewing(
        &mut self,
        account: i64,
        movie: u64,
        viewing: &Viewing,
        since: u64,
    ) -> Result<()> {
        viewings::record(self.now().await?, account, movie, viewing, since).await
    }

    async fn first_play(&mut self, account: i64, movie: u64, now: u64) -> Result<u64> {
        let known = self.known.as_ref().filter(|known| known.account.id == account);
        let playing = known.and_then(|known| known.playing.as_ref()).filter(|of| of.number == movie);
        let is_locked = playing.is_some();
        let at = match playing {
            Some(playing) => playing.first_play,
            None => viewings::first_play(self.now().await?, account, movie).await?,
        };
        if let Some(at) = at {
            return Ok(at);
        }
        self.later(Write::FirstPlay { account, movie, at: now }).await?;
        if is_locked {
            return Ok(now);
        }
        // Another one's, if it came in between.
        let at = viewings::first_play(self.now().await?, account, movie).await?;
        at.ok_or(StoreError::Corrupt("first_plays"))
    }

    async fn log(&mut self, entry: &LogEntry) -> Result<()> {
        viewings::log(self.now().await?, entry).await
    }

    async fn last_counters(&mut self, device: &str, movie: u64) -> Result<Vec<(String, u64)>> {
        viewings::last_counters(self.aside(), device, movie).await
    }

    async fn movie_log(&mut self, movie: u64) -> Result<Vec<LogEntry>> {
        viewings::movie_log(self.now().await?, movie).await
    }

    async fn add_code(&mut self, code: &ActivationCode) -> Result<()> {
        codes::add(self.now().await?, code).await
    }

    async fn code(&mut self, code: &str) -> Result<Option<ActivationCode>> {
        codes::by_code(self.now().await?, code).await
    }

    async fn account_of_code(&mut self, signing_key: &[u8]) -> Result<Option<i64>> {
        codes::account_of(self.now().await?, signing_key).await
    }

    async fn code_by_key(&mut self, signing_key: &[u8]) -> Result<Option<ActivationCode>> {
        codes::by_key(self.now().await?, signing_key).await
    }

    async fn confirm_code(&mut self, code: &str, account: i64) -> Result<bool> {
        codes::confirm(self.now().await?, code, account).await
    }

    async fn end_code(&mut self, code: &str, expires: u64) -> Result<()> {
        codes::end(self.now().await?, code, expires).await
    }

    async fn remove_code(&mut self, code: &str) -> Result<()> {
        codes::remove(self.now().await?, code).await
    }

    async fn audit(&mut self, entry: &AuditEntry) -> Result<()> {
        self.later(Write::Audit(Box::new(entry.clone()))).await
    }

    async fn audited(&mut self, filter: &AuditFilter) -> Result<Vec<Audited>> {
        audit::read(self.now().await?, filter).await
    }

    async fn purge_audit(&mut self, before: u64) -> Result<()> {
        audit::purge(self.now().await?, before).await
    }

    async fn first_seen(&mut self, hash: &[u8; 32], expires: u64) -> Result<bool> {
        let done =
            sqlx::query("INSERT INTO seen_requests (hash, expires) VALUES ($1, $2) ON CONFLICT DO NOTHING")
                .bind(&hash[..])
                .bind(int(expires))
                .execute(&mut **self.now().await?)
                .await?;
        Ok(done.rows_affected() > 0)
    }

    async fn purge(&mut self, now: u64, log_before: u64) -> Result<()> {
        sqlx::query("DELETE FROM sessions WHERE expires <= $1")
            .bind(int(now))
            .execute(&mut **self.now().await?)
            .await?;
        sqlx::query("DELETE FROM log WHERE at < $1")
            .bind(int(log_before))
            .execute(&mut **self.now().await?)
            .await?;
        sqlx::query("DELETE FROM codes WHERE expires <= $1")
            .bind(int(now))
            .execute(&mut **self.now().await?)
            .await?;
        leases::purge(self.now().await?, now).await?;
        devices::purge_networks(self.now().await?, now).await?;
        sqlx::query("DELETE FROM seen_requests WHERE expires <= $1")
            .bind(int(now))
            .execute(&mut **self.now().await?)
            .await?;
        sqlx::query("DELETE FROM devices WHERE slot IS NULL AND last_seen < $1")
            .bind(int(log_before))
            .execute(&mut **self.now().await?)
            .await?;
        Ok(())
    }
}
