//! Writes that nothing waits for: they go to the database together, in one round trip, at the latest with the
//! commit.

use super::{Db, STATEMENTS_TOGETHER, Tx, int, to_json};
use crate::store::{AuditEntry, DeviceState, NewLease, Result, StoreError};
use sqlx::{QueryBuilder, Row as _};

/// One such write. What it changes no other write of the same round trip may change, since their order is the
/// engine's.
#[derive(Debug, Clone)]
pub(super) enum Write {
    /// [`Transaction::set_sequence`](crate::store::Transaction::set_sequence)
    Sequence { device: String, state: DeviceState },
    /// When an account first played a movie.
    FirstPlay { account: i64, movie: u64, at: u64 },
    /// A lease that was alive a moment ago goes on; if it ended meanwhile, the transaction runs again.
    KeepLease { device: String, movie: u64, now: u64, ends: u64, reported: bool },
    /// [`Transaction::drop_unreported_leases`](crate::store::Transaction::drop_unreported_leases)
    DropLeases { device: String, movie: u64 },
    /// [`Transaction::put_lease`](crate::store::Transaction::put_lease)
    PutLease { account: i64, device: String, movie: u64, now: u64, ends: u64, reported: bool },
    /// [`Transaction::audit`](crate::store::Transaction::audit)
    Audit(Box<AuditEntry>),
}

impl Write {
    pub(super) fn keep(lease: &NewLease<'_>) -> Self {
        let &NewLease { device, movie, now, ends, reported, .. } = lease;
        Self::KeepLease { device: device.to_owned(), movie, now, ends, reported }
    }

    pub(super) fn put(lease: &NewLease<'_>) -> Self {
        let &NewLease { account, device, movie, now, ends, reported } = lease;
        Self::PutLease { account, device: device.to_owned(), movie, now, ends, reported }
    }

    /// Whether both may go in one round trip.
    pub(super) fn goes_with(&self, other: &Self) -> bool {
        match (self, other) {
            // Their numbers are in the order of what happened.
            (Self::Audit(_), Self::Audit(_)) => STATEMENTS_TOGETHER,
            (Self::Audit(_), _) | (_, Self::Audit(_)) => true,
            // Of other movies and of this one. In one statement CockroachDB changes no table twice.
            (Self::DropLeases { .. }, Self::PutLease { .. }) => STATEMENTS_TOGETHER,
            (Self::Sequence { .. }, _) => !matches!(other, Self::Sequence { .. }),
            (Self::FirstPlay { .. }, _) => !matches!(other, Self::FirstPlay { .. }),
            _ => matches!(other, Self::Sequence { .. } | Self::FirstPlay { .. }),
        }
    }

    fn push_to(&self, sql: &mut QueryBuilder<Db>) {
        match self {
            Self::Sequence { device, state } => {
                sql.push("UPDATE devices SET highest = ").push_bind(int(state.window.highest()));
                sql.push(", seen = ").push_bind(state.window.seen().to_vec());
                sql.push(", last_seen = ").push_bind(int(state.last_seen));
                sql.push(", networks = ").push_bind(state.networks.to_octets());
                sql.push(", used_in = ").push_bind(state.used_in.clone().unwrap_or_default());
                sql.push(" WHERE id = ").push_bind(device.clone());
            }
            Self::FirstPlay { account, movie, at } => {
                sql.push("INSERT INTO first_plays (account, movie, at) VALUES (").push_bind(*account);
                sql.push(", ").push_bind(int(*movie));
                sql.push(", ").push_bind(int(*at)).push(") ON CONFLICT DO NOTHING");
            }
            Self::KeepLease { device, movie, now, ends, reported } => {
                sql.push("UPDATE leases SET ends = ").push_bind(int(*ends));
                sql.push(", reported = reported OR ").push_bind(*reported);
                sql.push(" WHERE device = ").push_bind(device.clone());
                sql.push(" AND movie = ").push_bind(int(*movie));
                sql.push(" AND ends > ").push_bind(int(*now)).push(" AND stopped_by IS NULL");
            }
            Self::DropLeases { device, movie } => {
                sql.push("DELETE FROM leases WHERE device = ").push_bind(device.clone());
                sql.push(" AND movie <> ").push_bind(int(*movie)).push(" AND NOT reported");
            }
            Self::PutLease { account, device, movie, now, ends, reported } => {
                sql.push("INSERT INTO leases (account, device, movie, began, ends, reported) VALUES (");
                sql.push_bind(*account).push(", ").push_bind(device.clone());
                for number in [*movie, *now, *ends] {
                    sql.push(", ").push_bind(int(number));
                }
                sql.push(", ").push_bind(*reported);
                sql.push(
                    ") ON CONFLICT (device, movie) DO UPDATE SET began = excluded.began, ends = excluded.ends, \
                     reported = excluded.reported, stopped_by = NULL",
                );
            }
            Self::Audit(entry) => {
                sql.push(
                    "INSERT INTO audit (at, actor, action, result, account, device, movie, network, details) VALUES (",
                );
                sql.push_bind(int(entry.at)).push(", ").push_bind(entry.actor.as_str());
                sql.push(", ").push_bind(entry.action.clone());
                sql.push(", ").push_bind(entry.result.clone());
                sql.push(", ").push_bind(entry.account);
                sql.push(", ").push_bind(entry.device.clone());
                sql.push(", ").push_bind(entry.movie.map(int));
                sql.push(", ").push_bind(entry.network.clone());
                sql.push(", ").push_bind(to_json(&entry.details)).push(")");
            }
        }
    }
}

/// The writes as statements one behind the other, each with a semicolon after it.
pub(super) fn together(writes: &[Write]) -> QueryBuilder<Db> {
    let mut sql = QueryBuilder::<Db>::new("");
    for write in writes {
        write.push_to(&mut sql);
        sql.push("; ");
    }
    sql
}

/// Does the writes in one round trip, and perhaps commits.
///
/// # Errors
/// Of the engine; [`StoreError::Contended`] where a lease was not alive any more.
pub(super) async fn flush(tx: &mut Tx, writes: &[Write], commit: bool) -> Result<()> {
    if STATEMENTS_TOGETHER {
        let mut sql = together(writes);
        sql.push(if commit { "COMMIT" } else { "" });
        sql.build().execute(&mut **tx).await?;
        return Ok(());
    }
    if !writes.is_empty() {
        let mut sql = QueryBuilder::<Db>::new("WITH ");
        let mut kept = Vec::new();
        for (n, write) in writes.iter().enumerate() {
            sql.push(if n == 0 { "w" } else { ", w" }).push(n).push(" AS (");
            write.push_to(&mut sql);
            sql.push(" RETURNING 1)");
            if matches!(write, Write::KeepLease { .. }) {
                kept.push(n);
            }
        }
        sql.push(" SELECT 0");
        for n in &kept {
            sql.push(" + (SELECT count(*) FROM w").push(n).push(")");
        }
        sql.push(" AS kept");
        let row = sql.build().fetch_one(&mut **tx).await?;
        // A page that went away ends its lease without the account's lock.
        if !kept.is_empty() && row.try_get::<i64, _>("kept")? < kept.len() as i64 {
            return Err(StoreError::Contended);
        }
    }
    if commit {
        plain!("COMMIT").execute(&mut **tx).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Where writes are one statement, no two of them change a table, but for rows that are only added:
    /// CockroachDB refuses that.
    #[test]
    fn one_statement_changes_no_table_twice() {
        let (device, movie) = ("d".to_owned(), 1);
        let drop = Write::DropLeases { device: device.clone(), movie };
        let put =
            Write::PutLease { account: 1, device: device.clone(), movie, now: 1, ends: 2, reported: false };
        let keep = Write::KeepLease { device, movie, now: 1, ends: 2, reported: false };
        assert_eq!(drop.goes_with(&put), STATEMENTS_TOGETHER);
        for (one, other) in [(&put, &drop), (&put, &keep), (&keep, &put), (&drop, &keep), (&put, &put)] {
            assert!(!one.goes_with(other), "{one:?} {other:?}");
        }
        let first = Write::FirstPlay { account: 1, movie, at: 1 };
        assert!(first.goes_with(&put) && put.goes_with(&first) && !first.goes_with(&first));
    }
}
