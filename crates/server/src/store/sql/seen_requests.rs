//! Requests that were seen, by their hashes.

use super::{Tx, int};
use crate::store::Result;

pub(super) async fn first_seen(tx: &mut Tx, hash: &[u8; 32], expires: u64) -> Result<bool> {
    let done =
        sqlx::query("INSERT INTO seen_requests (hash, expires) VALUES ($1, $2) ON CONFLICT DO NOTHING")
            .bind(&hash[..])
            .bind(int(expires))
            .execute(&mut **tx)
            .await?;
    Ok(done.rows_affected() > 0)
}

pub(super) async fn purge(tx: &mut Tx, now: u64) -> Result<()> {
    sqlx::query("DELETE FROM seen_requests WHERE expires <= $1").bind(int(now)).execute(&mut **tx).await?;
    Ok(())
}
