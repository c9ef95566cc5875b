//! Storage that fails in the middle of an event, or is away at its end.

use super::super::s3;
use super::super::world::{NOW, World};
use super::restart::again;
use super::{APP, EVENT, SECONDS, decrypt, download, event, index, keys, send};
use server::live::{Events, end};
use server::store::{AuditFilter, Store as _};
use server::{Clock, Service};
use std::sync::Arc;
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

/// B80: when the store is back the film is made without anybody's doing, by a server that was started
/// meanwhile, too; it is tried again after a while and not before, and of two servers one makes it.
#[tokio::test]
async fn b80_the_film_is_made_when_the_store_is_back() {
    let world = World::new().await;
    let created = event(&world, APP, EVENT).await;
    send(&world, &created).await;
    // A file where the library was: nothing can be asked of it.
    let library = world.config.library();
    let aside = library.with_file_name("aside");
    std::fs::rename(&library, &aside).unwrap();
    std::fs::write(&library, b"").unwrap();
    let events = Events::new(&world.config.data);
    let ended = end(&events, &created.event.app, &created.event.name, NOW).unwrap();
    let delay = || events.film_delay(&ended).unwrap();
    assert_eq!(delay(), None);
    world.service.look_after_live().await;
    let first = delay().expect("it is said that it failed");
    assert!(first.attempts == 1 && first.since == NOW && first.next > NOW && !first.reason.is_empty());
    // Its time has not come.
    world.set_clock(first.next - 1);
    world.service.look_after_live().await;
    assert_eq!(delay().unwrap(), first);
    world.set_clock(first.next + 10);
    world.service.look_after_live().await;
    let second = delay().unwrap();
    assert_eq!((second.attempts, second.since), (2, NOW));
    assert!(second.next - world.now() > first.next - NOW, "it waits longer");
    // Another server, and a store that is there.
    std::fs::remove_file(&library).unwrap();
    std::fs::rename(&aside, &library).unwrap();
    world.set_clock(second.next - 1);
    let world = again(world).await;
    world.service.look_after_live().await;
    assert_eq!(delay().unwrap(), second, "it is not asked more often for being started again");
    world.set_clock(second.next + 10);
    // And a third one beside it.
    let (clock, _hand) = Clock::manual(world.now());
    let beside = Arc::new(Service::with_store(world.config.clone(), clock, world.store.clone()).unwrap());
    tokio::join!(world.service.look_after_live(), beside.look_after_live());
    let state = events.state(&ended).unwrap();
    let pack = state.pack.expect("it is a film");
    assert_eq!((state.state.as_str(), delay()), ("ended", None));
    assert!(world.config.library().join(&pack).join("pack.json").exists());
    let filter =
        AuditFilter { movie: Some(created.event.known.movie_id), most: 100, ..AuditFilter::default() };
    let entries = world.store.read().await.unwrap().audited(&filter).await.unwrap();
    assert_eq!(entries.iter().filter(|audited| audited.entry.action == "live end").count(), 1);
    // Nothing is left to do.
    world.set_clock(world.now() + 3600);
    world.service.look_after_live().await;
    assert_eq!(events.state(&ended).unwrap().pack, Some(pack));
}
