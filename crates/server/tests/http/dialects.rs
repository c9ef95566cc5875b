//! A72: media URLs in each dialect, from the manifest to the edge.

use super::client::{Client, id};
use super::world::{MOVIE, NOW, Reply, URL, World, octets};
use nccp::{ByteRange, Manifest, RangeForm, RequestMessage, ResponseMessage, with_range};

const RSA: &str = include_str!("../../../urltoken/tests/keys/rsa.pem");
const P256: &str = include_str!("../../../urltoken/tests/keys/p256.pem");

/// The lines for each dialect, as they stand in `[edge]` and `[[cdn]]`.
fn dialects() -> Vec<(&'static str, String)> {
    let (hex, seed) = ("a0".repeat(32), "A".repeat(43));
    vec![
        ("mediavault", String::new()),
        ("matinee", String::new()),
        ("edgeauth", format!("secrets = [\"{hex}\"]")),
        ("cloudfront", format!("key_id = \"K1\"\nsecrets = ['''{RSA}''']")),
        ("nginx", "secrets = [\"films-secret\", \"older-secret\"]".to_owned()),
        ("bunny", "secrets = [\"films-secret\"]".to_owned()),
        ("cat", format!("key_id = \"k1\"\nsecrets = [\"{hex}\"]")),
        ("cat", format!("key_id = \"k1\"\nsecrets = ['''{P256}''']")),
        ("google", format!("key_id = \"films\"\nsecrets = [\"{seed}\"]")),
        ("cloudflare", "lifetime = 7200\nsecrets = [\"films-secret\"]".to_owned()),
    ]
}

async fn manifest(world: &World) -> Box<Manifest> {
    let mut client = Client::registered(world).await;
    let message = RequestMessage::Authorization { movie_id: id(MOVIE) };
    let Ok(ResponseMessage::Authorization(manifest)) = client.one(world, message).await else {
        panic!("no manifest")
    };
    manifest
}

async fn get(world: &World, path: &str, headers: &[(&str, &str)]) -> Reply {
    world.request("GET", path, headers, b"").await
}

/// What a player does with a URL: ranges by path or by header, until its end and not after; and nothing else.
async fn plays(world: &World, name: &str, manifest: &Manifest, base: &str) {
    let given = &manifest.downloadables[0].urls[0];
    assert_eq!(given.expiration, manifest.expiration);
    let url = given.url.strip_prefix(base).unwrap();
    let part = ByteRange::new(100, 199).unwrap();
    let (ranged, header): (String, &[(&str, &str)]) = match manifest.cdns[0].ranges {
        RangeForm::Path => (with_range(url, part), &[]),
        RangeForm::Header => (url.to_owned(), &[("range", "bytes=100-199")]),
    };
    world.set_clock(given.expiration - 1);
    let reply = get(world, &ranged, header).await;
    let status = if header.is_empty() { 200 } else { 206 };
    assert_eq!(
        (reply.status.as_u16(), reply.header("cache-control")),
        (status, "public, max-age=1, immutable"),
        "{name}"
    );
    assert!(reply.body == octets()[100..200], "{name}");
    let (path, query) = url.split_once('?').unwrap();
    let mut changed = query.as_bytes().to_vec();
    let middle = changed.len() / 2;
    changed[middle] ^= 1;
    let changed = String::from_utf8(changed).unwrap();
    for (other, status) in [
        (format!("{path}?{changed}"), 403),
        (path.to_owned(), 403),
        (format!("{url}&x=1"), 403),
        (format!("{}?{query}", path.replace("1811192541", "1811193541")), 403),
    ] {
        let reply = get(world, &other, &[]).await;
        assert_eq!(
            (reply.status.as_u16(), reply.header("cache-control")),
            (status, "no-store"),
            "{name} {other}"
        );
    }
    let drm = manifest.drm_metadata_url.as_deref().unwrap().strip_prefix(URL).unwrap().to_owned();
    assert_eq!(get(world, &drm, &[]).await.status, 200, "{name}");
    world.set_clock(given.expiration);
    assert_eq!(get(world, &ranged, header).await.status, 400, "{name}");
}

/// A72: `[edge] token`.
#[tokio::test]
async fn a72_the_edge_in_each_dialect() {
    for (token, lines) in dialects() {
        let world = World::with(&format!("[edge]\ntoken = \"{token}\"\n{lines}")).await;
        let manifest = manifest(&world).await;
        plays(&world, token, &manifest, URL).await;
    }
}

/// A72, A82: `[[cdn]] token`: each network gets URLs of its own, with ranges as it takes them, and the edge
/// takes them from a network that passes them on.
#[tokio::test]
async fn a72_cdns_in_each_dialect() {
    let base = "https://cdn.example/films";
    for (token, lines) in dialects() {
        for ranges in ["header", "path"] {
            if token == "cloudflare" && ranges == "path" {
                continue;
            }
            let cdn = format!("[[cdn]]\nid = 1\nname = \"a\"\nbase_url = \"{base}\"\nranges = \"{ranges}\"");
            let world = World::with(&format!("{cdn}\ntoken = \"{token}\"\n{lines}")).await;
            let manifest = manifest(&world).await;
            assert_eq!(manifest.cdns[0].ranges == RangeForm::Path, ranges == "path");
            plays(&world, token, &manifest, base).await;
        }
    }
}

/// A token for a film's folder opens its other files and no other film's.
#[tokio::test]
async fn a72_tokens_for_a_whole_film() {
    for (token, lines) in dialects() {
        if token == "cloudflare" {
            continue;
        }
        let world = World::with(&format!("[edge]\ntoken = \"{token}\"\nprefix = true\n{lines}")).await;
        let manifest = manifest(&world).await;
        let [video, audio] = [0, 1].map(|n| manifest.downloadables[n].urls[0].url.strip_prefix(URL).unwrap());
        let query = video.split_once('?').unwrap().1;
        let path = audio.split_once('?').unwrap().0;
        assert_eq!(get(&world, &format!("{path}?{query}"), &[]).await.status, 200, "{token}");
        let other = path.replace(&format!("{MOVIE:032x}"), &format!("{:032x}", 7));
        assert_eq!(get(&world, &format!("{other}?{query}"), &[]).await.status, 403, "{token}");
    }
}

/// A70: a network that takes tokens for less long ends the manifest with it, not the other networks' URLs.
#[tokio::test]
async fn a70_the_first_url_that_ends_ends_the_manifest() {
    let world = World::with(
        "[[cdn]]\nid = 1\nname = \"a\"\nbase_url = \"https://a.example\"\ntoken = \"cloudflare\"\nlifetime = 3000\n\
         secrets = [\"films-secret\"]\n[[cdn]]\nid = 2\nname = \"b\"\nbase_url = \"https://b.example\"\n",
    )
    .await;
    let manifest = manifest(&world).await;
    assert_eq!(manifest.expiration, NOW + 3000);
    let ends =
        |cdn: u32| manifest.downloadables[0].urls.iter().find(|url| url.cdn_id == cdn).unwrap().expiration;
    assert_eq!(ends(1), NOW + 3000);
    assert!(ends(2) > NOW + 6 * 3600);
}

/// A CDN that checks tokens itself, and passes none on, says who it is: its word is taken for media, and for
/// nothing else.
#[tokio::test]
async fn a_cdn_that_checks_tokens_itself() {
    let secret = "0123456789abcdef0123456789abcdef";
    let world = World::with(&format!("[edge]\npull_secrets = [\"{secret}\"]")).await;
    let path = format!("/s/{MOVIE:032x}/541/1811192541.mp4");
    let pull = [("x-matinee-pull", secret)];
    let whole = get(&world, &path, &pull).await;
    assert_eq!(
        (whole.status.as_u16(), whole.header("cache-control")),
        (200, "public, max-age=31536000, immutable")
    );
    assert_eq!(get(&world, &format!("{path}/range/0-9"), &pull).await.body.len(), 10);
    for (path, headers, status) in [
        (path.clone(), &[("x-matinee-pull", "0123456789abcdef0123456789abcdeg")][..], 403),
        (path.clone(), &[("x-matinee-pull", "")], 403),
        (path.clone(), &[], 403),
        (path.replace("541/", "542/"), &pull, 404),
        (format!("/s/{MOVIE:032x}/pack.json"), &pull, 404),
        (format!("/s/vod/{MOVIE}/drm"), &pull, 403),
        (format!("/s/{MOVIE:032x}/master.m3u8"), &pull, 403),
    ] {
        assert_eq!(get(&world, &path, headers).await.status, status, "{path}");
    }
    // Without any such secret there is none to guess.
    let none = World::new().await;
    assert_eq!(get(&none, &path, &[("x-matinee-pull", "")]).await.status, 403);
}
