//! Links to films.

use super::{DbRow, Tx, accounts, int, unsigned};
use crate::store::{Result, Share, StoreError};
use sqlx::Row as _;

fn share(row: &DbRow) -> Result<Share> {
    let hash = row.try_get::<&[u8], _>("token_hash")?;
    let ends = row.try_get::<Option<i64>, _>("ends")?;
    Ok(Share {
        id: row.try_get("id")?,
        token_hash: hash.try_into().map_err(|_| StoreError::Corrupt("token_hash"))?,
        account: row.try_get("account")?,
        movie: unsigned(row, "movie")?,
        password_hash: row.try_get("password_hash")?,
        ends: ends.map(|ends| u64::try_from(ends).map_err(|_| StoreError::Corrupt("ends"))).transpose()?,
        devices: u32::try_from(unsigned(row, "devices")?).map_err(|_| StoreError::Corrupt("devices"))?,
        created: unsigned(row, "created")?,
    })
}

pub(super) async fn add(tx: &mut Tx, share: &Share) -> Result<()> {
    sqlx::query(
        "INSERT INTO shares (id, token_hash, account, movie, password_hash, ends, devices, created)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(&share.id)
    .bind(&share.token_hash[..])
    .bind(share.account)
    .bind(int(share.movie))
    .bind(&share.password_hash)
    .bind(share.ends.map(int))
    .bind(i64::from(share.devices))
    .bind(int(share.created))
    .execute(&mut **tx)
    .await?;
    Ok(())
}

pub(super) async fn by_token(tx: &mut Tx, token_hash: &[u8; 32]) -> Result<Option<Share>> {
    let row = sqlx::query("SELECT * FROM shares WHERE token_hash = $1")
        .bind(&token_hash[..])
        .fetch_optional(&mut **tx)
        .await?;
    row.as_ref().map(share).transpose()
}

pub(super) async fn all(tx: &mut Tx) -> Result<Vec<Share>> {
    let rows = sqlx::query("SELECT * FROM shares ORDER BY created, id").fetch_all(&mut **tx).await?;
    rows.iter().map(share).collect()
}

pub(super) async fn remove(tx: &mut Tx, id: &str) -> Result<Option<i64>> {
    let row = sqlx::query("DELETE FROM shares WHERE id = $1 RETURNING account")
        .bind(id)
        .fetch_optional(&mut **tx)
        .await?;
    row.map(|row| Ok(row.try_get("account")?)).transpose()
}

/// Ends the links to a movie, and what plays by them: their accounts are blocked.
pub(super) async fn end_of_movie(tx: &mut Tx, movie: u64) -> Result<()> {
    let rows = sqlx::query("DELETE FROM shares WHERE movie = $1 RETURNING account")
        .bind(int(movie))
        .fetch_all(&mut **tx)
        .await?;
    for row in rows {
        accounts::set_disabled(tx, row.try_get("account")?, true).await?;
    }
    Ok(())
}
