//! Somebody knows the password, or has a browser of the account; the subscriber notices.

use crate::boxes::{code, enter, poll, provisioned};
use crate::client::{Client, id};
use crate::world::{EMAIL, HOST, MOVIE, NOW, PASSWORD, Reply, World};
use axum::body::Body;
use axum::http::Request;
use nccp::json::Sessions;
use nccp::{Activation, ErrorCode, RequestMessage};
use server::accounts;
use std::sync::Arc;

const NEW: &str = "battery staple";
const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";

fn renewal(client: &Client) -> RequestMessage {
    RequestMessage::AuthenticationRenewal { device_id: client.device.clone().unwrap() }
}

async fn activated(world: &World, cookies: &str) -> Client {
    let mut tv = provisioned(world, "0001");
    let typed = code(&mut tv, world).await;
    assert_eq!(enter(world, cookies, &typed, true).await.status, 200);
    assert!(matches!(poll(&mut tv, world).await, Ok(Activation::Registered(_))));
    tv
}

/// Neither a renewal nor a license is had with the ticket.
async fn is_over(client: &mut Client, world: &World) {
    for message in [renewal(client), RequestMessage::Authorization { movie_id: id(MOVIE) }] {
        assert_eq!(client.one(world, message).await, Err(ErrorCode::SequenceOutOfOrder));
    }
    let challenge = client.challenge(world, MOVIE);
    let headers = [("content-type", "application/cose"), ("x-cticket", client.ticket.as_deref().unwrap())];
    let reply = world.request("POST", "/license", &headers, &challenge).await;
    assert!(reply.status == 403 && reply.text().contains("SEQUENCE_OUT_OF_ORDER"), "{}", reply.text());
}

async fn change(world: &World, cookies: &str, old: &str, new: &str, keep_boxes: bool) -> Reply {
    let body = serde_json::json!({"old_password": old, "new_password": new, "keep_boxes": keep_boxes});
    world.post_json("/account/password", cookies, &body.to_string()).await
}

async fn sessions(world: &World, cookies: &str) -> Sessions {
    world.get("/api/sessions", cookies).await.json()
}

/// A request of which the body takes its time is worth what its session is worth at its end.
#[tokio::test]
async fn a_body_that_outlasts_its_session() {
    for path in ["/activate", "/Player/unregister_device", "/playerevent"] {
        let world = World::new().await;
        let cookies = world.login().await;
        let store = Arc::clone(&world.store);
        let octets = futures_util::stream::once(async move {
            accounts::set_password(&*store, EMAIL, NEW, true).await.unwrap();
            let all = r#"{"device_id":"d-1","code":"ABCDEF","movie_id":60027274,"event":"ready"}"#;
            Ok::<_, std::convert::Infallible>(all)
        });
        let request =
            Request::builder().method("POST").uri(path).header("host", HOST).header("cookie", &cookies);
        let request = request.header("content-type", "application/json");
        let reply = world.send(request.body(Body::from_stream(octets)).unwrap()).await;
        assert_eq!(reply.status, 401, "{path}");
        // A session comes before what is wrong with the rest.
        assert_eq!(world.post_json(path, "", "{").await.status, 401, "{path}");
        let cookies = world.try_login(EMAIL, NEW, "").await.cookie_pairs();
        assert_eq!(world.post_json(path, &cookies, "{").await.status, 400, "{path}");
    }
}

/// A ticket that was made with the old password is good for nothing when there is a new one.
#[tokio::test]
async fn a_thief_keeps_a_device_when_the_password_is_changed() {
    let world = World::new().await;
    let mut thief = Client::registered(&world).await;
    let cookies = world.login().await;
    let mut tv = activated(&world, &cookies).await;

    accounts::set_password(&*world.store, EMAIL, NEW, true).await.unwrap();
    is_over(&mut thief, &world).await;
    assert_eq!(thief.register(&world).await.err(), Some(ErrorCode::LoginRequired), "nor with its session");
    assert!(tv.one(&world, renewal(&tv)).await.is_ok(), "boxes were to go on");

    accounts::set_password(&*world.store, EMAIL, "and again", false).await.unwrap();
    is_over(&mut tv, &world).await;
    // Whoever knows the password goes on, in the same place.
    let device = thief.device.clone();
    thief.cookies = world.try_login(EMAIL, "and again", "").await.cookie_pairs();
    thief.register(&world).await.unwrap();
    assert!(thief.one(&world, renewal(&thief)).await.is_ok());
    assert_eq!((thief.device.clone(), world.device_count().await), (device, 2));
    let typed = code(&mut tv, &world).await;
    assert_eq!(enter(&world, &thief.cookies, &typed, true).await.status, 200);
    assert!(matches!(poll(&mut tv, &world).await, Ok(Activation::Registered(_))));
    assert_eq!(world.device_count().await, 2);
}

/// From the page: with the old password, and this browser alone goes on, under other cookies.
#[tokio::test]
async fn a_thief_keeps_a_session_when_the_password_is_changed() {
    let world = World::new().await;
    let mut mine = Client::registered(&world).await;
    let mut tv = activated(&world, &mine.cookies).await;
    let mut thief = Client::registered(&world).await;
    assert_eq!(change(&world, "", PASSWORD, NEW, false).await.status, 401);
    for (old, new, status) in [("wrong", NEW, 401), ("", NEW, 401), (PASSWORD, "", 400)] {
        assert_eq!(change(&world, &mine.cookies, old, new, false).await.status, status, "{old} {new}");
    }
    let long = "x".repeat(1025);
    assert_eq!(change(&world, &mine.cookies, PASSWORD, &long, false).await.status, 400);
    assert!(tv.one(&world, renewal(&tv)).await.is_ok(), "nothing has changed");

    let changed = change(&world, &mine.cookies, PASSWORD, NEW, true).await;
    assert_eq!(changed.status, 204);
    let fresh = changed.cookie_pairs();
    assert!(fresh.contains("MatineeShopperSecret="));
    for cookies in [&mine.cookies, &thief.cookies] {
        assert_eq!(world.get("/api/library", cookies).await.status, 401);
    }
    assert_eq!(world.get("/api/library", &fresh).await.status, 200);
    assert_eq!(world.try_login(EMAIL, PASSWORD, "").await.status, 401);
    assert_eq!(world.try_login(EMAIL, NEW, "").await.status, 204);
    is_over(&mut thief, &world).await;
    is_over(&mut mine, &world).await;
    mine.cookies = fresh;
    mine.register(&world).await.unwrap();
    assert!(mine.one(&world, renewal(&mine)).await.is_ok());
    assert!(tv.one(&world, renewal(&tv)).await.is_ok(), "boxes were to go on");
    assert_eq!(change(&world, &mine.cookies, NEW, PASSWORD, false).await.status, 204);
    is_over(&mut tv, &world).await;
}

/// Whoever sits at a browser that is signed in tries passwords there: not more often than at the login.
#[tokio::test]
async fn old_passwords_are_guessed_at_the_page() {
    let world = World::with("[limits]\nlogins_per_account = 3").await;
    let cookies = world.login().await;
    let mut tries = 0;
    let throttled = loop {
        let reply = change(&world, &cookies, "wrong", NEW, false).await;
        if reply.status != 401 {
            break reply;
        }
        tries += 1;
        assert!(tries < 100, "as often as one likes");
    };
    assert_eq!(throttled.status, 429);
    assert!(tries > 0 && !throttled.header("retry-after").is_empty());
}

/// A browser that was left signed in somewhere is seen, and signed out from here.
#[tokio::test]
async fn a_session_that_was_left_somewhere() {
    let world = World::new().await;
    let left = world.login().await;
    world.set_clock(NOW + 600);
    let body = serde_json::json!({"email": EMAIL, "password": PASSWORD}).to_string();
    let headers = [("content-type", "application/json"), ("user-agent", FIREFOX)];
    let mine = world.request("POST", "/login", &headers, body.as_bytes()).await.cookie_pairs();
    let other = world.add_account("bob@example.org", "unlimited").await;

    let listed = sessions(&world, &mine).await.sessions;
    let seen: Vec<_> =
        listed.iter().map(|s| (&*s.browser, s.signed_in_at, s.last_used, s.this_session)).collect();
    let unknown = "Browser on an unknown system";
    assert_eq!(seen, [("Firefox on Linux", NOW + 600, NOW + 600, true), (unknown, NOW, NOW, false)]);
    // Its use is noted, once an hour.
    for (at, noted) in [(NOW + 3000, NOW), (NOW + 3600, NOW + 3600), (NOW + 7000, NOW + 3600)] {
        world.set_clock(at);
        assert_eq!(world.get("/api/library", &left).await.status, 200);
        let listed = sessions(&world, &mine).await.sessions;
        assert_eq!(listed.iter().find(|s| !s.this_session).unwrap().last_used, noted);
    }

    let delete = async |cookies: &str| {
        world.request("DELETE", "/api/sessions", &[("cookie", cookies)], b"").await.status.as_u16()
    };
    assert_eq!((delete("").await, world.get("/api/sessions", "").await.status.as_u16()), (401, 401));
    assert_eq!(delete(&mine).await, 204);
    assert_eq!(world.get("/api/library", &left).await.status, 401);
    assert_eq!(world.get("/api/library", &other).await.status, 200, "another account's");
    assert_eq!(sessions(&world, &mine).await.sessions.len(), 1);
    // Nobody else is told of them.
    assert_eq!(sessions(&world, &other).await.sessions.len(), 1);
}

/// One session is signed out by its name, the others stay; nobody ends another account's, and no name of a
/// session is a cookie.
#[tokio::test]
async fn a_session_is_signed_out_by_another_account() {
    let world = World::with("[log]\naddresses = \"network\"").await;
    world.come_from("192.0.2.77");
    let left = world.login().await;
    world.come_from("2001:db8:1:2::3");
    let (kept, mine) = (world.login().await, world.login().await);
    let bob = world.add_account("bob@example.org", "unlimited").await;
    let listed = sessions(&world, &mine).await.sessions;
    let from: Vec<_> = listed.iter().filter_map(|session| session.network.as_deref()).collect();
    assert_eq!(from.len(), 3, "{from:?}");
    let of_left = listed.iter().find(|session| session.network.as_deref() == Some("192.0.2.0/24")).unwrap();
    for session in &listed {
        for cookies in [&left, &kept, &mine] {
            assert!(!cookies.contains(&session.session_id));
        }
    }

    let end = async |cookies: &str, id: &str| {
        let path = format!("/api/sessions/{id}");
        world.request("DELETE", &path, &[("cookie", cookies)], b"").await.status.as_u16()
    };
    assert_eq!(end("", &of_left.session_id).await, 401);
    assert_eq!(end(&bob, &of_left.session_id).await, 204, "as for one that there is not");
    assert_eq!(sessions(&world, &mine).await.sessions.len(), 3);
    let elsewhere = [("cookie", mine.as_str()), ("origin", "https://elsewhere.example")];
    let path = format!("/api/sessions/{}", of_left.session_id);
    assert_eq!(world.request("DELETE", &path, &elsewhere, b"").await.status, 403);
    // Twice, as by a second press of the button.
    for _ in 0..2 {
        assert_eq!(end(&mine, &of_left.session_id).await, 204);
    }
    assert_eq!(world.get("/api/library", &left).await.status, 401);
    for cookies in [&kept, &mine, &bob] {
        assert_eq!(world.get("/api/library", cookies).await.status, 200);
    }
    let own = sessions(&world, &mine).await.sessions;
    let own = own.iter().find(|session| session.this_session).unwrap();
    assert_eq!(end(&mine, &own.session_id).await, 204);
    assert_eq!(world.get("/api/library", &mine).await.status, 401);
}
