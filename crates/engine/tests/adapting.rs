//! What comes to the screen while the network, the viewer, the decoder and the license change.

#[allow(dead_code, unreachable_pub, unused_imports)]
mod world;

use std::time::Duration;

use engine::{
    Command, Error, Event, Stall,
    model::TrackKind::{Audio, Video},
};
use world::{BEGINS, Film, SEGMENT, Trace, World, ms};

fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

fn chose(id: &str) -> Event {
    Event::Quality { representation: Some(id.into()) }
}

/// One range in `buffered` of each track, from not far behind the playhead.
fn assert_one_range(world: &World) {
    for kind in [Video, Audio] {
        assert_eq!(world.buffers[&kind].len(), 1, "{kind:?}: {:?} at {}", world.buffers, world.position);
    }
}

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
fn a_forced_switch_keeps_what_plays_before_a_download_can_come() {
    // 6 Mb/s over 4 Mb/s: a segment takes seconds, so the next boundary is too near.
    let mut world = World::ladder(200.0, 4e6);
    world.run_until("some buffer", |world| world.there().ahead(world.position) > 15.0);
    let (number, before) = ((world.position / SEGMENT) as usize, world.fetches().len());
    world.tell(chose("v6000"));
    world.run(seconds(4));
    let first = world.fetches()[before..].iter().find(|f| f.representation == "v6000" && f.segment).cloned();
    let at = world.film.file("v6000").at_end(first.unwrap().range.end).unwrap();
    assert!(at > number + 1, "{at} {number}");
    assert_eq!(world.seen.rebuffers, 0);
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
fn a_forced_switch_takes_effect_at_the_next_boundaries_and_leaves_one_range() {
    let mut world = World::ladder(200.0, 20e6);
    world.run_until("a full buffer", |world| world.there().ahead(world.position) > 27.0);
    let before = world.fetches().len();
    let at = (world.position / SEGMENT) as usize;
    assert_eq!(world.engine.chosen(), None);
    world.tell(chose("v1200"));
    assert_eq!(world.engine.chosen(), Some("v1200"));
    for _ in 0..400 {
        world.step();
        // While it is overwritten, nothing near the playhead is missing.
        assert!(world.there().ahead(world.position) > 1.0, "{:?} at {}", world.buffers, world.position);
    }
    assert_one_range(&world);
    assert_eq!(world.engine.playing(Video), Some("v1200"));
    assert_eq!(world.content[&(Video, at + 2)], "v1200");
    // Each segment once, none of another rung.
    let mut again: Vec<_> =
        world.fetches()[before..].iter().filter(|f| f.track == Video && f.segment).cloned().collect();
    assert!(again.iter().skip(1).all(|f| f.representation == "v1200"), "{again:?}");
    let count = again.len();
    again.dedup_by_key(|f| f.range);
    assert_eq!(again.len(), count);
    assert_eq!(world.seen.rebuffers, 0);
    world.tell(Event::Quality { representation: None });
    assert_eq!(world.engine.chosen(), None);
    world.run_until("the end", |world| world.position > 199.9);
    assert_eq!(world.content[&(Video, 48)], "v6000", "automatic again");
    assert_one_range(&world);
    assert_eq!(world.ends(), 1);
}

#[test]
fn a_forced_switch_to_more_than_the_link_carries_does_not_stall_at_once() {
    let mut world = World::ladder(200.0, 2e6);
    world.run_until("some buffer", |world| world.position > 30.0);
    let position = world.position;
    world.tell(chose("v6000"));
    world.run_until("the higher rung", |world| world.engine.playing(Video) == Some("v6000"));
    assert!(world.position > position + 8.0, "what plays soon is kept");
    assert_one_range(&world);
}

#[test]
fn a_choice_made_before_anything_is_there_is_what_the_film_starts_with() {
    let mut world = World::with(Film::ladder(60.0, 3), 0.0, engine::Config::default());
    world.manifest(0.0);
    world.tell(chose("v2400"));
    world.run(seconds(20));
    assert!(
        world.content.iter().all(|((kind, _), file)| *kind == Audio || file == "v2400"),
        "{:?}",
        world.content
    );
    assert_eq!(world.seen.rebuffers, 0);
    world.tell(chose("no such thing"));
    assert_eq!(world.engine.chosen(), Some("v2400"));
}

#[test]
fn a_head_that_cannot_be_had_leaves_playback_on_its_rung() {
    let mut world = World::ladder(200.0, 20e6);
    world.missing.extend(["v4000".to_owned(), "v6000".to_owned()]);
    world.run(seconds(20));
    world.tell(chose("v6000"));
    world.run_until("the end", |world| world.position > 199.9);
    assert_eq!(world.seen.rebuffers, 0);
    assert_one_range(&world);
}

#[test]
fn another_sound_track_replaces_the_sound_from_here_on_and_leaves_the_picture() {
    let mut world = World::ladder(200.0, 10e6);
    world.run_until("a full buffer", |world| world.there().ahead(world.position) > 27.0);
    let video = world.buffers[&Video].clone();
    let before = world.log.len();
    world.tell(Event::Audio { representation: "a-de".into() });
    world.run(seconds(3));
    let of_video = |command: &Command| match command {
        Command::Reset { track } => *track == Video,
        Command::Remove { track, start, .. } => *track == Video && *start > 0.0, // the rest is behind the playhead
        _ => false,
    };
    assert!(!world.log[before..].iter().any(|(_, command)| of_video(command)));
    assert!(world.buffers[&Video][0].1 >= video[0].1);
    assert_eq!(world.engine.playing(Audio), Some("a-de"));
    let number = (world.position / SEGMENT) as usize;
    assert!((number..number + 4).all(|number| world.content[&(Audio, number)] == "a-de"));
    assert!(world.seen.rebuffering < ms(400), "{:?}", world.seen.rebuffering);
    assert_one_range(&world);
    world.run_until("the end", |world| world.position > 199.9);
    assert_eq!(world.ends(), 1);
}

#[test]
fn a_policy_caps_what_is_played_chosen_and_offered() {
    let mut world = World::ladder(200.0, 20e6);
    world.run_until("a full buffer", |world| world.there().ahead(world.position) > 27.0);
    world.tell(chose("v6000"));
    world.tell(Event::MaxHeight { height: Some(576) });
    let offered: Vec<_> = world.engine.selectable().map(|r| r.id.clone()).collect();
    assert_eq!(offered, ["v300", "v600", "v1200"]);
    assert_eq!(world.engine.chosen(), Some("v1200"));
    let position = world.position;
    world.run_until("further on", |world| world.position > position + 8.0);
    assert_eq!(world.engine.playing(Video), Some("v1200"));
    assert_eq!(world.seen.rebuffers, 0);
    assert_one_range(&world);
    world.tell(Event::Quality { representation: None });
    world.run_until("the end", |world| world.position > 199.9);
    assert_eq!(world.content[&(Video, 48)], "v1200");
    world.tell(Event::MaxHeight { height: Some(100) });
    assert_eq!(world.failure(), Some(Error::NothingToPlay));
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
fn what_cannot_be_decoded_is_left_out_until_nothing_is_left() {
    let mut world = World::ladder(600.0, 30e6);
    world.run(seconds(20));
    for id in ["v6000", "v4000", "v2400", "v1200", "v600"] {
        world.tell(Event::Undecodable { representation: id.into() });
        world.run(seconds(10));
        assert_eq!(world.failure(), None, "{id}");
        assert!(world.engine.selectable().all(|r| r.id != id));
    }
    assert_eq!(world.engine.playing(Video), Some("v300"));
    assert_eq!(world.seen.rebuffers, 0);
    world.tell(Event::Undecodable { representation: "v300".into() });
    assert_eq!(world.failure(), Some(Error::NothingToPlay));
}

#[test]
fn the_first_representation_may_turn_out_undecodable() {
    let mut world = World::ladder(60.0, 10e6);
    world.run(ms(100));
    let first = world.engine.playing(Video).unwrap().to_owned();
    world.tell(Event::Undecodable { representation: first.clone() });
    world.run_until("playing", |world| world.position > 10.0);
    assert!(world.content.values().all(|file| *file != first));
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
fn a_full_source_buffer_with_switches_fetches_nothing_twice() {
    let mut world = World::ladder(300.0, 10e6);
    world.room = 17.0;
    world.run_until("the end", |world| world.position > 299.9);
    assert_eq!(world.seen.rebuffers, 0);
    let segments: Vec<_> = world.fetches().into_iter().filter(|f| f.segment && f.offset == 0).collect();
    assert_eq!(segments.len(), 2 * world::count(300.0));
}

#[test]
fn two_hours_of_film_leave_nothing_behind() {
    let mut world = World::ladder(7300.0, 0.0);
    world.trace = Some(Trace::cellular("", 5e6, 3000, 5));
    (world.step, world.keep_log) = (ms(50), false);
    let mut most = 0;
    while world.position < 7200.0 {
        world.step();
        assert!(world.failure().is_none() && world.now < BEGINS + seconds(9000));
        for track in world.engine.tracks() {
            assert!(
                track.jobs.len() <= 2 && track.waiting.len() <= 2 && track.buffered.as_slice().len() <= 2
            );
            most = most.max(track.held.len());
        }
    }
    assert!(most <= 16, "segments of 30 s ahead and 24 s behind: {most}");
    assert!(world.seen.rebuffering < seconds(5), "{:?}", world.seen);
}

#[test]
fn stalls_tell_start_from_seek_from_rebuffering() {
    let mut world = World::ladder(600.0, 2e6);
    world.step();
    assert_eq!(world.engine.stalled(), Some(Stall::Start));
    world.run(seconds(10));
    assert_eq!(world.engine.stalled(), None);
    world.seek(400.0);
    world.step();
    assert_eq!(world.engine.stalled(), Some(Stall::Seek));
    world.run(seconds(10));
    assert_eq!(world.engine.stalled(), None);
    world.bandwidth = 1.0;
    world.run_until("dry", |world| world.engine.stalled() == Some(Stall::Rebuffer));
    world.run(seconds(2));
    assert_eq!(world.engine.stats().rebuffers, 1);
    assert!(world.engine.stats().rebuffering > seconds(1));
    world.playing = false;
    world.step();
    assert_eq!(world.engine.stalled(), None, "paused");
}
