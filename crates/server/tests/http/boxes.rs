//! Boxes: provisioned in the factory, activated by a code. A14, A56, A111 to A127.

use super::client::{Client, MODULE, id, outcome, rsa};
use super::world::{EMAIL, MOVIE, NOW, Reply, URL, World};
use axum::body::Body;
use axum::http::Request;
use license::{KeyLevel, SiteCa, SoftwareSigningKey, Typ};
use nccp::json::{ActivateState, Activated};
use nccp::{Activation, ErrorCode, RequestMessage, ResponseMessage};
use server::keys::{self, BoxOrder};

/// A box fresh from the factory.
pub(crate) fn provisioned(world: &World, serial: &str) -> Client {
    let key = SoftwareSigningKey::generate().unwrap();
    let order = BoxOrder {
        signing_key: key.public_key().unwrap(),
        rsa_modulus: rsa().modulus().unwrap(),
        model: "Matinee One",
        serial,
    };
    let done = keys::provision(&world.config.keys(), URL, &order, NOW).unwrap();
    world.service.reload().unwrap();
    Client {
        key,
        certificate: done.certificate,
        cookies: String::new(),
        device: None,
        ticket: None,
        sequence: 0.into(),
    }
}

/// What a box hears when it asks for a code, or again.
pub(crate) async fn poll(client: &mut Client, world: &World) -> Result<Activation, ErrorCode> {
    let message = RequestMessage::ActivationCode { certificate: client.certificate.clone() };
    match client.one(world, message).await? {
        ResponseMessage::ActivationCode(Activation::Registered(registration)) => {
            client.ticket = Some(registration.ticket.clone());
            client.device = Some(registration.device_id.clone());
            Ok(Activation::Registered(registration))
        }
        ResponseMessage::ActivationCode(activation) => Ok(activation),
        other => panic!("{other:?}"),
    }
}

pub(crate) async fn code(client: &mut Client, world: &World) -> String {
    match poll(client, world).await.unwrap() {
        Activation::Code { code, interval, expiration, .. } => {
            assert!((1..=30).contains(&interval) && expiration > world.now());
            code
        }
        other => panic!("{other:?}"),
    }
}

pub(crate) async fn enter(world: &World, cookies: &str, code: &str, confirm: bool) -> Reply {
    let body = serde_json::json!({"code": code, "confirm": confirm}).to_string();
    world.post_json("/activate", cookies, &body).await
}

/// A14, A111 to A115, A119 to A121: from power-up to the list of films.
#[tokio::test]
async fn a14_a111_a115_a_box_is_activated_by_its_code() {
    let world = World::new().await;
    let cookies = world.login().await;
    let mut tv = provisioned(&world, "0001");
    let shown = code(&mut tv, &world).await;
    assert_eq!(shown.len(), 6);
    // It polls: the same code, marked as waiting.
    match poll(&mut tv, &world).await.unwrap() {
        Activation::Code { code, pending, .. } => assert_eq!((code, pending), (shown.clone(), true)),
        other => panic!("{other:?}"),
    }
    // Signed out, the way back keeps a code that the address has, and nothing else.
    for (query, next) in [
        ("", "/activate"),
        ("?code=abc-234", "/activate%3Fcode%3Dabc-234"),
        ("?a=b&code=ABC234&c=d", "/activate%3Fcode%3DABC234"),
        ("?code=", "/activate"),
        ("?code=//evil.example", "/activate"),
        ("?code=A%26B", "/activate"),
        ("?code=ABCDEFGHJKLMNPQRSTUVWXYZ2", "/activate"),
    ] {
        let answer = world.get(&format!("/activate{query}"), "").await;
        assert_eq!(answer.header("location"), format!("/login?next={next}"), "{query}");
    }
    assert_eq!(enter(&world, "", &shown, true).await.status, 401);
    let typed = format!("{}-{}", shown[..3].to_lowercase(), &shown[3..]);
    let first = enter(&world, &cookies, &typed, false).await;
    let step: Activated = first.json();
    assert_eq!((step.state, step.name.as_str()), (ActivateState::Confirm, "Matinee One 0001"));
    assert_eq!((step.code.as_str(), step.limit, step.limit_reached), (shown.as_str(), 6, false));
    assert!(matches!(poll(&mut tv, &world).await, Ok(Activation::Code { .. })), "nothing is confirmed yet");
    let step: Activated = enter(&world, &cookies, &shown, true).await.json();
    assert_eq!(step.state, ActivateState::Confirmed);
    assert_eq!(world.device_count().await, 0, "A114, A115: the slot is taken at the next poll");
    assert!(matches!(poll(&mut tv, &world).await, Ok(Activation::Registered(_))));
    assert_eq!(world.device_count().await, 1);
    let (device, lost) = (tv.device.clone(), tv.ticket.clone());
    assert!(
        matches!(poll(&mut tv, &world).await, Ok(Activation::Registered(_))),
        "its answer may have been lost"
    );
    assert_eq!((tv.device.clone(), world.device_count().await), (device, 1), "the same slot");
    assert_ne!(tv.ticket, lost);
    world.set_clock(NOW + 60);
    assert_eq!(enter(&world, &cookies, &shown, true).await.status, 410, "a code serves once");

    let put = world.request("PUT", &format!("/api/queue/{MOVIE}"), &[("cookie", &cookies)], b"").await;
    assert_eq!(put.status, 204);
    let answers = tv.call(&world, &[RequestMessage::AccountInfo, RequestMessage::Queue]).await.unwrap();
    match (&answers[0], &answers[1]) {
        (Ok(ResponseMessage::AccountInfo(info)), Ok(ResponseMessage::Queue(queue))) => {
            assert_eq!((info.name.as_str(), info.device_name.as_str()), (EMAIL, "Matinee One 0001"));
            assert_eq!((info.plan.as_str(), info.devices, info.device_limit), ("unlimited", 1, 6));
            assert_eq!(queue[0].movie_id, id(MOVIE));
            assert!(queue[0].metadata.art.iter().any(|art| art.width >= 1280), "A121");
        }
        other => panic!("{other:?}"),
    }
    // The same manifest, a license of its own, the log.
    let answers = tv.call(&world, &[RequestMessage::Authorization { movie_id: id(MOVIE) }]).await.unwrap();
    assert!(matches!(answers[0], Ok(ResponseMessage::Authorization(_))));
    let challenge = tv.challenge(&world, MOVIE);
    let license = RequestMessage::License { stream_id: id(MOVIE), challenge: challenge.clone() };
    let Ok(ResponseMessage::License { license, .. }) = tv.one(&world, license).await else { panic!() };
    assert!(tv.open(&world, &license, &challenge).await.is_ok());
    // A127: another box can do nothing with it.
    let mut other = provisioned(&world, "0002");
    other.device = Some("d-other".parse().unwrap());
    assert!(other.open(&world, &license, &challenge).await.is_err());
    // A116: renewed without cookies, by its keys alone.
    world.set_clock(NOW + 13 * 3600);
    let device_id = tv.device.clone().unwrap();
    let renewed = tv.one(&world, RequestMessage::AuthenticationRenewal { device_id }).await;
    assert!(matches!(renewed, Ok(ResponseMessage::AuthenticationRenewal(_))), "{renewed:?}");
    assert_eq!(world.device_count().await, 1);
}

/// A115: what nobody types in, or types in too late, becomes nothing.
#[tokio::test]
async fn codes_end() {
    let world = World::new().await;
    let cookies = world.login().await;
    let mut tv = provisioned(&world, "0001");
    let shown = code(&mut tv, &world).await;
    world.set_clock(NOW + 600);
    let late = enter(&world, &cookies, &shown, false).await;
    assert_eq!(late.status, 410);
    assert!(late.text().contains("CODE_EXPIRED"));
    let next = code(&mut tv, &world).await;
    assert_ne!(next, shown);
    assert_eq!(enter(&world, &cookies, &next, true).await.status, 200);
    world.set_clock(NOW + 1200);
    assert!(matches!(poll(&mut tv, &world).await, Ok(Activation::Code { .. })), "the box came too late");
    assert_eq!(world.device_count().await, 0);
    // A code that somebody else confirmed is nobody else's business.
    let shown = code(&mut tv, &world).await;
    let eve = world.add_account("eve@example.org", "unlimited").await;
    assert_eq!(enter(&world, &eve, &shown, true).await.status, 200);
    let taken = enter(&world, &cookies, &shown, true).await;
    assert!(taken.status == 404 && taken.text().contains("CODE_UNKNOWN"));
    poll(&mut tv, &world).await.unwrap();
    assert_eq!(world.device_count().await, 0, "it is eve's");
}

/// A56, A118: boxes and browsers count alike, and both sides hear of the limit.
#[tokio::test]
async fn a56_a118_the_limit_holds_for_boxes() {
    let world = World::with("[devices]\nlimit = 2\nidle_days = 0").await;
    let cookies = world.login().await;
    for _ in 0..2 {
        Client::new(&world, &cookies).await.register(&world).await.unwrap();
    }
    let mut tv = provisioned(&world, "0001");
    let shown = code(&mut tv, &world).await;
    let step: Activated = enter(&world, &cookies, &shown, true).await.json();
    assert!(step.limit_reached && step.devices == 2 && step.limit == 2);
    assert_eq!(poll(&mut tv, &world).await, Err(ErrorCode::DeviceLimitReached));
    assert_eq!(poll(&mut tv, &world).await, Err(ErrorCode::DeviceLimitReached));
    // As soon as there is a slot, the box has it, with the code that was entered.
    let devices: nccp::json::Devices = world.get("/api/devices", &cookies).await.json();
    let body = serde_json::json!({"device_id": devices.devices[0].device_id}).to_string();
    assert_eq!(world.post_json("/Player/unregister_device", &cookies, &body).await.status, 204);
    assert!(matches!(poll(&mut tv, &world).await, Ok(Activation::Registered(_))));
    // And a browser finds the account full.
    let full = Client::new(&world, &cookies).await.register(&world).await;
    assert_eq!(full, Err(ErrorCode::DeviceLimitReached));
}

/// A117: a box that was removed plays on until its ticket ends; a renewal gives it no slot, a code does.
#[tokio::test]
async fn a117_a_removed_box_needs_a_code() {
    let world = World::new().await;
    let cookies = world.login().await;
    let mut tv = provisioned(&world, "0001");
    let shown = code(&mut tv, &world).await;
    enter(&world, &cookies, &shown, true).await;
    poll(&mut tv, &world).await.unwrap();
    let device_id = tv.device.clone().unwrap();
    server::accounts::remove_device(&*world.store, device_id.as_str(), false).await.unwrap();
    assert!(matches!(tv.one(&world, RequestMessage::Queue).await, Ok(ResponseMessage::Queue(_))));
    for hours in [10, 13] {
        world.set_clock(NOW + hours * 3600);
        let renewal = RequestMessage::AuthenticationRenewal { device_id: device_id.clone() };
        assert_eq!(tv.one(&world, renewal).await, Err(ErrorCode::DeviceUnknown));
    }
    assert_eq!(world.device_count().await, 0);
    tv.ticket = None;
    tv.device = None;
    let cookies = world.login().await;
    let shown = code(&mut tv, &world).await;
    enter(&world, &cookies, &shown, true).await;
    assert!(matches!(poll(&mut tv, &world).await, Ok(Activation::Registered(_))));
    assert_eq!((tv.device.clone(), world.device_count().await), (Some(device_id), 1), "the same device");
}

/// A126: only what the factory made gets in, and the factory's CA makes no browsers.
#[tokio::test]
async fn a126_self_made_boxes_are_refused() {
    let world = World::new().await;
    let cookies = world.login().await;
    let tv = provisioned(&world, "0001");
    // A browser's certificate is no box's.
    let mut browser = Client::new(&world, &cookies).await;
    assert_eq!(poll(&mut browser, &world).await, Err(ErrorCode::CertificateInvalid));
    // A box's certificate registers no browser.
    let mut as_browser = provisioned(&world, "0002");
    as_browser.cookies = cookies.clone();
    assert_eq!(as_browser.register(&world).await, Err(ErrorCode::CertificateInvalid));
    // A factory of one's own.
    let key = SoftwareSigningKey::generate().unwrap();
    let ca = SiteCa::generate().unwrap();
    let signer = ca.new_signer(URL, Typ::DeviceCertificate, "mine", NOW, NOW + 1000).unwrap();
    let identity = license::BoxIdentity {
        signing_key: key.public_key().unwrap(),
        rsa_modulus: rsa().modulus().unwrap(),
        module_version: MODULE,
        model: "Matinee One",
        serial: "0003",
        issued: NOW,
        expires: NOW + 1000,
    };
    let certificate = signer.certify_box(&identity).unwrap();
    let mut forged =
        Client { key, certificate, cookies: String::new(), device: None, ticket: None, sequence: 0.into() };
    assert_eq!(poll(&mut forged, &world).await, Err(ErrorCode::CertificateInvalid));
    // A real certificate without its key.
    forged.certificate = tv.certificate.clone();
    let body = forged.seal(&world, &[RequestMessage::ActivationCode { certificate: tv.certificate.clone() }]);
    assert_eq!(forged.post(&world, &body).await.status, 401);
    assert_eq!(KeyLevel::Box as u8, 2, "the last of three");
}

/// A125: with a listener of their own, boxes are answered there and browsers here.
#[tokio::test]
async fn a125_boxes_have_their_own_host() {
    let world = World::with("[boxes]\nlisten = \"127.0.0.1:0\"\nurl = \"https://boxes.example.org\"").await;
    let cookies = world.login().await;
    let mut tv = provisioned(&world, "0001");
    assert_eq!(poll(&mut tv, &world).await, Err(ErrorCode::CertificateInvalid), "on the browsers' host");
    let at = async |client: &mut Client, url: &str, message: RequestMessage| {
        let body = client.seal(&world, &[message]);
        let input = nccp::signing_input(
            &format!("{url}/nccp/controller"),
            &license::sha256(body.as_bytes()),
            &license::sha256(client.ticket.as_deref().unwrap_or_default().as_bytes()),
        );
        use base64::Engine as _;
        let signature =
            base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(client.key.sign(input.as_bytes()));
        let mut request = Request::builder()
            .method("POST")
            .uri("/nccp/controller")
            .header("host", "boxes.example.org")
            .header("content-type", "application/xml")
            .header("cookie", client.cookies.as_str())
            .header("x-nccp-signature", signature);
        if let Some(ticket) = &client.ticket {
            request = request.header("x-cticket", ticket.as_str());
        }
        world.send_to(&world.box_router, request.body(Body::from(body)).unwrap()).await
    };
    let ask = RequestMessage::ActivationCode { certificate: tv.certificate.clone() };
    let reply = at(&mut tv, "https://boxes.example.org", ask.clone()).await;
    assert!(matches!(
        outcome(&reply).unwrap()[0],
        Ok(ResponseMessage::ActivationCode(Activation::Code { .. }))
    ));
    assert_eq!(at(&mut tv, URL, ask).await.status, 401, "signed for the other host");
    let mut browser = Client::new(&world, &cookies).await;
    let register = browser.register_message();
    let reply = at(&mut browser, "https://boxes.example.org", register).await;
    assert_eq!(outcome(&reply).unwrap()[0], Err(ErrorCode::CertificateInvalid));
    browser.register(&world).await.unwrap();
    let reply = at(&mut browser, "https://boxes.example.org", RequestMessage::Queue).await;
    assert_eq!(reply.status, 401, "a browser's ticket");
    // The license route keeps them apart too; what is asked there comes after.
    let license = async |router: &axum::Router, ticket: &str| {
        let request = Request::builder().method("POST").uri("/license").header("x-cticket", ticket);
        let request = request.header("content-type", "application/cose");
        let request = request.header("host", "localhost:8080").body(Body::from("no challenge")).unwrap();
        world.send_to(router, request).await.status.as_u16()
    };
    let ticket = browser.ticket.clone().unwrap();
    assert_eq!(license(&world.box_router, &ticket).await, 401, "a browser's ticket");
    assert_eq!(license(&world.router, &ticket).await, 403, "a challenge that is none");
    // There are no pages there.
    let request = Request::builder().uri("/login").header("host", "boxes.example.org");
    let reply = world.send_to(&world.box_router, request.body(Body::empty()).unwrap()).await;
    assert_eq!(reply.status, 404);
}

/// Guessing: ten wrong codes an account and hour, thirty an address.
#[tokio::test]
async fn guessing_codes_is_throttled() {
    let world = World::new().await;
    let cookies = world.login().await;
    let mut tv = provisioned(&world, "0001");
    let shown = code(&mut tv, &world).await;
    // Right ones do not count, however often.
    for _ in 0..20 {
        assert_eq!(enter(&world, &cookies, &shown, false).await.status, 200);
    }
    for n in 0..10 {
        let wrong = enter(&world, &cookies, "ABCDEF' OR '1'='1", false).await;
        assert_eq!(wrong.status, 404, "{n}");
    }
    let refused = enter(&world, &cookies, &shown, true).await;
    assert_eq!(refused.status, 429, "also with the right one");
    assert!(refused.header("retry-after").parse::<u64>().unwrap() > 3000);
    // From the same address other accounts have what is left of thirty.
    let mut wrong = 0;
    for n in 0..3 {
        let other = world.add_account(&format!("guess{n}@example.org"), "unlimited").await;
        for _ in 0..10 {
            wrong += u32::from(enter(&world, &other, "ZZZZZZ", false).await.status == 404);
        }
    }
    assert_eq!(wrong, 20);
    // Elsewhere nobody is locked out.
    world.come_from("203.0.113.9");
    let victim = world.add_account("victim@example.org", "unlimited").await;
    assert_eq!(enter(&world, &victim, &shown, false).await.status, 200);
}
