//! Taking a slot, keeping it, and the tickets that say so.

use super::domain_keys::Sealing;
use super::login::SessionCookies;
use super::speaker::Speaker;
use super::{Failure, Outcome, domain_keys, grants};
use crate::Service;
use crate::secret::{CookieSecret, random_hex};
use crate::store::{Account, Device, NewDevice, Registered, Slot, StoreError, Transaction};
use crate::ticket::Ticket;
use crate::visit::Visit;
use license::{CheckedDevice, SigningPoint};
use nccp::{DeviceId, ErrorCode, Register, Registration};

/// Seconds that a ticket lives.
pub(crate) const TICKET_LIFE: u64 = 12 * 3600;
/// The share of its life after which a ticket should be renewed, in percent.
const RENEW_PERCENT: u64 = 80;
/// Seconds within which a browser that lost its keys may come back with others once.
const REPLACE_INTERVAL: u64 = 12 * 3600;

/// A device with the ticket just given to it.
#[derive(Debug)]
pub(crate) struct Ticketed {
    pub(crate) account: Account,
    pub(crate) device: Device,
    pub(crate) ticket: Ticket,
    pub(crate) text: String,
    /// Domains' keys, to be sealed when all is committed.
    pub(crate) sealing: Option<Sealing>,
}

impl Ticketed {
    /// The answer, but for domains' keys.
    pub(crate) fn registration(&self) -> Registration {
        let Ticket { issued, expires, .. } = self.ticket;
        // One that a grant got is not renewed: its end is the time for another.
        let percent = if self.ticket.visit.is_some() { 100 } else { RENEW_PERCENT };
        Registration {
            device_id: self.ticket.device.clone(),
            ticket: self.text.clone(),
            expiration: expires,
            renewal: issued + (expires - issued) * percent / 100,
            domain_keys: Vec::new(),
        }
    }
}

impl From<Ticketed> for Speaker {
    fn from(ticketed: Ticketed) -> Self {
        let Ticketed { account, device, ticket, text, .. } = ticketed;
        let Ticket { point, visit, .. } = ticket;
        Self { account, device, point, ticket: text, whereabouts: None, visit }
    }
}

/// What a registration is made of.
#[derive(Debug)]
pub(crate) struct Registering<'a> {
    pub(crate) message: &'a Register,
    /// Verified, and the request's signature is by its key.
    pub(crate) checked: &'a CheckedDevice,
    pub(crate) session: Option<&'a SessionCookies>,
    /// The browser's cookie: its own, or a new one.
    pub(crate) browser: &'a CookieSecret,
    /// The request's, where a browser says.
    pub(crate) origin: Option<&'a str>,
    /// Where it is, if region data tells.
    pub(crate) country: Option<&'a str>,
    pub(crate) sequence: u64,
    pub(crate) now: u64,
}

async fn issue(
    service: &Service,
    tx: &mut dyn Transaction,
    (account, device): (Account, Device),
    point: SigningPoint,
    visit: Option<Visit>,
    now: u64,
) -> Outcome<Ticketed> {
    // What was blocked or revoked in this very moment gets no ticket, and no domain's key.
    if account.disabled {
        return Err(ErrorCode::LoginRequired.into());
    }
    if service.keys().revoked.holds(device.component, &device.signing_key) {
        return Err(ErrorCode::CertificateInvalid.into());
    }
    let sealing = domain_keys::granted(tx, (&account, &device), now).await?;
    let corrupt = |column| Failure::Store(StoreError::Corrupt(column));
    if device.signing_key != point.compressed().as_bytes() {
        return Err(corrupt("signing_key"));
    }
    let ticket = Ticket {
        account: account.id,
        device: device.id.parse().map_err(|_| corrupt("id"))?,
        point,
        component: device.component,
        level: device.level,
        epoch: device.epoch,
        issued: now,
        expires: visit
            .as_ref()
            .and_then(|visit| visit.until)
            .map_or(now + TICKET_LIFE, |until| until.min(now + TICKET_LIFE)),
        visit,
    };
    let text = service.keys().tickets.seal(&ticket);
    Ok(Ticketed { account, device, ticket, text, sealing })
}

/// The account of the session cookies, inside a transaction.
async fn session_account(
    tx: &mut dyn Transaction,
    session: Option<&SessionCookies>,
    now: u64,
) -> Outcome<Account> {
    let cookies = session.ok_or(ErrorCode::LoginRequired)?;
    let account = tx.session_account(&cookies.id.hash(), &cookies.secret.hash(), now).await?;
    Ok(account.ok_or(ErrorCode::LoginRequired)?)
}

/// The account that a registration is for, inside a transaction: the grant's, or else the session's.
async fn account_for(
    service: &Service,
    tx: &mut dyn Transaction,
    registering: &Registering<'_>,
) -> Outcome<(Account, Option<Visit>)> {
    let &Registering { message, session, origin, now, .. } = registering;
    let Some(shown) = &message.grant else { return Ok((session_account(tx, session, now).await?, None)) };
    let grant = grants::accept(service, tx, shown, origin, now).await?;
    let account = tx.account(grant.account).await?.ok_or(ErrorCode::GrantInvalid)?;
    Ok((account, Some(grant.visit)))
}

/// The number of the account that a session is of, if it is anybody's.
pub(crate) async fn account_of(
    tx: &mut dyn Transaction,
    session: &SessionCookies,
    now: u64,
) -> Outcome<Option<i64>> {
    let account = tx.session_account(&session.id.hash(), &session.secret.hash(), now).await?;
    Ok(account.map(|account| account.id))
}

/// `register`: the same keys are the same device, and so is a browser that lost its keys (A58); else it gets
/// the lowest free slot.
pub(crate) async fn register(
    service: &Service,
    tx: &mut dyn Transaction,
    registering: &Registering<'_>,
) -> Outcome<Ticketed> {
    let &Registering { message, checked, browser, country, sequence, now, .. } = registering;
    let (account, _) = account_for(service, tx, registering).await?;
    tx.lock_account(account.id).await?;
    // It may have ended while this waited for the account.
    let (account, visit) = account_for(service, tx, registering).await?;
    let devices = visit.as_ref().and_then(|visit| visit.devices);
    let CheckedDevice { certificate, point } = checked;
    let key = certificate.signing_key.as_bytes();
    let browser_hash = Some(browser.hash());
    let level = certificate.level;
    let known = tx.device_by_key(account.id, key).await?;
    let lost = match known {
        Some(_) => None,
        None => tx.device_by_browser(account.id, &browser.hash()).await?,
    };
    let replaced = lost.as_ref().map_or(0, |lost| lost.replaced);
    let lost = lost.filter(|lost| lost.replaced == 0 || now >= lost.replaced + REPLACE_INTERVAL);
    if let Some(lost) = &lost {
        tx.rekey(&lost.id, key, now).await?;
    }
    let id = match known.or(lost) {
        // Players in one page are one device, and each shows a grant of its own: they all go on.
        Some(device) if visit.is_some() && goes_on(tx, &device, key, sequence, now).await? => {
            take_slot(service, tx, &device, devices, now).await?;
            device.id
        }
        known => {
            let (name, machine) = (message.name.clone(), message.machine.clone());
            let said = Registered { level, name, machine, browser_hash, sequence, now };
            let placed =
                Placed { account: account.id, key, kind: "browser", country, devices, replaced, said };
            place(service, tx, known, placed).await?
        }
    };
    tx.set_component(&id, &certificate.component, certificate.rsa_modulus.as_bytes()).await?;
    let device = tx.device(&id).await?.ok_or(StoreError::Corrupt("devices"))?;
    issue(service, tx, (account, device), *point, visit, now).await
}

/// A device that is to have a slot of an account.
struct Placed<'a> {
    account: i64,
    key: &'a [u8],
    /// `browser` or `box`.
    kind: &'static str,
    /// Where it is, if region data tells.
    country: Option<&'a str>,
    /// How many devices there may be, where these are fewer than usual.
    devices: Option<u32>,
    /// When this browser last took a lost device's place.
    replaced: u64,
    said: Registered,
}

/// Registers a device that is known again, or else a new one; it has a slot then. Gives its id.
async fn place(
    service: &Service,
    tx: &mut dyn Transaction,
    known: Option<Device>,
    placed: Placed<'_>,
) -> Outcome<String> {
    let Placed { account, key, kind, country, devices, replaced, said } = placed;
    if let Some(device) = known {
        tx.reregister(&device.id, &said).await?;
        take_slot(service, tx, &device, devices, said.now).await?;
        return Ok(device.id);
    }
    let Registered { level, name, machine, browser_hash, sequence, now } = said;
    let device = NewDevice {
        id: format!("d-{}", random_hex::<16>()),
        account,
        signing_key: key.to_vec(),
        level,
        kind: kind.to_owned(),
        name,
        machine,
        browser_hash,
        sequence,
        registered: now,
        country: country.map(str::to_owned),
        replaced,
    };
    add(service, tx, &device, devices, now).await?;
    Ok(device.id)
}

/// Whether a device with these keys can go on in its epoch: its next number fits, and is marked.
async fn goes_on(
    tx: &mut dyn Transaction,
    device: &Device,
    key: &[u8],
    sequence: u64,
    now: u64,
) -> Outcome<bool> {
    let Some(mut device) = tx.lock_device(&device.id).await? else { return Ok(false) };
    if device.signing_key != key || !device.window.accept(sequence) {
        return Ok(false);
    }
    tx.set_sequence(&device.id, &device.state(now)).await?;
    Ok(true)
}

/// A box whose code somebody typed in: as [`register`], without cookies. The account is locked. Of the box
/// its name and where it is, if region data tells.
pub(crate) async fn register_box(
    service: &Service,
    tx: &mut dyn Transaction,
    account: Account,
    checked: &CheckedDevice,
    (name, country): (&str, Option<&str>),
    sequence: u64,
    now: u64,
) -> Outcome<Ticketed> {
    let CheckedDevice { certificate, point } = checked;
    let key = certificate.signing_key.as_bytes();
    let (level, name, machine) = (certificate.level, name.to_owned(), String::new());
    let said = Registered { level, name, machine, browser_hash: None, sequence, now };
    let placed = Placed { account: account.id, key, kind: "box", country, devices: None, replaced: 0, said };
    let known = tx.device_by_key(account.id, key).await?;
    let id = place(service, tx, known, placed).await?;
    tx.set_component(&id, &certificate.component, certificate.rsa_modulus.as_bytes()).await?;
    let device = tx.device(&id).await?.ok_or(StoreError::Corrupt("devices"))?;
    issue(service, tx, (account, device), *point, None, now).await
}

fn idle_before(service: &Service, now: u64) -> Option<u64> {
    let days = service.config.devices.idle_days;
    (days > 0).then(|| now.saturating_sub(days * 86_400))
}

/// The places that an account's devices have; `fewer` is what the grant allows.
fn places(service: &Service, fewer: Option<u32>) -> u32 {
    let limit = service.config.devices.limit;
    fewer.map_or(limit, |fewer| fewer.min(limit))
}

async fn add(
    service: &Service,
    tx: &mut dyn Transaction,
    device: &NewDevice,
    fewer: Option<u32>,
    now: u64,
) -> Outcome<()> {
    let limit = places(service, fewer);
    if tx.add_device(device, limit).await? != Slot::Full {
        return Ok(());
    }
    if let Some(before) = idle_before(service, now)
        && tx.reclaim_idle(device.account, before).await? > 0
        && tx.add_device(device, limit).await? != Slot::Full
    {
        return Ok(());
    }
    Err(ErrorCode::DeviceLimitReached.into())
}

/// Gives a device that lost its slot a free one.
async fn take_slot(
    service: &Service,
    tx: &mut dyn Transaction,
    device: &Device,
    fewer: Option<u32>,
    now: u64,
) -> Outcome<()> {
    let limit = places(service, fewer);
    if device.slot.is_some() || tx.take_slot(&device.id, limit).await? != Slot::Full {
        return Ok(());
    }
    if let Some(before) = idle_before(service, now)
        && tx.reclaim_idle(device.account, before).await? > 0
        && tx.take_slot(&device.id, limit).await? != Slot::Full
    {
        return Ok(());
    }
    Err(ErrorCode::DeviceLimitReached.into())
}

/// `authenticationrenewal`: another twelve hours for the same device.
pub(crate) async fn renew(
    service: &Service,
    tx: &mut dyn Transaction,
    device_id: &DeviceId,
    speaker: &Speaker,
    session: Option<&SessionCookies>,
    now: u64,
) -> Outcome<Ticketed> {
    let Speaker { account, device, point, .. } = speaker;
    if speaker.visit.is_some() {
        return Err(ErrorCode::GrantInvalid.into());
    }
    if device_id.as_str() != device.id {
        return Err(ErrorCode::DeviceUnknown.into());
    }
    // A box has no cookies: its keys are enough.
    if device.kind != "box" && session_account(tx, session, now).await?.id != account.id {
        return Err(ErrorCode::RenewOtherCustomer.into());
    }
    // A box that was removed takes no slot by itself: somebody has to type its code in again (A117).
    if device.kind == "box" && device.slot.is_none() {
        return Err(ErrorCode::DeviceUnknown.into());
    }
    take_slot(service, tx, device, None, now).await?;
    let device = tx.device(&device.id).await?.ok_or(StoreError::Corrupt("devices"))?;
    issue(service, tx, (account.clone(), device), *point, None, now).await
}
