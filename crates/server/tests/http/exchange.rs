//! Films whose keys came from elsewhere (CPIX): licensed, decrypted, the source again.

use super::client::{Client, id, rsa};
use super::drm::set;
use super::policies::write_policies;
use super::world::{NOW, World};
use cenc::{ContentId, Kid, KidAndKey, Label};
use cpix::Document;
use nccp::{RequestMessage, ResponseMessage};
use packager::{Destination, Keys, PackageOptions, Published};
use server::{LicenseMode, movies};
use std::path::Path;

const FILM: u64 = 70_000_003;

/// As a key server gives it: one key for pictures up to 360 lines and for sound, one for larger ones.
fn document() -> Document {
    let key = |kid: &str, value: &str| {
        format!(
            "<ContentKey kid=\"{kid}\"><Data><pskc:Secret><pskc:PlainValue>{value}</pskc:PlainValue></pskc:Secret>\
             </Data></ContentKey>"
        )
    };
    let (low, high) = ("11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222");
    let text = format!(
        "<CPIX xmlns=\"urn:dashif:org:cpix\" xmlns:pskc=\"urn:ietf:params:xml:ns:keyprov:pskc\" version=\"2.3\">\
         <ContentKeyList>{}{}</ContentKeyList><ContentKeyUsageRuleList>\
         <ContentKeyUsageRule kid=\"{low}\"><VideoFilter maxPixels=\"230400\"/><AudioFilter/></ContentKeyUsageRule>\
         <ContentKeyUsageRule kid=\"{high}\"><VideoFilter minPixels=\"230401\"/></ContentKeyUsageRule>\
         </ContentKeyUsageRuleList></CPIX>",
        key(low, "AAECAwQFBgcICQoLDA0ODw=="),
        key(high, "EBESExQVFhcYGRobHB0eHw==")
    );
    Document::parse(text.as_bytes()).unwrap()
}

fn given() -> Vec<KidAndKey> {
    document().keys.into_iter().map(|key| key.key).collect()
}

fn packaged(keys: Option<Keys>, to: Destination) -> Published {
    let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../media/demo");
    let inputs = [240, 720].map(|height| demo.join(format!("{height}p.mp4"))).to_vec();
    let scheme = if keys.is_some() { pack::Scheme::Cenc } else { pack::Scheme::None };
    let options = PackageOptions { scheme, ..PackageOptions::new(inputs, FILM, keys, to) };
    packager::package(&options, &mut ()).unwrap()
}

/// What a license for the film brings.
async fn licensed(client: &mut Client, world: &World) -> Vec<KidAndKey> {
    let challenge = client.challenge(world, FILM);
    let message = RequestMessage::License { stream_id: id(FILM), challenge: challenge.clone() };
    let ResponseMessage::License { license, .. } = client.one(world, message).await.unwrap() else {
        panic!("no license")
    };
    let opened = client.open(world, &license, &challenge).await.unwrap();
    let keys = opened.open_with_rsa(rsa()).unwrap();
    keys.into_iter().map(|(kid, cek)| KidAndKey { kid, cek }).collect()
}

/// The samples of a file: all that lies in `mdat`.
fn media(path: &Path) -> Vec<u8> {
    let data = std::fs::read(path).unwrap();
    let (mut rest, mut out) = (&data[..], Vec::new());
    while let Some((head, _)) = rest.split_first_chunk::<8>() {
        let size = u32::from_be_bytes([head[0], head[1], head[2], head[3]]) as usize;
        if head[4..] == *b"mdat" {
            out.extend_from_slice(&rest[8..size]);
        }
        rest = &rest[size..];
    }
    out
}

/// B26: a license brings the keys of the document, which make the source of every file; a policy's greatest
/// height holds back that of the larger pictures.
#[tokio::test]
async fn b26_films_with_keys_of_a_document_are_licensed_and_play() {
    let world = World::new().await;
    let clear = Destination::Directory(world.folder.path().join("clear"));
    let clear = packaged(None, clear);
    let keys = Keys::exchanged(document(), ContentId::of_movie(FILM), Label::default()).unwrap();
    let published = packaged(Some(keys), Destination::Library(world.config.library()));
    let (library, keys) = (storage::Folder::new(world.config.library()), world.config.keys());
    let pack = movies::keep_keys(&library, &keys, &published.pack.pack_id, &given()).await.unwrap();
    assert_eq!(pack.missing_keys().count(), 0);
    movies::add(&*world.store, &pack, movies::Details::default(), movies::Over::Any, NOW).await.unwrap();

    let mut client = Client::registered(&world).await;
    let brought = licensed(&mut client, &world).await;
    assert_eq!(brought, given());
    for (file, source) in published.pack.representations.iter().zip(&clear.pack.representations) {
        let out = world.folder.path().join(format!("{}.mp4", file.id));
        let path = published.directory.join(&file.path);
        let done = packager::decrypt(&path, &brought, Some(&out), &mut ()).unwrap();
        assert!(done.protected_samples > 0);
        assert!(media(&out) == media(&clear.directory.join(&source.path)), "{}", file.id);
    }
    write_policies(&world, "[low]\nmax_height = 480");
    set(&world, FILM, LicenseMode::Server, "low").await;
    let kids: Vec<Kid> = licensed(&mut client, &world).await.into_iter().map(|key| key.kid).collect();
    assert_eq!(kids, [Kid(*b"\x11\x11\x11\x11\x11\x11\x41\x11\x81\x11\x11\x11\x11\x11\x11\x11")]);
}
