//! What is left of an event.

use super::super::client::{Client, id};
use super::super::world::{NOW, World};
use super::{APP, EVENT, decrypt, download, event, index, keys, put, send};
use cenc::KidAndKey;
use nccp::{MovieType, RequestMessage, ResponseMessage};
use pack::layout;
use server::live::{Events, end};
use server::store::NewMovie;
use server::store::Store as _;

/// An event that ends is a film: the same bytes under the same KIDs, in the library, without being packaged
/// again.
#[tokio::test]
async fn an_event_that_ends_is_a_film() {
    let world = World::new().await;
    let created = event(&world, APP, EVENT).await;
    send(&world, &created).await;
    let live = index(&world, &created).await;
    let keys = keys(&world, &live);
    let (_, segments) = download(&world, &created, &live, 0).await;
    let events = Events::new(&world.config.data);
    end(&events, &created.event.app, &created.event.name, NOW).unwrap();
    world.service.look_after_live().await;
    assert_eq!(put(&world, &created, "v.cmfv", b"").await.status, 410);
    let state = events.state(&created.event).unwrap();
    let pack = state.pack.unwrap();
    assert_eq!((state.state.as_str(), Some(&pack)), ("ended", state.session.as_ref()));
    // Players that are still there are told, and get the last of it.
    assert_eq!(index(&world, &created).await["state"], "ended");
    let folder = world.config.library().join(&pack);
    let given: Vec<_> =
        keys.iter().map(|(kid, cek)| KidAndKey { kid: *kid, cek: cenc::Cek::new(*cek.expose()) }).collect();
    let report = packager::check(&folder, &given, &mut ()).unwrap();
    assert!(report.good, "{report}");
    let film = packager::read_pack(&folder).unwrap();
    let video = &film.representations[0];
    let file = std::fs::read(folder.join(&video.path)).unwrap();
    let first = video.segments[0].offset as usize;
    assert!(file[first..].starts_with(&segments), "the same bytes");
    assert_eq!(decrypt(&file, &file[first..], &keys).len() as u64, video.samples);
    assert_eq!(film.protection.unwrap().keys[0].kid, keys[0].0);
    assert!(!events.folder(&created.event.app, &created.event.name).join(&pack).exists(), "no second copy");
    // It is played as any other film.
    let movie = created.event.known.movie_id;
    let mut client = Client::registered(&world).await;
    let ask = RequestMessage::Authorization { movie_id: id(movie) };
    let ResponseMessage::Authorization(manifest) = client.one(&world, ask).await.unwrap() else {
        panic!("none")
    };
    assert_eq!((manifest.movie_type, manifest.downloadables.len()), (MovieType::Static, 2));
    assert_eq!(manifest.downloadables[0].keys[0].kid, keys[0].0.0);
    let library: serde_json::Value = world.get("/api/library", &world.login().await).await.json();
    let movies = library["movies"].as_array().unwrap();
    let listed = movies.iter().find(|listed| listed["movie_id"] == movie).unwrap();
    assert_eq!((&listed["state"], &listed["playable"]), (&"ended".into(), &true.into()));
    assert!((8.0..10.0).contains(&listed["runtime"].as_f64().unwrap()));
}

/// A film that took the event's number meanwhile keeps it; the event's own lies in the library.
#[tokio::test]
async fn an_event_whose_number_is_another_films() {
    let world = World::new().await;
    let created = event(&world, APP, EVENT).await;
    send(&world, &created).await;
    let movie = created.event.known.movie_id;
    let mut tx = world.store.begin().await.unwrap();
    let other = tx.movie(movie).await.unwrap().unwrap();
    tx.put_movie(&NewMovie { pack: "another".into(), ..other.into() }, NOW).await.unwrap();
    tx.commit().await.unwrap();
    let events = Events::new(&world.config.data);
    end(&events, &created.event.app, &created.event.name, NOW).unwrap();
    world.service.look_after_live().await;
    let pack = events.state(&created.event).unwrap().pack.unwrap();
    assert!(world.config.library().join(&pack).join("pack.json").exists());
    let kept = world.store.read().await.unwrap().movie(movie).await.unwrap().unwrap();
    assert_eq!(kept.pack, "another");
}

/// A film that is whole and could not be published is kept: the next attempt does not read all segments.
#[tokio::test]
async fn a_film_that_is_whole_is_not_made_again() {
    let world = World::new().await;
    let created = event(&world, APP, EVENT).await;
    send(&world, &created).await;
    let events = Events::new(&world.config.data);
    let session = events.state(&created.event).unwrap().session.unwrap();
    // Nothing takes the place of a folder that is not empty.
    let place = world.config.library().join(&session);
    for representation in ["v240-1", "a-und-1"] {
        let path = layout::media_path(&layout::downloadable_id(&session, representation), "mp4");
        std::fs::create_dir_all(place.join(path).join("in-the-way")).unwrap();
    }
    let ended = end(&events, &created.event.app, &created.event.name, NOW).unwrap();
    world.service.look_after_live().await;
    let delay = events.film_delay(&ended).unwrap().expect("it was not published");
    let work = world.config.library().join(format!(".live-{session}"));
    assert!(work.join("pack.json").exists(), "{}", delay.reason);
    std::fs::remove_dir_all(&place).unwrap();
    // Without its header no film is made of the pictures.
    let folder = events.folder(&created.event.app, &created.event.name).join(&session);
    std::fs::remove_file(folder.join("v240-1/init.mp4")).unwrap();
    world.set_clock(delay.next + 10);
    world.service.look_after_live().await;
    assert_eq!(events.state(&ended).unwrap().pack.as_ref(), Some(&session));
    assert_eq!(packager::read_pack(&place).unwrap().representations.len(), 2);
    assert!(!work.exists() && !folder.exists());
}

/// What a server that was killed left behind becomes a film all the same, without the server.
#[tokio::test]
async fn the_film_of_a_server_that_was_killed() {
    let world = World::new().await;
    let created = event(&world, APP, EVENT).await;
    send(&world, &created).await;
    let events = Events::new(&world.config.data);
    let keys = server::keys::load(&world.config.keys(), &world.config.public_url, NOW).unwrap();
    let ended = end(&events, &created.event.app, &created.event.name, NOW).unwrap();
    let (library, store) = (world.config.library(), world.store.clone());
    let folder = storage::Folder::new(&library);
    let publish = || server::live::publish(&*store, &events, (&folder, &library), &keys, &ended, NOW);
    assert_eq!(publish().await.unwrap(), None, "the server has it");
    // As if it were killed: nothing is flushed, and its lock is gone.
    let segments = events.folder(&created.event.app, &created.event.name);
    let session = events.state(&created.event).unwrap().session.unwrap();
    let lines = |id: &str| {
        let path = segments.join(&session).join(id).join("segments.jsonl");
        std::fs::read_to_string(path).unwrap_or_default().lines().filter(|line| !line.is_empty()).count()
    };
    while lines("v240-1") < 4 || lines("a-und-1") < 4 {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    let World { service, router, box_router, .. } = world;
    drop((service, router, box_router));
    let film = loop {
        match publish().await.unwrap() {
            Some(film) => break film,
            None => tokio::time::sleep(std::time::Duration::from_millis(10)).await,
        }
    };
    // The open segment is lost, no more.
    assert!((7.5..9.0).contains(&film.duration), "{}", film.duration);
    assert_eq!(publish().await.unwrap(), None);
}

#[tokio::test]
async fn an_event_of_which_nothing_came() {
    let world = World::new().await;
    let created = event(&world, APP, EVENT).await;
    let events = Events::new(&world.config.data);
    let keys = server::keys::load(&world.config.keys(), &world.config.public_url, NOW).unwrap();
    let ended = end(&events, &created.event.app, &created.event.name, NOW).unwrap();
    let library = world.config.library();
    assert_eq!(
        server::live::publish(
            &*world.store,
            &events,
            (&storage::Folder::new(&library), &library),
            &keys,
            &ended,
            NOW
        )
        .await
        .unwrap(),
        None
    );
    assert_eq!(events.state(&ended).unwrap().state.as_str(), "ended");
}
