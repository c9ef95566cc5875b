//! Accounts.

use super::{Tx, account, int, sessions};
use crate::store::{Account, Result};
use sqlx::Row as _;

pub(super) async fn add(
    tx: &mut Tx,
    (handle, email): (&str, &str),
    password_hash: &str,
    plan: &str,
    now: u64,
) -> Result<Account> {
    let row = sqlx::query(concat!(
        "INSERT INTO accounts (id, handle, email, password_hash, plan, created) VALUES (",
        next_account!(),
        ", $1, $2, $3, $4, $5) RETURNING *",
    ))
    .bind(handle)
    .bind(email)
    .bind(password_hash)
    .bind(plan)
    .bind(int(now))
    .fetch_one(&mut **tx)
    .await?;
    account(&row, "")
}

pub(super) async fn by_email(tx: &mut Tx, email: &str) -> Result<Option<(Account, String)>> {
    let row =
        sqlx::query("SELECT * FROM accounts WHERE email = $1").bind(email).fetch_optional(&mut **tx).await?;
    row.map(|row| Ok((account(&row, "")?, row.try_get("password_hash")?))).transpose()
}

pub(super) async fn by_id(tx: &mut Tx, id: i64) -> Result<Option<Account>> {
    let row = sqlx::query("SELECT * FROM accounts WHERE id = $1").bind(id).fetch_optional(&mut **tx).await?;
    row.as_ref().map(|row| account(row, "")).transpose()
}

pub(super) async fn all(tx: &mut Tx) -> Result<Vec<Account>> {
    let rows = sqlx::query("SELECT * FROM accounts ORDER BY email").fetch_all(&mut **tx).await?;
    rows.iter().map(|row| account(row, "")).collect()
}

/// Ends the account's sessions, too.
pub(super) async fn set_password(tx: &mut Tx, id: i64, password_hash: &str) -> Result<()> {
    sqlx::query("UPDATE accounts SET password_hash = $2 WHERE id = $1")
        .bind(id)
        .bind(password_hash)
        .execute(&mut **tx)
        .await?;
    sessions::end(tx, id, None).await?;
    Ok(())
}

pub(super) async fn set_plan(tx: &mut Tx, id: i64, plan: &str, name: &str) -> Result<()> {
    sqlx::query("UPDATE accounts SET plan = $2, name = $3 WHERE id = $1")
        .bind(id)
        .bind(plan)
        .bind(name)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Ends the account's sessions, too, where it is disabled.
pub(super) async fn set_disabled(tx: &mut Tx, id: i64, disabled: bool) -> Result<()> {
    sqlx::query("UPDATE accounts SET disabled = $2 WHERE id = $1")
        .bind(id)
        .bind(disabled)
        .execute(&mut **tx)
        .await?;
    if disabled {
        sessions::end(tx, id, None).await?;
    }
    Ok(())
}

/// Whether there was such an account. Its number is not given again.
pub(super) async fn remove(tx: &mut Tx, id: i64) -> Result<bool> {
    // What is the account's own refers to it, and goes with it.
    let done = sqlx::query("DELETE FROM accounts WHERE id = $1").bind(id).execute(&mut **tx).await?;
    if done.rows_affected() == 0 {
        return Ok(false);
    }
    sqlx::query("INSERT INTO removed_accounts (id) VALUES ($1)").bind(id).execute(&mut **tx).await?;
    Ok(true)
}
