//! Links to films: for people without an account, as devices of the link.

use crate::client::{Client, id};
use crate::world::{MOVIE, NOW, OTHER_MOVIE, Reply, World};
use nccp::json::OpenedShare;
use nccp::{ErrorCode, RequestMessage, ShownGrant};
use serde_json::json;
use server::accounts;
use server::shares::{self, NewShare};

fn new() -> NewShare<'static> {
    NewShare { movie: id(MOVIE), ends: None, password: None, devices: 2 }
}

async fn link(world: &World, new: &NewShare<'_>) -> String {
    shares::create(&*world.store, new, world.now()).await.unwrap().1.to_string()
}

async fn open(world: &World, link: &str, password: Option<&str>) -> Reply {
    world.post_json(link, "", &json!({ "password": password }).to_string()).await
}

async fn visitor(world: &World, link: &str) -> Result<Client, ErrorCode> {
    let opened: OpenedShare = open(world, link, None).await.json();
    assert_eq!(opened.movie_id.get(), MOVIE);
    let mut client = Client::new(world, "").await;
    let message = client.register_by(Some(ShownGrant { token: opened.grant, origin: None }));
    client.one(world, message).await?;
    Ok(client)
}

fn authorization(movie: u64) -> RequestMessage {
    RequestMessage::Authorization { movie_id: id(movie) }
}

#[tokio::test]
async fn a_link_opens_one_film_on_so_many_devices() {
    let world = World::new().await;
    let link = link(&world, &new()).await;
    let mut first = visitor(&world, &link).await.unwrap();
    assert!(first.one(&world, authorization(MOVIE)).await.is_ok());
    assert_eq!(first.one(&world, authorization(OTHER_MOVIE)).await, Err(ErrorCode::GrantInvalid));
    visitor(&world, &link).await.unwrap();
    assert_eq!(visitor(&world, &link).await.err(), Some(ErrorCode::DeviceLimitReached));
    // The link itself is nowhere.
    let listed = format!("{:?}", shares::list(&*world.store).await.unwrap());
    assert!(!listed.contains(&link[3..]));

    let id = shares::list(&*world.store).await.unwrap()[0].id.clone();
    assert_eq!(shares::revoke(&*world.store, &link[3..]).await.unwrap(), id, "by what stands behind /v/");
    assert_eq!(open(&world, &link, None).await.status, 404);
    assert_eq!(first.one(&world, authorization(MOVIE)).await, Err(ErrorCode::LoginRequired), "at once");
    assert!(shares::revoke(&*world.store, &id).await.is_err());
}

#[tokio::test]
async fn a_link_ends_with_what_plays_by_it() {
    let world = World::new().await;
    let link = link(&world, &NewShare { ends: Some(NOW + 600), ..new() }).await;
    let mut client = visitor(&world, &link).await.unwrap();
    world.set_clock(NOW + 599);
    assert!(client.one(&world, authorization(MOVIE)).await.is_ok());
    world.set_clock(NOW + 600);
    assert_eq!(client.one(&world, authorization(MOVIE)).await, Err(ErrorCode::TicketExpired));
    let over = open(&world, &link, None).await;
    assert_eq!((over.status.as_u16(), over.text().contains("MOVIE_UNKNOWN")), (404, true));
    for wrong in ["/v/x", &format!("/v/{}", "A".repeat(32))] {
        assert_eq!(open(&world, wrong, None).await.status, 404);
    }
    let bad = [
        NewShare { ends: Some(NOW + 600), ..new() },
        NewShare { devices: 0, ..new() },
        NewShare { movie: id(5), ..new() },
    ];
    for new in bad {
        assert!(shares::create(&*world.store, &new, world.now()).await.is_err());
    }
}

#[tokio::test]
async fn a_link_may_ask_for_a_password() {
    let world = World::with("[limits]\nlogins_per_account = 2").await;
    let link = link(&world, &NewShare { password: Some("salty popcorn"), ..new() }).await;
    let none = open(&world, &link, None).await;
    assert_eq!((none.status.as_u16(), none.text().contains("LOGIN_FAILED")), (401, true));
    assert_eq!(open(&world, &link, Some("corn")).await.status, 401);
    assert_eq!(open(&world, &link, Some("salty popcorn")).await.status, 200);
    assert_eq!(open(&world, &link, Some("salty popcorn")).await.status, 429, "nobody guesses for long");
    let accounts = accounts::list(&*world.store).await.unwrap();
    assert!(accounts.iter().any(|account| account.email.starts_with("subject:share-")));
}
