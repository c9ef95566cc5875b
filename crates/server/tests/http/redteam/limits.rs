//! Somebody who guesses, and somebody who only keeps the server busy.

use crate::client::Client;
use crate::world::{EMAIL, PASSWORD, Reply, World};
use server::store::{Ahead, Begun, Result, SqliteStore, Store, Transaction};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// A store that counts the transactions that are begun.
struct Counting {
    store: Arc<SqliteStore>,
    reads: AtomicUsize,
    writes: AtomicUsize,
}

#[async_trait::async_trait]
impl Store for Counting {
    async fn begin(&self) -> Result<Box<dyn Transaction>> {
        self.writes.fetch_add(1, Relaxed);
        self.store.begin().await
    }

    async fn begin_for(&self, ahead: &Ahead<'_>) -> Result<Begun> {
        self.writes.fetch_add(1, Relaxed);
        self.store.begin_for(ahead).await
    }

    async fn read(&self) -> Result<Box<dyn Transaction>> {
        self.reads.fetch_add(1, Relaxed);
        self.store.read().await
    }

    async fn close(&self) {}
}

impl Counting {
    /// What was read and written since the last call.
    fn take(&self) -> (usize, usize) {
        (self.reads.swap(0, Relaxed), self.writes.swap(0, Relaxed))
    }
}

/// The world on a store that counts.
fn counting(world: &mut World) -> Arc<Counting> {
    let store = Counting { store: world.store.clone(), reads: 0.into(), writes: 0.into() };
    let store = Arc::new(store);
    let (clock, _) = server::Clock::manual(world.now());
    let service = server::Service::with_store(world.config.clone(), clock, store.clone()).unwrap();
    world.router = server::router(Arc::new(service));
    store
}

/// Each guess comes from an address of its own.
#[tokio::test]
async fn many_addresses_guess_no_faster_at_one_account() {
    let world = World::with("[limits]\nlogins_of_unknown_browsers = 4").await;
    let mut mine = Client::registered(&world).await;
    mine.call(&world, &[nccp::RequestMessage::AccountInfo]).await.unwrap();
    for n in 0..3 {
        world.come_from(&format!("203.0.113.{n}"));
        assert_eq!(world.try_login(EMAIL, "guess", "").await.status, 401, "{n}");
    }
    world.come_from("198.51.100.1");
    let throttled = world.try_login(EMAIL, PASSWORD, "").await;
    assert_eq!(throttled.status, 429, "even with the right password");
    assert!(throttled.header("retry-after").parse::<u64>().is_ok());
    // Nor with made-up cookies, a new one each time.
    for n in ["A", "B"] {
        let cookie = format!("MatineeDevice={}", n.repeat(22));
        assert_eq!(world.try_login(EMAIL, PASSWORD, &cookie).await.status, 429);
    }
    // The subscriber's own browser gets in, and another account is another.
    assert_eq!(world.try_login(EMAIL, PASSWORD, &mine.cookies).await.status, 204);
    assert_eq!(world.try_login("bob@example.org", PASSWORD, "").await.status, 401);
}

#[tokio::test]
async fn a_throttled_login_asks_the_database_nothing() {
    let mut world = World::with("[limits]\nlogins_per_account = 1").await;
    let store = counting(&mut world);
    assert_eq!(world.try_login(EMAIL, "guess", "").await.status, 401);
    store.take();
    assert_eq!(world.try_login(EMAIL, "guess", "").await.status, 429);
    assert_eq!(store.take(), (0, 0));
    // With a cookie, too: one question for each cookie, and those are counted by address.
    let cookie = "MatineeDevice=AAAAAAAAAAAAAAAAAAAAAA";
    assert_eq!(world.try_login(EMAIL, "guess", cookie).await.status, 429);
    store.take();
    assert_eq!(world.try_login(EMAIL, "guess", cookie).await.status, 429);
    assert_eq!(store.take(), (0, 0));
}

#[tokio::test]
async fn an_account_that_exists_is_asked_for_like_one_that_does_not() {
    let mut world = World::new().await;
    let store = counting(&mut world);
    for cookies in ["", "MatineeDevice=AAAAAAAAAAAAAAAAAAAAAA"] {
        for email in [EMAIL, "nobody@example.org"] {
            assert_eq!(world.try_login(email, "guess", cookies).await.status, 401);
            // What is written is the line of the audit log.
            assert_eq!(store.take(), (1, 1), "{email}");
        }
    }
}

#[tokio::test]
async fn nobody_writes_without_a_session() {
    let mut world = World::new().await;
    let cookies = world.login().await;
    let store = counting(&mut world);
    let made_up = format!("MatineeShopperID={}; MatineeShopperSecret={}", "A".repeat(22), "A".repeat(43));
    let event = r#"{"movie_id":60027274,"event":"ready","position":1.5}"#;
    assert_eq!(world.post_json("/playerevent", &made_up, event).await.status, 401);
    assert_eq!(world.post_json("/activate", &made_up, r#"{"code":"abcdef"}"#).await.status, 401);
    let unregister = r#"{"device_id":"d-000000000000000000000000"}"#;
    assert_eq!(world.post_json("/Player/unregister_device", &made_up, unregister).await.status, 401);
    assert_eq!(world.request("POST", "/logout", &[("cookie", &made_up)], b"").await.status, 204);
    let queue = world.request("PUT", "/api/queue/7", &[("cookie", &made_up)], b"").await;
    assert_eq!(queue.status, 401);
    assert_eq!(store.take().1, 0, "no write transaction");
    // Nor for a movie that there is not.
    let unknown = r#"{"movie_id":5,"event":"ready","position":1.5}"#;
    assert_eq!(world.post_json("/playerevent", &cookies, unknown).await.status, 404);
    assert_eq!(store.take().1, 0);
    assert_eq!(world.post_json("/playerevent", &cookies, event).await.status, 204);
    assert_eq!(store.take().1, 1);
}

/// Asks until it is throttled; how many were let in before, since a slow machine gives a budget time to come
/// back.
async fn until_throttled(mut ask: impl AsyncFnMut() -> Reply) -> (usize, Reply) {
    for admitted in 0..100 {
        let reply = ask().await;
        if reply.status == 429 {
            return (admitted, reply);
        }
    }
    panic!("nothing was refused")
}

/// 8,203 of them were written in 4 seconds.
#[tokio::test]
async fn player_events_do_not_flood_the_database() {
    let mut world = World::with("[limits]\nsite_requests_per_account = 5").await;
    let cookies = world.login().await;
    let store = counting(&mut world);
    let event = r#"{"movie_id":60027274,"event":"ready","position":1.5}"#;
    let (admitted, _) =
        until_throttled(async || world.post_json("/playerevent", &cookies, event).await).await;
    assert!(admitted >= 5);
    store.take();
    // From wherever: it is the account's budget.
    let mut written = 0;
    for address in ["127.0.0.1", "203.0.113.7"] {
        world.come_from(address);
        let (admitted, throttled) =
            until_throttled(async || world.post_json("/playerevent", &cookies, event).await).await;
        assert!(throttled.header("retry-after").parse::<u64>().is_ok());
        assert!(admitted < 5);
        written += admitted;
    }
    assert_eq!(store.take().1, written);
    let other = world.add_account("bob@example.org", "unlimited").await;
    assert_eq!(world.post_json("/playerevent", &other, event).await.status, 204);
}

#[tokio::test]
async fn an_address_has_a_budget_for_the_site() {
    let mut world = World::with("[limits]\nsite_requests = 5").await;
    let store = counting(&mut world);
    world.come_from("203.0.113.7");
    let made_up = format!("MatineeShopperID={}; MatineeShopperSecret={}", "A".repeat(22), "A".repeat(43));
    let (admitted, _) = until_throttled(async || world.get("/api/library", &made_up).await).await;
    assert!(admitted >= 5);
    store.take();
    let mut more = 0;
    for path in ["/api/library", "/login", "/decryptor-config.json"] {
        more += until_throttled(async || world.get(path, &made_up).await).await.0;
    }
    more += until_throttled(async || world.try_login(EMAIL, PASSWORD, "").await).await.0;
    let (reads, writes) = store.take();
    assert!(reads <= more && writes <= more, "{reads} {writes} {more}");
    world.come_from("203.0.113.8");
    assert_eq!(world.try_login(EMAIL, PASSWORD, "").await.status, 204);
    // The service's own checks are not counted, and neither are controller and edge, which have budgets of
    // theirs.
    world.come_from("203.0.113.7");
    assert_eq!(world.get("/healthz", "").await.status, 200);
}
