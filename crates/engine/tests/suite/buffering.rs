//! Source buffers that are full, have gaps, or lose what they had.

use engine::{Command, Event, model::TrackKind};

use crate::playing::START_UP;
use crate::world::{World, count, ms, seconds, segment};

#[test]
fn a_full_source_buffer_keeps_playing_and_fetches_nothing_twice() {
    let mut world = World::start(200.0, 0.0);
    world.room = 18.0;
    world.run_until("the end", |world| world.position > 199.9);
    assert_eq!(world.failure(), None);
    assert!(world.stalled < START_UP, "{:?}", world.stalled);
    assert_eq!(world.fetches().len(), 2 * count(200.0));
    assert!(world.count(|command| matches!(command, Command::RetryAppend { .. })) > 0);
}

#[test]
fn a_full_source_buffer_with_switches_fetches_nothing_twice() {
    let mut world = World::ladder(300.0, 10e6);
    world.room = 17.0;
    world.run_until("the end", |world| world.position > 299.9);
    assert_eq!(world.seen.rebuffers, 0);
    let segments: Vec<_> = world.fetches().into_iter().filter(|f| f.segment && f.offset == 0).collect();
    assert_eq!(segments.len(), 2 * count(300.0));
}

#[test]
fn a_managed_media_source_that_wants_nothing_gets_nothing() {
    let mut world = World::ladder(600.0, 10e6);
    world.run(seconds(5));
    world.tell(Event::Streaming { wanted: false });
    world.run(ms(2500));
    let before = world.fetches().len();
    world.run(seconds(3));
    assert_eq!(world.fetches().len(), before);
    world.tell(Event::Streaming { wanted: true });
    world.run_until("on", |world| world.position > 60.0);
    assert_eq!(world.seen.rebuffers, 0);
}

#[test]
fn a_small_gap_is_jumped_over() {
    let mut world = World::new(60.0, 0.0);
    world.holes = vec![(TrackKind::Video, 10.0, 10.4), (TrackKind::Audio, 21.9, 22.3)];
    world.manifest(0.0);
    world.run_until("the end", |world| world.position > 59.9);
    assert_eq!(world.count(|command| matches!(command, Command::JumpTo { .. })), 2);
    assert!(world.stalled < START_UP + ms(100));
}

#[test]
fn a_large_gap_is_fetched_again_twice_and_then_passed() {
    let mut world = World::new(60.0, 0.0);
    world.holes = vec![(TrackKind::Video, 9.0, 11.5)];
    world.manifest(0.0);
    world.run_until("the end", |world| world.position > 59.9);
    let third = segment(TrackKind::Video, 2, 60.0).range;
    assert_eq!(world.fetches().iter().filter(|fetch| fetch.range == third).count(), 3);
    assert_eq!(world.failure(), None);
}

#[test]
fn what_the_browser_evicted_is_fetched_again() {
    let mut world = World::start(600.0, 0.0);
    world.run_until("a full buffer", |world| world.engine.buffered().ahead(world.position) > 27.0);
    let from = world.position + 6.0;
    let kept = world.buffers[&TrackKind::Video].iter().map(|(a, b)| (*a, b.min(from))).collect();
    world.buffers.insert(TrackKind::Video, kept);
    let ranges = engine::buffer::Ranges::new(world.buffers[&TrackKind::Video].clone());
    world.tell(Event::Buffered { track: TrackKind::Video, ranges });
    let position = world.position;
    let stalled = world.stalled;
    world.run_until("past it", |world| world.position > position + 40.0);
    assert_eq!(world.stalled, stalled);
}
