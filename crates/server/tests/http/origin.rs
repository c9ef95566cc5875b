//! The just-in-time origin: films that are encrypted when they are asked for.

use super::clear_films::{FILM, add, get, options, packaged, signed, sources, world};
use super::client::{Client, id, rsa};
use super::drm::manifest;
use super::world::{NOW, URL, World};
use cenc::KidAndKey;
use license::DrmMetadata;
use nccp::{ByteRange, ErrorCode, Manifest, RequestMessage, ResponseMessage, with_range};
use packager::package;
use server::contents;
use server::keys::{self, KeyKind};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tempfile::TempDir;

fn urls(manifest: &Manifest) -> Vec<String> {
    manifest.downloadables.iter().map(|d| d.urls[0].url.strip_prefix(URL).unwrap().to_owned()).collect()
}

/// The revision in a URL's path.
fn revision(url: &str) -> &str {
    url.split('/').nth(3).unwrap()
}

async fn license(client: &mut Client, world: &World, movie: u64) -> Result<Vec<KidAndKey>, ErrorCode> {
    let challenge = client.challenge(world, movie);
    let message = RequestMessage::License { stream_id: id(movie), challenge: challenge.clone() };
    let ResponseMessage::License { license, .. } = client.one(world, message).await? else {
        panic!("no license")
    };
    let opened = client.open(world, &license, &challenge).await.unwrap().open_with_rsa(rsa()).unwrap();
    Ok(opened.into_iter().map(|(kid, cek)| KidAndKey { kid, cek }).collect())
}

/// B22, B28, B34: from the manifest to the octets, which are those that the packager writes, under a license
/// that opens them. Strong tags; the revised URL's answers never change, the current one's are asked for
/// again.
#[tokio::test]
async fn b22_b34_a_film_is_encrypted_when_it_is_asked_for() {
    let sources = sources(&["films/a"]);
    let world = world(&sources, "").await;
    add(&world, "films/a", None, FILM).await;
    let (_kept, pack, folder) = packaged(&world, "films/a", "ck-1");
    let mut client = Client::registered(&world).await;
    let manifest = manifest(&mut client, &world, FILM).await;
    let urls = urls(&manifest);
    let given = license(&mut client, &world, FILM).await.unwrap();
    assert_eq!(urls.len(), 2);
    for ((url, r), told) in urls.iter().zip(&pack.representations).zip(&manifest.downloadables) {
        let prefix = format!("/s/vod/r{}/films/a/{}?", &pack.pack_id[..8], r.path);
        assert!(url.starts_with(&prefix), "{url}");
        assert_eq!((told.size, told.id.as_str()), (r.size, r.downloadable_id.as_str()));
        let file = std::fs::read(folder.join(&r.path)).unwrap();
        let whole = get(&world, url, &[]).await;
        assert_eq!((whole.status.as_u16(), whole.header("content-type")), (200, "video/mp4"));
        assert!(whole.body == file);
        assert!(whole.header("cache-control").ends_with("immutable"));
        let tag = whole.header("etag").to_owned();
        assert!(tag.starts_with('"') && tag.contains(&pack.pack_id), "{tag}");
        assert_eq!(get(&world, url, &[("if-none-match", &tag)]).await.status, 304);
        let part = get(&world, url, &[("range", "bytes=1000-250000")]).await;
        assert_eq!(part.status, 206);
        assert!(part.body == file[1000..250_001]);
        let by_path = get(&world, &with_range(url, ByteRange::new(700, 90_000).unwrap()), &[]).await;
        assert_eq!((by_path.status.as_u16(), by_path.header("content-length")), (200, "89301"));
        assert!(by_path.body == file[700..90_001]);
        assert_eq!(get(&world, url, &[("range", "bytes=999999999-")]).await.status, 416);
        assert_eq!(world.request("HEAD", url, &[], b"").await.header("content-length"), r.size.to_string());

        let current = get(&world, &signed(&world, &format!("/s/vod/films/a/{}", r.path)), &[]).await;
        assert!(current.body == file && current.header("etag") == tag);
        assert_eq!(current.header("cache-control"), "public, max-age=3600");

        let (path, clear) = (folder.join("fetched.mp4"), folder.join("clear.mp4"));
        std::fs::write(&path, &whole.body).unwrap();
        let done = packager::decrypt(&path, &given, Some(&clear), &mut ()).unwrap();
        assert_eq!((done.samples, done.protected_samples), (r.samples, r.protected_samples));
    }
    for path in [
        "/s/vod/films/b/541/1811192541.mp4",
        "/s/other/films/a/541/1811192541.mp4",
        "/s/vod/films/a/541/1811192541.mp4",
    ] {
        assert_eq!(get(&world, &signed(&world, path), &[]).await.status, 404, "{path}");
    }
    // Another token, none, and one that is over.
    assert_eq!(get(&world, urls[0].split('?').next().unwrap(), &[]).await.status, 403);
    assert_eq!(get(&world, &urls[0].replace("films/a", "films/b"), &[]).await.status, 403);
    let kids: Vec<_> = given.iter().map(|key| key.kid).collect();
    assert_eq!(kids, pack.protection.unwrap().keys.iter().map(|key| key.kid).collect::<Vec<_>>());
    world.set_clock(NOW + 86_400);
    assert_eq!(get(&world, &urls[0], &[]).await.status, 400);
}

/// B36, B74, B75: another common key makes another revision; the old one is served as before as long as its
/// key is not retired, and is gone after that.
#[tokio::test]
async fn b36_b74_a_changed_key_changes_the_url() {
    let sources = sources(&["films/a"]);
    let world = world(&sources, "").await;
    add(&world, "films/a", None, FILM).await;
    let mut client = Client::registered(&world).await;
    let old = urls(&manifest(&mut client, &world, FILM).await).remove(0);
    let before = get(&world, &old, &[]).await;
    assert_eq!(before.status, 200);

    keys::rotate(&world.config.keys(), URL, KeyKind::Common, None, true, NOW).unwrap();
    world.service.reload().unwrap();
    let new = urls(&manifest(&mut client, &world, FILM).await).remove(0);
    assert_ne!(revision(&old), revision(&new));
    let (again, after) = (get(&world, &old, &[]).await, get(&world, &new, &[]).await);
    assert!(again.body == before.body && again.header("etag") == before.header("etag"));
    assert!(
        after.status == 200 && after.body != before.body && after.header("etag") != before.header("etag")
    );
    let (_kept, pack, folder) = packaged(&world, "films/a", "ck-2");
    assert!(after.body == std::fs::read(folder.join(&pack.representations[0].path)).unwrap());
    let given = license(&mut client, &world, FILM).await.unwrap();
    assert_eq!(given[0].kid, pack.protection.unwrap().keys[0].kid);

    keys::retire(&world.config.keys(), KeyKind::Common, "ck-1").unwrap();
    world.service.reload().unwrap();
    assert_eq!(get(&world, &old, &[]).await.status, 410);
    assert_eq!(get(&world, &new, &[]).await.status, 200);
    let never = new.replace(revision(&new), "r00000000");
    assert_eq!(get(&world, &never, &[]).await.status, 403, "its token is for another");
}

fn write(sources: &TempDir, path: &str, text: &str) {
    std::fs::write(sources.path().join(path).join("matinee.toml"), text).unwrap();
}

/// B103, B104, B105, B109: at scope content each folder says its own; who is covered by none is not served,
/// and who switches encryption off is served clear. A changed file is read within half a minute.
#[tokio::test]
async fn b103_b105_folders_say_how_they_are_encrypted() {
    let sources = sources(&["films/a", "trailers/b", "c"]);
    write(&sources, "films", "[encryption.own]\npolicy = \"48h\"\n");
    write(&sources, "trailers", "[encryption.own]\nenabled = false\n");
    let world = world(&sources, "[encryption.own]\nscope = \"content\"\npolicy = \"unlimited\"\n").await;
    for (path, movie) in [("films/a", 71), ("trailers/b", 72), ("c", 73)] {
        add(&world, path, None, movie).await;
    }
    let mut client = Client::registered(&world).await;
    let film = manifest(&mut client, &world, 71).await;
    assert!(film.downloadables[0].keys.len() == 1 && film.drm_metadata_url.is_some());
    assert_eq!(policy_of(&mut client, &world, 71).await, "48h");

    let trailer = manifest(&mut client, &world, 72).await;
    assert!(trailer.downloadables[0].keys.is_empty() && trailer.drm_metadata_url.is_none());
    let clear = get(&world, &urls(&trailer)[0], &[]).await;
    let path = &contents::describe(&world.config, "trailers/b", None).await.unwrap().representations[0]
        .downloadable_id;
    let file = sources.path().join(format!("trailers/b/{}/{path}.mp4", &path[7..]));
    assert!(clear.status == 200 && clear.body == std::fs::read(file).unwrap());
    assert_eq!(get(&world, &signed(&world, "/s/vod/trailers/b/drm"), &[]).await.status, 404, "no metadata");

    let asked = client.one(&world, RequestMessage::Authorization { movie_id: id(73) }).await;
    assert_eq!(asked.unwrap_err(), ErrorCode::MovieNotAvailable);
    assert_eq!(get(&world, &signed(&world, "/s/vod/c/541/1811192541.mp4"), &[]).await.status, 503);
    write(&sources, "c", "[encryption.own]\nlevel = \"lo\"\n");
    world.set_clock(NOW + 30);
    assert_eq!(
        get(&world, &signed(&world, "/s/vod/c/drm"), &[]).await.status,
        503,
        "a mistake covers nothing"
    );
    write(&sources, "c", "[encryption.own]\nlevel = \"low\"\n");
    world.set_clock(NOW + 60);
    assert_eq!(get(&world, &signed(&world, "/s/vod/c/drm"), &[]).await.status, 200);
    let low = manifest(&mut client, &world, 73).await;
    assert_eq!(low.downloadables[0].level, nccp::Level::Low);
}

/// The policy in a license.
async fn policy_of(client: &mut Client, world: &World, movie: u64) -> String {
    let challenge = client.challenge(world, movie);
    let message = RequestMessage::License { stream_id: id(movie), challenge: challenge.clone() };
    match client.one(world, message).await.unwrap() {
        ResponseMessage::License { license, .. } => {
            let opened = client.open(world, &license, &challenge).await.unwrap();
            opened.license().policy.name.clone()
        }
        other => panic!("{other:?}"),
    }
}

/// B35, B108: a client set has other KIDs, other octets, its own policy and its own whitelist.
#[tokio::test]
async fn b35_b108_client_sets_share_nothing_but_the_source() {
    let sources = sources(&["films/a"]);
    let set = "[[set]]\nprefix = \"schools\"\ncommon_key = \"ck-2\"\npolicy = \"unlimited\"\n\
               players = [\"https://school.example\"]\n";
    let world = world(&sources, set).await;
    keys::rotate(&world.config.keys(), URL, KeyKind::Common, None, false, NOW).unwrap();
    world.service.reload().unwrap();
    add(&world, "films/a", None, 71).await;
    add(&world, "films/a", Some("schools"), 72).await;
    let mut client = Client::registered(&world).await;
    let (all, schools) = (manifest(&mut client, &world, 71).await, manifest(&mut client, &world, 72).await);
    assert_ne!(all.downloadables[0].keys[0].kid, schools.downloadables[0].keys[0].kid);
    let (all, schools) = (urls(&all).remove(0), urls(&schools).remove(0));
    assert!(all.starts_with("/s/vod/r") && schools.starts_with("/s/schools/r"));
    let (a, b) = (get(&world, &all, &[]).await, get(&world, &schools, &[]).await);
    assert!(a.status == 200 && b.status == 200 && a.body != b.body);
    let (_kept, pack, folder) = packaged(&world, "films/a", "ck-2");
    assert!(b.body == std::fs::read(folder.join(&pack.representations[0].path)).unwrap());

    assert!(license(&mut client, &world, 71).await.is_ok());
    assert_eq!(
        license(&mut client, &world, 72).await.err(),
        Some(ErrorCode::PolicyRefused),
        "only the school's player"
    );
}

/// B102, B103, B105, B108, B109: two folders and three sets of clients, at the server's scope and at the
/// contents'. (Applications and events: `live/settings.rs`.)
#[tokio::test]
async fn b102_b103_b108_b109_two_folders_and_two_sets_at_each_scope() {
    use nccp::Level::{High, Low, Medium};
    let sources = sources(&["films/a", "series/b"]);
    write(&sources, "films", "[encryption.own]\nlevel = \"high\"\npolicy = \"48h\"\n");
    write(&sources, "series", "[encryption.own]\nlevel = \"medium\"\nrotate = \"12s\"\n");
    let set = |name: &str, key: &str, more: &str| {
        format!("[[set]]\nprefix = \"{name}\"\ncommon_key = \"{key}\"\n{more}")
    };
    let sets = set("schools", "ck-1", "policy = \"unlimited\"\n") + &set("clubs", "ck-3", "");
    for (scope, levels, rotates, policies) in [
        ("server", [Low, Low], [false, false], ["24h", "unlimited", "24h"]),
        ("content", [High, Medium], [false, true], ["48h", "unlimited", "48h"]),
    ] {
        let own = format!("[encryption.own]\nscope = \"{scope}\"\nlevel = \"low\"\n");
        let world = world(&sources, &(own + &sets)).await;
        // The second is made, the second is active, the third is made.
        for _ in 0..3 {
            keys::rotate(&world.config.keys(), URL, KeyKind::Common, None, false, NOW).unwrap();
        }
        world.service.reload().unwrap();
        let mut client = Client::registered(&world).await;
        for (n, path) in ["films/a", "series/b"].into_iter().enumerate() {
            let mut seen = Vec::new();
            for (m, set) in [None, Some("schools"), Some("clubs")].into_iter().enumerate() {
                let movie = 71 + 10 * n as u64 + m as u64;
                add(&world, path, set, movie).await;
                let told = manifest(&mut client, &world, movie).await;
                let file = &told.downloadables[0];
                assert_eq!(file.level, levels[n], "{scope} {path} {set:?}");
                assert_eq!(file.keys.len() > 1, rotates[n], "{scope} {path} {set:?}");
                let url = urls(&told).remove(0);
                let prefix = format!("/s/{}/r", set.unwrap_or("vod"));
                assert!(url.starts_with(&prefix) && url.contains(&format!("/{path}/")), "{url}");
                let octets = get(&world, &url, &[]).await;
                assert_eq!(octets.status, 200, "{url}");
                seen.push((file.keys[0].kid, octets.body));
                if path == "films/a" {
                    assert_eq!(policy_of(&mut client, &world, movie).await, policies[m], "{scope} {set:?}");
                }
                if levels[n] == High {
                    let (_kept, pack, folder) = packaged(&world, path, ["ck-2", "ck-1", "ck-3"][m]);
                    let file = folder.join(&pack.representations[0].path);
                    assert!(seen[m].1 == std::fs::read(file).unwrap(), "{scope} {path} {set:?}");
                }
            }
            for (one, other) in [(0, 1), (0, 2), (1, 2)] {
                assert!(seen[one].0 != seen[other].0 && seen[one].1 != seen[other].1, "{scope} {path}");
            }
        }
    }
}

/// B69, B70: the metadata of a content by its own path: made for each request, 304 as long as neither files
/// nor settings changed and the content's own interval lasts.
#[tokio::test]
async fn b69_b70_metadata_of_contents() {
    let sources = sources(&["films/a"]);
    let own = "[drm]\nttl = 60\n[encryption.own]\nupdate_interval = \"10h\"\n";
    let world = world(&sources, own).await;
    let begin = NOW.div_ceil(36_000) * 36_000;
    let touch = |time: u64| {
        let file = std::fs::File::options().append(true).open(sources.path().join("films/a/source.json"));
        file.unwrap().set_modified(UNIX_EPOCH + Duration::from_secs(time)).unwrap();
    };
    touch(begin - 5);
    let real = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    // Files and keys of the test are as old as the test; the clock of the world is later than that, or the
    // same.
    world.set_clock(begin.max(real.div_ceil(36_000) * 36_000) + 100);
    let now = world.now();
    let path = signed(&world, "/s/vod/films/a/drm");
    let first = get(&world, &path, &[]).await;
    assert_eq!((first.status.as_u16(), first.header("cache-control")), (200, "public, max-age=60"));
    let trust = super::client::trust(&world).await;
    let metadata = DrmMetadata::verify(&first.body, &trust).unwrap();
    assert_eq!((metadata.content_id.as_str(), metadata.issued), ("films/a", now));
    let modified = first.header("last-modified").to_owned();
    let status = async |headers: &[(&str, &str)]| get(&world, &path, headers).await.status.as_u16();
    let since = [("if-modified-since", modified.as_str())];
    world.set_clock(now + 30);
    assert_eq!(status(&since).await, 304);
    let second = get(&world, &path, &[]).await;
    assert_eq!(DrmMetadata::verify(&second.body, &trust).unwrap().issued, now + 30, "made for each request");
    touch(now + 31);
    world.set_clock(now + 62);
    assert_eq!(status(&since).await, 200, "a touched file");
    let modified = get(&world, &path, &[]).await.header("last-modified").to_owned();
    let since = [("if-modified-since", modified.as_str())];
    assert_eq!(status(&since).await, 304);
    super::policies::write_policies(&world, "[own]\nplayers = [\"https://films.example\"]\n");
    world.set_clock(now + 100);
    world.service.reload().unwrap();
    assert_eq!(status(&since).await, 200, "a changed whitelist");
}

/// DASH and HLS of a content: of one revision, over the same files.
#[tokio::test]
async fn manifests_of_contents() {
    let sources = sources(&["films/a"]);
    let world = world(&sources, "[encryption.hls]\nscheme = \"cbcs\"\n").await;
    add(&world, "films/a", None, FILM).await;
    let mpd = get(&world, &signed(&world, "/s/vod/films/a/stream.mpd"), &[]).await;
    assert_eq!(mpd.status, 200, "{}", mpd.text());
    let (_kept, pack, folder) = packaged(&world, "films/a", "ck-1");
    let base = mpd.text().split("<BaseURL>").nth(1).unwrap().split("</BaseURL>").next().unwrap();
    let base = base.replace("&amp;", "&");
    let file = &pack.representations[0];
    assert!(base.starts_with(&format!("/s/vod/r{}/films/a/{}?", &pack.pack_id[..8], file.path)), "{base}");
    let part = get(&world, &base, &[("range", "bytes=0-99999")]).await;
    assert_eq!(part.status, 206);
    assert!(part.body == std::fs::read(folder.join(&file.path)).unwrap()[..100_000]);

    // HLS is encrypted in its own way, so its files are others, of another revision.
    let master = get(&world, &signed(&world, "/s/vod/films/a/master.m3u8"), &[]).await;
    assert_eq!(master.status, 200);
    let playlist = master.text().lines().find(|line| line.contains(".m3u8?")).unwrap();
    assert!(!playlist.contains(&pack.pack_id[..8]));
}

/// Tokens for a folder would open what lies below it, too: a content within another is not served.
#[tokio::test]
async fn a_content_within_another_is_not_served() {
    let sources = sources(&["films/a"]);
    let world = world(&sources, "").await;
    let status = async |path: &str| get(&world, &signed(&world, path), &[]).await.status.as_u16();
    assert_eq!(status("/s/vod/films/a/stream.mpd").await, 200);
    // One comes to lie around it.
    package(&options(pack::Scheme::None, None, &sources.path().join("around")), &mut ()).unwrap();
    for entry in std::fs::read_dir(sources.path().join("around")).unwrap() {
        let entry = entry.unwrap();
        std::fs::rename(entry.path(), sources.path().join("films").join(entry.file_name())).unwrap();
    }
    world.set_clock(NOW + 31);
    assert_eq!(status("/s/vod/films/stream.mpd").await, 200);
    assert_eq!(status("/s/vod/films/a/stream.mpd").await, 503);
}

/// A CDN that checks tokens itself gets files of packs without one, which are encrypted; a content may be
/// clear.
#[tokio::test]
async fn contents_need_their_token_from_everybody() {
    let secret = "0123456789abcdef0123456789abcdef";
    let sources = sources(&["a"]);
    let world = world(&sources, &format!("[edge]\npull_secrets = [\"{secret}\"]\n")).await;
    let manifest = signed(&world, "/s/vod/a/master.m3u8");
    assert_eq!(get(&world, &manifest, &[]).await.status, 200);
    let source =
        pack::Source::from_json(&std::fs::read(sources.path().join("a/source.json")).unwrap()).unwrap();
    let file = format!("/s/vod/a/{}", source.pack.representations[0].path);
    assert_eq!(get(&world, &file, &[("x-matinee-pull", secret)]).await.status, 403);
}
