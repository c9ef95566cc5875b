//! A slot that is passed on all day: removing a device frees its slot, and the device plays on.

use crate::client::Client;
use crate::world::{EMAIL, NOW, Reply, World};
use nccp::ErrorCode;
use nccp::json::ErrorBody;
use server::accounts;

const DAY: u64 = 86_400;

/// Another browser of the session.
async fn browser(world: &World, session: &str) -> Client {
    let mut client = Client::new(world, session).await;
    client.register(world).await.unwrap();
    client
}

async fn remove(world: &World, session: &str, client: &Client) -> Reply {
    let body = format!(r#"{{"device_id":"{}"}}"#, client.device.as_ref().unwrap());
    world.post_json("/Player/unregister_device", session, &body).await
}

/// Fourteen devices of one account, one slot each after the other: the thirteenth removal is refused, until
/// the first was thirty days ago.
#[tokio::test]
async fn a_subscriber_passes_one_slot_on_all_day() {
    let world = World::new().await;
    let session = world.login().await;
    for n in 0..12 {
        world.set_clock(NOW + n * 3600);
        let client = browser(&world, &session).await;
        assert_eq!(remove(&world, &session, &client).await.status, 204);
    }
    let next = browser(&world, &session).await;
    let refused = remove(&world, &session, &next).await;
    assert_eq!(refused.status, 429);
    let body: ErrorBody = refused.json();
    assert_eq!(body.code(), ErrorCode::RemovalLimitReached);
    assert_eq!(
        body.error.message,
        "At most 12 devices may be removed within 30 days. \
         The next one can be removed from 21 October 2026, 14:14 UTC on."
    );
    assert_eq!(world.device_count().await, 1, "it keeps its slot");
    world.set_clock(NOW + 30 * DAY - 1);
    let session = world.login().await;
    assert_eq!(
        remove(&world, &session, &next).await.status,
        429,
        "a refused one does not count, and changes nothing"
    );
    world.set_clock(NOW + 30 * DAY);
    assert_eq!(remove(&world, &session, &next).await.status, 204);
    assert_eq!(
        remove(&world, &session, &next).await.status,
        404,
        "what is not there is said so, and does not count"
    );
}

/// The operator's removals are free, and are not counted against the subscriber.
#[tokio::test]
async fn the_operator_removes_without_a_limit() {
    let world = World::with("[devices]\nremovals = 1\nremovals_days = 1").await;
    let session = world.login().await;
    for _ in 0..3 {
        let client = browser(&world, &session).await;
        let id = client.device.as_ref().unwrap().to_string();
        accounts::remove_device(&*world.store, &id, false).await.unwrap();
    }
    let (first, second) = (browser(&world, &session).await, browser(&world, &session).await);
    assert_eq!(remove(&world, &session, &first).await.status, 204);
    let refused: ErrorBody = remove(&world, &session, &second).await.json();
    assert!(refused.error.message.starts_with("At most 1 device may be removed within 1 day."));
    let id = second.device.as_ref().unwrap().to_string();
    accounts::remove_device(&*world.store, &id, false).await.unwrap();
    assert!(accounts::devices(&*world.store, EMAIL).await.unwrap().is_empty());
}

/// With `removals = 0` nothing is counted.
#[tokio::test]
async fn no_limit() {
    let world = World::with("[devices]\nremovals = 0").await;
    let session = world.login().await;
    for _ in 0..14 {
        let client = browser(&world, &session).await;
        assert_eq!(remove(&world, &session, &client).await.status, 204);
    }
}

/// Removals that come all at once are counted one after the other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn removals_at_once() {
    let world = std::sync::Arc::new(World::with("[devices]\nremovals = 2").await);
    let session = world.login().await;
    let mut clients = Vec::new();
    for _ in 0..6 {
        clients.push(browser(&world, &session).await);
    }
    let tasks: Vec<_> = clients
        .into_iter()
        .map(|client| {
            let (world, session) = (std::sync::Arc::clone(&world), session.clone());
            tokio::spawn(async move { remove(&world, &session, &client).await.status.as_u16() })
        })
        .collect();
    let mut removed = 0;
    for task in tasks {
        match task.await.unwrap() {
            204 => removed += 1,
            status => assert_eq!(status, 429),
        }
    }
    assert_eq!((removed, world.device_count().await), (2, 4));
}
