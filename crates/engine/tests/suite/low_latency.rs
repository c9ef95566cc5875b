//! Near the live edge segments are fetched in parts, and nobody but who is there does so.

use std::collections::BTreeMap;

use engine::{
    Command, Event, Failure, FetchSpec,
    model::TrackKind::{Audio, Video},
};

use crate::growing::assert_once;
use crate::world::{Behaviour, SEGMENT, Trace, World, assert_one_range, ms, seconds};

/// Seconds of a part, and how far behind what is live it is to be played.
pub(crate) const PART: f64 = 0.5;
pub(crate) const TARGET: f64 = 1.5;

/// An event in parts, which the viewer joins.
fn near() -> World {
    let mut world = World::broadcast(900.0, 25, 1000);
    world.server().part = Some(PART);
    world.server().distance = TARGET;
    world.manifest(0.0);
    world
}

/// How far the viewer is behind what the encoder sees, at each step of some time; in order.
fn latencies(world: &mut World, time: u64) -> Vec<f64> {
    let end = world.now + seconds(time);
    let mut all = vec![];
    while world.now < end {
        world.step();
        all.push(world.encoded() - world.position);
    }
    all.sort_by(f64::total_cmp);
    all
}

fn percentile(sorted: &[f64], share: f64) -> f64 {
    sorted[((sorted.len() - 1) as f64 * share) as usize]
}

fn is_part(spec: &FetchSpec) -> bool {
    let path = spec.url.split('?').next().unwrap_or_default();
    path.rsplit('/').next().is_some_and(|name| name.matches('.').count() == 2)
}

/// The part that each question waits for, in order.
fn questions(world: &World) -> Vec<Option<(u64, usize)>> {
    let part = |(_, command): &(_, Command)| match command {
        Command::RefreshIndex(question) => Some(question.part),
        _ => None,
    };
    world.log.iter().filter_map(part).collect()
}

#[test]
fn b84_who_follows_in_parts_is_less_than_two_seconds_behind() {
    for (rtt, loss, most) in [(ms(10), 0.0, 2.0), (ms(80), 0.0, 2.2), (ms(80), 0.01, 2.8)] {
        let mut world = near();
        (world.rtt, world.loss) = (rtt, loss);
        world.run(seconds(60));
        let seen = latencies(&mut world, 240);
        let (p50, p95) = (percentile(&seen, 0.5), percentile(&seen, 0.95));
        assert!(p50 <= 2.0 && p95 <= most, "{rtt:?} {loss}: {p50} {p95}");
        assert!(p50 > TARGET - PART, "{p50}");
        let stalls = world.seen.rebuffers;
        assert!(stalls <= if loss > 0.0 { 4 } else { 0 }, "{rtt:?} {loss}: {:?}", world.seen);
        let (slowest, fastest) = world.seen.rates.unwrap_or_default();
        assert!(slowest >= 0.97 && fastest <= 1.03, "{slowest} {fastest}");
        assert_eq!(world.failure(), None);
    }
}

#[test]
fn each_part_is_fetched_once_and_of_one_representation() {
    let mut world = near();
    world.run(seconds(60));
    assert_eq!((world.failure(), world.seen.rebuffers, world.seen.jumps), (None, 0, 1));
    assert_once(&world);
    assert_one_range(&world);
    for kind in [Video, Audio] {
        let mut fetched: BTreeMap<u64, (String, Vec<usize>)> = BTreeMap::new();
        for spec in world.fetches().into_iter().filter(|spec| spec.track == kind && is_part(spec)) {
            assert!(spec.sized && spec.start.is_some(), "{spec:?}");
            let path = spec.url.split('?').next().unwrap();
            let mut name = path.rsplit('/').next().unwrap().split('.');
            let number: u64 = name.next().unwrap().parse().unwrap();
            let part = name.next().unwrap().parse().unwrap();
            let of = fetched.entry(number).or_insert_with(|| (spec.representation.clone(), vec![]));
            assert_eq!(of.0, spec.representation, "one representation of a segment");
            of.1.push(part);
        }
        let whole = (SEGMENT / PART) as usize;
        let last = fetched.keys().next_back().copied();
        for (number, (_, parts)) in fetched {
            let there = if Some(number) == last { parts.len() } else { whole };
            assert_eq!(parts, (0..there).collect::<Vec<_>>(), "{kind:?} {number}");
        }
    }
    // One question for each part, which waits for the next one.
    let asked = questions(&world);
    assert!((115..=135).contains(&asked.len()), "{}", asked.len());
    let waits: Vec<_> = asked.into_iter().flatten().collect();
    assert!(waits.len() > 100 && waits.is_sorted(), "{waits:?}");
}

/// An event on a link of 80 ms that carries all that is to be had.
fn far_away(hints: bool) -> World {
    let mut world = near();
    (world.rtt, world.bandwidth) = (ms(80), 20e6);
    world.server().hints = hints;
    world.run(seconds(60));
    world
}

/// The request is there when the part is: it comes by half a round trip instead of one and a half.
#[test]
fn b84_a_part_that_is_asked_for_before_it_is_there_comes_a_round_trip_earlier() {
    let late = |hints: bool| {
        let mut world = far_away(hints);
        world.parts_late.clear();
        world.run(seconds(120));
        assert_eq!((world.failure(), world.seen.rebuffers, world.seen.jumps), (None, 0, 1), "hints {hints}");
        assert_eq!(world.engine.stats().failures, 0);
        // Heads may be: of a step that was left before its head had come.
        let twice = |(file, count): &(&String, &usize)| **count > 1 && !file.ends_with("/init.mp4");
        assert_eq!(world.asked_for().iter().find(twice), None);
        assert_one_range(&world);
        let parts: Vec<_> = world.fetches().into_iter().filter(is_part).collect();
        assert_eq!(
            parts.iter().any(|spec| !spec.sized),
            hints,
            "nobody knows yet how large it is going to be"
        );
        world.parts_late.iter().sum::<f64>() / world.parts_late.len() as f64
    };
    let (after, before) = (late(false), late(true));
    assert!(before < after - 0.06, "asked for after news of it {after} s, before it was there {before} s");
}

/// What is saved is given to the viewer: who has had a stall, and comes nearer to what is live again, comes
/// nearer than without.
#[test]
fn b84_who_asks_before_it_is_there_is_less_far_behind() {
    let behind = |hints: bool| {
        let mut world = far_away(hints);
        world.gone = true;
        world.run(seconds(3));
        world.gone = false;
        world.tell(Event::Online);
        // Until what the stall has added to the distance is taken back.
        world.run(seconds(330));
        let target = world.engine.live().unwrap().target;
        let saved = if hints { 0.06..0.13 } else { -0.001..0.001 };
        assert!(saved.contains(&(TARGET - target)), "hints {hints}: {target}");
        let stalls = world.seen.rebuffers;
        let seen = latencies(&mut world, 60);
        assert_eq!((world.failure(), world.seen.rebuffers), (None, stalls));
        percentile(&seen, 0.5)
    };
    let (without, with) = (behind(false), behind(true));
    assert!(with < without - 0.02, "{with} {without}");
}

/// Nobody is at fault when what was announced does not come: it is asked for again when there are news.
#[test]
fn an_encoder_that_falls_silent_costs_no_cdn_its_turn() {
    let mut world = far_away(true);
    world.server().stopped = true;
    world.run(seconds(40));
    assert_eq!((world.failure(), world.engine.stats().failures, world.engine.trouble()), (None, 0, None));
    world.server().stopped = false;
    let from = world.fetches().len();
    let position = world.position;
    world.run(seconds(60));
    assert!(world.position > position + 50.0, "{} {position}", world.position);
    assert_eq!((world.failure(), world.engine.stats().failures), (None, 0));
    assert!(
        world.fetches()[from..].iter().all(|spec| spec.url.contains("//one/")),
        "the first CDN serves on"
    );
}

/// A CDN that refuses what is not there yet is asked for what is there, and one that has nothing is left.
#[test]
fn a_cdn_without_parts_is_left_for_another_although_they_were_announced() {
    let mut world = far_away(true);
    world.cdns.insert("one".into(), Behaviour::Fail(Failure::Status(404)));
    world.run(seconds(30));
    assert_eq!(world.failure(), None);
    assert!(world.seen.rebuffers <= 1, "{:?}", world.seen);
    assert!(world.fetches().last().is_some_and(|spec| is_part(spec) && spec.url.contains("//two/")));
}

#[test]
fn an_event_with_announced_parts_ends_as_any_other() {
    let mut world = World::broadcast(160.0, 25, 1000);
    (world.server().part, world.server().distance, world.server().hints) = (Some(PART), TARGET, true);
    world.manifest(0.0);
    world.run_until("the end", |world| world.position > 159.9);
    assert_eq!((world.failure(), world.seen.rebuffers, world.ends()), (None, 0, 1));
    assert!(world.ended && world.engine.window().is_some_and(|window| window.finished));
}

#[test]
fn whoever_goes_back_gets_whole_segments_and_who_goes_live_gets_parts_again() {
    let mut world = near();
    world.run(seconds(60));
    let back = world.position - 50.0;
    world.seek(back);
    world.run(ms(1500));
    let (fetched, asked) = (world.fetches().len(), questions(&world).len());
    world.run(seconds(30));
    assert!(!world.engine.live().unwrap().follows);
    assert!(world.fetches()[fetched..].iter().all(|spec| !is_part(spec)), "it is not that near");
    assert!(questions(&world)[asked + 1..].iter().all(Option::is_none));
    assert!(
        questions(&world).len() - asked <= 18,
        "a question for each segment, give or take those without news"
    );
    let latest = world.engine.live().unwrap().latest;
    world.seek(latest);
    world.run(seconds(60));
    assert!(world.engine.live().unwrap().follows);
    assert!(world.encoded() - world.position < TARGET + SEGMENT, "{}", world.encoded() - world.position);
    assert!(world.fetches().last().is_some_and(is_part));
    assert_eq!(world.failure(), None);
}

#[test]
fn a_stall_raises_the_target_and_a_long_one_is_jumped_over() {
    for (gone, jumps) in [(3, 1), (8, 2)] {
        let mut world = near();
        world.run(seconds(60));
        world.gone = true;
        world.run(seconds(gone));
        world.gone = false;
        world.tell(Event::Online);
        world.run(seconds(10));
        let live = world.engine.live().unwrap();
        assert!(live.follows && live.target > TARGET, "{live:?}");
        world.run(seconds(200));
        let behind = world.encoded() - world.position;
        assert!((TARGET - PART..TARGET + 1.0).contains(&behind), "after {gone} s: {behind}");
        assert_eq!((world.failure(), world.seen.jumps), (None, jumps), "after {gone} s");
        assert!((1..=3).contains(&world.seen.rebuffers), "{:?}", world.seen);
    }
}

#[test]
fn a_link_that_becomes_slow_costs_quality_and_not_the_distance() {
    let mut world = near();
    world.trace = Some(Trace::steps("", 60, &[9e6, 1.3e6]));
    world.run(seconds(55));
    let before = world.engine.playing(Video).map(str::to_owned);
    world.run(seconds(60));
    let after = world.engine.playing(Video).map(str::to_owned);
    assert_ne!(before, after);
    assert!(["v300", "v600"].map(|id| Some(id.to_owned())).contains(&after), "{after:?}");
    assert_eq!(world.failure(), None);
    assert!(world.seen.rebuffering < seconds(2), "{:?}", world.seen);
    let behind = world.encoded() - world.position;
    assert!(behind < TARGET + 5.0, "{behind}");
}

#[test]
fn another_cdn_gives_index_and_parts_when_one_fails() {
    let mut world = near();
    world.run(seconds(60));
    world.cdns.insert("one".into(), Behaviour::Fail(Failure::Network));
    world.server().without_index.insert("one".into());
    let from = world.log.len();
    world.run(seconds(30));
    assert_eq!(world.failure(), None);
    assert!(world.seen.rebuffers <= 1, "{:?}", world.seen);
    let cdns: Vec<_> = world.log[from..]
        .iter()
        .filter_map(|(_, command)| match command {
            Command::RefreshIndex(question) => question.cdn.as_deref(),
            _ => None,
        })
        .collect();
    assert!(cdns.len() > 40 && cdns[4..].iter().all(|cdn| *cdn == "two"), "{cdns:?}");
    assert!(world.fetches().last().is_some_and(|spec| is_part(spec) && spec.url.contains("//two/")));
}

#[test]
fn a_damaged_part_brings_its_segment_again_from_where_decoding_can_begin() {
    let mut world = near();
    world.run(seconds(60));
    // Picture and sound are asked for together.
    let third = |world: &World| {
        let of_video = |spec: &FetchSpec| spec.track == Video && spec.url.contains(".3.m4s");
        world.fetches().into_iter().rev().take(2).find(of_video)
    };
    world.run_until("the middle of a segment", |world| third(world).is_some());
    let spec = third(&world).unwrap();
    let from = world.log.len();
    world.tell(Event::Damaged { fetch: spec.fetch });
    world.run(seconds(20));
    let again: Vec<_> = world.log[from..]
        .iter()
        .filter_map(|(_, command)| match command {
            Command::Fetch(fetch) if fetch.track == Video => Some(fetch.clone()),
            _ => None,
        })
        .collect();
    assert!(again[0].afresh && !again[0].url.contains(".3.m4s"), "{:?}", again[0]);
    assert_eq!((world.failure(), world.seen.jumps), (None, 1));
    assert_one_range(&world);
}

#[test]
fn an_event_in_parts_ends_as_any_other() {
    let mut world = World::broadcast(160.0, 25, 1000);
    world.server().part = Some(PART);
    world.server().distance = TARGET;
    world.manifest(0.0);
    world.run_until("the end", |world| world.position > 159.9);
    assert_eq!((world.failure(), world.seen.rebuffers, world.ends()), (None, 0, 1));
    assert!(world.ended && world.engine.window().is_some_and(|window| window.finished));
}
