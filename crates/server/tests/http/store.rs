//! The engines, held to the store's contract.

use super::contract::{self, GivenUp, postgres::Postgres};
use license::KeyLevel;
use metrics_exporter_prometheus::PrometheusBuilder;
use server::store::{NewDevice, PostgresStore, SqliteStore, Store, StoreError};
use std::sync::Arc;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_keeps_the_contract() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("matinee.db");
    contract::run(Arc::new(SqliteStore::open(&path).await.unwrap())).await;
    // Reopening an existing database runs no migration twice and finds what was there.
    let again = SqliteStore::open(&path).await.unwrap();
    assert!(again.read().await.unwrap().accounts().await.unwrap().len() > 3);
    again.close().await;
    two_devices_cannot_share_a_key(&again_at(&path).await).await;
}

/// Those that wait for SQLite's writer are committed together, whoever is given up among them. What is
/// counted shows that they are.
#[tokio::test]
async fn waiting_transactions_of_sqlite_are_committed_together() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let handle = recorder.handle();
    let _guard = metrics::set_default_local_recorder(&recorder);
    let joined = || {
        let counted = handle.render();
        let mut lines = counted.lines();
        let number = lines.find_map(|line| line.strip_prefix("matinee_transactions_joined_total "));
        number.map_or(0, |number| number.parse::<u64>().unwrap())
    };
    let folder = tempfile::tempdir().unwrap();
    let store = async |name: &str| {
        let store: Arc<dyn Store> = Arc::new(again_at(&folder.path().join(name)).await);
        store
    };
    for (name, given_up, expected) in
        [("a", GivenUp::Reader, 0), ("b", GivenUp::Writer, 0), ("c", GivenUp::Ended, 2)]
    {
        contract::given_up_among_others(store(name).await, given_up).await;
        assert_eq!(joined(), expected, "{given_up:?}");
    }
    contract::many_that_end_at_once(store("d").await).await;
    assert!(joined() >= 4, "{}", joined());
}

async fn again_at(path: &std::path::Path) -> SqliteStore {
    SqliteStore::open(path).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_keeps_the_contract() {
    let Some(server) = Postgres::start().await else { return };
    contract::run(Arc::new(server.store().await)).await;
    let again = server.store().await;
    assert!(again.read().await.unwrap().accounts().await.unwrap().len() > 3);
    two_devices_cannot_share_a_key(&again).await;
    a_deadlock_ends_for_both(&server).await;
    a_newer_schema_is_borne(&server).await;
}

/// Where an engine knows only SERIALIZABLE, as CockroachDB does, transactions are refused with 40001 and run
/// again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn serializable_engines_keep_the_contract() {
    let Some(server) = Postgres::start().await else { return };
    let url = format!("{}&options[default_transaction_isolation]=serializable", server.url());
    contract::run(Arc::new(PostgresStore::open(&url, 16).await.unwrap())).await;
}

/// A49: the database itself refuses a second device with a key, whatever code asks.
async fn two_devices_cannot_share_a_key(store: &dyn Store) {
    let mut tx = store.begin().await.unwrap();
    let account = tx.add_account("a-k", "k@example.org", "h", "unlimited", 1).await.unwrap().id;
    let device = NewDevice {
        id: "d-k1".into(),
        account,
        signing_key: vec![2; 33],
        level: KeyLevel::Webcrypto,
        kind: "browser".into(),
        name: String::new(),
        machine: String::new(),
        browser_hash: None,
        sequence: 1,
        registered: 1,
        country: None,
        replaced: 0,
    };
    tx.add_device(&device, 6).await.unwrap();
    let twin = NewDevice { id: "d-k2".into(), ..device };
    assert!(matches!(tx.add_device(&twin, 6).await, Err(StoreError::Exists)));
}

/// Two that lock the same accounts in opposite order: the engine ends one, which then runs again.
async fn a_deadlock_ends_for_both(server: &Postgres) {
    let store = Arc::new(server.store().await);
    let mut tx = store.begin().await.unwrap();
    let a = tx.add_account("a-d1", "d1@example.org", "h", "p", 1).await.unwrap().id;
    let b = tx.add_account("a-d2", "d2@example.org", "h", "p", 1).await.unwrap().id;
    tx.commit().await.unwrap();
    let meet = Arc::new(tokio::sync::Barrier::new(2));
    let run = |first, second, store: Arc<PostgresStore>, meet: Arc<tokio::sync::Barrier>| async move {
        let mut retries = server::store::Retries::default();
        let mut runs = 0;
        loop {
            runs += 1;
            let attempt = async {
                let mut tx = store.begin().await?;
                tx.lock_account(first).await?;
                if runs == 1 {
                    meet.wait().await;
                }
                tx.lock_account(second).await?;
                tx.commit().await
            };
            match attempt.await {
                Ok(()) => break runs,
                Err(error) => assert!(retries.again(&error).await, "{error}"),
            }
        }
    };
    let one = tokio::spawn(run(a, b, Arc::clone(&store), Arc::clone(&meet)));
    let other = tokio::spawn(run(b, a, Arc::clone(&store), meet));
    // The engine may end both before either is through.
    assert!(one.await.unwrap() + other.await.unwrap() > 2, "one of them ran again");
}

/// A newer program that migrates beside a running server changes what its prepared statements give: they are
/// prepared anew, on every connection.
async fn a_newer_schema_is_borne(server: &Postgres) {
    let store = server.store().await;
    let mut open = Vec::new();
    for _ in 0..4 {
        let mut tx = store.read().await.unwrap();
        tx.shares().await.unwrap();
        open.push(tx);
    }
    drop(open);
    let newer = sqlx::PgPool::connect(&server.url()).await.unwrap();
    sqlx::raw_sql("ALTER TABLE shares ADD COLUMN newer BIGINT").execute(&newer).await.unwrap();
    newer.close().await;
    for run in 0..8 {
        let read = server::store::retried!(async { store.read().await?.shares().await });
        assert!(read.is_ok(), "{run}: {read:?}");
    }
}
