//! Signed URLs that end, or are refused.

use std::time::Duration;

use engine::{Command, Config, Error, Event};

use crate::playing::START_UP;
use crate::world::{Film, World, seconds};

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
