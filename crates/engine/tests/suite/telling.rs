//! What CDNs that ask for it are told with each request.

use std::time::Duration;

use engine::{ClientData, Failure, FetchSpec, model::TrackKind};

use crate::world::{Behaviour, World, seconds};

fn told(fetches: &[FetchSpec]) -> Vec<(&FetchSpec, ClientData)> {
    fetches.iter().filter_map(|fetch| Some((fetch, fetch.client_data?))).collect()
}

#[test]
fn a_cdn_that_asks_is_told_how_each_download_is_needed() {
    let mut world = World::ladder(120.0, 5e6);
    world.run_until("the middle", |world| world.position > 60.0);
    let fetches = world.fetches();
    let told = told(&fetches);
    assert_eq!(told.len(), fetches.len(), "the first CDN asks");
    let (first, data) = told[0];
    assert!(data.urgent && data.ahead.is_zero() && data.length.is_none(), "{data:?}");
    assert_eq!(data.throughput, None, "nothing was measured");
    for (fetch, data) in &told {
        let file = world.film.file(&fetch.representation);
        assert_eq!(data.bandwidth, file.bandwidth);
        assert!(data.top >= data.bandwidth && !data.live && !data.starved, "{data:?}");
        assert!(data.deadline.is_none_or(|deadline| deadline == data.ahead));
        assert_eq!(data.deadline.is_some(), fetch.segment);
        assert!(data.length.is_none_or(|length| length > Duration::ZERO && length <= seconds(4)));
        assert!(fetch.segment || data.length.is_none());
    }
    let later = told.iter().rfind(|(fetch, _)| fetch.track == TrackKind::Video).unwrap().1;
    assert!(!later.urgent && later.length.is_some() && later.throughput.is_some(), "{later:?}");
    assert!(later.ahead > seconds(4), "{later:?}");
    assert!(told.iter().any(|(_, data)| data.top > data.bandwidth), "{first:?}");

    // The other one does not ask.
    world.cdns.insert("one".into(), Behaviour::Fail(Failure::Network));
    world.run_until("the end", |world| world.position > 119.9);
    assert!(world.fetches().iter().any(|fetch| fetch.url.contains("two")));
    assert!(world.fetches().iter().all(|f| f.client_data.is_some() == f.url.contains("one")));
}

#[test]
fn running_dry_is_told_once_for_each_track_that_did() {
    let mut world = World::ladder(120.0, 5e6);
    world.run_until("the picture", |world| world.position > 10.0);
    assert!(told(&world.fetches()).iter().all(|(_, data)| !data.starved));
    let bandwidth = std::mem::replace(&mut world.bandwidth, 1000.0);
    world.run_until("dryness", |world| world.seen.rebuffers > 0);
    world.bandwidth = bandwidth;
    world.run_until("the end", |world| world.position > 119.9);
    let fetches = world.fetches();
    let starved: Vec<_> = told(&fetches).into_iter().filter(|(_, data)| data.starved).collect();
    assert!((1..=2 * world.seen.rebuffers).contains(&starved.len()), "{starved:?}");
}
