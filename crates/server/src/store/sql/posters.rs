//! Posters that movies were given after they were packaged.

use super::{DbRow, Tx, int, unsigned};
use crate::store::{NewPoster, Poster, Result, StoreError};
use sqlx::Row as _;

fn poster(row: &DbRow) -> Result<Poster> {
    let pixels = |column| u32::try_from(unsigned(row, column)?).map_err(|_| StoreError::Corrupt("posters"));
    Ok(Poster { name: row.try_get("name")?, width: pixels("width")?, height: pixels("height")? })
}

pub(super) async fn set(tx: &mut Tx, movie: u64, new: &NewPoster<'_>) -> Result<()> {
    sqlx::query(
        "INSERT INTO posters (movie, name, width, height, octets) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (movie) DO UPDATE SET name = excluded.name, width = excluded.width, height = excluded.height,
           octets = excluded.octets",
    )
    .bind(int(movie))
    .bind(&new.poster.name)
    .bind(i64::from(new.poster.width))
    .bind(i64::from(new.poster.height))
    .bind(new.octets)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

pub(super) async fn remove(tx: &mut Tx, movie: u64) -> Result<bool> {
    let done =
        sqlx::query("DELETE FROM posters WHERE movie = $1").bind(int(movie)).execute(&mut **tx).await?;
    Ok(done.rows_affected() > 0)
}

pub(super) async fn of_movie(tx: &mut Tx, movie: u64) -> Result<Option<Poster>> {
    let row = sqlx::query("SELECT name, width, height FROM posters WHERE movie = $1")
        .bind(int(movie))
        .fetch_optional(&mut **tx)
        .await?;
    row.as_ref().map(poster).transpose()
}

pub(super) async fn all(tx: &mut Tx) -> Result<Vec<(u64, Poster)>> {
    let rows = sqlx::query("SELECT movie, name, width, height FROM posters").fetch_all(&mut **tx).await?;
    rows.iter().map(|row| Ok((unsigned(row, "movie")?, poster(row)?))).collect()
}

pub(super) async fn file(tx: &mut Tx, name: &str) -> Result<Option<Vec<u8>>> {
    let row = sqlx::query("SELECT octets FROM posters WHERE name = $1 LIMIT 1")
        .bind(name)
        .fetch_optional(&mut **tx)
        .await?;
    row.map(|row| Ok(row.try_get("octets")?)).transpose()
}
