//! Switches by the viewer's choice or the license's policy.

use engine::{
    Command, Error, Event,
    model::TrackKind::{Audio, Video},
};

use crate::world::{Film, SEGMENT, World, assert_one_range, ms, seconds};

fn chose(id: &str) -> Event {
    Event::Quality { representation: Some(id.into()) }
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

/// What the link seemed too slow to replace in time is replaced when it turns out to be faster.
#[test]
fn a_forced_switch_reaches_nearer_when_the_link_is_faster_than_it_seemed() {
    let mut world = World::ladder(300.0, 3e6);
    world.run_until("a full buffer", |world| world.there().ahead(world.position) > 27.0);
    let before = world.fetches().len();
    world.tell(chose("v6000"));
    world.bandwidth = 40e6;
    world.run(seconds(8));
    let file = world.film.file("v6000");
    let fetched = world.fetches().split_off(before);
    let new = fetched.iter().filter(|f| f.representation == "v6000" && f.segment);
    let numbers: Vec<_> = new.map(|f| file.at_end(f.range.end).unwrap()).collect();
    let (first, nearest) = (numbers[0], *numbers.iter().min().unwrap());
    assert!(nearest < first, "{numbers:?}");
    assert_eq!(world.content[&(Video, nearest)], "v6000");
    let mut each = numbers.clone();
    each.sort_unstable();
    each.dedup();
    assert_eq!(each.len(), numbers.len(), "each once: {numbers:?}");
    assert_eq!(world.seen.rebuffers, 0);
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
        // The rest is behind the playhead.
        Command::Remove { track, start, .. } => *track == Video && *start > 0.0,
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
    // The keys of what is above may be gone while it is still on its way.
    assert_eq!(["v1200", "v2400", "a-en"].map(|id| world.engine.permits(id)), [true, false, true]);
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

/// The license may have lost the key of what waits to be appended before the engine hears of the new rules.
#[test]
fn what_waits_for_a_key_that_is_gone_holds_up_nothing() {
    let mut world = World::ladder(200.0, 20e6);
    world.run_until("a full buffer", |world| world.there().ahead(world.position) > 27.0);
    world.keyless = ["v2400", "v3600", "v4800", "v6000"].map(str::to_owned).into();
    let before = world.fetches().len();
    world.run_until("more to be fetched", |world| world.fetches().len() > before + 2);
    world.run(seconds(1));
    world.tell(Event::MaxHeight { height: Some(576) });
    let position = world.position;
    world.run_until("the film to go on", |world| world.position > position + 60.0);
    assert_eq!(world.seen.rebuffers, 0);
    assert_one_range(&world);
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
