//! The audit log: what can be traced by it.

use super::client::{Client, id};
use super::drm;
use super::world::{EMAIL, MOVIE, NOW, World, account_id};
use nccp::{ErrorCode, RequestMessage, ResponseMessage};
use serde_json::{Value, json};
use server::accounts;
use server::store::{Actor, AuditFilter, Audited, Store as _};

const UNKNOWN: u64 = 5;

async fn all(world: &World) -> Vec<Audited> {
    read(world, AuditFilter { after: 0, most: 1000, ..AuditFilter::default() }).await
}

async fn read(world: &World, filter: AuditFilter) -> Vec<Audited> {
    world.store.read().await.unwrap().audited(&filter).await.unwrap()
}

/// What clients did: action, result, device, movie.
async fn told(world: &World) -> Vec<(String, String, Option<String>, Option<u64>)> {
    let clients = all(world).await.into_iter().map(|audited| audited.entry);
    let clients = clients.filter(|entry| entry.actor == Actor::Client);
    clients.map(|entry| (entry.action, entry.result, entry.device, entry.movie)).collect()
}

fn license(client: &Client, world: &World, movie: u64) -> RequestMessage {
    RequestMessage::License { stream_id: id(movie), challenge: client.challenge(world, movie) }
}

/// A leaked film is traced: which license went to which device, of whom, from where, and what became of it.
#[tokio::test]
async fn from_login_to_removal() {
    let world = World::new().await;
    world.come_from("203.0.113.77");
    let mut client = Client::registered(&world).await;
    let device = client.device.clone().unwrap().to_string();
    world.set_clock(NOW + 60);
    let message = license(&client, &world, MOVIE);
    assert!(client.one(&world, message).await.is_ok());
    world.come_from("2001:db8:1:2::3");
    let body = format!(r#"{{"device_id":"{device}"}}"#);
    let removed = world.post_json("/Player/unregister_device", &client.cookies, &body).await;
    assert_eq!(removed.status, 204);

    let (on, movie) = (Some(device.clone()), Some(MOVIE));
    let done = |action: &str, device: &Option<String>, movie| {
        (action.to_owned(), "done".to_owned(), device.clone(), movie)
    };
    assert_eq!(
        told(&world).await,
        [
            done("login", &None, None),
            done("register", &on, None),
            done("license", &on, movie),
            done("unregister", &on, None)
        ]
    );
    let filter = AuditFilter { movie, most: 10, ..AuditFilter::default() };
    let of_movie = read(&world, filter.clone()).await;
    let [added, licensed] = &of_movie[..] else { panic!("{of_movie:?}") };
    assert_eq!((added.entry.actor, added.entry.action.as_str()), (Actor::Operator, "movie add"));
    assert_eq!((licensed.entry.at, licensed.email.as_deref()), (NOW + 60, Some(EMAIL)));
    assert_eq!(licensed.entry.account, Some(account_id(&world).await));
    assert_eq!(licensed.entry.network.as_deref(), Some("203.0.113.0/24"), "not the whole address");
    let ring = server::keys::load(&world.config.keys(), &world.config.public_url, NOW).unwrap();
    let content = cenc::ContentId::of_movie(MOVIE);
    let kid = cenc::derive_kid(ring.active_common_key().1, &content, &cenc::Label::default(), 0);
    assert_eq!(licensed.entry.details["keys"], json!([kid.to_string()]));
    assert_eq!(licensed.entry.details["policy"], "24h");
    let text = serde_json::to_string(&all(&world).await).unwrap();
    assert!(!text.contains(client.ticket.as_deref().unwrap()) && !text.contains("correct horse"));

    let of_device = AuditFilter { device: on, ..filter.clone() };
    assert_eq!(read(&world, of_device.clone()).await.len(), 1, "both must hold");
    assert_eq!(read(&world, AuditFilter { movie: None, ..of_device.clone() }).await.len(), 3);
    let later = AuditFilter { movie: None, since: Some(NOW + 60), ..of_device };
    let later = read(&world, later).await;
    assert_eq!(later.len(), 2);
    assert_eq!(later[1].entry.network.as_deref(), Some("2001:db8:1::/48"));
}

/// What is refused to somebody who is known is written down; what nobody can be told of is not.
#[tokio::test]
async fn what_was_refused() {
    let world = World::new().await;
    assert_eq!(world.try_login(EMAIL, "wrong", "").await.status, 401);
    assert_eq!(world.try_login("nobody@example.org", "wrong", "").await.status, 401);
    let mut client = Client::registered(&world).await;
    let device = client.device.clone().unwrap().to_string();
    let authorization = RequestMessage::Authorization { movie_id: id(UNKNOWN) };
    let unknown = license(&client, &world, UNKNOWN);
    let answers = client.call(&world, &[authorization, unknown]).await.unwrap();
    assert!(answers.iter().all(Result::is_err));
    // A copy of the device uses the same numbers.
    client.go_on_from(client.drawn() - 1);
    assert_eq!(client.one(&world, RequestMessage::AccountInfo).await, Err(ErrorCode::SequenceOutOfOrder));
    // The raw route.
    let ticket = client.ticket.clone().unwrap();
    let headers = [("content-type", "application/cose"), ("x-cticket", ticket.as_str())];
    let reply = world.request("POST", "/license", &headers, &client.challenge(&world, UNKNOWN)).await;
    assert_eq!(reply.status, 403);
    // Nobody's.
    let bad = world.request("POST", "/license", &headers[..1], b"").await;
    assert!(bad.status.is_client_error());

    let told = told(&world).await;
    let refused = told.iter().filter(|(_, result, ..)| result != "done");
    let refused: Vec<_> =
        refused.map(|(action, result, on, movie)| (&**action, &**result, on, *movie)).collect();
    let on = Some(device);
    assert_eq!(
        refused,
        [
            ("login", "LOGIN_FAILED", &None, None),
            ("login", "LOGIN_FAILED", &None, None),
            ("authorization", "MOVIE_UNKNOWN", &on, Some(UNKNOWN)),
            ("license", "MOVIE_UNKNOWN", &on, Some(UNKNOWN)),
            ("envelope", "SEQUENCE_OUT_OF_ORDER", &on, None),
            ("license", "MOVIE_UNKNOWN", &on, Some(UNKNOWN)),
        ]
    );
    let of_account =
        AuditFilter { account: Some(account_id(&world).await), most: 100, ..AuditFilter::default() };
    let emails: Vec<_> = read(&world, of_account).await.into_iter().map(|audited| audited.email).collect();
    assert!(emails.len() > 5 && emails.iter().all(|email| email.as_deref() == Some(EMAIL)), "{emails:?}");
    let text = serde_json::to_string(&all(&world).await).unwrap();
    assert!(!text.contains("nobody@example.org"), "what strangers type is not kept");
}

/// Revoked keys, a blocked account, and what else a device asks for in vain.
#[tokio::test]
async fn what_nobody_gets() {
    let world = World::with("[devices]\nremovals = 1").await;
    let mut client = Client::registered(&world).await;
    let mut other = Client::registered(&world).await;
    let [on, of_other] = [&client, &other].map(|client| client.device.clone().unwrap().to_string());
    let takeover =
        RequestMessage::Takeover { movie_id: id(UNKNOWN), device_id: other.device.clone().unwrap() };
    assert_eq!(client.one(&world, takeover).await, Err(ErrorCode::MovieUnknown));
    let log = RequestMessage::LogBlob(nccp::LogBlob {
        movie_id: id(UNKNOWN),
        position: 1.0,
        event: nccp::LogEvent::Interval,
        counters: vec![],
        policy_version: None,
    });
    assert_eq!(client.one(&world, log).await, Err(ErrorCode::MovieUnknown));
    for (device, status) in [("d-what was typed", 400), ("d-1", 404), (&*of_other, 204), (&*on, 429)] {
        let body = format!(r#"{{"device_id":"{device}"}}"#);
        let reply = world.post_json("/Player/unregister_device", &client.cookies, &body).await;
        assert_eq!(reply.status, status, "{device}");
    }
    let key = server::keys::RevokedId::of_key(other.public_key().as_bytes());
    server::keys::revoke(&world.config.keys(), key, "read out").unwrap();
    world.service.reload().unwrap();
    let certificate = Err(ErrorCode::CertificateInvalid);
    assert_eq!(other.one(&world, RequestMessage::Queue).await, certificate);
    let headers = [("content-type", "application/cose"), ("x-cticket", other.ticket.as_deref().unwrap())];
    let raw = world.request("POST", "/license", &headers, &other.challenge(&world, MOVIE)).await;
    assert_eq!(raw.status, 403);
    assert_eq!(other.register(&world).await, certificate);
    accounts::set_disabled(&*world.store, EMAIL, true).await.unwrap();
    assert_eq!(client.one(&world, RequestMessage::Queue).await, Err(ErrorCode::LoginRequired));
    let headers = [("content-type", "application/cose"), ("x-cticket", client.ticket.as_deref().unwrap())];
    let raw = world.request("POST", "/license", &headers, &client.challenge(&world, MOVIE)).await;
    assert_eq!(raw.status, 403);

    let (on, of_other) = (Some(on), Some(of_other));
    let told = told(&world).await;
    let refused = told.iter().filter(|(_, result, ..)| result != "done");
    let refused: Vec<_> =
        refused.map(|(action, result, on, movie)| (&**action, &**result, on, *movie)).collect();
    assert_eq!(
        refused,
        [
            ("takeover", "MOVIE_UNKNOWN", &on, Some(UNKNOWN)),
            ("logblob", "MOVIE_UNKNOWN", &on, Some(UNKNOWN)),
            ("unregister", "DEVICE_UNKNOWN", &None, None),
            ("unregister", "REMOVAL_LIMIT_REACHED", &on, None),
            ("envelope", "CERTIFICATE_INVALID", &of_other, None),
            ("license", "CERTIFICATE_INVALID", &of_other, None),
            ("register", "CERTIFICATE_INVALID", &None, None),
            ("envelope", "LOGIN_REQUIRED", &on, None),
            ("license", "LOGIN_REQUIRED", &on, Some(MOVIE)),
        ]
    );
    let of_account =
        AuditFilter { account: Some(account_id(&world).await), most: 100, ..AuditFilter::default() };
    let refused = read(&world, of_account).await.into_iter().filter(|audited| audited.entry.result != "done");
    assert_eq!(refused.count(), 9, "each of them is the account's");
}

/// An embedded license goes out with the answer to a report, or does not.
#[tokio::test]
async fn a_license_in_the_answer_to_a_report() {
    let world = drm::embedded("[drm]\nupdate_strategy = \"force\"").await;
    let mut client = Client::registered(&world).await;
    let rules = client.report(&world, MOVIE, "older").await.unwrap();
    let last = all(&world).await.pop().unwrap().entry;
    assert_eq!((last.action.as_str(), last.movie), ("license", Some(MOVIE)));
    assert_eq!(
        (&last.details["embedded"], &last.details["forced"]),
        (&Value::Bool(true), &Value::Bool(true))
    );
    assert_eq!(last.details["policy_version"], json!(rules.policy_version));
    let before = all(&world).await.len();
    assert_eq!(client.report(&world, MOVIE, &rules.policy_version.unwrap()).await, None);
    assert_eq!(all(&world).await.len(), before, "what brings nothing is the rule");
    let mut tx = world.store.begin().await.unwrap();
    let movie = tx.movie(MOVIE).await.unwrap().unwrap();
    let movie = server::store::NewMovie { plans: vec!["gold".into()], ..movie.into() };
    tx.put_movie(&movie, NOW).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(client.report(&world, MOVIE, "older").await, None);
    let last = all(&world).await.pop().unwrap().entry;
    assert_eq!((last.action.as_str(), last.result.as_str()), ("logblob", "NOT_SUBSCRIBED"));
    assert_eq!(last.movie, Some(MOVIE));
}

/// A registration that found no slot is told as refused, and none that was undone as done.
#[tokio::test]
async fn a_registration_without_a_slot() {
    let world = World::with("[devices]\nlimit = 1").await;
    Client::registered(&world).await;
    let cookies = world.login().await;
    let mut second = Client::new(&world, &cookies).await;
    assert_eq!(second.register(&world).await, Err(ErrorCode::DeviceLimitReached));
    let told = told(&world).await;
    let registrations = told.iter().filter(|(action, ..)| action == "register");
    let results: Vec<_> = registrations.map(|(_, result, on, _)| (result.as_str(), on.is_some())).collect();
    assert_eq!(results, [("done", true), ("DEVICE_LIMIT_REACHED", false)]);
    let last = all(&world).await.pop().unwrap();
    assert_eq!(last.email.as_deref(), Some(EMAIL), "the session says whose it was");
}

/// An embedded license goes out with the manifest.
#[tokio::test]
async fn a_license_in_the_manifest() {
    let world = drm::embedded("").await;
    let mut client = Client::registered(&world).await;
    let authorization = RequestMessage::Authorization { movie_id: id(MOVIE) };
    let answer = client.one(&world, authorization).await.unwrap();
    let ResponseMessage::Authorization(manifest) = answer else { panic!("{answer:?}") };
    let last = all(&world).await.pop().unwrap().entry;
    assert_eq!((last.action.as_str(), last.movie), ("license", Some(MOVIE)));
    assert_eq!(last.details["embedded"], Value::Bool(true));
    assert_eq!(last.details["policy_version"], json!(manifest.policy_version));
    assert_eq!(last.details["keys"].as_array().unwrap().len(), 1);
}

/// `log.addresses` decides what is kept of addresses.
#[tokio::test]
async fn addresses_as_the_operator_wants_them() {
    for (setting, expected) in [("full", Some("203.0.113.77")), ("none", None)] {
        let world = World::with(&format!("[log]\naddresses = \"{setting}\"")).await;
        world.come_from("203.0.113.77");
        world.login().await;
        let entry = all(&world).await.pop().unwrap().entry;
        assert_eq!((entry.action.as_str(), entry.network.as_deref()), ("login", expected), "{setting}");
    }
}

/// What operators do to accounts and devices, and old entries are purged.
#[tokio::test]
async fn operators_commands() {
    let world = World::new().await;
    let client = Client::registered(&world).await;
    let device = client.device.clone().unwrap().to_string();
    accounts::remove_device(&*world.store, &device, true).await.unwrap();
    accounts::set_disabled(&*world.store, EMAIL, true).await.unwrap();
    accounts::set_password(&*world.store, EMAIL, "another one", false).await.unwrap();
    assert!(accounts::remove_device(&*world.store, &device, true).await.is_err());
    let entries: Vec<_> = all(&world).await.into_iter().map(|audited| audited.entry).collect();
    let operator = entries.iter().filter(|entry| entry.actor == Actor::Operator);
    let commands: Vec<_> = operator.map(|entry| entry.action.as_str()).collect();
    assert_eq!(
        commands,
        ["user add", "movie add", "movie add", "device remove", "user block", "user passwd"]
    );
    let removal = &entries[entries.len() - 3];
    assert_eq!((removal.device.as_deref(), &removal.details["now"]), (Some(&*device), &Value::Bool(true)));

    let mut tx = world.store.begin().await.unwrap();
    tx.purge_audit(NOW + 1).await.unwrap();
    tx.commit().await.unwrap();
    assert!(all(&world).await.iter().all(|audited| audited.entry.at > NOW));
}
