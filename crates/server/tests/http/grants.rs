//! Grants: by an API key, for somebody without a password, in a page of another site.

use crate::client::{Client, id};
use crate::world::{EMAIL, MOVIE, NOW, OTHER_MOVIE, Reply, URL, World};
use nccp::{ErrorCode, LogBlob, LogEvent, RequestMessage, ResponseMessage, ShownGrant};
use serde_json::{Value, json};
use server::api_keys::{self, Scope};
use server::store::{AuditFilter, Store as _};
use server::{Clock, Service, accounts};
use std::sync::Arc;

pub(crate) const SCHOOL: &str = "https://school.example";
const CONFIG: &str = "embedders = [\"https://school.example\", \"https://other.example\"]";

pub(crate) async fn world() -> (World, String) {
    with(CONFIG).await
}

async fn with(config: &str) -> (World, String) {
    let world = World::with(config).await;
    let (_, key) = api_keys::create(&*world.store, "school", &[Scope::Grants], NOW).await.unwrap();
    (world, key.to_string())
}

async fn ask(world: &World, key: &str, body: &Value) -> Reply {
    let bearer = format!("Bearer {key}");
    let headers = [("content-type", "application/json"), ("authorization", bearer.as_str())];
    world.request("POST", "/api/grants", &headers, body.to_string().as_bytes()).await
}

pub(crate) fn body() -> Value {
    json!({"subject": "u-42", "name": "Ada", "movies": [MOVIE], "origin": SCHOOL, "expires_in": 300})
}

/// A body with other members.
fn with_members(members: Value) -> Value {
    let mut body = body();
    members.as_object().unwrap().iter().for_each(|(name, value)| body[name] = value.clone());
    body
}

pub(crate) async fn grant(world: &World, key: &str, body: &Value) -> String {
    let reply = ask(world, key, body).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply.json::<Value>()["grant"].as_str().unwrap().to_owned()
}

fn shown(token: &str) -> Option<ShownGrant> {
    Some(ShownGrant { token: token.to_owned(), origin: Some(SCHOOL.to_owned()) })
}

async fn register(client: &mut Client, world: &World, grant: Option<ShownGrant>) -> Result<(), ErrorCode> {
    let message = client.register_by(grant);
    client.one(world, message).await.map(drop)
}

/// A browser without cookies that came by a grant.
async fn visitor(world: &World, token: &str) -> Client {
    let mut client = Client::new(world, "").await;
    register(&mut client, world, shown(token)).await.unwrap();
    client
}

fn authorization(movie: u64) -> RequestMessage {
    RequestMessage::Authorization { movie_id: id(movie) }
}

fn license(client: &Client, world: &World, movie: u64) -> RequestMessage {
    RequestMessage::License { stream_id: id(movie), challenge: client.challenge(world, movie) }
}

/// Who shows no key is told that, whatever the body is: it was not read.
#[tokio::test]
async fn a_body_comes_without_a_key() {
    let (world, key) = world().await;
    for bearer in ["", "Bearer ", "Bearer mk_0123_wrong"] {
        for content_type in ["application/json", "text/plain"] {
            let headers = [("content-type", content_type), ("authorization", bearer)];
            let reply = world.request("POST", "/api/grants", &headers, b"{\"subject\":").await;
            assert_eq!(reply.status, 401, "{bearer} {content_type}");
        }
    }
    let bearer = format!("Bearer {key}");
    let headers = [("content-type", "application/json"), ("authorization", bearer.as_str())];
    assert_eq!(world.request("POST", "/api/grants", &headers, b"{\"subject\":").await.status, 400);
}

/// Who came by a grant is judged by the grant's page at `POST /license`, whatever a backend writes into
/// headers.
#[tokio::test]
async fn the_page_of_a_grant_is_the_player_that_a_policy_means() {
    let (world, key) = world().await;
    super::policies::set_policy(&world, MOVIE, "own").await;
    for members in [json!({}), json!({"origin": null})] {
        let client = visitor(&world, &grant(&world, &key, &with_members(members)).await).await;
        let ticket = client.ticket.clone().unwrap();
        for (player, status) in [(SCHOOL, 200), ("https://other.example", 403), (URL, 403)] {
            super::policies::write_policies(&world, &format!("[own]\nplayers = [\"{player}\"]"));
            let cose = ("content-type", "application/cose");
            for headers in [
                vec![cose, ("x-cticket", ticket.as_str())],
                vec![cose, ("x-cticket", ticket.as_str()), ("origin", player)],
            ] {
                let challenge = client.challenge(&world, MOVIE);
                let raw = world.request("POST", "/license", &headers, &challenge).await;
                assert_eq!(raw.status, status, "{player}");
            }
            // The site's own player, embedded in that page: it signs what it is.
            let own = license::Challenge {
                player_release: vec![7; 32],
                ..client.unsigned_challenge(&world, MOVIE, vec![])
            };
            let own = client.sign_challenge(&own);
            let headers =
                [("content-type", "application/cose"), ("x-cticket", ticket.as_str()), ("origin", URL)];
            let raw = world.request("POST", "/license", &headers, &own).await;
            assert_eq!(raw.status == 200, player == URL, "{player}");
        }
    }
}

/// The movie of the grant plays and no other, in every message that plays; the device is the subject's.
#[tokio::test]
async fn a_grant_lets_in_for_its_movie() {
    let (world, key) = world().await;
    let reply = ask(&world, &key, &body()).await;
    assert_eq!(
        (reply.header("cache-control"), reply.json::<Value>()["expires"].as_u64()),
        ("no-store", Some(NOW + 300))
    );
    let mut client = visitor(&world, &grant(&world, &key, &body()).await).await;
    assert!(client.one(&world, authorization(MOVIE)).await.is_ok());
    let message = license(&client, &world, MOVIE);
    assert!(client.one(&world, message).await.is_ok());

    let refused = Err(ErrorCode::GrantInvalid);
    assert_eq!(client.one(&world, authorization(OTHER_MOVIE)).await, refused);
    let message = license(&client, &world, OTHER_MOVIE);
    assert_eq!(client.one(&world, message).await, refused);
    let device_id = client.device.clone().unwrap();
    let takeover = RequestMessage::Takeover { movie_id: id(OTHER_MOVIE), device_id: device_id.clone() };
    assert_eq!(client.one(&world, takeover).await, refused);
    let log = LogBlob {
        movie_id: id(OTHER_MOVIE),
        position: 1.0,
        event: LogEvent::Interval,
        counters: vec![],
        policy_version: None,
    };
    assert_eq!(client.one(&world, RequestMessage::LogBlob(log)).await, refused);
    let challenge = client.challenge(&world, OTHER_MOVIE);
    let headers = [("content-type", "application/cose"), ("x-cticket", client.ticket.as_deref().unwrap())];
    let raw = world.request("POST", "/license", &headers, &challenge).await;
    assert_eq!(
        (raw.status.as_u16(), raw.json::<Value>()["error"]["code"].as_str()),
        (403, Some("GRANT_INVALID"))
    );
    // The way to another ticket is another grant.
    assert_eq!(client.one(&world, RequestMessage::AuthenticationRenewal { device_id }).await, refused);

    let devices = accounts::devices(&*world.store, "subject:u-42").await.unwrap();
    assert_eq!(
        devices.iter().map(|d| d.id.as_str()).collect::<Vec<_>>(),
        [client.device.as_ref().unwrap().as_str()]
    );
    assert_eq!(world.device_count().await, 0, "nobody else's");
    match client.one(&world, RequestMessage::AccountInfo).await.unwrap() {
        ResponseMessage::AccountInfo(info) => assert_eq!((info.name.as_str(), info.devices), ("Ada", 1)),
        other => panic!("{other:?}"),
    }
    // Resume points are kept as anybody's.
    let log = LogBlob {
        movie_id: id(MOVIE),
        position: 4.5,
        event: LogEvent::Pause,
        counters: vec![],
        policy_version: None,
    };
    client.one(&world, RequestMessage::LogBlob(log)).await.unwrap();
    let mut again = visitor(&world, &grant(&world, &key, &body()).await).await;
    match again.one(&world, authorization(MOVIE)).await.unwrap() {
        ResponseMessage::Authorization(manifest) => assert_eq!(manifest.resume_position, 4.5),
        other => panic!("{other:?}"),
    }
    let everything = grant(&world, &key, &with_members(json!({"movies": "all"}))).await;
    let mut client = visitor(&world, &everything).await;
    assert!(client.one(&world, authorization(OTHER_MOVIE)).await.is_ok());
}

/// Over, for another page, altered, of a revoked key: no registration, and cookies do not help.
#[tokio::test]
async fn a_grant_is_refused() {
    let (world, key) = world().await;
    let token = grant(&world, &key, &body()).await;
    let mut client = Client::new(&world, &world.login().await).await;
    let refused = Err(ErrorCode::GrantInvalid);
    let elsewhere =
        |origin: Option<&str>| Some(ShownGrant { token: token.clone(), origin: origin.map(str::to_owned) });
    for origin in ["https://other.example", "https://evil.example", "null", URL] {
        assert_eq!(register(&mut client, &world, elsewhere(Some(origin))).await, refused, "{origin}");
    }
    // What a browser says of the page goes before what the page says.
    let signed = client.register_by(shown(&token));
    let sealed = client.seal(&world, &[signed]);
    let signature = client.sign(sealed.as_bytes(), "");
    let headers =
        |origin| [("content-type", "application/xml"), ("x-nccp-signature", &*signature), ("origin", origin)];
    let reply =
        world.request("POST", "/nccp/controller", &headers("https://other.example"), sealed.as_bytes()).await;
    assert!(reply.text().contains("GRANT_INVALID"), "{}", reply.text());
    // The site's own page is no embedder's.
    let signed = client.register_by(elsewhere(None));
    let sealed = client.seal(&world, &[signed]);
    let signature = client.sign(sealed.as_bytes(), "");
    let headers = [("content-type", "application/xml"), ("x-nccp-signature", &*signature), ("origin", URL)];
    let reply = world.request("POST", "/nccp/controller", &headers, sealed.as_bytes()).await;
    assert!(reply.text().contains("GRANT_INVALID"), "{}", reply.text());

    let (handle, rest) = token.split_once('.').unwrap();
    let altered = [
        format!("a-0.{rest}"),
        format!("{handle}.A{}", &rest[1..]),
        handle.to_owned(),
        rest.to_owned(),
        "x".to_owned(),
    ];
    for altered in altered {
        assert_eq!(register(&mut client, &world, shown(&altered)).await, refused, "{altered}");
    }
    let ticket = Client::registered(&world).await.ticket.unwrap();
    assert_eq!(register(&mut client, &world, shown(&format!("{handle}.{ticket}"))).await, refused);
    world.set_clock(NOW + 300);
    assert_eq!(register(&mut client, &world, shown(&token)).await, refused, "it is over");
    world.set_clock(NOW + 299);
    api_keys::revoke(&*world.store, "school").await.unwrap();
    assert_eq!(register(&mut client, &world, shown(&token)).await, refused, "its key was revoked");
    assert_eq!(ask(&world, &key, &body()).await.status, 401);
    let (_, key) = api_keys::create(&*world.store, "school", &[Scope::Grants], NOW).await.unwrap();
    let token = grant(&world, &key, &body()).await;
    assert_eq!(register(&mut client, &world, shown(&token)).await, Ok(()));
}

/// Keys: wrong ones, ones that may do something else, and too many of them.
#[tokio::test]
async fn only_a_key_makes_grants() {
    let (world, key) = with(&format!("{CONFIG}\n[limits]\napi_keys_per_address = 4\napi_requests = 3")).await;
    let (_, other) = api_keys::create(&*world.store, "other", &[Scope::Catalogue], NOW).await.unwrap();
    assert_eq!(ask(&world, &other, &body()).await.status, 401, "another scope");
    let mut wrong = key.clone();
    let last = if wrong.pop() == Some('A') { "B" } else { "A" };
    wrong.push_str(last);
    for key in [&wrong, "mk_0_x", ""] {
        let reply = ask(&world, key, &body()).await;
        assert_eq!((reply.status.as_u16(), reply.text().contains("NOT_AUTHENTIC")), (401, true), "{key}");
    }
    let cookies = world.login().await;
    assert_eq!(world.post_json("/api/grants", &cookies, &body().to_string()).await.status, 401, "cookies");
    let throttled = ask(&world, &key, &body()).await;
    assert_eq!(throttled.status, 429, "from there nobody shows a key for a while");
    assert!(!throttled.header("retry-after").is_empty());
    world.come_from("203.0.113.9");
    let answers = [
        ask(&world, &key, &body()).await,
        ask(&world, &key, &body()).await,
        ask(&world, &key, &body()).await,
    ];
    assert!(answers.iter().all(|reply| reply.status == 200));
    assert_eq!(ask(&world, &key, &body()).await.status, 429, "the key's own budget");
    // A page of another site asks for none, whatever key it has.
    let headers = [("content-type", "application/json"), ("origin", "https://evil.example")];
    assert_eq!(
        world.request("POST", "/api/grants", &headers, body().to_string().as_bytes()).await.status,
        403
    );
}

#[tokio::test]
async fn what_is_asked_for_is_bounded() {
    let (world, key) = world().await;
    for members in [
        json!({"subject": ""}),
        json!({"subject": "a b"}),
        json!({"subject": "x".repeat(129)}),
        json!({"name": "x".repeat(81)}),
        json!({"movies": []}),
        json!({"movies": vec![MOVIE; 51]}),
        json!({"movies": "some"}),
        json!({"movies": [-1]}),
        json!({"origin": "https://School.example"}),
        json!({"origin": "https://school.example/"}),
        json!({"plan": "g o l d"}),
        json!({"expires_in": 0}),
        json!({"expires_in": 86_401}),
        json!({"streams": 0}),
        json!({"streams": 1001}),
    ] {
        let reply = ask(&world, &key, &with_members(members.clone())).await;
        assert_eq!(
            (reply.status.as_u16(), reply.text().contains("REQUEST_INVALID")),
            (400, true),
            "{members}"
        );
    }
    let unknown = ask(&world, &key, &with_members(json!({"movies": [MOVIE, 5]}))).await;
    assert_eq!((unknown.status.as_u16(), unknown.text().contains("MOVIE_UNKNOWN")), (404, true));
    assert_eq!(accounts::list(&*world.store).await.unwrap().len(), 1, "nobody was made");
    let least = json!({"subject": "U-1", "movies": "all"});
    assert_eq!(ask(&world, &key, &least).await.json::<Value>()["expires"].as_u64(), Some(NOW + 300));
    let account = accounts::find(&*world.store, "subject:U-1").await.unwrap();
    assert_eq!((account.plan.as_str(), account.name.as_str()), ("unlimited", ""));
}

/// A subject is one account, however often it is asked for; it has no password, follows the plan that it is
/// given, and can be blocked.
#[tokio::test]
async fn a_subject_is_an_account() {
    let (world, key) = world().await;
    let asked = body();
    let tokens = futures_util::future::join_all((0..4).map(|_| grant(&world, &key, &asked))).await;
    let handles: std::collections::BTreeSet<_> =
        tokens.iter().map(|token| token.split_once('.').unwrap().0).collect();
    assert_eq!(handles.len(), 1);
    for password in ["", " ", "x"] {
        assert_eq!(world.try_login("subject:u-42", password, "").await.status, 401);
    }
    let none = grant(&world, &key, &with_members(json!({"plan": "none", "name": "Ada L."}))).await;
    let mut client = visitor(&world, &none).await;
    assert_eq!(client.one(&world, authorization(MOVIE)).await, Err(ErrorCode::NotSubscribed));
    let account = accounts::find(&*world.store, "subject:u-42").await.unwrap();
    assert_eq!((account.plan.as_str(), account.name.as_str()), ("none", "Ada L."));
    // Without a plan it keeps the one that it has.
    grant(&world, &key, &body()).await;
    assert_eq!(accounts::find(&*world.store, "subject:u-42").await.unwrap().plan, "none");
    accounts::set_disabled(&*world.store, "subject:u-42", true).await.unwrap();
    assert_eq!(ask(&world, &key, &body()).await.status, 403);
    let mut other = Client::new(&world, "").await;
    assert!(register(&mut other, &world, shown(&tokens[0])).await.is_err());
}

/// `streams` lowers what the plan allows, and devices count as anybody's.
#[tokio::test]
async fn a_grant_has_limits() {
    let (world, key) = with(&format!("{CONFIG}\n[devices]\nlimit = 3")).await;
    let one = with_members(json!({"streams": 1}));
    let mut first = visitor(&world, &grant(&world, &key, &one).await).await;
    let mut second = visitor(&world, &grant(&world, &key, &one).await).await;
    let message = license(&first, &world, MOVIE);
    first.one(&world, message).await.unwrap();
    let message = license(&second, &world, MOVIE);
    assert_eq!(second.one(&world, message).await, Err(ErrorCode::StreamLimit));
    let mut third = visitor(&world, &grant(&world, &key, &body()).await).await;
    let message = license(&third, &world, MOVIE);
    third.one(&world, message).await.unwrap();
    let mut fourth = Client::new(&world, "").await;
    let token = grant(&world, &key, &body()).await;
    assert_eq!(register(&mut fourth, &world, shown(&token)).await, Err(ErrorCode::DeviceLimitReached));
}

/// Players in one page are one device: each shows a grant, and none ends another's ticket.
#[tokio::test]
async fn several_players_are_one_device() {
    let (world, key) = world().await;
    let mut client = visitor(&world, &grant(&world, &key, &body()).await).await;
    let first = (client.device.clone(), client.ticket.clone());
    let other = grant(&world, &key, &with_members(json!({"movies": [OTHER_MOVIE]}))).await;
    client.ticket = None;
    register(&mut client, &world, shown(&other)).await.unwrap();
    assert_eq!(client.device, first.0);
    assert!(client.one(&world, authorization(OTHER_MOVIE)).await.is_ok());
    let second = std::mem::replace(&mut client.ticket, first.1);
    assert!(client.one(&world, authorization(MOVIE)).await.is_ok(), "the first ticket goes on");
    assert_eq!(client.one(&world, authorization(OTHER_MOVIE)).await, Err(ErrorCode::GrantInvalid));
    client.ticket = second;
    assert!(client.one(&world, authorization(OTHER_MOVIE)).await.is_ok());
    // A device whose counter is lost begins a new epoch, as with cookies.
    client.go_on_from(1 << 40);
    client.ticket = None;
    register(&mut client, &world, shown(&other)).await.unwrap();
    assert!(client.one(&world, authorization(OTHER_MOVIE)).await.is_ok());
}

/// A page without cookies says how playback goes by its ticket; leaving it gives the place free.
#[tokio::test]
async fn a_page_reports_by_its_ticket() {
    let (world, key) = world().await;
    let one = with_members(json!({"streams": 1}));
    let mut first = visitor(&world, &grant(&world, &key, &one).await).await;
    let message = license(&first, &world, MOVIE);
    first.one(&world, message).await.unwrap();
    let event = |event: &str, movie: u64, ticket: Option<&str>| {
        json!({"movie_id": movie, "event": event, "position": 3.5, "ticket": ticket}).to_string()
    };
    let ticket = first.ticket.as_deref();
    for (body, status) in [
        (event("playing", MOVIE, ticket), 204),
        (event("playing", OTHER_MOVIE, ticket), 401),
        (event("playing", MOVIE, Some("x")), 401),
        (event("playing", MOVIE, Client::registered(&world).await.ticket.as_deref()), 401),
        (event("playing", MOVIE, None), 401),
        (event("hide", MOVIE, ticket), 204),
    ] {
        assert_eq!(world.post_json("/playerevent", "", &body).await.status, status, "{body}");
    }
    let mut second = visitor(&world, &grant(&world, &key, &one).await).await;
    let message = license(&second, &world, MOVIE);
    second.one(&world, message).await.unwrap();
    match second.one(&world, authorization(MOVIE)).await.unwrap() {
        ResponseMessage::Authorization(manifest) => assert_eq!(manifest.resume_position, 3.5),
        other => panic!("{other:?}"),
    }
    world.set_clock(NOW + 12 * 3600);
    assert_eq!(world.post_json("/playerevent", "", &event("hide", MOVIE, ticket)).await.status, 401, "over");
}

/// Servers that share keys and database take each other's grants.
#[tokio::test]
async fn another_server_takes_it() {
    let (world, key) = world().await;
    let token = grant(&world, &key, &body()).await;
    let clock = Clock::manual(NOW).0;
    let service = Arc::new(Service::with_store(world.config.clone(), clock, world.store.clone()).unwrap());
    let world = World { router: server::router(Arc::clone(&service)), service, ..world };
    let mut client = visitor(&world, &token).await;
    assert!(client.one(&world, authorization(MOVIE)).await.is_ok());
}

#[tokio::test]
async fn grants_are_audited() {
    let (world, key) = world().await;
    let token = grant(&world, &key, &body()).await;
    visitor(&world, &token).await;
    world.set_clock(NOW + 400);
    let mut late = Client::new(&world, "").await;
    assert!(register(&mut late, &world, shown(&token)).await.is_err());
    let filter = AuditFilter { most: 100, ..AuditFilter::default() };
    let audited = world.store.read().await.unwrap().audited(&filter).await.unwrap();
    let told: Vec<_> = audited
        .iter()
        .filter(|audited| audited.entry.action != "movie add" && audited.email.as_deref() != Some(EMAIL))
        .map(|audited| {
            (audited.entry.action.as_str(), audited.entry.result.as_str(), audited.email.as_deref())
        })
        .collect();
    let subject = Some("subject:u-42");
    assert_eq!(
        told,
        [
            ("apikey create", "done", None),
            ("grant", "done", subject),
            ("register", "done", subject),
            ("register", "GRANT_INVALID", subject)
        ]
    );
    let entry = &audited.iter().find(|audited| audited.entry.action == "grant").unwrap().entry;
    assert_eq!(
        (entry.movie, &entry.details["key"], &entry.details["origin"]),
        (Some(MOVIE), &json!("school"), &json!(SCHOOL))
    );
    assert!(!format!("{audited:?}").contains(token.split_once('.').unwrap().1));
}
