//! Two server processes' worth of services on one PostgreSQL, sharing their keys: what one did, the other
//! knows.

use super::client::{Client, id, outcome};
use super::contract::postgres::Postgres;
use super::world::{EMAIL, MOVIE, NOW, PASSWORD, World};
use nccp::{ErrorCode, RequestMessage, ResponseMessage};
use server::{Clock, Service, accounts, movies};
use std::sync::Arc;

/// Two servers, each with its own connections.
pub(crate) async fn two(server: &Postgres) -> (World, World) {
    two_with(server, "").await
}

/// As [`two`], with more lines for the configuration.
pub(crate) async fn two_with(server: &Postgres, config: &str) -> (World, World) {
    let (mut first, mut second) = (World::with(config).await, World::new().await);
    second.config = first.config.clone();
    for world in [&mut first, &mut second] {
        let (clock, hand) = Clock::manual(NOW);
        let store = Arc::new(server.store().await);
        let service = Arc::new(Service::with_store(world.config.clone(), clock, store).unwrap());
        world.router = server::router(Arc::clone(&service));
        world.clock = hand;
        world.service = service;
    }
    let store = server.store().await;
    accounts::add(&store, EMAIL, PASSWORD, "unlimited", NOW).await.unwrap();
    let pack = server::catalogue::Pack::read_folder(&first.config.library().join(format!("{MOVIE:032x}")))
        .await
        .unwrap();
    movies::add(&store, &pack, movies::Details::default(), movies::Over::Any, NOW).await.unwrap();
    (first, second)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_servers_on_one_postgres() {
    let Some(server) = Postgres::start().await else { return };
    let (first, second) = two(&server).await;
    // A session of one is a session of the other; so are tickets, positions, sequence numbers.
    let mut client = Client::registered(&first).await;
    assert_eq!(second.get("/api/library", &client.cookies).await.status, 200);
    client.one(&second, RequestMessage::Authorization { movie_id: id(MOVIE) }).await.unwrap();
    let log = RequestMessage::LogBlob(nccp::LogBlob {
        movie_id: id(MOVIE),
        position: 3.5,
        event: nccp::LogEvent::Interval,
        counters: vec![("stalls".into(), 1)],
        policy_version: None,
    });
    client.one(&first, log).await.unwrap();
    let Ok(ResponseMessage::UserMovieMetadata(user)) =
        client.one(&second, RequestMessage::UserMovieMetadata { movie_id: id(MOVIE) }).await
    else {
        panic!()
    };
    assert_eq!(user.position, 3.5);
    // Whichever hears a number first, the other refuses it.
    let body = client.seal(&first, &[RequestMessage::Queue]);
    assert!(outcome(&client.post(&first, &body).await).is_ok());
    assert_eq!(outcome(&client.post(&second, &body).await), Err(ErrorCode::SequenceOutOfOrder));
    // Both at once: one of them.
    for _ in 0..20 {
        let body = client.seal(&first, &[RequestMessage::Queue]);
        let (a, b) = tokio::join!(client.post(&first, &body), client.post(&second, &body));
        let heard = [outcome(&a).is_ok(), outcome(&b).is_ok()];
        assert_eq!(heard.iter().filter(|heard| **heard).count(), 1, "{heard:?}");
    }
    // A device removed on one is unknown to the other.
    let store = server.store().await;
    let device = accounts::devices(&store, EMAIL).await.unwrap().remove(0);
    accounts::remove_device(&store, &device.id, true).await.unwrap();
    for world in [&first, &second] {
        assert_eq!(client.one(world, RequestMessage::Queue).await, Err(ErrorCode::DeviceUnknown));
    }
}

/// A49 over two servers: many browsers register at once on either; six get a slot.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn racing_registrations_on_two_servers() {
    let Some(server) = Postgres::start().await else { return };
    let (first, second) = two(&server).await;
    let worlds = [Arc::new(first), Arc::new(second)];
    let cookies = worlds[0].login().await;
    let tasks: Vec<_> = (0..40)
        .map(|n| {
            let (world, cookies) = (Arc::clone(&worlds[n % 2]), cookies.clone());
            tokio::spawn(async move {
                let mut client = Client::new(&world, &cookies).await;
                client.register(&world).await
            })
        })
        .collect();
    let mut taken = 0;
    for task in tasks {
        match task.await.unwrap() {
            Ok(_) => taken += 1,
            Err(code) => assert_eq!(code, ErrorCode::DeviceLimitReached),
        }
    }
    assert_eq!(taken, 6);
    let store = server.store().await;
    let slots: Vec<_> = accounts::devices(&store, EMAIL).await.unwrap().iter().map(|d| d.slot).collect();
    assert_eq!(slots, (1..=6).map(Some).collect::<Vec<_>>());
}

/// On a plan for one film, two devices ask two servers at the same moment: one of them gets the stream, and
/// the other server knows.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn racing_streams_on_two_servers() {
    let Some(server) = Postgres::start().await else { return };
    let (first, second) = two_with(&server, "[plans.unlimited]\nstreams = 1").await;
    let cookies = first.login().await;
    let (mut here, mut there) = (Client::new(&first, &cookies).await, Client::new(&second, &cookies).await);
    here.register(&first).await.unwrap();
    there.register(&second).await.unwrap();
    let license = |client: &Client, world: &World| RequestMessage::License {
        stream_id: id(MOVIE),
        challenge: client.challenge(world, MOVIE),
    };
    let end = RequestMessage::LogBlob(nccp::LogBlob {
        movie_id: id(MOVIE),
        position: 3.5,
        event: nccp::LogEvent::End,
        counters: vec![],
        policy_version: None,
    });
    for _ in 0..20 {
        let (a, b) = (license(&here, &first), license(&there, &second));
        let (a, b) = tokio::join!(here.one(&first, a), there.one(&second, b));
        let given = [a.is_ok(), b.is_ok()];
        assert_eq!(given.iter().filter(|given| **given).count(), 1, "{a:?} {b:?}");
        // Whoever lost asks the other server.
        let again = if given[0] {
            let message = license(&there, &first);
            there.one(&first, message).await
        } else {
            let message = license(&here, &second);
            here.one(&second, message).await
        };
        assert_eq!(again.err(), Some(ErrorCode::StreamLimit));
        here.one(&second, end.clone()).await.unwrap();
        there.one(&first, end.clone()).await.unwrap();
    }
}

/// Twelve copies of one device, with the same number and challenges of their own, ask two servers at the same
/// moment: one license.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn racing_clones_on_two_servers() {
    let Some(server) = Postgres::start().await else { return };
    let (first, second) = two(&server).await;
    let client = Client::registered(&first).await;
    let ticket = client.ticket.as_deref().unwrap();
    let headers = [("content-type", "application/cose"), ("x-cticket", ticket)];
    let sequence = client.draw();
    let challenges: Vec<_> = (0..12)
        .map(|_| {
            let one = client.unsigned_challenge(&first, MOVIE, vec![]);
            client.sign_challenge(&license::Challenge { sequence, ..one })
        })
        .collect();
    let worlds = [&first, &second];
    let asked = challenges.iter().enumerate().map(async |(n, challenge)| {
        worlds[n % 2].request("POST", "/license", &headers, challenge).await.status.as_u16()
    });
    let mut statuses = futures_util::future::join_all(asked).await;
    statuses.sort_unstable();
    assert_eq!(statuses, [&[200][..], &[403; 11]].concat());
}

/// The networks of a device are counted by all servers together.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn networks_of_a_device_on_two_servers() {
    let Some(server) = Postgres::start().await else { return };
    let (first, second) = two_with(&server, "[devices]\nnetworks_per_hour = 1").await;
    let mut client = Client::registered(&first).await;
    let authorization = || RequestMessage::Authorization { movie_id: id(MOVIE) };
    assert!(client.one(&first, authorization()).await.is_ok());
    second.come_from("203.0.113.1");
    assert_eq!(client.one(&second, authorization()).await, Err(ErrorCode::NetworkLimit));
    assert!(client.one(&first, authorization()).await.is_ok());
    for world in [&first, &second] {
        world.set_clock(NOW + 3600);
    }
    assert!(client.one(&second, authorization()).await.is_ok());
    assert_eq!(client.one(&first, authorization()).await, Err(ErrorCode::NetworkLimit));
}
