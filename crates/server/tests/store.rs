//! The engines, held to the store's contract.
#![allow(clippy::unwrap_used)]

mod contract;

use server::store::{NewDevice, SqliteStore, Store, StoreError};
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
}

/// A49: the database itself refuses a second device in a slot, whatever code asks.
#[tokio::test]
async fn two_devices_cannot_share_a_key() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&folder.path().join("matinee.db")).await.unwrap();
    let mut tx = store.begin().await.unwrap();
    let account = tx.add_account("a-1", "a@example.org", "h", "unlimited", 1).await.unwrap().id;
    let device = NewDevice {
        id: "d-1".into(),
        account,
        signing_key: vec![2; 33],
        level: 2,
        kind: "browser".into(),
        name: String::new(),
        machine: String::new(),
        browser_hash: None,
        sequence: 1,
        registered: 1,
        replaced: 0,
    };
    tx.add_device(&device, 6).await.unwrap();
    let twin = NewDevice { id: "d-2".into(), ..device };
    assert!(matches!(tx.add_device(&twin, 6).await, Err(StoreError::Exists)));
}
