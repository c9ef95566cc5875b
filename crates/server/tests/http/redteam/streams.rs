//! An account that is shared: more films at the same time than its plan allows.

use crate::client::{Client, id};
use crate::drm::embedded;
use crate::world::{EMAIL, MOVIE, NOW, OTHER_MOVIE, World};
use nccp::json::ErrorBody;
use nccp::{ErrorCode, LogBlob, LogEvent, RequestMessage, ResponseMessage};
use server::{Clock, Service, accounts};
use std::sync::Arc;

const TWO: &str = "[plans.unlimited]\nstreams = 2";
const ONE: &str = "[plans.unlimited]\nstreams = 1";

/// Browsers of one session, so that the throttle of logins has no say.
async fn browsers<const N: usize>(world: &World) -> [Client; N] {
    let session = world.login().await;
    let mut clients = Vec::new();
    for n in 0..N {
        let mut client = Client::new(world, &session).await;
        let RequestMessage::Register(mut register) = client.register_message() else { panic!() };
        register.name = format!("Room {n}");
        client.one(world, RequestMessage::Register(register)).await.unwrap();
        clients.push(client);
    }
    clients.try_into().ok().unwrap()
}

fn license(client: &Client, world: &World, movie: u64) -> RequestMessage {
    RequestMessage::License { stream_id: id(movie), challenge: client.challenge(world, movie) }
}

async fn plays(client: &mut Client, world: &World, movie: u64) -> Result<(), ErrorCode> {
    let message = license(client, world, movie);
    client.one(world, message).await.map(drop)
}

fn report(movie: u64, event: LogEvent) -> RequestMessage {
    let (counters, policy_version) = (vec![], None);
    RequestMessage::LogBlob(LogBlob { movie_id: id(movie), position: 1.0, event, counters, policy_version })
}

/// Reports; who took its place, if somebody did.
async fn reports(client: &mut Client, world: &World, movie: u64, event: LogEvent) -> Option<String> {
    match client.one(world, report(movie, event)).await.unwrap() {
        ResponseMessage::LogBlob { stopped, .. } => stopped,
        other => panic!("{other:?}"),
    }
}

fn take_over(movie: u64, from: &Client) -> RequestMessage {
    RequestMessage::Takeover { movie_id: id(movie), device_id: from.device.clone().unwrap() }
}

/// The third device of a two-stream plan is told who plays, takes over, and only the device that it names
/// stops, with its next report.
#[tokio::test]
async fn a_third_device_plays_on_a_plan_for_two() {
    let world = World::with(TWO).await;
    let [mut first, mut second, mut third] = browsers(&world).await;
    plays(&mut first, &world, MOVIE).await.unwrap();
    world.set_clock(NOW + 1);
    plays(&mut second, &world, OTHER_MOVIE).await.unwrap();
    let message = license(&third, &world, MOVIE);
    let refused = third.refused(&world, message).await;
    assert_eq!(refused.code, ErrorCode::StreamLimit);
    assert_eq!(refused.text, "Playing now on Room 0 and Room 1. Your plan allows 2 films at a time.");
    let playing: Vec<_> = refused.playing.iter().map(|p| (Some(&p.device_id), p.name.as_str())).collect();
    assert_eq!(playing, [(first.device.as_ref(), "Room 0"), (second.device.as_ref(), "Room 1")]);
    let films: Vec<_> = refused.playing.iter().map(|p| (p.title.as_deref(), p.since)).collect();
    assert_eq!(films, [(Some("Film 60027274"), Some(NOW)), (Some("Film 7"), Some(NOW + 1))]);
    // The raw way says the same.
    let headers = [("content-type", "application/cose"), ("x-cticket", third.ticket.as_deref().unwrap())];
    let challenge = third.challenge(&world, MOVIE);
    let reply = world.request("POST", "/license", &headers, &challenge).await;
    assert_eq!(reply.status, 403);
    let body: ErrorBody = reply.json();
    assert_eq!((body.code(), body.error.message), (ErrorCode::StreamLimit, refused.text));
    assert_eq!(body.error.playing, refused.playing);

    third.one(&world, take_over(MOVIE, &first)).await.unwrap();
    plays(&mut third, &world, MOVIE).await.unwrap();
    let stopped = reports(&mut first, &world, MOVIE, LogEvent::Interval).await;
    assert_eq!(stopped.as_deref(), Some("Room 2"));
    assert_eq!(reports(&mut second, &world, OTHER_MOVIE, LogEvent::Interval).await, None);
    assert_eq!(reports(&mut third, &world, MOVIE, LogEvent::Interval).await, None);
    assert_eq!(plays(&mut first, &world, MOVIE).await, Err(ErrorCode::StreamLimit), "no way back by asking");
}

/// A renewal keeps its lease; the lease ends with the film, when the page is hidden or left, or when three
/// reports are missing.
#[tokio::test]
async fn a_lease_is_kept_by_reports_and_ends_without_them() {
    let world = World::with(ONE).await;
    let [mut first, mut second] = browsers(&world).await;
    plays(&mut first, &world, MOVIE).await.unwrap();
    plays(&mut first, &world, MOVIE).await.unwrap();
    for minute in 1..=10 {
        world.set_clock(NOW + minute * 60);
        assert_eq!(reports(&mut first, &world, MOVIE, LogEvent::Interval).await, None);
        assert_eq!(plays(&mut second, &world, MOVIE).await, Err(ErrorCode::StreamLimit));
    }
    world.set_clock(NOW + 600 + 179);
    assert_eq!(plays(&mut second, &world, MOVIE).await, Err(ErrorCode::StreamLimit));
    world.set_clock(NOW + 600 + 180);
    plays(&mut second, &world, MOVIE).await.unwrap();
    // It was silent for too long, and another one plays now.
    let stopped = reports(&mut first, &world, MOVIE, LogEvent::Interval).await;
    assert_eq!(stopped.as_deref(), Some("Room 1"));
    for event in [LogEvent::End, LogEvent::Hide] {
        assert_eq!(reports(&mut second, &world, MOVIE, event).await, None);
        assert_eq!(reports(&mut first, &world, MOVIE, LogEvent::Interval).await, None, "there is room again");
        assert_eq!(reports(&mut first, &world, MOVIE, event).await, None);
        plays(&mut second, &world, MOVIE).await.unwrap();
    }
    // A page that was left says it by its cookies.
    let body = format!(r#"{{"movie_id":{MOVIE},"event":"hide"}}"#);
    assert_eq!(world.post_json("/playerevent", &first.cookies, &body).await.status, 204);
    assert_eq!(plays(&mut first, &world, MOVIE).await, Err(ErrorCode::StreamLimit), "another browser's page");
    assert_eq!(world.post_json("/playerevent", &second.cookies, &body).await.status, 204);
    plays(&mut first, &world, MOVIE).await.unwrap();
}

/// A license and each report say when the lease ends; the report of a device that was replaced says to stop,
/// by an element of its own. Where streams are not counted there is no lease.
#[tokio::test]
async fn answers_say_when_the_lease_ends() {
    let lease = |answer: ResponseMessage| match answer {
        ResponseMessage::License { lease, .. } | ResponseMessage::LogBlob { lease, .. } => lease,
        other => panic!("{other:?}"),
    };
    let world = World::with(ONE).await;
    let [mut first, mut second] = browsers(&world).await;
    let message = license(&first, &world, MOVIE);
    assert_eq!(lease(first.one(&world, message).await.unwrap()), Some(NOW + 180));
    world.set_clock(NOW + 60);
    let interval = || report(MOVIE, LogEvent::Interval);
    assert_eq!(lease(first.one(&world, interval()).await.unwrap()), Some(NOW + 240));
    second.one(&world, take_over(MOVIE, &first)).await.unwrap();
    let stopped = first.one(&world, interval()).await.unwrap();
    let outcome = nccp::Outcome::Answers(vec![nccp::Answer::Done(stopped.clone())]);
    let xml = nccp::Response { sequence: 1, time: NOW, outcome }.to_xml();
    assert!(xml.contains("<nccp:stop/>") && xml.contains("<nccp:stopped>Room 1</nccp:stopped>"), "{xml}");
    assert_eq!(lease(stopped), None);
    assert_eq!(lease(second.one(&world, interval()).await.unwrap()), Some(NOW + 240));
    assert_eq!(lease(second.one(&world, report(MOVIE, LogEvent::End)).await.unwrap()), None, "it is over");

    let world = World::with("[plans.unlimited]\nstreams = 0").await;
    let [mut client] = browsers(&world).await;
    let message = license(&client, &world, MOVIE);
    assert_eq!(lease(client.one(&world, message).await.unwrap()), None);
    assert_eq!(lease(client.one(&world, interval()).await.unwrap()), None);
}

/// Devices that were removed play on for twelve hours, and count.
#[tokio::test]
async fn removed_devices_play_on_without_a_limit() {
    let world = World::with("[devices]\nlimit = 2").await;
    let [mut first, mut second] = browsers(&world).await;
    for client in [&mut first, &mut second] {
        plays(client, &world, MOVIE).await.unwrap();
        let device = client.device.as_ref().unwrap().to_string();
        accounts::remove_device(&*world.store, &device, false).await.unwrap();
    }
    let [mut third] = browsers(&world).await;
    assert_eq!(
        plays(&mut third, &world, MOVIE).await,
        Err(ErrorCode::StreamLimit),
        "six slots are no streams"
    );
    assert_eq!(reports(&mut first, &world, MOVIE, LogEvent::End).await, None);
    plays(&mut third, &world, MOVIE).await.unwrap();
    assert_eq!(plays(&mut first, &world, MOVIE).await, Err(ErrorCode::StreamLimit));
    // One that is gone at once plays nothing.
    let device = second.device.as_ref().unwrap().to_string();
    accounts::remove_device(&*world.store, &device, true).await.unwrap();
    plays(&mut first, &world, MOVIE).await.unwrap();
}

/// An embedded license comes with the manifest, and so does its lease. Titles that are only looked at hold
/// one stream at most.
#[tokio::test]
async fn embedded_licenses_need_no_license_request() {
    let world = embedded(ONE).await;
    let [mut first, mut second] = browsers(&world).await;
    let authorization = |movie| RequestMessage::Authorization { movie_id: id(movie) };
    first.one(&world, authorization(MOVIE)).await.unwrap();
    let refused = second.refused(&world, authorization(MOVIE)).await;
    assert_eq!((refused.code, refused.playing.len()), (ErrorCode::StreamLimit, 1));
    assert!(
        second.one(&world, authorization(OTHER_MOVIE)).await.is_ok(),
        "nothing comes along with this one"
    );
    second.one(&world, take_over(MOVIE, &first)).await.unwrap();
    second.one(&world, authorization(MOVIE)).await.unwrap();
    assert_eq!(reports(&mut first, &world, MOVIE, LogEvent::Interval).await.as_deref(), Some("Room 1"));
    // It looked at this one, and plays another.
    plays(&mut second, &world, OTHER_MOVIE).await.unwrap();
    assert_eq!(reports(&mut second, &world, OTHER_MOVIE, LogEvent::Interval).await, None);
    assert_eq!(plays(&mut second, &world, MOVIE).await, Err(ErrorCode::StreamLimit), "one that plays counts");
}

/// Two devices ask at the same moment, many times over: one of them gets the stream.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_devices_ask_at_once() {
    let world = World::with(ONE).await;
    let [mut first, mut second] = browsers(&world).await;
    for _ in 0..10 {
        let (a, b) = tokio::join!(plays(&mut first, &world, MOVIE), plays(&mut second, &world, OTHER_MOVIE));
        assert_eq!(u8::from(a.is_ok()) + u8::from(b.is_ok()), 1, "{a:?} {b:?}");
        reports(&mut first, &world, MOVIE, LogEvent::End).await;
        reports(&mut second, &world, OTHER_MOVIE, LogEvent::End).await;
    }
}

/// Leases outlive the server; with `streams = 0` there are none.
#[tokio::test]
async fn a_restart_forgets_who_plays() {
    let mut world = World::with(ONE).await;
    let [mut first, mut second] = browsers(&world).await;
    plays(&mut first, &world, MOVIE).await.unwrap();
    for (streams, outcome) in [(1, Err(ErrorCode::StreamLimit)), (0, Ok(()))] {
        let mut config = world.config.clone();
        config.plans.get_mut("unlimited").unwrap().streams = Some(streams);
        let (clock, _) = Clock::manual(NOW);
        let again = Service::with_store(config, clock, Arc::clone(&world.store) as _).unwrap();
        world.router = server::router(Arc::new(again));
        assert_eq!(plays(&mut second, &world, MOVIE).await, outcome);
    }
    assert_eq!(accounts::devices(&*world.store, EMAIL).await.unwrap().len(), 2);
}

/// Nobody takes over from another account.
#[tokio::test]
async fn taking_over_from_a_stranger() {
    let world = World::with(ONE).await;
    let [mut first] = browsers(&world).await;
    plays(&mut first, &world, MOVIE).await.unwrap();
    let cookies = world.add_account("bob@example.org", "unlimited").await;
    let mut bob = Client::new(&world, &cookies).await;
    bob.register(&world).await.unwrap();
    bob.one(&world, take_over(MOVIE, &first)).await.unwrap();
    assert_eq!(reports(&mut first, &world, MOVIE, LogEvent::Interval).await, None);
    assert_eq!(bob.one(&world, take_over(404, &first)).await, Err(ErrorCode::MovieUnknown));
}

/// Devices of one name are told apart as the page of devices does, those that were removed, too; the one that
/// is stopped by another of its name is told which.
#[tokio::test]
async fn devices_of_one_name_play_and_cannot_be_told_apart() {
    let world = World::with("[plans.unlimited]\nstreams = 3").await;
    let session = world.login().await;
    let mut clients = Vec::new();
    for n in 0..4 {
        let mut client = Client::new(&world, &session).await;
        client.register(&world).await.unwrap();
        world.set_clock(NOW + n);
        clients.push(client);
    }
    for client in &clients[1..3] {
        accounts::remove_device(&*world.store, client.device.as_ref().unwrap().as_str(), false)
            .await
            .unwrap();
    }
    for (n, client) in clients[..3].iter_mut().enumerate() {
        world.set_clock(NOW + 10 + n as u64);
        plays(client, &world, MOVIE).await.unwrap();
    }
    let [mut first, _, _, mut fourth] = <[Client; 4]>::try_from(clients).ok().unwrap();
    let message = license(&fourth, &world, MOVIE);
    let refused = fourth.refused(&world, message).await;
    let names: Vec<_> = refused.playing.iter().map(|playing| playing.name.as_str()).collect();
    let removed = "Test browser, which was removed";
    assert_eq!(names, ["Test browser in place 1", removed, &format!("{removed} (2)")]);
    assert!(refused.text.starts_with("Playing now on Test browser in place 1, "), "{}", refused.text);

    fourth.one(&world, take_over(MOVIE, &first)).await.unwrap();
    let stopped = reports(&mut first, &world, MOVIE, LogEvent::Interval).await;
    assert_eq!(stopped.as_deref(), Some("Test browser in place 4"));
}
