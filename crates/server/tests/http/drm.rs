//! DRM metadata, licenses that come along with it, and domains.

use super::boxes::provisioned;
use super::client::{Client, MODULE, id, rsa, trust};
use super::world::{MOVIE, NOW, OTHER_MOVIE, Reply, URL, World};
use cenc::{ContentId, Label, derive_kid};
use license::{Domain, DomainEpoch, DrmMetadata, EPOCH_SECONDS, VerifiedLicense};
use nccp::{Activation, DomainKey, Manifest, RequestMessage, ResponseMessage};
use server::store::{NewMovie, Store};
use server::{LicenseMode, keys};
use std::os::unix::fs::OpenOptionsExt as _;
use std::sync::OnceLock;

const DAY: u64 = 86_400;

/// Gives the world domain keys. Making them takes seconds: all worlds have the same.
pub(crate) fn with_domains(world: &World) {
    type Files = Vec<(std::ffi::OsString, Vec<u8>)>;
    static FILES: OnceLock<Files> = OnceLock::new();
    let files = FILES.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        keys::generate(folder.path(), URL, NOW).unwrap();
        assert_eq!(keys::make_domains(folder.path(), NOW, 6).unwrap().len(), 6);
        let made = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap());
        let ours = made.filter(|entry| {
            let name = entry.file_name().into_string().unwrap();
            name.starts_with("domain-") || name.starts_with("seal-")
        });
        ours.map(|entry| (entry.file_name(), std::fs::read(entry.path()).unwrap())).collect()
    });
    for (name, octets) in files {
        use std::io::Write as _;
        let path = world.config.keys().join(name);
        let mut options = std::fs::OpenOptions::new();
        let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(path).unwrap();
        file.write_all(octets).unwrap();
    }
    world.service.reload().unwrap();
}

pub(crate) async fn set(world: &World, movie: u64, license: LicenseMode, policy: &str) {
    let mut tx = world.store.begin().await.unwrap();
    let movie = tx.movie(movie).await.unwrap().unwrap();
    let movie = NewMovie { policy: policy.into(), license, ..movie.into() };
    tx.put_movie(&movie, world.now()).await.unwrap();
    tx.commit().await.unwrap();
}

/// A world whose film has its license come along.
pub(crate) async fn embedded(config: &str) -> World {
    let world = World::with(config).await;
    with_domains(&world);
    set(&world, MOVIE, LicenseMode::Embedded(Domain::All), "24h").await;
    world
}

pub(crate) async fn manifest(client: &mut Client, world: &World, movie: u64) -> Manifest {
    match client.one(world, RequestMessage::Authorization { movie_id: id(movie) }).await.unwrap() {
        ResponseMessage::Authorization(manifest) => *manifest,
        other => panic!("{other:?}"),
    }
}

pub(crate) fn path(manifest: &Manifest) -> String {
    manifest.drm_metadata_url.as_ref().unwrap().strip_prefix(URL).unwrap().to_owned()
}

async fn get(world: &World, path: &str, headers: &[(&str, &str)]) -> Reply {
    world.request("GET", path, headers, b"").await
}

pub(crate) async fn read(world: &World, octets: &[u8]) -> (DrmMetadata, VerifiedLicense, DomainEpoch) {
    let trust = trust(world).await;
    let metadata = DrmMetadata::verify(octets, &trust).unwrap();
    let license = metadata.embedded_license.as_ref().expect("a license inside");
    let (license, of) =
        VerifiedLicense::verify_embedded(license, &trust, &metadata.content_id, MODULE).unwrap();
    (metadata, license, of)
}

pub(crate) fn domain_keys(answer: &ResponseMessage) -> Vec<DomainKey> {
    match answer {
        ResponseMessage::Register(r) | ResponseMessage::AuthenticationRenewal(r) => r.domain_keys.clone(),
        other => panic!("{other:?}"),
    }
}

fn of(key: &DomainKey) -> DomainEpoch {
    DomainEpoch { domain: key.domain.parse().unwrap(), epoch: key.epoch }
}

/// B21, B40 to B44, B47, B67, B100: a license of every period, opened by the domain's key alone.
#[tokio::test]
async fn b21_b43_the_license_comes_along() {
    let world = embedded("").await;
    rotate(&world, OTHER_MOVIE, 5);
    set(&world, OTHER_MOVIE, LicenseMode::Embedded(Domain::Browser), "unlimited").await;
    let cookies = world.login().await;
    let mut client = Client::with_rsa(&world, &cookies, rsa()).await;
    let registered = client.register(&world).await.unwrap();
    let device = client.device.clone().unwrap();

    for (movie, domain, periods) in [(MOVIE, Domain::All, 1), (OTHER_MOVIE, Domain::Browser, 5)] {
        let manifest = manifest(&mut client, &world, movie).await;
        assert_eq!(manifest.license_mode, nccp::LicenseMode::Embedded);
        let (metadata, license, of_license) = read(&world, manifest.drm_metadata.as_ref().unwrap()).await;
        assert_eq!(metadata.keys.len(), periods);
        assert_eq!(of_license, DomainEpoch::at(domain, NOW));
        let key = domain_keys(&registered).into_iter().find(|key| of(key) == of_license).unwrap();
        let key = of_license.open_for(&key.key, device.as_str(), rsa()).unwrap();
        let opened = license.open_with_rsa(&key).unwrap();
        let kids = |names: &[license::KeyName]| names.iter().map(|name| name.kid).collect::<Vec<_>>();
        assert_eq!(opened.iter().map(|(kid, _)| *kid).collect::<Vec<_>>(), kids(&metadata.keys));
    }
    let library: nccp::json::Library = world.get("/api/library", &client.cookies).await.json();
    assert!(library.movies.iter().all(|movie| movie.embedded));
}

/// A film of several rotation periods.
fn rotate(world: &World, movie: u64, periods: u32) {
    let ring = keys::load(&world.config.keys(), URL, NOW).unwrap();
    let common = ring.active_common_key().1;
    let path = world.config.library().join(format!("{movie:032x}")).join("pack.json");
    let mut pack: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    let key = |period| {
        let kid = derive_kid(common, &ContentId::of_movie(movie), &Label::default(), period);
        serde_json::json!({"kid": kid.to_string(), "period": period, "start": {"value": period * 4000, "timescale": 1000}})
    };
    pack["protection"]["keys"] = (0..periods).map(key).collect();
    std::fs::write(path, pack.to_string()).unwrap();
}

/// B12, B22: made when asked for; times count from then. B43, B68: cache headers. B46, B73: the media stay as
/// they are.
#[tokio::test]
async fn b22_b68_metadata_is_made_when_asked_for() {
    let world = embedded("[drm]\nttl = 1800\nupdate_interval = 7200").await;
    let mut client = Client::registered(&world).await;
    let manifest = manifest(&mut client, &world, MOVIE).await;
    let path = path(&manifest);
    let media = manifest.downloadables[0].urls[0].url.strip_prefix(URL).unwrap();
    let media_tag = get(&world, media, &[]).await.header("etag").to_owned();

    let first = get(&world, &path, &[]).await;
    assert_eq!(first.status, 200);
    let start = std::time::UNIX_EPOCH + std::time::Duration::from_secs(NOW - NOW % 7200);
    for (name, value) in [
        ("content-type", "application/cose"),
        ("cache-control", "public, max-age=1800"),
        // The latest change is the film's own, at NOW.
        ("last-modified", "Mon, 21 Sep 2026 14:13:20 GMT"),
        ("access-control-allow-origin", "*"),
        ("timing-allow-origin", "*"),
        ("cross-origin-resource-policy", "cross-origin"),
    ] {
        assert_eq!(first.header(name), value, "{name}");
    }
    let (metadata, license, _) = read(&world, &first.body).await;
    assert_eq!((metadata.issued, metadata.ttl, license.license().issued), (NOW, 1800, NOW));
    assert_eq!(license.license().policy.ends(), Some(NOW + DAY));

    world.set_clock(NOW + 60);
    let second = get(&world, &path, &[]).await;
    let (metadata, license, _) = read(&world, &second.body).await;
    assert_eq!((metadata.issued, license.license().issued), (NOW + 60, NOW + 60));
    assert_eq!(license.license().policy.ends(), Some(NOW + 60 + DAY), "counts from making");
    assert_eq!(second.header("etag"), first.header("etag"));
    assert_eq!(get(&world, media, &[]).await.header("etag"), media_tag, "other metadata, same media");

    let head = world.request("HEAD", &path, &[], b"").await;
    assert_eq!((head.status.as_u16(), head.body.len()), (200, 0));
    assert_eq!(head.header("content-length"), second.body.len().to_string());
    assert_eq!(world.request("OPTIONS", &path, &[], b"").await.status, 204);
    assert_eq!(world.request("POST", &path, &[], b"").await.status, 405);

    // Past the start of the next interval, that is the time.
    world.set_clock(NOW - NOW % 7200 + 7200 + 5);
    let later = get(&world, &path, &[]).await;
    let expected = httpdate::fmt_http_date(start + std::time::Duration::from_secs(7200));
    assert_eq!(later.header("last-modified"), expected);
    assert_ne!(later.header("etag"), first.header("etag"));
}

/// B11, B69, B70, B72: 304 as long as nothing has changed and the interval lasts; after that new metadata
/// with a new end.
#[tokio::test]
async fn b69_b70_unchanged_metadata_is_not_sent_again() {
    let world = embedded("[edge]\nurl_life = 200000\n[drm]\nttl = 60\nupdate_interval = 36000").await;
    let begin = NOW.div_ceil(36_000) * 36_000;
    world.set_clock(begin + 100);
    let mut client = Client::registered(&world).await;
    let path = path(&manifest(&mut client, &world, MOVIE).await);
    let first = get(&world, &path, &[]).await;
    let (modified, tag) = (first.header("last-modified").to_owned(), first.header("etag").to_owned());
    let by_time = [("if-modified-since", modified.as_str())];
    let by_tag = [("if-none-match", tag.as_str())];
    let status = async |headers: &[(&str, &str)]| get(&world, &path, headers).await.status.as_u16();

    world.set_clock(begin + 35_000);
    let unchanged = get(&world, &path, &by_time).await;
    assert_eq!((unchanged.status.as_u16(), unchanged.body.len()), (304, 0));
    assert_eq!(unchanged.header("cache-control"), "public, max-age=60");
    assert_eq!((unchanged.header("last-modified"), unchanged.header("etag")), (&*modified, &*tag));
    assert_eq!(status(&by_tag).await, 304);
    assert_eq!(status(&[("if-modified-since", "Mon, 21 Sep 2015 14:13:20 GMT")]).await, 200);
    assert_eq!(status(&[("if-modified-since", "yesterday")]).await, 200);
    // A tag counts before the time.
    assert_eq!(status(&[("if-none-match", "\"other\""), by_time[0]]).await, 200);

    // Another policy alone is a change, and new sessions are under it (B10).
    set(&world, MOVIE, LicenseMode::Embedded(Domain::All), "48h").await;
    let changed = get(&world, &path, &by_time).await;
    assert_eq!(changed.status, 200);
    assert_eq!(read(&world, &changed.body).await.1.license().policy.ends(), Some(begin + 35_000 + 2 * DAY));
    assert_eq!(status(&by_tag).await, 200);
    // So is a whitelist (B11, B71, B78): what was refused plays after that.
    let own = |player: &str| format!("[mine]\nvalidity = \"48h\"\nplayers = [{{ origin = \"{player}\" }}]\n");
    std::fs::write(world.folder.path().join("policies.toml"), own("https://a.example")).unwrap();
    world.service.reload().unwrap();
    set(&world, MOVIE, LicenseMode::Embedded(Domain::All), "mine").await;
    let players = async |reply: &Reply| read(&world, &reply.body).await.1.license().policy.players.clone();
    let listed = get(&world, &path, &[]).await;
    let modified = listed.header("last-modified").to_owned();
    assert_eq!(players(&listed).await.unwrap()[0].origin, "https://a.example");
    world.set_clock(begin + 35_005);
    assert_eq!(status(&[("if-modified-since", &modified)]).await, 304);
    world.service.reload().unwrap();
    assert_eq!(status(&[("if-modified-since", &modified)]).await, 304, "read again, but not changed");
    std::fs::write(world.folder.path().join("policies.toml"), own("https://b.example")).unwrap();
    world.service.reload().unwrap();
    let changed = get(&world, &path, &[("if-modified-since", &modified)]).await;
    assert_eq!(changed.status, 200);
    assert_eq!(players(&changed).await.unwrap()[0].origin, "https://b.example");
    // So is a key that shapes what is made (B75).
    let modified = changed.header("last-modified").to_owned();
    assert_eq!(status(&[("if-modified-since", &modified)]).await, 304);
    world.set_clock(begin + 35_010);
    keys::rotate(&world.config.keys(), URL, keys::KeyKind::Common, None, true, begin + 35_010).unwrap();
    world.service.reload().unwrap();
    let rotated = get(&world, &path, &[("if-modified-since", &modified)]).await;
    assert_eq!(rotated.status, 200, "and the film's own common key still serves");

    // The trap: without the interval a cache would keep it alive for ever.
    world.set_clock(begin + 36_000);
    let modified = rotated.header("last-modified").to_owned();
    let renewed = get(&world, &path, &[("if-modified-since", &modified)]).await;
    assert_eq!(renewed.status, 200);
    assert_eq!(read(&world, &renewed.body).await.1.license().policy.ends(), Some(begin + 36_000 + 2 * DAY));
}

/// Behind a token, as media are.
#[tokio::test]
async fn metadata_needs_a_token() {
    let world = embedded("").await;
    let mut client = Client::registered(&world).await;
    let mine = manifest(&mut client, &world, MOVIE).await;
    let url = path(&mine);
    let (bare, query) = url.split_once('?').unwrap();
    assert_eq!(bare, "/s/vod/60027274/drm");
    let status = async |path: &str| get(&world, path, &[]).await.status.as_u16();
    assert_eq!(status(bare).await, 403);
    assert_eq!(status(&url.replace("&e=1", "&e=2")).await, 403);
    assert_eq!(status(&format!("/s/vod/7/drm?{query}")).await, 403);
    assert_eq!(status("/s/vod/x//drm").await, 404);
    // A clear film and one that is gone have none; a token is good as long as its media's.
    let other = path(&manifest(&mut client, &world, OTHER_MOVIE).await);
    let mut tx = world.store.begin().await.unwrap();
    tx.remove_movie(OTHER_MOVIE).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(status(&other).await, 404);
    world.set_clock(mine.expiration);
    assert_eq!(status(&url).await, 400);
}

/// B49, B50, B53: a browser gets the keys of its domains, sealed for itself, also when it renews; they follow
/// the epochs.
#[tokio::test]
async fn b49_b50_domain_keys_are_the_devices_own() {
    let world = embedded("").await;
    let cookies = world.login().await;
    let mut client = Client::with_rsa(&world, &cookies, rsa()).await;
    let keys = domain_keys(&client.register(&world).await.unwrap());
    let now = NOW / EPOCH_SECONDS;
    let names = |keys: &[DomainKey]| {
        keys.iter().map(|key| format!("{} {}", key.domain, key.epoch)).collect::<Vec<_>>()
    };
    let expected = ["browser", "all"].map(|domain| [now, now + 1].map(|epoch| format!("{domain} {epoch}")));
    assert_eq!(names(&keys), expected.concat());
    let device = client.device.clone().unwrap();
    let ring = keys::load(&world.config.keys(), URL, NOW).unwrap();
    for key in &keys {
        let opened = of(key).open_for(&key.key, device.as_str(), rsa()).unwrap();
        assert_eq!(opened.modulus().unwrap(), ring.domain(of(key)).unwrap().modulus);
        // Captured on the way, it is of no use to another device, which has other keys or another name.
        let other = license::SoftwareRsaKey::from_pkcs8(&ring.domains[0].pkcs8).unwrap();
        assert!(of(key).open_for(&key.key, device.as_str(), &other).is_err());
        assert!(of(key).open_for(&key.key, "d-2", rsa()).is_err());
        assert!(!key.key.windows(32).any(|window| window == &ring.domain(of(key)).unwrap().pkcs8[64..96]));
    }
    // Near the end of the ticket, in the next epoch: what was next is current.
    world.set_clock((now + 1) * EPOCH_SECONDS + 10);
    client.cookies = world.login().await;
    let device_id = client.device.clone().unwrap();
    let renewed = client.one(&world, RequestMessage::AuthenticationRenewal { device_id }).await.unwrap();
    let expected = ["browser", "all"].map(|domain| format!("{domain} {}", now + 1));
    assert_eq!(names(&domain_keys(&renewed)), expected);
}

/// B49: a box gets its own domains' keys, and plays what no browser can open.
#[tokio::test]
async fn b49_a_box_only_domain_is_refused_to_browsers() {
    let world = embedded("").await;
    set(&world, MOVIE, LicenseMode::Embedded(Domain::Box), "24h").await;
    let cookies = world.login().await;
    let mut client = Client::with_rsa(&world, &cookies, rsa()).await;
    let keys = domain_keys(&client.register(&world).await.unwrap());
    let at_browser = manifest(&mut client, &world, MOVIE).await;
    let (_, license, of_license) = read(&world, at_browser.drm_metadata.as_ref().unwrap()).await;
    assert_eq!(of_license.domain, Domain::Box);
    assert!(!keys.iter().any(|key| of(key) == of_license), "a browser is not in it");
    let device = client.device.clone().unwrap();
    for key in &keys {
        let key_pair = of(key).open_for(&key.key, device.as_str(), rsa()).unwrap();
        assert!(license.open_with_rsa(&key_pair).is_err());
        assert!(of_license.open_for(&key.key, device.as_str(), rsa()).is_err());
    }
    // So it is told to ask the license server, at once.
    assert_eq!(at_browser.license_mode, nccp::LicenseMode::Server);
    let library: nccp::json::Library = world.get("/api/library", &client.cookies).await.json();
    assert!(!library.movies.iter().any(|movie| movie.embedded));

    let mut tv = provisioned(&world, "0007");
    let code = super::boxes::code(&mut tv, &world).await;
    assert_eq!(super::boxes::enter(&world, &cookies, &code, true).await.status, 200);
    let Activation::Registered(registration) = super::boxes::poll(&mut tv, &world).await.unwrap() else {
        panic!("not registered")
    };
    let names: Vec<_> = registration.domain_keys.iter().map(|key| key.domain.as_str()).collect();
    assert_eq!(names, ["box", "box", "all", "all"]);
    let at_box = manifest(&mut tv, &world, MOVIE).await;
    assert_eq!(at_box.license_mode, nccp::LicenseMode::Embedded);
}

/// Before a domain has its key, and with policies that no embedded license can keep, films ask the license
/// server.
#[tokio::test]
async fn films_that_cannot_have_it_embedded_do_without() {
    let world = World::new().await;
    set(&world, MOVIE, LicenseMode::Embedded(Domain::All), "24h").await;
    let mut client = Client::registered(&world).await;
    let asks = async |client: &mut Client| {
        let manifest = manifest(client, &world, MOVIE).await;
        let metadata =
            DrmMetadata::verify(manifest.drm_metadata.as_ref().unwrap(), &trust(&world).await).unwrap();
        assert_eq!(metadata.embedded_license.is_none(), manifest.license_mode == nccp::LicenseMode::Server);
        manifest.license_mode == nccp::LicenseMode::Server
    };
    assert!(asks(&mut client).await, "no key yet");
    with_domains(&world);
    assert!(!asks(&mut client).await);
    set(&world, MOVIE, LicenseMode::Embedded(Domain::All), "rental").await;
    assert!(asks(&mut client).await, "counts from the first play");
    set(&world, MOVIE, LicenseMode::Server, "24h").await;
    assert!(asks(&mut client).await);
}

/// docs/protocol.md §8: a start is refused where caches would give out licenses that have ended.
#[tokio::test]
async fn a_start_refuses_metadata_that_outlives_its_licenses() {
    let world = embedded("").await;
    let start = async |drm: &str| {
        let mut config = server::Config::parse(&format!("[drm]\n{drm}")).unwrap();
        config.data = world.config.data.clone();
        server::Service::open(config, server::Clock::manual(NOW).0)
            .await
            .map(|_| ())
            .map_err(|e| e.to_string())
    };
    assert_eq!(start("ttl = 80000\nupdate_interval = 6399").await, Ok(()));
    let refused = start("ttl = 80000\nupdate_interval = 6400").await.unwrap_err();
    for part in ["drm.ttl", "drm.update_interval", "86400", "24h", "movie 60027274"] {
        assert!(refused.contains(part), "{refused}");
    }
    assert!(!refused.contains('\n'));
    set(&world, MOVIE, LicenseMode::Embedded(Domain::All), "48h").await;
    assert_eq!(start("ttl = 80000\nupdate_interval = 6400").await, Ok(()));
    set(&world, MOVIE, LicenseMode::Embedded(Domain::All), "rental").await;
    assert!(start("").await.unwrap_err().contains("--license server"));
    set(&world, MOVIE, LicenseMode::Server, "rental").await;
    assert_eq!(start("ttl = 99999999").await, Ok(()));
    assert!(server::Config::parse("[drm]\nupdate_interval = 0").is_err());
}

/// A94: the signed metadata says where a license is to be asked for, as the operator does.
#[tokio::test]
async fn a94_metadata_names_the_license_server() {
    for (config, expected) in [
        ("", None),
        ("[drm]\nlicense_url = \"https://l.example/license\"", Some("https://l.example/license")),
    ] {
        let world = embedded(config).await;
        let mut client = Client::registered(&world).await;
        let manifest = manifest(&mut client, &world, MOVIE).await;
        let (metadata, ..) = read(&world, manifest.drm_metadata.as_ref().unwrap()).await;
        assert_eq!(metadata.license_url.as_deref(), expected);
        let (metadata, ..) = read(&world, &get(&world, &path(&manifest), &[]).await.body).await;
        assert_eq!(metadata.license_url.as_deref(), expected);
    }
}

/// B15, B78: a running player whose license was embedded hears of changed rules, too, and by their name only
/// once; what the license server would say instead is no change.
#[tokio::test]
async fn b15_changed_rules_reach_films_whose_license_came_along() {
    let world = embedded(
        "[drm]\nupdate_strategy = \"force\"\nttl = 60\nupdate_interval = 60\nlicense_policy = \"48h\"",
    )
    .await;
    let own = |hours| {
        let text = format!("[own]\nvalidity = \"{hours}h\"");
        std::fs::write(world.folder.path().join("policies.toml"), text).unwrap();
        world.service.reload().unwrap();
    };
    own(2);
    set(&world, MOVIE, LicenseMode::Embedded(Domain::All), "own").await;
    let mut client = Client::registered(&world).await;
    let version = manifest(&mut client, &world, MOVIE).await.policy_version.unwrap();
    assert_eq!(client.report(&world, MOVIE, &version).await, None, "nothing has changed");

    own(3);
    let rules = client.report(&world, MOVIE, &version).await.unwrap();
    let (_, license, _) = read(&world, &rules.drm_metadata).await;
    assert_eq!(license.license().policy.not_after, Some(world.now() + 3 * 3600));
    let adopted = rules.policy_version.unwrap();
    assert_ne!(adopted, version);
    assert_eq!(client.report(&world, MOVIE, &adopted).await, None, "adopted");
    assert_eq!(manifest(&mut client, &world, MOVIE).await.policy_version, Some(adopted));

    // A film whose license is asked for gets no name with its manifest: the license has one.
    set(&world, MOVIE, LicenseMode::Server, "own").await;
    assert_eq!(manifest(&mut client, &world, MOVIE).await.policy_version, None);
}
