//! A film that grows while it plays is followed, from file to file, and ends.

use std::time::Duration;

use engine::{
    Command, Error, Event, Failure, Stall, Trouble,
    model::TrackKind::{Audio, Video},
};

use crate::world::{Behaviour, FIRST, SEGMENT, Trace, World, assert_one_range, ms, seconds};

/// The event of 400 s after its first 100 s.
pub(crate) fn tuned_in(window: usize) -> World {
    let mut world = World::broadcast(400.0, 25, window);
    world.manifest(0.0);
    world
}

/// Nothing was asked for twice; what must not be asked for, the world itself refuses.
pub(crate) fn assert_once(world: &World) {
    let asked = world.asked_for();
    assert!(asked.values().all(|count| *count == 1), "{asked:?}");
}

#[test]
fn playback_follows_without_a_stall() {
    let mut world = tuned_in(1000);
    world.run(seconds(200));
    assert_eq!((world.failure(), world.seen.rebuffers, world.seen.jumps), (None, 0, 1));
    assert!(world.seen.start_up < Some(ms(600)), "{:?}", world.seen.start_up);
    assert!((280.0..=290.0).contains(&world.position), "{}", world.position);
    // It was joined when a segment had just been published; the next is published, and heard of, later.
    let latency = world.engine.window().unwrap().edge - world.position;
    assert!((10.0 - SEGMENT - 1.0..=11.0).contains(&latency), "{latency}");
    assert_once(&world);
    assert_one_range(&world);
    assert_eq!(world.ends(), 0, "no end is known");
    // A question for each segment, give or take those at which there was nothing new.
    let asked = world.server().asked;
    assert!((50..=101).contains(&asked), "{asked}");
}

#[test]
fn the_end_becomes_known_and_is_commanded_once() {
    let mut world = World::broadcast(200.0, 25, 1000);
    world.manifest(0.0);
    world.run(seconds(99));
    assert_eq!((world.ends(), world.engine.window().unwrap().finished), (0, false));
    world.run_until("the end", |world| world.position > 199.9);
    world.run(seconds(20));
    assert_eq!((world.failure(), world.seen.rebuffers, world.ends()), (None, 0, 1));
    assert!(world.ended && world.engine.window().unwrap().finished);
    assert_eq!(world.engine.stalled(), None);
    let asked = world.server().asked;
    world.run(seconds(20));
    assert_eq!(world.server().asked, asked, "nothing more is expected");
    // It is a film now: any place may be played, up to its end.
    world.seek(20.0);
    world.run_until("the end", |world| world.position > 199.9);
    assert_eq!(world.ends(), 2);
}

/// What plays is published no more, as where an encoder lacks the time for its largest picture: another one
/// that still is takes its place.
#[test]
fn a_representation_that_is_published_no_more_is_left() {
    let mut world = World::broadcast(400.0, 25, 1000);
    world.bandwidth = 20e6;
    world.manifest(0.0);
    world.run(seconds(30));
    let playing = world.engine.playing(Video).unwrap().to_owned();
    let published = world.server().published;
    world.server().silent = Some((playing.clone(), published));
    world.run(seconds(60));
    assert_eq!(world.failure(), None);
    assert_ne!(world.engine.playing(Video), Some(&*playing));
    let latency = world.engine.window().unwrap().edge - world.position;
    assert!(latency < 10.0 + 3.0 * SEGMENT, "{latency}");
}

/// The same in the middle of a segment, of which parts are known: a viewer who is further back, and whom that
/// picture would suit best, does not wait for the rest of it.
#[test]
fn a_segment_that_never_becomes_whole_is_taken_of_another_representation() {
    let mut world = World::broadcast(400.0, 25, 1000);
    (world.server().part, world.server().distance) = (Some(0.5), 20.0);
    world.bandwidth = 20e6;
    world.manifest(0.0);
    world.run(seconds(30));
    let has_parts = |world: &World| {
        let video = world.engine.tracks().iter().find(|track| track.kind == Video);
        video.and_then(|track| track.index()?.next_part()).is_some_and(|(_, parts)| parts > 0)
    };
    world.run_until("parts of what is being made", has_parts);
    let playing = world.engine.playing(Video).unwrap().to_owned();
    let published = world.server().published;
    world.server().silent = Some((playing.clone(), published));
    world.run(seconds(80));
    assert_eq!(world.failure(), None);
    assert_ne!(world.engine.playing(Video), Some(&*playing));
    let latency = world.engine.window().unwrap().edge - world.position;
    assert!(latency < 20.0 + 3.0 * SEGMENT, "{latency}");
}

#[test]
fn representations_are_switched_from_file_to_file() {
    for sized in [true, false] {
        let mut world = World::broadcast(400.0, 25, 1000);
        world.server().sized = sized;
        world.server().distance = 24.0;
        world.trace = Some(Trace::steps("", 60, &[6e6, 1.2e6, 9e6]));
        world.manifest(0.0);
        world.run(seconds(200));
        assert_eq!((world.failure(), world.seen.rebuffers), (None, 0), "sized {sized}");
        assert!(world.seen.switches >= 2, "{:?}", world.seen);
        let rungs: std::collections::BTreeSet<_> = world
            .content
            .iter()
            .filter(|((kind, _), _)| *kind == Video)
            .map(|(_, file)| file.clone())
            .collect();
        assert!(rungs.len() >= 3, "{rungs:?}");
        let asked = world.asked_for();
        for rung in &rungs {
            assert_eq!(asked[&format!("{rung}/init.mp4")], 1);
        }
        assert_one_range(&world);
    }
}

#[test]
fn a_picture_and_a_sound_that_the_viewer_chooses_replace_what_lies_ahead() {
    let mut world = World::broadcast(400.0, 25, 1000);
    world.server().distance = 30.0;
    world.bandwidth = 20e6;
    world.manifest(0.0);
    world.run(seconds(20));
    world.tell(Event::Quality { representation: Some("v600".into()) });
    world.tell(Event::Audio { representation: "a-de".into() });
    world.run(seconds(8));
    assert_eq!((world.engine.playing(Video), world.engine.playing(Audio)), (Some("v600"), Some("a-de")));
    world.run(seconds(60));
    let number = (world.position / SEGMENT) as usize;
    assert_eq!((&*world.content[&(Video, number)], &*world.content[&(Audio, number)]), ("v600", "a-de"));
    assert_eq!(world.failure(), None);
    assert!(world.seen.rebuffering < ms(400), "{:?}", world.seen);
    assert_one_range(&world);
}

#[test]
fn files_of_unknown_size_are_resumed_where_they_broke_off() {
    for sized in [true, false] {
        let mut world = World::broadcast(400.0, 25, 1000);
        world.server().sized = sized;
        world.manifest(0.0);
        world.run(seconds(20));
        for cdn in ["one", "two"] {
            world.cdns.insert(cdn.into(), Behaviour::BreakAfter(200_000));
        }
        world.run(seconds(20));
        for cdn in ["one", "two"] {
            world.cdns.insert(cdn.into(), Behaviour::Serve);
        }
        world.run(seconds(20));
        assert_eq!(world.failure(), None);
        let resumed: Vec<_> = world.fetches().into_iter().filter(|spec| spec.offset > 0).collect();
        assert!(!resumed.is_empty());
        for spec in &resumed {
            assert_eq!((spec.range.start, spec.sized), (spec.offset, sized));
            let in_path = spec.url.contains(&format!("/range/{}-", spec.offset));
            assert!(in_path != spec.range_header, "{spec:?}");
        }
        let whole = world.fetches().into_iter().filter(|spec| spec.offset == 0);
        assert!(whole.into_iter().all(|spec| !spec.range_header && !spec.url.contains("/range/")));
    }
}

#[test]
fn a_file_that_broke_off_at_its_very_end_is_whole() {
    let mut world = World::broadcast(400.0, 25, 1000);
    world.server().sized = false;
    world.manifest(0.0);
    world.run_until("a segment", |world| world.fetches().last().is_some_and(|spec| spec.segment));
    let (now, Some(spec)) = (world.now, world.fetches().pop()) else { panic!() };
    // All of it comes, but not the word that it was all: the range behind it is refused.
    let fetch = spec.fetch;
    let refused = Event::FetchFailed { fetch, failure: Failure::Status(416) };
    world.engine.handle(now, Event::Progress { fetch, bytes: 10_000 });
    let again = world.engine.handle(now, Event::FetchFailed { fetch, failure: Failure::Network });
    assert!(matches!(&again[..], [Command::Fetch(again)] if again.fetch == fetch && again.offset == 10_000));
    world.engine.handle(now, refused);
    let track = world.engine.tracks().iter().find(|track| track.kind == spec.track).unwrap();
    assert!(track.waiting.iter().any(|waiting| waiting.id == fetch));
}

#[test]
fn a_server_that_stops_publishing_is_waited_for() {
    let mut world = tuned_in(1000);
    world.bandwidth = 30e6;
    world.run(seconds(30));
    world.server().stopped = true;
    world.run(seconds(20));
    assert_eq!(world.engine.stalled(), Some(Stall::Rebuffer));
    let (commands, asked) = (world.log.len(), world.server().asked);
    world.run(seconds(60));
    // Half a segment's length from one question to the next, and nothing else.
    let asked = world.server().asked - asked;
    assert!((25..=31).contains(&asked), "{asked}");
    assert_eq!(world.log.len() - commands, asked);
    assert_eq!((world.failure(), world.engine.trouble()), (None, None), "it may take its time");
    world.server().stopped = false;
    let position = world.position;
    world.run(seconds(100));
    assert!(world.position > position + 90.0);
    // With nothing left between it and the edge, it takes a short stall or two until news come in time again.
    assert!((1..=3).contains(&world.seen.rebuffers), "{:?}", world.seen);
    assert!((1..=3).contains(&world.engine.stats().rebuffers), "{:?}", world.engine.stats());
    assert_once(&world);
}

#[test]
fn an_index_that_cannot_be_had_for_a_while_is_not_noticed_and_for_long_is_an_error() {
    let mut world = World::broadcast(400.0, 25, 1000);
    world.server().distance = 24.0;
    world.manifest(0.0);
    world.run(seconds(30));
    world.server().answers = false;
    world.run(seconds(10));
    assert!(matches!(world.engine.trouble(), Some(Trouble::Retrying { .. })));
    world.server().answers = true;
    world.run(seconds(30));
    assert_eq!((world.engine.trouble(), world.seen.rebuffers), (None, 0));
    world.server().answers = false;
    let asked = world.server().asked;
    world.run(seconds(45));
    assert_eq!(world.failure(), None, "the buffer has not been dry for long enough");
    assert!(world.server().asked < asked + 16, "it backs off");
    world.run(seconds(15));
    assert_eq!(world.failure(), Some(Error::Unreachable));
}

#[test]
fn news_that_make_no_sense_cost_one_representation() {
    let mut world = tuned_in(1000);
    world.run(seconds(20));
    let playing = world.engine.playing(Video).unwrap().to_owned();
    let other = if playing == "v300" { "v600" } else { "v300" };
    let next = world.server().published;
    let mut wrong = world.film.files(other, next..next + 1, true);
    wrong.segments[0].start -= 100.0;
    let update = engine::index::IndexUpdate { first: FIRST, added: vec![wrong], finished: false };
    world.tell(Event::IndexUpdate(update));
    assert!(world.engine.selectable().all(|representation| representation.id != other));
    world.run(seconds(60));
    assert_eq!((world.failure(), world.seen.rebuffers), (None, 0));
}

#[test]
fn a70_urls_are_refreshed_while_it_grows() {
    let mut world = World::broadcast(400.0, 25, 1000);
    (world.urls_valid, world.urls_expire) = (seconds(60), true);
    world.manifest(0.0);
    world.run(seconds(200));
    assert_eq!((world.failure(), world.seen.rebuffers), (None, 0));
    assert_eq!(world.engine.stats().failures, 0);
    assert!((3..=5).contains(&world.generation), "{}", world.generation);
    assert_eq!(world.seen.jumps, 1, "it is joined once");
    let refreshed = world.count(|command| *command == Command::RefreshManifest);
    assert_eq!(refreshed, world.generation as usize);
    assert!(world.stalled < Duration::from_secs(1));
}
