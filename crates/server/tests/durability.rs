//! `kill -9` in the middle of writes: what was acknowledged is there, on both engines.
#![allow(clippy::unwrap_used)]

#[path = "http/contract/postgres.rs"]
mod postgres;

use postgres::Postgres;
use server::store::{LogEntry, PostgresStore, SqliteStore, Store, Viewing, retried};
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

const WRITER: &str = "MATINEE_TEST_WRITER";

fn rounds() -> u32 {
    if std::env::var_os("MATINEE_SOAK").is_some() { 50 } else { 10 }
}

async fn open(target: &str) -> Arc<dyn Store> {
    match target.strip_prefix("sqlite:") {
        Some(path) => Arc::new(SqliteStore::open(Path::new(path)).await.unwrap()),
        None => Arc::new(PostgresStore::open(target, 8).await.unwrap()),
    }
}

/// The process that is killed: writes as fast as it can, and says what was committed. It does nothing unless
/// a test started it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writer() {
    let Ok(target) = std::env::var(WRITER) else { return };
    let (target, round) = target.rsplit_once('#').unwrap();
    let (store, round) = (open(target).await, round.parse::<u64>().unwrap());
    let tasks = (0..4u64).map(|task| {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            for n in 0u64.. {
                let mark = format!("{round}-{task}-{n}");
                let email = format!("{mark}@example.org");
                let written = retried!(async {
                    let mut tx = store.begin().await?;
                    let account = tx.add_account(&mark, &email, "hash", "unlimited", 1).await?;
                    // Several rows that belong together: all or none.
                    let viewing = Viewing { started: n, seen: n, position: 1.5, finished: false };
                    tx.record_viewing(account.id, 1, &viewing, 0).await?;
                    let entry = LogEntry {
                        account: account.id,
                        device: None,
                        movie: 1,
                        at: n,
                        event: mark.clone(),
                        code: None,
                        position: None,
                        counters: vec![],
                    };
                    tx.log(&entry).await?;
                    tx.commit().await
                });
                match written {
                    Ok(()) => println!("ack {mark}"),
                    // The database was killed first.
                    Err(_) => return,
                }
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap();
    }
}

/// Starts a writer, kills it (and what `strike` kills) after a number of acknowledgements that differs each
/// round, and gives the marks that it acknowledged.
async fn killed(target: &str, round: u32, strike: impl AsyncFnOnce()) -> Vec<String> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["writer", "--exact", "--nocapture"])
        .env(WRITER, format!("{target}#{round}"))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut acknowledged = Vec::new();
    let mut read = |acknowledged: &mut Vec<String>| match lines.next() {
        Some(Ok(line)) => {
            // The test harness prints before the first acknowledgement, on the same line.
            if let Some((_, mark)) = line.split_once("ack ") {
                acknowledged.push(mark.to_owned());
            }
            true
        }
        _ => false,
    };
    while acknowledged.len() < (20 + 37 * round % 101) as usize {
        assert!(read(&mut acknowledged), "the writer ended by itself");
    }
    strike().await;
    child.kill().unwrap();
    child.wait().unwrap();
    // What it had said before it died counts too.
    while read(&mut acknowledged) {}
    acknowledged
}

/// Everything acknowledged is there, and nothing is there by half.
async fn check(store: &dyn Store, acknowledged: &[String]) {
    let mut tx = store.read().await.unwrap();
    let accounts = tx.accounts().await.unwrap();
    let log = tx.movie_log(1).await.unwrap();
    assert_eq!(accounts.len(), log.len(), "half a transaction");
    let marks: std::collections::HashSet<_> = log.iter().map(|entry| entry.event.as_str()).collect();
    for mark in acknowledged {
        assert!(marks.contains(mark.as_str()), "{mark} was acknowledged and is gone");
    }
    let last = accounts.last().unwrap();
    assert_eq!(tx.viewings(last.id, 1, 10).await.unwrap().len(), 1, "half a transaction");
}

async fn prepare(store: &dyn Store) {
    let mut tx = store.begin().await.unwrap();
    let movie = server::store::NewMovie::new(1, "Film", "p", 60.0, "24h");
    tx.put_movie(&movie, 1).await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn sqlite_keeps_what_it_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("matinee.db");
    let store = SqliteStore::open(&path).await.unwrap();
    prepare(&store).await;
    store.close().await;
    let mut acknowledged = Vec::new();
    for round in 0..rounds() {
        acknowledged.extend(killed(&format!("sqlite:{}", path.display()), round, async || ()).await);
        let store = SqliteStore::open(&path).await.unwrap();
        check(&store, &acknowledged).await;
        store.close().await;
    }
    println!("{} rounds, {} acknowledged", rounds(), acknowledged.len());
}

/// Here the database is killed as well, in every second round before its client.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_keeps_what_it_acknowledged() {
    let Some(mut server) = Postgres::start().await else { return };
    prepare(&server.store().await).await;
    let mut acknowledged = Vec::new();
    for round in 0..rounds() {
        let url = server.url();
        let strike = async || {
            if round % 2 == 1 {
                server.kill_and_restart().await;
            }
        };
        acknowledged.extend(killed(&url, round, strike).await);
        if round % 2 == 0 {
            server.kill_and_restart().await;
        }
        let store = server.store().await;
        check(&store, &acknowledged).await;
        store.close().await;
    }
    println!("{} rounds, {} acknowledged", rounds(), acknowledged.len());
}
