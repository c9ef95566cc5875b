//! The statements of a transaction.

use super::super::pending::Write;
use super::super::{
    account, accounts, api_keys, audit, codes, devices, leases, movies, posters, seen_requests, sessions,
    shares, viewings, votes,
};
use super::{Savepoint, SqlTransaction};
use crate::keys::RevokedId;
use crate::store::{
    Account, ActivationCode, ApiKey, AuditEntry, AuditFilter, Audited, Device, DeviceState, Lease, LogEntry,
    Movie, NewDevice, NewLease, NewMovie, NewPoster, Poster, Registered, Result, Session, Share, Slot,
    StoreError, Transaction, Viewing, VoteCount, Watched,
};
use async_trait::async_trait;

#[async_trait]
impl Transaction for SqlTransaction {
    async fn commit(self: Box<Self>) -> Result<()> {
        self.held.end(self.writes).await
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
        accounts::add(self.now().await?, (handle, email), password_hash, plan, now).await
    }

    async fn account_by_email(&mut self, email: &str) -> Result<Option<(Account, String)>> {
        accounts::by_email(self.aside(), email).await
    }

    async fn account(&mut self, id: i64) -> Result<Option<Account>> {
        if let Some(known) = self.known.as_ref().filter(|known| known.account.id == id) {
            return Ok(Some(known.account.clone()));
        }
        accounts::by_id(self.aside(), id).await
    }

    async fn accounts(&mut self) -> Result<Vec<Account>> {
        accounts::all(self.aside()).await
    }

    async fn set_password(&mut self, id: i64, password_hash: &str) -> Result<()> {
        accounts::set_password(self.now().await?, id, password_hash).await
    }

    async fn set_plan(&mut self, id: i64, plan: &str, name: &str) -> Result<()> {
        accounts::set_plan(self.now().await?, id, plan, name).await
    }

    async fn set_disabled(&mut self, id: i64, disabled: bool) -> Result<()> {
        accounts::set_disabled(self.now().await?, id, disabled).await
    }

    async fn remove_account(&mut self, id: i64) -> Result<bool> {
        accounts::remove(self.now().await?, id).await
    }

    async fn add_api_key(&mut self, key: &ApiKey) -> Result<()> {
        api_keys::add(self.now().await?, key).await
    }

    async fn api_key(&mut self, id: &str) -> Result<Option<ApiKey>> {
        api_keys::by_id(self.aside(), id).await
    }

    async fn api_keys(&mut self) -> Result<Vec<ApiKey>> {
        api_keys::all(self.aside()).await
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
        shares::by_token(self.aside(), token_hash).await
    }

    async fn shares(&mut self) -> Result<Vec<Share>> {
        shares::all(self.aside()).await
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
        sessions::find(self.aside(), id_hash, secret_hash, now).await
    }

    async fn sessions(&mut self, account: i64, now: u64) -> Result<Vec<Session>> {
        sessions::of_account(self.aside(), account, now).await
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
        devices::by_id(self.read().await?, id).await
    }

    async fn lock_device(&mut self, id: &str) -> Result<Option<Device>> {
        if let Some(known) = self.known_device(id) {
            return Ok(Some(known.device.clone()));
        }
        devices::lock(self.read().await?, id).await
    }

    async fn lock_account(&mut self, id: i64) -> Result<Option<Account>> {
        if let Some(known) = self.known.as_ref().filter(|known| known.account.id == id) {
            return Ok(Some(known.account.clone()));
        }
        let row = devices::lock_account(self.read().await?, id).await?;
        row.as_ref().map(|row| account(row, "")).transpose()
    }

    async fn device_by_key(&mut self, account: i64, signing_key: &[u8]) -> Result<Option<Device>> {
        devices::by_key(self.read().await?, account, signing_key).await
    }

    async fn device_by_browser(&mut self, account: i64, browser_hash: &[u8; 32]) -> Result<Option<Device>> {
        devices::by_browser(self.read().await?, account, browser_hash).await
    }

    async fn devices(&mut self, account: i64) -> Result<Vec<Device>> {
        devices::of_account(self.read().await?, account).await
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
        devices::revoked(self.read().await?, revoked).await
    }

    async fn free_slot(&mut self, account: i64, id: &str) -> Result<bool> {
        devices::free_slot(self.now().await?, account, id).await
    }

    async fn rename_device(&mut self, account: i64, id: &str, name: &str) -> Result<bool> {
        devices::rename(self.now().await?, account, id, name).await
    }

    async fn last_watched(&mut self, account: i64) -> Result<Vec<Watched>> {
        viewings::last_watched(self.aside(), account).await
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
            known.device.used_in.clone_from(&state.used_in);
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
        leases::of_account(self.read().await?, account, now).await
    }

    async fn stopped_by(&mut self, device: &str, movie: u64, since: u64) -> Result<Option<String>> {
        leases::stopped_by(self.read().await?, device, movie, since).await
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

    async fn add_movie(&mut self, movie: &NewMovie, now: u64) -> Result<bool> {
        movies::add(self.now().await?, movie, now).await
    }

    async fn put_movie(&mut self, movie: &NewMovie, now: u64) -> Result<()> {
        movies::put(self.now().await?, movie, now).await
    }

    async fn movie(&mut self, id: u64) -> Result<Option<Movie>> {
        let playing = self.known.as_ref().and_then(|known| known.playing.as_ref());
        if let Some(playing) = playing.filter(|playing| playing.number == id) {
            return Ok(playing.movie.clone());
        }
        movies::by_id(self.aside(), id).await
    }

    async fn lock_movie(&mut self, id: u64) -> Result<Option<Movie>> {
        movies::lock(self.read().await?, id).await
    }

    async fn movies(&mut self) -> Result<Vec<Movie>> {
        movies::all(self.aside()).await
    }

    async fn movie_plans(&mut self) -> Result<Vec<Vec<String>>> {
        if let Some(of) = self.known.as_ref().and_then(|known| known.renewing.as_ref()) {
            return Ok(of.movie_plans.clone());
        }
        movies::plans(self.aside()).await
    }

    async fn remove_movie(&mut self, id: u64) -> Result<bool> {
        movies::remove(self.now().await?, id).await
    }

    async fn removed_movies(&mut self) -> Result<Vec<u64>> {
        movies::removed(self.aside()).await
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
        movies::queue(self.aside(), account).await
    }

    async fn set_queued(&mut self, account: i64, movie: u64, queued: bool, now: u64) -> Result<()> {
        movies::set_queued(self.now().await?, account, movie, queued, now).await
    }

    async fn set_vote(&mut self, account: i64, movie: u64, liked: Option<bool>, now: u64) -> Result<()> {
        votes::set(self.now().await?, account, movie, liked, now).await
    }

    async fn votes(&mut self, account: i64) -> Result<Vec<(u64, bool)>> {
        votes::of_account(self.aside(), account).await
    }

    async fn vote(&mut self, account: i64, movie: u64) -> Result<Option<bool>> {
        votes::one(self.aside(), account, movie).await
    }

    async fn vote_counts(&mut self, least: u64) -> Result<Vec<VoteCount>> {
        votes::counts(self.aside(), least).await
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
            None => viewings::first_play(self.read().await?, account, movie).await?,
        };
        if let Some(at) = at {
            return Ok(at);
        }
        self.later(Write::FirstPlay { account, movie, at: now }).await?;
        if is_locked {
            return Ok(now);
        }
        // Another one's, if it came in between.
        let at = viewings::first_play(self.read().await?, account, movie).await?;
        at.ok_or(StoreError::Corrupt("first_plays"))
    }

    async fn log(&mut self, entry: &LogEntry) -> Result<()> {
        viewings::log(self.now().await?, entry).await
    }

    async fn last_counters(&mut self, device: &str, movie: u64) -> Result<Vec<(String, u64)>> {
        viewings::last_counters(self.aside(), device, movie).await
    }

    async fn movie_log(&mut self, movie: u64) -> Result<Vec<LogEntry>> {
        viewings::movie_log(self.aside(), movie).await
    }

    async fn add_code(&mut self, code: &ActivationCode) -> Result<()> {
        codes::add(self.now().await?, code).await
    }

    async fn code(&mut self, code: &str) -> Result<Option<ActivationCode>> {
        codes::by_code(self.aside(), code).await
    }

    async fn account_of_code(&mut self, signing_key: &[u8]) -> Result<Option<i64>> {
        codes::account_of(self.aside(), signing_key).await
    }

    async fn code_by_key(&mut self, signing_key: &[u8]) -> Result<Option<ActivationCode>> {
        codes::by_key(self.read().await?, signing_key).await
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
        audit::read(self.read().await?, filter).await
    }

    async fn purge_audit(&mut self, before: u64) -> Result<()> {
        audit::purge(self.now().await?, before).await
    }

    async fn first_seen(&mut self, hash: &[u8; 32], expires: u64) -> Result<bool> {
        seen_requests::first_seen(self.now().await?, hash, expires).await
    }

    async fn purge(&mut self, now: u64, log_before: u64) -> Result<()> {
        let tx = self.now().await?;
        sessions::purge(tx, now).await?;
        viewings::purge_log(tx, log_before).await?;
        codes::purge(tx, now).await?;
        leases::purge(tx, now).await?;
        devices::purge_networks(tx, now).await?;
        seen_requests::purge(tx, now).await?;
        devices::purge(tx, log_before).await
    }
}
