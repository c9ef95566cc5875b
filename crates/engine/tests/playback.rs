//! The engine against a simulated link, on a virtual clock.

#[allow(dead_code, unreachable_pub, unused_imports)]
mod world;

use std::time::Duration;

use engine::{Command, Error, Event, Failure, model::TrackKind};
use world::{Behaviour, HEAD, World, count, ms, segment};

/// Round trip and two heads with their first segments over 8 Mb/s, and one step.
const START_UP: Duration = ms(50 + 652 + 348 + 25);

#[test]
fn at_position_0_one_request_per_track_from_byte_0_through_the_first_segment() {
    let world = World::start(60.0, 0.0);
    let fetches = world.fetches();
    assert_eq!(fetches.len(), 2);
    for (fetch, kind) in fetches.iter().zip([TrackKind::Video, TrackKind::Audio]) {
        assert_eq!(fetch.track, kind);
        assert_eq!((fetch.range.start, fetch.range.end), (0, segment(kind, 0, 60.0).range.end));
        assert_eq!(fetch.head, HEAD);
        // CDN one takes ranges in the path, so no header (A76).
        assert!(!fetch.range_header);
        assert!(fetch.url.contains(&format!("/range/0-{}?", fetch.range.end)), "{}", fetch.url);
    }
}

#[test]
fn a22_resume_fetches_head_and_start_segment_in_parallel_and_nothing_before_it() {
    let mut world = World::start(600.0, 301.5);
    let fetches = world.fetches();
    assert_eq!(fetches.len(), 4);
    let start = segment(TrackKind::Video, 75, 600.0);
    assert_eq!((fetches[0].range.start, fetches[0].range.end, fetches[0].segment), (0, HEAD - 1, false));
    assert_eq!((fetches[1].range, fetches[1].head), (start.range, 0));
    world.seek(301.5); // the video element being put there
    world.run(Duration::from_secs(20));
    assert!(world.stalled < START_UP, "{:?}", world.stalled);
    let media = world.fetches().into_iter().filter(|fetch| fetch.segment);
    assert!(media.clone().all(|f| f.track != TrackKind::Video || f.range.start >= start.range.start));
    let mut ranges: Vec<_> = media.map(|f| (f.track, f.range.start)).collect();
    ranges.sort_unstable();
    let all = ranges.len();
    ranges.dedup();
    assert_eq!(ranges.len(), all, "nothing twice");
}

#[test]
fn a26_plays_to_the_end_within_its_goals() {
    let mut world = World::start(200.0, 0.0);
    let (mut most_ahead, mut most_behind) = (0.0_f64, 0.0_f64);
    while world.position < 199.9 {
        world.step();
        for ranges in world.buffers.values() {
            most_ahead = most_ahead.max(ranges.last().map_or(0.0, |range| range.1) - world.position);
            if world.ends() == 0 {
                most_behind =
                    most_behind.max(world.position - ranges.first().map_or(world.position, |range| range.0));
            }
        }
        assert!(world.failure().is_none() && world.now < Duration::from_secs(1400));
    }
    assert!(world.stalled < START_UP, "{:?}", world.stalled);
    assert!((26.0..=34.0).contains(&most_ahead), "{most_ahead}");
    assert!((20.0..=24.5).contains(&most_behind), "{most_behind}");
    assert_eq!(world.ends(), 1);
    assert!(world.ended, "no removal opened the media source again");
    assert_eq!(world.fetches().len(), 2 * count(200.0), "every byte once");
}

#[test]
fn end_of_stream_waits_for_both_last_segments_to_be_appended() {
    let mut world = World::start(8.0, 0.0);
    world.licensed = false;
    world.run(Duration::from_secs(10));
    assert_eq!(world.ends(), 0);
    world.licensed = true;
    world.run(Duration::from_secs(1));
    assert_eq!(world.ends(), 1);
}

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
fn refused_urls_are_refreshed_once_and_buffer_is_kept() {
    let mut world = World::start(120.0, 0.0);
    world.run(Duration::from_secs(10));
    world.oldest_good_urls = 1;
    world.run_until("the end", |world| world.position > 119.9);
    assert_eq!(world.count(|command| *command == Command::RefreshManifest), 1);
    assert_eq!(world.failure(), None);
    assert_eq!(world.count(|command| matches!(command, Command::Reset { .. })), 0);
}

#[test]
fn urls_refused_again_right_after_a_refresh_end_it() {
    let mut world = World::start(120.0, 0.0);
    world.oldest_good_urls = 99;
    world.run(Duration::from_secs(5));
    assert_eq!(world.failure(), Some(Error::Refused { status: 403 }));
    assert_eq!(world.count(|command| *command == Command::RefreshManifest), 1);
}

#[test]
fn a70_urls_are_refreshed_before_they_end() {
    let mut world = World::new(300.0, 0.0);
    world.urls_valid = Duration::from_secs(60);
    world.manifest(0.0);
    world.run(Duration::from_secs(290));
    // 20 % of 60 s early: every 48 s.
    let at: Vec<_> = world
        .log
        .iter()
        .filter(|(_, command)| *command == Command::RefreshManifest)
        .map(|(at, _)| at.as_secs() - 1000)
        .collect();
    assert_eq!(at, [48, 96, 144, 192, 240, 288]);
    assert!(world.stalled < START_UP);
}

#[test]
fn a_refresh_that_fails_is_tried_again() {
    let mut world = World::new(300.0, 0.0);
    world.urls_valid = Duration::from_secs(60);
    world.manifests_answered = false;
    world.manifest(0.0);
    world.run(Duration::from_secs(50));
    let tries = world.count(|command| *command == Command::RefreshManifest);
    assert!((2..=4).contains(&tries), "{tries}");
    world.manifests_answered = true;
    world.run(Duration::from_secs(10));
    assert_eq!(world.generation, 1);
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
fn a24_media_is_fetched_while_the_license_is_awaited_but_at_most_two_segments() {
    let mut world = World::start(600.0, 0.0);
    world.licensed = false;
    world.run(Duration::from_secs(20));
    for kind in [TrackKind::Video, TrackKind::Audio] {
        assert_eq!(world.fetches().iter().filter(|fetch| fetch.track == kind).count(), 2);
    }
    world.licensed = true;
    world.run(Duration::from_secs(10));
    assert!(world.position > 9.0);
    assert_eq!(world.fetches().iter().filter(|fetch| fetch.range.start == 0).count(), 2);
}

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

#[test]
fn replay_starts_again_from_the_beginning() {
    let mut world = World::start(100.0, 0.0);
    world.run_until("the end", |world| world.position > 99.9);
    assert_eq!(world.ends(), 1);
    world.seek(0.0);
    world.run_until("the end", |world| world.position > 99.9);
    assert_eq!(world.ends(), 2);
    let heads = world.fetches().iter().filter(|fetch| fetch.head > 0).count();
    assert_eq!(heads, 2);
}

#[test]
fn throughput_is_measured_for_the_next_start() {
    let mut world = World::start(120.0, 0.0);
    world.bandwidth = 4_000_000.0;
    assert_eq!(world.engine.estimate(), None);
    world.run(Duration::from_secs(20));
    let estimate = world.engine.estimate().unwrap();
    assert!((3_000_000..=4_400_000).contains(&estimate), "{estimate}");
}
