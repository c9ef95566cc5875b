//! The device page, slots, and browsers that lose their keys.

use super::client::Client;
use super::world::{EMAIL, NOW, World};
use nccp::json::Devices;
use nccp::{ErrorCode, RequestMessage};
use server::accounts;
use server::store::Store as _;

async fn listed(world: &World, cookies: &str) -> Devices {
    world.get("/api/devices", cookies).await.json()
}

/// A15, A54, A55: removing frees the slot; the device plays on until its ticket ends.
#[tokio::test]
async fn a15_a54_a55_removing_a_device() {
    let world = World::new().await;
    let mut first = Client::registered(&world).await;
    for _ in 0..5 {
        Client::registered(&world).await;
    }
    let devices = listed(&world, &first.cookies).await;
    assert_eq!((devices.limit, devices.devices.len()), (6, 6));
    let mine: Vec<_> = devices.devices.iter().filter(|d| d.this_device).collect();
    assert_eq!(mine.len(), 1);
    assert_eq!(Some(&mine[0].device_id), first.device.as_ref());
    assert_eq!((mine[0].slot, mine[0].kind.as_str(), mine[0].registered_at), (1, "browser", NOW));

    let get = world.get("/Player/unregister_device", &first.cookies).await;
    assert_eq!((get.status.as_u16(), get.header("location")), (303, "/devices"));
    assert_eq!(world.device_count().await, 6, "GET changes nothing");
    let body = format!(r#"{{"device_id":"{}"}}"#, first.device.as_ref().unwrap());
    let path = "/Player/unregister_device";
    assert_eq!(world.post_json(path, "", &body).await.status, 401);
    let other = world.add_account("bob@example.org", "unlimited").await;
    assert_eq!(world.post_json(path, &other, &body).await.status, 404, "another account's device");
    assert_eq!(world.post_json(path, &first.cookies, &body).await.status, 204);
    assert_eq!(world.post_json(path, &first.cookies, &body).await.status, 404);
    assert_eq!(world.device_count().await, 5);
    assert!(first.one(&world, RequestMessage::AccountInfo).await.is_ok(), "it plays on");

    Client::registered(&world).await;
    assert_eq!(world.device_count().await, 6);
    // Its ticket ends, and there is no free slot.
    world.set_clock(NOW + 12 * 3600);
    first.cookies = world.login().await;
    let renewal = RequestMessage::AuthenticationRenewal { device_id: first.device.clone().unwrap() };
    assert_eq!(first.one(&world, renewal.clone()).await, Err(ErrorCode::DeviceLimitReached));
    let last = accounts::devices(&*world.store, EMAIL).await.unwrap().remove(5);
    accounts::remove_device(&*world.store, &last.id, false).await.unwrap();
    assert!(first.one(&world, renewal).await.is_ok(), "a free slot is enough");
    assert_eq!(world.device_count().await, 6);
}

/// A device is called what its subscriber calls it, wherever it is named; nobody else can, and what would not
/// fit into a line is refused. Without a name it is called what it calls itself.
#[tokio::test]
async fn a_device_is_renamed_by_its_subscriber() {
    let world = World::new().await;
    let first = Client::registered(&world).await;
    let path = format!("/api/devices/{}", first.device.as_ref().unwrap());
    let rename = async |cookies: &str, further: &[(&str, &str)], name: &str| {
        let body = serde_json::json!({ "name": name }).to_string();
        let mut headers = vec![("content-type", "application/json"), ("cookie", cookies)];
        headers.extend(further);
        world.request("PATCH", &path, &headers, body.as_bytes()).await.status.as_u16()
    };
    let before = listed(&world, &first.cookies).await.devices[0].name.clone();
    assert_eq!(rename(&first.cookies, &[], " Kitchen ").await, 204);
    assert_eq!(listed(&world, &first.cookies).await.devices[0].name, "Kitchen");
    assert_eq!(accounts::devices(&*world.store, EMAIL).await.unwrap()[0].name, "Kitchen");
    let bob = world.add_account("bob@example.org", "unlimited").await;
    assert_eq!(rename(&bob, &[], "Bob's").await, 404, "another account's device");
    assert_eq!(rename("", &[], "Nobody's").await, 401);
    let foreign = [("origin", "https://evil.example")];
    assert_eq!(rename(&first.cookies, &foreign, "Evil").await, 403);
    for wrong in ["a\nb", "\u{202E}b", &"x".repeat(61)] {
        assert_eq!(rename(&first.cookies, &[], wrong).await, 400, "{wrong:?}");
    }
    assert_eq!(listed(&world, &first.cookies).await.devices[0].name, "Kitchen");
    let filter = server::store::AuditFilter { after: 0, most: 1000, ..Default::default() };
    let told = world.store.read().await.unwrap().audited(&filter).await.unwrap();
    let told: Vec<_> = told.iter().filter(|told| told.entry.action == "rename device").collect();
    assert_eq!((told.len(), &told[0].entry.details["name"]), (1, &serde_json::json!("Kitchen")));
    assert_eq!(told[0].entry.device.as_deref(), first.device.as_ref().map(nccp::DeviceId::as_str));
    assert_eq!(rename(&first.cookies, &[], "").await, 204);
    assert_eq!(listed(&world, &first.cookies).await.devices[0].name, before);
}

/// The page of devices tells what was last watched on each.
#[tokio::test]
async fn devices_tell_what_was_watched_there() {
    let world = World::new().await;
    let first = Client::registered(&world).await;
    let second = Client::registered(&world).await;
    let mut tx = world.store.begin().await.unwrap();
    let line = server::store::LogEntry {
        account: super::world::account_id(&world).await,
        device: second.device.as_ref().map(ToString::to_string),
        movie: super::world::MOVIE,
        at: NOW + 5,
        event: "interval".into(),
        code: None,
        position: Some(1.0),
        counters: vec![],
    };
    tx.log(&line).await.unwrap();
    let title = tx.movie(super::world::MOVIE).await.unwrap().unwrap().title;
    tx.commit().await.unwrap();
    let watched: Vec<_> =
        listed(&world, &first.cookies).await.devices.into_iter().map(|device| device.watched).collect();
    assert_eq!(watched, [None, Some(nccp::json::LastWatched { title, at: NOW + 5 })]);
}

/// `device remove --now` and a disabled account fail at once.
#[tokio::test]
async fn removed_at_once() {
    let world = World::new().await;
    let mut client = Client::registered(&world).await;
    let id = client.device.as_ref().unwrap().to_string();
    accounts::remove_device(&*world.store, &id, true).await.unwrap();
    assert_eq!(client.one(&world, RequestMessage::AccountInfo).await, Err(ErrorCode::DeviceUnknown));
    let mut client = Client::registered(&world).await;
    accounts::set_disabled(&*world.store, EMAIL, true).await.unwrap();
    assert_eq!(client.one(&world, RequestMessage::AccountInfo).await, Err(ErrorCode::LoginRequired));
}

/// A58: a browser that lost its keys is the same device with others, once in twelve hours; the old ones are
/// no device's.
#[tokio::test]
async fn lost_keys_take_no_second_slot() {
    let world = World::new().await;
    let mut first = Client::registered(&world).await;
    let mut fresh = Client::new(&world, &first.cookies).await;
    fresh.register(&world).await.unwrap();
    assert_eq!(fresh.device, first.device);
    assert_eq!(world.device_count().await, 1);
    let refused = Err(ErrorCode::SequenceOutOfOrder);
    assert_eq!(first.one(&world, RequestMessage::AccountInfo).await, refused, "a ticket of the old keys");
    let device_id = first.device.clone().unwrap();
    let renewal = RequestMessage::AuthenticationRenewal { device_id };
    assert_eq!(first.one(&world, renewal).await, refused);
    assert!(fresh.one(&world, RequestMessage::AccountInfo).await.is_ok());
    let mut again = Client::new(&world, &fresh.cookies).await;
    again.register(&world).await.unwrap();
    assert_eq!(world.device_count().await, 2, "too soon: it takes a slot of its own");
    world.set_clock(NOW + 3600);
    let mut third = Client::new(&world, &again.cookies).await;
    third.register(&world).await.unwrap();
    assert_eq!(world.device_count().await, 3, "a slot of one's own does not end the pause");
    world.set_clock(NOW + 12 * 3600);
    let cookies = third.cookies.split("; ").filter(|c| c.starts_with("MatineeDevice")).collect::<String>();
    let cookies = format!("{}; {cookies}", world.login().await);
    let mut later = Client::new(&world, &cookies).await;
    later.register(&world).await.unwrap();
    assert_eq!(world.device_count().await, 3);
}

/// A54: a browser that was de-authorized and lost its keys needs a free slot, as if it had them.
#[tokio::test]
async fn lost_keys_need_a_slot() {
    let world = World::with("[devices]\nlimit = 1").await;
    let first = Client::registered(&world).await;
    let id = first.device.clone().unwrap().to_string();
    accounts::remove_device(&*world.store, &id, false).await.unwrap();
    let other = Client::registered(&world).await;
    let mut fresh = Client::new(&world, &first.cookies).await;
    assert_eq!(fresh.register(&world).await.err(), Some(ErrorCode::DeviceLimitReached));
    let id = other.device.unwrap().to_string();
    accounts::remove_device(&*world.store, &id, true).await.unwrap();
    fresh.register(&world).await.unwrap();
    assert_eq!(accounts::devices(&*world.store, EMAIL).await.unwrap().len(), 1);
}

/// At the limit, devices idle for thirty days lose their slots.
#[tokio::test]
async fn idle_devices_are_reclaimed_at_the_limit() {
    let world = World::with("[devices]\nlimit = 2").await;
    let mut client = Client::registered(&world).await;
    Client::registered(&world).await;
    world.set_clock(NOW + 20 * 86_400);
    client.cookies = world.login().await;
    client.register(&world).await.unwrap();
    world.set_clock(NOW + 30 * 86_400);
    let cookies = world.login().await;
    assert_eq!(
        Client::new(&world, &cookies).await.register(&world).await,
        Err(ErrorCode::DeviceLimitReached)
    );
    world.set_clock(NOW + 30 * 86_400 + 1);
    Client::new(&world, &cookies).await.register(&world).await.unwrap();
    let slots: Vec<_> =
        accounts::devices(&*world.store, EMAIL).await.unwrap().iter().map(|d| d.slot).collect();
    assert_eq!(slots, [Some(1), Some(2)]);
}
