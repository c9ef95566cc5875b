//! Films whose key changes (the manifest tells when, and one license carries every key), and films with keys
//! of their own.

use super::client::{Client, id, rsa};
use super::world::{NOW, World};
use cenc::{Cek, CommonKey, ContentId, Kid, KidAndKey, Label, derive_cek, derive_kid};
use nccp::{RequestMessage, ResponseMessage};
use packager::{Destination, Keys, PackageOptions, Rotation};
use server::{catalogue, movies};
use std::path::Path;

const ROTATED: u64 = 70_000_001;

/// B26, B64, B66: a challenge that names no KID gets the keys of all periods, derived again by a server that
/// was started afresh; the manifest's `key` list has each KID with the start of its first segment in that
/// track.
#[tokio::test]
async fn b64_b66_one_license_carries_every_period() {
    let world = World::new().await;
    let ring = server::keys::load(&world.config.keys(), &world.config.public_url, NOW).unwrap();
    let (name, common) = ring.active_common_key();
    let common = CommonKey::new(*common.expose());
    let (content, label) = (ContentId::of_movie(ROTATED), Label::default());
    let expected: Vec<_> = (0..8)
        .map(|n| (derive_kid(&common, &content, &label, n), derive_cek(&common, &content, &label, n)))
        .collect();
    let film = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../media/demo/240p.mp4");
    let options = PackageOptions {
        rotate: Some(Rotation::Segments(2)),
        ..PackageOptions::new(
            vec![film],
            ROTATED,
            Some(Keys::derived(common, name.to_owned(), content, label)),
            Destination::Library(world.config.library()),
        )
    };
    let published = packager::package(&options, &mut ()).unwrap();
    let pack = catalogue::Pack::read_folder(&published.directory).await.unwrap();
    movies::add(&*world.store, &pack, movies::Details::default(), movies::Over::Any, NOW).await.unwrap();

    let mut client = Client::registered(&world).await;
    let asked = client.one(&world, RequestMessage::Authorization { movie_id: id(ROTATED) }).await.unwrap();
    let ResponseMessage::Authorization(manifest) = asked else { panic!("no manifest") };
    assert_eq!(manifest.downloadables.len(), 2);
    for (downloadable, file) in manifest.downloadables.iter().zip(&published.pack.representations) {
        assert_eq!(downloadable.keys.len(), 8);
        for (n, key) in downloadable.keys.iter().enumerate() {
            assert_eq!(key.kid, expected[n].0.0, "{}", file.id);
            let start = if n == 0 { 0 } else { file.segments[2 * n].start };
            assert_eq!(key.start, start, "{}: period {n}", file.id);
        }
    }
    let challenge = client.challenge(&world, ROTATED);
    let message = RequestMessage::License { stream_id: id(ROTATED), challenge: challenge.clone() };
    let ResponseMessage::License { license, .. } = client.one(&world, message).await.unwrap() else {
        panic!("no license")
    };
    let opened = client.open(&world, &license, &challenge).await.unwrap();
    let keys = opened.open_with_rsa(rsa()).unwrap();
    assert!(keys == expected);
    // Every segment of every track can be read with them.
    let given: Vec<_> = keys.into_iter().map(|(kid, cek)| cenc::KidAndKey { kid, cek }).collect();
    for file in &published.pack.representations {
        let clear = world.folder.path().join("clear.mp4");
        let path = published.directory.join(&file.path);
        let done = packager::decrypt(&path, &given, Some(&clear), &mut ()).unwrap();
        assert_eq!((done.samples, done.protected_samples), (file.samples, file.protected_samples));
    }
}

/// B26: a film with keys that were given is licensed once they are kept with it, also by a server that was
/// started afresh; without them it is not available, and the operator is told.
#[tokio::test]
async fn b26_films_with_given_keys_are_licensed() {
    let world = World::new().await;
    let given = || KidAndKey { kid: Kid([0x5a; 16]), cek: Cek::new([0xa5; 16]) };
    let film = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../media/demo/240p.mp4");
    let keys = Keys::given(given(), Vec::new(), ContentId::of_movie(ROTATED), Label::default());
    let library = Destination::Library(world.config.library());
    let options = PackageOptions::new(vec![film], ROTATED, Some(keys), library);
    let published = packager::package(&options, &mut ()).unwrap();
    let pack = catalogue::Pack::read_folder(&published.directory).await.unwrap();
    assert_eq!(pack.missing_keys().collect::<Vec<_>>(), [given().kid]);
    movies::add(&*world.store, &pack, movies::Details::default(), movies::Over::Any, NOW).await.unwrap();

    let mut client = Client::registered(&world).await;
    let challenge = client.challenge(&world, ROTATED);
    let message = RequestMessage::License { stream_id: id(ROTATED), challenge };
    let refused = client.one(&world, message).await.unwrap_err();
    assert_eq!(refused, nccp::ErrorCode::MovieNotAvailable);

    let (library, keys) = (storage::Folder::new(world.config.library()), world.config.keys());
    let pack = movies::keep_keys(&library, &keys, &pack.id, &[given()]).await.unwrap();
    assert_eq!(pack.missing_keys().count(), 0);
    let challenge = client.challenge(&world, ROTATED);
    let message = RequestMessage::License { stream_id: id(ROTATED), challenge: challenge.clone() };
    let ResponseMessage::License { license, .. } = client.one(&world, message).await.unwrap() else {
        panic!("no license")
    };
    let keys = client.open(&world, &license, &challenge).await.unwrap().open_with_rsa(rsa()).unwrap();
    assert!(keys == [(given().kid, given().cek)]);
}
