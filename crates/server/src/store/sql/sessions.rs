//! Sessions.

use super::{DbRow, Tx, account, int, unsigned};
use crate::store::{Account, Result, Session, StoreError};
use sqlx::Row as _;

fn session(row: &DbRow) -> Result<Session> {
    let hash = |column| -> Result<[u8; 32]> {
        row.try_get::<&[u8], _>(column)?.try_into().map_err(|_| StoreError::Corrupt(column))
    };
    Ok(Session {
        id_hash: hash("id_hash")?,
        secret_hash: hash("secret_hash")?,
        account: row.try_get("account")?,
        created: unsigned(row, "signed_in")?,
        last_used: unsigned(row, "last_used")?,
        browser: row.try_get("browser")?,
        network: row.try_get("network")?,
        expires: unsigned(row, "expires")?,
    })
}

pub(super) async fn add(tx: &mut Tx, session: &Session) -> Result<()> {
    sqlx::query(
        "INSERT INTO sessions (id_hash, secret_hash, account, signed_in, last_used, browser, network, expires)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(&session.id_hash[..])
    .bind(&session.secret_hash[..])
    .bind(session.account)
    .bind(int(session.created))
    .bind(int(session.last_used))
    .bind(&session.browser)
    .bind(&session.network)
    .bind(int(session.expires))
    .execute(&mut **tx)
    .await?;
    Ok(())
}

pub(super) async fn find(
    tx: &mut Tx,
    id_hash: &[u8; 32],
    secret_hash: &[u8; 32],
    now: u64,
) -> Result<Option<(Account, Session)>> {
    let row = sqlx::query(
        "SELECT a.*, s.id_hash, s.secret_hash, s.account, s.signed_in, s.last_used, s.browser, s.network,
           s.expires
         FROM sessions s JOIN accounts a ON a.id = s.account
         WHERE s.id_hash = $1 AND s.secret_hash = $2 AND s.expires > $3 AND NOT a.disabled",
    )
    .bind(&id_hash[..])
    .bind(&secret_hash[..])
    .bind(int(now))
    .fetch_optional(&mut **tx)
    .await?;
    row.map(|row| Ok((account(&row, "")?, session(&row)?))).transpose()
}

pub(super) async fn of_account(tx: &mut Tx, account: i64, now: u64) -> Result<Vec<Session>> {
    let rows = sqlx::query(
        "SELECT * FROM sessions WHERE account = $1 AND expires > $2 ORDER BY last_used DESC, signed_in DESC, id_hash",
    )
    .bind(account)
    .bind(int(now))
    .fetch_all(&mut **tx)
    .await?;
    rows.iter().map(session).collect()
}

pub(super) async fn note_use(tx: &mut Tx, id_hash: &[u8; 32], now: u64) -> Result<()> {
    sqlx::query("UPDATE sessions SET last_used = $2 WHERE id_hash = $1 AND last_used < $2")
        .bind(&id_hash[..])
        .bind(int(now))
        .execute(&mut **tx)
        .await?;
    Ok(())
}

pub(super) async fn end(tx: &mut Tx, account: i64, but: Option<&[u8; 32]>) -> Result<u64> {
    // No hash is empty.
    let but = but.map_or(&[][..], |hash| &hash[..]);
    let done = sqlx::query("DELETE FROM sessions WHERE account = $1 AND id_hash <> $2")
        .bind(account)
        .bind(but)
        .execute(&mut **tx)
        .await?;
    Ok(done.rows_affected())
}

pub(super) async fn end_one(tx: &mut Tx, account: i64, id_hash: &[u8; 32]) -> Result<bool> {
    let done = sqlx::query("DELETE FROM sessions WHERE account = $1 AND id_hash = $2")
        .bind(account)
        .bind(&id_hash[..])
        .execute(&mut **tx)
        .await?;
    Ok(done.rows_affected() > 0)
}

pub(super) async fn remove(tx: &mut Tx, id_hash: &[u8; 32], secret_hash: &[u8; 32]) -> Result<()> {
    sqlx::query("DELETE FROM sessions WHERE id_hash = $1 AND secret_hash = $2")
        .bind(&id_hash[..])
        .bind(&secret_hash[..])
        .execute(&mut **tx)
        .await?;
    Ok(())
}

pub(super) async fn purge(tx: &mut Tx, now: u64) -> Result<()> {
    sqlx::query("DELETE FROM sessions WHERE expires <= $1").bind(int(now)).execute(&mut **tx).await?;
    Ok(())
}
