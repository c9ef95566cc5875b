//! Licenses.

use super::client::{Client, MODULE, id, rsa};
use super::world::{MOVIE, NOW, OTHER_MOVIE, World};
use cenc::{ContentId, Label, derive_cek, derive_kid};
use license::{Display, KeyName, Version};
use nccp::{ErrorCode, RequestMessage, ResponseMessage};
use server::store::{NewMovie, Store};
use server::{Clock, Service};
use std::sync::Arc;

const COSE: [(&str, &str); 1] = [("content-type", "application/cose")];

async fn license(
    client: &mut Client,
    world: &World,
    movie: u64,
    challenge: &[u8],
) -> Result<Vec<u8>, ErrorCode> {
    let message = RequestMessage::License { stream_id: id(movie), challenge: challenge.to_vec() };
    match client.one(world, message).await? {
        ResponseMessage::License { license, .. } => Ok(license),
        other => panic!("{other:?}"),
    }
}

fn key_name(world: &World, movie: u64) -> KeyName {
    let ring = server::keys::load(&world.config.keys(), &world.config.public_url, NOW).unwrap();
    let (name, common) = ring.active_common_key();
    let kid = derive_kid(common, &ContentId::of_movie(movie), &Label::default(), 0);
    KeyName { kid, common_key_id: name.to_owned(), label: "main".into(), period: 0 }
}

async fn set_policy(world: &World, policy: &str) {
    let mut tx = world.store.begin().await.unwrap();
    let movie = tx.movie(MOVIE).await.unwrap().unwrap();
    let movie = NewMovie { policy: policy.into(), ..movie.into() };
    tx.put_movie(&movie, NOW).await.unwrap();
    tx.commit().await.unwrap();
}

/// A44, A46, A95 to A97: the right key, for this device and challenge only, never twice the same.
#[tokio::test]
async fn a44_a97_a_license_opens() {
    let world = World::new().await;
    let mut client = Client::registered(&world).await;
    let challenge = client.challenge(&world, MOVIE);
    let one = license(&mut client, &world, MOVIE, &challenge).await.unwrap();
    let opened = client.open(&world, &one, &challenge).await.unwrap();
    let keys = opened.open_with_rsa(rsa()).unwrap();
    let ring = server::keys::load(&world.config.keys(), &world.config.public_url, NOW).unwrap();
    let cek = derive_cek(ring.active_common_key().1, &ContentId::of_movie(MOVIE), &Label::default(), 0);
    assert_eq!(keys.len(), 1);
    assert!(keys[0].0 == key_name(&world, MOVIE).kid && keys[0].1 == cek);
    let policy = &opened.license().policy;
    assert_eq!((policy.name.as_str(), policy.not_after), ("24h", Some(NOW + 86_400)));
    assert_eq!(opened.license().content_id, "movie/60027274");

    let again = client.challenge(&world, MOVIE);
    let two = license(&mut client, &world, MOVIE, &again).await.unwrap();
    let second = client.open(&world, &two, &again).await.unwrap();
    assert_ne!(opened.license().kek, second.license().kek);
    assert_ne!(opened.license().keys, second.license().keys);
    let other = client.challenge(&world, MOVIE);
    assert!(client.open(&world, &two, &other).await.is_err(), "another challenge's");

    // Asked for by name, it is the same key; the raw route gives it too.
    let name = |client: &Client| {
        let keys = vec![key_name(&world, MOVIE)];
        client.sign_challenge(&client.unsigned_challenge(&world, MOVIE, keys))
    };
    let named = name(&client);
    assert!(license(&mut client, &world, MOVIE, &named).await.is_ok());
    let named = name(&client);
    let ticket = client.ticket.clone().unwrap();
    let headers = [("content-type", "application/cose"), ("x-cticket", &*ticket)];
    let raw = world.request("POST", "/license", &headers, &named).await;
    assert_eq!((raw.status.as_u16(), raw.header("content-type")), (200, "application/cose"));
    let message = RequestMessage::License { stream_id: id(MOVIE), challenge: name(&client) };
    match client.one(&world, message).await.unwrap() {
        ResponseMessage::License { policy_version, .. } => {
            assert_eq!(policy_version.as_deref(), Some(raw.header("x-policy-version")));
        }
        other => panic!("{other:?}"),
    }
    let opened = client.open(&world, &raw.body, &named).await.unwrap();
    assert!(opened.open_with_rsa(rsa()).unwrap()[0].1 == cek);
}

/// A98: each condition broken in turn.
#[tokio::test]
async fn a98_each_condition_is_checked() {
    let world = World::new().await;
    let mut client = Client::registered(&world).await;
    let other = Client::registered(&world).await;
    let base = || client.unsigned_challenge(&world, MOVIE, vec![]);
    let mut challenges = Vec::new();
    let mut broken = |what: &'static str, code, challenge: license::Challenge| {
        challenges.push((what, code, client.sign_challenge(&challenge)));
    };
    let invalid = ErrorCode::ChallengeInvalid;
    broken("another movie's stream", invalid, license::Challenge { stream_id: OTHER_MOVIE, ..base() });
    broken("another ticket", invalid, license::Challenge { ticket_sha256: [0; 32], ..base() });
    let device_id = other.device.as_ref().unwrap().to_string();
    broken("another device", invalid, license::Challenge { device_id, ..base() });
    broken("an old clock", invalid, license::Challenge { time: NOW - 301, ..base() });
    broken(
        "another movie's key",
        invalid,
        license::Challenge { keys: vec![key_name(&world, OTHER_MOVIE)], ..base() },
    );
    let key = KeyName { label: "other".into(), ..key_name(&world, MOVIE) };
    broken("another label", invalid, license::Challenge { keys: vec![key], ..base() });
    let twice = vec![key_name(&world, MOVIE); 2];
    broken("a key twice", invalid, license::Challenge { keys: twice, ..base() });
    let module_version = Version::new(0, 0, 9);
    broken("an old module", ErrorCode::PolicyRefused, license::Challenge { module_version, ..base() });
    let certificate = other.certificate.clone();
    broken("another's certificate", invalid, license::Challenge { certificate, ..base() });
    challenges.push(("another's signature", invalid, other.sign_challenge(&base())));
    challenges.push(("no COSE", invalid, b"hello".to_vec()));
    let certificate = Client::new(&World::new().await, "").await.certificate;
    let foreign = license::Challenge { certificate, ..base() };
    challenges.push((
        "another site's certificate",
        ErrorCode::CertificateInvalid,
        client.sign_challenge(&foreign),
    ));
    let theirs = license::Challenge {
        device_id: client.device.as_ref().unwrap().to_string(),
        ..other.unsigned_challenge(&world, MOVIE, vec![])
    };
    challenges.push(("another device's own", invalid, other.sign_challenge(&theirs)));
    for (what, code, challenge) in challenges {
        assert_eq!(license(&mut client, &world, MOVIE, &challenge).await, Err(code), "{what}");
    }
    assert!(MODULE > module_version);

    let good = client.challenge(&world, MOVIE);
    assert_eq!(license(&mut client, &world, OTHER_MOVIE, &good).await, Err(invalid), "A44");
    let unknown = client.challenge(&world, 1);
    assert_eq!(license(&mut client, &world, 1, &unknown).await, Err(ErrorCode::MovieUnknown));
    for flip in [0, good.len() / 2, good.len() - 1] {
        let mut bad = good.clone();
        bad[flip] ^= 1;
        let code = license(&mut client, &world, MOVIE, &bad).await.unwrap_err();
        // The middle lies in the certificate.
        assert!([invalid, ErrorCode::CertificateInvalid].contains(&code), "octet {flip}: {code}");
    }
    let good = client.challenge(&world, MOVIE);
    assert!(license(&mut client, &world, MOVIE, &good).await.is_ok());
}

/// B8, B54, B57: policies become absolute times and are refused where they cannot hold.
#[tokio::test]
async fn policies_are_applied() {
    let world = World::new().await;
    let mut client = Client::registered(&world).await;
    set_policy(&world, "rental").await;
    let challenge = client.challenge(&world, MOVIE);
    license(&mut client, &world, MOVIE, &challenge).await.unwrap();
    world.set_clock(NOW + 3600);
    let challenge = client.challenge(&world, MOVIE);
    let octets = license(&mut client, &world, MOVIE, &challenge).await.unwrap();
    let opened = client.open(&world, &octets, &challenge).await.unwrap();
    assert_eq!(opened.license().policy.play_until, Some(NOW + 2 * 86_400), "from the first play");
    world.set_clock(NOW + 2 * 86_400 + 1);
    client.cookies = world.login().await;
    client.register(&world).await.unwrap();
    let challenge = client.challenge(&world, MOVIE);
    assert_eq!(license(&mut client, &world, MOVIE, &challenge).await, Err(ErrorCode::PolicyRefused), "over");

    set_policy(&world, "24h-output-required").await;
    for (display, expected) in
        [(Display::Single, true), (Display::Extended, false), (Display::Unknown, false)]
    {
        let challenge = license::Challenge { display, ..client.unsigned_challenge(&world, MOVIE, vec![]) };
        let challenge = client.sign_challenge(&challenge);
        let result = license(&mut client, &world, MOVIE, &challenge).await;
        assert_eq!(result.err(), (!expected).then_some(ErrorCode::PolicyRefused), "{display:?}");
    }
}

/// The raw route: the same conditions, JSON errors.
#[tokio::test]
async fn the_raw_route_refuses_alike() {
    let world = World::new().await;
    let client = Client::registered(&world).await;
    let ticket = client.ticket.clone().unwrap();
    let challenge = client.challenge(&world, MOVIE);
    let post = async |ticket: Option<&str>, challenge: &[u8]| {
        let mut headers = vec![("content-type", "application/cose")];
        headers.extend(ticket.map(|t| ("x-cticket", t)));
        let reply = world.request("POST", "/license", &headers, challenge).await;
        let body: nccp::json::ErrorBody = reply.json();
        (reply.status.as_u16(), body.code())
    };
    assert_eq!(post(None, &challenge).await, (401, ErrorCode::NotAuthentic));
    assert_eq!(post(Some("AAAA"), &challenge).await, (401, ErrorCode::NotAuthentic));
    assert_eq!(post(Some(&ticket), b"hello").await, (403, ErrorCode::ChallengeInvalid));
    assert_eq!(post(Some(&ticket), &client.challenge(&world, 1)).await, (403, ErrorCode::MovieUnknown));
    assert_eq!(post(Some(&ticket), &[0; 17_000]).await, (413, ErrorCode::RequestInvalid));
    let id = client.device.as_ref().unwrap().to_string();
    server::accounts::remove_device(&*world.store, &id, true).await.unwrap();
    assert_eq!(post(Some(&ticket), &challenge).await, (403, ErrorCode::DeviceUnknown));
    world.set_clock(NOW + 43_200);
    assert_eq!(post(Some(&ticket), &challenge).await, (403, ErrorCode::TicketExpired));
}

/// A87, A91: no cookies, no account; throttled by address.
#[tokio::test]
async fn a91_individualization_is_open_but_throttled() {
    let world = World::with("[limits]\nindividualizations = 2").await;
    let first = Client::new(&world, "").await;
    let request = super::client::individualization_request(&first.key, NOW);
    let mut forged = request.clone();
    *forged.last_mut().unwrap() ^= 1;
    let reply = world.request("POST", "/individualize", &COSE, &forged).await;
    assert_eq!(reply.status, 400);
    assert!(reply.text().contains("CERTIFICATE_INVALID"));
    let reply = world.request("POST", "/individualize", &COSE, &request).await;
    assert_eq!(reply.status, 429);
    assert!(!reply.header("retry-after").is_empty());
}

/// Both routes that take COSE take nothing else: another type, none, two, or a compressed body.
#[tokio::test]
async fn cose_is_asked_for_by_its_type() {
    let world = World::new().await;
    let client = Client::registered(&world).await;
    let ticket = client.ticket.clone().unwrap();
    let challenge = || client.challenge(&world, MOVIE);
    let request = || super::client::individualization_request(&client.key, NOW);
    for (path, body) in [("/license", &challenge as &dyn Fn() -> Vec<u8>), ("/individualize", &request)] {
        for (headers, status) in [
            (&[("content-type", "application/cose")][..], 200),
            (&[("content-type", "Application/COSE; cose-type=\"cose-sign1\"")], 200),
            (&[], 415),
            (&[("content-type", "application/octet-stream")], 415),
            (&[("content-type", "text/plain")], 415),
            (&[("content-type", "application/x-www-form-urlencoded")], 415),
            (&[("content-type", "application/cose, text/plain")], 415),
            (&[("content-type", "application/cose"), ("content-type", "text/plain")], 415),
            (&[("content-type", "application/cose"), ("content-encoding", "gzip")], 415),
            (&[("content-type", "application/cose"), ("content-encoding", "identity")], 415),
        ] {
            let headers = [headers, &[("x-cticket", ticket.as_str())]].concat();
            let reply = world.request("POST", path, &headers, &body()).await;
            assert_eq!(reply.status, status, "{path} {headers:?}");
            if status == 415 {
                assert_eq!(reply.json::<nccp::json::ErrorBody>().code(), ErrorCode::RequestInvalid);
            }
        }
    }
    let two = [COSE[0], ("x-cticket", ticket.as_str()), ("x-cticket", ticket.as_str())];
    let reply = world.request("POST", "/license", &two, &challenge()).await;
    assert_eq!(
        (reply.status.as_u16(), reply.json::<nccp::json::ErrorBody>().code()),
        (400, ErrorCode::RequestInvalid)
    );
}

/// A challenge costs two signatures to verify, on either way, and whether it is good or not.
#[tokio::test]
async fn a_challenge_is_verified_once() {
    let world = World::new().await;
    let mut client = Client::registered(&world).await;
    let ticket = client.ticket.clone().unwrap();
    let recorder = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder();
    let handle = recorder.handle();
    let _guard = metrics::set_default_local_recorder(&recorder);
    let counted = |result: &str| {
        let line = format!("matinee_challenges_total{{result=\"{result}\"}} ");
        handle.render().lines().find_map(|l| l.strip_prefix(&line).map(str::to_owned)).unwrap_or_default()
    };
    let challenge = client.challenge(&world, MOVIE);
    let headers = [COSE[0], ("x-cticket", ticket.as_str())];
    assert_eq!(world.request("POST", "/license", &headers, &challenge).await.status, 200);
    assert_eq!(counted("verified"), "1");
    let challenge = client.challenge(&world, MOVIE);
    license(&mut client, &world, MOVIE, &challenge).await.unwrap();
    assert_eq!(counted("verified"), "2");
    assert_eq!(world.request("POST", "/license", &headers, b"hello").await.status, 403);
    assert_eq!((counted("verified").as_str(), counted("invalid").as_str()), ("2", "1"));
}

/// What the server cannot sign is its own fault: the client comes again, and does not individualize. The
/// other messages of the envelope are answered.
#[tokio::test]
async fn a_signing_failure_is_the_servers_own() {
    let mut world = World::new().await;
    let mut client = Client::registered(&world).await;
    let ticket = client.ticket.clone().unwrap();
    let (clock, _) = Clock::manual(NOW);
    let mut ring = server::keys::load(&world.config.keys(), &world.config.public_url, NOW).unwrap();
    // Each of these signers refuses what the other signs.
    std::mem::swap(&mut ring.license, &mut ring.metadata);
    std::mem::swap(&mut ring.device_certificate, &mut ring.individualization);
    let service = Service::with_keys(world.config.clone(), clock, world.store.clone(), ring).unwrap();
    world.router = server::router(Arc::new(service));

    let challenge = client.challenge(&world, MOVIE);
    let messages = [
        RequestMessage::License { stream_id: id(MOVIE), challenge },
        RequestMessage::Authorization { movie_id: id(MOVIE) },
        RequestMessage::MovieMetadata { movie_id: id(MOVIE) },
    ];
    let answers = client.call(&world, &messages).await.unwrap();
    let later = Err(ErrorCode::TryLater);
    assert_eq!((&answers[0], &answers[1]), (&later, &later));
    assert!(answers[2].is_ok(), "{answers:?}");

    let headers = [COSE[0], ("x-cticket", ticket.as_str())];
    let request = super::client::individualization_request(&client.key, NOW);
    let challenge = client.challenge(&world, MOVIE);
    for (path, body) in [("/license", &challenge), ("/individualize", &request)] {
        let reply = world.request("POST", path, &headers, body).await;
        assert_eq!((reply.status.as_u16(), reply.header("retry-after")), (503, "5"), "{path}");
        assert_eq!(reply.json::<nccp::json::ErrorBody>().code(), ErrorCode::TryLater, "{path}");
    }
}
