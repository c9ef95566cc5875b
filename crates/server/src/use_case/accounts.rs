//! What an operator does with accounts: the library behind `matinee user` and `matinee device`.

use super::grants::SUBJECT;
use super::login::normal_email;
use crate::keys::RevokedId;
use crate::secret::random_hex;
use crate::store::{Account, AuditEntry, Device, Store, StoreError, Transaction, retried};
use crate::{Error, password};

/// Makes an account.
///
/// # Errors
/// [`Error::Setting`] for a bad address or password, or one that exists; [`Error::Store`].
pub async fn add(
    store: &dyn Store,
    email: &str,
    password: &str,
    plan: &str,
    now: u64,
) -> Result<Account, Error> {
    let email = normal_email(email);
    let local_and_host =
        email.split_once('@').is_some_and(|(local, host)| !local.is_empty() && !host.is_empty());
    if !local_and_host || email.len() > 254 || email.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err(Error::Setting { name: "email", reason: format!("\"{email}\" is no email address") });
    }
    if plan.is_empty() || !plan.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_') {
        return Err(Error::Setting { name: "plan", reason: "must be letters, digits, - and _".to_owned() });
    }
    let hash = password::hash(password)?;
    let handle = format!("a-{}", random_hex::<12>());
    retried!(async {
        let mut tx = store.begin().await?;
        let account = tx.add_account(&handle, &email, &hash, plan, now).await.map_err(|e| match e {
            StoreError::Exists => {
                Error::Setting { name: "email", reason: format!("there is an account \"{email}\" already") }
            }
            other => other.into(),
        })?;
        let entry = AuditEntry::operator("user add").of(account.id);
        tx.audit(&entry.with("plan", plan)).await?;
        tx.commit().await?;
        Ok(account)
    })
}

/// The account of an address.
///
/// # Errors
/// [`Error::Setting`] when there is none; [`Error::Store`].
pub async fn find(store: &dyn Store, email: &str) -> Result<Account, Error> {
    // What subjects are called is the operator's, capitals included.
    let subject = email.starts_with(SUBJECT);
    let email = if subject { email.to_owned() } else { normal_email(email) };
    let found = store.read().await?.account_by_email(&email).await?;
    found.map(|(account, _)| account).ok_or_else(|| no_account(&email))
}

fn no_account(email: &str) -> Error {
    Error::Setting { name: "email", reason: format!("there is no account \"{email}\"") }
}

/// Every account, by address.
///
/// # Errors
/// [`Error::Store`].
pub async fn list(store: &dyn Store) -> Result<Vec<Account>, Error> {
    Ok(store.read().await?.accounts().await?)
}

/// Sets another password: sessions end, and so do the tickets of the account's devices, but for those of
/// boxes if `keep_boxes`.
///
/// # Errors
/// As [`find`], and [`Error::Setting`] for a bad password.
pub async fn set_password(
    store: &dyn Store,
    email: &str,
    password: &str,
    keep_boxes: bool,
) -> Result<(), Error> {
    let account = find(store, email).await?;
    let hash = password::hash(password)?;
    retried!(async {
        let mut tx = store.begin().await?;
        tx.set_password(account.id, &hash).await?;
        tx.end_tickets(account.id, !keep_boxes).await?;
        tx.audit(&AuditEntry::operator("user passwd").of(account.id)).await?;
        Ok(tx.commit().await?)
    })
}

/// Blocks an account, or lets it in again. A blocked account's sessions end, and its devices get nothing: no
/// ticket, license or domain's key, and no answer but `LOGIN_REQUIRED`.
///
/// # Errors
/// As [`find`].
pub async fn set_disabled(store: &dyn Store, email: &str, disabled: bool) -> Result<(), Error> {
    let account = find(store, email).await?;
    retried!(async {
        let mut tx = store.begin().await?;
        tx.set_disabled(account.id, disabled).await?;
        let command = if disabled { "user block" } else { "user unblock" };
        tx.audit(&AuditEntry::operator(command).of(account.id)).await?;
        Ok(tx.commit().await?)
    })
}

/// What an account has, and what goes with it when it is deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Belongings {
    /// The account.
    pub account: Account,
    /// Devices that hold a slot.
    pub devices: usize,
    /// Sessions that are alive.
    pub sessions: usize,
    /// Movies that were begun, with how far each was seen.
    pub viewed: usize,
    /// Movies on its list.
    pub queued: usize,
    /// Movies of which it has said what it thinks.
    pub rated: usize,
    /// Links to films that are its own: one, where it is the account of a link.
    pub links: usize,
}

impl Belongings {
    async fn of(tx: &mut dyn Transaction, account: Account, now: u64) -> Result<Self, StoreError> {
        let id = account.id;
        Ok(Self {
            devices: tx.devices(id).await?.len(),
            sessions: tx.sessions(id, now).await?.len(),
            viewed: tx.latest_viewings(id).await?.len(),
            queued: tx.queue(id).await?.len(),
            rated: tx.votes(id).await?.len(),
            links: tx.shares().await?.iter().filter(|share| share.account == id).count(),
            account,
        })
    }
}

/// What an account has.
///
/// # Errors
/// As [`find`].
pub async fn belongings(store: &dyn Store, email: &str, now: u64) -> Result<Belongings, Error> {
    let account = find(store, email).await?;
    let mut tx = store.read().await?;
    Ok(Belongings::of(&mut *tx, account, now).await?)
}

/// Forgets an account with all that it has; gives what that was. Its sessions end, and its devices get
/// nothing any more, as those of a blocked account. What the audit log has of it stays, without its address.
///
/// # Errors
/// As [`find`].
pub async fn delete(store: &dyn Store, email: &str, now: u64) -> Result<Belongings, Error> {
    let account = find(store, email).await?;
    let gone = || no_account(email);
    retried!(async {
        let mut tx = store.begin().await?;
        let account = tx.lock_account(account.id).await?.ok_or_else(gone)?;
        let had = Belongings::of(&mut *tx, account, now).await?;
        let entry = AuditEntry::operator("user delete").of(had.account.id);
        tx.audit(&entry.with("account", had.account.handle.as_str())).await?;
        if !tx.remove_account(had.account.id).await? {
            return Err(gone());
        }
        tx.commit().await?;
        Ok(had)
    })
}

/// Devices of an account that hold a slot.
///
/// # Errors
/// As [`find`].
pub async fn devices(store: &dyn Store, email: &str) -> Result<Vec<Device>, Error> {
    let account = find(store, email).await?;
    Ok(store.read().await?.devices(account.id).await?)
}

/// The device of that id.
///
/// # Errors
/// [`Error::Store`].
pub async fn device(store: &dyn Store, id: &str) -> Result<Option<Device>, Error> {
    Ok(store.read().await?.device(id).await?)
}

/// Takes a device off its account: its slot is free at once. It plays on until its ticket ends, unless
/// `at_once`.
///
/// # Errors
/// [`Error::Setting`] when there is no such device; [`Error::Store`].
pub async fn remove_device(store: &dyn Store, id: &str, at_once: bool) -> Result<(), Error> {
    let unknown = || Error::Setting { name: "device", reason: format!("there is no device \"{id}\"") };
    retried!(async {
        let mut tx = store.begin().await?;
        let device = tx.device(id).await?.ok_or_else(unknown)?;
        let done = if at_once {
            tx.remove_device(device.account, id).await?
        } else {
            tx.free_slot(device.account, id).await?
        };
        if !done {
            return Err(unknown());
        }
        let entry = AuditEntry::operator("device remove").of(device.account).on(id);
        tx.audit(&entry.with("now", at_once)).await?;
        Ok(tx.commit().await?)
    })
}

/// Takes the devices that a revocation names off their accounts at once; their ids.
///
/// # Errors
/// [`Error::Store`].
pub async fn remove_revoked(store: &dyn Store, revoked: RevokedId) -> Result<Vec<String>, Error> {
    let named = store.read().await?.revoked_devices(revoked).await?;
    for device in &named {
        retried!(async {
            let mut tx = store.begin().await?;
            if tx.remove_device(device.account, &device.id).await? {
                let entry = AuditEntry::operator("device remove").of(device.account).on(&device.id);
                tx.audit(&entry.with("now", true).with("revoked", true)).await?;
            }
            tx.commit().await
        })?;
    }
    Ok(named.into_iter().map(|device| device.id).collect())
}
