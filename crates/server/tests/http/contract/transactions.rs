//! What a transaction is: whole or not at all, one moment, one after another.

use super::{account, new_device};
use server::store::{Slot, Store, StoreError};
use std::sync::Arc;

pub(super) async fn requests(store: &dyn Store) {
    let mut tx = store.begin().await.unwrap();
    assert!(tx.first_seen(&[1; 32], 700).await.unwrap());
    assert!(tx.first_seen(&[2; 32], 800).await.unwrap());
    assert!(!tx.first_seen(&[1; 32], 900).await.unwrap());
    tx.commit().await.unwrap();
    let mut tx = store.begin().await.unwrap();
    tx.purge(700, 0).await.unwrap();
    assert!(tx.first_seen(&[1; 32], 900).await.unwrap(), "it was forgotten");
    assert!(!tx.first_seen(&[2; 32], 900).await.unwrap());
    tx.commit().await.unwrap();
}

pub(super) async fn savepoints(store: &dyn Store) {
    let mut tx = store.begin().await.unwrap();
    tx.add_account("a-1", "one@example.org", "h", "p", 1).await.unwrap();
    tx.savepoint().await.unwrap();
    tx.add_account("a-2", "two@example.org", "h", "p", 1).await.unwrap();
    tx.roll_back().await.unwrap();
    tx.savepoint().await.unwrap();
    tx.add_account("a-3", "three@example.org", "h", "p", 1).await.unwrap();
    tx.release().await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = store.begin().await.unwrap();
    assert!(tx.account_by_email("one@example.org").await.unwrap().is_some());
    assert!(tx.account_by_email("two@example.org").await.unwrap().is_none());
    assert!(tx.account_by_email("three@example.org").await.unwrap().is_some());
    tx.add_account("a-4", "four@example.org", "h", "p", 1).await.unwrap();
    drop(tx);
    let mut tx = store.read().await.unwrap();
    assert!(tx.account_by_email("four@example.org").await.unwrap().is_none(), "dropped without commit");
}

pub(super) async fn readers_see_one_moment(store: &dyn Store) {
    let mut reader = store.read().await.unwrap();
    let before = reader.accounts().await.unwrap().len();
    account(store, "late").await;
    assert_eq!(reader.accounts().await.unwrap().len(), before);
    let mut now = store.read().await.unwrap();
    assert_eq!(now.accounts().await.unwrap().len(), before + 1);
}

/// A36, A45: of many that send the same number at once, one is heard.
pub(super) async fn windows_are_marked_once(store: Arc<dyn Store>) {
    let account = account(&*store, "wendy").await;
    let mut tx = store.begin().await.unwrap();
    tx.add_device(&new_device(account, 1), 6).await.unwrap();
    tx.commit().await.unwrap();
    let tasks: Vec<_> = (0..50u64)
        .map(|n| {
            let store = Arc::clone(&store);
            let id = format!("d-{account}-1");
            tokio::spawn(async move {
                server::retried!(async {
                    let mut tx = store.begin().await?;
                    let mut device = tx.lock_device(&id).await?.unwrap();
                    let heard = device.window.accept(100 + n % 10);
                    tx.set_sequence(&id, &device.state(1)).await?;
                    tx.commit().await?;
                    Ok::<_, StoreError>(heard)
                })
                .unwrap()
            })
        })
        .collect();
    let mut heard = 0;
    for task in tasks {
        heard += u32::from(task.await.unwrap());
    }
    assert_eq!(heard, 10);
}

/// A49: a thousand racing registrations give exactly six.
pub(super) async fn thousand_registrations(store: Arc<dyn Store>) {
    let account = account(&*store, "dora").await;
    let tasks: Vec<_> = (0..1000)
        .map(|n| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                server::retried!(async {
                    let mut tx = store.begin().await?;
                    let slot = tx.add_device(&new_device(account, n), 6).await?;
                    tx.commit().await?;
                    Ok::<_, StoreError>(slot)
                })
                .unwrap()
            })
        })
        .collect();
    let mut taken = Vec::new();
    for task in tasks {
        if let Slot::Taken(slot) = task.await.unwrap() {
            taken.push(slot);
        }
    }
    taken.sort_unstable();
    assert_eq!(taken, [1, 2, 3, 4, 5, 6]);
    let mut tx = store.read().await.unwrap();
    assert_eq!(tx.devices(account).await.unwrap().len(), 6);
}
