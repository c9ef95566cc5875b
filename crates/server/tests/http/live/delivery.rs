//! What players and caches get.

use super::super::client::{Client, id};
use super::super::world::{URL, World};
use super::{APP, EVENT, event, get, index, send};
use nccp::{MovieType, RequestMessage, ResponseMessage};
use server::live::Events;

/// B81, B84: everything is behind the event's token, with headers by which any cache keeps it, and none that
/// would keep it from doing so.
#[tokio::test]
async fn b81_any_cache_can_keep_it() {
    let world = World::new().await;
    let created = event(&world, APP, EVENT).await;
    send(&world, &created).await;
    let session = index(&world, &created).await["session"].as_str().unwrap().to_owned();
    for (file, more, content_type, kept) in [
        ("master.m3u8", "", "application/vnd.apple.mpegurl", "public, max-age=1"),
        ("v240-1/media.m3u8", "", "application/vnd.apple.mpegurl", "public, max-age=1"),
        ("v240-1/media.m3u8", "&_HLS_msn=2", "application/vnd.apple.mpegurl", "public, max-age=12"),
        ("stream.mpd", "", "application/dash+xml", "public, max-age=1"),
        ("index.json", "", "application/json", "public, max-age=1"),
        ("index.json", "&since=2&wait=2.1", "application/json", "public, max-age=12"),
        ("v240-1/init.mp4", "", "video/mp4", "public, max-age=86400, immutable"),
        ("v240-1/0.m4s", "", "video/mp4", "public, max-age=86400, immutable"),
        ("v240-1/0.0.m4s", "", "video/mp4", "public, max-age=86400, immutable"),
        ("a-und-1/1.m4s", "", "audio/mp4", "public, max-age=86400, immutable"),
    ] {
        let reply = get(&world, &created, &format!("{session}/{file}"), more).await;
        assert_eq!(reply.status, 200, "{file} {}", reply.text());
        assert_eq!(
            (reply.header("content-type"), reply.header("cache-control")),
            (content_type, kept),
            "{file}"
        );
        assert_eq!(reply.header("access-control-allow-origin"), "*");
        assert!(reply.header("vary").is_empty() && reply.cookies().is_empty(), "{file}");
        if let Some(tag) = Some(reply.header("etag")).filter(|tag| !tag.is_empty()) {
            let path = format!("/s/live/{APP}/{EVENT}/{session}/{file}?{}", super::token(&world, APP, EVENT));
            assert_eq!(world.request("GET", &path, &[("if-none-match", tag)], b"").await.status, 304);
        }
    }
    // Playlists carry the token on, and no key.
    let playlist = get(&world, &created, &format!("{session}/v240-1/media.m3u8"), "").await;
    let query = super::token(&world, APP, EVENT);
    assert!(playlist.text().contains(&format!("0.m4s?{query}\n")), "{}", playlist.text());
    for (file, more, expected) in [
        (format!("{session}/v240-1/999.m4s"), "", 404),
        (format!("{session}/v240-1/0.9.m4s"), "", 404),
        (format!("{session}/v240-1/media.m3u8"), "&_HLS_msn=999", 400),
        (format!("{session}/v240-1/media.m3u8"), "&_HLS_part=1", 400),
        (format!("{session}/v999-1/media.m3u8"), "", 404),
        (format!("{session}/index.json"), "&wait=x", 400),
        (format!("{session}/event.toml"), "", 404),
        ("00000000/index.json".to_owned(), "", 404),
    ] {
        let reply = get(&world, &created, &file, more).await;
        assert_eq!((reply.status.as_u16(), reply.header("cache-control")), (expected, "no-store"), "{file}");
    }
    let path = format!("/s/live/{APP}/{EVENT}/{session}/index.json");
    assert_eq!(world.request("GET", &path, &[], b"").await.status, 403);
    assert_eq!(world.request("POST", &format!("{path}?{query}"), &[], b"").await.status, 405);
    let other = super::token(&world, APP, "other");
    assert_eq!(world.request("GET", &format!("{path}?{other}"), &[], b"").await.status, 403);
    world.set_clock(world.now() + 86_400);
    assert_eq!(world.request("GET", &format!("{path}?{query}"), &[], b"").await.status, 400);
}

/// Who waits for what is not there yet is answered when it is.
#[tokio::test]
async fn waiting_for_what_comes() {
    let world = World::new().await;
    let created = event(&world, APP, EVENT).await;
    send(&world, &created).await;
    let before = index(&world, &created).await;
    let session = before["session"].as_str().unwrap().to_owned();
    let next = before["last"].as_u64().unwrap() + 1;
    let (file, more) = (format!("{session}/index.json"), format!("&since={next}&wait={next}"));
    let waiting = get(&world, &created, &file, &more);
    let latest = before["representations"][0]["segments"].as_array().unwrap().last().unwrap();
    let hint = &before["representations"][0]["hint"];
    let parts = latest["parts"].as_array().unwrap().len();
    assert_eq!((&hint["n"], &hint["part"]), (&latest["n"], &parts.into()), "{before}");
    let hinted = format!("{session}/v240-1/{}.{}.m4s", hint["n"], hint["part"]);
    let part = get(&world, &created, &hinted, "");
    let sent = async {
        world.set_clock(world.now() + 2);
        send(&world, &created).await
    };
    let (waited, part, _) = tokio::join!(waiting, part, sent);
    let waited: serde_json::Value = waited.json();
    assert!(waited["last"].as_u64().unwrap() > next, "{waited}");
    assert_eq!(waited["representations"][0]["segments"][0]["n"], next);
    assert!(part.status == 200 && part.body[4..8] == *b"moof");
    // Until the URL expires, counted from the answer.
    assert_eq!(part.header("cache-control"), "public, max-age=86398, immutable");
    // Of one that is silent nothing is announced.
    world.set_clock(world.now() + 60);
    let silent = index(&world, &created).await;
    assert!(silent["representations"][0]["hint"].is_null(), "{silent}");
}

/// The library tells where an event stands, and the manifest where its index is.
#[tokio::test]
async fn library_and_manifest() {
    let world = World::new().await;
    let created = event(&world, APP, EVENT).await;
    let cookies = world.login().await;
    let movie = created.event.known.movie_id;
    let listed = || async {
        let library: serde_json::Value = world.get("/api/library", &cookies).await.json();
        let movies = library["movies"].as_array().unwrap().clone();
        movies.into_iter().find(|listed| listed["movie_id"] == movie).unwrap()
    };
    assert_eq!(
        (&listed().await["state"], &listed().await["title"]),
        (&"waiting".into(), &"The lecture".into())
    );
    let mut client = Client::registered(&world).await;
    let ask = RequestMessage::Authorization { movie_id: id(movie) };
    assert_eq!(client.refused(&world, ask.clone()).await.code, nccp::ErrorCode::EventWaiting);
    assert_eq!(listed().await["playable"], false);
    send(&world, &created).await;
    let now = listed().await;
    assert_eq!(
        (&now["state"], &now["playable"], &now["starts"]),
        (&"live".into(), &true.into(), &1_790_001_000u64.into())
    );
    let ResponseMessage::Authorization(manifest) = client.one(&world, ask).await.unwrap() else {
        panic!("none")
    };
    assert_eq!(manifest.movie_type, MovieType::Dynamic);
    let live = manifest.live.unwrap();
    assert_eq!((live.window, live.target_latency), (300.0, 1.5));
    let index = world.request("GET", live.index_url.strip_prefix(URL).unwrap(), &[], b"").await;
    assert_eq!(index.status, 200, "{}", index.text());
    let url = manifest.drm_metadata_url.unwrap();
    let drm = world.request("GET", url.strip_prefix(URL).unwrap(), &[], b"").await;
    assert_eq!((drm.status.as_u16(), drm.header("content-type")), (200, "application/cose"));
    world.set_clock(world.now() + 60);
    assert_eq!(listed().await["state"], "interrupted");
    // One that is over without a film says so.
    let over = event(&world, APP, "over").await.event;
    server::live::end(&Events::new(&world.config.data), &over.app, &over.name, world.now()).unwrap();
    let ask = RequestMessage::Authorization { movie_id: id(over.known.movie_id) };
    assert_eq!(client.refused(&world, ask).await.code, nccp::ErrorCode::EventEnded);
}
