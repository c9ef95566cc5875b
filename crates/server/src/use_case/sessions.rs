//! What subscribers do about their account: another password, and who is signed in.

use super::login::{self, LoginFailure, SessionCookies};
use super::{Failure, Outcome, audit};
use crate::region::Place;
use crate::secret::{CookieSecret, sha256};
use crate::store::{AuditEntry, retried};
use crate::turns::{Caller, Full};
use crate::{Service, password};
use nccp::json::{ChangePassword, MIN_PASSWORD, Session, Sessions};
use nccp::{ErrorCode, WireError};
use std::net::IpAddr;
use zeroize::Zeroizing;

/// The account's sessions; the asking browser's is marked.
pub(crate) async fn list(service: &Service, cookies: Option<&SessionCookies>) -> Outcome<Sessions> {
    let account = login::session(service, cookies).await?;
    let (this, now) = (cookies.map(|cookies| cookies.id.hash()), service.clock.now());
    let sessions = retried!(async { service.store.read().await?.sessions(account.id, now).await })?;
    let sessions = sessions
        .into_iter()
        .map(|session| Session {
            this_session: Some(session.id_hash) == this,
            session_id: public_id(&session.id_hash),
            browser: session.browser,
            signed_in_at: session.created,
            last_used: session.last_used,
            network: Some(session.network).filter(|network| !network.is_empty()),
        })
        .collect();
    Ok(Sessions { sessions })
}

/// What names a session to its account: nothing that a cookie could be made of.
fn public_id(id_hash: &[u8; 32]) -> String {
    hex::encode(&sha256(id_hash)[..16])
}

/// Ends a session of the account; nothing happens where there is none of that name.
pub(crate) async fn sign_out(
    service: &Service,
    cookies: Option<&SessionCookies>,
    session_id: &str,
    place: &Place,
) -> Outcome<()> {
    let now = service.clock.now();
    let account = login::session(service, cookies).await?;
    let sessions = retried!(async { service.store.read().await?.sessions(account.id, now).await })?;
    let Some(ended) = sessions.iter().find(|session| public_id(&session.id_hash) == session_id) else {
        return Ok(());
    };
    let entry = AuditEntry::client("sign out", now).from(place.network.as_deref()).of(account.id);
    retried!(async {
        let mut tx = service.store.begin().await?;
        if tx.end_session(account.id, &ended.id_hash).await? {
            tx.audit(&entry).await?;
        }
        Ok(tx.commit().await?)
    })
}

/// Ends every session of the account but the asking browser's.
pub(crate) async fn sign_out_elsewhere(
    service: &Service,
    cookies: Option<&SessionCookies>,
    place: &Place,
) -> Outcome<()> {
    let entry = AuditEntry::client("sign out elsewhere", service.clock.now()).from(place.network.as_deref());
    let account = login::session(service, cookies).await?;
    let this = cookies.map(|cookies| cookies.id.hash());
    let entry = entry.of(account.id);
    retried!(async {
        let mut tx = service.store.begin().await?;
        tx.end_sessions(account.id, this.as_ref()).await?;
        tx.audit(&entry).await?;
        Ok(tx.commit().await?)
    })
}

/// Sets another password, for who knows the one so far: every session ends and every device's ticket, and
/// this browser gets a session of its own. As costly and as throttled as a login.
pub(crate) async fn change_password(
    service: &Service,
    cookies: Option<&SessionCookies>,
    change: ChangePassword,
    (address, place): (IpAddr, &Place),
    (browser, agent): (Option<&CookieSecret>, &str),
) -> Result<SessionCookies, LoginFailure> {
    let (old, new) = (Zeroizing::new(change.old_password), Zeroizing::new(change.new_password));
    let account = login::session(service, cookies).await?;
    if !password::is_new(&new) {
        let text = format!(
            "A password has {MIN_PASSWORD} characters or more, and {} octets at most.",
            password::MAX_LENGTH
        );
        return Err(Failure::Said(WireError { text, ..ErrorCode::RequestInvalid.into() }).into());
    }
    if !password::is_acceptable(&old) {
        return Err(ErrorCode::LoginFailed.into());
    }
    let (hash, own) = retried!(async {
        let mut tx = service.store.read().await?;
        let hash = tx.account_by_email(&account.email).await?.map(|(_, hash)| hash);
        let own = match browser {
            Some(browser) => tx.device_by_browser(account.id, &browser.hash()).await?.map(|_| browser.hash()),
            None => None,
        };
        Ok::<_, Failure>((hash, own))
    })?;
    match own {
        Some(browser) => service.throttle.browser(&account.email, browser),
        None => service.throttle.unknown_browser(address, &account.email),
    }
    .map_err(LoginFailure::Throttled)?;
    let entry = AuditEntry::client("password", service.clock.now()).from(place.network.as_deref());
    let entry = entry.of(account.id);
    // Who has a session is known.
    let verified = password::verify(old, hash.clone(), Caller::Known).await;
    if !verified.map_err(|Full| LoginFailure::Busy)? {
        audit::alone(service, entry.result(ErrorCode::LoginFailed.as_str())).await;
        return Err(ErrorCode::LoginFailed.into());
    }
    let made = password::make(new, Caller::Known).await.map_err(|Full| LoginFailure::Busy)?;
    let new = made.map_err(|error| {
        tracing::error!(%error, "a password was not changed");
        ErrorCode::TryLater
    })?;
    let (fresh, session) = login::begin(account.id, place, agent, service.clock.now());
    retried!(async {
        let mut tx = service.store.begin().await?;
        tx.lock_account(account.id).await?;
        // All that took a while: what ended this session, or changed the password, was first.
        let (id, secret) = cookies.map(|c| (c.id.hash(), c.secret.hash())).ok_or(ErrorCode::LoginRequired)?;
        tx.session_account(&id, &secret, service.clock.now()).await?.ok_or(ErrorCode::LoginRequired)?;
        if tx.account_by_email(&account.email).await?.map(|(_, hash)| hash) != hash {
            return Err(ErrorCode::LoginFailed.into());
        }
        tx.set_password(account.id, &new).await?;
        tx.end_tickets(account.id, !change.keep_boxes).await?;
        tx.add_session(&session).await?;
        tx.audit(&entry).await?;
        Ok::<_, Failure>(tx.commit().await?)
    })?;
    Ok(fresh)
}
