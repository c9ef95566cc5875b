//! More screens than the plan has, as a box sees it.

use nccp::ErrorCode;
use tv_box::{Ended, Notice, Wish};

use crate::world::{EMAIL, MOVIE, NOW, Run, Running, World, activated};

const ONE: &str = "[plans.unlimited]\nstreams = 1";

async fn pause(tv: &mut Running) {
    tv.wishes.send(Wish::Pause).await.unwrap();
}

/// A box whose place another device took stops with its next report and says where films play now; it plays
/// again when it is asked to, as soon as there is room.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_box_that_lost_its_place_says_who_has_it() {
    let world = World::with(ONE).await;
    let file = activated(&world, "0001").await;
    let run = || Run { play: Some(MOVIE), ..Run::once(2.0) };
    let mut tv = Running::start(&file, run());
    tv.playing().await;
    let device = world.devices().await[0]["device_id"].as_str().unwrap().to_owned();
    let store = server::store::open(&world.config).await.unwrap();
    let mut tx = store.begin().await.unwrap();
    let account = tx.account_by_email(EMAIL).await.unwrap().unwrap().0.id;
    tx.stop_leases(account, &device, "Kitchen", NOW).await.unwrap();
    tx.commit().await.unwrap();
    // Reported at once.
    pause(&mut tv).await;
    let (ended, shown) = tv.ended().await;
    let error = ended.unwrap_err();
    assert_eq!(error.code(), Some(ErrorCode::StreamLimit), "{shown:#?}");
    assert!(error.to_string().starts_with("Playing on Kitchen now."), "{error}");

    let mut tv = Running::start(&file, run());
    tv.playing().await;
    assert_eq!(tv.stop().await.0.unwrap(), Ended::Stopped);
}

/// A box that finds no room is told what plays where.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_box_without_room_is_told_what_plays_where() {
    let world = World::with(ONE).await;
    let [first, second] = [activated(&world, "0001").await, activated(&world, "0002").await];
    let mut tv = Running::start(&first, Run { play: Some(MOVIE), ..Run::once(1.0) });
    tv.playing().await;
    let (ended, shown) = Running::start(&second, Run { play: Some(MOVIE), ..Run::once(1.0) }).ended().await;
    let error = ended.unwrap_err();
    assert_eq!(error.code(), Some(ErrorCode::StreamLimit), "{shown:#?}");
    let words = error.to_string();
    assert!(words.starts_with("Playing now on Matinee One 0001."), "{words}");
    assert!(words.contains(&format!(" Matinee One 0001 plays Demo {MOVIE}.")), "{words}");
    let played = shown.iter().any(|notice| matches!(notice, Notice::Position { .. }));
    assert!(!played, "{shown:#?}");
    assert_eq!(tv.stop().await.0.unwrap(), Ended::Stopped);
}
