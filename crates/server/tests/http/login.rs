//! Sessions.

use super::world::{EMAIL, NOW, PASSWORD, URL, World};
use server::accounts;

/// A1: two HttpOnly cookies for the right password, none for a wrong one.
#[tokio::test]
async fn a1_login_sets_two_cookies() {
    let world = World::new().await;
    let reply = world.try_login(EMAIL, PASSWORD, "").await;
    assert_eq!(reply.status, 204);
    let cookies = reply.cookies();
    assert_eq!(cookies.len(), 2);
    for (cookie, name) in cookies.iter().zip(["MatineeShopperID=", "MatineeShopperSecret="]) {
        assert!(cookie.starts_with(name), "{cookie}");
        assert!(cookie.ends_with("; HttpOnly; SameSite=Lax; Path=/; Max-Age=2592000"), "{cookie}");
    }
    let again = world.try_login("ADA@example.org ", PASSWORD, "").await;
    assert_eq!(again.status, 204, "addresses have no case");
    assert_ne!(again.cookie_pairs(), reply.cookie_pairs(), "a new session each time");

    let wrong = world.try_login(EMAIL, "wrong", "").await;
    let unknown = world.try_login("nobody@example.org", PASSWORD, "").await;
    for refused in [&wrong, &unknown] {
        assert_eq!(refused.status, 401);
        assert!(refused.cookies().is_empty());
        assert_eq!(
            refused.text(),
            r#"{"error":{"code":"LOGIN_FAILED","message":"Email or password is wrong."}}"#
        );
    }
}

#[tokio::test]
async fn cookies_are_host_bound_with_https() {
    let world = World::with("public_url = \"https://films.example.org\"").await;
    let reply = world.try_login(EMAIL, PASSWORD, "").await;
    for cookie in reply.cookies() {
        assert!(cookie.starts_with("__Host-MatineeShopper") && cookie.ends_with("; Secure"), "{cookie}");
    }
    let headers = [("cookie", &*reply.cookie_pairs()), ("host", "films.example.org")];
    assert_eq!(world.request("GET", "/api/library", &headers, b"").await.status, 200);
}

#[tokio::test]
async fn forms_are_led_on_but_never_off_the_site() {
    let world = World::new().await;
    let form = |next: &str| format!("email=ada%40example.org&password=correct+horse&next={next}");
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    for (next, to) in [
        ("%2Fwatch%3Fmovieid%3D7", "/watch?movieid=7"),
        ("https%3A%2F%2Fevil.example", "/library"),
        ("%2F%2Fevil.example", "/library"),
        ("%2F%5Cevil.example", "/library"),
        ("", "/library"),
    ] {
        let reply = world.request("POST", "/login", &headers, form(next).as_bytes()).await;
        assert_eq!((reply.status.as_u16(), reply.header("location")), (303, to), "{next}");
        assert_eq!(reply.cookies().len(), 2);
    }
}

#[tokio::test]
async fn sessions_end() {
    let world = World::new().await;
    let cookies = world.login().await;
    assert_eq!(world.get("/api/library", &cookies).await.status, 200);
    world.set_clock(NOW + 30 * 86_400 - 1);
    assert_eq!(world.get("/api/library", &cookies).await.status, 200);
    world.set_clock(NOW + 30 * 86_400);
    let over = world.get("/api/library", &cookies).await;
    assert_eq!(over.status, 401);
    assert!(over.text().contains("LOGIN_REQUIRED"));

    world.set_clock(NOW);
    let reply = world.request("POST", "/logout", &[("cookie", &cookies)], b"").await;
    assert_eq!(reply.status, 204);
    assert!(reply.cookies().iter().all(|c| c.contains("Max-Age=0")));
    assert_eq!(world.get("/api/library", &cookies).await.status, 401, "the server forgot it too");

    let cookies = world.login().await;
    accounts::set_disabled(&*world.store, EMAIL, true).await.unwrap();
    assert_eq!(world.get("/api/library", &cookies).await.status, 401);
    assert_eq!(world.try_login(EMAIL, PASSWORD, "").await.status, 401);
}

#[tokio::test]
async fn other_sites_pages_cannot_post() {
    let world = World::with("embedders = [\"https://partner.example\"]").await;
    let body = serde_json::json!({"email": EMAIL, "password": PASSWORD}).to_string();
    for (name, value, status) in [
        ("origin", URL, 204),
        ("origin", "https://partner.example", 204),
        ("origin", "https://evil.example", 403),
        ("origin", "null", 403),
        ("sec-fetch-site", "cross-site", 403),
        ("sec-fetch-site", "same-origin", 204),
    ] {
        let headers = [("content-type", "application/json"), (name, value)];
        let reply = world.request("POST", "/login", &headers, body.as_bytes()).await;
        assert_eq!(reply.status, status, "{name}: {value}");
        assert_eq!(reply.text().contains("ORIGIN_REFUSED"), status == 403);
    }
}

#[tokio::test]
async fn bad_logins_are_refused_in_words() {
    let world = World::new().await;
    assert_eq!(world.post_json("/login", "", "{").await.status, 400);
    assert_eq!(world.post_json("/login", "", r#"{"email":1}"#).await.status, 400);
    let plain = world.request("POST", "/login", &[("content-type", "text/plain")], b"{}").await;
    assert_eq!(plain.status, 415);
    let long = format!(r#"{{"email":"{EMAIL}","password":"{}"}}"#, "x".repeat(9000));
    assert_eq!(world.post_json("/login", "", &long).await.status, 413);
    assert_eq!(world.request("PUT", "/login", &[], b"").await.status, 405);
}

/// The eleventh guess in a minute is not even tried; a subscriber's own browser gets in all the same.
#[tokio::test]
async fn guessing_is_throttled_but_locks_nobody_out() {
    let world = World::with("[limits]\nlogins_per_account = 3").await;
    let mut mine = super::client::Client::registered(&world).await;
    mine.call(&world, &[nccp::RequestMessage::AccountInfo]).await.unwrap();
    for _ in 0..2 {
        assert_eq!(world.try_login(EMAIL, "guess", "").await.status, 401);
    }
    let throttled = world.try_login(EMAIL, PASSWORD, "").await;
    assert_eq!(throttled.status, 429, "even with the right password");
    let wait: u64 = throttled.header("retry-after").parse().unwrap();
    assert!((1..=60).contains(&wait));
    let made_up = "MatineeDevice=AAAAAAAAAAAAAAAAAAAAAA";
    assert_eq!(world.try_login(EMAIL, PASSWORD, made_up).await.status, 429, "a made-up cookie has no budget");
    assert_eq!(world.try_login(EMAIL, PASSWORD, &mine.cookies).await.status, 204);
}

/// A store in which the password is changed between the check of the old one and the session.
struct Racing(std::sync::Arc<server::store::SqliteStore>);

#[async_trait::async_trait]
impl server::store::Store for Racing {
    async fn begin(&self) -> server::store::Result<Box<dyn server::store::Transaction>> {
        server::accounts::set_password(&*self.0, EMAIL, "another one", false).await.unwrap();
        self.0.begin().await
    }

    async fn begin_for(
        &self,
        ahead: &server::store::Ahead<'_>,
    ) -> server::store::Result<server::store::Begun> {
        self.0.begin_for(ahead).await
    }

    async fn read(&self) -> server::store::Result<Box<dyn server::store::Transaction>> {
        self.0.read().await
    }

    async fn close(&self) {}
}

/// A login under way does not outlive a change of the password.
#[tokio::test]
async fn a_password_that_changes_meanwhile_begins_no_session() {
    let mut world = World::new().await;
    let (clock, _) = server::Clock::manual(world.now());
    let store = std::sync::Arc::new(Racing(world.store.clone()));
    let service = server::Service::with_store(world.config.clone(), clock, store).unwrap();
    world.router = server::router(std::sync::Arc::new(service));
    let reply = world.try_login(EMAIL, PASSWORD, "").await;
    assert_eq!(reply.status, 401);
    assert!(reply.cookies().is_empty() && reply.text().contains("LOGIN_FAILED"), "{}", reply.text());
}
