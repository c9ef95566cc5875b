//! Networks, CDNs and decoders that fail: playback goes on, or says why.

#[allow(dead_code, unreachable_pub, unused_imports)]
mod world;

use std::time::Duration;

use engine::{Command, Config, Error, Event, Failure, Trouble, model::TrackKind::Video};
use proptest::prelude::*;
use world::{BEGINS, Behaviour, Film, Hang, SEGMENT, World, ms};

fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// Every fault that one of two CDNs may show.
fn faults() -> [Behaviour; 8] {
    [
        Behaviour::Fail(Failure::Network),
        Behaviour::Fail(Failure::Status(404)),
        Behaviour::Fail(Failure::Status(503)),
        Behaviour::BreakAfter(20_000),
        Behaviour::EndAfter(20_000),
        Behaviour::StallAfter(20_000),
        Behaviour::StallAfter(500),
        Behaviour::Silent,
    ]
}

#[test]
fn a82_one_of_two_cdns_fails_in_any_way_from_the_start_or_later() {
    for fault in faults() {
        let mut world = World::with(Film::ladder(120.0, 3), 0.0, Config::default());
        world.fragments = 4;
        world.cdns.insert("one".into(), fault);
        world.manifest(0.0);
        world.run_until("the end", |world| world.position > 119.9);
        assert!(world.seen.start_up < Some(seconds(8)), "{fault:?} {:?}", world.seen.start_up);
        assert_eq!(world.seen.rebuffers, 0, "{fault:?}");

        let mut world = World::ladder(120.0, 5e6);
        world.run(seconds(12));
        world.cdns.insert("one".into(), fault);
        world.run_until("the end", |world| world.position > 119.9);
        assert_eq!(world.seen.rebuffers, 0, "{fault:?}");
    }
}

#[test]
fn an_edge_that_breaks_every_transfer_off_is_finished_piece_by_piece() {
    for fault in [Behaviour::BreakAfter(150_000), Behaviour::EndAfter(150_000)] {
        let mut world = World::ladder(60.0, 5e6);
        world.run(seconds(8));
        for cdn in ["one", "two"] {
            world.cdns.insert(cdn.into(), fault);
        }
        world.run(seconds(20));
        for cdn in ["one", "two"] {
            world.cdns.insert(cdn.into(), Behaviour::Serve);
        }
        world.run_until("the end", |world| world.position > 59.9);
        assert!(world.fetches().iter().any(|fetch| fetch.offset == 150_000));
    }
}

#[test]
fn a_network_that_is_gone_for_ten_seconds_is_not_noticed() {
    for asks in [false, true] {
        let mut world = World::ladder(120.0, 8e6);
        world.run(seconds(15));
        world.gone = true;
        world.run(seconds(10));
        world.gone = false;
        if asks {
            world.tell(Event::Online);
        }
        world.run_until("the end", |world| world.position > 119.9);
        assert_eq!(world.seen.rebuffers, 0);
    }
}

#[test]
fn trouble_is_told_while_it_lasts_and_online_ends_the_waiting() {
    let mut world = World::ladder(300.0, 8e6);
    world.run(seconds(15));
    for cdn in ["one", "two"] {
        world.cdns.insert(cdn.into(), Behaviour::Fail(Failure::Network));
    }
    world.run_until("a stall", |world| world.engine.stalled().is_some());
    world.run(seconds(10));
    assert!(
        matches!(world.engine.trouble(), Some(Trouble::Retrying { since }) if since < BEGINS + seconds(30))
    );
    assert_eq!((world.failure(), world.engine.stalled()), (None, Some(engine::Stall::Rebuffer)));
    for cdn in ["one", "two"] {
        world.cdns.insert(cdn.into(), Behaviour::Serve);
    }
    world.tell(Event::Online);
    world.run(seconds(2));
    assert_eq!((world.engine.trouble(), world.engine.stalled()), (None, None));
    assert!(world.fetches().last().unwrap().url.contains("one"), "no CDN sits out any more");
}

#[test]
fn nobody_gives_up_while_the_viewer_has_paused() {
    let mut world = World::ladder(300.0, 8e6);
    world.run(seconds(5));
    world.seek(200.0);
    world.playing = false;
    for cdn in ["one", "two"] {
        world.cdns.insert(cdn.into(), Behaviour::Fail(Failure::Network));
    }
    world.run(seconds(300));
    assert_eq!(world.failure(), None);
    world.playing = true;
    world.run(seconds(29));
    assert_eq!(world.failure(), None);
    world.run(seconds(2));
    assert_eq!(world.failure(), Some(Error::Unreachable));
}

#[test]
fn a70_urls_that_live_for_60_s_carry_a_film_of_five_minutes() {
    let mut world = World::with(Film::ladder(300.0, 3), 0.0, Config::default());
    (world.urls_valid, world.urls_expire, world.fragments) = (seconds(60), true, 4);
    world.manifest(0.0);
    world.run_until("the end", |world| world.position > 299.9);
    assert_eq!(world.seen.rebuffers, 0);
    assert!((5..=7).contains(&world.generation), "{}", world.generation);
    assert_eq!(world.engine.stats().failures, 0, "no URL was used after its end");
}

#[test]
fn a70_a_film_paused_overnight_goes_on() {
    let mut world = World::with(Film::ladder(300.0, 3), 0.0, Config::default());
    (world.urls_valid, world.urls_expire, world.fragments) = (seconds(3600), true, 4);
    world.manifest(0.0);
    world.run(seconds(10));
    world.playing = false;
    world.run(seconds(30));
    world.now += seconds(8 * 3600); // nothing runs while the machine sleeps
    world.playing = true;
    world.tell(Event::UrlsStale);
    world.run_until("the end", |world| world.position > 299.9);
    assert_eq!(world.seen.rebuffers, 0);
}

#[test]
fn url_lives_of_nothing_do_not_make_a_storm() {
    let mut world = World::with(Film::ladder(60.0, 3), 0.0, Config::default());
    world.urls_valid = Duration::ZERO;
    world.manifest(0.0);
    world.run(seconds(50));
    assert!(world.generation <= 10, "{}", world.generation);
}

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
fn damage_in_what_the_viewer_has_left_is_of_no_account() {
    let mut world = World::ladder(60.0, 8e6);
    let first = world.fetches().into_iter().find(|spec| spec.track == Video).unwrap();
    assert!(first.head > 0 && first.segment);
    world.seek(40.0);
    world.tell(Event::Damaged { fetch: first.fetch });
    assert_eq!(world.failure(), None);
    world.run_until("the end", |world| world.position > 59.9);
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
fn replay_after_the_end_with_switches() {
    let mut world = World::ladder(60.0, 8e6);
    for round in 1..=3 {
        world.run_until("the end", |world| world.position > 59.9);
        world.run(seconds(1));
        assert!(world.ended && world.ends() >= round);
        world.seek(0.0);
        world.tell(Event::Quality { representation: Some(["v600", "v2400", "v300"][round - 1].into()) });
        world.run(seconds(10));
        assert!(world.there().ahead(world.position) > 20.0, "{:?}", world.buffers);
    }
    assert_eq!(world.seen.rebuffers, 0);
}

#[derive(Clone, Copy, Debug)]
enum Move {
    Seek(f64),
    Choose(usize),
    Fault(usize, usize),
    Rate(f64),
    Sound(bool),
}

fn moves() -> impl Strategy<Value = Vec<(Move, u64)>> {
    let one = prop_oneof![
        5 => (0.0f64..599.0).prop_map(Move::Seek),
        1 => (0usize..7).prop_map(Move::Choose),
        2 => (0usize..2, 0usize..9).prop_map(|(cdn, fault)| Move::Fault(cdn, fault)),
        1 => (1e6f64..2e7).prop_map(Move::Rate),
        1 => any::<bool>().prop_map(Move::Sound),
    ];
    proptest::collection::vec((one, 0u64..4000), 1..150)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]
    /// About a hundred seeks in a row, with faults of either CDN, choices of picture and sound between them: once the
    /// storm is over it plays where the viewer went last.
    #[test]
    fn a_storm_of_seeks_and_faults_ends_in_playing(moves in moves(), last in 0.0f64..590.0) {
        let mut world = World::ladder(600.0, 8e6);
        let ids = ["v300", "v600", "v1200", "v2400", "v4000", "v6000"];
        for (step, wait) in moves {
            match step {
                Move::Seek(position) => world.seek(position),
                Move::Choose(place) => {
                    let representation = ids.get(place).map(|id| (*id).to_owned());
                    world.tell(Event::Quality { representation });
                }
                Move::Fault(cdn, fault) => {
                    let behaviour = faults().get(fault).copied().unwrap_or(Behaviour::Serve);
                    world.cdns.insert(["one", "two"][cdn].into(), behaviour);
                }
                Move::Rate(rate) => world.bandwidth = rate,
                Move::Sound(german) => {
                    let representation = if german { "a-de" } else { "a-en" }.to_owned();
                    world.tell(Event::Audio { representation });
                }
            }
            world.run(ms(wait));
            if let Some(error) = world.failure() {
                // Only when there really was nobody to serve.
                prop_assert_eq!(error, Error::Unreachable);
                return Ok(());
            }
        }
        for cdn in ["one", "two"] {
            world.cdns.insert(cdn.into(), Behaviour::Serve);
        }
        world.bandwidth = 30e6;
        world.seek(last);
        world.run(seconds(30));
        prop_assert_eq!(world.failure(), None);
        prop_assert!(world.position > last + 3.0, "{} of {} {:?}", world.position, last, world.buffers);
        // The range under the playhead goes on without a gap, and it is of the rung that was chosen.
        let ahead = world.there().ahead(world.position);
        prop_assert!(ahead > 8.0 || world.position > 585.0, "{} at {} {:?}", ahead, world.position, world.buffers);
        if let Some(chosen) = world.engine.chosen() {
            let (chosen, number) = (chosen.to_owned(), (world.position / SEGMENT) as usize);
            if last + 16.0 < world.position && world.position < 585.0 {
                prop_assert_eq!(&world.content[&(Video, number)], &chosen);
            }
        }
    }
}
