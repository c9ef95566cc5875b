//! Keys of the operator's own programs.

use super::{DbRow, Tx, int, json, to_json, unsigned};
use crate::store::{ApiKey, Result, StoreError};
use sqlx::Row as _;

fn api_key(row: &DbRow) -> Result<ApiKey> {
    let hash = row.try_get::<&[u8], _>("secret_hash")?;
    Ok(ApiKey {
        id: row.try_get("id")?,
        name: row.try_get("name")?,
        secret_hash: hash.try_into().map_err(|_| StoreError::Corrupt("secret_hash"))?,
        scopes: json(row, "scopes")?,
        created: unsigned(row, "created")?,
        last_used: unsigned(row, "last_used")?,
    })
}

pub(super) async fn add(tx: &mut Tx, key: &ApiKey) -> Result<()> {
    sqlx::query("INSERT INTO api_keys (id, name, secret_hash, scopes, created) VALUES ($1, $2, $3, $4, $5)")
        .bind(&key.id)
        .bind(&key.name)
        .bind(&key.secret_hash[..])
        .bind(to_json(&key.scopes))
        .bind(int(key.created))
        .execute(&mut **tx)
        .await?;
    Ok(())
}

pub(super) async fn by_id(tx: &mut Tx, id: &str) -> Result<Option<ApiKey>> {
    let row = sqlx::query("SELECT * FROM api_keys WHERE id = $1").bind(id).fetch_optional(&mut **tx).await?;
    row.as_ref().map(api_key).transpose()
}

pub(super) async fn all(tx: &mut Tx) -> Result<Vec<ApiKey>> {
    let rows = sqlx::query("SELECT * FROM api_keys ORDER BY name").fetch_all(&mut **tx).await?;
    rows.iter().map(api_key).collect()
}

pub(super) async fn note_use(tx: &mut Tx, id: &str, now: u64) -> Result<()> {
    sqlx::query("UPDATE api_keys SET last_used = $2 WHERE id = $1 AND last_used < $2")
        .bind(id)
        .bind(int(now))
        .execute(&mut **tx)
        .await?;
    Ok(())
}

pub(super) async fn remove(tx: &mut Tx, name: &str) -> Result<bool> {
    let done = sqlx::query("DELETE FROM api_keys WHERE name = $1").bind(name).execute(&mut **tx).await?;
    Ok(done.rows_affected() > 0)
}
