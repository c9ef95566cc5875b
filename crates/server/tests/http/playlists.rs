//! DASH and HLS manifests behind signed URLs.

use super::drm;
use super::world::{MOVIE, NOW, Reply, URL, VIDEO, World, octets};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use license::Domain;
use server::playlist_url::{self, PlaylistPath};
use server::urls::{self, Form};
use server::{LicenseMode, catalogue, keys};
use urltoken::{Dialect, Settings, Signer};

/// The path and token of a manifest of the film, good until `expires`.
pub(crate) async fn signed(world: &World, form: Form, expires: u64) -> String {
    let ring = keys::load(&world.config.keys(), &world.config.public_url, NOW).unwrap();
    let folder = world.config.library().join(format!("{MOVIE:032x}"));
    let pack = catalogue::Pack::read_folder(&folder).await.unwrap();
    let urls = urls::of(&world.config, &ring, &pack, form, (expires, NOW)).unwrap();
    urls[0].strip_prefix(world.config.edge_base()).unwrap().to_owned()
}

pub(crate) async fn get(world: &World, path: &str) -> Reply {
    world.request("GET", path, &[], b"").await
}

/// The URLs in a playlist, absolute, without the origin.
fn named(playlist: &str, text: &str) -> Vec<String> {
    let folder = playlist.split('?').next().unwrap().rsplit_once('/').unwrap().0;
    let quoted = text.split('"').filter(|part| part.contains("?p=") && !part.contains('\n'));
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    quoted.chain(lines).filter(|url| !url.contains(['#', '<'])).map(|url| format!("{folder}/{url}")).collect()
}

fn end_of(url: &str) -> u64 {
    url.split("&e=").nth(1).unwrap().split('&').next().unwrap().parse().unwrap()
}

/// A token for the film's folder opens the manifest that it stands in, too: it ends when that ends.
#[tokio::test]
async fn tokens_for_folders_do_not_renew_themselves() {
    let world = World::with("[edge]\nprefix = true").await;
    for form in [Form::Hls, Form::Dash] {
        let path = signed(&world, form, NOW + 1000).await;
        let reply = get(&world, &path).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        let text = reply.text().replace("&amp;", "&");
        let ends = text.split("&e=").skip(1).map(|rest| rest.split('&').next().unwrap());
        let ends: Vec<u64> = ends.map(|end| end.parse().unwrap()).collect();
        assert!(!ends.is_empty() && ends.iter().all(|end| *end == NOW + 1000), "{text}");
    }
}

#[tokio::test]
async fn hls_from_the_master_to_the_octets() {
    let world = World::new().await;
    let master = signed(&world, Form::Hls, NOW + 1000).await;
    let reply = get(&world, &master).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    for (name, value) in [
        ("content-type", "application/vnd.apple.mpegurl"),
        ("cache-control", "public, max-age=1000"),
        ("access-control-allow-origin", "*"),
        ("cross-origin-resource-policy", "cross-origin"),
    ] {
        assert_eq!(reply.header(name), value, "{name}");
    }
    let playlists = named(&master, reply.text());
    assert_eq!(playlists.len(), 2, "sound and pictures: {}", reply.text());
    for playlist in playlists {
        assert_eq!(end_of(&playlist), NOW + 1000 + 8, "as long as the film after the master's end");
        let reply = get(&world, &playlist).await;
        assert_eq!(reply.status, 200, "{playlist}");
        let files = named(&playlist, reply.text());
        assert_eq!(files.len(), 3, "the map and two segments");
        for file in files {
            assert_eq!(end_of(&file), NOW + 1008, "tokens do not renew themselves");
            let part = world.request("GET", &file, &[("range", "bytes=1200-1299")], b"").await;
            assert_eq!(part.status, 206, "{file}");
            assert!(part.body == octets()[1200..1300]);
        }
    }
    // When the master is over, what it named is not.
    let playlist = named(&master, reply.text()).remove(0);
    world.set_clock(NOW + 1007);
    assert_eq!(get(&world, &master).await.status, 400);
    assert_eq!(get(&world, &playlist).await.status, 200);
    world.set_clock(NOW + 1008);
    assert_eq!(get(&world, &playlist).await.status, 400);
}

/// B97: the DASH manifest of a protected film, with our `pssh`.
#[tokio::test]
async fn b97_dash() {
    let world = World::with("[drm]\nttl = 60").await;
    let path = signed(&world, Form::Dash, NOW + 100_000).await;
    let reply = get(&world, &path).await;
    assert_eq!((reply.status.as_u16(), reply.header("content-type")), (200, "application/dash+xml"));
    assert_eq!(reply.header("cache-control"), "public, max-age=60", "as DRM metadata");
    let text = reply.text();
    assert!(
        text.contains("urn:uuid:6d617469-6e65-6580-8000-64726d000001") && text.contains("<cenc:pssh>AAAA")
    );
    assert!(text.contains("urn:mpeg:dash:profile:isoff-on-demand:2011"));
    assert!(!text.contains("e2719d58") && !text.contains("interop"), "nothing for others by default");
    let base = text.split("<BaseURL>").nth(1).unwrap().split('<').next().unwrap().replace("&amp;", "&");
    assert!(base.starts_with(path.split("stream.mpd").next().unwrap()), "{base}");
    let file = base;
    let part = world.request("GET", &file, &[("range", "bytes=1000-1199")], b"").await;
    assert_eq!(part.status, 206, "{file}");

    let tag = reply.header("etag").to_owned();
    let again = world.request("GET", &path, &[("if-none-match", &tag)], b"").await;
    assert_eq!((again.status.as_u16(), again.body.len(), again.header("etag")), (304, 0, &*tag));
    let other = world.request("GET", &path, &[("if-none-match", "\"other\"")], b"").await;
    assert_eq!(other.status, 200);
    let head = world.request("HEAD", &path, &[], b"").await;
    assert_eq!((head.status.as_u16(), head.header("content-length")), (200, &*reply.body.len().to_string()));
    assert!(head.body.is_empty());
    assert_eq!(world.request("OPTIONS", &path, &[], b"").await.status, 204);
    assert_eq!(world.request("POST", &path, &[], b"").await.status, 405);
}

/// B22, B100: where licenses come along with the film, each request of a manifest makes one.
#[tokio::test]
async fn b100_a_license_for_each_request() {
    let world = drm::embedded("").await;
    for (form, before) in [
        (Form::Dash, "schemeIdUri=\"urn:uuid:6d617469-6e65-6580-8000-64726d000001\" value=\""),
        (Form::Hls, "DATA-ID=\"org.matinee.drm\",VALUE=\""),
    ] {
        let path = signed(&world, form, NOW + 1000).await;
        for now in [NOW, NOW + 7] {
            world.set_clock(now);
            let reply = get(&world, &path).await;
            let metadata = reply.text().split(before).nth(1).expect("metadata").split('"').next().unwrap();
            let (metadata, _, _) = drm::read(&world, &STANDARD.decode(metadata).unwrap()).await;
            assert_eq!(metadata.issued, now);
        }
        world.set_clock(NOW);
        drm::set(&world, MOVIE, LicenseMode::Server, "24h").await;
        assert!(!get(&world, &path).await.text().contains(before), "nothing where the server gives licenses");
        drm::set(&world, MOVIE, LicenseMode::Embedded(Domain::All), "24h").await;
    }
}

#[tokio::test]
async fn tokens_are_for_one_manifest_and_end() {
    let world = World::new().await;
    let master = signed(&world, Form::Hls, NOW + 1000).await;
    let mpd = signed(&world, Form::Dash, NOW + 1000).await;
    let query = master.split_once('?').unwrap().1;
    let pack = format!("/s/{MOVIE:032x}");
    let status = async |path: String| get(&world, &path).await.status.as_u16();
    assert_eq!(status(format!("{pack}/stream.mpd?{query}")).await, 403);
    assert_eq!(status(format!("{pack}/master.m3u8")).await, 403);
    assert_eq!(status(format!("{master}0")).await, 403);
    assert_eq!(status(master.replace("e=", "e=9")).await, 403);
    assert_eq!(status(format!("{pack}/{}/{VIDEO}.m3u8?{query}", &VIDEO[7..])).await, 403);
    assert_eq!(status(format!("{pack}/{}/{VIDEO}.mp4?{query}", &VIDEO[7..])).await, 403);
    assert_eq!(status(format!("{pack}/other.m3u8?{query}")).await, 404);
    // A good token of a pack that is not there, and of a representation that is not.
    let ring = keys::load(&world.config.keys(), URL, NOW).unwrap();
    let signer = Signer::new(Dialect::MediaVault, &Settings::default(), &ring.media).unwrap();
    for missing in
        ["/s/abc/master.m3u8", &*format!("{pack}/000/0000000000.m3u8"), &*format!("{pack}/subtitles/x.m3u8")]
    {
        let path = PlaylistPath::parse(missing).unwrap();
        let url = playlist_url::sign(&signer, URL, &path, NOW + 1000, NOW).url;
        assert_eq!(status(url.strip_prefix(URL).unwrap().to_owned()).await, 404, "{missing}");
    }
    world.set_clock(NOW + 999);
    assert_eq!(status(mpd.clone()).await, 200);
    world.set_clock(NOW + 1000);
    assert_eq!(status(mpd).await, 400);
}

/// A manifest that a CDN pulls names files in the CDN's name, and an edge without any database makes it, too.
#[tokio::test]
async fn a_cdn_and_an_edge_by_itself() {
    let cdn = "https://c.example/films";
    let world =
        World::with(&format!("roles = [\"edge\"]\n[[cdn]]\nid = 1\nname = \"c\"\nbase_url = \"{cdn}\""))
            .await;
    let ring = keys::load(&world.config.keys(), URL, NOW).unwrap();
    let signer = Signer::new(Dialect::MediaVault, &Settings::default(), &ring.media).unwrap();
    let path = PlaylistPath::parse(&format!("/s/{MOVIE:032x}/master.m3u8")).unwrap();
    let url = playlist_url::sign(&signer, cdn, &path, NOW + 1000, NOW).url;
    let master = url.strip_prefix(cdn).unwrap();
    let reply = get(&world, master).await;
    assert_eq!(reply.status, 200);
    let playlist = named(master, reply.text()).remove(0);
    let length = cdn.len() + playlist.split('?').next().unwrap().len();
    assert!(playlist.contains(&format!("?p={length}&")), "{playlist}");
    assert_eq!(get(&world, &playlist).await.status, 200);

    let path = PlaylistPath::parse(&format!("/s/{MOVIE:032x}/stream.mpd")).unwrap();
    let url = playlist_url::sign(&signer, cdn, &path, NOW + 1000, NOW).url;
    let mpd = get(&world, url.strip_prefix(cdn).unwrap()).await;
    assert!(mpd.text().contains(&format!("<BaseURL>/films/s/{MOVIE:032x}/")), "{}", mpd.text());
}
