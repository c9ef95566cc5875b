//! Copies of one device that share their numbers, and so are one device: what gives them away is where they
//! are.

use crate::client::{Client, id};
use crate::drm::embedded;
use crate::world::{MOVIE, NOW, World};
use metrics_exporter_prometheus::PrometheusBuilder;
use nccp::json::ErrorBody;
use nccp::{ErrorCode, LogBlob, LogEvent, RequestMessage, ResponseMessage};
use server::store::Store as _;

const TWO: &str = "[devices]\nnetworks_per_hour = 2";

/// Asks for manifest and license from there; what came of both.
async fn plays(client: &mut Client, world: &World, from: &str) -> [Result<(), ErrorCode>; 2] {
    world.come_from(from);
    let license = RequestMessage::License { stream_id: id(MOVIE), challenge: client.challenge(world, MOVIE) };
    let authorization = RequestMessage::Authorization { movie_id: id(MOVIE) };
    let answers = client.call(world, &[authorization, license]).await.unwrap();
    let answers: Vec<_> = answers.into_iter().map(|answer| answer.map(drop)).collect();
    answers.try_into().unwrap()
}

async fn raw(client: &Client, world: &World, from: &str) -> (u16, String) {
    world.come_from(from);
    let headers = [("content-type", "application/cose"), ("x-cticket", client.ticket.as_deref().unwrap())];
    let reply = world.request("POST", "/license", &headers, &client.challenge(world, MOVIE)).await;
    let code = if reply.status == 200 { String::new() } else { reply.json::<ErrorBody>().code().to_string() };
    (reply.status.as_u16(), code)
}

fn report(policy_version: Option<&str>) -> RequestMessage {
    let (counters, policy_version) = (vec![], policy_version.map(str::to_owned));
    let event = LogEvent::Interval;
    RequestMessage::LogBlob(LogBlob { movie_id: id(MOVIE), position: 1.0, event, counters, policy_version })
}

const GIVEN: [Result<(), ErrorCode>; 2] = [Ok(()), Ok(())];
const REFUSED: [Result<(), ErrorCode>; 2] = [Err(ErrorCode::NetworkLimit), Err(ErrorCode::NetworkLimit)];

/// Without a limit they are only counted: each further network of an hour once, whichever way it is heard of.
#[tokio::test]
async fn five_networks_show_themselves() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let handle = recorder.handle();
    let _guard = metrics::set_default_local_recorder(&recorder);
    let world = World::new().await;
    let mut client = Client::registered(&world).await;
    for from in ["203.0.113.1", "203.0.113.99", "198.51.100.1", "2001:db8:1::1", "2001:db8:1:f::2"] {
        assert_eq!(plays(&mut client, &world, from).await, GIVEN);
    }
    assert_eq!(raw(&client, &world, "2001:db8:2::1").await.0, 200);
    assert_eq!(plays(&mut client, &world, "203.0.113.1").await, GIVEN);
    let counted = |networks: &str| {
        let line = format!("matinee_device_networks_total{{networks=\"{networks}\"}} 1");
        handle.render().lines().any(|l| l == line)
    };
    // The registration's was the first.
    assert!(counted("2") && counted("3") && counted("4") && counted("5+"), "{}", handle.render());
}

/// Over the limit a network gets nothing that plays, by any way, and is told why; where the device was before
/// it goes on; after an hour there is room.
#[tokio::test]
async fn a_third_network_on_a_limit_of_two() {
    let world = embedded(&format!("{TWO}\n[drm]\nupdate_strategy = \"force\"")).await;
    let (home, mobile, abroad) = ("203.0.113.1", "198.51.100.1", "192.0.2.1");
    world.come_from(home);
    let mut client = Client::registered(&world).await;
    assert_eq!(plays(&mut client, &world, home).await, GIVEN);
    assert_eq!(plays(&mut client, &world, mobile).await, GIVEN);
    assert_eq!(plays(&mut client, &world, abroad).await, REFUSED);
    assert_eq!(raw(&client, &world, abroad).await, (403, "NETWORK_LIMIT".into()));
    let told = client.refused(&world, RequestMessage::Authorization { movie_id: id(MOVIE) }).await;
    assert_eq!(
        told.text,
        "This device was used in more than 2 networks within an hour. Play where it was before, or try again in \
         an hour."
    );
    let takeover =
        RequestMessage::Takeover { movie_id: id(MOVIE), device_id: client.device.clone().unwrap() };
    assert_eq!(client.one(&world, takeover).await, Err(ErrorCode::NetworkLimit));
    // A report is taken, and brings nothing; the list is nobody's secret.
    match client.one(&world, report(Some("older"))).await.unwrap() {
        ResponseMessage::LogBlob { rules: None, refused: Some(error), .. } => {
            assert_eq!(error.code, ErrorCode::NetworkLimit);
        }
        other => panic!("{other:?}"),
    }
    assert!(client.one(&world, RequestMessage::Queue).await.is_ok());
    // Nor does another registration help, with the messages behind it or after it.
    let register = client.register_message();
    let authorization = RequestMessage::Authorization { movie_id: id(MOVIE) };
    let answers = client.call(&world, &[register, authorization]).await.unwrap();
    assert!(answers[0].is_ok());
    assert_eq!(answers[1], Err(ErrorCode::NetworkLimit));
    assert_eq!(plays(&mut client, &world, abroad).await, REFUSED);
    // Where it was first, it goes on.
    assert_eq!(plays(&mut client, &world, home).await, GIVEN);
    world.set_clock(NOW + 1800);
    assert_eq!(plays(&mut client, &world, home).await, GIVEN);
    world.set_clock(NOW + 3599);
    assert_eq!(plays(&mut client, &world, abroad).await, REFUSED);
    world.set_clock(NOW + 3600);
    assert_eq!(plays(&mut client, &world, abroad).await, GIVEN, "an hour without the second one");
    assert_eq!(plays(&mut client, &world, mobile).await, REFUSED);
}

/// A proxy that does not tell whom it heard is no network of a device's.
#[tokio::test]
async fn an_address_that_is_not_known_is_no_network() {
    let world = World::with(&format!("trusted_proxies = [\"10.0.0.0/8\"]\n{TWO}")).await;
    let mut client = Client::registered(&world).await;
    for from in ["203.0.113.1", "198.51.100.1"] {
        let _ = plays(&mut client, &world, from).await;
    }
    world.come_from("10.0.0.1");
    let body = client.seal(&world, &[RequestMessage::Authorization { movie_id: id(MOVIE) }]);
    let ticket = client.ticket.clone().unwrap();
    let signature = client.sign(body.as_bytes(), &ticket);
    let headers = [
        ("content-type", "application/xml"),
        ("x-forwarded-for", "unknown"),
        ("x-nccp-signature", signature.as_str()),
        ("x-cticket", ticket.as_str()),
    ];
    let reply = world.request("POST", "/nccp/controller", &headers, body.as_bytes()).await;
    assert!(crate::client::outcome(&reply).unwrap()[0].is_ok());
    let mut tx = world.store.begin().await.unwrap();
    let device = tx.device(client.device.as_ref().unwrap().as_str()).await.unwrap().unwrap();
    assert_ne!(device.networks, server::store::Networks::default());
    // What nobody needs any more is forgotten.
    tx.purge(NOW + 3601, 0).await.unwrap();
    let device = tx.device(&device.id).await.unwrap().unwrap();
    assert_eq!(device.networks, server::store::Networks::default());
}
