//! Attacks. First the study's table "What happens if you try to break the security?", a row each; then those
//! of every web service.

use super::client::{Client, id, outcome};
use super::world::{EMAIL, MOVIE, NOW, PASSWORD, URL, VIDEO, World};
use nccp::{ErrorCode, RequestMessage, ResponseMessage};
use server::{Clock, Config, Service, accounts};
use std::sync::Arc;

fn authorization() -> RequestMessage {
    RequestMessage::Authorization { movie_id: id(MOVIE) }
}

/// "Share account credentials: only up to 6 devices will be allowed." "Attempt to authorize more than 6
/// devices: authorization will be rejected, and movie won't play." A9, A53.
#[tokio::test]
async fn sharing_an_account() {
    let world = World::new().await;
    for n in 0..6 {
        let mut friend = Client::registered(&world).await;
        assert!(friend.one(&world, authorization()).await.is_ok(), "{n}");
    }
    let cookies = world.login().await;
    let mut seventh = Client::new(&world, &cookies).await;
    let messages = [seventh.register_message(), authorization()];
    let answers = seventh.call(&world, &messages).await.unwrap();
    assert!(answers.iter().all(|answer| *answer == Err(ErrorCode::DeviceLimitReached)), "{answers:?}");
    assert_eq!(world.device_count().await, 6);
}

/// "Playback from an unauthorized device: the device will be authorized automatically." A52.
#[tokio::test]
async fn a_new_device_plays_without_asking_anybody() {
    let world = World::new().await;
    let cookies = world.login().await;
    let mut client = Client::new(&world, &cookies).await;
    let messages = [client.register_message(), authorization()];
    let answers = client.call(&world, &messages).await.unwrap();
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
}

/// "De-authorize a device after playback starts: device will play movies for 12 hours, then be re-authorized
/// (up to 6 devices)." A54.
#[tokio::test]
async fn a_removed_device_plays_for_twelve_hours() {
    let world = World::new().await;
    let mut client = Client::registered(&world).await;
    let body = serde_json::json!({"device_id": client.device}).to_string();
    assert_eq!(world.post_json("/Player/unregister_device", &client.cookies, &body).await.status, 204);
    assert_eq!(world.device_count().await, 0);
    world.set_clock(NOW + 12 * 3600 - 1);
    let license =
        RequestMessage::License { stream_id: id(MOVIE), challenge: client.challenge(&world, MOVIE) };
    assert!(client.one(&world, license).await.is_ok());
    world.set_clock(NOW + 12 * 3600);
    assert_eq!(client.one(&world, authorization()).await, Err(ErrorCode::TicketExpired));
    let device_id = client.device.clone().unwrap();
    client.one(&world, RequestMessage::AuthenticationRenewal { device_id }).await.unwrap();
    assert_eq!(world.device_count().await, 1);
    assert!(client.one(&world, authorization()).await.is_ok());
}

/// "Access video files directly (via web): content will be DRM protected." The files come from whoever has
/// the URL; what is in them is for the packager's tests. "Somehow acquire the DRM license key: the key will
/// be valid for just a single device; no other device will accept it." A77, A99.
#[tokio::test]
async fn a_url_is_open_and_a_license_is_not() {
    let world = World::new().await;
    let mut client = Client::registered(&world).await;
    let Ok(ResponseMessage::Authorization(manifest)) = client.one(&world, authorization()).await else {
        panic!()
    };
    let url = manifest.downloadables.iter().find(|d| d.id == VIDEO).unwrap().urls[0].url.clone();
    world.come_from("203.0.113.200");
    assert_eq!(world.get(url.strip_prefix(URL).unwrap(), "").await.status, 200);
    let challenge = client.challenge(&world, MOVIE);
    let message = RequestMessage::License { stream_id: id(MOVIE), challenge: challenge.clone() };
    let Ok(ResponseMessage::License { license, .. }) = client.one(&world, message).await else { panic!() };
    assert!(client.open(&world, &license, &challenge).await.is_ok());
    let thief = Client::registered(&world).await;
    assert!(thief.open(&world, &license, &challenge).await.is_err(), "another device");
    let own = thief.challenge(&world, MOVIE);
    assert!(thief.open(&world, &license, &own).await.is_err(), "another challenge");
    assert!(client.open(&world, &license, &client.challenge(&world, MOVIE)).await.is_err(), "used before");
}

/// A ticket of another server, a cut one, a stolen one without its key, and a signature of another request.
#[tokio::test]
async fn tickets_and_signatures_cannot_be_carried_over() {
    let (world, elsewhere) = (World::new().await, World::new().await);
    let mut client = Client::registered(&world).await;
    let foreign = Client::registered(&elsewhere).await;
    let own = client.ticket.clone().unwrap();
    for ticket in [foreign.ticket.as_deref().unwrap(), &own[..own.len() - 1], &own[1..], "", "=", "'; --"] {
        client.ticket = Some(ticket.to_owned());
        let body = client.seal(&world, &[RequestMessage::Queue]);
        assert_eq!(client.post(&world, &body).await.status, 401, "{ticket}");
    }
    client.ticket = Some(own.clone());
    // Stolen: ticket, cookies and device id, but not the key.
    let mut thief = Client::new(&world, &client.cookies).await;
    thief.ticket = Some(own.clone());
    thief.device = client.device.clone();
    thief.go_on_from(100);
    let body = thief.seal(&world, &[authorization()]);
    assert_eq!(thief.post(&world, &body).await.status, 401);
    // A signature of another request of the same device.
    let (first, second) =
        (client.seal(&world, &[RequestMessage::Queue]), client.seal(&world, &[authorization()]));
    let signature = client.sign(first.as_bytes(), &own);
    let headers = [
        ("content-type", "application/xml"),
        ("x-cticket", own.as_str()),
        ("x-nccp-signature", signature.as_str()),
    ];
    assert_eq!(world.request("POST", "/nccp/controller", &headers, second.as_bytes()).await.status, 401);
    // Delayed and reordered ones are heard once each; a repeat is not.
    assert!(outcome(&client.post(&world, &second).await).is_ok());
    assert!(outcome(&client.post(&world, &first).await).is_ok());
    assert_eq!(outcome(&client.post(&world, &first).await), Err(ErrorCode::SequenceOutOfOrder));
    world.set_clock(NOW + 301);
    let late = client.seal_as(&world, client.drawn() + 1, &[RequestMessage::Queue]);
    world.set_clock(NOW + 602);
    assert_eq!(outcome(&client.post(&world, &late).await), Err(ErrorCode::ClockSkew));
}

/// A47: two servers that share their keys take each other's tickets; one that does not, does not.
#[tokio::test]
async fn a47_servers_that_share_secrets() {
    let world = World::new().await;
    let mut client = Client::registered(&world).await;
    let (clock, _) = Clock::manual(NOW);
    let twin = Service::with_store(world.config.clone(), clock, world.store.clone()).unwrap();
    let body = client.seal(&world, &[authorization()]);
    let ticket = client.ticket.clone().unwrap();
    let signature = client.sign(body.as_bytes(), &ticket);
    let request = axum::http::Request::post("/nccp/controller")
        .header("content-type", "application/xml")
        .header("x-cticket", &ticket)
        .header("x-nccp-signature", &signature)
        .body(body.into())
        .unwrap();
    let reply = world.send_to(&server::router(Arc::new(twin)), request).await;
    assert!(outcome(&reply).unwrap()[0].is_ok());
}

/// Every key of the site changes while the server runs: what was given out before stays good, until the old
/// keys are retired.
#[tokio::test]
async fn keys_change_while_the_server_runs() {
    use server::keys::{self, KeyKind, KeyState};
    let world = World::new().await;
    let folder = world.config.keys();
    let mut client = Client::registered(&world).await;
    let old_ticket = client.ticket.clone().unwrap();
    let Ok(ResponseMessage::Authorization(manifest)) = client.one(&world, authorization()).await else {
        panic!()
    };
    let old_url = manifest.downloadables[0].urls[0].url.strip_prefix(URL).unwrap().to_owned();
    let rotate = |kind, typ| keys::rotate(&folder, URL, kind, typ, false, NOW).unwrap();
    for step in [KeyState::Next, KeyState::Active] {
        for kind in [KeyKind::SiteCa, KeyKind::Ticket, KeyKind::Media, KeyKind::Common] {
            assert_eq!(rotate(kind, None)[0].state, step);
        }
        for typ in license::Typ::OF_SIGNERS {
            assert_eq!(rotate(KeyKind::Signer, Some(typ.name()))[0].state, step);
        }
        world.service.reload().unwrap();
        // Ticket, certificate, film and URL are of the old keys, the license is of the new ones.
        client.one(&world, authorization()).await.unwrap();
        assert_eq!(world.get(&old_url, "").await.status, 200);
        let challenge = client.challenge(&world, MOVIE);
        let message = RequestMessage::License { stream_id: id(MOVIE), challenge: challenge.clone() };
        let Ok(ResponseMessage::License { license, .. }) = client.one(&world, message).await else {
            panic!()
        };
        client.open(&world, &license, &challenge).await.unwrap();
    }
    let device_id = client.device.clone().unwrap();
    client.one(&world, RequestMessage::AuthenticationRenewal { device_id }).await.unwrap();
    for key in keys::list(&folder).unwrap().iter().filter(|key| key.state == KeyState::VerifyOnly) {
        // The film was packaged with that one.
        if key.kind != KeyKind::Common {
            keys::retire(&folder, key.kind, &key.id).unwrap();
        }
    }
    world.service.reload().unwrap();
    assert_eq!(world.get(&old_url, "").await.status, 403, "its key is gone");
    let new_ticket = client.ticket.replace(old_ticket).unwrap();
    let body = client.seal(&world, &[RequestMessage::Queue]);
    assert_eq!(client.post(&world, &body).await.status, 401, "its key is gone");
    client.ticket = Some(new_ticket);
    client.one(&world, RequestMessage::Queue).await.unwrap();
    // Damage leaves what was there.
    std::fs::write(folder.join("ticket-00000000.toml"), "nonsense").unwrap();
    assert!(world.service.reload().is_err());
    client.one(&world, RequestMessage::Queue).await.unwrap();
}

/// Session fixation: a login never takes over what the browser brought.
#[tokio::test]
async fn sessions_cannot_be_planted() {
    let world = World::new().await;
    let planted = world.add_account("eve@example.org", "unlimited").await;
    let reply = world.try_login(EMAIL, PASSWORD, &planted).await;
    let own = reply.cookie_pairs();
    for pair in planted.split("; ") {
        assert!(!own.contains(pair), "a cookie was kept");
    }
    let library: nccp::json::Library = world.get("/api/library", &planted).await.json();
    assert_eq!(library.email, "eve@example.org");
    // Half of one session and half of another are none.
    let id = |cookies: &str| cookies.split("; ").next().unwrap().to_owned();
    let secret = |cookies: &str| cookies.split("; ").nth(1).unwrap().to_owned();
    let mixed = format!("{}; {}", id(&own), secret(&planted));
    assert_eq!(world.get("/api/library", &mixed).await.status, 401);
}

/// Cross-site requests: every route that changes something refuses foreign origins and `null`, with valid
/// cookies too.
#[tokio::test]
async fn every_changing_route_refuses_other_sites() {
    let world = World::new().await;
    let cookies = world.login().await;
    let queue = format!("/api/queue/{MOVIE}");
    let vote = format!("/api/votes/{MOVIE}");
    for (method, path) in [
        ("POST", "/login"),
        ("POST", "/logout"),
        ("POST", "/playerevent"),
        ("POST", "/activate"),
        ("POST", "/account/password"),
        ("DELETE", "/api/sessions"),
        ("POST", "/Player/unregister_device"),
        ("PUT", queue.as_str()),
        ("DELETE", queue.as_str()),
        ("PUT", vote.as_str()),
        ("DELETE", vote.as_str()),
        ("POST", "/nccp/controller"),
        ("POST", "/license"),
    ] {
        for foreign in [
            &[("origin", "https://evil.example")][..],
            &[("origin", "null")],
            &[("origin", "http://localhost:8080.evil.example")],
            &[("sec-fetch-site", "cross-site")],
            &[("origin", "https://evil.example"), ("sec-fetch-site", "same-origin")],
        ] {
            let headers =
                [&[("cookie", cookies.as_str()), ("content-type", "application/json")], foreign].concat();
            let reply = world.request(method, path, &headers, b"{}").await;
            assert_eq!(reply.status, 403, "{method} {path} {foreign:?}");
            assert!(reply.header("access-control-allow-origin").is_empty());
        }
    }
    assert_eq!(world.get("/api/library", &cookies).await.status, 200, "still signed in");
}

/// CORS, CSP and clientaccesspolicy.xml follow one list. A25.
#[tokio::test]
async fn a25_listed_origins_may_read_and_no_others() {
    let world = World::with("embedders = [\"https://partner.example\"]").await;
    let preflight = async |origin: &str| {
        let headers = [("origin", origin), ("access-control-request-method", "POST")];
        world.request("OPTIONS", "/nccp/controller", &headers, b"").await
    };
    let allowed = preflight("https://partner.example").await;
    assert_eq!(allowed.status, 204);
    assert_eq!(allowed.header("access-control-allow-origin"), "https://partner.example");
    assert_eq!(allowed.header("access-control-allow-credentials"), "true");
    assert!(allowed.header("access-control-allow-headers").contains("X-NCCP-Signature"));
    assert_eq!(allowed.header("vary"), "Origin");
    for origin in
        ["https://evil.example", "null", "https://partner.example.evil.example", "http://partner.example"]
    {
        let refused = preflight(origin).await;
        assert!(refused.headers.keys().all(|name| !name.as_str().starts_with("access-control")), "{origin}");
    }
    let headers = [("origin", "https://partner.example"), ("sec-fetch-site", "cross-site")];
    let read = world.request("GET", "/api/library", &headers, b"").await;
    assert_eq!(
        (read.status.as_u16(), read.header("access-control-allow-origin")),
        (401, "https://partner.example")
    );
    assert!(read.header("content-security-policy").contains("frame-ancestors 'none';"));
    let list = world.get("/clientaccesspolicy.xml", "").await;
    assert!(
        list.text().contains("<domain uri=\"https://partner.example\"/>") && !list.text().contains("\"*\"")
    );
}

/// XML that means harm: answered with 400 or 413, at once, and the service keeps running.
#[tokio::test]
async fn hostile_xml() {
    let world = World::new().await;
    let open = r#"<r:request xmlns:r="urn:matinee:nccp:1" sequence="9" time="1""#;
    let attributes: String = (0..1_000_000).map(|n| format!(" a{n}=\"\"")).collect();
    let some: String = (0..10_000).map(|n| format!(" a{n}=\"\"")).collect();
    let utf16: Vec<u8> =
        format!("{open}><r:ping/></r:request>").encode_utf16().flat_map(u16::to_le_bytes).collect();
    let bodies: Vec<(&str, Vec<u8>)> = vec![
        ("entity", format!("<!DOCTYPE x [<!ENTITY e SYSTEM \"file:///etc/passwd\">]>{open}><r:ping>&e;</r:ping></r:request>").into()),
        ("laughs", b"<!DOCTYPE l [<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;&a;&a;\">]><l>&b;</l>".to_vec()),
        ("unknown entity", format!("{open}><r:ping>&e;</r:ping></r:request>").into()),
        ("instruction", format!("<?php x?>{open}><r:ping/></r:request>").into()),
        ("nested", format!("{open}>{}", "<r:ping>".repeat(30_000)).into()),
        ("a million attributes", format!("{open}{attributes}><r:ping/></r:request>").into()),
        ("attributes", format!("{open}{some}").into()),
        ("UTF-16", utf16),
        ("other encoding", format!("<?xml version=\"1.0\" encoding=\"UTF-16\"?>{open}><r:ping/></r:request>").into()),
        ("no UTF-8", [open.as_bytes(), b"\xff\xfe><r:ping/></r:request>"].concat()),
        ("null", [open.as_bytes(), b"><r:ping>\0</r:ping></r:request>"].concat()),
        ("compressed", vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3]),
        ("many messages", format!("{open}>{}</r:request>", "<r:ping/>".repeat(17)).into()),
        ("unclosed", format!("{open}><r:ping>").into()),
    ];
    for (name, body) in bodies {
        let headers = [("content-type", "application/xml")];
        let begun = std::time::Instant::now();
        let reply = world.request("POST", "/nccp/controller", &headers, &body).await;
        assert!([400, 413].contains(&reply.status.as_u16()), "{name}: {}", reply.status);
        assert!(begun.elapsed().as_secs() < 20, "{name}");
    }
    for (name, value) in [
        ("content-encoding", "gzip"),
        ("content-type", "text/html"),
        ("content-type", "application/xml; charset=utf-16"),
    ] {
        let headers = [(name, value), ("content-type", "application/xml")];
        let headers = if name == "content-type" { &headers[..1] } else { &headers[..] };
        assert_eq!(world.request("POST", "/nccp/controller", headers, b"<x/>").await.status, 415, "{value}");
    }
    // An endless body without a length is cut off.
    let endless = axum::body::Body::from_stream(tokio_stream_of_spaces());
    let request = axum::http::Request::post("/nccp/controller").header("content-type", "application/xml");
    assert_eq!(world.send(request.body(endless).unwrap()).await.status, 413);
}

fn tokio_stream_of_spaces() -> tokio_util::io::ReaderStream<tokio::io::Repeat> {
    tokio_util::io::ReaderStream::new(tokio::io::repeat(b' '))
}

/// Metacharacters of SQL, XML, HTML, headers and paths: taken as text or refused, never obeyed.
#[tokio::test]
async fn metacharacters_everywhere() {
    let world = World::new().await;
    let mut client = Client::registered(&world).await;
    let nasty = [
        "' OR '1'='1",
        "'; DROP TABLE accounts; --",
        "\" OR \"\"=\"",
        "$1",
        "%27",
        "\\",
        "<script>",
        "&amp;",
        "]]>",
        "a\r\nSet-Cookie: x=y",
        "\u{202e}",
        "ｆｕｌｌ",
        "../../etc/passwd",
        "\0",
        "{{7*7}}",
    ];
    for text in nasty {
        assert_eq!(world.try_login(text, text, "").await.status, 401, "{text:?}");
        assert_eq!(world.try_login(&format!("{EMAIL}{text}"), PASSWORD, "").await.status, 401, "{text:?}");
        let event = serde_json::json!({"movie_id": MOVIE, "event": "error", "code": text}).to_string();
        assert_eq!(world.post_json("/playerevent", &client.cookies, &event).await.status, 204, "{text:?}");
        let device = serde_json::json!({"device_id": text}).to_string();
        let removed = world.post_json("/Player/unregister_device", &client.cookies, &device).await;
        assert!([400, 404].contains(&removed.status.as_u16()), "{text:?}: {}", removed.status);
        let code = serde_json::json!({"code": format!("Q{text}"), "confirm": true}).to_string();
        let reply = world.post_json("/activate", &client.cookies, &code).await;
        assert!([404, 429].contains(&reply.status.as_u16()), "{text:?}: {}", reply.status);
        let header: String = text.chars().filter(|c| c.is_ascii_graphic() || *c == ' ').collect();
        for name in
            ["cookie", "x-cticket", "x-nccp-signature", "origin", "range", "if-none-match", "accept-encoding"]
        {
            let reply = world.request("GET", "/library", &[(name, &header)], b"").await;
            assert!(reply.status.as_u16() < 600 && reply.header("set-cookie").is_empty(), "{name}: {text:?}");
        }
        let encoded: String = text.bytes().map(|b| format!("%{b:02x}")).collect();
        for path in
            [format!("/art/{encoded}/{encoded}"), format!("/assets/{encoded}"), format!("/s/0/541/{encoded}")]
        {
            let status = world.get(&path, "").await.status.as_u16();
            assert!((400..500).contains(&status), "{path}: {status}");
        }
    }
    // A name is kept as it was given, and does no harm.
    let name = "Robert'); DROP TABLE devices;--";
    let RequestMessage::Register(mut register) = client.register_message() else { panic!() };
    register.name = name.to_owned();
    client.one(&world, RequestMessage::Register(register)).await.unwrap();
    let devices: nccp::json::Devices = world.get("/api/devices", &client.cookies).await.json();
    assert_eq!(devices.devices[0].name, name);
    assert_eq!(accounts::list(&*world.store).await.unwrap().len(), 1);
}

/// A configuration must not be able to end a header.
#[test]
fn configured_origins_are_clean() {
    for origin in
        ["https://a.example\nX: y", "https://a.example *", "https://a.example;", "https://a.example'"]
    {
        let quoted = serde_json::to_string(origin).unwrap();
        assert!(Config::parse(&format!("embedders = [{quoted}]")).is_err(), "{origin}");
    }
}
