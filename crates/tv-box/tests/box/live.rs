//! Events on boxes.

#[path = "../../../live/tests/suite/encoder.rs"]
#[allow(dead_code)]
mod encoder;

use encoder::Tape;
use server::live::{Created, Events, NewEvent, create, end};
use tv_box::{Ended, Notice, Reason, Sink};

use crate::world::{NOW, Run, Running, World, activated, end_of};

/// An event whose key changes with every second segment.
async fn event(world: &World) -> Created {
    let application = world.config.data.join("live/school");
    std::fs::create_dir_all(&application).unwrap();
    std::fs::write(application.join("application.toml"), "[encryption]\nrotate = \"2\"\n").unwrap();
    let new = NewEvent::new("school".parse().unwrap(), "lecture".parse().unwrap(), "A lecture");
    let store = server::store::open(&world.config).await.unwrap();
    create(&*store, &Events::new(&world.config.data), new, NOW).await.unwrap()
}

/// Nine seconds more of the event.
async fn send(world: &World, created: &Created) {
    let client = reqwest::Client::new();
    for (name, tape) in [("v.cmfv", Tape::video(9)), ("a.cmfa", Tape::audio(9))] {
        let url = format!("{}/ingest/school/lecture/{}/{name}", world.url(), created.key);
        let reply = client.put(url).body(tape.stream(0.0)).send().await.unwrap();
        assert_eq!(reply.status(), 200);
    }
}

/// B80, B85: a box joins near what is live, follows the index as it grows, gets the keys of periods that were
/// not declared when it began, and ends with the event.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn b80_b85_a_box_follows_an_event_to_its_end() {
    let world = World::new().await;
    let file = activated(&world, "0001").await;
    let created = event(&world).await;
    for _ in 0..2 {
        send(&world, &created).await;
    }
    let play = Some(created.event.known.movie_id);
    let mut tv = Running::start(&file, Run { sink: Sink::Null { speed: 2.0 }, play, once: true });
    let joined = tv
        .until("a position", |notice| match notice {
            Notice::Position { position, .. } if *position > 0.0 => Some(*position),
            _ => None,
        })
        .await;
    assert!(joined > 10.0, "near what is live, not at the beginning: {joined}");
    for _ in 0..2 {
        send(&world, &created).await;
    }
    tv.until("what came later", |notice| {
        matches!(notice, Notice::Position { position, .. } if *position > 20.0).then_some(())
    })
    .await;
    let events = Events::new(&world.config.data);
    end(&events, &created.event.app, &created.event.name, NOW).unwrap();
    let (ended, shown) = tv.ended().await;
    assert_eq!(ended.unwrap(), Ended::Done, "{shown:#?}");
    let (reason, position, tracks) = end_of(&shown);
    assert_eq!(reason, Reason::Finished);
    assert!(position > 30.0, "{position}");
    assert_eq!(tracks.iter().map(|track| track.track).collect::<Vec<_>>(), ["video", "audio"]);
    assert!(tracks.iter().all(|track| track.samples > 50), "{tracks:?}");
}

/// B84: a box whose playhead is its own follows by parts, and joins nearer to what is live than a whole
/// segment.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn b84_a_box_joins_by_parts() {
    let world = World::new().await;
    let file = activated(&world, "0001").await;
    let created = event(&world).await;
    for _ in 0..2 {
        send(&world, &created).await;
    }
    let play = Some(created.event.known.movie_id);
    let mut tv = Running::start(&file, Run { sink: Sink::Null { speed: 1.0 }, play, once: true });
    let joined = tv
        .until("a position", |notice| match notice {
            Notice::Position { position, .. } if *position > 0.0 => Some(*position),
            _ => None,
        })
        .await;
    assert!(joined > 18.0 - 2.2, "three parts behind, not a segment and a half: {joined}");
    end(&Events::new(&world.config.data), &created.event.app, &created.event.name, NOW).unwrap();
    let (ended, shown) = tv.ended().await;
    assert_eq!(ended.unwrap(), Ended::Done, "{shown:#?}");
    assert_eq!(end_of(&shown).0, Reason::Finished);
}

/// An event that nobody sends yet is no failure of the box: it says what it is, in words.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_that_has_not_begun_is_said_in_words() {
    let world = World::new().await;
    let file = activated(&world, "0001").await;
    let play = Some(event(&world).await.event.known.movie_id);
    let tv = Running::start(&file, Run { sink: Sink::Null { speed: 2.0 }, play, once: true });
    let (ended, _) = tv.ended().await;
    assert_eq!(ended.unwrap_err().code(), Some(nccp::ErrorCode::EventWaiting));
}
