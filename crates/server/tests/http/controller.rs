//! The controller's envelope and messages.

use super::client::{Client, id, outcome};
use super::world::{EMAIL, MOVIE, NOW, OTHER_MOVIE, PASSWORD, URL, VIDEO, World};
use nccp::{
    ErrorCode, LogBlob, LogEvent, MediaType, RangeForm, RequestMessage, Response, ResponseMessage, Scheme,
};
use server::store::AbsentStore;
use server::{Clock, Service};
use std::sync::Arc;

const PING: &str =
    r#"<nccp:request xmlns:nccp="urn:matinee:nccp:1" sequence="1" time="1"><nccp:ping/></nccp:request>"#;
const XML: (&str, &str) = ("content-type", "application/xml");

fn authorization(movie: u64) -> RequestMessage {
    RequestMessage::Authorization { movie_id: id(movie) }
}

/// A28, A29: `ping` without ticket, signature, cookies and with any clock.
#[tokio::test]
async fn a28_a29_ping() {
    let world = World::new().await;
    assert_eq!(world.get("/nccp/controller", "").await.status, 405);
    let reply = world.request("POST", "/nccp/controller", &[XML], PING.as_bytes()).await;
    assert_eq!(reply.status, 200);
    assert_eq!(reply.header("content-type"), "application/xml; charset=utf-8");
    let Ok(answers) = outcome(&reply) else { panic!("refused") };
    assert_eq!(answers, [Ok(ResponseMessage::Ping { time: NOW, version: env!("CARGO_PKG_VERSION").into() })]);
}

/// Malformed, oversized, compressed, of another type: refused with its status and an answer of the protocol.
#[tokio::test]
async fn bad_envelopes() {
    let world = World::new().await;
    let post = async |headers: &[(&str, &str)], body: &[u8]| {
        let reply = world.request("POST", "/nccp/controller", headers, body).await;
        assert!(Response::parse(&reply.body).is_ok(), "{}", reply.text());
        reply
    };
    for (body, sequence) in [
        ("", 0),
        ("<", 0),
        ("<!DOCTYPE x [<!ENTITY a \"aa\">]><x/>", 0),
        (r#"<r:request xmlns:r="urn:matinee:nccp:1" sequence="9" time="1"><r:unheard/></r:request>"#, 9),
        (r#"<r:request xmlns:r="urn:matinee:nccp:1" sequence="9" time="1"/>"#, 9),
        (
            r#"<r:request xmlns:r="urn:matinee:nccp:1" sequence="9" time="1"><r:authorization movie_id="x"/></r:request>"#,
            9,
        ),
    ] {
        let reply = post(&[XML], body.as_bytes()).await;
        assert_eq!(reply.status, 400, "{body}");
        let response = Response::parse(&reply.body).unwrap();
        assert_eq!(response, Response::refused(sequence, NOW, ErrorCode::RequestInvalid), "{body}");
    }
    let padded = |n: usize| format!("{PING}{}", " ".repeat(n - PING.len()));
    assert_eq!(post(&[XML], padded(262_144).as_bytes()).await.status, 200);
    assert_eq!(post(&[XML], padded(262_145).as_bytes()).await.status, 413);
    assert_eq!(post(&[("content-type", "text/xml")], PING.as_bytes()).await.status, 415);
    assert_eq!(post(&[], PING.as_bytes()).await.status, 415);
    assert_eq!(
        post(&[("content-type", "application/xml; charset=latin1")], PING.as_bytes()).await.status,
        415
    );
    assert_eq!(
        post(&[("content-type", "application/xml; charset=\"UTF-8\"")], PING.as_bytes()).await.status,
        200
    );
    assert_eq!(post(&[XML, ("content-encoding", "gzip")], PING.as_bytes()).await.status, 415);
}

/// Which of two tickets or signatures holds is not for the server to choose; nor does it read what is not
/// ASCII.
#[tokio::test]
async fn headers_stand_once() {
    let world = World::new().await;
    let mut client = Client::registered(&world).await;
    let ticket = client.ticket.clone().unwrap();
    let body = client.seal(&world, &[RequestMessage::Queue]);
    let signature = client.sign(body.as_bytes(), &ticket);
    let (good, signed) = (("x-cticket", ticket.as_str()), ("x-nccp-signature", signature.as_str()));
    let refused = Response::refused(0, NOW, ErrorCode::RequestInvalid);
    for headers in [
        vec![XML, good, good, signed],
        vec![XML, good, ("x-cticket", "AAAA"), signed],
        vec![XML, good, signed, signed],
        vec![XML, good, signed, ("x-nccp-signature", "")],
        vec![XML, good, signed, ("x-cticket", "\u{e9}")],
    ] {
        let reply = world.request("POST", "/nccp/controller", &headers, body.as_bytes()).await;
        assert_eq!(reply.status, 400, "{headers:?}");
        assert_eq!(Response::parse(&reply.body).unwrap(), refused, "{headers:?}");
    }
    let two_types = [XML, ("content-type", "application/xml"), good, signed];
    assert_eq!(world.request("POST", "/nccp/controller", &two_types, body.as_bytes()).await.status, 415);
    let reply = world.request("POST", "/nccp/controller", &[XML, good, signed], body.as_bytes()).await;
    assert!(outcome(&reply).unwrap()[0].is_ok(), "each alone");
}

/// A refusal for the page's origin is an answer of the protocol here, and JSON elsewhere.
#[tokio::test]
async fn another_sites_page_is_answered_in_the_routes_own_form() {
    let world = World::new().await;
    let evil = ("origin", "https://evil.example");
    let reply = world.request("POST", "/nccp/controller", &[XML, evil], PING.as_bytes()).await;
    assert_eq!(
        (reply.status.as_u16(), reply.header("content-type")),
        (403, "application/xml; charset=utf-8")
    );
    let refused = Response::refused(0, NOW, ErrorCode::OriginRefused);
    assert_eq!(Response::parse(&reply.body).unwrap(), refused);
    let reply = world.request("POST", "/license", &[("content-type", "application/cose"), evil], b"").await;
    assert_eq!(reply.status, 403);
    assert_eq!(reply.json::<nccp::json::ErrorBody>().code(), ErrorCode::OriginRefused);
    // Which of two holds nobody knows.
    let two = [XML, ("origin", URL), evil];
    assert_eq!(world.request("POST", "/nccp/controller", &two, PING.as_bytes()).await.status, 403);
}

#[tokio::test]
async fn a_flood_is_throttled() {
    let world = World::with("[limits]\nrequests = 2").await;
    for status in [200, 200, 429] {
        let reply = world.request("POST", "/nccp/controller", &[XML], PING.as_bytes()).await;
        assert_eq!(reply.status, status);
        assert_eq!(reply.headers.contains_key("retry-after"), status == 429);
    }
}

/// A30, A31, A38: twelve hours, the account of the cookies, the ticket in header and body.
#[tokio::test]
async fn a30_a31_a38_register() {
    let world = World::new().await;
    let mut stranger = Client::new(&world, "").await;
    assert_eq!(stranger.register(&world).await, Err(ErrorCode::LoginRequired));
    let cookies = world.login().await;
    let mut client = Client::new(&world, &cookies).await;
    let message = client.register_message();
    let answers = client.call(&world, &[RequestMessage::Ping, message, authorization(MOVIE)]).await.unwrap();
    let [
        Ok(ResponseMessage::Ping { .. }),
        Ok(ResponseMessage::Register(r)),
        Ok(ResponseMessage::Authorization(_)),
    ] = &answers[..]
    else {
        panic!("{answers:?}")
    };
    assert_eq!((r.expiration, r.renewal), (NOW + 43_200, NOW + 34_560));
    assert!(r.device_id.as_str().starts_with("d-") && r.ticket.len() <= 512);
    let device: Vec<_> = client.cookies.split("; ").filter(|c| c.starts_with("MatineeDevice=")).collect();
    assert_eq!(device.len(), 1);
    let body = client.seal(&world, &[client.register_message()]);
    let reply = client.post(&world, &body).await;
    assert!(reply.cookies()[0].ends_with("; HttpOnly; SameSite=Lax; Path=/; Max-Age=34560000"));
}

/// A37, A53: the seventh device is refused, and gets nothing else either.
#[tokio::test]
async fn a37_a53_the_seventh_device() {
    let world = World::new().await;
    for _ in 0..6 {
        Client::registered(&world).await;
    }
    let cookies = world.login().await;
    let mut seventh = Client::new(&world, &cookies).await;
    let body = seventh.seal(&world, &[seventh.register_message(), authorization(MOVIE)]);
    let reply = seventh.post(&world, &body).await;
    assert!(reply.text().contains(">Device Limit Reached</"));
    assert!(reply.cookies().is_empty() && reply.header("x-cticket").is_empty());
    let limit = ErrorCode::DeviceLimitReached;
    assert_eq!(outcome(&reply), Ok(vec![Err(limit), Err(limit)]));
    assert_eq!(world.device_count().await, 6);
}

/// A49: a thousand racing registrations, real ones, give exactly six.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a49_racing_registrations() {
    let world = Arc::new(World::with("[limits]\nindividualizations = 10000\nrequests = 100000").await);
    let cookies = world.login().await;
    let tasks: Vec<_> = (0..1000)
        .map(|_| {
            let (world, cookies) = (Arc::clone(&world), cookies.clone());
            tokio::spawn(async move {
                let mut client = Client::new(&world, &cookies).await;
                loop {
                    // A machine that is busy otherwise may not get through the queue in time, and says so.
                    match client.register(&world).await {
                        Err(ErrorCode::TryLater) => {}
                        result => break result,
                    }
                }
            })
        })
        .collect();
    let mut registered = 0;
    for task in tasks {
        match task.await.unwrap() {
            Ok(_) => registered += 1,
            Err(code) => assert_eq!(code, ErrorCode::DeviceLimitReached),
        }
    }
    assert_eq!((registered, world.device_count().await), (6, 6));
}

/// A39, A40: no ticket, no signature, another's signature, one flipped bit: 401, and no database is asked.
#[tokio::test]
async fn a39_a40_forgeries_cost_no_database() {
    let mut world = World::new().await;
    let mut a = Client::registered(&world).await;
    let b = Client::registered(&world).await;
    let good = a.seal(&world, &[authorization(MOVIE)]);
    let (clock, _) = Clock::manual(NOW);
    let service = Service::with_store(world.config.clone(), clock, Arc::new(AbsentStore)).unwrap();
    world.router = server::router(Arc::new(service));

    let ticket = a.ticket.clone().unwrap();
    let send = async |ticket: Option<&str>, signature: Option<&str>, body: &str| {
        let mut headers = vec![XML];
        headers.extend(ticket.map(|t| ("x-cticket", t)));
        headers.extend(signature.map(|s| ("x-nccp-signature", s)));
        let reply = world.request("POST", "/nccp/controller", &headers, body.as_bytes()).await;
        (reply.status.as_u16(), outcome(&reply).unwrap_err())
    };
    let refused = (401, ErrorCode::NotAuthentic);
    let signed = a.sign(good.as_bytes(), &ticket);
    assert_eq!(send(None, Some(&a.sign(good.as_bytes(), "")), &good).await, refused, "no ticket");
    assert_eq!(send(Some(&ticket), None, &good).await, refused, "no signature");
    assert_eq!(
        send(Some(&ticket), Some(&b.sign(good.as_bytes(), &ticket)), &good).await,
        refused,
        "B's signature"
    );
    let changed = good.replace(&MOVIE.to_string(), &OTHER_MOVIE.to_string());
    assert_eq!(send(Some(&ticket), Some(&signed), &changed).await, refused, "changed body");
    let theirs = good.replace(a.device.as_ref().unwrap().as_str(), b.device.as_ref().unwrap().as_str());
    assert_eq!(
        send(Some(&ticket), Some(&a.sign(theirs.as_bytes(), &ticket)), &theirs).await,
        refused,
        "B's id"
    );
    for at in [0, 8, 20, 60, ticket.len() - 2] {
        let flipped = if &ticket[at..=at] == "A" { "B" } else { "A" };
        let forged = format!("{}{flipped}{}", &ticket[..at], &ticket[at + 1..]);
        assert_eq!(
            send(Some(&forged), Some(&a.sign(good.as_bytes(), &forged)), &good).await,
            refused,
            "{at}"
        );
    }
    // The good one does ask the database, which this server has not.
    assert_eq!(send(Some(&ticket), Some(&signed), &good).await, (200, ErrorCode::TryLater));
    // A registration is checked by the key in its certificate, too.
    let mut forger =
        Client { certificate: b.certificate.clone(), ..Client::registered(&World::new().await).await };
    forger.device = None;
    let body = forger.seal(&world, &[forger.register_message()]);
    assert_eq!(send(None, Some(&forger.sign(body.as_bytes(), "")), &body).await, refused);
}

/// A92: a certificate of another site's is none; the client is told to individualize.
#[tokio::test]
async fn a92_foreign_certificates() {
    let (world, elsewhere) = (World::new().await, World::new().await);
    let cookies = world.login().await;
    let foreign = Client::new(&elsewhere, "").await;
    let mut client = Client { cookies, ..foreign };
    assert_eq!(client.register(&world).await, Err(ErrorCode::CertificateInvalid));
    // Ninety days later one's own is over, too.
    let mut client = Client::new(&world, &client.cookies).await;
    world.set_clock(NOW + 91 * 86_400);
    client.cookies = world.login().await;
    assert_eq!(client.register(&world).await, Err(ErrorCode::CertificateInvalid));
}

/// A32, A33: twelve hours, to the second; then only a renewal is answered, for thirty days.
#[tokio::test]
async fn a32_a33_tickets_end_and_are_renewed() {
    let world = World::new().await;
    let mut client = Client::registered(&world).await;
    let before = client.ticket.clone();
    let device = client.device.clone().unwrap();
    world.set_clock(NOW + 43_199);
    assert!(client.one(&world, RequestMessage::AccountInfo).await.is_ok());
    world.set_clock(NOW + 43_200);
    assert_eq!(client.one(&world, RequestMessage::AccountInfo).await, Err(ErrorCode::TicketExpired));
    let renewal = RequestMessage::AuthenticationRenewal { device_id: device.clone() };
    // What comes after the renewal uses its ticket; what comes before finds the old one over.
    let answers = client.call(&world, &[renewal.clone(), authorization(MOVIE)]).await.unwrap();
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    assert_ne!(client.ticket, before);
    assert_eq!(client.device, Some(device), "the same device");
    assert_eq!(world.device_count().await, 1);

    let expires = world.now() + 43_200;
    world.set_clock(expires + 30 * 86_400);
    client.cookies = world.login().await;
    let expired = client.ticket.clone();
    assert!(client.one(&world, renewal.clone()).await.is_ok());
    client.ticket = expired;
    world.set_clock(expires + 30 * 86_400 + 1);
    assert_eq!(client.one(&world, renewal.clone()).await, Err(ErrorCode::TicketExpired));
}

/// A57: a slot outlives its ticket. After thirteen idle hours the account is still full, and its devices
/// still belong to it.
#[tokio::test]
async fn a57_a_slot_outlives_its_ticket() {
    let world = World::new().await;
    let mut devices = Vec::new();
    for _ in 0..6 {
        devices.push(Client::registered(&world).await);
    }
    world.set_clock(NOW + 13 * 3600);
    let cookies = world.login().await;
    let mut seventh = Client::new(&world, &cookies).await;
    assert_eq!(seventh.register(&world).await, Err(ErrorCode::DeviceLimitReached));
    for device in &mut devices {
        let renewal = RequestMessage::AuthenticationRenewal { device_id: device.device.clone().unwrap() };
        device.cookies.clone_from(&cookies);
        let answers = device.call(&world, &[renewal, authorization(MOVIE)]).await.unwrap();
        assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    }
    assert_eq!(world.device_count().await, 6);
}

/// A34, A35: with another customer's cookies.
#[tokio::test]
async fn a34_renewal_with_another_accounts_cookies() {
    let world = World::new().await;
    let mut client = Client::registered(&world).await;
    let renewal = RequestMessage::AuthenticationRenewal { device_id: client.device.clone().unwrap() };
    client.cookies = world.add_account("bob@example.org", "unlimited").await;
    assert_eq!(client.one(&world, renewal.clone()).await, Err(ErrorCode::RenewOtherCustomer));
    client.cookies = String::new();
    assert_eq!(client.one(&world, renewal).await, Err(ErrorCode::LoginRequired));
    client.cookies = world.try_login("bob@example.org", PASSWORD, "").await.cookie_pairs();
    let old = client.device.clone();
    client.register(&world).await.unwrap();
    assert_ne!(client.device, old, "another device id");
    assert!(client.one(&world, authorization(MOVIE)).await.is_ok());
}

/// A36: a repeated number is refused as a whole; registering again brings order and takes no slot.
#[tokio::test]
async fn a36_sequence_numbers() {
    let world = World::new().await;
    let mut client = Client::registered(&world).await;
    let send = async |client: &Client, sequence: u64| {
        let body = client.seal_as(&world, sequence, &[authorization(MOVIE)]);
        outcome(&client.post(&world, &body).await)
    };
    assert!(send(&client, 6).await.is_ok());
    assert!(send(&client, 5).await.is_ok(), "late, but unseen");
    assert_eq!(send(&client, 5).await, Err(ErrorCode::SequenceOutOfOrder));
    assert_eq!(send(&client, 1).await, Err(ErrorCode::SequenceOutOfOrder), "the registration's own");
    assert_eq!(send(&client, 6 + 65_537).await, Err(ErrorCode::SequenceOutOfOrder));
    let old = client.ticket.clone();
    client.go_on_from(6);
    let device = client.device.clone();
    client.register(&world).await.unwrap();
    assert_eq!((client.device.clone(), world.device_count().await), (device, 1));
    assert!(client.one(&world, authorization(MOVIE)).await.is_ok());
    // A cloned profile with the older epoch's ticket shows itself.
    client.ticket = old;
    assert_eq!(client.one(&world, authorization(MOVIE)).await, Err(ErrorCode::SequenceOutOfOrder));
}

/// A refused envelope leaves no trace, a failed message no other's; a number is used up all the same.
#[tokio::test]
async fn messages_stand_alone_and_numbers_count_once() {
    let world = World::new().await;
    let mut client = Client::registered(&world).await;
    let log = |movie, position| {
        RequestMessage::LogBlob(LogBlob {
            movie_id: id(movie),
            position,
            event: LogEvent::Pause,
            counters: vec![],
            policy_version: None,
        })
    };
    let answers =
        client.call(&world, &[log(MOVIE, 3.0), authorization(1), log(OTHER_MOVIE, 4.0)]).await.unwrap();
    assert!(matches!(&answers[..], [Ok(_), Err(ErrorCode::MovieUnknown), Ok(_)]), "{answers:?}");
    // A45: the same number again does nothing.
    client.go_on_from(client.drawn() - 1);
    assert_eq!(client.one(&world, log(MOVIE, 7.0)).await, Err(ErrorCode::SequenceOutOfOrder));
    let user = RequestMessage::UserMovieMetadata { movie_id: id(MOVIE) };
    let Ok(ResponseMessage::UserMovieMetadata(user)) = client.one(&world, user).await else { panic!() };
    assert_eq!(user.position, 3.0);
}

#[tokio::test]
async fn wrong_clocks_are_told_the_time() {
    let world = World::new().await;
    let client = Client::registered(&world).await;
    for (offset, skewed) in [(-301i64, true), (-300, false), (300, false), (301, true)] {
        let sequence = (1000 + offset) as u64;
        let body = client
            .seal_as(&world, sequence, &[authorization(MOVIE)])
            .replace(&format!("time=\"{NOW}\""), &format!("time=\"{}\"", NOW.saturating_add_signed(offset)));
        let reply = client.post(&world, &body).await;
        assert_eq!(outcome(&reply).err(), skewed.then_some(ErrorCode::ClockSkew), "{offset}");
        assert_eq!(Response::parse(&reply.body).unwrap().time, NOW);
    }
}

/// A41, A42, A110: what is told of a movie, and of one's own viewing.
#[tokio::test]
async fn a41_a42_a110_metadata() {
    let world = World::new().await;
    let mut client = Client::registered(&world).await;
    let metadata = |movie| RequestMessage::MovieMetadata { movie_id: id(movie) };
    let Ok(ResponseMessage::MovieMetadata { metadata: film, .. }) = client.one(&world, metadata(MOVIE)).await
    else {
        panic!()
    };
    assert_eq!((film.title.as_str(), film.year, film.runtime), ("Film 60027274", Some(2026), 8.0));
    assert_eq!(film.tracks.len(), 2);
    assert_eq!(film.art[0].width, 1280);
    assert_eq!(client.one(&world, metadata(1)).await, Err(ErrorCode::MovieUnknown));

    let log = |position, event| {
        RequestMessage::LogBlob(LogBlob {
            movie_id: id(MOVIE),
            position,
            event,
            counters: vec![("stalls".into(), 1)],
            policy_version: None,
        })
    };
    let user = RequestMessage::UserMovieMetadata { movie_id: id(MOVIE) };
    let answers = client.call(&world, &[log(5.5, LogEvent::Interval), user.clone()]).await.unwrap();
    let Ok(ResponseMessage::UserMovieMetadata(mine)) = &answers[1] else { panic!("{answers:?}") };
    assert_eq!((mine.position, mine.history.len(), mine.history[0].seen), (5.5, 1, NOW));
    world.set_clock(NOW + 60);
    // What a page reports as it is closed on the last frame does not undo the end.
    let ended = [log(8.0, LogEvent::End), log(8.0, LogEvent::Hide), user];
    let answers = client.call(&world, &ended).await.unwrap();
    let Ok(ResponseMessage::UserMovieMetadata(mine)) = &answers[2] else { panic!("{answers:?}") };
    assert_eq!((mine.position, mine.history.len()), (0.0, 1), "watched to the end: from the beginning");
}

/// A8: the plan is read again each time; A119, A120: account and list.
#[tokio::test]
async fn a8_plans_account_and_list() {
    let world = World::new().await;
    let cookies = world.add_account("poor@example.org", "none").await;
    let mut client = Client::new(&world, &cookies).await;
    client.register(&world).await.unwrap();
    assert_eq!(client.one(&world, authorization(MOVIE)).await, Err(ErrorCode::NotSubscribed));
    let Ok(ResponseMessage::AccountInfo(info)) = client.one(&world, RequestMessage::AccountInfo).await else {
        panic!()
    };
    assert_eq!((info.name.as_str(), info.plan.as_str()), ("poor@example.org", "none"));
    assert_eq!((info.device_name.as_str(), info.devices, info.device_limit), ("Test browser", 1, 6));
    let headers = [("cookie", &*cookies)];
    world.request("PUT", &format!("/api/queue/{MOVIE}"), &headers, b"").await;
    let Ok(ResponseMessage::Queue(queue)) = client.one(&world, RequestMessage::Queue).await else { panic!() };
    assert_eq!((queue.len(), queue[0].movie_id, queue[0].metadata.runtime), (1, id(MOVIE), 8.0));
}

/// A43, A59 to A69, A84: the manifest, with the resume point in it. A62, A64, A66, A67: sound and each
/// picture size are one file each, with their content profile; only pictures have a resolution.
#[tokio::test]
async fn a43_a59_a69_the_manifest() {
    let world = World::new().await;
    let mut client = Client::registered(&world).await;
    let log = RequestMessage::LogBlob(LogBlob {
        movie_id: id(MOVIE),
        position: 4.25,
        event: LogEvent::Pause,
        counters: vec![],
        policy_version: None,
    });
    let answers = client.call(&world, &[log, authorization(MOVIE)]).await.unwrap();
    let Ok(ResponseMessage::Authorization(manifest)) = &answers[1] else { panic!("{answers:?}") };
    assert_eq!((manifest.movie_id, manifest.resume_position), (id(MOVIE), 4.25));
    assert_eq!(manifest.duration.unwrap().to_string(), "8000/1000");
    assert_eq!((manifest.cdns.len(), manifest.cdns[0].ranges), (1, RangeForm::Path));
    let [video, audio] = &manifest.downloadables[..] else { panic!("two files") };
    assert_eq!((video.media_type, audio.media_type), (MediaType::Video, MediaType::Audio));
    assert_eq!((video.id.as_str(), video.size, video.scheme), (VIDEO, 200_000, Scheme::Cenc));
    assert_eq!(video.content_profile.to_string(), "matinee-h264-cenc");
    assert_eq!(audio.content_profile.to_string(), "matinee-aac-cenc");
    assert!(audio.resolution.is_none() && video.resolution.is_some());
    assert_eq!(video.init_range.unwrap().last() + 1, video.index_range.unwrap().first());
    assert_eq!(
        (video.start_range.unwrap().to_string().as_str(), video.start_time),
        ("101200-199999", Some(4000))
    );
    assert_eq!(video.max_segment, Some(100_000));
    assert_eq!(video.keys.len(), 1);
    let url = &video.urls[0];
    assert!(url.url.starts_with(&format!("{URL}/s/{MOVIE:032x}/541/{VIDEO}.mp4?p=")), "{}", url.url);
    assert!(url.url.contains(&format!("&e={}&", url.expiration)));
    assert_eq!(manifest.expiration, url.expiration);
    let trust = super::client::trust(&world).await;
    let drm = license::DrmMetadata::verify(manifest.drm_metadata.as_ref().unwrap(), &trust).unwrap();
    assert_eq!((drm.content_id.as_str(), drm.policy.as_str()), ("movie/60027274", "24h"));
    assert_eq!(drm.keys[0].kid.0, video.keys[0].kid);
}

/// A60, A63, A68: CDNs with weights, each with its own URL, in the order that content steering has for the
/// device: the same at each start.
#[tokio::test]
async fn a60_a68_a_devices_cdns_stay_in_one_order() {
    let cdn = |id, weight| {
        format!(
            "[[cdn]]\nid = {id}\nname = \"c{id}\"\nweight = {weight}\nbase_url = \"http://c{id}.example\"\n"
        )
    };
    let world = World::with(&[cdn(4, 140), cdn(9, 120), cdn(2, 100), cdn(3, 90)].concat()).await;
    for _ in 0..4 {
        let mut client = Client::registered(&world).await;
        let seed = license::sha256(client.device.as_ref().unwrap().as_str().as_bytes());
        let steering = format!("/steering?s={}", &hex::encode(seed)[..16]);
        let order = world.request("GET", &steering, &[], b"").await.json::<serde_json::Value>();
        let order: Vec<u32> = order["PATHWAY-PRIORITY"]
            .as_array()
            .unwrap()
            .iter()
            .map(|id| id.as_str().unwrap().parse().unwrap())
            .collect();
        for _ in 0..3 {
            let Ok(ResponseMessage::Authorization(manifest)) = client.one(&world, authorization(MOVIE)).await
            else {
                panic!()
            };
            let mut told: Vec<_> = manifest.cdns.iter().map(|c| (c.id, c.weight)).collect();
            assert_eq!(told.iter().map(|(id, _)| *id).collect::<Vec<_>>(), order);
            told.sort_unstable();
            assert_eq!(told, [(2, 100), (3, 90), (4, 140), (9, 120)]);
            let urls = &manifest.downloadables[0].urls;
            assert!(urls.iter().all(|u| u.url.starts_with(&format!("http://c{}.example/s/", u.cdn_id))));
            assert_eq!(urls.iter().map(|u| u.cdn_id).collect::<Vec<_>>(), order);
        }
    }
}

/// Accounts that are gone, and films whose files are: in words, not in crashes.
#[tokio::test]
async fn missing_packs_are_not_available() {
    let world = World::new().await;
    std::fs::remove_dir_all(world.config.library().join(format!("{OTHER_MOVIE:032x}"))).unwrap();
    let mut client = Client::registered(&world).await;
    assert_eq!(client.one(&world, authorization(OTHER_MOVIE)).await, Err(ErrorCode::MovieNotAvailable));
    let account = super::world::account_id(&world).await;
    assert!(account > 0, "{EMAIL}");
}
