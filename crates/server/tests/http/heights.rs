//! The greatest height of a policy: what the manifest lists, and, for films whose heights have keys of their
//! own, what licenses bring.

use super::client::{Client, MODULE, id, rsa, trust};
use super::drm::{domain_keys, set, with_domains};
use super::policies::write_policies;
use super::world::{NOW, World};
use cenc::{CommonKey, ContentId, Kid, Label, derive_kid};
use license::{Domain, DomainEpoch, DrmMetadata, KeyLevel, KeyName, VerifiedLicense};
use nccp::{ErrorCode, Manifest, RequestMessage, ResponseMessage};
use packager::{Destination, Keys, PackageOptions};
use server::{LicenseMode, catalogue, movies};
use std::path::Path;

pub(crate) const FILM: u64 = 70_000_002;
pub(crate) const LABELS: [&str; 4] = ["main", "main/240", "main/360", "main/720"];

/// A world with a film of three heights.
pub(crate) async fn film(config: &str, label_by_height: bool) -> World {
    let world = World::with(config).await;
    let ring = server::keys::load(&world.config.keys(), &world.config.public_url, NOW).unwrap();
    let (name, common) = ring.active_common_key();
    let common = CommonKey::new(*common.expose());
    let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../media/demo");
    let inputs = [240, 360, 720].map(|height| demo.join(format!("{height}p.mp4"))).to_vec();
    let keys = Keys::derived(common, name.to_owned(), ContentId::of_movie(FILM), Label::default());
    let library = Destination::Library(world.config.library());
    let options =
        PackageOptions { label_by_height, ..PackageOptions::new(inputs, FILM, Some(keys), library) };
    let published = packager::package(&options, &mut ()).unwrap();
    let pack = catalogue::Pack::read_folder(&published.directory).await.unwrap();
    movies::add(&*world.store, &pack, movies::Details::default(), movies::Over::Any, NOW).await.unwrap();
    world
}

/// The KIDs of labels, as their order in the license is.
pub(crate) fn kids(world: &World, labels: &[&str]) -> Vec<Kid> {
    let ring = server::keys::load(&world.config.keys(), &world.config.public_url, NOW).unwrap();
    let common = ring.active_common_key().1;
    let kid = |label: &&str| derive_kid(common, &ContentId::of_movie(FILM), &label.parse().unwrap(), 0);
    labels.iter().map(kid).collect()
}

pub(crate) async fn manifest(client: &mut Client, world: &World) -> Result<Manifest, ErrorCode> {
    match client.one(world, RequestMessage::Authorization { movie_id: id(FILM) }).await? {
        ResponseMessage::Authorization(manifest) => Ok(*manifest),
        other => panic!("{other:?}"),
    }
}

pub(crate) fn heights(manifest: &Manifest) -> Vec<u32> {
    let pictures = manifest.downloadables.iter().filter_map(|file| file.resolution);
    pictures.map(|picture| picture.height).collect()
}

/// What a license for these keys brings; none named: all.
pub(crate) async fn licensed(
    client: &mut Client,
    world: &World,
    keys: Vec<KeyName>,
) -> Result<Vec<Kid>, ErrorCode> {
    let challenge = client.sign_challenge(&client.unsigned_challenge(world, FILM, keys));
    let message = RequestMessage::License { stream_id: id(FILM), challenge: challenge.clone() };
    let answer = client.one(world, message).await?;
    let ResponseMessage::License { license, .. } = answer else { panic!("{answer:?}") };
    let opened = client.open(world, &license, &challenge).await.unwrap();
    Ok(opened.open_with_rsa(rsa()).unwrap().into_iter().map(|(kid, _)| kid).collect())
}

/// The manifest has no picture that the policy does not allow there, and each file's own keys; licenses bring
/// the keys of what is listed, also at a renewal, also where more are asked for by name, and by either route.
#[tokio::test]
async fn licenses_bring_the_keys_of_the_heights_that_are_allowed() {
    let world = film("", true).await;
    let cookies = world.login().await;
    write_policies(
        &world,
        "[low]\nmax_height = { software = 240, webcrypto = 480 }\n[over]\nends = 2020-01-01T00:00:00Z",
    );
    let mut software = Client::of_level(&world, &cookies, KeyLevel::Software).await;
    let mut webcrypto = Client::new(&world, &cookies).await;
    for client in [&mut software, &mut webcrypto] {
        client.register(&world).await.unwrap();
        let all = manifest(client, &world).await.unwrap();
        assert_eq!(heights(&all), [240, 360, 720]);
        assert_eq!(licensed(client, &world, vec![]).await.unwrap(), kids(&world, &LABELS));
        let of_files: Vec<Vec<Kid>> =
            all.downloadables.iter().map(|file| file.keys.iter().map(|key| Kid(key.kid)).collect()).collect();
        let own = |label| kids(&world, &[label]);
        assert_eq!(of_files, [own("main/240"), own("main/360"), own("main/720"), own("main")]);
    }

    set(&world, FILM, LicenseMode::Server, "low").await;
    for (client, count) in [(&mut software, 1), (&mut webcrypto, 2)] {
        let listed = manifest(client, &world).await.unwrap();
        assert_eq!(heights(&listed), [240, 360][..count]);
        assert_eq!(listed.downloadables.len(), count + 1, "and the sound");
        let allowed = kids(&world, &LABELS[..=count]);
        // The first license, and one that renews it.
        for _ in 0..2 {
            assert_eq!(licensed(client, &world, vec![]).await.unwrap(), allowed);
        }
        let metadata = DrmMetadata::verify(&listed.drm_metadata.unwrap(), &trust(&world).await).unwrap();
        assert_eq!(metadata.keys.len(), 4);
        assert_eq!(licensed(client, &world, metadata.keys.clone()).await.unwrap(), allowed);
        let high = metadata.keys.iter().filter(|name| name.label == "main/720").cloned().collect::<Vec<_>>();
        assert_eq!(licensed(client, &world, high.clone()).await, Err(ErrorCode::PolicyRefused));
        let unknown = vec![KeyName { label: "main/480".into(), ..high[0].clone() }];
        assert_eq!(licensed(client, &world, unknown.clone()).await, Err(ErrorCode::ChallengeInvalid));
        // What is asked for is looked at before the rules.
        set(&world, FILM, LicenseMode::Server, "over").await;
        assert_eq!(licensed(client, &world, unknown).await, Err(ErrorCode::ChallengeInvalid));
        assert_eq!(licensed(client, &world, vec![]).await, Err(ErrorCode::PolicyRefused));
        set(&world, FILM, LicenseMode::Server, "low").await;

        let challenge = client.challenge(&world, FILM);
        let headers =
            [("content-type", "application/cose"), ("x-cticket", client.ticket.as_deref().unwrap())];
        let raw = world.request("POST", "/license", &headers, &challenge).await;
        let opened = client.open(&world, &raw.body, &challenge).await.unwrap();
        let brought: Vec<_> = opened.open_with_rsa(rsa()).unwrap().into_iter().map(|(kid, _)| kid).collect();
        assert_eq!(brought, allowed);
    }
}

/// Films with one key for all heights: the manifest keeps to the policy, too; the license's key opens all.
#[tokio::test]
async fn one_key_for_all_heights_is_licensed_whatever_the_height() {
    let world = film("", false).await;
    write_policies(&world, "[low]\nmax_height = 360\n[lower]\nmax_height = 239");
    set(&world, FILM, LicenseMode::Server, "low").await;
    let mut client = Client::registered(&world).await;
    assert_eq!(heights(&manifest(&mut client, &world).await.unwrap()), [240, 360]);
    assert_eq!(licensed(&mut client, &world, vec![]).await.unwrap(), kids(&world, &["main"]));
    // No picture is low enough.
    set(&world, FILM, LicenseMode::Server, "lower").await;
    let refused = client.refused(&world, RequestMessage::Authorization { movie_id: id(FILM) }).await;
    assert_eq!(refused.code, ErrorCode::PolicyRefused);
    assert!(refused.text.contains("smaller picture"), "{}", refused.text);
}

/// A license that comes along has the keys of the lowest height that its domain's devices are allowed; and
/// the manifest lists what that one opens.
#[tokio::test]
async fn embedded_licenses_bring_the_keys_of_the_heights_that_are_allowed() {
    let world = film("", true).await;
    with_domains(&world);
    write_policies(&world, "[low]\nvalidity = \"24h\"\nmax_height = { webcrypto = 480, box = 240 }");
    let cookies = world.login().await;
    let mut client = Client::with_rsa(&world, &cookies, rsa()).await;
    let registered = client.register(&world).await.unwrap();
    let device = client.device.clone().unwrap();
    for (domain, count) in [(Domain::Browser, 2), (Domain::All, 1)] {
        set(&world, FILM, LicenseMode::Embedded(domain), "low").await;
        let manifest = manifest(&mut client, &world).await.unwrap();
        assert_eq!(manifest.license_mode, nccp::LicenseMode::Embedded);
        assert_eq!(heights(&manifest), [240, 360][..count]);
        let trust = trust(&world).await;
        let metadata = DrmMetadata::verify(&manifest.drm_metadata.unwrap(), &trust).unwrap();
        let license = metadata.embedded_license.unwrap();
        let (license, of) =
            VerifiedLicense::verify_embedded(&license, &trust, &metadata.content_id, MODULE).unwrap();
        let of_key =
            |key: &nccp::DomainKey| DomainEpoch { domain: key.domain.parse().unwrap(), epoch: key.epoch };
        let key = domain_keys(&registered).into_iter().find(|key| of_key(key) == of).unwrap();
        let key = of.open_for(&key.key, device.as_str(), rsa()).unwrap();
        let brought: Vec<_> = license.open_with_rsa(&key).unwrap().into_iter().map(|(kid, _)| kid).collect();
        assert_eq!(brought, kids(&world, &LABELS[..=count]));
    }
}
