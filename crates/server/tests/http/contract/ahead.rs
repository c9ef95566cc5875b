//! Transactions that read ahead what a device's request needs.

use super::{account, new_device, new_movie};
use server::store::{
    Ahead, AuditEntry, AuditFilter, NewLease, Session, Store, StoreError, Transaction, Wants,
};
use std::sync::Arc;
use tokio::sync::oneshot;

/// What a device's transaction read when it began is what it would read later, and what it writes is there in
/// the end.
pub(super) async fn begun_for_a_device(store: &dyn Store) {
    let (anna, other) = (account(store, "anna").await, account(store, "antonia").await);
    let mut tx = store.begin().await.unwrap();
    tx.add_device(&new_device(anna, 1), 6).await.unwrap();
    tx.add_device(&new_device(anna, 2), 6).await.unwrap();
    tx.put_movie(&new_movie(4711, &["silver", "gold"]), 10).await.unwrap();
    tx.put_movie(&new_movie(4712, &[]), 10).await.unwrap();
    let [one, two] = [1, 2].map(|n| format!("d-{anna}-{n}"));
    tx.set_component(&one, &[3; 16], &[7; 256]).await.unwrap();
    let session = |account, n: u8, expires| Session {
        id_hash: [n; 32],
        secret_hash: [n + 1; 32],
        account,
        created: 10,
        last_used: 10,
        browser: String::new(),
        network: String::new(),
        expires,
    };
    tx.add_session(&session(anna, 100, 500)).await.unwrap();
    tx.add_session(&session(other, 110, 500)).await.unwrap();
    let mut plans = tx.movie_plans().await.unwrap();
    let (account_row, device) = (tx.account(anna).await.unwrap(), tx.device(&one).await.unwrap());
    tx.commit().await.unwrap();
    plans.sort();

    // Of nobody, and of another account: it may be given up without a word.
    for (account, device) in [(anna, "d-none"), (other, one.as_str()), (anna + 1000, one.as_str())] {
        let ahead = Ahead { account, device, wants: Wants::Nothing, now: 100 };
        assert!(store.begin_for(&ahead).await.unwrap().1.is_none());
    }

    let ahead = |wants, now| Ahead { account: anna, device: &one, wants, now };
    let (mut tx, begun) = store.begin_for(&ahead(Wants::Movie(4711), 100)).await.unwrap();
    let (account, mut known) = begun.unwrap();
    assert_eq!((Some(&account), Some(&known)), (account_row.as_ref(), device.as_ref()));
    assert_eq!(tx.movie(4711).await.unwrap().unwrap().plans, ["silver", "gold"]);
    assert_eq!(tx.movie(4712).await.unwrap().unwrap().id, 4712);
    assert!(tx.movie(4713).await.unwrap().is_none());
    assert!(known.window.accept(6));
    tx.set_sequence(&one, &known.state(100)).await.unwrap();
    assert_eq!(tx.device(&one).await.unwrap(), Some(known.clone()), "as it is going to be");
    assert_eq!(tx.first_play(anna, 4711, 100).await.unwrap(), 100);
    assert_eq!(tx.first_play(anna, 4712, 101).await.unwrap(), 101);
    let lease = |device, movie, now, reported| NewLease {
        account: anna,
        device,
        movie,
        now,
        ends: now + 180,
        reported,
    };
    assert_eq!(tx.take_lease(&lease(&one, 4711, 100, false), 1).await.unwrap(), None);
    tx.audit(&AuditEntry::client("license", 100).of(anna).on(&one)).await.unwrap();
    tx.commit().await.unwrap();

    let mut tx = store.begin().await.unwrap();
    assert_eq!(tx.device(&one).await.unwrap(), Some(known), "it was written");
    assert_eq!(tx.first_play(anna, 4711, 300).await.unwrap(), 100);
    assert_eq!(tx.first_play(anna, 4712, 300).await.unwrap(), 101);
    let filter = AuditFilter { account: Some(anna), most: 10, ..AuditFilter::default() };
    assert_eq!(tx.audited(&filter).await.unwrap().len(), 1);
    assert_eq!(tx.leases(anna, 101).await.unwrap().len(), 1);
    drop(tx);

    // The other device finds the place taken, and this one another film: nothing came of the first.
    let other_device = Ahead { account: anna, device: &two, wants: Wants::Movie(4711), now: 110 };
    let (mut tx, _) = store.begin_for(&other_device).await.unwrap();
    let others = tx.take_lease(&lease(&two, 4711, 110, false), 1).await.unwrap().unwrap();
    assert_eq!((others.len(), others[0].device.as_str()), (1, one.as_str()));
    drop(tx);
    let (mut tx, _) = store.begin_for(&ahead(Wants::Movie(4711), 120)).await.unwrap();
    assert_eq!(tx.take_lease(&lease(&one, 4711, 120, true), 1).await.unwrap(), None, "it is kept");
    tx.commit().await.unwrap();
    let (mut tx, _) = store.begin_for(&ahead(Wants::Movie(4712), 130)).await.unwrap();
    assert!(tx.take_lease(&lease(&one, 4712, 130, false), 1).await.unwrap().is_some(), "one was reported");
    tx.end_lease(&one, 4711, 131).await.unwrap();
    assert_eq!(tx.take_lease(&lease(&one, 4712, 131, false), 1).await.unwrap(), None);
    tx.commit().await.unwrap();
    let (mut tx, _) = store.begin_for(&ahead(Wants::Movie(4711), 140)).await.unwrap();
    assert_eq!(tx.take_lease(&lease(&one, 4711, 140, false), 1).await.unwrap(), None);
    let alive = tx.leases(anna, 141).await.unwrap();
    assert_eq!(alive.iter().map(|lease| lease.movie).collect::<Vec<_>>(), [4711]);
    drop(tx);

    // A renewal: its own session, no other's, none that is over.
    for (n, now, is_own) in [(100, 499, true), (100, 500, false), (110, 499, false)] {
        let (id, secret) = ([n; 32], [n + 1; 32]);
        let wants = Wants::Renewal { session: Some((&id, &secret)) };
        let renewal = Ahead { account: anna, device: &one, wants, now };
        let (mut tx, _) = store.begin_for(&renewal).await.unwrap();
        let found = tx.session_account(&id, &secret, now).await.unwrap();
        assert_eq!(found.is_some_and(|account| account.id == anna), is_own, "{n} {now}");
        assert_eq!(tx.rsa_modulus(&one).await.unwrap(), Some([7; 256]));
        assert_eq!(tx.rsa_modulus(&two).await.unwrap(), None);
        let mut known = tx.movie_plans().await.unwrap();
        known.sort();
        assert_eq!(known, plans);
    }
    let mut tx = store.begin().await.unwrap();
    for movie in [4711, 4712] {
        assert!(tx.remove_movie(movie).await.unwrap());
    }
    tx.commit().await.unwrap();
}

/// Writes wait for each other across savepoints, and are undone with them.
pub(super) async fn what_is_pending_is_undone_and_done(store: &dyn Store) {
    let anna = account(store, "annika").await;
    let mut tx = store.begin().await.unwrap();
    tx.add_device(&new_device(anna, 1), 6).await.unwrap();
    tx.commit().await.unwrap();
    let device = format!("d-{anna}-1");
    let entry = |action: &str| AuditEntry::client(action, 100).of(anna);
    let ahead = Ahead { account: anna, device: &device, wants: Wants::Nothing, now: 100 };
    let (mut tx, begun) = store.begin_for(&ahead).await.unwrap();
    let mut known = begun.unwrap().1;
    tx.audit(&entry("before")).await.unwrap();
    // Nothing was sent of this one.
    tx.savepoint().await.unwrap();
    assert!(known.window.accept(7));
    tx.set_sequence(&device, &known.state(100)).await.unwrap();
    tx.audit(&entry("undone")).await.unwrap();
    tx.roll_back().await.unwrap();
    assert_eq!(tx.device(&device).await.unwrap().unwrap().window.highest(), 5);
    // Of this one, half.
    tx.savepoint().await.unwrap();
    tx.audit(&entry("undone")).await.unwrap();
    assert!(tx.free_slot(anna, &device).await.unwrap());
    tx.audit(&entry("undone")).await.unwrap();
    tx.roll_back().await.unwrap();
    tx.savepoint().await.unwrap();
    tx.audit(&entry("kept")).await.unwrap();
    tx.set_sequence(&device, &known.state(100)).await.unwrap();
    // Two numbers one after the other.
    assert!(known.window.accept(8));
    tx.set_sequence(&device, &known.state(101)).await.unwrap();
    tx.release().await.unwrap();
    tx.audit(&entry("after")).await.unwrap();
    tx.commit().await.unwrap();

    let mut tx = store.read().await.unwrap();
    let filter = AuditFilter { account: Some(anna), most: 10, ..AuditFilter::default() };
    let actions: Vec<_> =
        tx.audited(&filter).await.unwrap().into_iter().map(|found| found.entry.action).collect();
    assert_eq!(actions, ["before", "kept", "after"]);
    let device = tx.device(&device).await.unwrap().unwrap();
    assert_eq!((device.window.highest(), device.last_seen, device.slot), (8, 101, Some(1)));
}

/// The same, read ahead: leases are given to accounts that are locked.
pub(super) async fn one_stream_for_many_ahead(store: Arc<dyn Store>) {
    let account = account(&*store, "otto").await;
    let mut tx = store.begin().await.unwrap();
    for n in 0..20 {
        tx.add_device(&new_device(account, n), 20).await.unwrap();
    }
    tx.commit().await.unwrap();
    let tasks: Vec<_> = (0..20)
        .map(|n| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                let device = &format!("d-{account}-{n}");
                server::retried!(async {
                    let ahead = Ahead { account, device, wants: Wants::Movie(7), now: 10 };
                    let (mut tx, _) = store.begin_for(&ahead).await?;
                    let lease = NewLease { account, device, movie: 7, now: 10, ends: 190, reported: false };
                    let given = tx.take_lease(&lease, 1).await?.is_none();
                    tx.commit().await?;
                    Ok::<_, StoreError>(given)
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
    let mut tx = store.begin().await.unwrap();
    assert_eq!(tx.leases(account, 11).await.unwrap().len(), 1);
}

/// Many that wait for each other, and may be committed together: what is told to be committed is there, once,
/// and of what was given up nothing; one that the engine refuses takes nobody along.
pub(crate) async fn many_that_end_at_once(store: Arc<dyn Store>) {
    const MANY: u32 = 36;
    let account = account(&*store, "wanda").await;
    let mut tx = store.begin().await.unwrap();
    for n in 0..MANY {
        tx.add_device(&new_device(account, n), MANY).await.unwrap();
    }
    tx.commit().await.unwrap();
    // On SQLite they wait for this one.
    let first = store.begin().await.unwrap();
    let tasks: Vec<_> = (0..MANY)
        .map(|n| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                let device = &format!("d-{account}-{n}");
                server::retried!(async {
                    let wants = if n % 2 == 0 { Wants::Movie(7) } else { Wants::Nothing };
                    let ahead = Ahead { account, device, wants, now: 100 };
                    let (mut tx, begun) = store.begin_for(&ahead).await?;
                    let mut known = begun.unwrap().1;
                    assert!(known.window.accept(6), "nothing is left of what ran before");
                    tx.set_sequence(device, &known.state(100)).await?;
                    tx.audit(&AuditEntry::client("at once", 100).of(account).on(device)).await?;
                    match n % 6 {
                        3 => return Ok(false),
                        4 => {
                            let (device, movie, now, ends) = ("d-none", 7, 100, 280);
                            tx.put_lease(&NewLease { account, device, movie, now, ends, reported: false })
                                .await?;
                        }
                        5 => drop(tx.leases(account, 100).await?),
                        _ => {}
                    }
                    tx.commit().await?;
                    Ok::<_, StoreError>(true)
                })
            })
        })
        .collect();
    tokio::task::yield_now().await;
    drop(first);
    let mut committed = Vec::new();
    for (n, task) in (0..MANY).zip(tasks) {
        let done = task.await.unwrap();
        match n % 6 {
            3 => assert!(!done.unwrap()),
            4 => assert!(matches!(done, Err(StoreError::Engine(sqlx::Error::Database(_)))), "{done:?}"),
            _ => assert!(done.unwrap()),
        }
        if !matches!(n % 6, 3 | 4) {
            committed.push(format!("d-{account}-{n}"));
        }
    }
    let mut tx = store.read().await.unwrap();
    let filter = AuditFilter { account: Some(account), most: 1000, ..AuditFilter::default() };
    let audited = tx.audited(&filter).await.unwrap();
    let mut found: Vec<_> = audited.into_iter().filter_map(|audited| audited.entry.device).collect();
    found.sort();
    let heard: Vec<_> = tx
        .devices(account)
        .await
        .unwrap()
        .into_iter()
        .filter(|device| device.window.highest() == 6)
        .collect();
    let mut heard: Vec<_> = heard.into_iter().map(|device| device.id).collect();
    heard.sort();
    committed.sort();
    assert_eq!((&found, &heard), (&committed, &committed));
}

/// Who is given up of two that share a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum GivenUp {
    /// The one that goes on in it, having read.
    Reader,
    /// The one that goes on in it, having written.
    Writer,
    /// The one that has ended in it, and waits to be told.
    Ended,
}

/// One ends while another waits for the writer, which goes on in its transaction; then one of them is given
/// up. What is told to be committed is there; of what is undone nothing is, and it is told to run again.
///
/// On a store of its own: what fails keeps others apart for a while. In a runtime of one thread, so that the
/// other one waits when it should.
pub(crate) async fn given_up_among_others(store: Arc<dyn Store>, given_up: GivenUp) {
    let account = account(&*store, "gustav").await;
    let mut tx = store.begin().await.unwrap();
    for n in 0..2 {
        tx.add_device(&new_device(account, n), 2).await.unwrap();
    }
    tx.commit().await.unwrap();
    let devices = [0, 1].map(|n| format!("d-{account}-{n}"));

    let first = heard(&*store, account, &devices[0]).await.unwrap();
    let (begun, has_begun) = oneshot::channel();
    let (end, may_end) = oneshot::channel::<()>();
    let second = tokio::spawn({
        let (store, device) = (Arc::clone(&store), devices[1].clone());
        async move {
            let mut tx = heard(&*store, account, &device).await?;
            match given_up {
                GivenUp::Writer => tx.end_lease(&device, 7, 100).await?,
                _ => assert!(tx.queue(account).await?.is_empty()),
            }
            begun.send(()).unwrap();
            may_end.await.unwrap();
            tx.commit().await
        }
    });
    // The second one waits for the writer.
    tokio::task::yield_now().await;
    let first = tokio::spawn(async move { first.commit().await });
    has_begun.await.unwrap();
    assert!(!first.is_finished(), "it is committed with the second one");
    if given_up == GivenUp::Ended {
        first.abort();
        assert!(first.await.unwrap_err().is_cancelled());
        end.send(()).unwrap();
        second.await.unwrap().unwrap();
        assert_eq!(highest(&*store, &devices).await, [6, 6]);
        return;
    }
    second.abort();
    assert!(second.await.unwrap_err().is_cancelled());
    let told = first.await.unwrap();
    if given_up == GivenUp::Reader {
        told.unwrap();
        assert_eq!(highest(&*store, &devices).await, [6, 5]);
    } else {
        assert!(matches!(told, Err(StoreError::Contended)), "{told:?}");
        assert_eq!(highest(&*store, &devices).await, [5, 5]);
        heard(&*store, account, &devices[0]).await.unwrap().commit().await.unwrap();
    }
    // Nobody holds the writer.
    heard(&*store, account, &devices[1]).await.unwrap().commit().await.unwrap();
    assert_eq!(highest(&*store, &devices).await, [6, 6]);
}

/// A transaction in which a device was heard of with the number 6.
async fn heard(store: &dyn Store, account: i64, device: &str) -> Result<Box<dyn Transaction>, StoreError> {
    let ahead = Ahead { account, device, wants: Wants::Nothing, now: 100 };
    let (mut tx, begun) = store.begin_for(&ahead).await?;
    let mut known = begun.unwrap().1;
    assert!(known.window.accept(6));
    tx.set_sequence(device, &known.state(100)).await?;
    Ok(tx)
}

/// The highest numbers of devices, as they are committed.
async fn highest(store: &dyn Store, devices: &[String; 2]) -> [u64; 2] {
    let mut tx = store.read().await.unwrap();
    let mut highest = [0; 2];
    for (highest, device) in highest.iter_mut().zip(devices) {
        *highest = tx.device(device).await.unwrap().unwrap().window.highest();
    }
    highest
}
