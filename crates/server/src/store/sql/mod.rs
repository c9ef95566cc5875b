//! What both engines read and write alike: this folder is compiled once for each, against its `Db` and
//! `DbRow`.
//!
//! SQL here is what both understand: `$1` parameters, BIGINT for every number, `TRUE`, `ON CONFLICT`,
//! `RETURNING`. Where a writer must keep others out, `locked!` adds what the engine needs.

mod accounts;
mod ahead;
mod api_keys;
mod audit;
mod batch;
mod codes;
mod connections;
mod devices;
mod leases;
mod movies;
mod pending;
mod posters;
mod seen_requests;
mod sessions;
mod shares;
mod transaction;
mod viewings;
mod votes;

pub(super) use connections::Connections;
pub(super) use transaction::SqlTransaction;

use super::{Db, DbRow, STATEMENTS_TOGETHER};
use crate::store::{Account, Movie, Result, StoreError, Viewing};
use nccp::json::Episode;
use sqlx::Row as _;
use std::borrow::Cow;

/// A connection with a transaction.
type Tx = sqlx::pool::PoolConnection<Db>;

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

/// A column of a table, whose columns have a prefix in this row.
fn named(prefix: &str, column: &'static str) -> Cow<'static, str> {
    if prefix.is_empty() { Cow::Borrowed(column) } else { Cow::Owned(format!("{prefix}{column}")) }
}

fn account(row: &DbRow, prefix: &str) -> Result<Account> {
    let at = |column| named(prefix, column);
    Ok(Account {
        id: row.try_get(&*at("id"))?,
        handle: row.try_get(&*at("handle"))?,
        email: row.try_get(&*at("email"))?,
        name: row.try_get(&*at("name"))?,
        plan: row.try_get(&*at("plan"))?,
        disabled: row.try_get(&*at("disabled"))?,
        created: u64::try_from(row.try_get::<i64, _>(&*at("created"))?)
            .map_err(|_| StoreError::Corrupt("created"))?,
    })
}

fn movie(row: &DbRow, prefix: &str) -> Result<Movie> {
    let at = |column| named(prefix, column);
    let unsigned =
        |column| u64::try_from(row.try_get::<i64, _>(&*at(column))?).map_err(|_| StoreError::Corrupt(column));
    let small = |column| -> Result<Option<u16>> {
        let number = row.try_get::<Option<i64>, _>(&*at(column))?;
        number.map(|n| u16::try_from(n).map_err(|_| StoreError::Corrupt(column))).transpose()
    };
    let text = |column| Ok::<_, StoreError>(row.try_get::<String, _>(&*at(column))?);
    let list = |column| serde_json::from_str(&text(column)?).map_err(|_| StoreError::Corrupt(column));
    Ok(Movie {
        id: unsigned("id")?,
        title: row.try_get(&*at("title"))?,
        year: small("year")?,
        episode: match (row.try_get(&*at("series"))?, small("season")?, small("episode")?) {
            (Some(series), Some(season), Some(number)) => Some(Episode { series, season, number }),
            _ => None,
        },
        cast: list("cast_names")?,
        genres: list("genres")?,
        synopsis: row.try_get(&*at("synopsis"))?,
        rating: row.try_get(&*at("rating"))?,
        runtime: row.try_get(&*at("runtime"))?,
        pack: row.try_get(&*at("pack"))?,
        policy: row.try_get(&*at("policy"))?,
        plans: list("plans")?,
        regions: list("regions")?,
        license: text("license")?.parse().map_err(|_| StoreError::Corrupt("license"))?,
        available: row.try_get(&*at("available"))?,
        added: unsigned("added")?,
        changed: unsigned("changed")?,
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
