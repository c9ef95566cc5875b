//! Films with an embedded license, on a box. B19, B21, B47, B49.

use server::store::NewMovie;
use server::{LicenseMode, keys};
use tv_box::{Ended, Notice, Reason};

use crate::world::{EMAIL, MOVIE, NOW, Run, Running, World, activated};

/// Has the film's license come along from now on.
async fn embed(world: &World, domain: license::Domain) {
    let store = server::store::open(&world.config).await.unwrap();
    let mut tx = store.begin().await.unwrap();
    let movie = tx.movie(MOVIE).await.unwrap().unwrap();
    let movie = NewMovie {
        // The box's clock is the real one, the server's is not.
        policy: "unlimited".to_owned(),
        license: LicenseMode::Embedded(domain),
        ..movie.into()
    };
    tx.put_movie(&movie, NOW).await.unwrap();
    tx.commit().await.unwrap();
}

/// Plays the film to its end.
async fn play(file: &std::path::Path) {
    let (ended, shown) = Running::start(file, Run::once(60.0)).ended().await;
    assert_eq!(ended.unwrap(), Ended::Done, "{shown:#?}");
    let finished = |notice: &Notice| matches!(notice, Notice::Ended { reason: Reason::Finished, .. });
    assert!(shown.iter().any(finished), "{shown:#?}");
    assert!(!shown.iter().any(|notice| matches!(notice, Notice::Trouble(_))), "{shown:#?}");
}

/// Whether a license was ever issued: the first one is the film's first play.
async fn was_licensed(world: &World) -> bool {
    let store = server::store::open(&world.config).await.unwrap();
    let mut tx = store.begin().await.unwrap();
    let (account, _) = tx.account_by_email(EMAIL).await.unwrap().unwrap();
    // Not committed: nothing is remembered.
    tx.first_play(account.id, MOVIE, 1).await.unwrap() != 1
}

/// B19, B21, B47, B49: a box plays by the license embedded for its domain, with keys that it kept over a
/// restart; where it cannot be used, it asks for a license, without a word to the viewer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn b21_b49_a_box_plays_what_came_along() {
    let world = World::prepared("", |config| {
        assert_eq!(keys::make_domains(&config.keys(), NOW, 6).unwrap().len(), 6);
    })
    .await;
    let file = activated(&world, "0001").await;
    world.put_in_queue(MOVIE).await;
    embed(&world, license::Domain::Box).await;
    play(&file).await;
    assert!(!was_licensed(&world).await, "B21");

    // Its keys are gone: the license server has the last word.
    let state = file.with_extension("state").join("state.json");
    let text = std::fs::read_to_string(&state).unwrap();
    let mut content: serde_json::Value = serde_json::from_str(&text).unwrap();
    let kept = content["registration"]["domain_keys"].as_array_mut().unwrap();
    assert_eq!(kept.len(), 4);
    kept.clear();
    std::fs::write(&state, content.to_string()).unwrap();
    play(&file).await;
    assert!(was_licensed(&world).await, "B19");
}
