//! HLS whose segments are encrypted whole (`METHOD=AES-128`), by the origin: B24, B98.

use super::clear_films::{FILM, add, common_key, get, signed, sources, world};
use super::live::ffmpeg::has_ffmpeg;
use super::policies::{set_policy, write_policies};
use super::world::{NOW, URL, World};
use aws_lc_rs::cipher::{AES_128, DecryptionContext, PaddedBlockDecryptingKey, UnboundCipherKey};
use axum::Router;
use cenc::{ContentId, Label, derive_cek, derive_kid};
use pack::Source;
use server::store::{AuditFilter, Store};
use server::urls::{self, Form};
use server::{contents, keys};
use std::net::SocketAddr;
use std::process::Command;
use tempfile::TempDir;
use tokio::net::TcpListener;

pub(crate) const POLICIES: &str = "[hls]\ninterop.hls_keys = true\n[dash]\ninterop.clearkey = true\n[none]\n";
const MASTER: &str = "/s/vod/films/a/aes128/master.m3u8";

/// The film at `films/a`, under the policy that gives keys.
async fn open(sources: &TempDir, more: &str) -> World {
    let world = world(sources, more).await;
    add(&world, "films/a", None, FILM).await;
    write_policies(&world, POLICIES);
    set_policy(&world, FILM, "hls").await;
    world
}

/// The URLs of the media playlists that a master names, without the origin.
fn playlists(master: &str) -> Vec<String> {
    let quoted = master.split('"').filter(|part| part.contains(".m3u8?"));
    let lines = master.lines().filter(|line| line.contains(".m3u8?") && !line.starts_with('#'));
    quoted.filter(|part| !part.contains('\n')).chain(lines).map(str::to_owned).collect()
}

/// What stands in quotes behind `name=`.
fn attribute<'a>(line: &'a str, name: &str) -> &'a str {
    line.split_once(&format!("{name}=\"")).unwrap().1.split_once('"').unwrap().0
}

/// AES-128-CBC with PKCS #7 by another library than the one that encrypted.
fn decrypt(key: &[u8], iv: u128, segment: &[u8]) -> Vec<u8> {
    let key = PaddedBlockDecryptingKey::cbc_pkcs7(UnboundCipherKey::new(&AES_128, key).unwrap()).unwrap();
    let mut segment = segment.to_vec();
    key.decrypt(&mut segment, DecryptionContext::Iv128(iv.to_be_bytes().into())).unwrap().to_vec()
}

fn clear(sources: &TempDir) -> Source {
    Source::from_json(&std::fs::read(sources.path().join("films/a/source.json")).unwrap()).unwrap()
}

/// The URL of the first segment of the film's first playlist, and its clear octets.
pub(crate) async fn first_segment(world: &World) -> (String, Vec<u8>) {
    let master = get(world, &signed(world, MASTER), &[]).await;
    let playlist = playlists(master.text()).remove(0);
    let folder = playlist.split_once('?').unwrap().0.rsplit_once('/').unwrap().0;
    let reply = get(world, &playlist, &[]).await;
    let key = reply.text().lines().find(|line| line.starts_with("#EXT-X-KEY:METHOD=AES-128,")).unwrap();
    let iv = u128::from_str_radix(key.rsplit_once("IV=0x").unwrap().1, 16).unwrap();
    let key = get(world, attribute(key, "URI").strip_prefix(URL).unwrap(), &[]).await.body;
    let segment = reply.text().lines().find(|line| !line.starts_with('#')).unwrap();
    let url = format!("{folder}/{segment}");
    let segment = get(world, &url, &[]).await;
    assert_eq!(segment.status, 200, "{url}");
    (url, decrypt(&key, iv, &segment.body))
}

/// Whether these are a representation's first segment.
pub(crate) fn is_first_segment(r: &pack::Representation, file: &[u8], octets: &[u8]) -> bool {
    let segment = r.segments[0];
    file[segment.offset as usize..(segment.offset + segment.size) as usize] == *octets
}

/// A clear file that is written into is not encrypted as if it were the film's.
#[tokio::test]
async fn whole_segments_are_of_the_film_or_not_at_all() {
    let sources = sources(&["films/a"]);
    let world = open(&sources, "").await;
    let (url, octets) = first_segment(&world).await;
    let source = clear(&sources);
    let path = |r: &pack::Representation| sources.path().join("films/a").join(&r.path);
    let of = source.pack.representations.iter();
    let mut of = of.filter(|r| is_first_segment(r, &std::fs::read(path(r)).unwrap(), &octets));
    let path = path(of.next().unwrap());
    let mut other = std::fs::read(&path).unwrap();
    let right = other.clone();
    other[1000..].fill(7);
    // However coarse the file system's clock is.
    let write = |octets: &[u8], later: u64| {
        std::fs::write(&path, octets).unwrap();
        let at = std::time::SystemTime::now() + std::time::Duration::from_secs(later);
        std::fs::File::options().write(true).open(&path).unwrap().set_modified(at).unwrap();
    };
    write(&other, 10);
    assert_eq!(get(&world, &url, &[]).await.status, 503, "it is not what was looked at");
    world.set_clock(world.now() + 31);
    assert_eq!(get(&world, &url, &[]).await.status, 503, "nor what source.json tells of");
    write(&right, 20);
    world.set_clock(world.now() + 31);
    assert_eq!(get(&world, &url, &[]).await.status, 200);
}

/// B24, B98: from the master to the clear source's octets, by what the playlists say alone.
#[tokio::test]
async fn b24_whole_segments_from_the_master_to_the_clear_octets() {
    let sources = sources(&["films/a"]);
    let world = open(&sources, "[encryption.hls]\nrotate = 1\nclear_lead = \"1s\"\n").await;
    let source = clear(&sources);
    let master = get(&world, &signed(&world, MASTER), &[]).await;
    assert_eq!(
        (master.status.as_u16(), master.header("content-type")),
        (200, "application/vnd.apple.mpegurl")
    );
    assert!(!master.text().contains("KEY"), "{}", master.text());
    let playlists = playlists(master.text());
    assert_eq!(playlists.len(), source.pack.representations.len());
    let (mut kids, mut ivs) = (Vec::new(), Vec::new());
    for playlist in playlists {
        assert!(playlist.starts_with("/s/vod/r") && playlist.contains("/films/a/aes128/"), "{playlist}");
        let folder = playlist.split_once('?').unwrap().0.rsplit_once('/').unwrap().0;
        let reply = get(&world, &playlist, &[]).await;
        assert_eq!(reply.status, 200, "{playlist}");
        let (mut joined, mut key, mut clear_segments, mut segment) = (Vec::new(), None, 0, 0);
        for line in reply.text().lines() {
            assert!(!line.contains("BYTERANGE"), "{line}");
            if line.starts_with("#EXT-X-MAP:") {
                assert!(key.is_none(), "the init segment is clear");
                let url = format!("{folder}/{}", attribute(line, "URI"));
                joined.extend(get(&world, &url, &[]).await.body);
            } else if line.starts_with("#EXT-X-KEY:METHOD=AES-128,") {
                let url = attribute(line, "URI").strip_prefix(URL).unwrap();
                let reply = get(&world, url, &[]).await;
                assert_eq!((reply.status.as_u16(), reply.body.len()), (200, 16), "{url}");
                let iv = u128::from_str_radix(line.rsplit_once("IV=0x").unwrap().1, 16).unwrap();
                let kid = url.strip_prefix("/interop/hls-key/").unwrap()[..32].to_owned();
                ivs.push((kid.clone(), iv));
                kids.push(kid);
                key = Some((reply.body, iv));
            } else if !line.starts_with('#') {
                let url = format!("{folder}/{line}");
                let whole = get(&world, &url, &[]).await;
                assert_eq!((whole.status.as_u16(), whole.header("content-type")), (200, "video/mp4"));
                assert!(whole.header("cache-control").ends_with("immutable"), "it is of one revision");
                let length = whole.body.len();
                let part = get(&world, &url, &[("range", "bytes=1000-5000")]).await;
                let said = (part.status.as_u16(), part.header("content-range").to_owned());
                assert_eq!(said, (206, format!("bytes 1000-5000/{length}")));
                assert!(part.body == whole.body[1000..=5000]);
                let head = world.request("HEAD", &url, &[], b"").await;
                assert_eq!(head.header("content-length"), length.to_string());
                match &key {
                    None => {
                        clear_segments += 1;
                        joined.extend(&whole.body);
                    }
                    Some((key, iv)) => joined.extend(decrypt(key, *iv, &whole.body)),
                }
                segment += 1;
            }
        }
        assert!(segment > clear_segments && clear_segments == 1);
        let of = source.pack.representations.iter().find(|r| {
            let file = std::fs::read(sources.path().join("films/a").join(&r.path)).unwrap();
            // The index has no use here: it tells of byte ranges.
            let (init, index) = (r.init_range.last as usize + 1, r.index_range.last as usize + 1);
            [&file[..init], &file[index..]].concat() == joined
        });
        assert!(of.is_some(), "{playlist}: not the clear film's octets");
    }
    let used = ivs.len();
    ivs.sort();
    ivs.dedup();
    assert_eq!(ivs.len(), used, "no key is used twice with an IV");
    // The keys are those of this form alone, and that they were given is written down.
    let common = common_key(&world, "ck-1");
    let content: ContentId = "films/a".parse().unwrap();
    let kid = |label: &Label| derive_kid(&common, &content, label, 1).to_string();
    assert!(kids.contains(&kid(&"main/aes128".parse().unwrap())) && !kids.contains(&kid(&Label::default())));
    let filter = AuditFilter { movie: Some(FILM), most: 100, ..AuditFilter::default() };
    let entries = world.store.read().await.unwrap().audited(&filter).await.unwrap();
    assert!(entries.iter().any(|e| e.entry.action == "interop hls-key" && e.entry.result == "done"));
}

#[tokio::test]
async fn whole_segments_are_for_films_whose_policy_gives_keys() {
    let sources = sources(&["films/a", "clear"]);
    std::fs::write(sources.path().join("clear/matinee.toml"), "[encryption.hls]\nenabled = false\n").unwrap();
    std::fs::write(sources.path().join("films/matinee.toml"), "[encryption.hls]\n").unwrap();
    let world = open(&sources, "[encryption.hls]\nscope = \"content\"\n").await;
    let status = async |path: &str| get(&world, path, &[]).await.status.as_u16();
    let master = signed(&world, MASTER);
    let reply = get(&world, &master, &[]).await;
    assert_eq!(reply.status, 200);
    let playlist = playlists(reply.text()).remove(0);
    let reply = get(&world, &playlist, &[]).await;
    let line = reply.text().lines().find(|line| line.starts_with("#EXT-X-KEY")).unwrap().to_owned();
    let key = attribute(&line, "URI").strip_prefix(URL).unwrap();
    let revised = playlist.split_once("/aes128").unwrap().0;
    // What there is not: another form, another content, a file of the other form, a segment after the last.
    let id = playlist.split_once('?').unwrap().0.rsplit_once('/').unwrap().1.strip_suffix(".m3u8").unwrap();
    for path in [
        "/s/vod/films/a/aes128/stream.mpd".to_owned(),
        "/s/vod/films/b/aes128/master.m3u8".to_owned(),
        "/s/vod/clear/aes128/master.m3u8".to_owned(),
        format!("{revised}/aes128/{}/{id}.iframes.m3u8", &id[7..]),
        format!("{revised}/aes128/{}/{id}.mp4", &id[7..]),
        format!("{revised}/aes128/{}/{id}.99999.m4s", &id[7..]),
    ] {
        assert_eq!(status(&signed(&world, &path)).await, 404, "{path}");
    }
    // Not even a path, where segments are not encrypted whole, and where there is no metadata.
    for path in [
        format!("{revised}/{}/{id}.0.m4s", &id[7..]),
        format!("{revised}/{}/{id}.init.mp4", &id[7..]),
        "/s/vod/films/a/aes128/drm".to_owned(),
        "/s/vod/aes128/master.m3u8".to_owned(),
    ] {
        assert_eq!(status(&path).await, 404, "{path}");
    }
    assert_eq!(status(&format!("{revised}/aes128/{}/{id}.0.m4s", &id[7..])).await, 403, "no token");
    for policy in ["dash", "none"] {
        set_policy(&world, FILM, policy).await;
        for path in [&master, &playlist, &key.to_owned()] {
            assert_eq!(status(path).await, 403, "{policy}: {path}");
        }
    }
    set_policy(&world, FILM, "hls").await;
    assert_eq!(status(&playlist).await, 200);
    // Its key opens nothing of the other forms.
    let ring = keys::load(&world.config.keys(), URL, NOW).unwrap();
    let content: ContentId = "films/a".parse().unwrap();
    let samples = derive_cek(ring.active_common_key().1, &content, &Label::default(), 0);
    assert!(get(&world, key, &[]).await.body[..] != samples.expose()[..]);
}

/// ffmpeg shows the very pictures of the clear film.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn b24_ffmpeg_plays_whole_segments() {
    if !has_ffmpeg() {
        return;
    }
    let sources = sources(&["films/a"]);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let public_url = format!("http://{}", listener.local_addr().unwrap());
    let config = format!(
        "public_url = \"{public_url}\"\n[origin]\nsources = \"{}\"\n[encryption.hls]\nrotate = 2\n",
        sources.path().display()
    );
    let world = World::with(&config).await;
    add(&world, "films/a", None, FILM).await;
    write_policies(&world, POLICIES);
    set_policy(&world, FILM, "hls").await;
    let router: Router = world.router.clone();
    tokio::spawn(async move {
        axum::serve(listener, router.into_make_service_with_connect_info::<SocketAddr>()).await
    });
    let ring = keys::load(&world.config.keys(), &public_url, NOW).unwrap();
    let pack = contents::describe(&world.config, "films/a", None).await.unwrap();
    let url = urls::of(&world.config, &ring, &pack, Form::HlsWhole, (NOW + 7200, NOW)).unwrap().remove(0);
    assert!(url.starts_with(&format!("{public_url}{MASTER}?")), "{url}");
    let decoded = async |input: String, stream: &'static str| {
        let run = move || {
            let args = ["-v", "error", "-i", &input, "-map", stream, "-f", "md5", "-"];
            Command::new("ffmpeg").args(args).output().unwrap()
        };
        let out = tokio::task::spawn_blocking(run).await.unwrap();
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        String::from_utf8(out.stdout).unwrap()
    };
    let source = clear(&sources);
    let pictures = source.pack.representations.iter().find(|r| r.video.is_some()).unwrap();
    let file = sources.path().join("films/a").join(&pictures.path).display().to_string();
    assert_eq!(decoded(url.clone(), "0:v:0").await, decoded(file, "0:v:0").await);
    decoded(url, "0:a:0").await;
}
