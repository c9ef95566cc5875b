//! An event in announced parts, with a viewer who comes late, pauses, goes back, and sees it again. Whatever
//! they do, it is never played slower or faster than nobody notices.

use crate::low_latency::{PART, TARGET};
use crate::world::{SEGMENT, World, assert_one_range, ms, seconds};

/// An event of so many seconds in announced parts, of which so many segments are published.
fn event(length: f64, published: usize, window: usize) -> World {
    let mut world = World::broadcast(length, published, window);
    (world.server().part, world.server().distance, world.server().hints) = (Some(PART), TARGET, true);
    world.manifest(0.0);
    world
}

#[allow(clippy::unwrap_used)] // a helper of tests, outside of any #[test]
fn follows(world: &World) -> bool {
    world.engine.live().unwrap().follows
}

fn behind(world: &World) -> f64 {
    world.encoded() - world.position
}

fn assert_gentle(world: &World) {
    let (slowest, fastest) = world.seen.rates.unwrap_or((1.0, 1.0));
    assert!(slowest >= 0.97 && fastest <= 1.03, "{slowest} {fastest}");
    assert_eq!(world.failure(), None);
}

#[test]
fn whoever_comes_late_joins_what_is_live_and_may_go_back_as_far_as_the_window() {
    let mut world = event(900.0, 150, 30);
    world.run(seconds(20));
    assert!(world.seen.start_up < Some(ms(1000)), "{:?}", world.seen.start_up);
    assert!(follows(&world) && behind(&world) < TARGET + 1.2, "{}", behind(&world));
    assert_eq!((world.seen.rebuffers, world.seen.jumps), (0, 1));
    let begin = world.engine.live().unwrap().window.begin;
    assert!(begin >= 120.0 * SEGMENT, "nothing of before is to be had: {begin}");
    world.seek(begin + SEGMENT);
    world.run(seconds(10));
    assert!(!follows(&world) && world.position > begin + SEGMENT + 5.0, "{}", world.position);
    let latest = world.engine.live().unwrap().latest;
    world.seek(latest);
    world.run(seconds(30));
    assert!(follows(&world) && behind(&world) < TARGET + SEGMENT, "{}", behind(&world));
    assert_gentle(&world);
}

#[test]
fn whoever_pauses_goes_on_from_there_and_comes_back_when_they_go_live() {
    let mut world = event(900.0, 25, 1000);
    world.run(seconds(60));
    assert!(follows(&world));
    (world.playing, world.seen.rates) = (false, None);
    let paused = world.position;
    world.run(seconds(60));
    assert_eq!(world.position, paused);
    world.playing = true;
    world.run(seconds(30));
    assert!(!follows(&world) && (world.position - paused - 30.0).abs() < 1.0, "{} {paused}", world.position);
    assert_eq!((world.engine.rate(), world.seen.rebuffers, world.seen.jumps), (1.0, 0, 1));
    assert_one_range(&world);
    let latest = world.engine.live().unwrap().latest;
    world.seek(latest);
    world.run(seconds(60));
    assert!(follows(&world) && behind(&world) < TARGET + SEGMENT, "{}", behind(&world));
    assert_gentle(&world);
}

#[test]
fn whoever_pauses_for_longer_than_the_window_is_brought_back_into_it() {
    let mut world = event(900.0, 25, 8);
    world.run(seconds(30));
    world.playing = false;
    world.run(seconds(150));
    assert!(world.position < world.available().start && world.engine.stalled().is_none());
    world.playing = true;
    world.run(seconds(60));
    assert_eq!(world.seen.jumps, 2);
    assert!(world.available().contains(&world.position), "{} {:?}", world.position, world.available());
    assert!(!follows(&world));
    assert_gentle(&world);
}

/// The encoder goes away, and comes back within the session: the viewer goes on where it does.
#[test]
fn an_encoder_that_comes_back_is_followed_again() {
    let mut world = event(900.0, 25, 1000);
    world.run(seconds(60));
    world.server().stopped = true;
    world.run(seconds(30));
    world.server().stopped = false;
    world.run(seconds(120));
    assert!(follows(&world) && behind(&world) < TARGET + 2.5, "{}", behind(&world));
    // With nothing left between it and the edge, it takes some short stalls until there is.
    assert!((1..=12).contains(&world.seen.rebuffers), "{:?}", world.seen);
    let stalls = world.seen.rebuffers;
    world.run(seconds(60));
    assert_eq!(world.seen.rebuffers, stalls);
    assert_gentle(&world);
}

#[test]
fn an_event_that_has_ended_can_be_seen_again_from_any_place() {
    let mut world = event(160.0, 25, 1000);
    world.run_until("the end", |world| world.position > 159.9);
    let live = world.engine.live().unwrap();
    assert_eq!((live.window.finished, live.follows, live.latest), (true, false, 160.0));
    let asked = world.server().asked;
    for place in [0.0, 100.0] {
        world.seek(place);
        world.run_until("the end again", |world| world.position > 159.9);
    }
    // Once as it ended, and once behind what was fetched again from the beginning, which then is there.
    assert_eq!((world.ends(), world.server().asked), (2, asked), "nothing more is expected");
    assert_gentle(&world);
}
