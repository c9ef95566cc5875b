//! What every engine of the store must do: run by each engine's test on an empty database.

#[expect(dead_code, reason = "the durability tests alone, a program of their own, kill it")]
pub(crate) mod postgres;

use license::KeyLevel;
use server::keys::RevokedId;
use server::store::{
    ActivationCode, Ahead, ApiKey, AuditEntry, AuditFilter, LogEntry, Networks, NewDevice, NewLease,
    NewMovie, Registered, Session, Share, Slot, Store, StoreError, Viewing, Wants,
};
use std::net::IpAddr;
use std::sync::Arc;

/// Holds the engine to all of it.
pub(crate) async fn run(store: Arc<dyn Store>) {
    accounts_and_sessions(&*store).await;
    movies_and_viewings(&*store).await;
    savepoints(&*store).await;
    requests(&*store).await;
    devices(&*store).await;
    codes(&*store).await;
    audit(&*store).await;
    leases(&*store).await;
    api_keys(&*store).await;
    shares(&*store).await;
    readers_see_one_moment(&*store).await;
    windows_are_marked_once(Arc::clone(&store)).await;
    begun_for_a_device(&*store).await;
    what_is_pending_is_undone_and_done(&*store).await;
    one_stream_for_many(Arc::clone(&store)).await;
    one_stream_for_many_ahead(Arc::clone(&store)).await;
    thousand_registrations(store).await;
}

async fn account(store: &dyn Store, name: &str) -> i64 {
    let mut tx = store.begin().await.unwrap();
    let email = format!("{name}@example.org");
    let account = tx.add_account(&format!("a-{name}"), &email, "hash", "unlimited", 10).await.unwrap();
    tx.commit().await.unwrap();
    account.id
}

fn new_device(account: i64, n: u32) -> NewDevice {
    NewDevice {
        id: format!("d-{account}-{n}"),
        account,
        signing_key: [vec![2], vec![0; 28], n.to_be_bytes().to_vec()].concat(),
        level: KeyLevel::Webcrypto,
        kind: "browser".into(),
        name: format!("Browser {n}"),
        machine: "Machine".into(),
        browser_hash: Some([n as u8; 32]),
        sequence: 5,
        registered: 100,
        replaced: 0,
    }
}

fn new_movie(id: u64, plans: &[&str]) -> NewMovie {
    NewMovie {
        id,
        title: format!("Film {id}"),
        year: None,
        cast: vec![],
        synopsis: None,
        rating: None,
        runtime: 60.0,
        pack: format!("p{id}"),
        policy: "24h".into(),
        plans: plans.iter().map(|&plan| plan.to_owned()).collect(),
        regions: vec![],
        license: server::LicenseMode::Server,
    }
}

async fn accounts_and_sessions(store: &dyn Store) {
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

async fn api_keys(store: &dyn Store) {
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

async fn shares(store: &dyn Store) {
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

async fn movies_and_viewings(store: &dyn Store) {
    let bob = account(store, "bob").await;
    let movie = NewMovie {
        id: (1 << 53) - 1,
        title: "Böse \"Zeichen\"".into(),
        year: Some(1925),
        cast: vec!["One".into(), "Two".into()],
        synopsis: None,
        rating: Some("G".into()),
        runtime: 60.5,
        pack: "p1".into(),
        policy: "24h".into(),
        plans: vec!["gold".into()],
        regions: vec!["DE".into(), "FR".into()],
        license: server::LicenseMode::Embedded(license::Domain::Browser),
    };
    let mut tx = store.begin().await.unwrap();
    tx.put_movie(&movie, 7).await.unwrap();
    tx.put_movie(&NewMovie { pack: "p2".into(), ..movie.clone() }, 8).await.unwrap();
    let stored = tx.movie(movie.id).await.unwrap().unwrap();
    assert_eq!((stored.pack.as_str(), stored.added, stored.year), ("p2", 7, Some(1925)));
    assert_eq!((stored.cast, stored.plans), (movie.cast.clone(), movie.plans.clone()));
    assert_eq!(stored.regions, movie.regions);
    assert_eq!((stored.license, stored.changed), (movie.license, 8));
    assert!(stored.available);
    assert_eq!(tx.movies().await.unwrap().len(), 1);
    assert_eq!(tx.movie_plans().await.unwrap(), [["gold"]]);
    for (id, plans) in [(1, vec![]), (2, vec![]), (3, vec!["gold".to_owned()])] {
        tx.put_movie(&NewMovie { id, plans, ..movie.clone() }, 8).await.unwrap();
    }
    let mut plans = tx.movie_plans().await.unwrap();
    plans.sort();
    assert_eq!(plans, [vec![], vec!["gold".to_owned()]]);
    for id in 1..=3 {
        assert!(tx.remove_movie(id).await.unwrap());
    }
    tx.set_queued(bob, movie.id, true, 9).await.unwrap();
    tx.set_queued(bob, movie.id, true, 10).await.unwrap();
    assert_eq!(tx.queue(bob).await.unwrap().len(), 1);
    tx.set_queued(bob, movie.id, false, 11).await.unwrap();
    assert!(tx.queue(bob).await.unwrap().is_empty());
    let viewing = |started, seen, position, finished| Viewing { started, seen, position, finished };
    tx.record_viewing(bob, movie.id, &viewing(100, 100, 0.0, false), 0).await.unwrap();
    tx.record_viewing(bob, movie.id, &viewing(160, 160, 60.0, false), 50).await.unwrap();
    tx.record_viewing(bob, movie.id, &viewing(9000, 9000, 1.5, true), 8000).await.unwrap();
    let viewings = tx.viewings(bob, movie.id, 10).await.unwrap();
    assert_eq!(viewings, [viewing(9000, 9000, 1.5, true), viewing(100, 160, 60.0, false)]);
    assert_eq!(tx.latest_viewings(bob).await.unwrap(), [(movie.id, viewings[0])]);
    let other = tx.add_account("a-eve", "eve@example.org", "hash", "unlimited", 10).await.unwrap().id;
    assert!(tx.viewings(other, movie.id, 10).await.unwrap().is_empty(), "A42: not another account's");
    assert_eq!(tx.first_play(bob, movie.id, 50).await.unwrap(), 50);
    assert_eq!(tx.first_play(bob, movie.id, 60).await.unwrap(), 50);
    let line = |at, device: Option<&str>, stalls| LogEntry {
        account: bob,
        device: device.map(str::to_owned),
        movie: movie.id,
        at,
        event: "interval".into(),
        code: Some("E1".into()),
        position: Some(1.0),
        counters: vec![("stalls".into(), stalls)],
    };
    let lines =
        [line(5, None, u64::MAX), line(7, Some("d-1"), 1), line(8, Some("d-1"), 3), line(9, Some("d-2"), 2)];
    for line in &lines {
        tx.log(line).await.unwrap();
    }
    assert_eq!(tx.last_counters("d-1", movie.id).await.unwrap(), [("stalls".to_owned(), 3)]);
    assert!(tx.last_counters("d-3", movie.id).await.unwrap().is_empty());
    tx.purge(1, 6).await.unwrap();
    assert_eq!(tx.movie_log(movie.id).await.unwrap(), lines[1..]);
    assert!(tx.remove_movie(movie.id).await.unwrap());
    assert!(!tx.remove_movie(movie.id).await.unwrap());
    assert!(tx.movie(movie.id).await.unwrap().is_none());
    tx.commit().await.unwrap();
}

async fn requests(store: &dyn Store) {
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

async fn savepoints(store: &dyn Store) {
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

/// A36, A49, A55: slots, epochs, windows.
async fn devices(store: &dyn Store) {
    let account = account(store, "carol").await;
    let mut tx = store.begin().await.unwrap();
    for n in 1..=6 {
        assert_eq!(tx.add_device(&new_device(account, n), 6).await.unwrap(), Slot::Taken(n));
    }
    assert_eq!(tx.add_device(&new_device(account, 7), 6).await.unwrap(), Slot::Full);
    let id = |n: u32| format!("d-{account}-{n}");
    assert!(!tx.free_slot(account + 1, &id(3)).await.unwrap(), "another account's");
    assert!(tx.free_slot(account, &id(3)).await.unwrap());
    assert!(!tx.free_slot(account, &id(3)).await.unwrap());
    assert_eq!(tx.device(&id(3)).await.unwrap().unwrap().slot, None, "it lives on");
    assert_eq!(tx.devices(account).await.unwrap().len(), 5);
    assert!(tx.device_by_browser(account, &[3; 32]).await.unwrap().is_none(), "holds no slot");
    assert_eq!(tx.add_device(&new_device(account, 7), 6).await.unwrap(), Slot::Taken(3), "lowest free slot");
    assert_eq!(tx.take_slot(&id(3), 6).await.unwrap(), Slot::Full);
    assert!(tx.remove_device(account, &id(1)).await.unwrap());
    assert!(tx.device(&id(1)).await.unwrap().is_none());
    assert_eq!(tx.take_slot(&id(3), 6).await.unwrap(), Slot::Taken(1));
    assert_eq!(tx.take_slot(&id(3), 6).await.unwrap(), Slot::Taken(1), "keeps what it has");

    let unknown = tx.devices(account).await.unwrap()[0].id.clone();
    assert_eq!(tx.rsa_modulus(&unknown).await.unwrap(), None);
    let device = tx.device(&unknown).await.unwrap().unwrap();
    assert_eq!(device.component, [0; 16]);
    tx.set_component(&unknown, &[0xC1; 16], &[7; 256]).await.unwrap();
    assert_eq!(tx.device(&unknown).await.unwrap().unwrap().component, [0xC1; 16]);
    for revoked in ["c1".repeat(16).parse().unwrap(), RevokedId::of_key(&device.signing_key)] {
        let named = tx.revoked_devices(revoked).await.unwrap();
        assert_eq!(named.iter().map(|device| &device.id).collect::<Vec<_>>(), [&unknown]);
    }
    assert!(tx.revoked_devices("c2".repeat(16).parse().unwrap()).await.unwrap().is_empty());
    assert_eq!(tx.rsa_modulus(&unknown).await.unwrap(), Some([7; 256]));
    assert_eq!(tx.rsa_modulus("d-nobody").await.unwrap(), None);
    let registered = Registered {
        level: KeyLevel::Software,
        name: "Renamed".into(),
        machine: "M".into(),
        browser_hash: None,
        sequence: 40,
        now: 500,
    };
    tx.reregister(&id(2), &registered).await.unwrap();
    let mut device = tx.device_by_key(account, &new_device(account, 2).signing_key).await.unwrap().unwrap();
    assert_eq!((device.epoch, device.window.highest(), device.slot), (2, 40, Some(2)));
    assert_eq!((device.name.as_str(), device.level, device.last_seen), ("Renamed", KeyLevel::Software, 500));
    assert_eq!(device.browser_hash, Some([2; 32]));
    assert!(device.window.accept(42));
    tx.set_sequence(&id(2), &device.state(600)).await.unwrap();
    assert_eq!(tx.device(&id(2)).await.unwrap().unwrap().window, device.window);
    assert_eq!(tx.device(&id(3)).await.unwrap().unwrap().networks, Networks::default());
    device.networks.hear(IpAddr::from([203, 0, 113, 1]).into(), 600);
    tx.set_sequence(&id(2), &device.state(600)).await.unwrap();
    tx.purge(600 + 3600, 0).await.unwrap();
    assert_eq!(tx.device(&id(2)).await.unwrap().unwrap().networks, device.networks);
    tx.purge(600 + 3601, 0).await.unwrap();
    assert_eq!(tx.device(&id(2)).await.unwrap().unwrap().networks, Networks::default());
    assert_eq!(tx.lock_account(account).await.unwrap().map(|locked| locked.id), Some(account));
    assert_eq!(tx.lock_account(-1).await.unwrap(), None);

    let tv = NewDevice { kind: "box".into(), ..new_device(account, 8) };
    let typed = ActivationCode {
        code: "GGGGGG".into(),
        signing_key: tv.signing_key.clone(),
        name: "Model 1".into(),
        expires: 900,
        account: Some(account),
    };
    tx.add_code(&typed).await.unwrap();
    assert!(tx.remove_device(account, &id(6)).await.unwrap());
    tx.add_device(&tv, 6).await.unwrap();
    let mut epochs = Vec::new();
    for boxes in [false, true] {
        tx.end_tickets(account, boxes).await.unwrap();
        for id in [id(2), tv.id.clone()] {
            epochs.push(tx.device(&id).await.unwrap().unwrap().epoch);
        }
        assert_eq!(tx.code("GGGGGG").await.unwrap().is_none(), boxes, "it would register the box again");
    }
    assert_eq!(epochs, [3, 1, 4, 2]);

    let [old, new] = [4, 44].map(|n| new_device(account, n).signing_key);
    tx.rekey(&id(4), &new, 700).await.unwrap();
    assert!(tx.device_by_key(account, &old).await.unwrap().is_none());
    let rekeyed = tx.device_by_key(account, &new).await.unwrap().unwrap();
    assert_eq!((rekeyed.id, rekeyed.slot, rekeyed.replaced), (id(4), Some(4), 700));

    assert_eq!(
        tx.add_device(&new_device(account, 45), 3).await.unwrap(),
        Slot::Full,
        "a limit that was lowered"
    );

    assert!(tx.add_removal(account, 1000, 0).await.unwrap().is_empty());
    assert_eq!(tx.add_removal(account, 1010, 0).await.unwrap(), [1000]);
    tx.commit().await.unwrap();
    let mut tx = store.begin().await.unwrap();
    assert_eq!(tx.add_removal(account, 1020, 999).await.unwrap(), [1010, 1000]);
    assert_eq!(
        tx.add_removal(account, 1030, 1000).await.unwrap(),
        [1020, 1010],
        "what is too long ago is over"
    );

    assert_eq!(tx.reclaim_idle(account, 600).await.unwrap(), 5, "all but the one seen at 600");
    assert_eq!(tx.devices(account).await.unwrap().len(), 1);
    tx.commit().await.unwrap();
}

/// A111, A114: one live code a box, one box a code, confirmed once.
async fn codes(store: &dyn Store) {
    let account = account(store, "cody").await;
    let code = |code: &str, key: u8, expires| ActivationCode {
        code: code.into(),
        signing_key: vec![key; 33],
        name: "Model 1".into(),
        expires,
        account: None,
    };
    let mut tx = store.begin().await.unwrap();
    tx.add_code(&code("AAAAAA", 1, 600)).await.unwrap();
    tx.add_code(&code("BBBBBB", 1, 700)).await.unwrap();
    assert!(tx.code("AAAAAA").await.unwrap().is_none(), "a new code ends the box's old one");
    assert_eq!(tx.code_by_key(&[1; 33]).await.unwrap(), Some(code("BBBBBB", 1, 700)));
    tx.commit().await.unwrap();
    let mut tx = store.begin().await.unwrap();
    assert!(matches!(tx.add_code(&code("BBBBBB", 2, 700)).await, Err(StoreError::Exists)));
    drop(tx);
    let mut tx = store.begin().await.unwrap();
    assert!(tx.confirm_code("BBBBBB", account).await.unwrap());
    assert!(!tx.confirm_code("BBBBBB", account).await.unwrap(), "once");
    assert!(!tx.confirm_code("CCCCCC", account).await.unwrap());
    assert_eq!(tx.code("BBBBBB").await.unwrap().unwrap().account, Some(account));
    tx.remove_code("BBBBBB").await.unwrap();
    for (n, text) in [(8, "EEEEEE"), (9, "FFFFFF")] {
        let device = NewDevice { signing_key: vec![n; 33], ..new_device(account, u32::from(n)) };
        tx.add_device(&device, 6).await.unwrap();
        tx.add_code(&code(text, n, 900)).await.unwrap();
        assert!(tx.remove_device(account, &device.id).await.unwrap());
        assert!(tx.code(text).await.unwrap().is_some(), "nobody's yet");
        assert!(tx.confirm_code(text, account).await.unwrap());
        tx.add_device(&device, 6).await.unwrap();
    }
    assert!(tx.remove_device(account, &format!("d-{account}-8")).await.unwrap());
    assert!(tx.code("EEEEEE").await.unwrap().is_none(), "it would give the device its slot again");
    assert!(tx.code("FFFFFF").await.unwrap().is_some(), "another device's");
    tx.add_code(&code("DDDDDD", 3, 700)).await.unwrap();
    tx.purge(700, 0).await.unwrap();
    assert!(tx.code("DDDDDD").await.unwrap().is_none(), "over");
    tx.commit().await.unwrap();
}

async fn audit(store: &dyn Store) {
    let someone = account(store, "audited").await;
    let entries = [
        AuditEntry::client("license", 100)
            .of(someone)
            .on("d-audit")
            .movie(1 << 40)
            .from(Some("203.0.113.0/24")),
        AuditEntry::client("license", 101).of(someone).movie(7).result("MOVIE_UNKNOWN"),
        AuditEntry::client("login", 102).of(-1).with("name", "line\nbreak").with("keys", vec!["a", "b"]),
    ];
    let mut tx = store.begin().await.unwrap();
    for entry in &entries {
        tx.audit(entry).await.unwrap();
    }
    tx.commit().await.unwrap();
    let mut undone = store.begin().await.unwrap();
    undone.audit(&entries[0]).await.unwrap();
    drop(undone);

    let everything = AuditFilter { after: i64::MIN, most: 100, ..AuditFilter::default() };
    let read = async |filter: AuditFilter| {
        let found = store.read().await.unwrap().audited(&filter).await.unwrap();
        found.into_iter().filter(|found| entries.contains(&found.entry)).collect::<Vec<_>>()
    };
    let found = read(everything.clone()).await;
    assert_eq!(found.iter().map(|found| found.entry.clone()).collect::<Vec<_>>(), entries, "and none undone");
    assert_eq!(found[0].email.as_deref(), Some("audited@example.org"));
    assert_eq!(found[2].email, None, "an account that is no more");
    assert!(found[0].id < found[1].id && found[1].id < found[2].id);
    for (filter, expected) in [
        (AuditFilter { account: Some(someone), ..everything.clone() }, &[0, 1][..]),
        (AuditFilter { device: Some("d-audit".into()), ..everything.clone() }, &[0]),
        (AuditFilter { movie: Some(1 << 40), ..everything.clone() }, &[0]),
        (AuditFilter { movie: Some(8), ..everything.clone() }, &[]),
        (AuditFilter { account: Some(someone), since: Some(101), ..everything.clone() }, &[1]),
        (AuditFilter { account: Some(someone), most: 1, ..everything.clone() }, &[0]),
        (AuditFilter { after: found[0].id, ..everything.clone() }, &[1, 2]),
    ] {
        let some: Vec<_> = read(filter.clone()).await.into_iter().map(|found| found.id).collect();
        let expected: Vec<_> = expected.iter().map(|&at| found[at].id).collect();
        assert_eq!(some, expected, "{filter:?}");
    }
    let mut tx = store.begin().await.unwrap();
    tx.purge_audit(102).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(read(everything).await, found[2..], "older ones are gone");
}

/// What plays: kept by reports, ended, or stopped for another device.
async fn leases(store: &dyn Store) {
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
async fn one_stream_for_many(store: Arc<dyn Store>) {
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

/// The same, read ahead: leases are given to accounts that are locked.
async fn one_stream_for_many_ahead(store: Arc<dyn Store>) {
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

/// What a device's transaction read when it began is what it would read later, and what it writes is there in the
/// end.
async fn begun_for_a_device(store: &dyn Store) {
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
async fn what_is_pending_is_undone_and_done(store: &dyn Store) {
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

async fn readers_see_one_moment(store: &dyn Store) {
    let mut reader = store.read().await.unwrap();
    let before = reader.accounts().await.unwrap().len();
    account(store, "late").await;
    assert_eq!(reader.accounts().await.unwrap().len(), before);
    let mut now = store.read().await.unwrap();
    assert_eq!(now.accounts().await.unwrap().len(), before + 1);
}

/// A36, A45: of many that send the same number at once, one is heard.
async fn windows_are_marked_once(store: Arc<dyn Store>) {
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
async fn thousand_registrations(store: Arc<dyn Store>) {
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
