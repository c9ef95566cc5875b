//! Which module an answer names, and components that are refused.

use super::client::{Client, id, individualization_request, individualization_request_of, trust};
use super::site::with_site;
use super::world::{MOVIE, World};
use license::{Individualization, KeyLevel, SoftwareSigningKey};
use nccp::{ErrorCode, RequestMessage};
use server::keys::{RevokedId, reinstate, revoke};

const COSE: [(&str, &str); 1] = [("content-type", "application/cose")];

async fn license(client: &mut Client, world: &World) -> Result<(), ErrorCode> {
    let challenge = client.challenge(world, MOVIE);
    client.one(world, RequestMessage::License { stream_id: id(MOVIE), challenge }).await.map(drop)
}

/// A89: the answer names the build of the module that asked.
#[tokio::test]
async fn a89_the_answer_names_the_build_that_asked() {
    let world = with_site().await;
    let key = SoftwareSigningKey::generate().unwrap();
    for (level, wasm) in [
        (KeyLevel::Webcrypto, "/assets/decryptor_bg-3.wasm"),
        (KeyLevel::Software, "/assets/decryptor_compat_bg-5.wasm"),
    ] {
        let request = individualization_request_of(&key, world.now(), level);
        let reply = world.request("POST", "/individualize", &COSE, &request).await;
        let (answer, certificate) =
            Individualization::verify(&reply.body, &trust(&world).await, &request).unwrap();
        assert_eq!((certificate.level, &*answer.module_url), (level, wasm));
        let file = world.get(wasm, "").await;
        assert_eq!(answer.module_sha256, license::sha256(&file.body));
    }
}

/// A106: revoked keys get no certificate, registration or license, by whichever id they were named; all
/// others do.
#[tokio::test]
async fn a106_revoked_components_are_refused_and_others_not() {
    let world = World::new().await;
    let mut client = Client::registered(&world).await;
    let mut other = Client::registered(&world).await;
    let keys = world.config.keys();
    let certificate = server::keys::load(&keys, &world.config.public_url, world.now())
        .unwrap()
        .verify_device(&client.certificate, world.now());
    let component: RevokedId = hex::encode(certificate.unwrap().certificate.component).parse().unwrap();
    for named in [component, RevokedId::of_key(client.public_key().as_bytes())] {
        assert_eq!(license(&mut client, &world).await, Ok(()));
        assert!(revoke(&keys, named, "read out").unwrap());
        world.service.reload().unwrap();
        assert_eq!(license(&mut client, &world).await, Err(ErrorCode::CertificateInvalid));
        let challenge = client.challenge(&world, MOVIE);
        let headers = [COSE[0], ("x-cticket", client.ticket.as_deref().unwrap())];
        let raw = world.request("POST", "/license", &headers, &challenge).await;
        assert_eq!(raw.status, 403, "{}", raw.text());
        assert_eq!(client.register(&world).await.err(), Some(ErrorCode::CertificateInvalid));
        let request = individualization_request(&client.key, world.now());
        let reply = world.request("POST", "/individualize", &COSE, &request).await;
        assert_eq!(reply.status, 400);
        assert!(reply.text().contains("CERTIFICATE_INVALID"), "{}", reply.text());
        assert_eq!(license(&mut other, &world).await, Ok(()));

        assert!(reinstate(&keys, named).unwrap());
        world.service.reload().unwrap();
    }
    assert_eq!(license(&mut client, &world).await, Ok(()));
    // A list that cannot be read leaves the one in force.
    revoke(&keys, component, "").unwrap();
    world.service.reload().unwrap();
    std::fs::write(keys.join("revoked"), "everybody").unwrap();
    assert!(world.service.reload().is_err());
    assert_eq!(license(&mut client, &world).await, Err(ErrorCode::CertificateInvalid));
}
