//! The statements of a transaction.

use super::{
    Tx, account, api_keys, audit, codes, devices, int, json, leases, movie, sessions, shares, to_json,
    viewings,
};
use crate::keys::RevokedId;
use crate::store::{
    Account, ActivationCode, ApiKey, AuditEntry, AuditFilter, Audited, Device, DeviceState, Lease, LogEntry,
    Movie, NewDevice, NewLease, NewMovie, Registered, Result, Session, Share, Slot, Transaction, Viewing,
};
use async_trait::async_trait;
use sqlx::Row as _;

/// A transaction of either engine.
pub(crate) struct SqlTransaction {
    pub(in crate::store) tx: Tx,
}

#[async_trait]
impl Transaction for SqlTransaction {
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
        sessions::end(&mut self.tx, id, None).await?;
        Ok(())
    }

    async fn set_plan(&mut self, id: i64, plan: &str, name: &str) -> Result<()> {
        sqlx::query("UPDATE accounts SET plan = $2, name = $3 WHERE id = $1")
            .bind(id)
            .bind(plan)
            .bind(name)
            .execute(&mut *self.tx)
            .await?;
        Ok(())
    }

    async fn set_disabled(&mut self, id: i64, disabled: bool) -> Result<()> {
        sqlx::query("UPDATE accounts SET disabled = $2 WHERE id = $1")
            .bind(id)
            .bind(disabled)
            .execute(&mut *self.tx)
            .await?;
        if disabled {
            sessions::end(&mut self.tx, id, None).await?;
        }
        Ok(())
    }

    async fn add_api_key(&mut self, key: &ApiKey) -> Result<()> {
        api_keys::add(&mut self.tx, key).await
    }

    async fn api_key(&mut self, id: &str) -> Result<Option<ApiKey>> {
        api_keys::by_id(&mut self.tx, id).await
    }

    async fn api_keys(&mut self) -> Result<Vec<ApiKey>> {
        api_keys::all(&mut self.tx).await
    }

    async fn use_api_key(&mut self, id: &str, now: u64) -> Result<()> {
        api_keys::note_use(&mut self.tx, id, now).await
    }

    async fn remove_api_key(&mut self, name: &str) -> Result<bool> {
        api_keys::remove(&mut self.tx, name).await
    }

    async fn add_share(&mut self, share: &Share) -> Result<()> {
        shares::add(&mut self.tx, share).await
    }

    async fn share(&mut self, token_hash: &[u8; 32]) -> Result<Option<Share>> {
        shares::by_token(&mut self.tx, token_hash).await
    }

    async fn shares(&mut self) -> Result<Vec<Share>> {
        shares::all(&mut self.tx).await
    }

    async fn remove_share(&mut self, id: &str) -> Result<Option<i64>> {
        shares::remove(&mut self.tx, id).await
    }

    async fn add_session(&mut self, session: &Session) -> Result<()> {
        sessions::add(&mut self.tx, session).await
    }

    async fn session_account(
        &mut self,
        id_hash: &[u8; 32],
        secret_hash: &[u8; 32],
        now: u64,
    ) -> Result<Option<Account>> {
        Ok(sessions::find(&mut self.tx, id_hash, secret_hash, now).await?.map(|(account, _)| account))
    }

    async fn session(
        &mut self,
        id_hash: &[u8; 32],
        secret_hash: &[u8; 32],
        now: u64,
    ) -> Result<Option<(Account, Session)>> {
        sessions::find(&mut self.tx, id_hash, secret_hash, now).await
    }

    async fn sessions(&mut self, account: i64, now: u64) -> Result<Vec<Session>> {
        sessions::of_account(&mut self.tx, account, now).await
    }

    async fn use_session(&mut self, id_hash: &[u8; 32], now: u64) -> Result<()> {
        sessions::note_use(&mut self.tx, id_hash, now).await
    }

    async fn end_session(&mut self, account: i64, id_hash: &[u8; 32]) -> Result<bool> {
        sessions::end_one(&mut self.tx, account, id_hash).await
    }

    async fn end_sessions(&mut self, account: i64, but: Option<&[u8; 32]>) -> Result<u64> {
        sessions::end(&mut self.tx, account, but).await
    }

    async fn remove_session(&mut self, id_hash: &[u8; 32], secret_hash: &[u8; 32]) -> Result<()> {
        sessions::remove(&mut self.tx, id_hash, secret_hash).await
    }

    async fn device(&mut self, id: &str) -> Result<Option<Device>> {
        devices::by_id(&mut self.tx, id).await
    }

    async fn lock_device(&mut self, id: &str) -> Result<Option<Device>> {
        devices::lock(&mut self.tx, id).await
    }

    async fn lock_account(&mut self, id: i64) -> Result<Option<Account>> {
        let row = devices::lock_account(&mut self.tx, id).await?;
        row.as_ref().map(account).transpose()
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

    async fn end_tickets(&mut self, account: i64, boxes: bool) -> Result<()> {
        devices::end_tickets(&mut self.tx, account, boxes).await
    }

    async fn take_slot(&mut self, id: &str, limit: u32) -> Result<Slot> {
        devices::take_slot(&mut self.tx, id, limit).await
    }

    async fn revoked_devices(&mut self, revoked: RevokedId) -> Result<Vec<Device>> {
        devices::revoked(&mut self.tx, revoked).await
    }

    async fn free_slot(&mut self, account: i64, id: &str) -> Result<bool> {
        devices::free_slot(&mut self.tx, account, id).await
    }

    async fn add_removal(&mut self, account: i64, now: u64, before: u64) -> Result<Vec<u64>> {
        devices::add_removal(&mut self.tx, account, now, before).await
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

    async fn rekey(&mut self, id: &str, signing_key: &[u8], now: u64) -> Result<()> {
        devices::rekey(&mut self.tx, id, signing_key, now).await
    }

    async fn set_component(&mut self, id: &str, component: &[u8; 16], rsa_modulus: &[u8; 256]) -> Result<()> {
        devices::set_component(&mut self.tx, id, component, rsa_modulus).await
    }

    async fn rsa_modulus(&mut self, id: &str) -> Result<Option<[u8; 256]>> {
        devices::rsa_modulus(&mut self.tx, id).await
    }

    async fn set_sequence(&mut self, id: &str, state: &DeviceState) -> Result<()> {
        devices::set_sequence(&mut self.tx, id, state).await
    }

    async fn keep_lease(&mut self, lease: &NewLease<'_>) -> Result<bool> {
        leases::keep(&mut self.tx, lease).await
    }

    async fn put_lease(&mut self, lease: &NewLease<'_>) -> Result<()> {
        leases::put(&mut self.tx, lease).await
    }

    async fn leases(&mut self, account: i64, now: u64) -> Result<Vec<Lease>> {
        leases::of_account(&mut self.tx, account, now).await
    }

    async fn stopped_by(&mut self, device: &str, movie: u64, since: u64) -> Result<Option<String>> {
        leases::stopped_by(&mut self.tx, device, movie, since).await
    }

    async fn end_lease(&mut self, device: &str, movie: u64, now: u64) -> Result<()> {
        leases::end(&mut self.tx, device, movie, now).await
    }

    async fn end_browser_lease(
        &mut self,
        account: i64,
        browser_hash: &[u8; 32],
        movie: u64,
        now: u64,
    ) -> Result<()> {
        leases::end_in_browser(&mut self.tx, account, browser_hash, movie, now).await
    }

    async fn stop_leases(&mut self, account: i64, device: &str, by: &str, now: u64) -> Result<()> {
        leases::stop(&mut self.tx, account, device, by, now).await
    }

    async fn drop_unreported_leases(&mut self, device: &str, movie: u64) -> Result<()> {
        leases::drop_unreported(&mut self.tx, device, movie).await
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

    async fn movie_plans(&mut self) -> Result<Vec<Vec<String>>> {
        let rows = sqlx::query("SELECT DISTINCT plans FROM movies WHERE available = TRUE")
            .fetch_all(&mut *self.tx)
            .await?;
        rows.iter().map(|row| json(row, "plans")).collect()
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
        if queued {
            sqlx::query(
                "INSERT INTO queue (account, movie, added) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
            )
            .bind(account)
            .bind(int(movie))
            .bind(int(now))
            .execute(&mut *self.tx)
            .await?;
        } else {
            sqlx::query("DELETE FROM queue WHERE account = $1 AND movie = $2")
                .bind(account)
                .bind(int(movie))
                .execute(&mut *self.tx)
                .await?;
        }
        Ok(())
    }

    async fn viewings(&mut self, account: i64, movie: u64, most: u32) -> Result<Vec<Viewing>> {
        viewings::of_movie(&mut self.tx, account, movie, most).await
    }

    async fn latest_viewings(&mut self, account: i64) -> Result<Vec<(u64, Viewing)>> {
        viewings::latest(&mut self.tx, account).await
    }

    async fn record_viewing(
        &mut self,
        account: i64,
        movie: u64,
        viewing: &Viewing,
        since: u64,
    ) -> Result<()> {
        viewings::record(&mut self.tx, account, movie, viewing, since).await
    }

    async fn first_play(&mut self, account: i64, movie: u64, now: u64) -> Result<u64> {
        viewings::first_play(&mut self.tx, account, movie, now).await
    }

    async fn log(&mut self, entry: &LogEntry) -> Result<()> {
        viewings::log(&mut self.tx, entry).await
    }

    async fn last_counters(&mut self, device: &str, movie: u64) -> Result<Vec<(String, u64)>> {
        viewings::last_counters(&mut self.tx, device, movie).await
    }

    async fn movie_log(&mut self, movie: u64) -> Result<Vec<LogEntry>> {
        viewings::movie_log(&mut self.tx, movie).await
    }

    async fn add_code(&mut self, code: &ActivationCode) -> Result<()> {
        codes::add(&mut self.tx, code).await
    }

    async fn code(&mut self, code: &str) -> Result<Option<ActivationCode>> {
        codes::by_code(&mut self.tx, code).await
    }

    async fn account_of_code(&mut self, signing_key: &[u8]) -> Result<Option<i64>> {
        codes::account_of(&mut self.tx, signing_key).await
    }

    async fn code_by_key(&mut self, signing_key: &[u8]) -> Result<Option<ActivationCode>> {
        codes::by_key(&mut self.tx, signing_key).await
    }

    async fn confirm_code(&mut self, code: &str, account: i64) -> Result<bool> {
        codes::confirm(&mut self.tx, code, account).await
    }

    async fn end_code(&mut self, code: &str, expires: u64) -> Result<()> {
        codes::end(&mut self.tx, code, expires).await
    }

    async fn remove_code(&mut self, code: &str) -> Result<()> {
        codes::remove(&mut self.tx, code).await
    }

    async fn audit(&mut self, entry: &AuditEntry) -> Result<()> {
        audit::add(&mut self.tx, entry).await
    }

    async fn audited(&mut self, filter: &AuditFilter) -> Result<Vec<Audited>> {
        audit::read(&mut self.tx, filter).await
    }

    async fn purge_audit(&mut self, before: u64) -> Result<()> {
        audit::purge(&mut self.tx, before).await
    }

    async fn first_seen(&mut self, hash: &[u8; 32], expires: u64) -> Result<bool> {
        let done =
            sqlx::query("INSERT INTO seen_requests (hash, expires) VALUES ($1, $2) ON CONFLICT DO NOTHING")
                .bind(&hash[..])
                .bind(int(expires))
                .execute(&mut *self.tx)
                .await?;
        Ok(done.rows_affected() > 0)
    }

    async fn purge(&mut self, now: u64, log_before: u64) -> Result<()> {
        sqlx::query("DELETE FROM sessions WHERE expires <= $1").bind(int(now)).execute(&mut *self.tx).await?;
        sqlx::query("DELETE FROM log WHERE at < $1").bind(int(log_before)).execute(&mut *self.tx).await?;
        sqlx::query("DELETE FROM codes WHERE expires <= $1").bind(int(now)).execute(&mut *self.tx).await?;
        leases::purge(&mut self.tx, now).await?;
        devices::purge_networks(&mut self.tx, now).await?;
        sqlx::query("DELETE FROM seen_requests WHERE expires <= $1")
            .bind(int(now))
            .execute(&mut *self.tx)
            .await?;
        sqlx::query("DELETE FROM devices WHERE slot IS NULL AND last_seen < $1")
            .bind(int(log_before))
            .execute(&mut *self.tx)
            .await?;
        Ok(())
    }
}
