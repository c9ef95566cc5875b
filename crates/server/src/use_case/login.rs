//! Sessions: login, logout, who is there.

use super::{Failure, Outcome, audit};
use crate::Service;
use crate::password;
use crate::region::Place;
use crate::secret::CookieSecret;
use crate::store::{Account, AuditEntry, Session, StoreError, retried};
use crate::throttle::Throttled;
use crate::turns::{Caller, Full};
use nccp::ErrorCode;
use nccp::json::Login;
use std::net::IpAddr;
use zeroize::Zeroizing;

/// No account has this number.
const NOBODY: i64 = -1;
/// Seconds that a session lives.
pub(crate) const SESSION_LIFE: u64 = 30 * 86_400;

/// Seconds after which the use of a session is noted again.
const USE_NOTED: u64 = 3600;

/// The two cookies of a session.
#[derive(Debug, Clone)]
pub(crate) struct SessionCookies {
    pub(crate) id: CookieSecret,
    pub(crate) secret: CookieSecret,
}

impl SessionCookies {
    /// As a browser sent them, if they have our form.
    pub(crate) fn parse(id: &str, secret: &str) -> Option<Self> {
        Some(Self { id: CookieSecret::parse::<16>(id)?, secret: CookieSecret::parse::<32>(secret)? })
    }
}

/// A new session of the account, from there, in the browser that calls itself so.
pub(super) fn begin(account: i64, place: &Place, agent: &str, now: u64) -> (SessionCookies, Session) {
    let cookies =
        SessionCookies { id: CookieSecret::generate::<16>(), secret: CookieSecret::generate::<32>() };
    let session = Session {
        id_hash: cookies.id.hash(),
        secret_hash: cookies.secret.hash(),
        account,
        created: now,
        last_used: now,
        browser: nccp::machine_name(agent),
        network: place.network.clone().unwrap_or_default(),
        expires: now + SESSION_LIFE,
    };
    (cookies, session)
}

/// Why there is no session.
#[derive(Debug)]
pub(crate) enum LoginFailure {
    Throttled(Throttled),
    /// Too many wait for the check of their passwords.
    Busy,
    Other(Failure),
}

impl<T: Into<Failure>> From<T> for LoginFailure {
    fn from(failure: T) -> Self {
        Self::Other(failure.into())
    }
}

/// Addresses are compared without case.
pub(crate) fn normal_email(email: &str) -> String {
    email.trim().to_lowercase()
}

/// Checks a password and begins a session. Wrong password, unknown and disabled account are one error and
/// take one time.
pub(crate) async fn login(
    service: &Service,
    login: Login,
    address: IpAddr,
    place: &Place,
    (browser, agent): (Option<&CookieSecret>, &str),
) -> Result<SessionCookies, LoginFailure> {
    if !place.allowed {
        return Err(ErrorCode::RegionNotAllowed.into());
    }
    let email = normal_email(&login.email);
    let password = Zeroizing::new(login.password);
    if email.is_empty() || email.len() > 254 || email.contains('\0') || password.len() > password::MAX_LENGTH
    {
        return Err(ErrorCode::LoginFailed.into());
    }
    // Nothing is asked of the database that is not paid for: by the browser whose cookie it is, else by the
    // address.
    let hash = browser.map(CookieSecret::hash);
    match hash {
        Some(hash) => service.throttle.browser(&email, hash),
        None => service.throttle.unknown_browser(address, &email),
    }
    .map_err(LoginFailure::Throttled)?;
    let (found, own) = retried!(async {
        let mut tx = service.store.read().await?;
        let found = tx.account_by_email(&email).await?;
        // The same queries for everybody: no time tells whether there is such an account.
        let account = found.as_ref().map_or(NOBODY, |(account, _)| account.id);
        let own = tx.device_by_browser(account, &hash.unwrap_or_default()).await?.is_some();
        Ok::<_, StoreError>((found, own && hash.is_some()))
    })?;
    // A browser with a device of this very account has its own budget; a made-up cookie has not.
    if hash.is_some() && !own {
        service.throttle.unknown_browser(address, &email).map_err(LoginFailure::Throttled)?;
    }
    let caller = if own { Caller::Known } else { Caller::Stranger };

    let (account, hash) = found.unzip();
    // A subject of grants has no password: it takes the time of an account that there is not.
    let hash = hash.filter(|hash| !hash.is_empty());
    let right = password::verify(password, hash.clone(), caller).await.map_err(|Full| LoginFailure::Busy)?;
    let entry = || AuditEntry::client("login", service.clock.now()).from(place.network.as_deref());
    let known = account.as_ref().map(|account| account.id);
    let Some(account) = account.filter(|account| right && !account.disabled) else {
        // Whether there is such an account must not show in what is done.
        let entry = AuditEntry { account: known, ..entry() };
        audit::alone(service, entry.result(ErrorCode::LoginFailed.as_str())).await;
        return Err(ErrorCode::LoginFailed.into());
    };
    let (cookies, session) = begin(account.id, place, agent, service.clock.now());
    retried!(async {
        let mut tx = service.store.begin().await?;
        // Checking took a while: a password that was changed meanwhile, or an account that was disabled,
        // ended all sessions, and this one must not come after that.
        tx.lock_account(account.id).await?;
        let now = tx.account_by_email(&email).await?;
        let same = now
            .is_some_and(|(now, now_hash)| now.id == account.id && !now.disabled && Some(now_hash) == hash);
        if !same {
            return Err(ErrorCode::LoginFailed.into());
        }
        tx.add_session(&session).await?;
        tx.audit(&entry().of(account.id)).await?;
        Ok::<_, Failure>(tx.commit().await?)
    })?;
    Ok(cookies)
}

/// Ends the session, if there is one.
pub(crate) async fn logout(service: &Service, cookies: Option<&SessionCookies>) -> Outcome<()> {
    // Only for a session that there is: nobody writes without one.
    if let Some(cookies) = cookies
        && session(service, Some(cookies)).await.is_ok()
    {
        retried!(async {
            let mut tx = service.store.begin().await?;
            tx.remove_session(&cookies.id.hash(), &cookies.secret.hash()).await?;
            tx.commit().await
        })?;
    }
    Ok(())
}

/// The account of the session. That it is used is noted at most once an hour.
pub(crate) async fn session(service: &Service, cookies: Option<&SessionCookies>) -> Outcome<Account> {
    let cookies = cookies.ok_or(ErrorCode::LoginRequired)?;
    let (id, secret, now) = (cookies.id.hash(), cookies.secret.hash(), service.clock.now());
    let found = retried!(async { service.store.read().await?.session(&id, &secret, now).await })?;
    let (account, session) = found.ok_or(ErrorCode::LoginRequired)?;
    if now >= session.last_used + USE_NOTED {
        let noted = retried!(async {
            let mut tx = service.store.begin().await?;
            tx.use_session(&id, now).await?;
            tx.commit().await
        });
        if let Err(error) = noted {
            tracing::warn!(%error, "that a session was used could not be noted");
        }
    }
    Ok(account)
}
