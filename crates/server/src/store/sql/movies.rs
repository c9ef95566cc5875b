//! Movies, and the accounts' lists of them.

use super::{Tx, int, json, movie, shares, to_json, unsigned};
use crate::store::{Movie, NewMovie, Result};

/// Inserts a movie, and does this where there is one of its number.
macro_rules! insert {
    ($on_conflict:literal) => {
        concat!(
            "INSERT INTO movies (id, title, year, cast_names, synopsis, rating, runtime, pack, policy, plans,
               regions, license, added, changed, genres, series, season, episode)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $13, $14, $15, $16, $17)
             ON CONFLICT (id) ",
            $on_conflict
        )
    };
}

/// Whether there was none of its number. One that another transaction adds is waited for.
pub(super) async fn add(tx: &mut Tx, movie: &NewMovie, now: u64) -> Result<bool> {
    Ok(write(tx, insert!("DO NOTHING"), movie, now).await? > 0)
}

pub(super) async fn put(tx: &mut Tx, movie: &NewMovie, now: u64) -> Result<()> {
    let sql = insert!(
        "DO UPDATE SET title = excluded.title, year = excluded.year,
           cast_names = excluded.cast_names, synopsis = excluded.synopsis, rating = excluded.rating,
           runtime = excluded.runtime, pack = excluded.pack, policy = excluded.policy, plans = excluded.plans,
           regions = excluded.regions, license = excluded.license, changed = excluded.changed,
           genres = excluded.genres, series = excluded.series, season = excluded.season,
           episode = excluded.episode, available = TRUE"
    );
    write(tx, sql, movie, now).await?;
    Ok(())
}

/// How many rows were written.
async fn write(tx: &mut Tx, sql: &'static str, movie: &NewMovie, now: u64) -> Result<u64> {
    let done = sqlx::query(sql)
        .bind(int(movie.id))
        .bind(&movie.title)
        .bind(movie.year.map(i64::from))
        .bind(to_json(&movie.cast))
        .bind(&movie.synopsis)
        .bind(&movie.rating)
        .bind(movie.runtime)
        .bind(&movie.pack)
        .bind(&movie.policy)
        .bind(to_json(&movie.plans))
        .bind(to_json(&movie.regions))
        .bind(movie.license.to_string())
        .bind(int(now))
        .bind(to_json(&movie.genres))
        .bind(movie.episode.as_ref().map(|of| of.series.as_str()))
        .bind(movie.episode.as_ref().map(|of| i64::from(of.season)))
        .bind(movie.episode.as_ref().map(|of| i64::from(of.number)))
        .execute(&mut **tx)
        .await?;
    Ok(done.rows_affected())
}

pub(super) async fn by_id(tx: &mut Tx, id: u64) -> Result<Option<Movie>> {
    let row =
        sqlx::query("SELECT * FROM movies WHERE id = $1").bind(int(id)).fetch_optional(&mut **tx).await?;
    row.as_ref().map(|row| movie(row, "")).transpose()
}

/// As [`by_id`]; others wait who would change it.
pub(super) async fn lock(tx: &mut Tx, id: u64) -> Result<Option<Movie>> {
    let row = sqlx::query(locked!("SELECT * FROM movies WHERE id = $1"))
        .bind(int(id))
        .fetch_optional(&mut **tx)
        .await?;
    row.as_ref().map(|row| movie(row, "")).transpose()
}

pub(super) async fn all(tx: &mut Tx) -> Result<Vec<Movie>> {
    let rows = sqlx::query("SELECT * FROM movies ORDER BY title, id").fetch_all(&mut **tx).await?;
    rows.iter().map(|row| movie(row, "")).collect()
}

/// The plans that films which can be played are for.
pub(super) async fn plans(tx: &mut Tx) -> Result<Vec<Vec<String>>> {
    let rows =
        sqlx::query("SELECT DISTINCT plans FROM movies WHERE available = TRUE").fetch_all(&mut **tx).await?;
    rows.iter().map(|row| json(row, "plans")).collect()
}

pub(super) async fn remove(tx: &mut Tx, id: u64) -> Result<bool> {
    let done = sqlx::query("DELETE FROM movies WHERE id = $1").bind(int(id)).execute(&mut **tx).await?;
    if done.rows_affected() == 0 {
        return Ok(false);
    }
    shares::end_of_movie(tx, id).await?;
    // One that was given again by name may be removed again.
    sqlx::query("INSERT INTO removed_movies (id) VALUES ($1) ON CONFLICT DO NOTHING")
        .bind(int(id))
        .execute(&mut **tx)
        .await?;
    Ok(true)
}

pub(super) async fn removed(tx: &mut Tx) -> Result<Vec<u64>> {
    let rows = sqlx::query("SELECT id FROM removed_movies").fetch_all(&mut **tx).await?;
    rows.iter().map(|row| unsigned(row, "id")).collect()
}

pub(super) async fn queue(tx: &mut Tx, account: i64) -> Result<Vec<Movie>> {
    let rows = sqlx::query(
        "SELECT m.* FROM queue q JOIN movies m ON m.id = q.movie WHERE q.account = $1 ORDER BY q.added, m.id",
    )
    .bind(account)
    .fetch_all(&mut **tx)
    .await?;
    rows.iter().map(|row| movie(row, "")).collect()
}

pub(super) async fn set_queued(tx: &mut Tx, account: i64, movie: u64, queued: bool, now: u64) -> Result<()> {
    if queued {
        sqlx::query("INSERT INTO queue (account, movie, added) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING")
            .bind(account)
            .bind(int(movie))
            .bind(int(now))
            .execute(&mut **tx)
            .await?;
    } else {
        sqlx::query("DELETE FROM queue WHERE account = $1 AND movie = $2")
            .bind(account)
            .bind(int(movie))
            .execute(&mut **tx)
            .await?;
    }
    Ok(())
}
