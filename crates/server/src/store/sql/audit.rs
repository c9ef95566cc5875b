//! The audit log.

use super::{Db, DbRow, Tx, int, json, unsigned};
use crate::store::audit::Actor;
use crate::store::{AuditEntry, AuditFilter, Audited, Result, StoreError};
use sqlx::{QueryBuilder, Row as _};

pub(super) async fn read(tx: &mut Tx, filter: &AuditFilter) -> Result<Vec<Audited>> {
    let mut query = QueryBuilder::<Db>::new(
        "SELECT a.*, c.email FROM audit a LEFT JOIN accounts c ON c.id = a.account WHERE a.id > ",
    );
    query.push_bind(filter.after);
    if let Some(account) = filter.account {
        query.push(" AND a.account = ").push_bind(account);
    }
    if let Some(device) = &filter.device {
        query.push(" AND a.device = ").push_bind(device.clone());
    }
    if let Some(movie) = filter.movie {
        query.push(" AND a.movie = ").push_bind(int(movie));
    }
    if let Some(since) = filter.since {
        query.push(" AND a.at >= ").push_bind(int(since));
    }
    query.push(" ORDER BY a.id LIMIT ").push_bind(i64::from(filter.most));
    query.build().fetch_all(&mut **tx).await?.iter().map(audited).collect()
}

fn audited(row: &DbRow) -> Result<Audited> {
    let actor = Actor::parse(row.try_get("actor")?).ok_or(StoreError::Corrupt("actor"))?;
    let movie = row.try_get::<Option<i64>, _>("movie")?;
    Ok(Audited {
        id: row.try_get("id")?,
        email: row.try_get("email")?,
        entry: AuditEntry {
            at: unsigned(row, "at")?,
            actor,
            action: row.try_get("action")?,
            result: row.try_get("result")?,
            account: row.try_get("account")?,
            device: row.try_get("device")?,
            movie: movie.map(|m| u64::try_from(m).map_err(|_| StoreError::Corrupt("movie"))).transpose()?,
            network: row.try_get("network")?,
            details: json(row, "details")?,
        },
    })
}

pub(super) async fn purge(tx: &mut Tx, before: u64) -> Result<()> {
    sqlx::query("DELETE FROM audit WHERE at < $1").bind(int(before)).execute(&mut **tx).await?;
    Ok(())
}
