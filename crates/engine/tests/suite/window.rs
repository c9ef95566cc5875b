//! The window of a film that grows: where it is joined, sought and left.

use engine::{Event, Stall, Trouble, Window, model::TrackKind::Video};

use crate::growing::{assert_once, tuned_in};
use crate::world::{SEGMENT, World, ms, seconds};

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
fn an_event_that_has_ended_begins_at_its_beginning() {
    let mut world = World::broadcast(100.0, 25, 1000);
    world.manifest(0.0);
    world.run_until("the end", |world| world.position > 99.9);
    assert_eq!((world.ends(), world.seen.rebuffers, world.server().asked), (1, 0, 1));
    assert!(world.seen.seconds > 99.0);
    assert_once(&world);
}

#[test]
fn what_has_left_the_window_plays_from_the_buffer_while_what_follows_is_fetched() {
    let mut world = World::broadcast(400.0, 25, 8);
    world.server().distance = 16.0;
    world.manifest(0.0);
    world.run(seconds(40));
    (world.playing, world.gone) = (false, true);
    let had = world.there().end_at(world.position).unwrap();
    world.run(seconds(40));
    (world.playing, world.gone) = (true, false);
    world.tell(Event::Online);
    let jumps = world.seen.jumps;
    world.run_until("the end of what was there", |world| world.position > had - 0.05);
    assert!(had < world.available().start && world.seen.jumps == jumps, "all of it was seen");
    world.run(seconds(2));
    // Then over what can no longer be had, to what came meanwhile.
    assert!(world.position > had + 5.0 && world.seen.jumps == jumps + 1, "{} {had}", world.position);
    assert!(world.seen.rebuffering < ms(100), "{:?}", world.seen);
    assert_eq!(world.failure(), None);
}
