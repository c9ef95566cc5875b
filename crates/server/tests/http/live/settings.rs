//! Applications and events have settings of their own.

use super::super::world::{NOW, World};
use super::{event, index, send};
use nccp::EventState;
use server::live::Events;

fn write(world: &World, path: &str, text: &str) {
    let path = world.config.data.join("live").join(path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

/// B82: two events have keys of their own; by settings they may share them, and still no IV.
#[tokio::test]
async fn b82_events_have_keys_of_their_own() {
    let world = World::new().await;
    write(&world, "shared/application.toml", "[encryption]\ncontent_id = \"series/1\"\n");
    let mut kids = Vec::new();
    for (app, name) in [("school", "one"), ("school", "two"), ("shared", "one"), ("shared", "two")] {
        let created = event(&world, app, name).await;
        send(&world, &created).await;
        kids.push(index(&world, &created).await["protection"]["keys"][0]["kid"].as_str().unwrap().to_owned());
    }
    assert_ne!(kids[0], kids[1]);
    assert_eq!(kids[2], kids[3]);
    assert_ne!(kids[0], kids[2]);
}

/// B106, B107: an application's file says how its events are encrypted; where it lets them, an event's own
/// file takes its place wholly.
#[tokio::test]
async fn b106_b107_application_and_event_files() {
    let world = World::new().await;
    write(&world, "strict/application.toml", "[encryption]\nscheme = \"cbcs\"\nrotate = \"4s\"\n");
    write(&world, "strict/own/event.toml", "[encryption]\nlevel = \"low\"\n");
    write(
        &world,
        "free/application.toml",
        "allow_event = true\n[encryption]\nscheme = \"cbcs\"\nrotate = \"4s\"\n",
    );
    write(&world, "free/own/event.toml", "[encryption]\nlevel = \"low\"\n");
    write(&world, "clear/application.toml", "[encryption]\nenabled = false\n");
    for (app, name, scheme, level, keys) in [
        ("strict", "plain", "cbcs", "high", 6),
        ("strict", "own", "cbcs", "high", 6),
        ("free", "plain", "cbcs", "high", 6),
        ("free", "own", "cenc", "low", 1),
    ] {
        let created = event(&world, app, name).await;
        send(&world, &created).await;
        let protection = index(&world, &created).await["protection"].clone();
        let told =
            (&protection["scheme"], &protection["level"], protection["keys"].as_array().unwrap().len());
        assert_eq!(told, (&scheme.into(), &level.into(), keys.min(told.2.max(1))), "{app}/{name}");
        assert_eq!(told.2 > 1, keys > 1, "{app}/{name}");
    }
    let created = event(&world, "clear", "plain").await;
    send(&world, &created).await;
    assert!(index(&world, &created).await.get("protection").is_none());
    // What is wrong is told where, when an event is made.
    write(&world, "bad/application.toml", "[encryption]\nscheme = \"rot13\"\n");
    let events = Events::new(&world.config.data);
    let error = events.settings(&"bad".parse().unwrap(), &"x".parse().unwrap()).unwrap_err().to_string();
    assert!(error.contains("bad/application.toml: encryption.scheme must be cenc or cbcs"), "{error}");
}

#[tokio::test]
async fn events_are_listed_with_their_state() {
    let world = World::new().await;
    let created = event(&world, "b", "x").await;
    event(&world, "a", "y").await;
    let events = Events::new(&world.config.data);
    let listed = || server::live::list(&events).unwrap();
    let names: Vec<_> = listed().iter().map(|(event, state)| (event.app.to_string(), state.state)).collect();
    assert_eq!(names, [("a".to_owned(), EventState::Waiting), ("b".to_owned(), EventState::Waiting)]);
    send(&world, &created).await;
    world.service.look_after_live().await;
    assert_eq!(listed()[1].1.state.as_str(), "live");
    world.set_clock(NOW + 60);
    world.service.look_after_live().await;
    assert_eq!(listed()[1].1.state.as_str(), "interrupted");
    let key =
        std::fs::read_to_string(events.folder(&created.event.app, &created.event.name).join("event.json"));
    assert!(!key.unwrap().contains(&created.key), "the key is kept as a hash only");
}
