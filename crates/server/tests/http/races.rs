//! Races for what is counted: slots, streams, numbers of challenges. With `MATINEE_SOAK` (`cargo xtask soak`)
//! in large, for ten minutes on each store.

use super::client::{Client, id};
use super::contract::postgres::Postgres;
use super::two_servers::two_with;
use super::world::{EMAIL, MOVIE, World};
use futures_util::{StreamExt as _, stream};
use nccp::{ErrorCode, LogBlob, LogEvent, RequestMessage};
use server::accounts;
use std::time::{Duration, Instant};

const SLOTS: usize = 6;
const STREAMS: usize = 4;
/// No budget is in the way.
const CONFIG: &str = "[limits]
individualizations = 100000000
requests = 100000000
site_requests = 100000000
[plans.unlimited]
streams = 4";

/// How many take part.
struct Size {
    registrations: usize,
    players: usize,
    copies: usize,
    time: Duration,
}

impl Size {
    fn asked() -> Self {
        match std::env::var_os("MATINEE_SOAK") {
            None => Self { registrations: 24, players: 12, copies: 6, time: Duration::ZERO },
            Some(_) => Self { registrations: 1000, players: 200, copies: 12, time: Duration::from_secs(600) },
        }
    }
}

/// So many at a time: more would only wait, until their time is over.
const AT_ONCE: usize = 50;

async fn at_once<T>(all: impl IntoIterator<Item = impl Future<Output = T>>) -> Vec<T> {
    stream::iter(all).buffer_unordered(AT_ONCE).collect().await
}

/// The server that this one of many asks.
fn server(worlds: &[World], n: usize) -> &World {
    &worlds[n % worlds.len()]
}

/// Asks again, as clients do, while there are too many at once (`TRY_LATER`).
async fn patient(
    client: &mut Client,
    ask: impl AsyncFn(&mut Client) -> Result<(), ErrorCode>,
) -> Result<(), ErrorCode> {
    for _ in 0..1000 {
        match ask(client).await {
            Err(ErrorCode::TryLater) => tokio::task::yield_now().await,
            answer => return answer,
        }
    }
    Err(ErrorCode::TryLater)
}

/// A49: many browsers of an account register at once: as many as there are slots get one, whatever was
/// removed meanwhile. The clients that got one.
async fn registrations(
    worlds: &[World],
    store: &dyn server::store::Store,
    cookies: &str,
    many: usize,
) -> Vec<Client> {
    for device in accounts::devices(store, EMAIL).await.unwrap() {
        accounts::remove_device(store, &device.id, false).await.unwrap();
    }
    let tried = at_once((0..many).map(async |n| {
        let world = server(worlds, n);
        let mut client = Client::new(world, cookies).await;
        let answer = patient(&mut client, async |client| client.register(world).await.map(drop)).await;
        (client, answer)
    }));
    let mut registered = Vec::new();
    for (client, answer) in tried.await {
        match answer {
            Ok(()) => registered.push(client),
            Err(code) => assert_eq!(code, ErrorCode::DeviceLimitReached),
        }
    }
    assert_eq!(registered.len(), SLOTS);
    let mut slots: Vec<_> =
        accounts::devices(store, EMAIL).await.unwrap().iter().filter_map(|d| d.slot).collect();
    slots.sort_unstable();
    assert_eq!(slots, (1..=SLOTS as u32).collect::<Vec<_>>());
    registered
}

/// The players all want the film at once. How many got it.
async fn wave(worlds: &[World], players: &mut [Client], turn: usize) -> usize {
    let asked = players.iter_mut().enumerate().map(async |(n, player)| {
        let world = server(worlds, n + turn);
        patient(player, async |player| {
            let challenge = player.challenge(world, MOVIE);
            let message = RequestMessage::License { stream_id: id(MOVIE), challenge };
            player.one(world, message).await.map(drop)
        })
        .await
    });
    let mut given = 0;
    for answer in at_once(asked).await {
        match answer {
            Ok(()) => given += 1,
            Err(code) => assert_eq!(code, ErrorCode::StreamLimit),
        }
    }
    given
}

/// All players end the film at once.
async fn end(worlds: &[World], players: &mut [Client], turn: usize) {
    let ended = players.iter_mut().enumerate().map(async |(n, player)| {
        let log = LogBlob {
            movie_id: id(MOVIE),
            position: 1.0,
            event: LogEvent::End,
            counters: vec![],
            policy_version: None,
        };
        let (world, message) = (server(worlds, n + turn), RequestMessage::LogBlob(log));
        patient(player, async |player| player.one(world, message.clone()).await.map(drop)).await.unwrap();
    });
    at_once(ended).await;
}

/// Copies of one device, which all go on from the same number, ask at once: one gets a license.
async fn copies(worlds: &[World], client: &Client, many: usize) {
    let ticket = client.ticket.as_deref().unwrap();
    let headers = [("content-type", "application/cose"), ("x-cticket", ticket)];
    let sequence = client.draw();
    let asked = (0..many).map(async |n| {
        let world = server(worlds, n);
        let one = client.unsigned_challenge(world, MOVIE, vec![]);
        let challenge = client.sign_challenge(&license::Challenge { sequence, ..one });
        world.request("POST", "/license", &headers, &challenge).await.status.as_u16()
    });
    let mut statuses = at_once(asked).await;
    // 503: there were too many at once, and the one that would have got it may be among them.
    let busy = statuses.contains(&503);
    statuses.retain(|status| *status != 503);
    let given = statuses.iter().filter(|status| **status == 200).count();
    assert!(given == 1 || busy && given == 0, "{statuses:?}");
    assert!(statuses.iter().all(|status| matches!(status, 200 | 403)), "{statuses:?}");
}

async fn race(worlds: &[World], store: &dyn server::store::Store) {
    let (size, begun) = (Size::asked(), Instant::now());
    let cookies = worlds[0].login().await;
    let mut players = Vec::new();
    let (mut turn, mut least) = (0, usize::MAX);
    loop {
        // Removed devices play on, so there are more players than slots.
        let registered = registrations(worlds, store, &cookies, size.registrations).await;
        players.extend(registered);
        while players.len() < size.players {
            players.extend(registrations(worlds, store, &cookies, SLOTS).await);
        }
        players.drain(..players.len() - size.players);
        let given = wave(worlds, &mut players, turn).await;
        assert!(given <= STREAMS, "{given} at once");
        least = least.min(given);
        // Who plays already asks again, and keeps his place; nobody else gets one.
        let again = wave(worlds, &mut players, turn + 1).await;
        assert_eq!(again, STREAMS, "after {given}");
        end(worlds, &mut players, turn).await;
        copies(worlds, &players[turn % size.players], size.copies).await;
        end(worlds, &mut players, turn + 1).await;
        turn += 1;
        if begun.elapsed() >= size.time {
            break;
        }
    }
    println!("{turn} rounds, {} players, {least} or more streams given at once", players.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_goes_over_its_limit_on_sqlite() {
    let world = World::with(CONFIG).await;
    let store = world.store.clone();
    race(&[world], &*store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_goes_over_its_limit_on_two_servers_with_postgres() {
    let Some(server) = Postgres::start().await else { return };
    let (first, second) = two_with(&server, CONFIG).await;
    let store = server.store().await;
    race(&[first, second], &store).await;
}
