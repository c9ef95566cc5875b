//! Share links: a film for people without an account. A link is an account of its own: whoever opens it
//! becomes one of its devices, by a grant for the site's own page.

use super::grants::SUBJECT;
use super::login::LoginFailure;
use crate::grant::{self, Grant};
use crate::secret::{base64url, from_base64url, random, random_hex, sha256};
use crate::store::{AuditEntry, Share, Store, retried};
use crate::turns::{Caller, Full};
use crate::visit::{Movies, Visit};
use crate::{Error, Service, password};
use nccp::{ErrorCode, MovieId, WireError};
use std::net::IpAddr;
use zeroize::Zeroizing;

/// Seconds that a grant for a link can be shown: the page asks for it when it is needed.
const LIFE: u64 = 300;
/// Random octets of a link.
const TOKEN: usize = 24;

/// What a link is to be.
pub struct NewShare<'a> {
    /// The film.
    pub movie: MovieId,
    /// When it ends, Unix seconds.
    pub ends: Option<u64>,
    /// What opens it, beside the link.
    pub password: Option<&'a str>,
    /// Devices that may have opened it at the same time, and films that play.
    pub devices: u32,
}

impl std::fmt::Debug for NewShare<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewShare").field("movie", &self.movie).finish_non_exhaustive()
    }
}

/// The address of a link's account.
fn email(id: &str) -> String {
    format!("{SUBJECT}share-{id}")
}

/// Makes a link; its path, which nobody can be told again.
///
/// # Errors
/// [`Error::Setting`] where there is no such movie or the values make no sense; [`Error::Store`].
pub async fn create(
    store: &dyn Store,
    new: &NewShare<'_>,
    now: u64,
) -> Result<(Share, Zeroizing<String>), Error> {
    let wrong = |name, reason: &str| Error::Setting { name, reason: reason.to_owned() };
    if !(1..=1000).contains(&new.devices) {
        return Err(wrong("devices", "must be 1 to 1000"));
    }
    if new.ends.is_some_and(|ends| ends <= now) {
        return Err(wrong("until", "must be in the future"));
    }
    let password_hash = new.password.map(password::hash).transpose()?;
    let token = Zeroizing::new(base64url(&*Zeroizing::new(random::<TOKEN>())));
    let id = random_hex::<4>();
    let handle = format!("a-{}", random_hex::<12>());
    let share = retried!(async {
        let mut tx = store.begin().await?;
        let movie =
            tx.movie(new.movie.get()).await?.ok_or_else(|| wrong("movie", "there is no such movie"))?;
        let plan = movie.plans.first().map_or("unlimited", String::as_str);
        let account = tx.add_account(&handle, &email(&id), "", plan, now).await?;
        tx.set_plan(account.id, plan, &format!("Link to {}", movie.title)).await?;
        let share = Share {
            id: id.clone(),
            token_hash: sha256(token.as_bytes()),
            account: account.id,
            movie: movie.id,
            password_hash: password_hash.clone(),
            ends: new.ends,
            devices: new.devices,
            created: now,
        };
        tx.add_share(&share).await?;
        let entry = AuditEntry::operator("share create").of(account.id).movie(movie.id);
        tx.audit(&entry.with("share", id.clone()).with("ends", new.ends)).await?;
        tx.commit().await?;
        Ok::<_, Error>(share)
    })?;
    Ok((share, Zeroizing::new(format!("/v/{}", *token))))
}

/// Every link, oldest first.
///
/// # Errors
/// [`Error::Store`].
pub async fn list(store: &dyn Store) -> Result<Vec<Share>, Error> {
    Ok(store.read().await?.shares().await?)
}

/// Ends a link, and what plays by it: its account is blocked. `link` is its id, its URL, or the token in
/// that. Gives the id.
///
/// # Errors
/// [`Error::Setting`] when there is none; [`Error::Store`].
pub async fn revoke(store: &dyn Store, link: &str) -> Result<String, Error> {
    let named = link.rsplit_once("/v/").map_or(link, |(_, token)| token);
    let is_token = from_base64url(named).is_some_and(|octets| octets.len() == TOKEN);
    retried!(async {
        let mut tx = store.begin().await?;
        let id = match is_token {
            true => tx.share(&sha256(named.as_bytes())).await?.map(|share| share.id),
            false => Some(named.to_owned()),
        };
        let removed = match &id {
            Some(id) => tx.remove_share(id).await?,
            None => None,
        };
        let Some((id, account)) = id.zip(removed) else {
            // A token does not get into logs.
            let reason = match is_token {
                true => "there is no such link".to_owned(),
                false => format!("there is no link \"{named}\""),
            };
            return Err(Error::Setting { name: "id", reason });
        };
        tx.set_disabled(account, true).await?;
        tx.audit(&AuditEntry::operator("share revoke").of(account).with("share", id.clone())).await?;
        tx.commit().await?;
        Ok(id)
    })
}

/// `POST /v/{token}`: a grant for the film that the link is to. A link that has ended is one that there is
/// not.
pub(crate) async fn open(
    service: &Service,
    token: &str,
    shown: Option<String>,
    address: IpAddr,
) -> Result<(String, MovieId), LoginFailure> {
    let unknown = || {
        let text = "There is no such link, or it has ended.".to_owned();
        LoginFailure::from(WireError { text, ..ErrorCode::MovieUnknown.into() })
    };
    let now = service.clock.now();
    // What has not the form of a link costs no database.
    from_base64url(token).filter(|octets| octets.len() == TOKEN).ok_or_else(unknown)?;
    let hash = sha256(token.as_bytes());
    let (share, account) = retried!(async {
        let mut tx = service.store.read().await?;
        let share = tx.share(&hash).await?;
        let account = match &share {
            Some(share) => tx.account(share.account).await?,
            None => None,
        };
        Ok::<_, crate::store::StoreError>((share, account))
    })?;
    let share = share.filter(|share| share.ends.is_none_or(|ends| now < ends)).ok_or_else(unknown)?;
    let account = account.filter(|account| !account.disabled).ok_or_else(unknown)?;
    if let Some(hash) = share.password_hash {
        let Some(shown) = shown.map(Zeroizing::new).filter(|shown| password::is_acceptable(shown)) else {
            return Err(ErrorCode::LoginFailed.into());
        };
        service.throttle.unknown_browser(address, &account.email).map_err(LoginFailure::Throttled)?;
        let right = password::verify(shown, Some(hash), Caller::Stranger).await;
        if !right.map_err(|Full| LoginFailure::Busy)? {
            return Err(ErrorCode::LoginFailed.into());
        }
    }
    let movie = MovieId::try_from(share.movie).map_err(|_| unknown())?;
    let visit = Visit {
        movies: Movies::Only(vec![movie]),
        streams: Some(share.devices),
        devices: Some(share.devices),
        until: share.ends,
        origin: None,
    };
    let expires = share.ends.map_or(now + LIFE, |ends| ends.min(now + LIFE));
    let origin = Some(service.config.public_url.clone());
    let grant = Grant { account: account.id, visit, origin, expires, key: None };
    Ok((grant::seal(&service.keys().tickets, &account.handle, &grant), movie))
}
