//! Leases: what plays where.

use super::{DbRow, Tx, int, unsigned};
use crate::store::{Lease, NewLease, Result};
use sqlx::Row as _;

/// For how long it is remembered for which device a lease was ended.
const REMEMBERED: u64 = 86_400;

fn lease(row: &DbRow) -> Result<Lease> {
    Ok(Lease {
        device: row.try_get("device")?,
        name: row.try_get("name")?,
        slot: row.try_get::<Option<i64>, _>("slot")?.and_then(|slot| u32::try_from(slot).ok()),
        title: row.try_get("title")?,
        movie: unsigned(row, "movie")?,
        began: unsigned(row, "began")?,
        ends: unsigned(row, "ends")?,
    })
}

/// One statement, which decides by the row as it is then: another writer may end the lease meanwhile.
pub(super) async fn keep(tx: &mut Tx, lease: &NewLease<'_>) -> Result<bool> {
    let done = sqlx::query(
        "UPDATE leases SET ends = $4, reported = reported OR $5
         WHERE device = $1 AND movie = $2 AND ends > $3 AND stopped_by IS NULL",
    )
    .bind(lease.device)
    .bind(int(lease.movie))
    .bind(int(lease.now))
    .bind(int(lease.ends))
    .bind(lease.reported)
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected() > 0)
}

pub(super) async fn of_account(tx: &mut Tx, account: i64, now: u64) -> Result<Vec<Lease>> {
    let rows = sqlx::query(
        "SELECT l.device, COALESCE(NULLIF(d.given_name, ''), d.name) AS name, d.slot, l.movie, m.title, l.began, l.ends
         FROM leases l JOIN devices d ON d.id = l.device LEFT JOIN movies m ON m.id = l.movie
         WHERE l.account = $1 AND l.ends > $2 AND l.stopped_by IS NULL ORDER BY l.began, l.device, l.movie",
    )
    .bind(account)
    .bind(int(now))
    .fetch_all(&mut **tx)
    .await?;
    rows.iter().map(lease).collect()
}

pub(super) async fn stopped_by(tx: &mut Tx, device: &str, movie: u64, since: u64) -> Result<Option<String>> {
    let row = sqlx::query("SELECT stopped_by FROM leases WHERE device = $1 AND movie = $2 AND ends > $3")
        .bind(device)
        .bind(int(movie))
        .bind(int(since))
        .fetch_optional(&mut **tx)
        .await?;
    row.map_or(Ok(None), |row| Ok(row.try_get("stopped_by")?))
}

pub(super) async fn end(tx: &mut Tx, device: &str, movie: u64, now: u64) -> Result<()> {
    sqlx::query("UPDATE leases SET ends = $3 WHERE device = $1 AND movie = $2 AND ends > $3")
        .bind(device)
        .bind(int(movie))
        .bind(int(now))
        .execute(&mut **tx)
        .await?;
    Ok(())
}

pub(super) async fn end_in_browser(
    tx: &mut Tx,
    account: i64,
    browser_hash: &[u8; 32],
    movie: u64,
    now: u64,
) -> Result<()> {
    sqlx::query(
        "UPDATE leases SET ends = $4 WHERE account = $1 AND movie = $3 AND ends > $4
           AND device IN (SELECT id FROM devices WHERE account = $1 AND browser_hash = $2)",
    )
    .bind(account)
    .bind(&browser_hash[..])
    .bind(int(movie))
    .bind(int(now))
    .execute(&mut **tx)
    .await?;
    Ok(())
}

pub(super) async fn stop(tx: &mut Tx, account: i64, device: &str, by: &str, now: u64) -> Result<()> {
    sqlx::query(
        "UPDATE leases SET ends = $4, stopped_by = $3 WHERE account = $1 AND device = $2 AND ends > $4",
    )
    .bind(account)
    .bind(device)
    .bind(by)
    .bind(int(now))
    .execute(&mut **tx)
    .await?;
    Ok(())
}

pub(super) async fn purge(tx: &mut Tx, now: u64) -> Result<()> {
    sqlx::query("DELETE FROM leases WHERE ends < $1")
        .bind(int(now.saturating_sub(REMEMBERED)))
        .execute(&mut **tx)
        .await?;
    Ok(())
}
