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
        let mut client = Client::registered(&world).await;
        let message = RequestMessage::Authorization { movie_id: id(MOVIE) };
        // The client verifies its certificate, and with it the signer's at this time.
        let answer = client.one(&world, message).await;
        assert!(matches!(answer, Ok(ResponseMessage::Authorization(_))), "{days} days: {answer:?}");
    }
}
