//! Devices and accounts that nobody trusts any more, and that go on asking.

use crate::boxes::{code, enter, poll, provisioned};
use crate::client::{Client, id, rsa};
use crate::drm::{domain_keys, embedded};
use crate::world::{EMAIL, MOVIE, World};
use nccp::{Activation, ErrorCode, LogBlob, LogEvent, RequestMessage, ResponseMessage};
use server::keys::{RevokedId, reinstate, revoke};
use server::store::{NewDevice, Slot, Store as _};
use server::{accounts, keys};

fn renewal(client: &Client) -> RequestMessage {
    RequestMessage::AuthenticationRenewal { device_id: client.device.clone().unwrap() }
}

/// All that a device can ask for with its ticket.
fn everything(client: &Client, world: &World) -> Vec<RequestMessage> {
    let log = LogBlob {
        movie_id: id(MOVIE),
        position: 1.0,
        event: LogEvent::Interval,
        counters: vec![],
        policy_version: Some("older".to_owned()),
    };
    vec![
        RequestMessage::AccountInfo,
        RequestMessage::Queue,
        RequestMessage::Authorization { movie_id: id(MOVIE) },
        RequestMessage::License { stream_id: id(MOVIE), challenge: client.challenge(world, MOVIE) },
        RequestMessage::LogBlob(log),
        renewal(client),
    ]
}

/// What `POST /license` says: its status, and the code.
async fn raw_license(client: &Client, world: &World) -> (u16, String) {
    let challenge = client.challenge(world, MOVIE);
    let headers = [("content-type", "application/cose"), ("x-cticket", client.ticket.as_deref().unwrap())];
    let reply = world.request("POST", "/license", &headers, &challenge).await;
    let code = if reply.status == 200 { String::new() } else { reply.text().to_owned() };
    (reply.status.as_u16(), code)
}

/// Asks for everything, also in one envelope; each message is refused with this code.
async fn gets_nothing(client: &mut Client, world: &World, code: ErrorCode) {
    let messages = everything(client, world);
    let answers = client.call(world, &messages).await.unwrap();
    assert_eq!(answers, vec![Err(code); messages.len()]);
    for message in messages {
        assert_eq!(client.one(world, message).await, Err(code));
    }
    let (status, text) = raw_license(client, world).await;
    assert!(status == 403 && text.contains(code.as_str()), "{status} {text}");
}

async fn gets_everything(client: &mut Client, world: &World) {
    for message in everything(client, world) {
        assert!(client.one(world, message.clone()).await.is_ok(), "{message:?}");
    }
    assert_eq!(raw_license(client, world).await.0, 200);
}

/// The two ids by which a device can be revoked: its component's and its key's.
fn names(client: &Client, world: &World) -> [RevokedId; 2] {
    let ring = keys::load(&world.config.keys(), &world.config.public_url, world.now()).unwrap();
    let certificate = ring.verify_device(&client.certificate, world.now()).unwrap();
    let component = hex::encode(certificate.certificate.component).parse().unwrap();
    [component, RevokedId::of_key(client.public_key().as_bytes())]
}

fn revoked(world: &World, id: RevokedId) {
    assert!(revoke(&world.config.keys(), id, "read out").unwrap());
    world.service.reload().unwrap();
}

fn reinstated(world: &World, id: RevokedId) {
    assert!(reinstate(&world.config.keys(), id).unwrap());
    world.service.reload().unwrap();
}

/// A box of the account, that has its ticket.
async fn activated(world: &World, cookies: &str, serial: &str) -> Client {
    let mut tv = provisioned(world, serial);
    let code = code(&mut tv, world).await;
    assert_eq!(enter(world, cookies, &code, true).await.status, 200);
    assert!(matches!(poll(&mut tv, world).await, Ok(Activation::Registered(_))));
    tv
}

/// Its ticket is good for twelve hours, and it could renew that for ever.
#[tokio::test]
async fn a_revoked_browser_renews_its_ticket() {
    let world = embedded("[drm]\nupdate_strategy = \"force\"").await;
    let cookies = world.login().await;
    let mut client = Client::with_rsa(&world, &cookies, rsa()).await;
    assert!(!domain_keys(&client.register(&world).await.unwrap()).is_empty());
    let mut other = Client::registered(&world).await;
    for named in names(&client, &world) {
        gets_everything(&mut client, &world).await;
        revoked(&world, named);
        gets_nothing(&mut client, &world, ErrorCode::CertificateInvalid).await;
        assert_eq!(client.register(&world).await.err(), Some(ErrorCode::CertificateInvalid));
        gets_everything(&mut other, &world).await;
        // The time is no secret.
        let mut pinged = client.call(&world, &[RequestMessage::Ping, RequestMessage::Queue]).await.unwrap();
        assert_eq!(pinged.remove(1), Err(ErrorCode::CertificateInvalid));
        assert!(matches!(pinged.remove(0), Ok(ResponseMessage::Ping { .. })));
        reinstated(&world, named);
    }
    gets_everything(&mut client, &world).await;
}

/// A box needs no cookies for that, and lives for twenty years.
#[tokio::test]
async fn a_revoked_box_renews_its_ticket() {
    let world = embedded("[drm]\nupdate_strategy = \"force\"").await;
    let cookies = world.login().await;
    let mut tv = activated(&world, &cookies, "0001").await;
    for named in names(&tv, &world) {
        gets_everything(&mut tv, &world).await;
        revoked(&world, named);
        gets_nothing(&mut tv, &world, ErrorCode::CertificateInvalid).await;
        assert_eq!(poll(&mut tv, &world).await, Err(ErrorCode::CertificateInvalid));
        reinstated(&world, named);
    }
    gets_everything(&mut tv, &world).await;
}

/// One identity on two accounts: a revocation takes it off both, by either name, and off no other.
#[tokio::test]
async fn a_revoked_device_keeps_its_slot() {
    let world = World::new().await;
    let mut first = Client::registered(&world).await;
    let component = names(&first, &world)[0];
    let other = Client::registered(&world).await;
    let mine = first.device.clone().unwrap();
    first.cookies = world.add_account("eve@example.org", "unlimited").await;
    (first.device, first.ticket) = (None, None);
    first.register(&world).await.unwrap();
    let copy = first.device.clone().unwrap();
    assert_ne!(copy, mine);
    // One that was de-authorized, and plays on, is removed, too.
    accounts::remove_device(&*world.store, copy.as_str(), false).await.unwrap();

    let removed = accounts::remove_revoked(&*world.store, component).await.unwrap();
    let mut expected = vec![mine.to_string(), copy.to_string()];
    expected.sort();
    assert_eq!(removed, expected);
    let left = accounts::devices(&*world.store, EMAIL).await.unwrap();
    assert_eq!(left.iter().map(|device| &*device.id).collect::<Vec<_>>(), [other.device.unwrap().as_str()]);
    assert_eq!(first.one(&world, RequestMessage::Queue).await, Err(ErrorCode::DeviceUnknown));
    let key = RevokedId::of_key(other.key.public_key().unwrap().as_bytes());
    assert_eq!(accounts::remove_revoked(&*world.store, key).await.unwrap().len(), 1);
    assert_eq!(world.device_count().await, 0);
}

/// Devices that registered before components were kept are known by their keys.
#[tokio::test]
async fn a_revoked_device_of_before() {
    let world = World::new().await;
    let account = accounts::find(&*world.store, EMAIL).await.unwrap().id;
    let device = NewDevice {
        id: "d-before".into(),
        account,
        signing_key: vec![2; 33],
        level: license::KeyLevel::Box,
        kind: "box".into(),
        name: "Old".into(),
        machine: String::new(),
        browser_hash: None,
        sequence: 1,
        registered: world.now(),
        country: None,
        replaced: 0,
    };
    let mut tx = world.store.begin().await.unwrap();
    assert_eq!(tx.add_device(&device, 6).await.unwrap(), Slot::Taken(1));
    tx.commit().await.unwrap();
    let named = RevokedId::of_key(&[2; 33]);
    assert_eq!(accounts::remove_revoked(&*world.store, named).await.unwrap(), ["d-before"]);
}

/// Everything that the account has in hand: sessions, tickets of browser and box, a code that was typed in,
/// the password.
#[tokio::test]
async fn a_blocked_account_goes_on_with_what_it_has() {
    let world = embedded("[drm]\nupdate_strategy = \"force\"").await;
    let cookies = world.login().await;
    let mut client = Client::with_rsa(&world, &cookies, rsa()).await;
    client.register(&world).await.unwrap();
    let mut tv = activated(&world, &cookies, "0001").await;
    let mut late = provisioned(&world, "0002");
    let typed = code(&mut late, &world).await;
    assert_eq!(enter(&world, &cookies, &typed, true).await.status, 200);
    gets_everything(&mut client, &world).await;
    gets_everything(&mut tv, &world).await;

    accounts::set_disabled(&*world.store, EMAIL, true).await.unwrap();
    gets_nothing(&mut client, &world, ErrorCode::LoginRequired).await;
    gets_nothing(&mut tv, &world, ErrorCode::LoginRequired).await;
    assert_eq!(client.register(&world).await.err(), Some(ErrorCode::LoginRequired));
    assert_eq!(poll(&mut late, &world).await, Err(ErrorCode::CodeExpired));
    assert_eq!(world.get("/api/library", &cookies).await.status, 401);
    assert_eq!(world.try_login(EMAIL, crate::world::PASSWORD, &cookies).await.status, 401);

    accounts::set_disabled(&*world.store, EMAIL, false).await.unwrap();
    assert_eq!(world.get("/api/library", &cookies).await.status, 401, "its sessions stay ended");
    assert_eq!(client.one(&world, renewal(&client)).await, Err(ErrorCode::LoginRequired));
    client.cookies = world.login().await;
    gets_everything(&mut client, &world).await;
    gets_everything(&mut tv, &world).await;
}
