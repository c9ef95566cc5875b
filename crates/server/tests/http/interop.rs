//! Keys for players of others: off, unless a policy says so.

use super::drm::set;
use super::playlists::{get, signed};
use super::world::{MOVIE, NOW, OTHER_MOVIE, Reply, URL, VIDEO, World};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cenc::{Cek, ContentId, Kid, Label, derive_cek, derive_kid};
use serde_json::{Value, json};
use server::store::{AuditFilter, Store};
use server::urls::Form;
use server::{LicenseMode, keys};

const POLICIES: &str = "[open]\ninterop = { clearkey = true, hls_keys = true }\n[dash]\ninterop.clearkey = true\n\
                        [hls]\ninterop.hls_keys = true\n[over]\nends = 2026-01-01T00:00:00Z\ninterop.clearkey = true\n\
                        [low]\nmax_height = 480\ninterop.clearkey = true\n";

/// A world whose film has one of these policies, and a scheme.
async fn world(policy: &str, scheme: &str, config: &str) -> World {
    let world = World::with(config).await;
    std::fs::write(world.config.data.join("policies.toml"), POLICIES).unwrap();
    world.service.reload().unwrap();
    set(&world, MOVIE, LicenseMode::Server, policy).await;
    let path = world.config.library().join(format!("{MOVIE:032x}")).join("pack.json");
    let text = std::fs::read_to_string(&path)
        .unwrap()
        .replace("\"scheme\":\"cenc\"", &format!("\"scheme\":\"{scheme}\""));
    std::fs::write(path, text).unwrap();
    world
}

fn key(world: &World, movie: u64, period: u32) -> (Kid, Cek) {
    let ring = keys::load(&world.config.keys(), URL, NOW).unwrap();
    let (common, content) = (ring.active_common_key().1, ContentId::of_movie(movie));
    let of = (&content, &Label::default());
    (derive_kid(common, of.0, of.1, period), derive_cek(common, of.0, of.1, period))
}

pub(crate) fn request(kids: &[Kid]) -> Value {
    json!({"kids": kids.iter().map(|kid| URL_SAFE_NO_PAD.encode(kid.0)).collect::<Vec<_>>(), "type": "temporary"})
}

async fn ask(world: &World, url: &str, body: &Value) -> Reply {
    world.request("POST", url, &[("content-type", "application/json")], body.to_string().as_bytes()).await
}

/// Where an MPD says that ClearKey asks.
pub(crate) fn license_url(mpd: &str) -> Option<String> {
    let url = mpd.split("licenseType=\"EME-1.0\">").nth(1)?.split('<').next()?.replace("&amp;", "&");
    Some(url.strip_prefix(URL)?.to_owned())
}

#[tokio::test]
async fn clear_key_both_ways() {
    let world = world("dash", "cenc", "").await;
    let mpd = get(&world, &signed(&world, Form::Dash, NOW + 1000).await).await;
    let url = license_url(mpd.text()).expect("ClearKey is named");
    assert!(url.starts_with("/interop/clearkey?"), "{url}");
    let (kid, cek) = key(&world, MOVIE, 0);
    let reply = ask(&world, &url, &request(&[kid])).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    let expected = json!({"keys": [{"kty": "oct", "k": URL_SAFE_NO_PAD.encode(cek.expose()),
        "kid": URL_SAFE_NO_PAD.encode(kid.0)}], "type": "temporary"});
    assert_eq!(reply.json::<Value>(), expected);
    for (name, value) in [
        ("cache-control", "no-store"),
        ("content-type", "application/json"),
        ("access-control-allow-origin", "*"),
        ("cross-origin-resource-policy", "cross-origin"),
    ] {
        assert_eq!(reply.header(name), value, "{name}");
    }
    let mut tx = world.store.read().await.unwrap();
    let filter = AuditFilter { movie: Some(MOVIE), most: 10, ..AuditFilter::default() };
    let entries = tx.audited(&filter).await.unwrap();
    let entry = &entries.last().unwrap().entry;
    assert_eq!((entry.action.as_str(), entry.result.as_str()), ("interop clearkey", "done"));
    assert_eq!(entry.details["keys"], json!([kid.to_string()]));
    assert!(!format!("{entry:?}").contains(&hex::encode(cek.expose())));
    let preflight = world.request("OPTIONS", &url, &[("origin", "https://other.example")], b"").await;
    assert_eq!((preflight.status.as_u16(), preflight.header("access-control-allow-origin")), (204, "*"));
    // HLS keys are another matter.
    let hls = get(&world, &format!("/interop/hls-key/{kid}?{}", url.split_once('?').unwrap().1)).await;
    assert_eq!(hls.status, 403);
}

#[tokio::test]
async fn what_clear_key_refuses() {
    let world = world("dash", "cenc", "").await;
    let mpd = get(&world, &signed(&world, Form::Dash, NOW + 1000).await).await;
    let url = license_url(mpd.text()).unwrap();
    let (kid, _) = key(&world, MOVIE, 0);
    let (foreign, _) = key(&world, OTHER_MOVIE, 0);
    let status = async |url: &str, body: Value| ask(&world, url, &body).await.status.as_u16();
    assert_eq!(status(&url, request(&[foreign])).await, 404, "another film's key");
    assert_eq!(status(&url, request(&[kid, foreign])).await, 404);
    for bad in [
        json!({}),
        json!([]),
        json!({"kids": []}),
        json!({"kids": ["x"]}),
        json!({"kids": [kid.to_string()]}),
        json!({"kids": [URL_SAFE_NO_PAD.encode(kid.0)], "type": "persistent-license"}),
    ] {
        assert_eq!(status(&url, bad.clone()).await, 400, "{bad}");
    }
    assert_eq!(
        status(&url, json!({"kids": [URL_SAFE_NO_PAD.encode(kid.0)], "more": "x".repeat(70_000)})).await,
        400
    );
    let good = request(&[kid]);
    assert_eq!(status("/interop/clearkey", good.clone()).await, 403);
    assert_eq!(
        status(&url.replace("stream.mpd", "master.m3u8"), good.clone()).await,
        403,
        "its token is the MPD's"
    );
    assert_eq!(status(&url.replace("&e=", "&e=9"), good.clone()).await, 403);
    assert_eq!(
        status(&format!("{}0", &url[..url.len() - 1]), good.clone()).await,
        if url.ends_with('0') { 200 } else { 403 }
    );
    assert_eq!(
        status(&url.replace('/', "%2F").replace("%2Finterop%2Fclearkey", "/interop/clearkey"), good.clone())
            .await,
        200
    );
    // The film's policy decides, at the time of asking.
    for policy in ["24h", "hls", "over"] {
        set(&world, MOVIE, LicenseMode::Server, policy).await;
        assert_eq!(status(&url, good.clone()).await, 403, "{policy}");
        let mpd = get(&world, &signed(&world, Form::Dash, NOW + 1000).await).await;
        assert_eq!(license_url(mpd.text()), None, "{policy}");
    }
    set(&world, MOVIE, LicenseMode::Server, "dash").await;
    assert_eq!(status(&url, good.clone()).await, 200);
    world.set_clock(NOW + 1000);
    assert_eq!(status(&url, good).await, 400, "with the manifest's URL ends what it gives");
}

/// Refusals by a policy are written down, too; and nobody asks without end.
#[tokio::test]
async fn refusals_are_audited_and_bounded() {
    let world = world("24h", "cenc", "[limits]\nrequests = 3").await;
    let mpd = signed(&world, Form::Dash, NOW + 1000).await;
    let (of, token) = mpd.split_once('?').unwrap();
    let url = format!("/interop/clearkey?of={of}&{token}");
    let body = request(&[key(&world, MOVIE, 0).0]);
    for _ in 0..3 {
        assert_eq!(ask(&world, &url, &body).await.status, 403);
    }
    let reply = ask(&world, &url, &body).await;
    assert_eq!((reply.status.as_u16(), reply.header("access-control-allow-origin")), (429, "*"));
    let filter = AuditFilter { movie: Some(MOVIE), most: 10, ..AuditFilter::default() };
    let entries = world.store.read().await.unwrap().audited(&filter).await.unwrap();
    let refused =
        entries.iter().filter(|e| e.entry.action == "interop clearkey" && e.entry.result == "POLICY_REFUSED");
    assert_eq!(refused.count(), 3);
}

#[tokio::test]
async fn hls_keys() {
    let world = world("hls", "cbcs", "").await;
    let master = signed(&world, Form::Hls, NOW + 1000).await;
    let text = get(&world, &master).await;
    let video = text.text().lines().find(|line| line.contains(VIDEO)).unwrap();
    let playlist = format!("{}/{video}", master.split("/master").next().unwrap());
    let text = get(&world, &playlist).await;
    let line =
        text.text().lines().find(|line| line.contains("KEYFORMAT=\"identity\"")).expect("a key").to_owned();
    assert!(line.contains("METHOD=SAMPLE-AES,"), "{line}");
    let url = line.split("URI=\"").nth(1).unwrap().split('"').next().unwrap().strip_prefix(URL).unwrap();
    let (kid, cek) = key(&world, MOVIE, 0);
    assert!(url.starts_with(&format!("/interop/hls-key/{kid}?")), "{url}");
    let reply = get(&world, url).await;
    assert_eq!(reply.status, 200);
    assert!(reply.body[..] == cek.expose()[..]);
    assert_eq!(
        (reply.header("cache-control"), reply.header("content-type")),
        ("no-store", "application/octet-stream")
    );
    let (foreign, _) = key(&world, OTHER_MOVIE, 0);
    for wrong in [foreign.to_string(), "x".to_owned()] {
        assert_eq!(get(&world, &url.replace(&kid.to_string(), &wrong)).await.status, 404, "{wrong}");
    }
    assert_eq!(get(&world, url.split('?').next().unwrap()).await.status, 403);
    assert_eq!(get(&world, &url.replace("&h=", "&h=0")).await.status, 403);
    set(&world, MOVIE, LicenseMode::Server, "dash").await;
    assert_eq!(get(&world, url).await.status, 403);
    assert!(!get(&world, &playlist).await.text().contains("identity"));
}

/// What a policy's greatest height keeps from programs, such players get neither named nor opened; and under
/// rotation they get all periods at once.
#[tokio::test]
async fn heights_and_rotation() {
    let world = world("low", "cenc", "").await;
    let path = world.config.library().join(format!("{MOVIE:032x}")).join("pack.json");
    let mut pack: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    let ring = keys::load(&world.config.keys(), URL, NOW).unwrap();
    let high =
        derive_kid(ring.active_common_key().1, &ContentId::of_movie(MOVIE), &"main/720".parse().unwrap(), 0);
    let start = json!({"value": 0, "timescale": 1});
    let kids = [key(&world, MOVIE, 0).0, key(&world, MOVIE, 1).0];
    let of = |period: usize| json!({"kid": kids[period].to_string(), "period": period, "start": start});
    pack["protection"]["keys"] = json!([of(0), of(1),
        {"kid": high.to_string(), "period": 0, "start": start, "label": "main/720"}]);
    pack["protection"]["segments_per_key"] = 1.into();
    pack["representations"][0]["label"] = "main/720".into();
    std::fs::write(&path, pack.to_string()).unwrap();

    let mpd = get(&world, &signed(&world, Form::Dash, NOW + 1000).await).await;
    assert!(!mpd.text().contains("height=") && mpd.text().contains("audio/mp4"), "{}", mpd.text());
    let url = license_url(mpd.text()).unwrap();
    assert_eq!(ask(&world, &url, &request(&[high])).await.status, 403);
    let both = ask(&world, &url, &request(&kids[..1])).await;
    assert_eq!(both.json::<Value>()["keys"].as_array().unwrap().len(), 2);
}
