//! Storage that fails in the middle of an event, or is away at its end.

use super::super::s3;
use super::super::world::{NOW, World};
use super::{APP, EVENT, SECONDS, decrypt, download, event, index, keys, send};
use server::live::{Events, end};
use std::time::Duration;
use test_ports::free_port;

/// B80: a disk that takes nothing any more does not end an event: it goes on in the same session from memory,
/// and what was published before the disk failed is there as well.
#[tokio::test]
async fn b80_a_disk_that_fails_ends_no_event() {
    let world = World::new().await;
    let created = event(&world, APP, EVENT).await;
    let (video, _) = send(&world, &created).await;
    let before = index(&world, &created).await;
    let events = Events::new(&world.config.data);
    let session = events.state(&created.event).unwrap().session.unwrap();
    let folder = events.folder(&created.event.app, &created.event.name).join(session);
    // A file where the folder was: whoever this test runs as, nothing can be written.
    // What is still on its way there may make it again once.
    let mut tries = 0..1000;
    while std::fs::write(&folder, b"").is_err() {
        tries.next().expect("the folder always comes back");
        let _ = std::fs::remove_dir_all(&folder);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    world.set_clock(world.now() + 60);
    send(&world, &created).await;
    let after = index(&world, &created).await;
    assert_eq!((&after["session"], &after["state"]), (&before["session"], &"live".into()));
    let (first, last) = (before["last"].as_u64().unwrap(), after["last"].as_u64().unwrap());
    assert!(last >= first + 4, "{first} {last}");
    let ceks = keys(&world, &after);
    let (init, segments) = download(&world, &created, &after, 0).await;
    let got = decrypt(&init, &segments, &ceks);
    // All of both times but what is open, a segment each.
    let sent: Vec<&Vec<u8>> = video.samples.iter().map(|(_, data)| data).collect();
    let (all, whole) = (2 * sent.len(), sent.len() * (SECONDS as usize - 2) / SECONDS as usize);
    assert!(got.len() >= 2 * whole, "{} of {all}", got.len());
    assert!(got.iter().take(whole).eq(sent.iter().copied().take(whole)), "other pictures");
    assert!(std::fs::read(&folder).unwrap().is_empty());
}

/// B80: a bucket that is away does not touch an event that is under way; at its end there is no film, all is
/// kept, and the film is made when there is a place for it.
#[tokio::test]
async fn b80_a_store_that_is_away_costs_no_event() {
    let pair = tempfile::tempdir().unwrap();
    let world = s3::world(&format!("http://127.0.0.1:{}", free_port()), pair.path(), "").await;
    let created = event(&world, APP, EVENT).await;
    send(&world, &created).await;
    let live = index(&world, &created).await;
    let ceks = keys(&world, &live);
    let (init, segments) = download(&world, &created, &live, 0).await;
    assert!(decrypt(&init, &segments, &ceks).len() > 100);
    let events = Events::new(&world.config.data);
    let ended = end(&events, &created.event.app, &created.event.name, NOW).unwrap();
    world.service.look_after_live().await;
    assert_eq!(events.state(&ended).unwrap().pack, None);
    let (config, store) = (world.config.clone(), world.store.clone());
    let ring = server::keys::load(&config.keys(), &config.public_url, NOW).unwrap();
    let World { folder: _folder, service, router, box_router, .. } = world;
    drop((service, router, box_router));
    // What `matinee live end` does, with a store that is there.
    let library = config.library();
    let place = storage::Folder::new(&library);
    // The server's lock is gone when all of it is.
    let mut tries = 0..1000;
    let film = loop {
        tries.next().expect("the lock never came free");
        let made = server::live::publish(&*store, &events, (&place, &library), &ring, &ended, NOW).await;
        match made.unwrap() {
            Some(film) => break film,
            None => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    };
    assert!(
        (f64::from(SECONDS) - 1.0..f64::from(SECONDS) + 1.0).contains(&film.duration),
        "{}",
        film.duration
    );
    assert_eq!(events.state(&ended).unwrap().pack, Some(film.pack));
}
