//! Clear films for an origin, and what the packager makes of them.
#![allow(dead_code, clippy::unwrap_used)]

use super::world::{NOW, Reply, URL, World};
use cenc::{CommonKey, ContentId, Label};
use packager::{Destination, Keys, PackageOptions, package};
use server::keys;
use server::media_url::{self, DrmPath, MediaPath};
use server::playlist_url::{self, PlaylistPath};
use server::{contents, movies};
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use urltoken::{Dialect, Settings, Signer};

pub(crate) const FILM: u64 = 71;

pub(crate) fn options(scheme: pack::Scheme, keys: Option<Keys>, to: &Path) -> PackageOptions {
    let film = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../media/demo/240p.mp4");
    let destination = Destination::Directory(to.to_path_buf());
    PackageOptions { scheme, ..PackageOptions::new(vec![film], FILM, keys, destination) }
}

/// A folder with a film at each path.
pub(crate) fn sources(paths: &[&str]) -> TempDir {
    let sources = tempfile::tempdir().unwrap();
    for path in paths {
        package(&options(pack::Scheme::None, None, &sources.path().join(path)), &mut ()).unwrap();
    }
    sources
}

pub(crate) async fn world(sources: &TempDir, more: &str) -> World {
    World::with(&format!("[origin]\nsources = \"{}\"\n{more}", sources.path().display())).await
}

/// The content is a movie of that number.
pub(crate) async fn add(world: &World, path: &str, set: Option<&str>, movie: u64) {
    let mut pack = contents::describe(&world.config, path, set).await.unwrap();
    pack.movie_id = movie;
    movies::add(&*world.store, &pack, movies::Details::default(), movies::Over::Any, world.now())
        .await
        .unwrap();
}

pub(crate) fn common_key(world: &World, name: &str) -> CommonKey {
    let ring = keys::load(&world.config.keys(), URL, NOW).unwrap();
    CommonKey::new(*ring.common_key(name).unwrap().expose())
}

/// The film as the packager would write it.
pub(crate) fn packaged(world: &World, content: &str, common_key_id: &str) -> (TempDir, pack::Pack, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let content: ContentId = content.parse().unwrap();
    let common = common_key(world, common_key_id);
    let keys = Keys::derived(common, common_key_id.to_owned(), content, Label::default());
    let options = options(pack::Scheme::Cenc, Some(keys), &folder.path().join("film"));
    let published = package(&options, &mut ()).unwrap();
    (folder, published.pack, published.directory)
}

pub(crate) async fn get(world: &World, path: &str, headers: &[(&str, &str)]) -> Reply {
    world.request("GET", path, headers, b"").await
}

/// A URL of a file, signed as the controller does it.
pub(crate) fn signed(world: &World, path: &str) -> String {
    let ring = keys::load(&world.config.keys(), URL, NOW).unwrap();
    let signer = Signer::new(Dialect::MediaVault, &Settings::default(), &ring.media).unwrap();
    let (now, end) = (world.now(), world.now() + 7200);
    let url = match (DrmPath::parse(path), MediaPath::parse(path), PlaylistPath::parse(path)) {
        (Some(drm), ..) => media_url::sign_drm(&signer, URL, &drm, end, now),
        (_, Some(media), _) => media_url::sign(&signer, URL, &media, end, now),
        (.., Some(playlist)) => playlist_url::sign(&signer, URL, &playlist, end, now),
        _ => panic!("{path}"),
    };
    url.url.strip_prefix(URL).unwrap().to_owned()
}
