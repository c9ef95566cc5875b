//! Accounts, their sessions, API keys and share links.

use super::{account, new_device, new_movie};
use server::store::{
    ApiKey, AuditEntry, AuditFilter, NewLease, Session, Share, Store, StoreError, Transaction, Viewing,
};

pub(super) async fn accounts_and_sessions(store: &dyn Store) {
    let ada = account(store, "ada").await;
    let mut tx = store.begin().await.unwrap();
    let again = tx.add_account("a-other", "ada@example.org", "hash", "unlimited", 10).await;
    assert!(matches!(again, Err(StoreError::Exists)));
    drop(tx);
    let mut tx = store.begin().await.unwrap();
    let session = Session {
        id_hash: [1; 32],
        secret_hash: [2; 32],
        account: ada,
        created: 100,
        last_used: 100,
        browser: "Firefox on Linux".into(),
        network: "192.0.2.0/24".into(),
        expires: 1000,
    };
    tx.add_session(&session).await.unwrap();
    let session = Session { id_hash: [3; 32], ..session };
    tx.add_session(&session).await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = store.read().await.unwrap();
    assert_eq!(tx.session_account(&[1; 32], &[2; 32], 999).await.unwrap().unwrap().email, "ada@example.org");
    assert_eq!(tx.session_account(&[1; 32], &[2; 32], 1000).await.unwrap(), None, "it is over");
    assert_eq!(tx.session_account(&[1; 32], &[1; 32], 999).await.unwrap(), None, "wrong secret");
    assert!(tx.account_by_email("nobody@example.org").await.unwrap().is_none());
    assert_eq!(tx.account_by_email("ada@example.org").await.unwrap().unwrap().1, "hash");
    drop(tx);
    let mut tx = store.begin().await.unwrap();
    tx.remove_session(&[1; 32], &[2; 32]).await.unwrap();
    assert_eq!(tx.session_account(&[1; 32], &[2; 32], 999).await.unwrap(), None);
    tx.set_disabled(ada, true).await.unwrap();
    assert_eq!(tx.session_account(&[3; 32], &[2; 32], 999).await.unwrap(), None, "disabled");
    assert!(tx.account(ada).await.unwrap().unwrap().disabled);
    tx.set_disabled(ada, false).await.unwrap();
    assert_eq!(
        tx.session_account(&[3; 32], &[2; 32], 999).await.unwrap(),
        None,
        "disabling ended the session"
    );
    tx.add_session(&session).await.unwrap();
    tx.set_password(ada, "new").await.unwrap();
    assert_eq!(
        tx.session_account(&[3; 32], &[2; 32], 999).await.unwrap(),
        None,
        "a new password ends sessions"
    );
    for (n, last_used, expires) in [(4, 300, 1000), (5, 400, 1000), (6, 500, 600)] {
        tx.add_session(&Session { id_hash: [n; 32], last_used, expires, ..session.clone() }).await.unwrap();
    }
    tx.use_session(&[4; 32], 450).await.unwrap();
    tx.use_session(&[4; 32], 420).await.unwrap();
    let listed = tx.sessions(ada, 600).await.unwrap();
    assert_eq!(listed.iter().map(|s| (s.id_hash[0], s.last_used)).collect::<Vec<_>>(), [(4, 450), (5, 400)]);
    let shown = (listed[0].created, &*listed[0].browser, &*listed[0].network);
    assert_eq!(shown, (100, "Firefox on Linux", "192.0.2.0/24"));
    assert_eq!(tx.session(&[4; 32], &[2; 32], 600).await.unwrap().unwrap().1, listed[0]);
    assert!(tx.session(&[4; 32], &[1; 32], 600).await.unwrap().is_none(), "wrong secret");
    assert!(!tx.end_session(ada + 1, &[4; 32]).await.unwrap(), "another account's");
    assert_eq!(tx.sessions(ada, 600).await.unwrap().len(), 2);
    assert!(tx.end_session(ada, &[4; 32]).await.unwrap());
    assert!(!tx.end_session(ada, &[4; 32]).await.unwrap());
    assert_eq!(tx.end_sessions(ada, Some(&[5; 32])).await.unwrap(), 1);
    assert_eq!(tx.sessions(ada, 600).await.unwrap().len(), 1);
    assert_eq!(tx.end_sessions(ada + 1, None).await.unwrap(), 0, "another account's");
    assert_eq!(tx.end_sessions(ada, None).await.unwrap(), 1);
    tx.purge(2000, 0).await.unwrap();
    assert_eq!(tx.accounts().await.unwrap().len(), 1);
    tx.commit().await.unwrap();
}

pub(super) async fn api_keys(store: &dyn Store) {
    let key = |id: &str, name: &str| ApiKey {
        id: id.into(),
        name: name.into(),
        secret_hash: [9; 32],
        scopes: vec!["grants".into(), "catalogue".into()],
        created: 7,
        last_used: 0,
    };
    let mut tx = store.begin().await.unwrap();
    tx.add_api_key(&key("k2", "school")).await.unwrap();
    tx.add_api_key(&key("k1", "theatre")).await.unwrap();
    tx.commit().await.unwrap();
    let taken = store.begin().await.unwrap().add_api_key(&key("k3", "school")).await;
    assert!(matches!(taken, Err(StoreError::Exists)));
    let mut tx = store.begin().await.unwrap();
    assert_eq!(tx.api_key("k1").await.unwrap(), Some(key("k1", "theatre")));
    tx.use_api_key("k1", 20).await.unwrap();
    tx.use_api_key("k1", 10).await.unwrap();
    let used = ApiKey { last_used: 20, ..key("k1", "theatre") };
    assert_eq!(tx.api_keys().await.unwrap(), [key("k2", "school"), used]);
    assert!(tx.remove_api_key("school").await.unwrap());
    assert!(!tx.remove_api_key("school").await.unwrap());
    assert_eq!(tx.api_key("k2").await.unwrap(), None);
    let ada = tx.account_by_email("ada@example.org").await.unwrap().unwrap().0;
    assert_eq!(ada.name, "");
    tx.set_plan(ada.id, "gold", "Ada").await.unwrap();
    let now = tx.account(ada.id).await.unwrap().unwrap();
    assert_eq!((now.plan.as_str(), now.name.as_str()), ("gold", "Ada"));
}

/// An account goes with all that is its own, and nobody else's; the audit log stays; its number is not given
/// again.
pub(super) async fn removed_accounts(store: &dyn Store) {
    const MOVIE: u64 = 7001;
    let (gone, stays) = (account(store, "gone").await, account(store, "stays").await);
    let last = account(store, "last").await;
    let mut tx = store.begin().await.unwrap();
    tx.put_movie(&new_movie(MOVIE, &[]), 1).await.unwrap();
    for (n, account) in [(1, gone), (2, stays)] {
        tx.add_device(&new_device(account, n), 6).await.unwrap();
        let device = format!("d-{account}-{n}");
        let n = u8::try_from(n).unwrap();
        tx.add_session(&Session {
            id_hash: [100 + n; 32],
            secret_hash: [2; 32],
            account,
            created: 1,
            last_used: 1,
            expires: 1000,
            browser: String::new(),
            network: String::new(),
        })
        .await
        .unwrap();
        tx.set_queued(account, MOVIE, true, 1).await.unwrap();
        tx.set_vote(account, MOVIE, Some(true), 1).await.unwrap();
        let viewing = Viewing { started: 1, seen: 2, position: 3.0, finished: false };
        tx.record_viewing(account, MOVIE, &viewing, 0).await.unwrap();
        tx.first_play(account, MOVIE, 5).await.unwrap();
        tx.put_lease(&NewLease {
            account,
            device: &device,
            movie: MOVIE,
            now: 1,
            ends: 1000,
            reported: true,
        })
        .await
        .unwrap();
        tx.audit(&AuditEntry::client("login", 1).of(account)).await.unwrap();
    }
    tx.commit().await.unwrap();

    let mut tx = store.begin().await.unwrap();
    assert!(tx.remove_account(gone).await.unwrap());
    assert!(!tx.remove_account(gone).await.unwrap(), "it is gone already");
    tx.commit().await.unwrap();
    let mut tx = store.read().await.unwrap();
    assert!(tx.account(gone).await.unwrap().is_none());
    assert!(tx.account_by_email("gone@example.org").await.unwrap().is_none());
    let left = async |tx: &mut dyn Transaction, account: i64| {
        [
            tx.devices(account).await.unwrap().len(),
            tx.sessions(account, 10).await.unwrap().len(),
            tx.queue(account).await.unwrap().len(),
            tx.votes(account).await.unwrap().len(),
            tx.viewings(account, MOVIE, 10).await.unwrap().len(),
            tx.leases(account, 10).await.unwrap().len(),
        ]
    };
    assert_eq!(left(&mut *tx, gone).await, [0; 6]);
    assert_eq!(left(&mut *tx, stays).await, [1; 6], "another account's");
    let filter = AuditFilter { account: Some(gone), after: i64::MIN, most: 10, ..AuditFilter::default() };
    let lines = tx.audited(&filter).await.unwrap();
    assert_eq!((lines.len(), &lines[0].email), (1, &None), "the audit log stays");
    drop(tx);

    // The number of the last one, too, which SQLite would give again by itself.
    let mut tx = store.begin().await.unwrap();
    assert!(tx.remove_account(last).await.unwrap());
    tx.commit().await.unwrap();
    assert!(account(store, "last").await > last);
    let mut tx = store.begin().await.unwrap();
    assert!(tx.remove_movie(MOVIE).await.unwrap());
    tx.commit().await.unwrap();
}

pub(super) async fn shares(store: &dyn Store) {
    let of = account(store, "link").await;
    let share = |id: &str, n: u8| Share {
        id: id.into(),
        token_hash: [n; 32],
        account: of,
        movie: 7,
        password_hash: (n == 1).then(|| "hash".into()),
        ends: (n == 2).then_some(5000),
        devices: 3,
        created: n.into(),
    };
    let mut tx = store.begin().await.unwrap();
    tx.add_share(&share("s1", 1)).await.unwrap();
    tx.add_share(&share("s2", 2)).await.unwrap();
    assert_eq!(tx.share(&[2; 32]).await.unwrap(), Some(share("s2", 2)));
    assert_eq!(tx.share(&[3; 32]).await.unwrap(), None);
    assert_eq!(tx.shares().await.unwrap(), [share("s1", 1), share("s2", 2)]);
    assert_eq!(tx.remove_share("s1").await.unwrap(), Some(of));
    assert_eq!(tx.remove_share("s1").await.unwrap(), None);
    assert_eq!(tx.shares().await.unwrap().len(), 1);
}
