//! What was watched, and how it went.

use super::{DbRow, Tx, int, json, to_json, unsigned, viewing};
use crate::store::{LogEntry, Result, Viewing, Watched};
use sqlx::Row as _;
use std::collections::BTreeMap;

pub(super) async fn of_movie(tx: &mut Tx, account: i64, movie: u64, most: u32) -> Result<Vec<Viewing>> {
    let rows = sqlx::query(
        "SELECT * FROM viewings WHERE account = $1 AND movie = $2 ORDER BY seen DESC, id DESC LIMIT $3",
    )
    .bind(account)
    .bind(int(movie))
    .bind(i64::from(most))
    .fetch_all(&mut **tx)
    .await?;
    rows.iter().map(viewing).collect()
}

pub(super) async fn latest(tx: &mut Tx, account: i64) -> Result<Vec<(u64, Viewing)>> {
    let rows = sqlx::query(
        "SELECT v.* FROM viewings v WHERE v.account = $1 AND NOT EXISTS (SELECT 1 FROM viewings w
         WHERE w.account = v.account AND w.movie = v.movie AND (w.seen > v.seen OR (w.seen = v.seen AND w.id > v.id)))",
    )
    .bind(account)
    .fetch_all(&mut **tx)
    .await?;
    rows.iter().map(|row| Ok((unsigned(row, "movie")?, viewing(row)?))).collect()
}

pub(super) async fn record(
    tx: &mut Tx,
    account: i64,
    movie: u64,
    latest: &Viewing,
    since: u64,
) -> Result<()> {
    let done = sqlx::query(
        "UPDATE viewings SET seen = $3, position = $4, finished = $5 WHERE id = (SELECT id FROM viewings
         WHERE account = $1 AND movie = $2 ORDER BY seen DESC, id DESC LIMIT 1) AND seen > $6",
    )
    .bind(account)
    .bind(int(movie))
    .bind(int(latest.seen))
    .bind(latest.position)
    .bind(latest.finished)
    .bind(int(since))
    .execute(&mut **tx)
    .await?;
    if done.rows_affected() == 0 {
        sqlx::query(
            "INSERT INTO viewings (account, movie, started, seen, position, finished) VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(account)
        .bind(int(movie))
        .bind(int(latest.started))
        .bind(int(latest.seen))
        .bind(latest.position)
        .bind(latest.finished)
        .execute(&mut **tx)
        .await?;
    }
    Ok(())
}

pub(super) async fn first_play(tx: &mut Tx, account: i64, movie: u64) -> Result<Option<u64>> {
    let row = sqlx::query("SELECT at FROM first_plays WHERE account = $1 AND movie = $2")
        .bind(account)
        .bind(int(movie))
        .fetch_optional(&mut **tx)
        .await?;
    row.map(|row| unsigned(&row, "at")).transpose()
}

pub(super) async fn log(tx: &mut Tx, entry: &LogEntry) -> Result<()> {
    let counters: BTreeMap<&str, u64> =
        entry.counters.iter().map(|(name, value)| (name.as_str(), *value)).collect();
    sqlx::query(
        "INSERT INTO log (account, device, movie, at, event, code, position, counters)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(entry.account)
    .bind(&entry.device)
    .bind(int(entry.movie))
    .bind(int(entry.at))
    .bind(&entry.event)
    .bind(&entry.code)
    .bind(entry.position)
    .bind(to_json(&counters))
    .execute(&mut **tx)
    .await?;
    Ok(())
}

fn counters(row: &DbRow) -> Result<Vec<(String, u64)>> {
    Ok(json::<BTreeMap<String, u64>>(row, "counters")?.into_iter().collect())
}

pub(super) async fn last_counters(tx: &mut Tx, device: &str, movie: u64) -> Result<Vec<(String, u64)>> {
    let row = sqlx::query(
        "SELECT counters FROM log WHERE device = $1 AND movie = $2 ORDER BY at DESC, id DESC LIMIT 1",
    )
    .bind(device)
    .bind(int(movie))
    .fetch_optional(&mut **tx)
    .await?;
    row.map_or(Ok(Vec::new()), |row| counters(&row))
}

/// By the index of the log for each device, of which an account has a few.
pub(super) async fn last_watched(tx: &mut Tx, account: i64) -> Result<Vec<Watched>> {
    let rows = sqlx::query(
        "SELECT l.device, m.title, l.at FROM devices d
         JOIN log l ON l.id = (SELECT k.id FROM log k WHERE k.device = d.id AND k.account = d.account
           ORDER BY k.at DESC, k.id DESC LIMIT 1)
         JOIN movies m ON m.id = l.movie WHERE d.account = $1 AND d.slot IS NOT NULL",
    )
    .bind(account)
    .fetch_all(&mut **tx)
    .await?;
    rows.iter()
        .map(|row| {
            Ok(Watched {
                device: row.try_get("device")?,
                title: row.try_get("title")?,
                at: unsigned(row, "at")?,
            })
        })
        .collect()
}

pub(super) async fn movie_log(tx: &mut Tx, movie: u64) -> Result<Vec<LogEntry>> {
    let rows = sqlx::query("SELECT * FROM log WHERE movie = $1 ORDER BY device, at, id")
        .bind(int(movie))
        .fetch_all(&mut **tx)
        .await?;
    rows.iter()
        .map(|row| {
            Ok(LogEntry {
                account: row.try_get("account")?,
                device: row.try_get("device")?,
                movie,
                at: unsigned(row, "at")?,
                event: row.try_get("event")?,
                code: row.try_get("code")?,
                position: row.try_get("position")?,
                counters: counters(row)?,
            })
        })
        .collect()
}

pub(super) async fn purge_log(tx: &mut Tx, before: u64) -> Result<()> {
    sqlx::query("DELETE FROM log WHERE at < $1").bind(int(before)).execute(&mut **tx).await?;
    Ok(())
}
