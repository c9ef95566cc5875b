//! In which order writers lock on PostgreSQL: the account before its devices, so that none waits for one that
//! waits for it.

use super::client::{Client, id};
use super::contract::postgres::Postgres;
use super::two_servers::two;
use super::world::{EMAIL, MOVIE, PASSWORD, World};
use nccp::{LogBlob, LogEvent, RequestMessage};
use server::accounts;
use server::store::Store as _;
use std::time::Duration;

/// Runs a request while the account is locked. Once it waits for that, it must hold none of the account's
/// devices.
async fn holds_no_device(server: &Postgres, request: impl Future<Output = ()>) {
    let store = server.store().await;
    let account = accounts::find(&store, EMAIL).await.unwrap();
    let pool = sqlx::PgPool::connect(&server.url()).await.unwrap();
    let mut tx = store.begin().await.unwrap();
    tx.lock_account(account.id).await.unwrap();
    let look = async {
        let waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'";
        while sqlx::query_scalar::<_, i64>(waiting).fetch_one(&pool).await.unwrap() == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let free = sqlx::query("SELECT id FROM devices WHERE account = $1 FOR NO KEY UPDATE NOWAIT")
            .bind(account.id)
            .fetch_all(&pool)
            .await;
        let free = free.map(|rows| rows.len());
        tx.commit().await.unwrap();
        free
    };
    let ((), free) = tokio::join!(request, look);
    assert!(free.unwrap() > 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_account_comes_before_its_devices() {
    let Some(server) = Postgres::start().await else { return };
    let (world, _) = two(&server).await;
    let mut client = Client::registered(&world).await;
    let mut other = Client::registered(&world).await;
    let log = RequestMessage::LogBlob(LogBlob {
        movie_id: id(MOVIE),
        position: 3.5,
        event: LogEvent::Interval,
        counters: vec![],
        policy_version: None,
    });
    let license = |client: &Client| RequestMessage::License {
        stream_id: id(MOVIE),
        challenge: client.challenge(&world, MOVIE),
    };
    let takeover = RequestMessage::Takeover { movie_id: id(MOVIE), device_id: other.device.clone().unwrap() };
    let renewal = RequestMessage::AuthenticationRenewal { device_id: client.device.clone().unwrap() };
    for message in [log, license(&client), takeover, renewal] {
        holds_no_device(&server, async {
            client.one(&world, message).await.unwrap();
        })
        .await;
    }
    holds_no_device(&server, async {
        let ticket = client.ticket.as_deref().unwrap();
        let headers = [("content-type", "application/cose"), ("x-cticket", ticket)];
        let challenge = client.challenge(&world, MOVIE);
        assert_eq!(world.request("POST", "/license", &headers, &challenge).await.status, 200);
    })
    .await;
    holds_no_device(&server, async {
        other.register(&world).await.unwrap();
    })
    .await;
    holds_no_device(&server, async {
        let body = format!(r#"{{"device_id":"{}"}}"#, other.device.as_ref().unwrap());
        let reply = world.post_json("/Player/unregister_device", &client.cookies, &body).await;
        assert_eq!(reply.status, 204);
    })
    .await;
    holds_no_device(&server, async {
        let body = serde_json::json!({"old_password": PASSWORD, "new_password": "another one"}).to_string();
        let reply = world.post_json("/account/password", &client.cookies, &body).await;
        assert_eq!(reply.status, 204);
    })
    .await;
}

/// Two devices report while a third is registered and removed, over and over: everybody is answered.
async fn reporters_and_registrations(world: &World, worlds: [&World; 2]) {
    let cookies = world.login().await;
    let mut clients = Vec::new();
    for _ in 0..3 {
        let mut client = Client::new(world, &cookies).await;
        client.register(world).await.unwrap();
        clients.push(client);
    }
    let [mut one, mut two, mut third] = <[Client; 3]>::try_from(clients).ok().unwrap();
    let reports = async |client: &mut Client, world: &World| {
        for n in 0..20 {
            let log = LogBlob {
                movie_id: id(MOVIE),
                position: f64::from(n),
                event: if n % 5 == 4 { LogEvent::End } else { LogEvent::Interval },
                counters: vec![],
                policy_version: None,
            };
            let license =
                RequestMessage::License { stream_id: id(MOVIE), challenge: client.challenge(world, MOVIE) };
            let answers = client.call(world, &[license, RequestMessage::LogBlob(log)]).await.unwrap();
            assert!(answers.iter().all(Result::is_ok), "{answers:?}");
        }
    };
    let registrations = async {
        for _ in 0..10 {
            third.register(worlds[0]).await.unwrap();
            let body = format!(r#"{{"device_id":"{}"}}"#, third.device.as_ref().unwrap());
            let removed = worlds[1].post_json("/Player/unregister_device", &cookies, &body).await;
            assert_eq!(removed.status, 204);
        }
    };
    tokio::join!(reports(&mut one, worlds[0]), reports(&mut two, worlds[1]), registrations);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_reporters_at_once_on_postgres() {
    let Some(server) = Postgres::start().await else { return };
    let (first, second) = two(&server).await;
    reporters_and_registrations(&first, [&first, &second]).await;
}

#[tokio::test]
async fn two_reporters_at_once_on_sqlite() {
    let world = World::new().await;
    reporters_and_registrations(&world, [&world, &world]).await;
}
