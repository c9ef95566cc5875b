//! What accounts think of movies.

use super::{Tx, int, unsigned};
use crate::store::{Result, VoteCount};
use sqlx::Row as _;

/// In place of what the account said before; `None` takes that back.
pub(super) async fn set(tx: &mut Tx, account: i64, movie: u64, liked: Option<bool>, now: u64) -> Result<()> {
    let query = match liked {
        Some(liked) => sqlx::query(
            "INSERT INTO votes (account, movie, liked, at) VALUES ($1, $2, $3, $4)
             ON CONFLICT (account, movie) DO UPDATE SET liked = excluded.liked, at = excluded.at",
        )
        .bind(account)
        .bind(int(movie))
        .bind(liked)
        .bind(int(now)),
        None => {
            sqlx::query("DELETE FROM votes WHERE account = $1 AND movie = $2").bind(account).bind(int(movie))
        }
    };
    query.execute(&mut **tx).await?;
    Ok(())
}

pub(super) async fn of_account(tx: &mut Tx, account: i64) -> Result<Vec<(u64, bool)>> {
    let rows = sqlx::query("SELECT movie, liked FROM votes WHERE account = $1 ORDER BY movie")
        .bind(account)
        .fetch_all(&mut **tx)
        .await?;
    rows.iter().map(|row| Ok((unsigned(row, "movie")?, row.try_get("liked")?))).collect()
}

pub(super) async fn one(tx: &mut Tx, account: i64, movie: u64) -> Result<Option<bool>> {
    let row = sqlx::query("SELECT liked FROM votes WHERE account = $1 AND movie = $2")
        .bind(account)
        .bind(int(movie))
        .fetch_optional(&mut **tx)
        .await?;
    row.map(|row| Ok(row.try_get("liked")?)).transpose()
}

/// From the index alone.
pub(super) async fn counts(tx: &mut Tx, least: u64) -> Result<Vec<VoteCount>> {
    let rows = sqlx::query(
        "SELECT movie, COUNT(*) AS votes, SUM(CASE WHEN liked = TRUE THEN 1 ELSE 0 END) AS likes FROM votes
         GROUP BY movie HAVING COUNT(*) >= $1 ORDER BY movie",
    )
    .bind(int(least))
    .fetch_all(&mut **tx)
    .await?;
    rows.iter()
        .map(|row| {
            Ok(VoteCount {
                movie: unsigned(row, "movie")?,
                votes: unsigned(row, "votes")?,
                likes: unsigned(row, "likes")?,
            })
        })
        .collect()
}
