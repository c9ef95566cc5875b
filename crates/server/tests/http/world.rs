//! A whole service on a folder of its own, with an account, a film and a clock that stands.

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, Request, StatusCode};
use cenc::{ContentId, Label, derive_kid};
use server::store::{SqliteStore, Store};
use server::{Clock, Config, Service, accounts, catalogue, movies};
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use tower::ServiceExt as _;

pub(crate) const NOW: u64 = 1_790_000_000;
pub(crate) const MOVIE: u64 = 60027274;
pub(crate) const OTHER_MOVIE: u64 = 7;
pub(crate) const EMAIL: &str = "ada@example.org";
pub(crate) const PASSWORD: &str = "correct horse";
pub(crate) const URL: &str = "http://localhost:8080";
pub(crate) const HOST: &str = "localhost:8080";
/// The fake film's video file.
pub(crate) const VIDEO: &str = "1811192541";

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |v| v.to_str().unwrap())
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn cookies(&self) -> Vec<&str> {
        self.headers.get_all("set-cookie").iter().map(|v| v.to_str().unwrap()).collect()
    }

    /// What a browser would send back.
    pub(crate) fn cookie_pairs(&self) -> String {
        let pairs: Vec<_> = self.cookies().iter().map(|c| c.split(';').next().unwrap().to_owned()).collect();
        pairs.join("; ")
    }

    pub(crate) fn json<T: serde::de::DeserializeOwned>(&self) -> T {
        serde_json::from_slice(&self.body).unwrap()
    }
}

pub(crate) struct World {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) config: Config,
    pub(crate) store: Arc<SqliteStore>,
    pub(crate) router: Router,
    /// What boxes reach where they have a listener of their own.
    pub(crate) box_router: Router,
    pub(crate) service: Arc<Service>,
    /// Where requests come from.
    pub(crate) peer: Mutex<IpAddr>,
    pub(crate) clock: Arc<AtomicU64>,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with("").await
    }

    /// With more lines for the configuration.
    pub(crate) async fn with(config: &str) -> Self {
        let private = std::os::unix::fs::PermissionsExt::from_mode(0o700);
        let folder = tempfile::Builder::new().permissions(private).tempdir().unwrap();
        let mut config = Config::parse(config).unwrap();
        config.data = folder.path().to_owned();
        let (clock, hand) = Clock::manual(NOW);
        let store = Arc::new(SqliteStore::open(&config.database()).await.unwrap());
        accounts::add(&*store, EMAIL, PASSWORD, "unlimited", NOW).await.unwrap();
        // Makes the keys, from which the film's KIDs follow.
        let service = Service::with_store(config.clone(), clock, store.clone()).unwrap();
        for movie in [MOVIE, OTHER_MOVIE] {
            let pack = film(&config, movie).await;
            movies::add(
                &*store,
                &pack,
                movies::Details { year: Some(2026), ..Default::default() },
                movies::Over::Any,
                NOW,
            )
            .await
            .unwrap();
        }
        let service = Arc::new(service);
        let router = server::router(Arc::clone(&service));
        let box_router = server::box_router(Arc::clone(&service));
        let peer = Mutex::new(IpAddr::from([127, 0, 0, 1]));
        Self { folder, config, store, router, box_router, service, peer, clock: hand }
    }

    /// Requests come from there from now on.
    pub(crate) fn come_from(&self, address: &str) {
        *self.peer.lock().unwrap() = address.parse().unwrap();
    }

    pub(crate) fn set_clock(&self, now: u64) {
        self.clock.store(now, Ordering::Relaxed);
    }

    pub(crate) fn now(&self) -> u64 {
        self.clock.load(Ordering::Relaxed)
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Reply {
        self.send_to(&self.router, request).await
    }

    pub(crate) async fn send_to(&self, router: &Router, mut request: Request<Body>) -> Reply {
        let peer = SocketAddr::new(*self.peer.lock().unwrap(), 4711);
        request.extensions_mut().insert(ConnectInfo(peer));
        let response = router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        Reply { status: parts.status, headers: parts.headers, body }
    }

    pub(crate) async fn request(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Reply {
        let mut request = Request::builder().method(method).uri(path);
        if !headers.iter().any(|(name, _)| *name == "host") {
            request = request.header("host", HOST);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(Body::from(body.to_vec())).unwrap()).await
    }

    pub(crate) async fn get(&self, path: &str, cookies: &str) -> Reply {
        self.request("GET", path, &[("cookie", cookies)], b"").await
    }

    pub(crate) async fn post_json(&self, path: &str, cookies: &str, body: &str) -> Reply {
        let headers = [("content-type", "application/json"), ("cookie", cookies)];
        self.request("POST", path, &headers, body.as_bytes()).await
    }

    pub(crate) async fn try_login(&self, email: &str, password: &str, cookies: &str) -> Reply {
        let body = serde_json::json!({"email": email, "password": password}).to_string();
        self.post_json("/login", cookies, &body).await
    }

    /// Cookies of a new session.
    pub(crate) async fn login(&self) -> String {
        let reply = self.try_login(EMAIL, PASSWORD, "").await;
        assert_eq!(reply.status, 204);
        reply.cookie_pairs()
    }

    pub(crate) async fn add_account(&self, email: &str, plan: &str) -> String {
        accounts::add(&*self.store, email, PASSWORD, plan, NOW).await.unwrap();
        self.try_login(email, PASSWORD, "").await.cookie_pairs()
    }

    pub(crate) async fn device_count(&self) -> usize {
        accounts::devices(&*self.store, EMAIL).await.unwrap().len()
    }
}

/// The fake film's octets: what matters here is which of them come.
pub(crate) fn octets() -> Vec<u8> {
    (0..200_000u32).map(|i| (i * 7 + i / 251) as u8).collect()
}

/// A pack as the packager writes it, of files that are no films.
async fn film(config: &Config, movie: u64) -> catalogue::Pack {
    let keys = server::keys::load(&config.keys(), &config.public_url, NOW).unwrap();
    let (id, common) = keys.active_common_key();
    let (content, label) = (ContentId::of_movie(movie), Label::default());
    let kid = derive_kid(common, &content, &label, 0);
    let pack_id = format!("{movie:032x}");
    let folder = config.library().join(&pack_id);
    let file = |id: &str, video: bool| {
        let shard = &id[7..];
        std::fs::create_dir_all(folder.join(shard)).unwrap();
        std::fs::write(folder.join(format!("{shard}/{id}.mp4")), octets()).unwrap();
        let mut r = serde_json::json!({
            "id": if video { "v720-1500" } else { "a-und-1" }, "downloadable_id": id, "path": format!("{shard}/{id}.mp4"),
            "media_type": if video { "video" } else { "audio" }, "mime_type": if video { "video/mp4" } else { "audio/mp4" },
            "codecs": if video { "avc1.64001F" } else { "mp4a.40.2" }, "group": if video { "video" } else { "audio-1" },
            "timescale": 1000, "bitrate": 1500, "peak_bandwidth": 2_100_000, "language": "und", "size": octets().len(),
            "sha256": "", "init_range": "0-999", "index_range": "1000-1199", "max_segment": 198_000, "samples": 1,
            "protected_samples": 1,
            "segments": [
                {"start": 0, "duration": 4000, "offset": 1200, "size": 100_000},
                {"start": 4000, "duration": 4000, "offset": 101_200, "size": 98_800}
            ]
        });
        if video {
            r["video"] = serde_json::json!({"width": 1280, "height": 720, "sar": [1, 1],
                "frame_rate": {"value": 24, "timescale": 1}, "video_range": "SDR"});
        } else {
            r["audio"] = serde_json::json!({"sample_rate": 48000, "channels": 2, "default": true});
        }
        r
    };
    let audio = format!("{:010}", movie % 10_000_000_000);
    let pack = serde_json::json!({
        "version": pack::LAYOUT_VERSION, "pack_id": pack_id, "movie_id": movie, "title": format!("Film {movie}"),
        "duration": {"value": 8000, "timescale": 1000}, "scheme": "cenc", "level": "high",
        "protection": {"content_id": content.as_str(), "label": "main", "common_key_id": id,
            "keys": [{"kid": kid.to_string(), "period": 0, "start": {"value": 0, "timescale": 1}}]},
        "poster": "poster.png",
        "representations": [file(VIDEO, true), file(&audio, false)],
    });
    std::fs::write(folder.join("poster.png"), png()).unwrap();
    std::fs::write(folder.join("pack.json"), pack.to_string()).unwrap();
    catalogue::Pack::read_folder(&folder).await.unwrap()
}

/// The head of a PNG of 1280 × 720: enough to tell its size.
fn png() -> Vec<u8> {
    let mut png = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR".to_vec();
    png.extend(1280u32.to_be_bytes());
    png.extend(720u32.to_be_bytes());
    png.extend([8, 2, 0, 0, 0, 0, 0, 0, 0]);
    png
}

/// The folder that holds a tiny built site.
pub(crate) fn built_site(folder: &Path) {
    use sha2::{Digest as _, Sha256};
    std::fs::create_dir_all(folder.join("assets")).unwrap();
    let mut files = Vec::new();
    for (path, content_type, bytes, brotli, immutable) in [
        (
            "/index.html",
            "text/html; charset=utf-8",
            "<!doctype html><title>Matinee</title><!-- brand --><!-- /brand -->",
            false,
            false,
        ),
        ("/watch.html", "text/html; charset=utf-8", "<!doctype html><title>Film</title>", false, false),
        ("/embed.html", "text/html; charset=utf-8", "<!doctype html><title>Player</title>", false, false),
        (
            "/not-found.html",
            "text/html; charset=utf-8",
            "<!doctype html><title>No such page · Matinee</title>",
            false,
            false,
        ),
        ("/player.js", "text/javascript; charset=utf-8", "export default 6;", true, false),
        ("/eme.js", "text/javascript; charset=utf-8", "globalThis.seven = 7;", true, false),
        ("/cdm.html", "text/html; charset=utf-8", include_str!("../../../../www/cdm.html"), false, false),
        ("/assets/matinee-1.js", "text/javascript; charset=utf-8", "export default 1;", true, true),
        ("/assets/decryptor-2.js", "text/javascript; charset=utf-8", "export default 2;", false, true),
        ("/assets/decryptor_bg-3.wasm", "application/wasm", "\0asm", false, true),
        ("/assets/decryptor_compat-4.js", "text/javascript; charset=utf-8", "export default 4;", false, true),
        ("/assets/decryptor_compat_bg-5.wasm", "application/wasm", "\0asm compat", false, true),
    ] {
        std::fs::write(folder.join(&path[1..]), bytes).unwrap();
        if brotli {
            std::fs::write(folder.join(format!("{}.br", &path[1..])), "compressed").unwrap();
        }
        files.push(serde_json::json!({"path": path, "content_type": content_type, "size": bytes.len(),
            "sha256": hex::encode(Sha256::digest(bytes)), "brotli": brotli.then_some(10), "immutable": immutable}));
    }
    let listing = serde_json::json!({"version": 1, "files": files, "entries": {
        "decryptor_js": "/assets/decryptor-2.js", "decryptor_bg_wasm": "/assets/decryptor_bg-3.wasm",
        "decryptor_compat_js": "/assets/decryptor_compat-4.js", "decryptor_compat_bg_wasm": "/assets/decryptor_compat_bg-5.wasm"}});
    std::fs::write(folder.join("site.json"), listing.to_string()).unwrap();
}

/// For assertions on what the database holds.
pub(crate) async fn account_id(world: &World) -> i64 {
    let mut tx = world.store.read().await.unwrap();
    tx.account_by_email(EMAIL).await.unwrap().unwrap().0.id
}
