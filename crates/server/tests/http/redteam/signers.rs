//! A signer's key that was stolen, and a server that has run for long.

use crate::client::{Client, id};
use crate::world::{MOVIE, NOW, World};
use nccp::json::DecryptorConfig;
use nccp::{ErrorCode, RequestMessage, ResponseMessage};
use server::keys::{self, KeyKind};

async fn config(world: &World) -> DecryptorConfig {
    world.get("/decryptor-config.json", "").await.json()
}

/// What the module is told of signers: retired ones are not among them.
#[tokio::test]
async fn a_retired_signer_is_not_named_any_more() {
    let world = World::new().await;
    let (folder, url) = (world.config.keys(), &world.config.public_url);
    let before = config(&world).await.signers.unwrap();
    assert_eq!(before.len(), 4);
    keys::rotate(&folder, url, KeyKind::Signer, Some("matinee-license"), true, NOW).unwrap();
    world.service.reload().unwrap();
    let between = config(&world).await.signers.unwrap();
    assert!(between.len() == 5 && before.iter().all(|key| between.contains(key)));
    keys::retire(&folder, KeyKind::Signer, "license-1").unwrap();
    world.service.reload().unwrap();
    let after = config(&world).await.signers.unwrap();
    assert_eq!((after.len(), before.iter().filter(|key| after.contains(key)).count()), (4, 3));
}

/// Who got hold of the key that signs device certificates makes devices with it, until it is retired.
#[tokio::test]
async fn a_device_that_a_retired_signer_certified_is_refused() {
    let world = World::new().await;
    let mut client = Client::registered(&world).await;
    let (folder, url) = (world.config.keys(), &world.config.public_url);
    keys::rotate(&folder, url, KeyKind::Signer, Some("matinee-device-certificate"), true, NOW).unwrap();
    world.service.reload().unwrap();
    assert!(client.register(&world).await.is_ok(), "it is trusted until it is retired");
    keys::retire(&folder, KeyKind::Signer, "device-certificate-1").unwrap();
    world.service.reload().unwrap();
    assert_eq!(client.register(&world).await.unwrap_err(), ErrorCode::CertificateInvalid);
    let license =
        RequestMessage::License { stream_id: id(MOVIE), challenge: client.challenge(&world, MOVIE) };
    assert!(client.one(&world, license).await.is_err(), "nor licenses");
    assert!(Client::new(&world, &client.cookies).await.register(&world).await.is_ok());
}

/// A server that nobody starts again has signers whose certificates hold, and they are young ones.
#[tokio::test]
async fn a_server_that_runs_for_years_signs_with_young_certificates() {
    let world = World::new().await;
    for days in [0, 44, 46, 89, 91, 400] {
        world.set_clock(NOW + days * 86_400);
        world.service.look_after_signers();
        let mut client = Client::registered(&world).await;
        let message = RequestMessage::Authorization { movie_id: id(MOVIE) };
        // The client verifies its certificate, and with it the signer's at this time.
        let answer = client.one(&world, message).await;
        assert!(matches!(answer, Ok(ResponseMessage::Authorization(_))), "{days} days: {answer:?}");
    }
}

/// What was certified by a clock that was ahead holds later only: it is made anew when the clock is set
/// right.
#[tokio::test]
async fn a_clock_that_is_ahead_for_a_while() {
    let world = World::new().await;
    world.set_clock(NOW + 60 * 86_400);
    world.service.look_after_signers();
    assert_eq!(world.get("/readyz", "").await.status, 200);
    world.set_clock(NOW);
    assert_eq!(world.get("/readyz", "").await.status, 503, "nobody believes what it signs");
    world.service.look_after_signers();
    assert_eq!(world.get("/readyz", "").await.status, 200);
    // It verifies what the server signs.
    Client::registered(&world).await;
}

/// Certificates that are over, on a server that cannot make others: traffic goes elsewhere.
#[tokio::test]
async fn a_server_whose_signers_are_over_is_asked() {
    let world = World::new().await;
    world.set_clock(NOW + 91 * 86_400);
    let reply = world.get("/readyz", "").await;
    assert_eq!((reply.status.as_u16(), reply.text()), (503, "the signers' certificates do not hold now\n"));
}
