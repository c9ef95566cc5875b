//! Pages, files, headers.

use super::world::{MOVIE, URL, World, built_site};
use nccp::json::{DecryptorConfig, Film, FilmChapter, FilmTrack, Library};
use server::store::Store as _;
use server::{Clock, Config, Service};
use std::sync::Arc;

pub(crate) async fn with_site() -> World {
    let mut world = World::new().await;
    let site = world.folder.path().join("site");
    built_site(&site);
    let config = Config { site: Some(site), ..world.config.clone() };
    let (clock, hand) = Clock::manual(world.now());
    world.router = server::router(Arc::new(Service::with_store(config, clock, world.store.clone()).unwrap()));
    world.clock = hand;
    world
}

/// A2, A3: the study's address, and the way to the login page.
#[tokio::test]
async fn a3_watching_needs_both_cookies() {
    let world = with_site().await;
    let cookies = world.login().await;
    let reply = world.get(&format!("/WiPlayer?movieid={MOVIE}"), &cookies).await;
    assert_eq!((reply.status.as_u16(), reply.header("location")), (302, "/watch?movieid=60027274"));
    let page = world.get("/watch?movieid=60027274", &cookies).await;
    assert_eq!(page.status, 200);
    assert_eq!(page.header("link"), "</api/library>; rel=preload; as=fetch; crossorigin");
    assert!(page.text().contains("<title>Film</title>"), "the player alone");
    let page = world.get("/watch?movieid=none", &cookies).await;
    assert!(page.text().contains("<title>Matinee</title>"), "what is no film's, the site says");

    let (one, two) = cookies.split_once("; ").unwrap();
    let forged = format!("{one}; MatineeShopperSecret={}", "A".repeat(43));
    for partial in ["", one, two, &forged] {
        let reply = world.get("/watch?movieid=60027274", partial).await;
        assert_eq!(reply.status, 302, "{partial}");
        assert_eq!(reply.header("location"), "/login?next=/watch%3Fmovieid%3D60027274");
    }
    let evil = world.get("/watch?movieid=//evil.example", "").await;
    assert_eq!(evil.header("location"), "/login?next=/library");
    let activate = world.get("/activate", "").await;
    assert_eq!(
        (activate.status.as_u16(), activate.header("location")),
        (302, "/login?next=/activate"),
        "A14"
    );
    assert_eq!(world.get("/activate", &cookies).await.status, 200);
    for page in ["/", "/login", "/library", "/devices", "/help/NETWORK"] {
        let reply = world.get(page, "").await;
        assert_eq!(
            (reply.status.as_u16(), reply.header("content-type")),
            (200, "text/html; charset=utf-8"),
            "{page}"
        );
    }
}

/// A film's page needs a session and comes back to it; its data go by the rules of the library.
#[tokio::test]
async fn a_film_has_a_page_of_its_own() {
    let world = with_site().await;
    let folder = world.config.library().join(format!("{MOVIE:032x}"));
    let file = folder.join("pack.json");
    let mut json: serde_json::Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    json["chapters"] = serde_json::json!([{"start": 1500, "title": "One"}]);
    std::fs::write(&file, json.to_string()).unwrap();
    let pack = server::catalogue::Pack::read_folder(&folder).await.unwrap();
    let details = server::movies::Details {
        genres: vec!["Drama".into(), "drama".into(), "Krimi".into()],
        plans: vec!["gold".into()],
        ..Default::default()
    };
    server::movies::add(&*world.store, &pack, details, server::movies::Over::Any, world.now()).await.unwrap();
    let page = world.get(&format!("/film/{MOVIE}"), "").await;
    assert_eq!((page.status.as_u16(), page.header("location")), (302, "/login?next=/film/60027274"));
    let cookies = world.login().await;
    assert_eq!(world.get(&format!("/film/{MOVIE}"), &cookies).await.status, 200);
    assert_eq!(world.get("/film/x", &cookies).await.status, 404);

    let path = format!("/api/films/{MOVIE}");
    assert_eq!(world.get(&path, "").await.status, 401);
    for unknown in ["/api/films/8", "/api/films/x", "/api/films/-1"] {
        assert_eq!(world.get(unknown, &cookies).await.status, 404, "{unknown}");
    }
    let film: Film = world.get(&path, &cookies).await.json();
    assert_eq!(film.film.genres, ["Drama", "Krimi"]);
    assert!(!film.film.playable, "the plan does not have it");
    assert_eq!(film.chapters, [FilmChapter { start: 1.5, title: "One".into() }]);
    assert_eq!(film.audio, [FilmTrack { language: "und".into(), label: None }]);
    let library: Library = world.get("/api/library", &cookies).await.json();
    let listed = library.movies.iter().find(|movie| movie.movie_id.get() == MOVIE).unwrap();
    assert_eq!(*listed, film.film, "the library says the same");
    assert!(listed.added > 0);
}

/// Where nothing is, people get a page, and programs a line.
#[tokio::test]
async fn where_nothing_is_people_get_a_page() {
    let world = with_site().await;
    let accept = [("accept", "text/html,application/xhtml+xml,*/*;q=0.8")];
    for path in ["/nothing", "/film/x", "/assets/none"] {
        let page = world.request("GET", path, &accept, b"").await;
        let seen = (page.status.as_u16(), page.header("content-type"), page.header("cache-control"));
        assert_eq!(seen, (404, "text/html; charset=utf-8", "no-store"), "{path}");
        assert!(page.text().contains("No such page"), "{}", page.text());
        assert!(page.header("content-security-policy").contains("script-src 'self'"), "{path}");
        let line = world.request("GET", path, &[("accept", "*/*")], b"").await;
        assert_eq!((line.status.as_u16(), line.text()), (404, "There is nothing here.\n"));
        assert_eq!(line.header("content-type"), "text/plain; charset=utf-8", "{path}");
    }
}

/// A11, A12: types, caching, compression, policy.
#[tokio::test]
async fn a11_a12_files_and_their_headers() {
    let world = with_site().await;
    let page = world.get("/", "").await;
    assert_eq!(page.header("cache-control"), "no-cache");
    let csp = page.header("content-security-policy");
    assert_eq!(
        csp,
        "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; connect-src 'self'; \
         media-src 'self' blob:; img-src 'self'; style-src 'self'; font-src 'self'; manifest-src 'self'; base-uri 'none'; \
         form-action 'self'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types default"
    );
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "same-origin"),
        ("cross-origin-opener-policy", "same-origin"),
    ] {
        assert_eq!(page.header(name), value);
    }
    let wasm = world.get("/assets/decryptor_bg-3.wasm", "").await;
    assert_eq!(wasm.header("content-type"), "application/wasm");
    assert_eq!(wasm.header("cache-control"), "public, max-age=31536000, immutable");
    let script = world.get("/assets/matinee-1.js", "").await;
    assert_eq!((script.text(), script.header("content-encoding")), ("export default 1;", ""));
    assert_eq!(script.header("content-security-policy"), csp, "a worker's script has its own policy");
    let headers = [("accept-encoding", "gzip, br"), ("cookie", "")];
    let brotli = world.request("GET", "/assets/matinee-1.js", &headers, b"").await;
    assert_eq!((brotli.text(), brotli.header("content-encoding")), ("compressed", "br"));
    let vary = brotli.headers.get_all("vary").iter().collect::<Vec<_>>();
    assert_eq!(
        vary,
        ["Accept-Encoding"],
        "preloads name their origin, fetches do not: both are to hit the cache"
    );
    let etag = page.header("etag");
    let again = world.request("GET", "/", &[("if-none-match", etag)], b"").await;
    assert_eq!((again.status.as_u16(), again.body.len()), (304, 0));
    assert_eq!(world.get("/assets/other.js", "").await.status, 404);
    assert_eq!(world.get("/assets/../site.json", "").await.status, 404);
    assert_eq!(world.get("/site.json", "").await.status, 404);
}

/// The operator's name, colours and pictures are in the pages that are served, and nowhere inline.
#[tokio::test]
async fn a_brand_is_in_every_page() {
    let world = World::new().await;
    let site = world.folder.path().join("site");
    built_site(&site);
    let logo = world.folder.path().join("logo.svg");
    let svg = |color: &str| {
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 9 9\"><path fill=\"{color}\" d=\"M0 0h9v9z\"/></svg>"
        )
    };
    std::fs::write(&logo, svg("#fff")).unwrap();
    let brand = format!(
        "[brand]\nname = \"Kino Süd\"\nlogo = \"{}\"\nsupport = \"mailto:help@example.org\"\n[brand.dark]\naccent = \"#7fd1ff\"\n",
        logo.display()
    );
    let brand = Config::parse(&brand).unwrap().brand;
    let config = Config { site: Some(site), brand, ..world.config.clone() };
    let (clock, _) = Clock::manual(world.now());
    let service = Arc::new(Service::with_store(config, clock, world.store.clone()).unwrap());
    let router = server::router(Arc::clone(&service));
    let get = async |path: &str, headers: &[(&str, &str)]| {
        let mut request = axum::http::Request::builder().uri(path).header("host", "localhost:8080");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        world.send_to(&router, request.body(axum::body::Body::empty()).unwrap()).await
    };
    let between = |text: &str, before: &str, after: &str| -> String {
        let (_, rest) = text.split_once(before).unwrap_or_else(|| panic!("{before} in {text}"));
        rest.split_once(after).unwrap().0.to_owned()
    };
    let page = get("/login", &[]).await;
    assert_eq!((page.status.as_u16(), page.header("cache-control")), (200, "no-cache"));
    let text = page.text();
    assert!(text.contains("<title>Kino Süd</title>") && !text.contains("Matinee"), "{text}");
    assert!(text.contains("content=\"mailto:help@example.org\""), "{text}");
    let again = get("/login", &[("if-none-match", page.header("etag"))]).await;
    assert_eq!(again.status, 304);

    let style = get(&between(text, "<link rel=\"stylesheet\" href=\"", "\""), &[]).await;
    assert_eq!(style.header("content-type"), "text/css; charset=utf-8");
    assert!(style.header("cache-control").contains("immutable"));
    assert!(style.text().contains("--brass:#7fd1ff;"), "{}", style.text());
    let path = between(text, "name=\"matinee-logo\" content=\"", "\"");
    let picture = get(&path, &[]).await;
    assert_eq!((picture.status.as_u16(), picture.header("content-type")), (200, "image/svg+xml"));
    let policy = "default-src 'none'; style-src 'unsafe-inline'; sandbox";
    assert_eq!(picture.header("content-security-policy"), policy);
    assert_eq!(picture.header("x-content-type-options"), "nosniff");
    assert!(picture.header("cache-control").contains("immutable"));
    let nothing = get("/nothing", &[("accept", "text/html")]).await;
    assert!(nothing.text().contains("Kino Süd"), "{}", nothing.text());

    // Another picture is another address; one that cannot be shown leaves what was there.
    std::fs::write(&logo, svg("#000")).unwrap();
    service.reload().unwrap();
    let changed = between(get("/login", &[]).await.text(), "name=\"matinee-logo\" content=\"", "\"");
    assert_ne!(changed, path);
    assert_eq!(get(&changed, &[]).await.status, 200);
    std::fs::write(&logo, "<svg><script/></svg>").unwrap();
    assert!(service.reload().unwrap_err().to_string().contains("brand.logo"));
    assert_eq!(get(&changed, &[]).await.status, 200);
}

#[tokio::test]
async fn the_loader_learns_what_to_trust() {
    let world = with_site().await;
    let reply = world.get("/decryptor-config.json", "").await;
    assert_eq!(reply.header("cache-control"), "no-cache");
    let config: DecryptorConfig = reply.json();
    assert_eq!(config.public_url, URL);
    assert_eq!(config.controller_url, format!("{URL}/nccp/controller"));
    let module = config.module.unwrap();
    assert_eq!(module.wasm, "/assets/decryptor_bg-3.wasm");
    let wasm = world.get(&module.wasm, "").await;
    assert_eq!(hex::encode(license::sha256(&wasm.body)), module.sha256);
    let compat = config.compat.unwrap();
    assert_eq!(
        (&*compat.js, &*compat.wasm),
        ("/assets/decryptor_compat-4.js", "/assets/decryptor_compat_bg-5.wasm")
    );
    let wasm = world.get(&compat.wasm, "").await;
    assert_eq!(hex::encode(license::sha256(&wasm.body)), compat.sha256);
}

#[tokio::test]
async fn without_files_it_says_how_to_get_them() {
    let world = World::new().await;
    let reply = world.get("/", "").await;
    assert_eq!(reply.status, 503);
    assert!(reply.text().contains("cargo xtask build"), "{}", reply.text());
    // A changed file is noticed at start.
    let site = world.folder.path().join("site");
    built_site(&site);
    std::fs::write(site.join("index.html"), "<script>").unwrap();
    let config = Config { site: Some(site), ..world.config.clone() };
    let error = Service::with_store(config, Clock::System, world.store.clone()).unwrap_err();
    assert!(error.to_string().contains("index.html"), "{error}");
}

#[tokio::test]
async fn other_hosts_are_led_to_the_public_one() {
    let world = World::new().await;
    let reply = world.request("GET", "/watch?movieid=1", &[("host", "127.0.0.1:8080")], b"").await;
    assert_eq!(reply.status, 307);
    assert_eq!(reply.header("location"), "http://localhost:8080/watch?movieid=1");
    assert_eq!(world.request("GET", "/healthz", &[("host", "10.0.0.1")], b"").await.status, 200);
    assert_eq!(world.request("GET", "/readyz", &[("host", "10.0.0.1")], b"").await.status, 200);
}

#[tokio::test]
async fn the_library_lists_films_with_art_and_positions() {
    let world = World::new().await;
    let cookies = world.login().await;
    let library: Library = world.get("/api/library", &cookies).await.json();
    assert!(library.account.starts_with("a-") && library.email == "ada@example.org");
    assert_eq!(library.movies.len(), 2);
    let film = library.movies.iter().find(|m| m.movie_id.get() == MOVIE).unwrap();
    assert_eq!((film.title.as_str(), film.runtime, film.playable), ("Film 60027274", 8.0, true));
    assert_eq!((film.position, film.queued), (None, false));
    assert_eq!((film.art[0].width, film.art[0].height), (1280, 720));
    let art = world.get(&film.art[0].url, "").await;
    assert_eq!((art.status.as_u16(), art.header("content-type")), (200, "image/png"));
    // It is read once a minute.
    let file = world.config.library().join(film.art[0].url.strip_prefix("/art/").unwrap());
    std::fs::remove_file(&file).unwrap();
    assert!(world.get(&film.art[0].url, "").await.body == art.body);
    world.set_clock(world.now() + 60);
    assert_eq!(world.get(&film.art[0].url, "").await.status, 404);
    let pack = format!("/art/{MOVIE:032x}");
    for hidden in ["pack.json", "..%2Fmatinee.db", "541%2F1811192541.mp4"] {
        assert_eq!(world.get(&format!("{pack}/{hidden}"), &cookies).await.status, 404, "{hidden}");
    }

    let queue = format!("/api/queue/{MOVIE}");
    let headers = [("cookie", &*cookies)];
    assert_eq!(world.request("PUT", &queue, &headers, b"").await.status, 204);
    let event = format!(r#"{{"movie_id":{MOVIE},"event":"playing","position":2.5}}"#);
    assert_eq!(world.post_json("/playerevent", &cookies, &event).await.status, 204);
    let library: Library = world.get("/api/library", &cookies).await.json();
    let film = library.movies.iter().find(|m| m.movie_id.get() == MOVIE).unwrap();
    assert_eq!((film.position, film.queued, film.watched_at), (Some(2.5), true, Some(world.now())));
    assert_eq!(world.request("DELETE", &queue, &headers, b"").await.status, 204);
    assert_eq!(world.request("PUT", "/api/queue/1", &headers, b"").await.status, 404);

    // A42: nobody else sees it. A8: a plan without films sees them, but may not play.
    let other = world.add_account("bob@example.org", "none").await;
    let library: Library = world.get("/api/library", &other).await.json();
    assert!(library.movies.iter().all(|m| m.position.is_none() && !m.playable && !m.queued));
}

/// An account says what it thinks of a film, in place of what it said before, and takes it back; nobody else
/// hears of it. How many like a film is told once enough have said so, and for a minute as it was counted.
#[tokio::test]
async fn votes_are_the_accounts_own_and_shares_those_of_many() {
    let world = World::new().await;
    let cookies = world.login().await;
    let address = format!("/api/votes/{MOVIE}");
    let put = async |path: &str, body: &str| {
        let headers = [("cookie", &*cookies), ("content-type", "application/json")];
        world.request("PUT", path, &headers, body.as_bytes()).await.status
    };
    let stands = async |cookies: &str| {
        let library: Library = world.get("/api/library", cookies).await.json();
        let film = library.movies.into_iter().find(|movie| movie.movie_id.get() == MOVIE).unwrap();
        let page: Film = world.get(&format!("/api/films/{MOVIE}"), cookies).await.json();
        assert_eq!((page.film.liked, page.film.likes), (film.liked, film.likes));
        (film.liked, film.likes)
    };
    assert_eq!(stands(&cookies).await, (None, None));
    for (body, liked) in
        [(r#"{"liked":true}"#, true), (r#"{"liked":false}"#, false), (r#"{"liked":true}"#, true)]
    {
        assert_eq!(put(&address, body).await, 204);
        assert_eq!(stands(&cookies).await, (Some(liked), None), "one is not many");
    }
    assert_eq!(put("/api/votes/1", r#"{"liked":true}"#).await, 404);
    for (path, body) in [
        (&*address, "{}"),
        (&*address, r#"{"liked":"yes"}"#),
        (&*address, ""),
        ("/api/votes/x", r#"{"liked":true}"#),
    ] {
        assert_eq!(put(path, body).await, 400, "{path} {body}");
    }
    let signed_out = [("content-type", "application/json")];
    assert_eq!(world.request("PUT", &address, &signed_out, br#"{"liked":true}"#).await.status, 401);
    assert_eq!(world.request("DELETE", &address, &[], b"").await.status, 401);

    let other = world.add_account("bob@example.org", "none").await;
    assert_eq!(stands(&other).await, (None, None), "A42: not another account's");
    let mut tx = world.store.begin().await.unwrap();
    for n in 0..9 {
        let email = format!("{n}@example.org");
        let of = tx.add_account(&format!("a-{n}"), &email, "hash", "unlimited", world.now()).await.unwrap();
        tx.set_vote(of.id, MOVIE, Some(n < 6), world.now()).await.unwrap();
    }
    tx.commit().await.unwrap();
    assert_eq!(stands(&other).await, (None, None), "as it was counted");
    world.set_clock(world.now() + 60);
    assert_eq!(stands(&other).await, (None, Some(70)));
    assert_eq!(stands(&cookies).await, (Some(true), Some(70)));
    // Taken back, twice: nine are too few again.
    for _ in 0..2 {
        assert_eq!(world.request("DELETE", &address, &[("cookie", &*cookies)], b"").await.status, 204);
    }
    world.set_clock(world.now() + 60);
    assert_eq!(stands(&cookies).await, (None, None));
}

/// A18: player events need a session.
#[tokio::test]
async fn a18_player_events() {
    let world = World::new().await;
    let cookies = world.login().await;
    let event = format!(r#"{{"movie_id":{MOVIE},"event":"ready"}}"#);
    assert_eq!(world.post_json("/playerevent", &cookies, &event).await.status, 204);
    assert_eq!(world.post_json("/playerevent", "", &event).await.status, 401);
    assert_eq!(
        world.post_json("/playerevent", &cookies, r#"{"movie_id":1,"event":"ready"}"#).await.status,
        404
    );
    assert_eq!(
        world.post_json("/playerevent", &cookies, r#"{"movie_id":1,"event":"burning"}"#).await.status,
        400
    );
    let old = world.post_json("/SilverlightEvent", &cookies, &event).await;
    assert_eq!((old.status.as_u16(), old.header("location")), (308, "/playerevent"));
}

/// A78, A87: parts run alone; an edge needs no database.
#[tokio::test]
async fn a78_a87_roles_run_alone() {
    let world = World::new().await;
    let alone = |roles: &str| {
        let mut config = Config::parse(&format!("roles = [{roles}]")).unwrap();
        config.data = world.folder.path().join("edge-only");
        let database = config.database();
        (config, database)
    };
    let (config, database) = alone("\"edge\"");
    let router = server::router(Arc::new(Service::open(config, Clock::System).await.unwrap()));
    let edge = World { router, ..World::new().await };
    assert_eq!(edge.get("/readyz", "").await.status, 200);
    assert_eq!(edge.get("/s/0/541/1811192541.mp4", "").await.status, 403);
    assert_eq!(edge.get("/library", "").await.status, 404);
    assert_eq!(edge.request("POST", "/nccp/controller", &[], b"").await.status, 404);
    let policy = edge.get("/clientaccesspolicy.xml", "").await;
    assert!(policy.text().contains("<domain uri=\"*\"/>"));
    assert!(!database.exists());

    let (config, _) = alone("\"individualize\"");
    let router = server::router(Arc::new(Service::open(config, Clock::System).await.unwrap()));
    let only = World { router, ..World::new().await };
    assert_eq!(
        only.request("POST", "/individualize", &[("content-type", "application/cose")], b"no COSE")
            .await
            .status,
        400
    );
    assert_eq!(only.request("POST", "/login", &[], b"").await.status, 404);
}

/// A25: the site's policy lists those who may embed, never everybody.
#[tokio::test]
async fn a25_the_site_lists_its_embedders() {
    let world = World::with("embedders = [\"https://partner.example\"]").await;
    let policy = world.get("/clientaccesspolicy.xml", "").await;
    assert!(policy.text().contains("<domain uri=\"https://partner.example\"/>"));
    assert!(!policy.text().contains("\"*\""));
}

/// C21: the player's page may be in the frames of those who embed, and the element's script in everybody's
/// page.
#[tokio::test]
async fn c21_what_other_sites_load() {
    let (folder, world) = (tempfile::tempdir().unwrap(), "embedders = [\"https://partner.example\"]");
    built_site(folder.path());
    let world = World::with(&format!("site = {:?}\n{world}", folder.path())).await;
    let page = world.get("/embed?movie=60027274", "").await;
    assert_eq!((page.status.as_u16(), page.text().contains("Player")), (200, true));
    let none = world.get("/embed?movie=none", "").await;
    assert!(none.text().contains("Player"), "nothing of the site is in others' frames");
    let policy = page.header("content-security-policy");
    assert!(
        policy.contains("default-src 'none'") && policy.contains("frame-ancestors https://partner.example;"),
        "{policy}"
    );
    assert_eq!(page.header("cross-origin-resource-policy"), "cross-origin");
    assert!(page.cookies().is_empty());
    for origin in ["https://evil.example", "https://partner.example"] {
        let headers = [("origin", origin), ("sec-fetch-site", "cross-site"), ("accept-encoding", "br")];
        let script = world.request("GET", "/player.js", &headers, b"").await;
        assert_eq!((script.status.as_u16(), script.header("content-encoding")), (200, "br"));
        assert!(["*", origin].contains(&script.header("access-control-allow-origin")), "{origin}");
        assert_eq!(script.header("cross-origin-resource-policy"), "cross-origin");
        assert_eq!(script.header("cache-control"), "no-cache");
    }
    let other =
        world.request("GET", "/assets/matinee-1.js", &[("origin", "https://evil.example")], b"").await;
    assert_eq!(other.header("access-control-allow-origin"), "");
}

/// The frame with the DRM module names those whom it answers, is theirs alone to frame, and does nothing
/// else; the shim's script is everybody's.
#[tokio::test]
async fn the_cdm_frame_is_for_the_listed() {
    let (folder, world) =
        (tempfile::tempdir().unwrap(), "embedders = [\"https://partner.example\", \"https://b.example\"]");
    built_site(folder.path());
    let world = World::with(&format!("site = {:?}\n{world}", folder.path())).await;
    let page = world.get("/cdm", "").await;
    let listed = "name=\"matinee-embedders\" content=\"https://partner.example https://b.example\"";
    assert_eq!((page.status.as_u16(), page.text().contains(listed)), (200, true), "{}", page.text());
    let policy = page.header("content-security-policy");
    for part in [
        "default-src 'none';",
        "connect-src 'self';",
        "frame-ancestors 'self' https://partner.example https://b.example;",
        "sandbox allow-scripts allow-same-origin;",
    ] {
        assert!(policy.contains(part), "{policy}");
    }
    assert!(!policy.contains("style-src") && !policy.contains("media-src"), "{policy}");
    assert_eq!(page.header("cross-origin-resource-policy"), "cross-origin");
    assert!(page.cookies().is_empty());
    let script = world.request("GET", "/eme.js", &[("origin", "https://evil.example")], b"").await;
    assert_eq!((script.status.as_u16(), script.header("access-control-allow-origin")), (200, "*"));
}
