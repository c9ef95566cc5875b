//! From the first request to the end of the film.

use std::time::Duration;

use engine::{Stall, model::TrackKind};

use crate::world::{BEGINS, HEAD, Trace, World, count, ms, seconds, segment};

/// Round trip and two heads with their first segments over 8 Mb/s, and one step.
pub(crate) const START_UP: Duration = ms(50 + 652 + 348 + 25);

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
