//! The library in a bucket: real stores behind the service. Without them the tests say that they are skipped.

use super::buckets::{servers, settings};
use super::client::{Client, id};
use super::servers::ACCESS_KEY;
use super::world::{MOVIE, OTHER_MOVIE, Reply, URL, World, octets};
use nccp::{ByteRange, RequestMessage, ResponseMessage, with_range};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use storage::{Key, Transfer};
use test_ports::free_port;

/// A world whose films lie in a bucket; the key pair is in a file of `folder`.
pub(crate) async fn world(endpoint: &str, folder: &Path, more: &str) -> World {
    let pair = folder.join("s3");
    let mut file =
        std::fs::File::options().create(true).truncate(true).write(true).mode(0o600).open(&pair).unwrap();
    let text = format!(
        "[default]\naws_access_key_id = {}\naws_secret_access_key = {}\n",
        ACCESS_KEY.0, ACCESS_KEY.1
    );
    std::io::Write::write_all(&mut file, text.as_bytes()).unwrap();
    let settings = settings(endpoint);
    let world = World::with(&format!(
        "[storage]\nurl = \"s3://{}/{}\"\nendpoint = \"{endpoint}\"\ncredentials = \"file:{}\"\n{more}",
        settings.bucket,
        settings.prefix.unwrap(),
        pair.display()
    ))
    .await;
    assert!(!format!("{:?}", world.config).contains(ACCESS_KEY.1));
    world
}

/// Sends the films there.
async fn publish(world: &World) {
    let library = server::library::open(&world.config).unwrap();
    for movie in [MOVIE, OTHER_MOVIE] {
        let key: Key = format!("{movie:032x}").parse().unwrap();
        let folder = world.config.library().join(key.as_str());
        storage::publish(&*library, Some(&key), &folder, "pack.json", Transfer::Copy).await.unwrap();
        // What is served is not from here.
        std::fs::remove_dir_all(folder).unwrap();
    }
}

/// The URL of each file of a movie, without the origin.
async fn files(world: &World, movie: u64) -> Vec<String> {
    let mut client = Client::registered(world).await;
    let message = RequestMessage::Authorization { movie_id: id(movie) };
    let Ok(ResponseMessage::Authorization(manifest)) = client.one(world, message).await else {
        panic!("no manifest")
    };
    let files = manifest.downloadables.iter();
    files.map(|file| file.urls[0].url.strip_prefix(URL).unwrap().to_owned()).collect()
}

async fn get(world: &World, path: &str, headers: &[(&str, &str)]) -> Reply {
    world.request("GET", path, headers, b"").await
}

/// A79, by the header and by the path.
#[tokio::test]
async fn films_in_a_bucket_are_served_byte_for_byte() {
    for (server, cache) in servers().iter().flat_map(|server| [(server, ""), (server, "cache = \"5MB\"\n")]) {
        let folder = tempfile::tempdir().unwrap();
        let world = world(&server.endpoint, folder.path(), cache).await;
        publish(&world).await;
        let url = &files(&world, MOVIE).await[0];
        let all = octets();
        for _ in 0..2 {
            let whole = get(&world, url, &[]).await;
            assert_eq!((whole.status.as_u16(), whole.header("content-length")), (200, "200000"));
            assert!(whole.body == all, "{}", server.name);
            for (first, last) in [(0, 0), (100, 199), (65_535, 131_073), (199_999, 199_999)] {
                let range = format!("bytes={first}-{last}");
                let part = get(&world, url, &[("range", &range)]).await;
                assert_eq!(part.header("content-range"), format!("bytes {first}-{last}/200000"));
                let by_path = get(&world, &with_range(url, ByteRange::new(first, last).unwrap()), &[]).await;
                assert_eq!((part.status.as_u16(), by_path.status.as_u16()), (206, 200));
                let wanted = &all[first as usize..=last as usize];
                assert!(part.body == wanted && by_path.body == wanted, "{} {range}", server.name);
            }
            let beyond = get(&world, url, &[("range", "bytes=200000-")]).await;
            assert_eq!(beyond.status, 416);
        }
        let picture = get(&world, &format!("/art/{MOVIE:032x}/poster.png"), &[]).await;
        assert_eq!((picture.status.as_u16(), picture.header("content-type")), (200, "image/png"));
    }
}

/// Viewers with a token are sent to the store, and nobody else is; what cannot be asked for there is read
/// through.
#[tokio::test]
async fn viewers_are_sent_to_the_store() {
    for server in servers() {
        let folder = tempfile::tempdir().unwrap();
        let world = world(&server.endpoint, folder.path(), "[edge]\nredirect = true\n").await;
        publish(&world).await;
        let url = &files(&world, MOVIE).await[0];
        let sent = get(&world, url, &[("range", "bytes=100-199")]).await;
        assert_eq!((sent.status.as_u16(), sent.header("cache-control")), (302, "no-store"));
        assert_eq!(sent.header("access-control-allow-origin"), "*");
        let location = sent.header("location");
        assert!(
            location.starts_with(&server.endpoint) && location.contains("X-Amz-Expires=60"),
            "{location}"
        );
        let http = reqwest::Client::new();
        let part = http.get(location).header("range", "bytes=100-199").send().await.unwrap();
        assert_eq!(
            (part.status().as_u16(), &part.headers()["content-type"]),
            (206, &"video/mp4".parse().unwrap())
        );
        assert!(part.bytes().await.unwrap() == octets()[100..200]);

        let by_path = get(&world, &with_range(url, ByteRange::new(5, 9).unwrap()), &[]).await;
        assert!(by_path.status == 200 && by_path.body == octets()[5..=9]);
        let head = world.request("HEAD", url, &[], b"").await;
        assert_eq!((head.status.as_u16(), head.header("content-length")), (200, "200000"));
        let mut changed = url.clone();
        let last = changed.pop();
        changed.push(if last == Some('0') { '1' } else { '0' });
        for bad in [url.split('?').next().unwrap(), &changed] {
            let refused = get(&world, bad, &[]).await;
            assert!(refused.status.is_client_error() && refused.header("location").is_empty(), "{bad}");
        }
    }
}

/// The disk has no more than it may, and what is on it is served while the store is away.
#[tokio::test]
async fn the_cache_is_bounded_and_outlives_the_store() {
    let Some(server) = super::servers::Server::weed() else { return };
    super::buckets::make_bucket(&server);
    let folder = tempfile::tempdir().unwrap();
    let world = world(&server.endpoint, folder.path(), "cache = \"500kB\"\n").await;
    publish(&world).await;
    let cache = world.config.data.join("cache");
    let kept = || {
        let entries =
            std::fs::read_dir(&cache).unwrap().map(|entry| entry.unwrap().metadata().unwrap().len());
        entries.sum::<u64>()
    };
    let mut last = String::new();
    for movie in [MOVIE, OTHER_MOVIE] {
        for url in files(&world, movie).await {
            assert!(get(&world, &url, &[]).await.body == octets());
            assert!((1..=500_000).contains(&kept()), "{}", kept());
            last = url;
        }
    }
    server.signal("-STOP");
    let part = get(&world, &last, &[("range", "bytes=7-99")]).await;
    server.signal("-CONT");
    assert!(part.status == 206 && part.body == octets()[7..=99]);
}

/// Nobody there: an answer in time, and not a wrong one.
#[tokio::test]
async fn a_store_that_is_away_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let world = world(&format!("http://127.0.0.1:{}", free_port()), folder.path(), "").await;
    let url = format!("/art/{MOVIE:032x}/poster.png");
    assert_eq!(get(&world, &url, &[]).await.status, 503);
    let mut client = Client::registered(&world).await;
    let message = RequestMessage::Authorization { movie_id: id(MOVIE) };
    // Not that the movie is not there.
    assert_eq!(client.one(&world, message).await, Err(nccp::ErrorCode::TryLater));
    let library = server::library::open(&world.config).unwrap();
    let error = server::library::probe(&*library).await.unwrap_err().to_string();
    assert!(error.contains("cannot be reached") && error.contains("storage.endpoint"), "{error}");
}
