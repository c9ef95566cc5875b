//! A film that grows while it plays: it is joined, followed, left behind, and ends.

use std::time::Duration;

use engine::{
    Command, Error, Event, Failure, Stall, Trouble, Window,
    model::TrackKind::{Audio, Video},
};

use crate::world::{Behaviour, FIRST, SEGMENT, Trace, World, assert_one_range, ms, seconds};

/// The event of 400 s after its first 100 s.
fn tuned_in(window: usize) -> World {
    let mut world = World::broadcast(400.0, 25, window);
    world.manifest(0.0);
    world
}

/// Nothing was asked for twice; what must not be asked for, the world itself refuses.
fn assert_once(world: &World) {
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
fn the_viewer_joins_at_the_distance_that_is_asked_for() {
    for (distance, start, joined) in [
        (6.0, None, 94.0),
        (10.0, None, 90.0),
        (30.0, None, 70.0),
        (0.0, None, 100.0),
        (1e9, None, 60.0),
        (10.0, Some(72.5), 72.5),
        (10.0, Some(3.0), 60.0),
        (10.0, Some(1e9), 90.0),
    ] {
        let mut world = World::broadcast(400.0, 25, 10);
        (world.server().distance, world.server().start) = (distance, start);
        world.manifest(0.0);
        world.run(ms(60));
        assert_eq!(world.position, joined, "{distance} {start:?}");
        world.run(seconds(60));
        assert_eq!(world.failure(), None);
        assert!(world.position > joined + 40.0, "{distance} {start:?}: {}", world.position);
        assert_once(&world);
    }
}

#[test]
fn an_event_that_has_not_begun_is_waited_for() {
    let mut world = World::broadcast(400.0, 0, 10);
    world.manifest(0.0);
    world.run(ms(3900));
    assert_eq!((world.fetches().len(), world.engine.window()), (2, None), "the init segments");
    assert_eq!(world.engine.stalled(), Some(Stall::Start));
    world.run(seconds(60));
    assert!(world.position > 45.0);
    assert_eq!(world.failure(), None);
}

#[test]
fn seeks_are_clamped_to_the_window() {
    let mut world = tuned_in(10);
    world.run(seconds(30));
    type Place = fn(&Window) -> f64;
    let cases: [(Place, Place); 6] = [
        (|_| 0.0, |window| window.begin),
        (|window| window.begin + 15.0, |window| window.begin + 15.0),
        (|_| 1e9, |window| window.edge - 10.0),
        (|window| window.begin - 0.5, |window| window.begin),
        (|window| window.edge - 1.0, |window| window.edge - 10.0),
        (|window| window.edge - 11.0, |window| window.edge - 11.0),
    ];
    for (wanted, reached) in cases {
        let window = world.engine.window().unwrap();
        // The server may have gone on by a segment since it was asked.
        let ahead = world.available().end - window.edge;
        assert!(ahead == 0.0 || ahead == SEGMENT, "{ahead}");
        assert_eq!((window.edge - window.begin, window.finished), (10.0 * SEGMENT, false));
        let jumps = world.seen.jumps;
        world.seek(wanted(&window));
        assert_eq!(world.position, reached(&window));
        assert_eq!(world.seen.jumps - jumps, usize::from(wanted(&window) != reached(&window)));
        world.run(ms(5025));
        assert!(world.position > reached(&window) + 1.0, "{} {window:?}", world.position);
    }
    assert_eq!((world.failure(), world.seen.rebuffers), (None, 0));
}

#[test]
fn a_seek_before_anything_is_known_says_where_to_join() {
    let mut world = tuned_in(10);
    world.seek(75.0);
    world.run(seconds(10));
    assert!((83.0..=85.0).contains(&world.position), "{}", world.position);
}

#[test]
fn what_has_left_the_window_is_not_asked_for_and_the_viewer_is_brought_back_into_it() {
    let mut world = tuned_in(8);
    world.run(seconds(20));
    world.playing = false;
    world.run(seconds(100));
    let (paused, jumps) = (world.position, world.seen.jumps);
    assert!(paused < world.available().start);
    assert_eq!(world.engine.stalled(), None);
    world.playing = true;
    world.run(seconds(40));
    // First what is in the buffer, then what can be fetched.
    assert_eq!(world.seen.jumps, jumps + 1);
    assert!(world.position > world.available().start, "{} {:?}", world.position, world.available());
    assert_eq!((world.failure(), world.seen.rebuffers), (None, 1), "{:?}", world.seen);
    assert!(world.seen.rebuffering < seconds(2), "{:?}", world.seen);
    let number = |spec: &engine::FetchSpec| {
        let name = spec.url.split('?').next().unwrap().rsplit('/').next().unwrap();
        name.strip_suffix(".m4s").map(|number| number.parse::<u64>().unwrap())
    };
    let asked: Vec<u64> =
        world.fetches().iter().filter(|spec| spec.track == Video).filter_map(number).collect();
    assert!(
        asked.is_sorted() && asked.iter().any(|n| !asked.contains(&(n + 1))),
        "some were skipped: {asked:?}"
    );
    let position = world.position;
    world.run(seconds(60));
    assert!(world.position > position + 55.0, "and it goes on from there");
}

#[test]
fn a_network_that_was_gone_for_longer_than_the_window_is_survived() {
    let mut world = tuned_in(8);
    world.run(seconds(20));
    world.gone = true;
    world.run(seconds(25));
    assert_eq!(world.engine.stalled(), Some(Stall::Rebuffer));
    assert!(matches!(world.engine.trouble(), Some(Trouble::Retrying { .. })));
    world.playing = false;
    world.run(seconds(60));
    world.gone = false;
    world.playing = true;
    world.tell(Event::Online);
    world.run(seconds(30));
    assert_eq!((world.failure(), world.engine.trouble()), (None, None));
    let (position, available) = (world.position, world.available());
    assert!(available.contains(&position), "{position} {available:?}");
    assert!(world.engine.stats().rebuffers <= 2, "{:?}", world.seen);
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

#[test]
fn an_event_that_has_ended_begins_at_its_beginning() {
    let mut world = World::broadcast(100.0, 25, 1000);
    world.manifest(0.0);
    world.run_until("the end", |world| world.position > 99.9);
    assert_eq!((world.ends(), world.seen.rebuffers, world.server().asked), (1, 0, 1));
    assert!(world.seen.seconds > 99.0);
    assert_once(&world);
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
fn a_news_that_makes_no_sense_costs_one_representation() {
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
