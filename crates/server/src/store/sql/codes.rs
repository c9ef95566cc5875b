//! Activation codes of boxes.

use super::{DbRow, Tx, int, unsigned};
use crate::store::{ActivationCode, Result};
use sqlx::Row as _;

fn code(row: &DbRow) -> Result<ActivationCode> {
    Ok(ActivationCode {
        code: row.try_get("code")?,
        signing_key: row.try_get("signing_key")?,
        name: row.try_get("name")?,
        expires: unsigned(row, "expires")?,
        account: row.try_get("account")?,
    })
}

pub(super) async fn add(tx: &mut Tx, code: &ActivationCode) -> Result<()> {
    // One live code per box: a new one ends the old.
    sqlx::query("DELETE FROM codes WHERE signing_key = $1")
        .bind(&code.signing_key)
        .execute(&mut **tx)
        .await?;
    sqlx::query("INSERT INTO codes (code, signing_key, name, expires, account) VALUES ($1, $2, $3, $4, $5)")
        .bind(&code.code)
        .bind(&code.signing_key)
        .bind(&code.name)
        .bind(int(code.expires))
        .bind(code.account)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

pub(super) async fn by_code(tx: &mut Tx, text: &str) -> Result<Option<ActivationCode>> {
    let row = sqlx::query("SELECT * FROM codes WHERE code = $1").bind(text).fetch_optional(&mut **tx).await?;
    row.as_ref().map(code).transpose()
}

pub(super) async fn account_of(tx: &mut Tx, signing_key: &[u8]) -> Result<Option<i64>> {
    let row = sqlx::query("SELECT account FROM codes WHERE signing_key = $1")
        .bind(signing_key)
        .fetch_optional(&mut **tx)
        .await?;
    row.map_or(Ok(None), |row| Ok(row.try_get("account")?))
}

pub(super) async fn by_key(tx: &mut Tx, signing_key: &[u8]) -> Result<Option<ActivationCode>> {
    let row = sqlx::query(locked!("SELECT * FROM codes WHERE signing_key = $1"))
        .bind(signing_key)
        .fetch_optional(&mut **tx)
        .await?;
    row.as_ref().map(code).transpose()
}

pub(super) async fn confirm(tx: &mut Tx, text: &str, account: i64) -> Result<bool> {
    let done = sqlx::query("UPDATE codes SET account = $2 WHERE code = $1 AND account IS NULL")
        .bind(text)
        .bind(account)
        .execute(&mut **tx)
        .await?;
    Ok(done.rows_affected() > 0)
}

pub(super) async fn end(tx: &mut Tx, text: &str, expires: u64) -> Result<()> {
    sqlx::query("UPDATE codes SET expires = $2 WHERE code = $1")
        .bind(text)
        .bind(int(expires))
        .execute(&mut **tx)
        .await?;
    Ok(())
}

pub(super) async fn remove(tx: &mut Tx, text: &str) -> Result<()> {
    sqlx::query("DELETE FROM codes WHERE code = $1").bind(text).execute(&mut **tx).await?;
    Ok(())
}

pub(super) async fn purge(tx: &mut Tx, now: u64) -> Result<()> {
    sqlx::query("DELETE FROM codes WHERE expires <= $1").bind(int(now)).execute(&mut **tx).await?;
    Ok(())
}
