//! The viewer goes elsewhere.

use std::time::Duration;

use engine::{Command, model::TrackKind};

use crate::world::{World, ms, segment};

#[test]
fn seek_inside_the_buffer_fetches_and_aborts_nothing() {
    let mut world = World::start(600.0, 0.0);
    world.run_until("a full buffer", |world| world.engine.buffered().ahead(world.position) > 27.0);
    world.playing = false;
    world.run(Duration::from_secs(5));
    let before = world.log.len();
    world.seek(world.position - 9.0);
    world.seek(world.position + 5.0);
    assert_eq!(world.log.len(), before, "{:?}", &world.log[before..]);
    // Further on, but still inside: what is there stays, what comes is what is missing at its end.
    let end = world.buffers[&TrackKind::Video][0].1;
    world.seek(world.position + 20.0);
    for (_, command) in &world.log[before..] {
        let Command::Fetch(spec) = command else { panic!("{command:?}") };
        let next = segment(spec.track, (end / 4.0).round() as usize, 600.0);
        assert_eq!(spec.range, next.range);
    }
}

#[test]
fn seek_inside_the_buffer_leaves_what_is_in_flight_alone() {
    let mut world = World::start(600.0, 0.0);
    world.run(Duration::from_secs(2));
    world.bandwidth = 400_000.0;
    world.run(ms(500));
    let before = world.log.len();
    let end = world.engine.buffered().ahead(world.position);
    assert!(end > 3.0);
    world.seek(world.position + end - 1.0);
    world.seek(world.position - 2.0);
    let moved_on = |command: &Command| matches!(command, Command::Fetch(_));
    assert!(world.log[before..].iter().all(|(_, command)| moved_on(command)), "{:?}", &world.log[before..]);
}

#[test]
fn seek_outside_aborts_and_starts_at_the_segment_that_contains_t() {
    let mut world = World::start(600.0, 0.0);
    world.bandwidth = 2_000_000.0;
    world.run(Duration::from_secs(3));
    let before = world.log.len();
    world.seek(401.0);
    let commands: Vec<_> = world.log[before..].iter().map(|(_, command)| command.clone()).collect();
    assert!(commands.iter().any(|command| matches!(command, Command::Abort { .. })));
    assert!(commands.contains(&Command::Reset { track: TrackKind::Video }));
    let after: Vec<_> = world.fetches().into_iter().filter(|f| f.range.start > 10_000_000).collect();
    assert_eq!(after[0].range, segment(TrackKind::Video, 100, 600.0).range);
    world.run_until("playing there", |world| world.position > 405.0);
    // And back, into what is still there of the beginning.
    world.seek(0.5);
    world.run_until("playing there", |world| world.position > 60.0);
    assert_eq!(world.failure(), None);
}

#[test]
fn seek_before_the_index_arrives_goes_to_the_new_place() {
    for start in [0.0, 301.0] {
        let mut world = World::start(600.0, start);
        world.run(ms(25));
        world.seek(501.0);
        world.run_until("playing there", |world| world.position > 510.0);
        let heads = world.fetches().iter().filter(|fetch| fetch.head > 0).count();
        assert_eq!(heads, 2, "the heads are fetched once");
        assert_eq!(world.failure(), None);
    }
}

#[test]
fn scrubbing_fetches_only_where_it_ends() {
    let mut world = World::start(3600.0, 0.0);
    world.run(Duration::from_secs(2));
    let before = world.fetches().len();
    for step in 1..=20 {
        world.seek(100.0 * f64::from(step));
        world.step();
    }
    world.run(ms(200));
    let fetched: Vec<_> = world.fetches()[before..].iter().map(|f| (f.track, f.range)).collect();
    // The first seek, at once, and the last one.
    for kind in [TrackKind::Video, TrackKind::Audio] {
        let expected: Vec<_> = [25, 500].map(|number| (kind, segment(kind, number, 3600.0).range)).to_vec();
        let of_kind: Vec<_> = fetched.iter().copied().filter(|(k, _)| *k == kind).take(2).collect();
        assert_eq!(of_kind, expected);
    }
}
