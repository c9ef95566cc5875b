//! Leases: how many play at once.

use super::{account, new_device};
use server::store::{NewLease, Store, StoreError};
use std::sync::Arc;

/// What plays: kept by reports, ended, or stopped for another device.
pub(super) async fn leases(store: &dyn Store) {
    let account = account(store, "lena").await;
    let mut tx = store.begin().await.unwrap();
    for n in 1..=3 {
        tx.add_device(&new_device(account, n), 6).await.unwrap();
    }
    let devices = [1, 2, 3].map(|n| format!("d-{account}-{n}"));
    let [one, two, three] = devices.each_ref().map(String::as_str);
    let lease = |device, movie, now, ends, reported| NewLease { account, device, movie, now, ends, reported };
    assert!(!tx.keep_lease(&lease(one, 7, 100, 280, true)).await.unwrap(), "there is none");
    tx.put_lease(&lease(two, 7, 101, 281, false)).await.unwrap();
    tx.put_lease(&lease(one, 7, 100, 280, false)).await.unwrap();
    let alive = tx.leases(account, 110).await.unwrap();
    let seen: Vec<_> = alive.iter().map(|l| (l.device.as_str(), l.name.as_str(), l.began, l.ends)).collect();
    assert_eq!(seen, [(one, "Browser 1", 100, 280), (two, "Browser 2", 101, 281)]);
    assert!(tx.leases(account + 1, 110).await.unwrap().is_empty());
    assert!(tx.keep_lease(&lease(one, 7, 279, 400, true)).await.unwrap());
    assert!(!tx.keep_lease(&lease(two, 7, 281, 400, true)).await.unwrap(), "it is over");
    assert_eq!(tx.leases(account, 281).await.unwrap().len(), 1);
    tx.end_lease(one, 7, 300).await.unwrap();
    assert!(tx.leases(account, 300).await.unwrap().is_empty());
    assert_eq!(tx.stopped_by(one, 7, 0).await.unwrap(), None);

    for (device, movie) in [(one, 7), (one, 8), (two, 7)] {
        tx.put_lease(&lease(device, movie, 500, 700, false)).await.unwrap();
    }
    assert!(tx.keep_lease(&lease(one, 7, 510, 710, true)).await.unwrap());
    tx.drop_unreported_leases(one, 9).await.unwrap();
    assert_eq!(tx.leases(account, 510).await.unwrap().len(), 2, "what was reported stays, and others' do");
    tx.stop_leases(account + 1, one, "Attic", 520).await.unwrap();
    assert_eq!(tx.leases(account, 520).await.unwrap().len(), 2, "another account's");
    tx.stop_leases(account, one, "Attic", 520).await.unwrap();
    assert_eq!(tx.stopped_by(one, 7, 519).await.unwrap().as_deref(), Some("Attic"));
    assert_eq!(tx.stopped_by(one, 7, 520).await.unwrap(), None, "long ago");
    assert!(!tx.keep_lease(&lease(one, 7, 519, 710, true)).await.unwrap(), "also by a clock that is behind");
    tx.put_lease(&lease(one, 7, 530, 710, false)).await.unwrap();
    assert_eq!(tx.stopped_by(one, 7, 0).await.unwrap(), None, "it has begun anew");

    tx.free_slot(account, two).await.unwrap();
    tx.end_browser_lease(account, &[2; 32], 8, 540).await.unwrap();
    assert_eq!(tx.leases(account, 540).await.unwrap().len(), 2, "another film");
    tx.end_browser_lease(account, &[2; 32], 7, 540).await.unwrap();
    assert_eq!(tx.leases(account, 540).await.unwrap().len(), 1, "a browser whose device has no slot");
    tx.put_lease(&lease(three, 7, 540, 1000, true)).await.unwrap();
    assert!(tx.remove_device(account, three).await.unwrap());
    assert_eq!(tx.leases(account, 540).await.unwrap().len(), 1, "a device that is gone plays nothing");
    tx.stop_leases(account, one, "Attic", 560).await.unwrap();
    tx.purge(560 + 86_400, 0).await.unwrap();
    assert!(tx.stopped_by(one, 7, 0).await.unwrap().is_some());
    tx.purge(561 + 86_400, 0).await.unwrap();
    assert_eq!(tx.stopped_by(one, 7, 0).await.unwrap(), None);
    tx.commit().await.unwrap();
}

/// Of many devices that ask at once for the only stream, one gets it.
pub(super) async fn one_stream_for_many(store: Arc<dyn Store>) {
    let account = account(&*store, "olga").await;
    let mut tx = store.begin().await.unwrap();
    for n in 0..20 {
        tx.add_device(&new_device(account, n), 20).await.unwrap();
    }
    tx.commit().await.unwrap();
    let tasks: Vec<_> = (0..20)
        .map(|n| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                server::retried!(async {
                    let mut tx = store.begin().await?;
                    tx.lock_account(account).await?;
                    let free = tx.leases(account, 10).await?.is_empty();
                    if free {
                        let device = &format!("d-{account}-{n}");
                        let lease =
                            NewLease { account, device, movie: 7, now: 10, ends: 190, reported: false };
                        tx.put_lease(&lease).await?;
                    }
                    tx.commit().await?;
                    Ok::<_, StoreError>(free)
                })
                .unwrap()
            })
        })
        .collect();
    let mut given = 0;
    for task in tasks {
        given += u32::from(task.await.unwrap());
    }
    assert_eq!(given, 1);
}
