//! What a device's request is going to ask for, read in the round trip that begins its transaction.

use super::pending::{self, Write};
use super::{Db, DbRow, STATEMENTS_TOGETHER, Tx, account, devices, int, movie, unsigned};
use crate::store::{Account, Ahead, Device, Movie, Result, StoreError, Wants};
use sqlx::{AssertSqlSafe, Row as _};

/// An account, under names that no other table's columns have.
macro_rules! account_columns {
    () => {
        "a.id AS a_id, a.handle AS a_handle, a.email AS a_email, a.name AS a_name, a.plan AS a_plan, \
         a.disabled AS a_disabled, a.created AS a_created"
    };
}

macro_rules! plain_select {
    () => {
        concat!(
            "SELECT ",
            account_columns!(),
            ", d.* FROM devices d JOIN accounts a ON a.id = d.account WHERE d.id = $1 AND a.id = $2"
        )
    };
}

/// `others` are the leases that are left when those are gone which the device was given for other movies, and
/// of which nothing came.
macro_rules! movie_select {
    () => {
        concat!(
            "SELECT ",
            account_columns!(),
            ", d.*, m.id AS m_id, m.title AS m_title, m.year AS m_year, m.cast_names AS m_cast_names, \
             m.genres AS m_genres, m.series AS m_series, m.season AS m_season, m.episode AS m_episode, \
             m.synopsis AS m_synopsis, m.rating AS m_rating, m.runtime AS m_runtime, m.pack AS m_pack, \
             m.policy AS m_policy, m.plans AS m_plans, m.regions AS m_regions, m.license AS m_license, \
             m.available AS m_available, m.added AS m_added, m.changed AS m_changed, p.at AS first_play, \
             (l.ends > $4 AND l.stopped_by IS NULL) AS has_lease, \
             (SELECT count(*) FROM leases o WHERE o.account = a.id AND o.ends > $4 AND o.stopped_by IS NULL \
                AND NOT (o.device = d.id AND o.movie <> $3 AND NOT o.reported)) AS others \
             FROM devices d JOIN accounts a ON a.id = d.account LEFT JOIN movies m ON m.id = $3 \
             LEFT JOIN first_plays p ON p.account = a.id AND p.movie = $3 \
             LEFT JOIN leases l ON l.device = d.id AND l.movie = $3 WHERE d.id = $1 AND a.id = $2"
        )
    };
}

macro_rules! renewal_select {
    () => {
        concat!(
            "SELECT ",
            account_columns!(),
            ", d.*, s.account AS session_account, (SELECT string_agg(q.plans, ',') FROM \
               (SELECT DISTINCT plans FROM movies WHERE available = TRUE) q) AS movie_plans \
             FROM devices d JOIN accounts a ON a.id = d.account \
             LEFT JOIN sessions s ON s.id_hash = $3 AND s.secret_hash = $4 AND s.expires > $5 AND s.account = a.id \
             WHERE d.id = $1 AND a.id = $2"
        )
    };
}

/// What was read. It holds as long as nothing else was written.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) account: Account,
    pub(super) device: Device,
    /// The modulus of the device's RSA key.
    pub(super) rsa_modulus: Option<[u8; 256]>,
    pub(super) playing: Option<Playing>,
    pub(super) renewing: Option<Renewing>,
}

/// What a license asks for.
#[derive(Debug)]
pub(super) struct Playing {
    /// The movie's number.
    pub(super) number: u64,
    pub(super) movie: Option<Movie>,
    pub(super) first_play: Option<u64>,
    /// Whether the device has a lease of the movie that is alive.
    pub(super) has_lease: bool,
    /// Other leases of the account that are alive.
    pub(super) others: usize,
}

/// What a renewal asks for.
#[derive(Debug)]
pub(super) struct Renewing {
    /// The hashes of the session of the account that is alive, if it is.
    pub(super) session: Option<([u8; 32], [u8; 32])>,
    pub(super) movie_plans: Vec<Vec<String>>,
}

/// Begins a transaction that locks account and device, and reads; `None` where there is no such device of the
/// account.
pub(super) async fn begin(tx: &mut Tx, ahead: &Ahead<'_>) -> Result<Option<Known>> {
    if !STATEMENTS_TOGETHER {
        // The number is ours. What is read after it was locked holds: leases are given under this lock.
        let account = ahead.account;
        let sql = format!("BEGIN; SELECT 1 FROM accounts WHERE id = {account} FOR NO KEY UPDATE");
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut **tx).await?;
    }
    let query = match ahead.wants {
        Wants::Nothing => sqlx::query(opening!(plain_select!())),
        Wants::Movie(_) => sqlx::query(opening!(movie_select!())),
        Wants::Renewal { .. } => sqlx::query(opening!(renewal_select!())),
    };
    let row = bound(query, ahead).fetch_optional(&mut **tx).await?;
    row.map(|row| known(&row, ahead)).transpose()
}

/// Makes the writes of others, and reads as [`begin`] does, in the transaction that they have begun. Where an
/// engine takes statements together.
pub(super) async fn go_on(tx: &mut Tx, ahead: &Ahead<'_>, writes: &[Write]) -> Result<Option<Known>> {
    let mut sql = pending::together(writes);
    let parameters = sql.sql().as_str().matches('?').count();
    let select = match ahead.wants {
        Wants::Nothing => plain_select!(),
        Wants::Movie(_) => movie_select!(),
        Wants::Renewal { .. } => renewal_select!(),
    };
    sql.push(numbered_behind(select, parameters));
    let row = bound(sql.build(), ahead).fetch_optional(&mut **tx).await?;
    row.map(|row| known(&row, ahead)).transpose()
}

/// A statement whose parameters are numbered behind so many others.
fn numbered_behind(sql: &str, others: usize) -> String {
    let mut parts = sql.split('$');
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let digits = part.bytes().take_while(u8::is_ascii_digit).count();
        let (number, rest) = part.split_at(digits);
        let number = number.parse::<usize>().unwrap_or_default() + others;
        out.push_str(&format!("${number}{rest}"));
    }
    out
}

type Query<'q> = sqlx::query::Query<'q, Db, <Db as sqlx::Database>::Arguments>;

/// The parameters of the statements above.
fn bound<'q>(query: Query<'q>, ahead: &Ahead<'_>) -> Query<'q> {
    let query = query.bind(ahead.device).bind(ahead.account);
    match ahead.wants {
        Wants::Nothing => query,
        Wants::Movie(movie) => query.bind(int(movie)).bind(int(ahead.now)),
        Wants::Renewal { session } => {
            let (id, secret) = session.map_or((&[][..], &[][..]), |(id, secret)| (&id[..], &secret[..]));
            query.bind(id).bind(secret).bind(int(ahead.now))
        }
    }
}

fn known(row: &DbRow, ahead: &Ahead<'_>) -> Result<Known> {
    Ok(Known {
        account: account(row, "a_")?,
        device: devices::device(row)?,
        rsa_modulus: devices::modulus(row)?,
        playing: match ahead.wants {
            Wants::Movie(number) => Some(playing(row, number)?),
            _ => None,
        },
        renewing: match ahead.wants {
            Wants::Renewal { session } => Some(renewing(row, session)?),
            _ => None,
        },
    })
}

fn playing(row: &DbRow, number: u64) -> Result<Playing> {
    let is_there = row.try_get::<Option<i64>, _>("m_id")?.is_some();
    let first_play = row.try_get::<Option<i64>, _>("first_play")?.is_some();
    Ok(Playing {
        number,
        movie: if is_there { Some(movie(row, "m_")?) } else { None },
        first_play: if first_play { Some(unsigned(row, "first_play")?) } else { None },
        has_lease: row.try_get::<Option<bool>, _>("has_lease")?.unwrap_or(false),
        others: usize::try_from(row.try_get::<i64, _>("others")?)
            .map_err(|_| StoreError::Corrupt("leases"))?,
    })
}

fn renewing(row: &DbRow, session: Option<(&[u8; 32], &[u8; 32])>) -> Result<Renewing> {
    let is_alive = row.try_get::<Option<i64>, _>("session_account")?.is_some();
    let plans = row.try_get::<Option<String>, _>("movie_plans")?.unwrap_or_default();
    let plans = serde_json::from_str(&format!("[{plans}]"));
    Ok(Renewing {
        session: session.filter(|_| is_alive).map(|(id, secret)| (*id, *secret)),
        movie_plans: plans.map_err(|_| StoreError::Corrupt("plans"))?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_numbered_behind_others() {
        assert_eq!(numbered_behind("a = $1 AND b = $12 OR c = $1", 9), "a = $10 AND b = $21 OR c = $10");
        assert_eq!(numbered_behind("SELECT 1", 3), "SELECT 1");
        for select in [plain_select!(), movie_select!(), renewal_select!()] {
            assert_eq!(numbered_behind(select, 0), select);
        }
    }
}
