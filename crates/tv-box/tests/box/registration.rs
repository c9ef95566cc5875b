//! What becomes of a box's registration. A116, A117.

use shaper::{Fault, Rule};
use tv_box::{Ended, Error, Notice};

use crate::world::{MOVIE, NOW, Run, Running, World, activated};

async fn plays(file: &std::path::Path) -> Vec<Notice> {
    let (ended, shown) = Running::start(file, Run { play: Some(MOVIE), ..Run::once(200.0) }).ended().await;
    assert_eq!(ended.unwrap(), Ended::Done, "{shown:#?}");
    shown
}

fn ticket(file: &std::path::Path) -> String {
    let state = std::fs::read(file.with_extension("state").join("state.json")).unwrap();
    let state: serde_json::Value = serde_json::from_slice(&state).unwrap();
    state["registration"]["ticket"].as_str().unwrap().to_owned()
}

/// A116: switched on within 12 h the registration is used as it is; from 80 % of its life on, or after its
/// end, it is renewed; no code.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a116_the_ticket_is_kept_and_renewed() {
    let world = World::new().await;
    let file = activated(&world, "0001").await;
    let first = ticket(&file);
    plays(&file).await;
    assert_eq!(ticket(&file), first, "still good");
    let mut before = first;
    for (hours, what) in [(10, "due"), (10 + 13, "over"), (10 + 13 + 24 * 29, "over for weeks")] {
        world.set_clock(NOW + hours * 3600);
        let shown = plays(&file).await;
        let again = ticket(&file);
        assert_ne!(again, before, "{what}");
        assert!(!shown.iter().any(|notice| matches!(notice, Notice::Code { .. })), "{what}");
        before = again;
    }
    assert_eq!(world.devices().await.len(), 1);
}

/// A117: a box that was removed plays on until its ticket ends; then it is nobody's, and shows a code.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a117_a_removed_box_goes_back_to_the_code() {
    let world = World::new().await;
    let file = activated(&world, "0001").await;
    let devices = world.devices().await;
    world.remove_device(devices[0]["device_id"].as_str().unwrap()).await;
    plays(&file).await;
    world.set_clock(NOW + 12 * 3600);
    let mut tv = Running::start(&file, Run { once: false, ..Run::once(200.0) });
    let code = tv.code().await;
    assert!(tv.shown.iter().any(|notice| matches!(notice, Notice::Deactivated)));
    assert_eq!(world.devices().await.len(), 0, "it took no slot by itself");
    world.confirm(&code).await;
    tv.activated().await;
    assert_eq!(world.devices().await.len(), 1);
    tv.stop().await.0.unwrap();
}

/// An operator's `device remove --now` ends it in the middle of a film.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_box_removed_at_once_stops() {
    let world = World::new().await;
    let file = activated(&world, "0001").await;
    let mut tv = Running::start(&file, Run { play: Some(MOVIE), once: false, ..Run::once(8.0) });
    tv.playing().await;
    let devices = world.devices().await;
    let store = server::store::open(&world.config).await.unwrap();
    server::accounts::remove_device(&*store, devices[0]["device_id"].as_str().unwrap(), true).await.unwrap();
    tv.code().await;
    tv.stop().await.0.unwrap();
}

/// A state that lags behind (a copied profile, a restored backup) is noticed by the sequence number; the box
/// asks for a code.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_older_state_needs_a_code() {
    let world = World::new().await;
    let file = activated(&world, "0001").await;
    let state = file.with_extension("state").join("state.json");
    let old = std::fs::read(&state).unwrap();
    // Until a minute after its activation a box may ask for its registration again.
    world.set_clock(NOW + 61);
    plays(&file).await;
    std::fs::write(&state, old).unwrap();
    let mut tv = Running::start(&file, Run { once: false, ..Run::once(1.0) });
    tv.code().await;
    tv.stop().await.0.unwrap();
}

/// A service that does not answer is asked again; a film that stutters on its way arrives.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn faults_on_the_way_are_borne() {
    let world = World::new().await;
    let file = activated(&world, "0001").await;
    world.boxes.add_rule(Rule::new("/nccp/controller", Fault::Status(503)).times(2));
    world.site.add_rule(Rule::new("/s/*", Fault::Status(500)).times(2));
    plays(&file).await;
}

/// A state that cannot be written ends the box, and it says why: its sequence numbers would be used twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_state_that_cannot_be_written_is_no_silence() {
    let world = World::new().await;
    let file = world.provision("0001");
    let mut tv = Running::start(&file, Run { once: false, ..Run::once(1.0) });
    tv.code().await;
    std::fs::remove_dir_all(file.with_extension("state")).unwrap();
    let (ended, shown) = tv.ended().await;
    assert!(matches!(ended, Err(Error::Io { .. })), "{ended:?} {shown:#?}");
}
