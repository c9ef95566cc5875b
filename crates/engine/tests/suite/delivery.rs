//! Networks and CDNs that fail: playback continues, or says why.

use std::time::Duration;

use engine::{Command, Config, Error, Event, Failure, Trouble, model::TrackKind};

use crate::world::{BEGINS, Behaviour, Film, World, ms, seconds};

/// Every fault that one of two CDNs may show.
pub(crate) fn faults() -> [Behaviour; 8] {
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
fn a82_a_cdn_that_dies_is_left_for_the_next_without_a_stall() {
    for death in [
        Behaviour::Fail(Failure::Network),
        Behaviour::Fail(Failure::Status(503)),
        Behaviour::Fail(Failure::Status(404)),
        Behaviour::BreakAfter(100_000),
        Behaviour::Silent,
    ] {
        let mut world = World::start(120.0, 0.0);
        world.run(Duration::from_secs(10));
        let stalled = world.stalled;
        world.cdns.insert("one".into(), death);
        world.run_until("the end", |world| world.position > 119.9);
        assert_eq!(world.stalled, stalled, "{death:?}");
        assert_eq!(world.failure(), None);
        let last = world.fetches().pop().unwrap();
        assert!(last.url.contains("two") && last.range_header, "CDN two takes the header form (A75)");
        if death == Behaviour::BreakAfter(100_000) {
            assert!(
                world.fetches().iter().any(|fetch| fetch.offset == 100_000),
                "goes on where it broke off"
            );
        }
    }
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
fn everything_down_is_an_error_only_when_the_buffer_was_dry_for_30_s() {
    let mut world = World::start(600.0, 0.0);
    world.run(Duration::from_secs(10));
    for cdn in ["one", "two"] {
        world.cdns.insert(cdn.into(), Behaviour::Fail(Failure::Network));
    }
    world.stalled = Duration::ZERO;
    world.run_until("a stall", |world| world.stalled > Duration::from_secs(1));
    assert_eq!(world.failure(), None);
    world.run(Duration::from_secs(28));
    assert_eq!(world.failure(), None);
    world.run(Duration::from_secs(2));
    assert_eq!(world.failure(), Some(Error::Unreachable));
    let before = world.log.len();
    world.run(Duration::from_secs(5));
    assert_eq!(world.log.len(), before, "silent after the error");
}

#[test]
fn everything_down_for_a_while_heals_by_itself() {
    let mut world = World::start(600.0, 0.0);
    world.run(Duration::from_secs(10));
    for cdn in ["one", "two"] {
        world.cdns.insert(cdn.into(), Behaviour::Fail(Failure::Network));
    }
    world.run_until("a stall", |world| world.stalled > Duration::from_secs(20));
    let gaps: Vec<_> = world
        .log
        .iter()
        .filter(|(_, command)| matches!(command, Command::Fetch(spec) if spec.track == TrackKind::Video))
        .map(|(at, _)| *at)
        .collect();
    let last: Vec<_> = gaps.windows(2).rev().take(3).map(|pair| pair[1] - pair[0]).collect();
    assert!(last.iter().all(|wait| *wait > ms(3900) && *wait < ms(8200)), "backs off: {last:?}");
    world.cdns.insert("one".into(), Behaviour::Serve);
    let position = world.position;
    world.run(Duration::from_secs(15));
    assert!(world.position > position + 4.0);
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
fn without_a_network_nobody_gives_up_and_the_film_goes_on_when_it_is_back() {
    let mut world = World::ladder(300.0, 8e6);
    world.run(seconds(5));
    world.gone = true;
    world.tell(Event::Offline);
    world.run_until("a stall", |world| world.engine.stalled().is_some());
    let position = world.position;
    world.run(seconds(600));
    assert_eq!((world.failure(), world.position), (None, position));
    world.gone = false;
    world.tell(Event::Online);
    world.run(seconds(5));
    assert_eq!((world.failure(), world.engine.stalled()), (None, None));
    assert!(world.position > position + 2.0, "{} {position}", world.position);
    // A network that is there, and carries nothing, is a failure again.
    world.gone = true;
    world.run_until("the end of patience", |world| world.failure().is_some());
    assert_eq!(world.failure(), Some(Error::Unreachable));
}

/// B87: what a persistent connection leaves behind goes on at once where it was, from the same CDN, whose
/// fault it was not.
#[test]
fn b87_what_is_not_streamed_any_more_goes_on_at_once() {
    let mut world = World::start(120.0, 0.0);
    let (now, spec) = (world.now, world.fetches().remove(0));
    let fetch = spec.fetch;
    assert_eq!((spec.segment, spec.start), (true, Some(Duration::ZERO)));
    world.engine.handle(now, Event::Progress { fetch, bytes: 700 });
    let commands = world.engine.handle(now, Event::FetchFailed { fetch, failure: Failure::Unstreamed });
    let again = commands.into_iter().find_map(|command| match command {
        Command::Fetch(again) if again.fetch == fetch => Some(again),
        _ => None,
    });
    let again = again.unwrap();
    assert_eq!((again.offset, again.range.start, again.start), (700, spec.range.start + 700, spec.start));
    assert!(spec.url.contains("one") && again.url.contains("one"), "{} {}", spec.url, again.url);
    assert_eq!(world.engine.stats().failures, 0);
}
