//! Clear films in a bucket: real stores behind the origin. Without them the tests say that they are skipped.

use super::buckets::{pair, servers, settings};
use super::clear_films::{FILM, add, get, packaged, signed, sources};
use super::client::Client;
use super::drm::manifest;
use super::hls_whole::{self, first_segment, is_first_segment};
use super::policies::{set_policy, write_policies};
use super::servers::{ACCESS_KEY, Server};
use super::world::{NOW, URL, World};
use bytes::Bytes;
use futures_util::TryStreamExt as _;
use nccp::{ByteRange, with_range};
use server::contents;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use storage::{Key, Meta, PutMode, S3, Storage, Transfer};

/// A bucket with a clear film, and a world whose sources it is.
struct Sources {
    world: World,
    bucket: S3,
    /// With the key pair in the file `s3`.
    folder: tempfile::TempDir,
}

impl Sources {
    async fn new(server: &Server, of_origin: &str, more: &str) -> Self {
        let settings = settings(&server.endpoint);
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("s3");
        write_pair(&file, ACCESS_KEY);
        let table = format!(
            "[origin]\nsources = \"s3://{}/{}\"\nendpoint = \"{}\"\ncredentials = \"file:{}\"\n{of_origin}{more}",
            settings.bucket,
            settings.prefix.clone().unwrap(),
            server.endpoint,
            file.display()
        );
        let bucket = S3::new(settings).unwrap();
        let films = sources(&["film"]);
        let key: Key = "films/a".parse().unwrap();
        let folder_of_film = films.path().join("film");
        storage::publish(&bucket, Some(&key), &folder_of_film, "source.json", Transfer::Copy).await.unwrap();
        Self { world: World::with(&table).await, bucket, folder }
    }

    async fn put(&self, path: &str, bytes: impl Into<Bytes>) {
        self.bucket.put(&path.parse().unwrap(), bytes.into(), PutMode::Overwrite).await.unwrap();
    }

    async fn read(&self, path: &str) -> (Meta, Bytes) {
        let object = self.bucket.get(&path.parse().unwrap(), None).await.unwrap();
        (object.meta.clone(), object.bytes().await.unwrap())
    }

    /// Writes an object again as it is, until the store says a later time of it than of all others.
    async fn touch(&self, path: &str) {
        let (of, bytes) = self.read(path).await;
        let all: Vec<Meta> = self.bucket.list(None).try_collect().await.unwrap();
        let before = all.iter().map(|meta| meta.modified).max().unwrap();
        while self.bucket.head(&of.key).await.unwrap().modified <= before {
            self.put(path, bytes.clone()).await;
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn status(&self, path: &str) -> u16 {
        get(&self.world, &signed(&self.world, path), &[]).await.status.as_u16()
    }

    /// Lets the bucket be looked at again.
    fn later(&self) {
        self.world.set_clock(self.world.now() + 31);
    }
}

fn write_pair(file: &Path, (id, secret): (&str, &str)) {
    let mut file =
        std::fs::File::options().create(true).truncate(true).write(true).mode(0o600).open(file).unwrap();
    let text = format!("aws_access_key_id = {id}\naws_secret_access_key = {secret}\n");
    std::io::Write::write_all(&mut file, text.as_bytes()).unwrap();
}

/// B22, B34: as of a local folder: from the manifest to the octets, which are those that the packager writes.
#[tokio::test]
async fn b22_b34_films_in_a_bucket_are_encrypted_when_they_are_asked_for() {
    for (server, cache) in servers().iter().flat_map(|server| [(server, ""), (server, "cache = \"5MB\"\n")]) {
        let sources = Sources::new(server, cache, "").await;
        let world = &sources.world;
        assert!(!format!("{:?}", world.config).contains(ACCESS_KEY.1));
        add(world, "films/a", None, FILM).await;
        let (_kept, pack, folder) = packaged(world, "films/a", "ck-1");
        let mut client = Client::registered(world).await;
        let manifest = manifest(&mut client, world, FILM).await;
        for (told, r) in manifest.downloadables.iter().zip(&pack.representations) {
            let url = told.urls[0].url.strip_prefix(URL).unwrap();
            assert!(url.starts_with(&format!("/s/vod/r{}/films/a/{}?", &pack.pack_id[..8], r.path)), "{url}");
            let file = std::fs::read(folder.join(&r.path)).unwrap();
            for _ in 0..2 {
                let whole = get(world, url, &[]).await;
                assert!(whole.status == 200 && whole.body == file, "{} {cache}", server.name);
                let part = get(world, url, &[("range", "bytes=1000-250000")]).await;
                assert!(part.status == 206 && part.body == file[1000..250_001]);
                let by_path = get(world, &with_range(url, ByteRange::new(700, 90_000).unwrap()), &[]).await;
                assert!(by_path.status == 200 && by_path.body == file[700..90_001]);
            }
        }
        assert_eq!(sources.status("/s/vod/films/b/stream.mpd").await, 404);
        assert_eq!(
            sources.status("/s/vod/films/Die%20Br%C3%BCcke/stream.mpd").await,
            404,
            "no name of an object"
        );
        let report = contents::check(&world.config, world.now()).await.unwrap();
        assert_eq!((report.errors, report.contents), (vec![], 1));
        let kept = std::fs::read_dir(world.config.data.join("sources-cache"));
        assert_eq!(kept.map_or(0, Iterator::count) > 1, !cache.is_empty(), "parts, and the lock");
    }
}

/// B24: segments that are encrypted whole, of a bucket, and of the object alone that source.json tells of.
#[tokio::test]
async fn b24_whole_segments_of_a_bucket() {
    for (server, cache) in servers().iter().flat_map(|server| [(server, ""), (server, "cache = \"5MB\"\n")]) {
        let sources = Sources::new(server, cache, "").await;
        let world = &sources.world;
        add(world, "films/a", None, FILM).await;
        write_policies(world, hls_whole::POLICIES);
        set_policy(world, FILM, "hls").await;
        let (url, octets) = first_segment(world).await;
        let (_, json) = sources.read("films/a/source.json").await;
        let (mut of, source) = (None, pack::Source::from_json(&json).unwrap());
        for r in &source.pack.representations {
            let path = format!("films/a/{}", r.path);
            let (_, file) = sources.read(&path).await;
            if is_first_segment(r, &file, &octets) {
                of = Some((path, file));
            }
        }
        let (path, file) = of.expect("a segment of the clear film");
        let whole = get(world, &url, &[]).await.body;
        let part = get(world, &url, &[("range", "bytes=1000-5000")]).await;
        assert!(part.status == 206 && part.body == whole[1000..=5000], "{} {cache}", server.name);
        let mut other = file.to_vec();
        other[1000..].fill(7);
        sources.put(&path, other).await;
        sources.later();
        assert_eq!(get(world, &url, &[]).await.status, 503, "source.json tells of another");
        sources.put(&path, file).await;
        sources.later();
        assert!(get(world, &url, &[]).await.body == whole);
    }
}

/// B69, B70, B75, B103, B104: objects that were touched, changed or added are read again, settings included;
/// what is clear is served as it lies there.
#[tokio::test]
async fn b69_b75_what_changes_in_a_bucket_is_read_again() {
    for server in servers() {
        let sources =
            Sources::new(server, "", "[drm]\nttl = 60\n[encryption.own]\nscope = \"content\"\n").await;
        let world = &sources.world;
        // Objects are of today.
        let today = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        world.set_clock(NOW.max(today) + 1000);
        let drm = "/s/vod/films/a/drm";
        assert_eq!(sources.status(drm).await, 503, "no folder covers it");
        sources
            .put("films/matinee.toml", "[encryption.own]\nlevel = \"low\"\nupdate_interval = \"300d\"\n")
            .await;
        sources.later();
        let first = get(world, &signed(world, drm), &[]).await;
        assert_eq!(first.status, 200);
        let shown = contents::by_path(&world.config, "films/a", None).await.unwrap();
        let level = &shown["forms"]["own"]["settings"]["level"];
        assert_eq!((level["value"].as_str(), level["line"].as_u64()), (Some("low"), Some(2)));
        assert!(level["file"].as_str().unwrap().starts_with("s3://films/"), "{level}");

        let since = [("if-modified-since", first.header("last-modified"))];
        let answer = async || get(world, &signed(world, drm), &since).await.status.as_u16();
        sources.later();
        let before = answer().await;
        sources.touch("films/a/source.json").await;
        sources.later();
        assert_eq!((before, answer().await), (304, 200), "a touched object");

        sources.put("films/a/matinee.toml", "[encryption.own]\nenabled = false\n").await;
        sources.later();
        assert_eq!(sources.status(drm).await, 404, "clear: no metadata");
        let (_, json) = sources.read("films/a/source.json").await;
        let source = pack::Source::from_json(&json).unwrap();
        let media = &source.pack.representations[0].path;
        let (_, file) = sources.read(&format!("films/a/{media}")).await;
        let url = signed(world, &format!("/s/vod/films/a/{media}"));
        assert!(get(world, &url, &[]).await.body == file);
        assert!(get(world, &url, &[("range", "bytes=131071-131073")]).await.body == file[131_071..131_074]);

        // Another file under the old name, of which source.json does not tell.
        let mut other = file.to_vec();
        other[200_000] ^= 1;
        sources.put(&format!("films/a/{media}"), other).await;
        assert_eq!(get(world, &url, &[]).await.status, 503, "it is not what was looked at");
        sources.later();
        assert_eq!(get(world, &url, &[]).await.status, 503, "nor what source.json tells of");
        sources.put(&format!("films/a/{media}"), file.clone()).await;
        sources.later();
        assert!(get(world, &url, &[]).await.body == file);
    }
}

/// A store that says nothing: what is known of films holds, parts that are kept are sent, and others do not
/// wait.
#[tokio::test]
async fn a_bucket_that_hangs_stops_nobody_else() {
    let Some(server) = Server::weed() else { return };
    super::buckets::make_bucket(&server);
    let sources = Sources::new(&server, "cache = \"50MB\"\n", "").await;
    let world = &sources.world;
    let (_kept, pack, folder) = packaged(world, "films/a", "ck-1");
    let r = &pack.representations[0];
    let url = signed(world, &format!("/s/vod/films/a/{}", r.path));
    let file = std::fs::read(folder.join(&r.path)).unwrap();
    assert!(get(world, &url, &[]).await.body == file);
    server.signal("-STOP");
    sources.later();
    let unknown = signed(world, "/s/vod/films/unknown/stream.mpd");
    let others = async {
        assert_eq!(
            get(world, &format!("/art/{:032x}/poster.png", super::world::MOVIE), &[]).await.status,
            200
        );
        assert!(get(world, &url, &[]).await.body == file, "as it was");
    };
    // Asked first, and answered last, if at all.
    tokio::select! {
        biased;
        reply = get(world, &unknown, &[]) => panic!("a store that is stopped has answered: {reply:?}"),
        () = others => {}
    }
    server.signal("-CONT");
    sources.later();
    assert_eq!(get(world, &unknown, &[]).await.status, 404);
}

/// Credentials that the store refuses: 503, and what was known before holds.
#[tokio::test]
async fn a_bucket_that_refuses_is_not_an_empty_one() {
    let Some(server) = servers().iter().find(|server| server.name == "SeaweedFS") else { return };
    let sources = Sources::new(server, "", "").await;
    let powerless = S3::new(storage::S3Settings {
        credentials: pair(super::servers::POWERLESS),
        ..settings(&server.endpoint)
    });
    let key: Key = "films/a/source.json".parse().unwrap();
    assert!(!powerless.unwrap().get(&key, None).await.unwrap_err().is_not_found());
    write_pair(&sources.folder.path().join("s3"), super::servers::POWERLESS);
    let config = sources.world.config.clone();
    let report = contents::check(&config, sources.world.now()).await.unwrap();
    assert!(report.errors.iter().any(|error| error.starts_with("origin.sources: ")), "{:?}", report.errors);
    // Who has the old pair goes on for a while; a server that begins now cannot.
    let refused = contents::describe(&config, "films/a", None).await.unwrap_err().to_string();
    assert!(refused.contains("refuses it (403)"), "{refused}");
}
