//! What comes to the screen while the network and the element change.

use engine::{
    Config, Event,
    abr::caps::Limit,
    model::TrackKind::{Audio, Video},
};

use crate::world::{Film, SEGMENT, Trace, World, assert_one_range, ms, seconds};

#[test]
fn no_stall_on_a_constant_link_that_carries_the_lowest_rung() {
    for rate in [0.7e6, 1e6, 2.2e6, 5e6, 30e6] {
        for rtt in [20, 80] {
            let mut world = World::ladder(300.0, rate);
            world.rtt = ms(rtt);
            world.run_until("the end", |world| world.position > 299.9);
            assert_eq!(world.seen.rebuffers, 0, "{rate} {rtt}");
            let sound = world.film.file("a-en").mean();
            let possible = (rate - sound).min(world.film.file("v6000").mean());
            assert!(world.seen.mean() > possible * 0.8, "{rate}: {}", world.seen.mean());
            assert_one_range(&world);
        }
    }
}

#[test]
fn on_a_slow_link_sound_does_not_run_ahead_of_the_picture() {
    let mut world = World::ladder(120.0, 0.7e6);
    let end = |world: &World, kind| world.buffers.get(&kind).and_then(|r| r.last()).map_or(0.0, |r| r.1);
    while world.position < 60.0 {
        world.step();
        let (sound, picture) = (end(&world, Audio), end(&world, Video));
        assert!(sound <= picture + 2.0 * SEGMENT, "{sound} {picture}");
    }
}

#[test]
fn a_step_down_is_survived_and_a_step_up_is_used() {
    let mut world = World::ladder(240.0, 0.0);
    world.trace = Some(Trace::steps("", 60, &[6e6, 0.6e6, 8e6, 8e6]));
    world.run(seconds(110));
    assert_eq!(world.seen.rebuffers, 0);
    assert!(["v300", "v600"].contains(&world.engine.tracks()[0].representation().id.as_str()));
    world.run_until("the end", |world| world.position > 239.9);
    assert_eq!(world.seen.rebuffers, 0);
    assert!(["v4000", "v6000"].contains(&world.content[&(Video, 58)].as_str()), "{:?}", world.content);
    assert!(world.seen.switches < 30, "{}", world.seen.switches);
}

#[test]
fn a_segment_that_would_come_too_late_is_given_up_for_a_lower_rung() {
    let mut world = World::ladder(120.0, 12e6);
    world.run_until("a high rung", |world| world.content.get(&(Video, 4)).is_some_and(|f| f == "v6000"));
    // The link breaks down in the middle of a large segment, with not much in the buffer.
    world.run_until("a large segment on its way", |world| {
        let job = world.engine.tracks()[0].segment_job();
        job.is_some_and(|job| job.is_flowing() && job.received < job.range.length() / 4)
    });
    world.bandwidth = 0.5e6;
    world.run(seconds(60));
    assert!(world.engine.stats().abandoned >= 1);
    assert_eq!(world.seen.rebuffers, 0);
    assert_one_range(&world);
}

#[test]
fn the_element_and_the_decoder_cap_what_is_chosen_automatically() {
    let mut world = World::ladder(600.0, 30e6);
    world.tell(Event::Viewport { width: 1280, height: 720 });
    world.run(seconds(40));
    assert_eq!(world.engine.playing(Video), Some("v2400"));
    world.tell(Event::Viewport { width: 3840, height: 2160 });
    world.run(seconds(60));
    assert_eq!(world.engine.playing(Video), Some("v6000"));
    // The decoder drops a fifth of its frames.
    let mut dropped = 0;
    for second in 0..20u64 {
        dropped += if world.engine.playing(Video) == Some("v6000") { 6 } else { 0 };
        world.tell(Event::Frames { decoded: 1000 + second * 30, dropped });
        world.run(seconds(1));
    }
    world.run(seconds(10));
    assert_eq!(world.engine.playing(Video), Some("v4000"));
    assert_eq!(world.seen.rebuffers, 0);
    assert!(world.engine.selectable().any(|r| r.id == "v6000"), "the viewer may still want it");
    assert_one_range(&world);
}

#[test]
fn what_limits_the_picture_is_told() {
    let mut world = World::ladder(900.0, 30e6);
    world.tell(Event::Viewport { width: 1280, height: 720 });
    world.run(seconds(40));
    assert_eq!((world.engine.playing(Video), world.engine.limit()), (Some("v2400"), Some(Limit::Screen)));
    world.tell(Event::Viewport { width: 3840, height: 2160 });
    world.run(seconds(60));
    assert_eq!((world.engine.playing(Video), world.engine.limit()), (Some("v6000"), None));
    world.tell(Event::DataSaver { height: Some(480) });
    world.run(seconds(60));
    assert_eq!((world.engine.playing(Video), world.engine.limit()), (Some("v1200"), Some(Limit::DataSaver)));
    world.tell(Event::MaxHeight { height: Some(480) });
    world.run(seconds(20));
    assert_eq!(world.engine.limit(), Some(Limit::Policy), "of both the one that the viewer cannot change");
    world.tell(Event::Quality { representation: Some("v600".into()) });
    assert_eq!(world.engine.limit(), None, "the viewer's choice");
    world.tell(Event::Quality { representation: None });
    world.tell(Event::MaxHeight { height: None });
    world.tell(Event::DataSaver { height: None });
    world.bandwidth = 1.5e6;
    world.run(seconds(90));
    assert_eq!(world.engine.limit(), Some(Limit::Network));
}

#[test]
fn who_saves_data_begins_small() {
    let mut world = World::with(Film::ladder(60.0, 3), 0.0, Config { seed: 7, ..Config::default() });
    (world.bandwidth, world.fragments) = (30e6, 4);
    world.tell(Event::DataSaver { height: Some(480) });
    world.manifest(0.0);
    world.run_until("the end", |world| world.position > 59.9);
    let heights = ["v300", "v600", "v1200"];
    assert!(world.fetches().iter().all(|f| f.track == Audio || heights.contains(&f.representation.as_str())));
    assert_eq!(world.engine.limit(), Some(Limit::DataSaver));
}
