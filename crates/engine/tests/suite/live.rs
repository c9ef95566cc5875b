//! The distance from the live edge is kept, and found again.

use engine::Event;

use crate::growing::tuned_in;
use crate::world::{SEGMENT, World, ms, seconds};

#[allow(clippy::unwrap_used)] // a helper of tests, outside of any #[test]
fn latency(world: &World) -> f64 {
    world.engine.live().unwrap().latency.unwrap()
}

/// What the viewer is behind the server, not what the engine thinks.
fn behind(world: &World) -> f64 {
    world.available().end - world.position
}

#[test]
fn who_follows_stays_at_the_distance_without_being_heard() {
    let mut world = tuned_in(1000);
    world.run(seconds(200));
    let live = world.engine.live().unwrap();
    assert!(live.follows && (live.latency.unwrap() - 10.0).abs() < 0.5, "{live:?}");
    let (slowest, fastest) = world.seen.rates.unwrap();
    assert!(slowest >= 0.97 && fastest <= 1.03, "{slowest} {fastest}");
    // The edge goes on in steps, each of which is heard of up to half a segment later.
    let limits = 10.0 - SEGMENT - 0.6..=10.0 + SEGMENT / 2.0 + 0.6;
    assert!(limits.contains(&behind(&world)), "{}", behind(&world));
    assert_eq!((world.failure(), world.seen.rebuffers, world.seen.jumps), (None, 0, 1));
}

#[test]
fn a_stall_is_made_good_gently_and_the_target_is_raised_for_a_while() {
    let mut world = tuned_in(1000);
    world.bandwidth = 30e6;
    world.run(seconds(30));
    assert_eq!(world.engine.live().unwrap().target, 10.0);
    world.gone = true;
    world.run(seconds(14));
    world.gone = false;
    world.tell(Event::Online);
    world.run(seconds(5));
    let live = world.engine.live().unwrap();
    assert_eq!((world.seen.rebuffers, live.target), (1, 10.0 + SEGMENT / 2.0));
    assert!(live.follows && live.latency.unwrap() > live.target + 0.4, "{live:?}");
    assert_eq!(world.engine.rate(), 1.03);
    world.run(seconds(200));
    let live = world.engine.live().unwrap();
    assert!((live.latency.unwrap() - live.target).abs() < 1.0, "{live:?}");
    assert_eq!(live.target, 10.0, "there were no more stalls");
    assert_eq!((world.failure(), world.seen.rebuffers, world.seen.jumps), (None, 1, 1));
    let (slowest, fastest) = world.seen.rates.unwrap();
    assert!(slowest >= 0.97 && fastest == 1.03, "{slowest} {fastest}");
}

#[test]
fn who_fell_far_behind_is_brought_to_what_is_live_at_once() {
    let mut world = tuned_in(1000);
    world.bandwidth = 30e6;
    world.run(seconds(30));
    world.gone = true;
    world.run(seconds(27));
    world.gone = false;
    world.tell(Event::Online);
    world.run(seconds(10));
    assert_eq!((world.failure(), world.seen.jumps), (None, 2));
    assert!(behind(&world) < 10.0 + SEGMENT, "{}", behind(&world));
    assert!(world.engine.live().unwrap().follows);
}

#[test]
fn who_pauses_or_goes_back_is_left_there_until_they_go_live() {
    let mut world = tuned_in(1000);
    world.bandwidth = 30e6;
    world.run(seconds(30));
    world.playing = false;
    world.run(seconds(20));
    world.playing = true;
    world.run(seconds(40));
    let live = world.engine.live().unwrap();
    assert!(!live.follows && (latency(&world) - 30.0).abs() < 1.0, "{live:?}");
    assert_eq!((world.engine.rate(), world.seen.jumps), (1.0, 1));
    world.seek(live.latest);
    world.run(ms(500));
    assert!(world.engine.live().unwrap().follows);
    assert!(latency(&world) < 10.0 + SEGMENT, "{}", latency(&world));
    world.run(seconds(20));
    let back = world.position - 20.0;
    world.seek(back);
    world.run(seconds(20));
    assert!(!world.engine.live().unwrap().follows);
    assert!((world.position - back - 20.0).abs() < 1.0, "nobody drags them on");
    assert_eq!(world.seen.jumps, 1);
}

#[test]
fn who_watches_slowly_falls_behind_and_is_not_dragged_on() {
    let mut world = tuned_in(1000);
    world.bandwidth = 30e6;
    world.run(seconds(30));
    assert!(world.engine.live().unwrap().follows);
    let before = world.position;
    world.speed = Some(0.5);
    world.tell(Event::Speed { speed: 0.5 });
    world.run(seconds(60));
    assert!(!world.engine.live().unwrap().follows);
    assert!((world.position - before - 30.0).abs() < 1.0, "{} {before}", world.position);
    assert_eq!((world.failure(), world.engine.rate(), world.seen.jumps), (None, 1.0, 1));
    world.speed = None;
    world.tell(Event::Speed { speed: 1.0 });
    world.run(seconds(10));
    assert!(!world.engine.live().unwrap().follows, "they stay where they are");
    let latest = world.engine.live().unwrap().latest;
    world.seek(latest);
    world.run(ms(500));
    assert!(world.engine.live().unwrap().follows);
    assert_eq!(world.seen.jumps, 1);
}

#[test]
fn nobody_follows_what_is_over_or_what_is_on_demand() {
    let mut world = World::broadcast(150.0, 25, 1000);
    world.manifest(0.0);
    world.run_until("the end", |world| world.position > 149.9);
    let live = world.engine.live().unwrap();
    assert!(!live.follows && live.latency.is_none() && live.window.finished);
    assert_eq!((live.latest, world.engine.rate()), (150.0, 1.0));
    let mut film = World::start(60.0, 0.0);
    film.run(seconds(20));
    assert_eq!((film.engine.live(), film.engine.rate()), (None, 1.0));
}
