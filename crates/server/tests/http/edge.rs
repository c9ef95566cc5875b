//! Files behind signed URLs.

use super::client::{Client, id};
use super::world::{MOVIE, NOW, Reply, URL, World, octets};
use nccp::{ByteRange, RequestMessage, ResponseMessage, with_range};

/// The URL of the film's first file, as the manifest gives it, without the origin.
async fn media(world: &World) -> String {
    let mut client = Client::registered(world).await;
    let message = RequestMessage::Authorization { movie_id: id(MOVIE) };
    let Ok(ResponseMessage::Authorization(manifest)) = client.one(world, message).await else {
        panic!("no manifest")
    };
    manifest.downloadables[0].urls[0].url.strip_prefix(URL).unwrap().to_owned()
}

async fn get(world: &World, path: &str, headers: &[(&str, &str)]) -> Reply {
    world.request("GET", path, headers, b"").await
}

/// A75, A76, A80, A85: header and path give the same octets, to anyone.
#[tokio::test]
async fn a75_a76_both_forms_of_ranges() {
    let world = World::new().await;
    let url = media(&world).await;
    let all = octets();
    let whole = get(&world, &url, &[]).await;
    assert_eq!((whole.status.as_u16(), whole.body.len()), (200, all.len()));
    assert!(whole.body == all);
    for (name, value) in [
        ("content-type", "video/mp4"),
        ("accept-ranges", "bytes"),
        ("access-control-allow-origin", "*"),
        ("access-control-expose-headers", "Content-Range, Content-Length, ETag"),
        ("timing-allow-origin", "*"),
        ("cross-origin-resource-policy", "cross-origin"),
    ] {
        assert_eq!(whole.header(name), value, "{name}");
    }

    let part = get(&world, &url, &[("range", "bytes=100-199")]).await;
    assert_eq!((part.status.as_u16(), part.header("content-range")), (206, "bytes 100-199/200000"));
    assert_eq!(part.header("content-length"), "100");
    assert!(part.body == all[100..200]);
    let by_path = get(&world, &with_range(&url, ByteRange::new(100, 199).unwrap()), &[]).await;
    assert_eq!((by_path.status.as_u16(), by_path.header("content-range")), (200, ""));
    assert_eq!(by_path.header("content-length"), "100");
    assert!(by_path.body == part.body);

    let tail = get(&world, &url, &[("range", "bytes=-5")]).await;
    assert!(tail.body == all[199_995..]);
    let rest = get(&world, &url, &[("range", "bytes=199990-")]).await;
    assert!(rest.body == all[199_990..]);
    let beyond = get(&world, &with_range(&url, ByteRange::new(199_990, 999_999).unwrap()), &[]).await;
    assert_eq!((beyond.status.as_u16(), beyond.header("content-length")), (200, "10"));
    let head = world.request("HEAD", &url, &[("range", "bytes=0-9")], b"").await;
    assert_eq!((head.status.as_u16(), head.header("content-length"), head.body.len()), (206, "10", 0));

    for range in ["bytes=200000-", "bytes=-0"] {
        let refused = get(&world, &url, &[("range", range)]).await;
        assert_eq!(
            (refused.status.as_u16(), refused.header("content-range")),
            (416, "bytes */200000"),
            "{range}"
        );
    }
    let refused = get(&world, &with_range(&url, ByteRange::new(200_000, 200_001).unwrap()), &[]).await;
    assert_eq!(refused.status, 416);
    assert_eq!(get(&world, &url, &[("range", "lines=1-2")]).await.status, 200, "another unit is ignored");
}

/// Several ranges in one header are the whole file once, however they overlap: no answer is larger than that.
#[tokio::test]
async fn several_ranges_are_the_whole_file_once() {
    let world = World::new().await;
    let url = media(&world).await;
    let many = format!("bytes={}0-", "0-,".repeat(1000));
    for range in ["bytes=0-1,5-6", "bytes=0-99,50-149", "bytes=-1,0-0", "bytes=0-0,900000-", &many] {
        let whole = get(&world, &url, &[("range", range)]).await;
        assert_eq!((whole.status.as_u16(), whole.header("content-range")), (200, ""), "{range:.40}");
        assert!(whole.body == octets(), "{range:.40}");
        // The path's range holds, whatever the header says.
        let by_path =
            get(&world, &with_range(&url, ByteRange::new(7, 9).unwrap()), &[("range", range)]).await;
        assert_eq!((by_path.status.as_u16(), by_path.body.len()), (200, 3), "{range:.40}");
    }
}

#[tokio::test]
async fn tags_and_preflights() {
    let world = World::new().await;
    let url = media(&world).await;
    let tag = get(&world, &url, &[]).await.header("etag").to_owned();
    assert!(tag.starts_with('"') && tag.ends_with('"'));
    let same = get(&world, &url, &[("range", "bytes=0-9"), ("if-range", &tag)]).await;
    assert_eq!(same.status, 206);
    let other = get(&world, &url, &[("range", "bytes=0-9"), ("if-range", "\"other\"")]).await;
    assert_eq!((other.status.as_u16(), other.body.len()), (200, 200_000));
    assert_eq!(get(&world, &url, &[("if-none-match", &tag)]).await.status, 304);
    let headers = [("origin", "https://elsewhere.example"), ("access-control-request-headers", "range")];
    let preflight = world.request("OPTIONS", &url, &headers, b"").await;
    assert_eq!(preflight.status, 204);
    assert!(preflight.header("access-control-allow-headers").contains("Range"));
    assert_eq!(world.request("POST", &url, &[], b"").await.status, 405);
}

/// A73, A74: after its time 400, as in the study; with another time or hash 403.
#[tokio::test]
async fn a73_a74_expired_and_forged_urls() {
    let world = World::new().await;
    let url = media(&world).await;
    let (path, query) = url.split_once('?').unwrap();
    let [p, e, h]: [&str; 3] = query.split('&').collect::<Vec<_>>().try_into().unwrap();
    let expires: u64 = e[2..].parse().unwrap();
    assert!(expires.is_multiple_of(3600) && expires >= NOW + 6 * 3600 + 8);
    let status = async |url: String| get(&world, &url, &[]).await.status.as_u16();
    assert_eq!(status(format!("{path}?{p}&e={}&{h}", expires + 1)).await, 403);
    let last = if h.ends_with('0') { '1' } else { '0' };
    assert_eq!(status(format!("{path}?{p}&{e}&{}{last}", &h[..h.len() - 1])).await, 403);
    assert_eq!(status(path.to_owned()).await, 403);
    assert_eq!(status(format!("{path}?{p}&{e}&{h}&x=1")).await, 403);
    assert_eq!(status(format!("{}?{query}", path.replace("1811192541", "1811193541"))).await, 403);

    world.set_clock(expires - 1);
    assert_eq!(status(url.clone()).await, 200);
    let ranged = with_range(&url, ByteRange::new(0, 9).unwrap());
    let kept = get(&world, &ranged, &[]).await;
    assert_eq!(kept.header("cache-control"), "public, max-age=1, immutable", "caches keep it no longer");
    world.set_clock(expires);
    assert_eq!(status(url.clone()).await, 400);
    assert_eq!(status(format!("{path}?{p}&e={}&{h}", expires + 3600)).await, 403, "the hash comes first");
}

/// A70: short lives are exact; A79: a range of a large sparse file costs no more than itself.
#[tokio::test]
async fn a70_a79_short_lives_and_large_files() {
    let world = World::with("[edge]\nurl_life = 60").await;
    let url = media(&world).await;
    assert!(url.contains(&format!("&e={}&", NOW + 60)), "{url}");
    let file = world.config.library().join(format!("{MOVIE:032x}/541/1811192541.mp4"));
    std::fs::OpenOptions::new().write(true).open(file).unwrap().set_len(4 << 30).unwrap();
    let range = with_range(&url, ByteRange::new((4 << 30) - 10, (4 << 30) - 1).unwrap());
    assert_eq!(get(&world, &range, &[]).await.body.len(), 10);
}

/// Subtitles and thumbnails are in the manifest and behind URLs of their own, which give nothing else of the
/// pack; `movie add` checks their digests as those of media.
#[tokio::test]
async fn subtitles_and_thumbnails_are_files_as_media_are() {
    let world = World::new().await;
    let folder = world.config.library().join(format!("{MOVIE:032x}"));
    let json = std::fs::read(folder.join("pack.json")).unwrap();
    let mut pack: serde_json::Value = serde_json::from_slice(&json).unwrap();
    let text = b"WEBVTT\n\n00:00:01.000 --> 00:00:02.000\nHallo\n";
    let pictures = pack::bif::write(4000, &[b"one", b"two"]).unwrap();
    for (path, content) in [("subtitles/s-de-1.vtt", &text[..]), ("thumbnails/320.bif", &pictures)] {
        std::fs::create_dir_all(folder.join(path).parent().unwrap()).unwrap();
        std::fs::write(folder.join(path), content).unwrap();
    }
    let file = |path: &str, size: usize| serde_json::json!({"path": path, "size": size, "sha256": "00"});
    pack["subtitles"] = serde_json::json!([{"id": "s-de-1", "language": "de", "role": "forced", "label": "Deutsch",
        "file": file("subtitles/s-de-1.vtt", text.len())}]);
    pack["thumbnails"] = serde_json::json!({"interval": 4000, "width": 320, "height": 180, "count": 2,
        "bif": file("thumbnails/320.bif", pictures.len())});
    pack["chapters"] = serde_json::json!([{"start": 1500, "title": "One"}]);
    pack["representations"][1]["audio"]["role"] = "dub".into();
    pack["representations"][1]["audio"]["label"] = "Ton".into();
    std::fs::write(folder.join("pack.json"), pack.to_string()).unwrap();
    // Its digests are wrong, so it is not published anew.
    let elsewhere = tempfile::tempdir().unwrap();
    assert!(
        server::movies::publish(&storage::Folder::new(elsewhere.path()), elsewhere.path(), &folder)
            .await
            .is_err()
    );

    let mut client = Client::registered(&world).await;
    let message = RequestMessage::Authorization { movie_id: id(MOVIE) };
    let Ok(ResponseMessage::Authorization(manifest)) = client.one(&world, message).await else {
        panic!("no manifest")
    };
    let sound = &manifest.downloadables[1];
    assert_eq!((sound.role.as_deref(), sound.label.as_deref()), (Some("dub"), Some("Ton")));
    let [track] = &manifest.text_tracks[..] else { panic!("{:?}", manifest.text_tracks) };
    assert_eq!((&track.language[..], &track.role[..], track.size), ("de", "forced", text.len() as u64));
    let trick = manifest.trick_play.as_ref().unwrap();
    assert_eq!((trick.interval, trick.count, trick.sheets.len()), (4000, 2, 0));
    let url = track.urls[0].url.strip_prefix(URL).unwrap();
    let answer = get(&world, url, &[]).await;
    assert_eq!((answer.status.as_u16(), &answer.body[..]), (200, &text[..]));
    assert_eq!(answer.header("content-type"), "text/vtt; charset=utf-8");
    let bif = get(&world, trick.urls[0].url.strip_prefix(URL).unwrap(), &[("range", "bytes=0-7")]).await;
    assert_eq!((bif.status.as_u16(), &bif.body[..]), (206, &pack::bif::MAGIC[..]));
    assert_eq!(bif.header("content-type"), "image/vnd.roku.bif");
    for (other, status) in [
        ("thumbnails/320.bif", 403),
        ("subtitles/s-en-1.vtt", 403),
        ("subtitles/../pack.json", 404),
        ("subtitles/pack.json", 404),
        ("pack.json", 404),
    ] {
        let url = url.replace("subtitles/s-de-1.vtt", other);
        assert_eq!(get(&world, &url, &[]).await.status.as_u16(), status, "{other}");
    }
    let message = RequestMessage::MovieMetadata { movie_id: id(MOVIE) };
    let Ok(ResponseMessage::MovieMetadata { metadata, .. }) = client.one(&world, message).await else {
        panic!("no metadata")
    };
    assert_eq!(metadata.chapters, [nccp::Chapter { start: 1.5, title: "One".into() }]);
    assert!(metadata.tracks.iter().any(|track| track.media_type == "text"));
}

/// Without `pack.json` there is no pack: it is on its way in or out.
#[tokio::test]
async fn files_without_a_description_are_no_pack() {
    let world = World::new().await;
    let url = media(&world).await;
    let description = world.config.library().join(format!("{MOVIE:032x}/pack.json"));
    let aside = description.with_file_name("aside.json");
    std::fs::rename(&description, &aside).unwrap();
    assert_eq!(get(&world, &url, &[]).await.status, 404);
    assert_eq!(get(&world, &with_range(&url, ByteRange::new(0, 9).unwrap()), &[]).await.status, 404);
    std::fs::rename(&aside, &description).unwrap();
    assert_eq!(get(&world, &url, &[]).await.status, 200);
}

/// A library that cannot be read is nobody's missing file: caches and players come again, and then it is
/// there.
#[tokio::test]
async fn a_library_that_cannot_be_read() {
    let world = World::new().await;
    let url = media(&world).await;
    let library = world.config.library();
    let away = world.folder.path().join("away");
    std::fs::rename(&library, &away).unwrap();
    // A link to itself: even root cannot follow it.
    std::os::unix::fs::symlink(&library, &library).unwrap();
    let reply = get(&world, &url, &[]).await;
    assert_eq!((reply.status.as_u16(), reply.header("cache-control")), (503, "no-store"));
    assert_eq!(reply.text(), "The library cannot be read. Try again later.\n");
    std::fs::remove_file(&library).unwrap();
    std::fs::rename(&away, &library).unwrap();
    assert_eq!(get(&world, &url, &[]).await.status, 200);
}
