//! What both engines read and write alike: this folder is compiled once for each, against its `Db` and
//! `DbRow`.
//!
//! SQL here is what both understand: `$1` parameters, BIGINT for every number, `TRUE`, `ON CONFLICT`,
//! `RETURNING`. Where a writer must keep others out, `locked!` adds what the engine needs.

mod api_keys;
mod audit;
mod codes;
mod devices;
mod leases;
mod sessions;
mod shares;
mod transaction;
mod viewings;

pub(super) use transaction::SqlTransaction;

use super::{Db, DbRow};
use crate::store::{Account, Movie, Result, StoreError, Viewing};
use sqlx::Row as _;

type Tx = sqlx::Transaction<'static, Db>;

/// Numbers are stored signed; ours stay far below 2^63.
fn int(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

fn unsigned(row: &DbRow, column: &'static str) -> Result<u64> {
    u64::try_from(row.try_get::<i64, _>(column)?).map_err(|_| StoreError::Corrupt(column))
}

fn json<T: serde::de::DeserializeOwned>(row: &DbRow, column: &'static str) -> Result<T> {
    serde_json::from_str(row.try_get::<&str, _>(column)?).map_err(|_| StoreError::Corrupt(column))
}

fn to_json<T: serde::Serialize + ?Sized>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

fn account(row: &DbRow) -> Result<Account> {
    Ok(Account {
        id: row.try_get("id")?,
        handle: row.try_get("handle")?,
        email: row.try_get("email")?,
        name: row.try_get("name")?,
        plan: row.try_get("plan")?,
        disabled: row.try_get("disabled")?,
        created: unsigned(row, "created")?,
    })
}

fn movie(row: &DbRow) -> Result<Movie> {
    Ok(Movie {
        id: unsigned(row, "id")?,
        title: row.try_get("title")?,
        year: row
            .try_get::<Option<i64>, _>("year")?
            .map(|y| u16::try_from(y).map_err(|_| StoreError::Corrupt("year")))
            .transpose()?,
        cast: json(row, "cast_names")?,
        synopsis: row.try_get("synopsis")?,
        rating: row.try_get("rating")?,
        runtime: row.try_get("runtime")?,
        pack: row.try_get("pack")?,
        policy: row.try_get("policy")?,
        plans: json(row, "plans")?,
        regions: json(row, "regions")?,
        license: row.try_get::<&str, _>("license")?.parse().map_err(|_| StoreError::Corrupt("license"))?,
        available: row.try_get("available")?,
        added: unsigned(row, "added")?,
        changed: unsigned(row, "changed")?,
    })
}

fn viewing(row: &DbRow) -> Result<Viewing> {
    Ok(Viewing {
        started: unsigned(row, "started")?,
        seen: unsigned(row, "seen")?,
        position: row.try_get("position")?,
        finished: row.try_get("finished")?,
    })
}
