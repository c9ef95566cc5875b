//! What must never be logged. A program of its own, since whether an event is recorded is remembered for the
//! whole process.
#![allow(clippy::unwrap_used)]

#[path = "http/captured.rs"]
mod captured;
#[expect(dead_code, reason = "shared with the other tests of the routes")]
#[path = "http/client.rs"]
mod client;
#[expect(dead_code, reason = "shared with the other tests of the routes")]
#[path = "http/world.rs"]
mod world;

use captured::Captured;
use client::{Client, id};
use nccp::{RequestMessage, ResponseMessage};
use world::{EMAIL, MOVIE, PASSWORD, World};

/// A whole session at the most talkative level, then a search for every secret that was in it.
#[tokio::test]
async fn no_secret_reaches_the_log() {
    let captured = Captured::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
        .with_writer(captured.clone())
        .finish();
    let guard = tracing::subscriber::set_default(subscriber);

    let world = World::with("[edge]\nreports = true").await;
    let mut client = Client::registered(&world).await;
    let challenge = client.challenge(&world, MOVIE);
    let license = RequestMessage::License { stream_id: id(MOVIE), challenge: challenge.clone() };
    let answers =
        client.call(&world, &[RequestMessage::Authorization { movie_id: id(MOVIE) }, license]).await.unwrap();
    let [Ok(ResponseMessage::Authorization(manifest)), Ok(ResponseMessage::License { license, .. })] =
        &answers[..]
    else {
        panic!("{answers:?}")
    };
    let url = manifest.downloadables[0].urls[0].url.strip_prefix(world::URL).unwrap();
    assert_eq!(world.get(url, "").await.status, 200);
    let report = format!(
        "e=rr,ts=1,url=\"{}\",sid=\"session-of-a-player\",rc=200",
        manifest.downloadables[0].urls[0].url
    );
    let headers = [("content-type", "application/cmcd")];
    assert_eq!(world.request("POST", "/cmcd", &headers, report.as_bytes()).await.status, 204);
    world.try_login(EMAIL, "another secret", "").await;
    let key = client.device.clone();
    drop(guard);

    let log = captured.text();
    assert!(log.contains("/nccp/controller") && log.contains("/login"), "requests are logged:\n{log}");
    assert!(log.contains("session-of-a-player"), "reports are logged:\n{log}");
    let ticket = client.ticket.clone().unwrap();
    let mut secrets = vec![PASSWORD.to_owned(), "another secret".to_owned(), ticket];
    secrets.extend(client.cookies.split("; ").map(|pair| pair.split_once('=').unwrap().1.to_owned()));
    secrets.extend(url.split_once('?').map(|(_, query)| query.to_owned()));
    secrets.extend(url.rsplit_once("h=").map(|(_, hash)| hash.to_owned()));
    let file = std::fs::read_to_string(world.config.keys().join("common-ck-1.toml")).unwrap();
    secrets.push(file.split("secret = \"").nth(1).unwrap().split('"').next().unwrap().to_owned());
    for octets in [&challenge, license] {
        secrets.push(hex::encode(&octets[..32]));
        secrets.push(format!("{:?}", &octets[..16]).trim_end_matches(']').to_owned());
    }
    for secret in secrets {
        assert!(secret.len() >= 8 && !log.contains(&secret), "{secret} is in the log");
    }
    assert!(key.is_some());
}
