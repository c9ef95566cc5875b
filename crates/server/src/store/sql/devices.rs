//! Devices and their slots.

use super::{DbRow, Tx, int, unsigned};
use crate::key_level;
use crate::keys::RevokedId;
use crate::store::{Device, Networks, NewDevice, Registered, Result, SequenceWindow, Slot, StoreError};
use sqlx::Row as _;

pub(super) fn device(row: &DbRow) -> Result<Device> {
    let seen: [u8; 32] =
        row.try_get::<&[u8], _>("seen")?.try_into().map_err(|_| StoreError::Corrupt("seen"))?;
    let small = |column| -> Result<u32> {
        u32::try_from(row.try_get::<i64, _>(column)?).map_err(|_| StoreError::Corrupt(column))
    };
    Ok(Device {
        id: row.try_get("id")?,
        account: row.try_get("account")?,
        slot: row.try_get::<Option<i64>, _>("slot")?.and_then(|slot| u32::try_from(slot).ok()),
        signing_key: row.try_get("signing_key")?,
        component: row
            .try_get::<Option<&[u8]>, _>("component")?
            .map_or(Ok([0; 16]), |id| id.try_into().map_err(|_| StoreError::Corrupt("component")))?,
        level: u8::try_from(small("level")?)
            .ok()
            .and_then(key_level::from_number)
            .ok_or(StoreError::Corrupt("level"))?,
        kind: row.try_get("kind")?,
        name: name(row)?,
        browser_hash: row
            .try_get::<Option<&[u8]>, _>("browser_hash")?
            .map(|hash| hash.try_into().map_err(|_| StoreError::Corrupt("browser_hash")))
            .transpose()?,
        epoch: small("epoch")?,
        window: SequenceWindow::from_parts(unsigned(row, "highest")?, seen),
        networks: Networks::from_octets(row.try_get::<&[u8], _>("networks")?)
            .ok_or(StoreError::Corrupt("networks"))?,
        registered: unsigned(row, "registered")?,
        registered_in: country(row, "registered_in")?,
        last_seen: unsigned(row, "last_seen")?,
        used_in: country(row, "used_in")?,
        replaced: unsigned(row, "replaced")?,
    })
}

/// The name that the subscriber gave, else the one that the device registered by.
fn name(row: &DbRow) -> Result<String> {
    let given: String = row.try_get("given_name")?;
    if given.is_empty() { Ok(row.try_get("name")?) } else { Ok(given) }
}

/// Empty is none.
fn country(row: &DbRow, column: &'static str) -> Result<Option<String>> {
    let country: String = row.try_get(column)?;
    Ok(Some(country).filter(|country| !country.is_empty()))
}

pub(super) async fn by_id(tx: &mut Tx, id: &str) -> Result<Option<Device>> {
    let row = sqlx::query("SELECT * FROM devices WHERE id = $1").bind(id).fetch_optional(&mut **tx).await?;
    row.as_ref().map(device).transpose()
}

pub(super) async fn by_key(tx: &mut Tx, account: i64, signing_key: &[u8]) -> Result<Option<Device>> {
    let row = sqlx::query("SELECT * FROM devices WHERE account = $1 AND signing_key = $2")
        .bind(account)
        .bind(signing_key)
        .fetch_optional(&mut **tx)
        .await?;
    row.as_ref().map(device).transpose()
}

pub(super) async fn by_browser(tx: &mut Tx, account: i64, browser_hash: &[u8; 32]) -> Result<Option<Device>> {
    let row = sqlx::query(
        "SELECT * FROM devices WHERE account = $1 AND browser_hash = $2 AND slot IS NOT NULL ORDER BY last_seen DESC LIMIT 1",
    )
    .bind(account)
    .bind(&browser_hash[..])
    .fetch_optional(&mut **tx)
    .await?;
    row.as_ref().map(device).transpose()
}

pub(super) async fn of_account(tx: &mut Tx, account: i64) -> Result<Vec<Device>> {
    let rows = sqlx::query("SELECT * FROM devices WHERE account = $1 AND slot IS NOT NULL ORDER BY slot")
        .bind(account)
        .fetch_all(&mut **tx)
        .await?;
    rows.iter().map(device).collect()
}

/// A database hashes no keys, so every device is looked at: it is for the operator's commands.
pub(super) async fn revoked(tx: &mut Tx, revoked: RevokedId) -> Result<Vec<Device>> {
    let rows = sqlx::query("SELECT * FROM devices ORDER BY id").fetch_all(&mut **tx).await?;
    let names = |device: &Device| revoked.names(device.component, &device.signing_key);
    rows.iter().map(device).filter(|device| device.as_ref().map_or(true, names)).collect()
}

/// As [`by_id`], and no other writer changes the device until this transaction ends.
pub(super) async fn lock(tx: &mut Tx, id: &str) -> Result<Option<Device>> {
    let row = sqlx::query(locked!("SELECT * FROM devices WHERE id = $1"))
        .bind(id)
        .fetch_optional(&mut **tx)
        .await?;
    row.as_ref().map(device).transpose()
}

/// No other writer gives or takes the account's slots until this transaction ends.
pub(super) async fn lock_account(tx: &mut Tx, account: i64) -> Result<Option<DbRow>> {
    let row = sqlx::query(locked!("SELECT * FROM accounts WHERE id = $1"))
        .bind(account)
        .fetch_optional(&mut **tx)
        .await?;
    Ok(row)
}

/// The lowest slot of `1..=limit` that no device of the account holds.
async fn free(tx: &mut Tx, account: i64, limit: u32) -> Result<Option<i64>> {
    lock_account(tx, account).await?;
    let rows = sqlx::query("SELECT slot FROM devices WHERE account = $1 AND slot IS NOT NULL")
        .bind(account)
        .fetch_all(&mut **tx)
        .await?;
    let taken: Vec<i64> =
        rows.iter().map(|row| row.try_get("slot")).collect::<std::result::Result<_, _>>()?;
    if taken.len() >= limit as usize {
        return Ok(None); // also where the limit was higher once
    }
    Ok((1..=i64::from(limit)).find(|slot| !taken.contains(slot)))
}

async fn insert(tx: &mut Tx, device: &NewDevice, slot: i64) -> Result<()> {
    let window = SequenceWindow::starting_at(device.sequence);
    sqlx::query(
        "INSERT INTO devices (id, account, slot, signing_key, level, kind, name, machine, browser_hash, epoch, highest,
           seen, registered, last_seen, replaced, registered_in, used_in)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 1, $10, $11, $12, $12, $13, $14, $14)",
    )
    .bind(&device.id)
    .bind(device.account)
    .bind(slot)
    .bind(&device.signing_key)
    .bind(i64::from(key_level::to_number(device.level)))
    .bind(&device.kind)
    .bind(&device.name)
    .bind(&device.machine)
    .bind(device.browser_hash.as_ref().map(|hash| &hash[..]))
    .bind(int(window.highest()))
    .bind(&window.seen()[..])
    .bind(int(device.registered))
    .bind(int(device.replaced))
    .bind(device.country.as_deref().unwrap_or_default())
    .execute(&mut **tx)
    .await?;
    Ok(())
}

pub(super) async fn add(tx: &mut Tx, device: &NewDevice, limit: u32) -> Result<Slot> {
    let Some(slot) = free(tx, device.account, limit).await? else { return Ok(Slot::Full) };
    insert(tx, device, slot).await?;
    Ok(Slot::Taken(u32::try_from(slot).map_err(|_| StoreError::Corrupt("slot"))?))
}

pub(super) async fn take_slot(tx: &mut Tx, id: &str, limit: u32) -> Result<Slot> {
    let Some(device) = by_id(tx, id).await? else { return Err(StoreError::Corrupt("device")) };
    if let Some(slot) = device.slot {
        return Ok(Slot::Taken(slot));
    }
    let Some(slot) = free(tx, device.account, limit).await? else { return Ok(Slot::Full) };
    sqlx::query("UPDATE devices SET slot = $2 WHERE id = $1").bind(id).bind(slot).execute(&mut **tx).await?;
    Ok(Slot::Taken(u32::try_from(slot).map_err(|_| StoreError::Corrupt("slot"))?))
}

pub(super) async fn free_slot(tx: &mut Tx, account: i64, id: &str) -> Result<bool> {
    let done =
        sqlx::query("UPDATE devices SET slot = NULL WHERE account = $1 AND id = $2 AND slot IS NOT NULL")
            .bind(account)
            .bind(id)
            .execute(&mut **tx)
            .await?;
    Ok(done.rows_affected() > 0)
}

pub(super) async fn rename(tx: &mut Tx, account: i64, id: &str, name: &str) -> Result<bool> {
    let done =
        sqlx::query("UPDATE devices SET given_name = $3 WHERE account = $1 AND id = $2 AND slot IS NOT NULL")
            .bind(account)
            .bind(id)
            .bind(name)
            .execute(&mut **tx)
            .await?;
    Ok(done.rows_affected() > 0)
}

pub(super) async fn add_removal(tx: &mut Tx, account: i64, now: u64, before: u64) -> Result<Vec<u64>> {
    lock_account(tx, account).await?;
    sqlx::query("DELETE FROM removals WHERE account = $1 AND at <= $2")
        .bind(account)
        .bind(int(before))
        .execute(&mut **tx)
        .await?;
    let rows = sqlx::query("SELECT at FROM removals WHERE account = $1 ORDER BY at DESC")
        .bind(account)
        .fetch_all(&mut **tx)
        .await?;
    let others = rows.iter().map(|row| unsigned(row, "at")).collect();
    sqlx::query("INSERT INTO removals (account, at) VALUES ($1, $2)")
        .bind(account)
        .bind(int(now))
        .execute(&mut **tx)
        .await?;
    others
}

pub(super) async fn remove(tx: &mut Tx, account: i64, id: &str) -> Result<bool> {
    // The code that a box was registered by is good for a while yet, in case the answer was lost.
    sqlx::query(
        "DELETE FROM codes WHERE account = $1 AND signing_key IN
           (SELECT signing_key FROM devices WHERE account = $1 AND id = $2)",
    )
    .bind(account)
    .bind(id)
    .execute(&mut **tx)
    .await?;
    let done = sqlx::query("DELETE FROM devices WHERE account = $1 AND id = $2")
        .bind(account)
        .bind(id)
        .execute(&mut **tx)
        .await?;
    Ok(done.rows_affected() > 0)
}

pub(super) async fn reclaim_idle(tx: &mut Tx, account: i64, before: u64) -> Result<u64> {
    let done = sqlx::query(
        "UPDATE devices SET slot = NULL WHERE account = $1 AND slot IS NOT NULL AND last_seen < $2",
    )
    .bind(account)
    .bind(int(before))
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected())
}

pub(super) async fn reregister(tx: &mut Tx, id: &str, registered: &Registered) -> Result<()> {
    let window = SequenceWindow::starting_at(registered.sequence);
    sqlx::query(
        "UPDATE devices SET epoch = epoch + 1, highest = $2, seen = $3, level = $4, name = $5, machine = $6,
           browser_hash = COALESCE($7, browser_hash), last_seen = $8 WHERE id = $1",
    )
    .bind(id)
    .bind(int(window.highest()))
    .bind(&window.seen()[..])
    .bind(i64::from(key_level::to_number(registered.level)))
    .bind(&registered.name)
    .bind(&registered.machine)
    .bind(registered.browser_hash.as_ref().map(|hash| &hash[..]))
    .bind(int(registered.now))
    .execute(&mut **tx)
    .await?;
    Ok(())
}

pub(super) async fn end_tickets(tx: &mut Tx, account: i64, boxes: bool) -> Result<()> {
    if boxes {
        // A code that was typed in would register its box again.
        sqlx::query("DELETE FROM codes WHERE account = $1").bind(account).execute(&mut **tx).await?;
    }
    sqlx::query("UPDATE devices SET epoch = epoch + 1 WHERE account = $1 AND ($2 OR kind <> 'box')")
        .bind(account)
        .bind(boxes)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

pub(super) async fn rekey(tx: &mut Tx, id: &str, signing_key: &[u8], now: u64) -> Result<()> {
    sqlx::query("UPDATE devices SET signing_key = $2, replaced = $3 WHERE id = $1")
        .bind(id)
        .bind(signing_key)
        .bind(int(now))
        .execute(&mut **tx)
        .await?;
    Ok(())
}

pub(super) async fn set_component(
    tx: &mut Tx,
    id: &str,
    component: &[u8; 16],
    rsa_modulus: &[u8; 256],
) -> Result<()> {
    sqlx::query("UPDATE devices SET component = $2, rsa_modulus = $3 WHERE id = $1")
        .bind(id)
        .bind(&component[..])
        .bind(&rsa_modulus[..])
        .execute(&mut **tx)
        .await?;
    Ok(())
}

pub(super) async fn rsa_modulus(tx: &mut Tx, id: &str) -> Result<Option<[u8; 256]>> {
    let row = sqlx::query("SELECT rsa_modulus FROM devices WHERE id = $1")
        .bind(id)
        .fetch_optional(&mut **tx)
        .await?;
    row.map_or(Ok(None), |row| modulus(&row))
}

pub(super) fn modulus(row: &DbRow) -> Result<Option<[u8; 256]>> {
    row.try_get::<Option<&[u8]>, _>("rsa_modulus")?
        .map(|modulus| modulus.try_into().map_err(|_| StoreError::Corrupt("rsa_modulus")))
        .transpose()
}

/// Forgets where devices were that nobody has heard of for an hour.
pub(super) async fn purge_networks(tx: &mut Tx, now: u64) -> Result<()> {
    sqlx::query("UPDATE devices SET networks = $1 WHERE last_seen < $2 AND length(networks) > 0")
        .bind(&b""[..])
        .bind(int(now.saturating_sub(3600)))
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Removes devices without a place that were not seen since.
pub(super) async fn purge(tx: &mut Tx, before: u64) -> Result<()> {
    sqlx::query("DELETE FROM devices WHERE slot IS NULL AND last_seen < $1")
        .bind(int(before))
        .execute(&mut **tx)
        .await?;
    Ok(())
}
