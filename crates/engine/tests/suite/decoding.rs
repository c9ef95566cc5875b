//! A decoder that hangs, refuses or drops, and media that are damaged.

use std::time::Duration;

use engine::{Command, Error, Event, model::TrackKind::Video};

use crate::world::{BEGINS, Hang, SEGMENT, World, ms, seconds};

#[test]
fn a_playhead_that_hangs_is_nudged() {
    let mut world = World::ladder(60.0, 8e6);
    world.hangs = vec![
        Hang { at: 20.5, width: 0.15, heals: false, met: false },
        Hang { at: 40.5, width: 0.05, heals: false, met: false },
    ];
    world.run_until("the end", |world| world.position > 59.9);
    assert_eq!(world.seen.jumps, 3);
    assert!(world.now < BEGINS + seconds(63));
}

#[test]
fn a_playhead_that_nudges_do_not_help_has_its_segment_fetched_again_and_then_fails() {
    let mut world = World::ladder(60.0, 8e6);
    world.hangs = vec![Hang { at: 20.5, width: 2.0, heals: true, met: false }];
    world.run_until("the end", |world| world.position > 59.9);
    assert_eq!(world.seen.jumps, 3);
    let of_segment = |(_, command): &&(Duration, Command)| matches!(command, Command::Remove { track: Video, start, .. } if *start == 5.0 * SEGMENT);
    assert_eq!(world.log.iter().filter(of_segment).count(), 1);

    let mut world = World::ladder(60.0, 8e6);
    world.hangs = vec![Hang { at: 20.5, width: 9.0, heals: false, met: false }];
    world.run(seconds(40));
    assert_eq!(world.failure(), Some(Error::Stuck));
    assert_eq!(world.seen.jumps, 6);
}

#[test]
fn a_slow_first_picture_is_not_nudged() {
    let mut world = World::ladder(60.0, 8e6);
    world.run(seconds(10));
    world.seek(30.0);
    // Data are there, the decoder takes its time.
    world.hangs = vec![Hang { at: 30.0, width: 0.05, heals: false, met: false }];
    world.run(ms(1500));
    assert_eq!(world.seen.jumps, 0);
}

#[test]
fn a_damaged_segment_is_fetched_afresh_from_the_other_cdn_and_damaged_again_is_the_end() {
    let mut world = World::ladder(60.0, 8e6);
    let video = |world: &World| {
        world.fetches().into_iter().rfind(|spec| spec.track == Video && spec.segment).unwrap()
    };
    world.run_until("the fifth picture segment", |world| {
        world.fetches().iter().filter(|spec| spec.track == Video && spec.segment).count() == 5
    });
    let damaged = video(&world);
    assert!(!damaged.afresh);
    world.tell(Event::Damaged { fetch: damaged.fetch });
    let again = video(&world);
    assert_eq!((again.range.start, again.afresh, again.offset), (damaged.range.start, true, 0));
    let host = |url: &str| url.split('/').nth(2).map(str::to_owned);
    assert_ne!(host(&again.url), host(&damaged.url));
    world.run_until("the end", |world| world.position > 59.9);
    assert!(!video(&world).afresh, "only the damaged one");

    let mut world = World::ladder(60.0, 8e6);
    world.run_until("a segment beyond the first", |world| video(world).head == 0);
    for _ in 0..2 {
        assert_eq!(world.failure(), None);
        let fetch = video(&world).fetch;
        world.tell(Event::Damaged { fetch });
    }
    assert_eq!(world.failure(), Some(Error::Damaged));
}

#[test]
fn damage_in_what_the_viewer_has_left_is_ignored() {
    let mut world = World::ladder(60.0, 8e6);
    let first = world.fetches().into_iter().find(|spec| spec.track == Video).unwrap();
    assert!(first.head > 0 && first.segment);
    world.seek(40.0);
    world.tell(Event::Damaged { fetch: first.fetch });
    assert_eq!(world.failure(), None);
    world.run_until("the end", |world| world.position > 59.9);
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
