//! Clear films that are damaged, exchanged or away, before and while they are read: never wrong octets, and a
//! line in the log that says what is the matter. A program of its own, since the log is the whole process's.
#![allow(clippy::unwrap_used)]

#[path = "../../storage/tests/suite/buckets.rs"]
mod buckets;
#[path = "http/captured.rs"]
mod captured;
#[path = "http/clear_films.rs"]
mod clear_films;
#[path = "../../storage/tests/suite/servers.rs"]
mod servers;
#[expect(dead_code, reason = "shared with the other tests of the routes")]
#[path = "http/world.rs"]
mod world;

use axum::body::{Body, Bytes};
use axum::extract::ConnectInfo;
use axum::http::{Request, StatusCode};
use captured::Captured;
use clear_films::{get, packaged, signed, sources, world};
use futures_util::StreamExt as _;
use std::fs::{self, File};
use std::io::Write as _;
use std::net::SocketAddr;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::OnceLock;
use std::time::Duration;
use storage::{PutMode, S3, Storage as _, Transfer};
use tower::ServiceExt as _;
use world::{HOST, World};

/// The log of all tests.
fn log() -> &'static Captured {
    static LOG: OnceLock<Captured> = OnceLock::new();
    LOG.get_or_init(|| {
        let captured = Captured::default();
        let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(captured.clone()).finish();
        tracing::subscriber::set_global_default(subscriber).unwrap();
        captured
    })
}

/// A line of the log has all these words.
fn is_said(words: &[&str]) {
    let all = log().text();
    assert!(all.lines().any(|line| words.iter().all(|word| line.contains(word))), "{words:?}: {all}");
}

/// An answer that is being read.
struct Answer {
    body: Pin<Box<axum::body::BodyDataStream>>,
    read: Vec<u8>,
}

impl Answer {
    async fn begin(world: &World, url: &str) -> Self {
        let mut request = Request::get(url).header("host", HOST).body(Body::empty()).unwrap();
        request.extensions_mut().insert(ConnectInfo(SocketAddr::from(([127, 0, 0, 1], 4711))));
        let response = world.router.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        let mut this = Self { body: Box::pin(response.into_body().into_data_stream()), read: Vec::new() };
        while this.read.len() < 20_000 {
            let piece: Bytes = this.body.next().await.unwrap().unwrap();
            this.read.extend(piece);
        }
        this
    }

    /// Everything that came, and whether it ended as it should.
    async fn end(mut self) -> (Vec<u8>, bool) {
        while let Some(piece) = self.body.next().await {
            match piece {
                Ok(piece) => self.read.extend(piece),
                Err(_) => return (self.read, false),
            }
        }
        (self.read, true)
    }
}

/// The path of a clear film's first representation below its folder.
fn clear_path(film: &Path) -> String {
    let json = fs::read(film.join("source.json")).unwrap();
    pack::Source::from_json(&json).unwrap().pack.representations[0].path.clone()
}

/// A film in a folder that no other test has, and its first representation: the clear file, what the packager
/// makes of it, and its URL.
struct Film {
    world: World,
    clear: PathBuf,
    encrypted: Vec<u8>,
    url: String,
    sources: tempfile::TempDir,
}

impl Film {
    async fn new(content: &str) -> Self {
        Self::with(content, "").await
    }

    /// `more`: of the table `[origin]`.
    async fn with(content: &str, more: &str) -> Self {
        log();
        let sources = sources(&[content]);
        let world = world(&sources, more).await;
        let (_kept, pack, folder) = packaged(&world, content, "ck-1");
        let path = &pack.representations[0].path;
        let url = signed(&world, &format!("/s/vod/{content}/{path}"));
        let clear = sources.path().join(content);
        let clear = clear.join(clear_path(&clear));
        let encrypted = fs::read(folder.join(path)).unwrap();
        Self { world, clear, encrypted, url, sources }
    }

    async fn status(&self) -> u16 {
        get(&self.world, &self.url, &[]).await.status.as_u16()
    }

    fn later(&self) {
        self.world.set_clock(self.world.now() + 31);
    }

    /// An answer that something happens to in the middle is a part of the right one, and is cut off.
    async fn is_cut_off_by(&self, what: impl FnOnce(&Self)) {
        let answer = Answer::begin(&self.world, &self.url).await;
        what(self);
        let (read, is_whole) = answer.end().await;
        assert!(!is_whole && read.len() < self.encrypted.len());
        assert!(read == self.encrypted[..read.len()]);
    }
}

/// B74: what is under one tag never changes, of subtitles neither: another text of the same length is
/// refused, and the right one is served again when it is back.
#[tokio::test]
async fn b74_subtitles_that_are_exchanged_are_not_served() {
    log();
    let sources = tempfile::tempdir().unwrap();
    let (folder, words) = (sources.path().join("with/words"), sources.path().join("de.vtt"));
    fs::write(&words, "WEBVTT\n\n00:00:01.000 --> 00:00:02.000\nHallo\n").unwrap();
    let subtitles = vec![packager::SubtitleSource {
        path: words,
        language: "de".to_owned(),
        role: pack::SubtitleRole::default(),
        label: None,
        default: false,
    }];
    let options =
        packager::PackageOptions { subtitles, ..clear_films::options(pack::Scheme::None, None, &folder) };
    packager::package(&options, &mut ()).unwrap();
    let json = fs::read(folder.join("source.json")).unwrap();
    let path = pack::Source::from_json(&json).unwrap().pack.subtitles[0].file.path.clone();
    let (file, right) = (folder.join(&path), fs::read(folder.join(&path)).unwrap());
    let world = world(&sources, "").await;
    let url = signed(&world, &format!("/s/vod/with/words/{path}"));
    let first = get(&world, &url, &[]).await;
    assert_eq!((first.status.as_u16(), &first.body[..]), (200, &right[..]));
    let part = get(&world, &url, &[("range", "bytes=0-5")]).await;
    assert_eq!((part.status.as_u16(), &part.body[..]), (206, &b"WEBVTT"[..]));
    // Times are set, so that the test does not go by how fine the file system's clock is.
    let write = |octets: &[u8], time: u64| {
        fs::write(&file, octets).unwrap();
        let time = std::time::UNIX_EPOCH + Duration::from_secs(time);
        File::options().write(true).open(&file).unwrap().set_modified(time).unwrap();
        world.set_clock(world.now() + 31);
    };
    let wrong = right.iter().map(u8::to_ascii_uppercase).collect::<Vec<u8>>();
    assert!(wrong != right);
    write(&wrong, 1000);
    assert_eq!(get(&world, &url, &[]).await.status, 503);
    is_said(&["ERROR", &path, "its SHA-256 is another"]);
    write(&right, 2000);
    let again = get(&world, &url, &[]).await;
    assert_eq!((again.status.as_u16(), again.header("etag")), (200, first.header("etag")));
    assert!(again.body == right);
}

#[tokio::test]
async fn a_file_that_is_cut_short_is_not_served() {
    let film = Film::new("cut/short").await;
    let size = fs::metadata(&film.clear).unwrap().len();
    File::options().write(true).open(&film.clear).unwrap().set_len(size - 1).unwrap();
    assert_eq!(film.status().await, 503);
    is_said(&["ERROR", "cut/short", &format!("has {} octets, not {size}", size - 1)]);
}

#[tokio::test]
async fn a_file_that_is_cut_while_it_is_read_ends_the_answer() {
    let film = Film::new("cut/reading").await;
    film.is_cut_off_by(|film| {
        File::options().write(true).open(&film.clear).unwrap().set_len(30_000).unwrap();
    })
    .await;
    is_said(&["ERROR", "a file is cut off"]);
    // Asked again at once, it is known not to be what it was.
    assert_eq!(film.status().await, 503);
    assert_eq!(film.status().await, 503);
    is_said(&["ERROR", "cut/reading", "has 30000 octets"]);
}

/// As long as before, with other octets.
#[tokio::test]
async fn a_file_that_is_written_into_ends_the_answer() {
    let film = Film::new("written/into").await;
    let right = fs::read(&film.clear).unwrap();
    film.is_cut_off_by(|film| {
        let mut file = File::options().write(true).open(&film.clear).unwrap();
        file.write_all(&vec![7; right.len()]).unwrap();
    })
    .await;
    is_said(&["ERROR", "a file is cut off", "was changed or replaced"]);
    film.later();
    assert_eq!(film.status().await, 503, "source.json tells of another");
    is_said(&["ERROR", "written/into", "SHA-256"]);
    fs::write(&film.clear, &right).unwrap();
    // However coarse the file system's clock is.
    let at = std::time::SystemTime::now() + Duration::from_secs(10);
    File::options().write(true).open(&film.clear).unwrap().set_modified(at).unwrap();
    film.later();
    let mended = get(&film.world, &film.url, &[]).await;
    assert!(mended.status == 200 && mended.body == film.encrypted);
}

/// Damaged before anybody saw it, and as long as it was: it is read once, whatever displaces it from memory.
#[tokio::test]
async fn a_file_that_was_found_wrong_stays_wrong() {
    for memory in ["", "memory = 0\n"] {
        let film = Film::with("found/wrong", memory).await;
        let right = fs::read(&film.clear).unwrap();
        let write = |octets: &[u8]| {
            let mut file = File::options().write(true).open(&film.clear).unwrap();
            file.write_all(octets).unwrap();
            file
        };
        let mut other = right.clone();
        *other.last_mut().unwrap() ^= 1;
        let modified = write(&other).metadata().unwrap().modified().unwrap();
        assert_eq!(film.status().await, 503);
        is_said(&["ERROR", "found/wrong", "SHA-256"]);
        // Nothing says that it is another one by now.
        write(&right).set_modified(modified).unwrap();
        film.later();
        assert_eq!(film.status().await, 503, "it is not read again");
        write(&right).set_modified(modified + Duration::from_secs(1)).unwrap();
        film.later();
        let mended = get(&film.world, &film.url, &[]).await;
        assert!(mended.status == 200 && mended.body == film.encrypted);
    }
}

/// Another file gets the name: whoever reads has the old one to its end, and nobody gets the new one.
#[tokio::test]
async fn a_file_that_is_replaced_is_read_to_its_end() {
    let film = Film::new("replaced").await;
    let answer = Answer::begin(&film.world, &film.url).await;
    let other = film.sources.path().join("other");
    let mut octets = fs::read(&film.clear).unwrap();
    octets[60_000..].fill(9);
    fs::write(&other, octets).unwrap();
    fs::rename(&other, &film.clear).unwrap();
    let (read, is_whole) = answer.end().await;
    assert!(is_whole && read == film.encrypted);
    assert_eq!(film.status().await, 503);
    is_said(&["ERROR", "was changed or replaced"]);
    film.later();
    assert_eq!(film.status().await, 503);
    is_said(&["ERROR", "replaced", "SHA-256"]);
}

#[tokio::test]
async fn a_file_that_cannot_be_read_is_said() {
    let film = Film::new("unreadable").await;
    assert_eq!(film.status().await, 200);
    let json = film.sources.path().join("unreadable/source.json");
    fs::set_permissions(&film.clear, fs::Permissions::from_mode(0o000)).unwrap();
    film.later();
    // Not so for root.
    if File::open(&film.clear).is_err() {
        assert_eq!(film.status().await, 503);
        is_said(&["ERROR", "unreadable", "ermission denied"]);
    }
    fs::set_permissions(&film.clear, fs::Permissions::from_mode(0o600)).unwrap();
    film.later();
    assert_eq!(film.status().await, 200);
    // Nobody can say what is there: what was known holds.
    let aside = film.sources.path().join("aside.json");
    fs::rename(&json, &aside).unwrap();
    symlink(&json, &json).unwrap();
    film.later();
    assert_eq!(film.status().await, 200);
    is_said(&["WARN", "unreadable", "cannot be looked at"]);
    // And whoever knows nothing says so.
    let world = clear_films::world(&film.sources, "").await;
    let url = signed(&world, "/s/vod/unreadable/stream.mpd");
    assert_eq!(get(&world, &url, &[]).await.status, 503);
    is_said(&["ERROR", "unreadable", "source.json"]);
    // It is gone: that is known.
    fs::remove_file(&json).unwrap();
    film.later();
    assert_eq!(film.status().await, 404);
}

/// The same in a bucket: an object that is replaced while it is read, and a store that refuses.
#[tokio::test]
async fn objects_that_are_replaced_or_refused() {
    log();
    for server in buckets::servers() {
        let settings = buckets::settings(&server.endpoint);
        let folder = tempfile::tempdir().unwrap();
        let pair = folder.path().join("s3");
        let write = |(id, secret): (&str, &str)| {
            let mut options = File::options();
            let mut file = options.create(true).truncate(true).write(true).mode(0o600).open(&pair).unwrap();
            let text = format!("aws_access_key_id = {id}\naws_secret_access_key = {secret}\n");
            file.write_all(text.as_bytes()).unwrap();
        };
        write(servers::ACCESS_KEY);
        let table = format!(
            "[origin]\nsources = \"s3://{}/{}\"\nendpoint = \"{}\"\ncredentials = \"file:{}\"\n",
            settings.bucket,
            settings.prefix.clone().unwrap(),
            server.endpoint,
            pair.display()
        );
        let bucket = S3::new(settings).unwrap();
        let films = sources(&["film"]);
        let key = "in-a-bucket".parse().unwrap();
        storage::publish(&bucket, Some(&key), &films.path().join("film"), "source.json", Transfer::Copy)
            .await
            .unwrap();
        let world = World::with(&table).await;
        let (_kept, pack, folder) = packaged(&world, "in-a-bucket", "ck-1");
        let path = &pack.representations[0].path;
        let encrypted = fs::read(folder.join(path)).unwrap();
        let url = signed(&world, &format!("/s/vod/in-a-bucket/{path}"));
        let answer = Answer::begin(&world, &url).await;
        let media = key.join(&clear_path(&films.path().join("film"))).unwrap();
        let right = bucket.get(&media, None).await.unwrap().bytes().await.unwrap();
        let other = Bytes::from(vec![7; right.len()]);
        bucket.put(&media, other, PutMode::Overwrite).await.unwrap();
        let (read, is_whole) = answer.end().await;
        assert!(!is_whole && read.len() < encrypted.len() && read == encrypted[..read.len()]);
        is_said(&["ERROR", "a file is cut off", "was changed or replaced"]);
        world.set_clock(world.now() + 31);
        assert_eq!(get(&world, &url, &[]).await.status, 503);
        is_said(&["ERROR", "in-a-bucket", "SHA-256"]);
        bucket.put(&media, right, PutMode::Overwrite).await.unwrap();
        world.set_clock(world.now() + 31);
        let mended = get(&world, &url, &[]).await;
        assert!(mended.status == 200 && mended.body == encrypted);

        // moto refuses nobody.
        if server.name == "SeaweedFS" {
            write(servers::POWERLESS);
            let world = World::with(&table).await;
            let url = signed(&world, "/s/vod/in-a-bucket/stream.mpd");
            assert_eq!(get(&world, &url, &[]).await.status, 503);
            is_said(&["ERROR", "in-a-bucket", "refuses it (403)"]);
        }
    }
}
