//! What was published behind a URL that ends, asked for again when it has ended.

use crate::client::{Client, id};
use crate::world::{MOVIE, NOW, URL, World};
use nccp::{Manifest, RequestMessage, ResponseMessage};

async fn manifest(world: &World) -> Manifest {
    let mut client = Client::registered(world).await;
    let message = RequestMessage::Authorization { movie_id: id(MOVIE) };
    match client.one(world, message).await {
        Ok(ResponseMessage::Authorization(manifest)) => *manifest,
        other => panic!("no manifest: {other:?}"),
    }
}

/// Seconds that a cache may keep an answer.
async fn kept(world: &World, path: &str, headers: &[(&str, &str)]) -> u64 {
    let reply = world.request("GET", path, headers, b"").await;
    let control = reply.header("cache-control");
    let (_, age) = control.split_once("max-age=").unwrap_or_else(|| panic!("no age in \"{control}\""));
    age.split(',').next().unwrap().parse().unwrap()
}

#[tokio::test]
async fn a_cache_does_not_keep_a_film_longer_than_its_url_is_good() {
    let world = World::with("[edge]\nurl_life = 600").await;
    let url = manifest(&world).await.downloadables[0].urls[0].url.strip_prefix(URL).unwrap().to_owned();
    let (path, query) = url.split_once('?').unwrap();
    let ranged = format!("{path}/range/0-9?{query}");
    assert_eq!(kept(&world, &url, &[]).await, 600);
    assert_eq!(kept(&world, &ranged, &[]).await, 600);
    world.set_clock(NOW + 599);
    for headers in [&[][..], &[("range", "bytes=0-9")], &[("if-none-match", "*")]] {
        assert_eq!(kept(&world, &url, headers).await, 1, "{headers:?}");
    }
    assert_eq!(kept(&world, &ranged, &[]).await, 1);
}

#[tokio::test]
async fn nothing_is_kept_longer_than_a_year() {
    let world = World::with("[edge]\nurl_life = 63072000").await;
    let url = manifest(&world).await.downloadables[0].urls[0].url.strip_prefix(URL).unwrap().to_owned();
    assert_eq!(kept(&world, &url, &[]).await, 31_536_000);
}

#[tokio::test]
async fn a_cache_does_not_keep_drm_metadata_longer_than_its_url_is_good() {
    let world = World::with("[edge]\nurl_life = 600").await;
    let url = manifest(&world).await.drm_metadata_url.unwrap();
    let path = url.strip_prefix(URL).unwrap();
    assert_eq!(kept(&world, path, &[]).await, 600);
    world.set_clock(NOW + 590);
    assert_eq!(kept(&world, path, &[]).await, 10);
}
