//! A content whose forms of delivery have keys and policies of their own: by which keys players of others are
//! served.

use super::clear_films::{FILM, add, common_key, get, signed, sources, world};
use super::client::{Client, id, rsa};
use super::grants;
use super::interop::{license_url, request};
use super::policies::{set_policy, write_policies};
use super::world::{HOST, MOVIE, NOW, OTHER_MOVIE, Reply, URL, World, account_id};
use axum::body::Body;
use axum::http::Request;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cenc::{Cek, ContentId, Kid, Label, derive_cek, derive_kid};
use license::KeyName;
use nccp::{ErrorCode, RequestMessage, ResponseMessage};
use serde_json::Value;
use server::keys::{self, KeyKind};
use server::store::{AuditFilter, Store as _};
use server::{Clock, Service};
use std::sync::Arc;

const POLICIES: &str = "[open]\ninterop = { clearkey = true, hls_keys = true }\n";

/// The first key of a content id under the first common key.
fn key(world: &World, content: &str) -> (Kid, Cek) {
    let (common, content) = (common_key(world, "ck-1"), content.parse::<ContentId>().unwrap());
    let label = Label::default();
    (derive_kid(&common, &content, &label, 0), derive_cek(&common, &content, &label, 0))
}

async fn clear_key(world: &World, url: &str, kid: Kid, headers: &[(&str, &str)]) -> Reply {
    let mut all = vec![("content-type", "application/json")];
    all.extend_from_slice(headers);
    world.request("POST", url, &all, request(&[kid]).to_string().as_bytes()).await
}

async fn set_plan(world: &World, plan: &str) {
    let account = account_id(world).await;
    let mut tx = world.store.begin().await.unwrap();
    tx.set_plan(account, plan, "").await.unwrap();
    tx.commit().await.unwrap();
}

/// The key in an answer of ClearKey.
fn given(reply: &Reply) -> Vec<u8> {
    assert_eq!(reply.status, 200, "{}", reply.text());
    URL_SAFE_NO_PAD.decode(reply.json::<Value>()["keys"][0]["k"].as_str().unwrap()).unwrap()
}

/// The policy and the keys are those of the manifest's form, whether a movie names the content or not.
#[tokio::test]
async fn clear_key_is_of_the_manifests_form() {
    for named in [true, false] {
        let sources = sources(&["films/a"]);
        let own = "[encryption.dash]\npolicy = \"open\"\ncontent_id = \"of-dash\"\n";
        let world = world(&sources, own).await;
        write_policies(&world, POLICIES);
        if named {
            add(&world, "films/a", None, FILM).await;
        }
        let mpd = get(&world, &signed(&world, "/s/vod/films/a/stream.mpd"), &[]).await;
        let url = license_url(mpd.text()).expect("ClearKey is named");
        let (kid, cek) = key(&world, "of-dash");
        assert!(given(&clear_key(&world, &url, kid, &[]).await) == cek.expose());
        assert_eq!(clear_key(&world, &url, key(&world, "films/a").0, &[]).await.status, 404);
        // The other forms have another policy.
        let master = get(&world, &signed(&world, "/s/vod/films/a/master.m3u8"), &[]).await;
        let playlist =
            master.text().lines().find(|line| !line.starts_with('#') && line.contains(".m3u8?")).unwrap();
        let media = get(&world, playlist, &[]).await;
        assert_eq!(media.status, 200);
        assert!(!media.text().contains("org.w3.clearkey"), "{}", media.text());
    }
}

/// The same of HLS, whose media playlists name the keys, with the revision and without one.
#[tokio::test]
async fn hls_keys_are_of_the_manifests_form() {
    let sources = sources(&["films/a"]);
    // The keys are those of the other forms, the policy is not.
    let world = world(&sources, "[encryption.hls]\npolicy = \"open\"\n").await;
    write_policies(&world, POLICIES);
    add(&world, "films/a", None, FILM).await;
    let master = get(&world, &signed(&world, "/s/vod/films/a/master.m3u8"), &[]).await;
    let revised = master
        .text()
        .lines()
        .find(|line| !line.starts_with('#') && line.contains(".m3u8?"))
        .unwrap()
        .to_owned();
    let path = revised.split('?').next().unwrap();
    let revision = path.split('/').nth(3).unwrap();
    let without = signed(&world, &path.replace(&format!("/{revision}/"), "/"));
    let (kid, cek) = key(&world, "films/a");
    for playlist in [revised, without] {
        let media = get(&world, &playlist, &[]).await;
        assert_eq!(media.status, 200, "{playlist}");
        let line = media.text().lines().find(|line| line.contains("KEYFORMAT=\"identity\"")).expect("a key");
        let url = line.split("URI=\"").nth(1).unwrap().split('"').next().unwrap();
        let reply = get(&world, url.strip_prefix(URL).unwrap(), &[]).await;
        assert!(reply.status == 200 && reply.body[..] == cek.expose()[..], "{kid} {}", reply.status);
    }
}

/// A player of others has the keys of its manifest: it gets a license for them, by that form's rules.
#[tokio::test]
async fn a_license_is_given_for_the_keys_of_any_form() {
    let sources = sources(&["films/a"]);
    let own = "[encryption.dash]\npolicy = \"48h\"\ncontent_id = \"of-dash\"\n[encryption.hls]\ncontent_id = \"of-hls\"\n";
    let world = world(&sources, own).await;
    add(&world, "films/a", None, FILM).await;
    let mut client = Client::registered(&world).await;
    let name = |content: &str| KeyName {
        kid: key(&world, content).0,
        common_key_id: "ck-1".to_owned(),
        label: Label::default().to_string(),
        period: 0,
    };
    for (content, policy) in [("films/a", "24h"), ("of-dash", "48h"), ("of-hls", "24h")] {
        let asked = client.unsigned_challenge(&world, FILM, vec![name(content)]);
        let challenge = client.sign_challenge(&asked);
        let message = RequestMessage::License { stream_id: id(FILM), challenge: challenge.clone() };
        let ResponseMessage::License { license, .. } = client.one(&world, message).await.unwrap() else {
            panic!("no license of {content}")
        };
        let opened = client.open(&world, &license, &challenge).await.unwrap();
        assert_eq!(
            (opened.license().policy.name.as_str(), content),
            (policy, opened.license().content_id.as_str())
        );
        let keys = opened.open_with_rsa(rsa()).unwrap();
        assert!(
            keys.len() == 1 && keys[0].0 == key(&world, content).0 && keys[0].1 == key(&world, content).1
        );
    }
    // Neither those of no form, nor of two at once.
    for keys in [vec![name("other")], vec![name("of-dash"), name("of-hls")]] {
        let challenge = client.sign_challenge(&client.unsigned_challenge(&world, FILM, keys));
        let message = RequestMessage::License { stream_id: id(FILM), challenge };
        assert_eq!(client.one(&world, message).await, Err(ErrorCode::ChallengeInvalid));
    }
}

/// Where Matinee's own players are not served, a license is given for the keys that a manifest of others
/// names, and for no others.
#[tokio::test]
async fn a_license_where_own_players_are_not_served() {
    let sources = sources(&["films/a"]);
    let world = world(&sources, "[encryption.own]\nscope = \"content\"\n").await;
    add(&world, "films/a", None, FILM).await;
    let mut client = Client::registered(&world).await;
    let kid = key(&world, "films/a").0;
    let name = KeyName { kid, common_key_id: "ck-1".to_owned(), label: "main".to_owned(), period: 0 };
    for (keys, code) in [(vec![name], None), (vec![], Some(ErrorCode::MovieNotAvailable))] {
        let challenge = client.sign_challenge(&client.unsigned_challenge(&world, FILM, keys));
        let message = RequestMessage::License { stream_id: id(FILM), challenge };
        assert_eq!(client.one(&world, message).await.err(), code);
    }
    let message = RequestMessage::Authorization { movie_id: id(FILM) };
    assert_eq!(client.one(&world, message).await, Err(ErrorCode::MovieNotAvailable));
}

/// B36: a form that covers nothing says nothing of a revision; a file that cannot be read might.
#[tokio::test]
async fn b36_an_unknown_revision_is_gone() {
    let sources = sources(&["films/a"]);
    let world = world(&sources, "[encryption.hls]\nscope = \"content\"\n").await;
    let unknown = "/s/vod/r00000000/films/a/541/1811192541.mp4";
    let status = async |path: &str| get(&world, &signed(&world, path), &[]).await.status.as_u16();
    assert_eq!(status("/s/vod/films/a/stream.mpd").await, 200);
    assert_eq!((status("/s/vod/films/a/master.m3u8").await, status(unknown).await), (503, 410));
    std::fs::write(sources.path().join("films/matinee.toml"), "[encryption.hls]\nlevel = \"lo\"\n").unwrap();
    world.set_clock(NOW + 31);
    assert_eq!(status(unknown).await, 503);
    assert_eq!(status("/s/vod/films/a/stream.mpd").await, 200);
}

/// In place of a manifest's token: the ticket of a device, for the movie, as far as a license would be given.
#[tokio::test]
async fn keys_by_a_ticket() {
    let sources = sources(&["films/a"]);
    let world = world(&sources, "[encryption.dash]\ncontent_id = \"of-dash\"\n").await;
    write_policies(&world, POLICIES);
    add(&world, "films/a", None, FILM).await;
    set_policy(&world, FILM, "open").await;
    let client = Client::registered(&world).await;
    let ticket = client.ticket.clone().unwrap();
    let url = format!("/interop/clearkey?movie={FILM}");
    let by = [("x-cticket", ticket.as_str()), ("origin", "https://other.example")];
    for content in ["films/a", "of-dash"] {
        let (kid, cek) = key(&world, content);
        let reply = clear_key(&world, &url, kid, &by).await;
        assert!(given(&reply) == cek.expose());
        assert_eq!(reply.header("access-control-allow-origin"), "*");
        let hls = get(&world, &format!("/interop/hls-key/{kid}?movie={FILM}"), &by).await;
        assert!(hls.status == 200 && hls.body[..] == cek.expose()[..]);
    }
    let preflight = world.request("OPTIONS", &url, &[("origin", "https://other.example")], b"").await;
    assert!(preflight.header("access-control-allow-headers").contains("X-CTicket"));
    let filter = AuditFilter { movie: Some(FILM), most: 10, ..AuditFilter::default() };
    let entries = world.store.read().await.unwrap().audited(&filter).await.unwrap();
    let device = client.device.as_ref().unwrap().as_str();
    let of_device = |action: &str| {
        let mut of = entries.iter().map(|e| &e.entry);
        of.any(|e| e.action == action && e.result == "done" && e.device.as_deref() == Some(device))
    };
    assert!(of_device("interop clearkey") && of_device("interop hls-key"));

    let kid = key(&world, "films/a").0;
    let status = async |url: &str, headers: &[(&str, &str)]| {
        clear_key(&world, url, kid, headers).await.status.as_u16()
    };
    assert_eq!(status(&url, &[]).await, 401);
    assert_eq!(status(&url, &[("x-cticket", "forged")]).await, 401);
    assert_eq!(status("/interop/clearkey", &by).await, 403, "of no movie");
    assert_eq!(status("/interop/clearkey?movie=999", &by).await, 404);
    assert_eq!(clear_key(&world, &url, key(&world, "other").0, &by).await.status, 404);
    set_policy(&world, FILM, "24h").await;
    assert_eq!(status(&url, &by).await, 403, "the policy gives none");
    set_policy(&world, FILM, "open").await;
    assert_eq!(status(&url, &by).await, 200);
    set_plan(&world, "none").await;
    assert_eq!(status(&url, &by).await, 403, "the plan has no films");
    set_plan(&world, "unlimited").await;
    // The device registers anew: the ticket before is none any more.
    let mut again = client;
    again.register(&world).await.unwrap();
    assert_eq!(status(&url, &by).await, 403);
    let by = [("x-cticket", again.ticket.as_deref().unwrap())];
    assert_eq!(status(&url, &by).await, 200);
    world.set_clock(NOW + 40 * 86_400);
    assert_eq!(status(&url, &by).await, 403, "it is over");
}

/// Or a grant, which a backend got for somebody.
#[tokio::test]
async fn keys_by_a_grant() {
    let (world, api_key) = grants::world().await;
    write_policies(&world, POLICIES);
    let (movie, other) = (MOVIE, OTHER_MOVIE);
    set_policy(&world, movie, "open").await;
    set_policy(&world, other, "open").await;
    let grant = format!("Bearer {}", grants::grant(&world, &api_key, &grants::body()).await);
    let status = async |movie: u64, grant: &str, origin: &str| {
        let kid = key(&world, ContentId::of_movie(movie).as_str()).0;
        let headers = [("authorization", grant), ("origin", origin)];
        let url = format!("/interop/clearkey?movie={movie}");
        clear_key(&world, &url, kid, &headers).await.status.as_u16()
    };
    assert_eq!(status(movie, &grant, grants::SCHOOL).await, 200);
    assert_eq!(status(other, &grant, grants::SCHOOL).await, 403, "another movie");
    assert_eq!(status(movie, &grant, "https://other.example").await, 403, "another page");
    assert_eq!(status(movie, "Bearer a-1.forged", grants::SCHOOL).await, 403);
    world.set_clock(NOW + 301);
    assert_eq!(status(movie, &grant, grants::SCHOOL).await, 403, "it is over");
}

/// The path and token of the film's first file, as the manifest for Matinee's own players names it.
async fn first_url(client: &mut Client, world: &World) -> String {
    let manifest = super::drm::manifest(client, world, FILM).await;
    manifest.downloadables[0].urls[0].url.strip_prefix(URL).unwrap().to_owned()
}

/// B36, B74: other settings make another revision, and the one before is served on, by a server that starts
/// anew, too, until its common key is retired. What was clear is not served on in the clear.
#[tokio::test]
async fn b36_b74_a_revision_outlives_its_settings() {
    let sources = sources(&["films/a"]);
    let write = |text: &str| std::fs::write(sources.path().join("films/matinee.toml"), text).unwrap();
    write("[encryption.own]\nenabled = false\n");
    let world = world(&sources, "[encryption.own]\nscope = \"content\"\n").await;
    add(&world, "films/a", None, FILM).await;
    let mut client = Client::registered(&world).await;
    let clear = first_url(&mut client, &world).await;
    assert_eq!(get(&world, &clear, &[]).await.status, 200);
    write("[encryption.own]\nlevel = \"low\"\nrotate = 1\n");
    world.set_clock(NOW + 31);
    let old = first_url(&mut client, &world).await;
    let before = get(&world, &old, &[]).await;
    assert_eq!((before.status.as_u16(), get(&world, &clear, &[]).await.status.as_u16()), (200, 410));

    write("[encryption.own]\ncontent_id = \"another\"\n");
    world.set_clock(NOW + 62);
    let new = first_url(&mut client, &world).await;
    let again = get(&world, &old, &[]).await;
    assert!(again.body == before.body && again.header("etag") == before.header("etag"));
    assert!(get(&world, &new, &[]).await.body != before.body);
    let (clock, _) = Clock::manual(world.now());
    let restarted = Service::with_store(world.config.clone(), clock, world.store.clone()).unwrap();
    let router = server::router(Arc::new(restarted));
    let request = Request::get(&old).header("host", HOST).body(Body::empty()).unwrap();
    let restarted = world.send_to(&router, request).await;
    assert!(restarted.status == 200 && restarted.body == before.body);

    keys::rotate(&world.config.keys(), URL, KeyKind::Common, None, true, NOW).unwrap();
    world.service.reload().unwrap();
    assert_eq!(get(&world, &old, &[]).await.status, 200);
    keys::retire(&world.config.keys(), KeyKind::Common, "ck-1").unwrap();
    world.service.reload().unwrap();
    for gone in [old, new] {
        assert_eq!(get(&world, &gone, &[]).await.status, 410);
    }
}
