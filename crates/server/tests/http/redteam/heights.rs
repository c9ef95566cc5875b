//! A plan with a small picture, and somebody who wants the large one.

use crate::client::{Client, id, rsa};
use crate::drm::{set, with_domains};
use crate::heights::{FILM, LABELS, film, heights, kids, licensed, manifest};
use crate::policies::write_policies;
use crate::world::World;
use license::{Domain, DrmMetadata};
use nccp::{ErrorCode, LogBlob, LogEvent, RequestMessage, ResponseMessage};
use server::LicenseMode;

const PLANS: &str = "[plans.small]\nmax_height = 360\n[drm]\nupdate_strategy = \"force\"\n";

async fn subscriber(world: &World, plan: &str) -> Client {
    let cookies = world.add_account(&format!("{plan}@example.org"), plan).await;
    let mut client = Client::with_rsa(world, &cookies, rsa()).await;
    client.register(world).await.unwrap();
    client
}

async fn metadata(client: &mut Client, world: &World) -> DrmMetadata {
    let octets = manifest(client, world).await.unwrap().drm_metadata.unwrap();
    DrmMetadata::verify(&octets, &crate::client::trust(world).await).unwrap()
}

#[tokio::test]
async fn a_small_plan_asks_for_the_large_picture() {
    let world = film(PLANS, true).await;
    let (mut small, mut large) = (subscriber(&world, "small").await, subscriber(&world, "large").await);
    assert_eq!(heights(&manifest(&mut large, &world).await.unwrap()), [240, 360, 720]);
    assert_eq!(heights(&manifest(&mut small, &world).await.unwrap()), [240, 360]);
    let allowed = kids(&world, &LABELS[..3]);
    assert_eq!(licensed(&mut small, &world, vec![]).await.unwrap(), allowed);
    let names = metadata(&mut small, &world).await.keys;
    assert_eq!(licensed(&mut small, &world, names.clone()).await.unwrap(), allowed, "all of them by name");
    let high = names.into_iter().filter(|name| name.label == "main/720").collect();
    assert_eq!(licensed(&mut small, &world, high).await, Err(ErrorCode::PolicyRefused));
    assert_eq!(licensed(&mut large, &world, vec![]).await.unwrap(), kids(&world, &LABELS));
    // The policy's own, where that is less.
    write_policies(&world, "[low]\nmax_height = 240");
    set(&world, FILM, LicenseMode::Server, "low").await;
    assert_eq!(heights(&manifest(&mut small, &world).await.unwrap()), [240]);
}

/// Licenses that come along are for every account, so a small plan gets none that opens more.
#[tokio::test]
async fn a_small_plan_waits_for_an_embedded_license() {
    let world = film(PLANS, true).await;
    with_domains(&world);
    write_policies(&world, "[films]\nvalidity = \"24h\"\n[low]\nvalidity = \"24h\"\nmax_height = 360");
    let (mut small, mut large) = (subscriber(&world, "small").await, subscriber(&world, "large").await);
    set(&world, FILM, LicenseMode::Embedded(Domain::Browser), "films").await;
    let all = manifest(&mut large, &world).await.unwrap();
    assert!(all.license_mode == nccp::LicenseMode::Embedded && all.drm_metadata_url.is_some());
    let some = manifest(&mut small, &world).await.unwrap();
    assert_eq!((some.license_mode, some.drm_metadata_url), (nccp::LicenseMode::Server, None));
    assert_eq!(some.policy_version, None);
    assert_eq!(metadata(&mut small, &world).await.embedded_license, None);
    assert_eq!(licensed(&mut small, &world, vec![]).await.unwrap(), kids(&world, &LABELS[..3]));
    // Nor with a report that brings new rules.
    let log = LogBlob {
        movie_id: id(FILM),
        position: 1.0,
        event: LogEvent::Interval,
        counters: vec![],
        policy_version: Some("older".to_owned()),
    };
    let answer = small.one(&world, RequestMessage::LogBlob(log)).await.unwrap();
    let ResponseMessage::LogBlob { rules: Some(rules), .. } = answer else { panic!("{answer:?}") };
    let brought = DrmMetadata::verify(&rules.drm_metadata, &crate::client::trust(&world).await).unwrap();
    assert_eq!(brought.embedded_license, None);
    // One that opens no more than the plan allows comes along.
    set(&world, FILM, LicenseMode::Embedded(Domain::Browser), "low").await;
    assert_eq!(manifest(&mut small, &world).await.unwrap().license_mode, nccp::LicenseMode::Embedded);
}
