//! `matinee audit`, and how commands that change files get into it.

use super::{block_on, open, open_existing};
use crate::args::Audit;
use crate::{Failure, output};
use serde_json::{Map, Value};
use server::store::{Actor, AuditEntry, AuditFilter, Audited, Store};
use server::{Config, accounts};
use std::io::Write as _;
use std::time::SystemTime;

/// Entries that are read at once.
const PAGE: u32 = 1000;

/// Prints what was asked for, page by page: there may be very many.
pub(crate) fn run(config: &Config, audit: Audit) -> Result<(), Failure> {
    let Audit { account, device, movie, since, json } = audit;
    block_on(async {
        let store = open_existing(config).await?;
        let account = match account {
            Some(email) => Some(accounts::find(&*store, &email).await?.id),
            None => None,
        };
        let since = since.and_then(|since| since.duration_since(SystemTime::UNIX_EPOCH).ok());
        let mut filter = AuditFilter {
            account,
            device: device.map(|device| device.to_string()),
            movie: movie.map(nccp::MovieId::get),
            since: since.map(|since| since.as_secs()),
            after: i64::MIN,
            most: PAGE,
        };
        loop {
            let page = read(&*store, &filter).await?;
            let Some(last) = page.last() else { break };
            filter.after = last.id;
            page.iter().try_for_each(|entry| print(entry, json))?;
        }
        store.close().await;
        Ok(())
    })
}

async fn read(store: &dyn Store, filter: &AuditFilter) -> Result<Vec<Audited>, Failure> {
    let failed = |error| Failure::from(server::Error::from(error));
    store.read().await.map_err(failed)?.audited(filter).await.map_err(failed)
}

fn print(audited: &Audited, json: bool) -> Result<(), Failure> {
    if json {
        let text = serde_json::to_string(audited).map_err(|e| Failure::Command(e.to_string()))?;
        return output::line(&text);
    }
    let AuditEntry { at, actor, action, result, device, movie, network, details, .. } = &audited.entry;
    let who = match (actor, &audited.email, audited.entry.account) {
        (_, Some(email), _) => email.clone(),
        (_, None, Some(account)) => format!("account {account}"),
        (Actor::Operator, None, None) => "-".to_owned(),
        (Actor::Client, None, None) => "unknown".to_owned(),
    };
    let mut words = vec![output::time(*at), actor.as_str().to_owned(), action.clone(), result.clone(), who];
    words.extend(device.clone());
    words.extend(movie.map(|movie| format!("movie {movie}")));
    words.extend(network.clone());
    words.extend(details.iter().map(|(name, value)| format!("{name}={}", text_of(value))));
    // What devices say of themselves must not become lines of their own.
    output::line(&words.join("  ").replace(char::is_control, " "))
}

fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(values) => values.iter().map(text_of).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    }
}

/// Changes files, and writes that down: that it begins, so that no change goes without an entry, and what
/// came of it. (One transaction around both would hold up a running server as long as keys are made.) Where
/// the database cannot be reached the change is made nevertheless, because it may be urgent; the operator is
/// told.
pub(crate) fn audited<T>(
    config: &Config,
    entry: AuditEntry,
    change: impl FnOnce() -> Result<T, Failure>,
) -> Result<T, Failure> {
    write(config, entry.clone().result("begun"));
    let changed = change();
    write(config, if changed.is_ok() { entry } else { entry.result("failed") });
    changed
}

fn write(config: &Config, entry: AuditEntry) {
    let written = block_on(async {
        let store = open(config).await?;
        let failed = |error| Failure::from(server::Error::from(error));
        let mut tx = store.begin().await.map_err(failed)?;
        tx.audit(&entry).await.map_err(failed)?;
        tx.commit().await.map_err(failed)?;
        store.close().await;
        Ok(())
    });
    if let Err(failure) = written {
        let _ = writeln!(std::io::stderr(), "matinee: not in the audit log: {failure}");
    }
}

/// An entry of a command, with what it was told.
pub(crate) fn entry<const N: usize>(command: &str, details: [(&str, Value); N]) -> AuditEntry {
    let entry = AuditEntry::operator(command);
    let told: Map<_, _> = details.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    let details = entry.details.into_iter().chain(told).collect();
    AuditEntry { details, ..entry }
}
