//! Licenses and keys for accounts that have no right to them.

use crate::boxes::{code, enter, poll, provisioned};
use crate::client::{Client, id, rsa};
use crate::drm::{domain_keys, embedded, set, with_domains};
use crate::world::{MOVIE, OTHER_MOVIE, PASSWORD, World};
use license::Domain;
use nccp::{Activation, ErrorCode, LogBlob, LogEvent, NewRules, RequestMessage, ResponseMessage};
use server::LicenseMode;
use server::store::{NewMovie, Store as _};

const FORCE: &str = "[drm]\nupdate_strategy = \"force\"";

/// A report of a player that goes by rules of old.
fn report(movie: u64) -> RequestMessage {
    RequestMessage::LogBlob(LogBlob {
        movie_id: id(movie),
        position: 1.0,
        event: LogEvent::Interval,
        counters: vec![],
        policy_version: Some("older".to_owned()),
    })
}

/// What a report brings, or why it brings nothing.
async fn brings(client: &mut Client, world: &World, movie: u64) -> Result<Option<NewRules>, ErrorCode> {
    match client.one(world, report(movie)).await? {
        ResponseMessage::LogBlob { rules: None, refused: Some(error), .. } => Err(error.code),
        ResponseMessage::LogBlob { rules, refused: None, .. } => Ok(rules),
        other => panic!("{other:?}"),
    }
}

async fn change(world: &World, movie: u64, change: impl FnOnce(&mut NewMovie)) {
    let mut tx = world.store.begin().await.unwrap();
    let mut movie: NewMovie = tx.movie(movie).await.unwrap().unwrap().into();
    change(&mut movie);
    tx.put_movie(&movie, world.now()).await.unwrap();
    tx.commit().await.unwrap();
}

async fn registered_with(world: &World, plan: &str) -> Client {
    let cookies = world.add_account(&format!("{plan}@example.org"), plan).await;
    let mut client = Client::with_rsa(world, &cookies, rsa()).await;
    client.register(world).await.unwrap();
    client
}

#[tokio::test]
async fn a_report_of_a_film_that_the_plan_does_not_cover() {
    let world = embedded(FORCE).await;
    let mut nobody = registered_with(&world, "none").await;
    let mut gold = registered_with(&world, "gold").await;
    assert!(brings(&mut gold, &world, MOVIE).await.unwrap().is_some());
    assert_eq!(brings(&mut nobody, &world, MOVIE).await, Err(ErrorCode::NotSubscribed));
    change(&world, MOVIE, |movie| movie.plans = vec!["silver".into()]).await;
    assert_eq!(brings(&mut gold, &world, MOVIE).await, Err(ErrorCode::NotSubscribed));
    // A film whose license is asked for has nothing to give away, and its player is told as well.
    assert!(brings(&mut gold, &world, OTHER_MOVIE).await.unwrap().is_some());
    assert_eq!(brings(&mut nobody, &world, OTHER_MOVIE).await, Err(ErrorCode::NotSubscribed));
    // A player that names no rules reports as ever.
    let quiet = RequestMessage::LogBlob(LogBlob {
        movie_id: id(MOVIE),
        position: 1.0,
        event: LogEvent::Interval,
        counters: vec![],
        policy_version: None,
    });
    assert!(nobody.one(&world, quiet).await.is_ok());
}

/// Though the player is to stop, its report counts: the position is kept, and so is the lease until it says
/// that it has stopped.
#[tokio::test]
async fn a_report_that_is_refused_stands() {
    let world = embedded(&format!("{FORCE}\n[plans.gold]\nstreams = 1")).await;
    let mut gold = registered_with(&world, "gold").await;
    let session = world.try_login("gold@example.org", PASSWORD, "").await.cookie_pairs();
    let mut second = Client::new(&world, &session).await;
    second.register(&world).await.unwrap();
    gold.one(&world, RequestMessage::Authorization { movie_id: id(MOVIE) }).await.unwrap();
    change(&world, MOVIE, |movie| movie.plans = vec!["silver".into()]).await;
    world.set_clock(world.now() + 170);
    assert_eq!(brings(&mut gold, &world, MOVIE).await, Err(ErrorCode::NotSubscribed));
    match gold.one(&world, RequestMessage::UserMovieMetadata { movie_id: id(MOVIE) }).await.unwrap() {
        ResponseMessage::UserMovieMetadata(user) => assert_eq!(user.position, 1.0),
        other => panic!("{other:?}"),
    }
    world.set_clock(world.now() + 170);
    let message = |client: &Client| RequestMessage::License {
        stream_id: id(OTHER_MOVIE),
        challenge: client.challenge(&world, OTHER_MOVIE),
    };
    let license = message(&second);
    assert_eq!(second.one(&world, license).await.err(), Some(ErrorCode::StreamLimit));
}

#[tokio::test]
async fn a_report_from_where_the_film_may_not_be_watched() {
    let (world, _regions) = crate::regions::world_with(FORCE).await;
    with_domains(&world);
    set(&world, MOVIE, LicenseMode::Embedded(Domain::All), "24h").await;
    let mut client = Client::registered(&world).await;
    assert!(brings(&mut client, &world, MOVIE).await.unwrap().is_some());
    world.come_from(crate::regions::ABROAD);
    assert_eq!(brings(&mut client, &world, MOVIE).await, Err(ErrorCode::RegionNotAllowed));
    world.come_from(crate::regions::HERE);
    change(&world, MOVIE, |movie| movie.regions = vec!["FR".into()]).await;
    assert_eq!(brings(&mut client, &world, MOVIE).await, Err(ErrorCode::RegionNotAllowed));
}

/// It is asked about reports that would bring rules, and about no others; while it is silent they bring none.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_report_that_the_authorizer_would_deny() {
    let (world, operator, _token) = crate::webhook::world(&format!("timeout_ms = 10000\n{FORCE}")).await;
    with_domains(&world);
    set(&world, MOVIE, LicenseMode::Embedded(Domain::All), "24h").await;
    operator.says(200, r#"{"allow": true}"#);
    let mut client = Client::registered(&world).await;
    let rules = brings(&mut client, &world, MOVIE).await.unwrap().unwrap();
    let questions = operator.questions();
    assert_eq!((questions.len(), &questions[0]["messages"]), (1, &serde_json::json!(["logblob"])));
    assert_eq!(client.report(&world, MOVIE, &rules.policy_version.unwrap()).await, None);
    assert!(operator.questions().is_empty(), "that report brings nothing");
    operator.says(200, r#"{"allow": false}"#);
    assert_eq!(brings(&mut client, &world, MOVIE).await, Err(ErrorCode::NotSubscribed));
    operator.says(500, "");
    assert_eq!(brings(&mut client, &world, MOVIE).await, Ok(None));
    assert_eq!(brings(&mut client, &world, 99_999).await, Err(ErrorCode::MovieUnknown));
}

/// The keys of a domain open the embedded licenses of every film, wherever these come from.
#[tokio::test]
async fn domain_keys_for_a_plan_that_plays_nothing() {
    let world = embedded("").await;
    let cookies = world.add_account("none@example.org", "none").await;
    let mut browser = Client::with_rsa(&world, &cookies, rsa()).await;
    assert!(domain_keys(&browser.register(&world).await.unwrap()).is_empty());
    let mut tv = provisioned(&world, "0001");
    let typed = code(&mut tv, &world).await;
    assert_eq!(enter(&world, &cookies, &typed, true).await.status, 200);
    let Activation::Registered(registration) = poll(&mut tv, &world).await.unwrap() else { panic!() };
    assert!(registration.domain_keys.is_empty());
    let renewals = async |browser: &mut Client, tv: &mut Client| {
        let mut keys = Vec::new();
        for client in [browser, tv] {
            let device_id = client.device.clone().unwrap();
            let renewal = RequestMessage::AuthenticationRenewal { device_id };
            keys.push(domain_keys(&client.one(&world, renewal).await.unwrap()).len());
        }
        keys
    };
    assert_eq!(renewals(&mut browser, &mut tv).await, [0, 0]);

    // A film that names the plan is something; what cannot be played is not.
    change(&world, OTHER_MOVIE, |movie| movie.plans = vec!["gold".into(), "none".into()]).await;
    assert_eq!(renewals(&mut browser, &mut tv).await, [4, 4]);
    change(&world, OTHER_MOVIE, |movie| movie.plans = vec!["gold".into()]).await;
    assert_eq!(renewals(&mut browser, &mut tv).await, [0, 0]);
    let mut gold = registered_with(&world, "gold").await;
    assert_eq!(renewals(&mut gold, &mut tv).await, [4, 0]);
}
