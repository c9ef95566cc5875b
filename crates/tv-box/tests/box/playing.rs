//! Films on boxes. A108, A110, A120, A122 to A124, A127.

use std::process::Command;

use nccp::ErrorCode;
use shaper::{Fault, Kind, Rule};
use tv_box::{Ended, Error, Notice, Program, Reason, Reports, Sink, Wish};

use crate::world::{LENGTH, MOVIE, PICTURES, Run, Running, World, activated, end_of};

/// Frames of sound that a minute takes, at 48,000 samples a second and 1024 samples a frame.
const SOUNDS: u64 = 60 * 48_000 / 1024;

fn logs(shown: &[Notice]) -> Vec<&'static str> {
    let log = |notice: &Notice| match notice {
        Notice::Logged { reason, .. } => Some(*reason),
        _ => None,
    };
    shown.iter().filter_map(log).collect()
}

/// A108, A110, A120, A122 to A124: a film of the list, from its first sample to its last, over the same files
/// as a browser's, reported every 30 s of it and at its end; and the box never asks to be individualized.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a120_a122_a123_a124_a_film_of_the_list_plays_to_its_end() {
    let world = World::new().await;
    let file = activated(&world, "0001").await;
    world.put_in_queue(MOVIE).await;
    let (ended, shown) = Running::start(&file, Run::once(20.0)).ended().await;
    assert_eq!(ended.unwrap(), Ended::Done, "{shown:#?}");
    let (reason, position, tracks) = end_of(&shown);
    assert_eq!((reason, position), (Reason::Finished, LENGTH));
    assert_eq!((tracks[0].track, tracks[0].samples), ("video", PICTURES));
    assert_eq!(tracks[1].track, "audio");
    assert!(tracks[1].samples >= SOUNDS, "{tracks:?}");
    assert_eq!(logs(&shown), ["interval", "end"], "A124: at 30 s, and at the end");
    let seen = world.film().await;
    assert_eq!(seen["position"].as_f64(), Some(0.0), "watched to the end");
    assert!(seen["watched_at"].as_u64().is_some(), "A110: the site knows");

    let kinds = |proxy: &shaper::Proxy| -> Vec<Kind> { proxy.exchanges().iter().map(|e| e.kind).collect() };
    assert!(kinds(&world.boxes).iter().all(|kind| *kind == Kind::Controller), "A123, A125");
    assert!(!kinds(&world.site).contains(&Kind::Individualize), "A123");
    let media = world.media();
    assert!(
        (2..=3).contains(&media.len()) && media.iter().all(|path| path.starts_with("/s/")),
        "A122: {media:?}"
    );
    let ranges = world.site.exchanges();
    assert!(ranges.iter().filter(|e| e.kind == Kind::Media).all(|e| e.range.is_some()), "A122");
}

/// What a player's pipe would get is what ffmpeg decodes without a word: every picture, once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_player_s_pipe_gets_a_whole_film() {
    if Command::new("ffmpeg").arg("-version").output().is_err() {
        println!("skipped: there is no ffmpeg on the path");
        return;
    }
    let world = World::new().await;
    let file = activated(&world, "0001").await;
    let hashes = world.folder.path().join("hashes");
    let sounds = world.folder.path().join("sounds");
    let arguments = ["-v", "error", "-xerror", "-f", "mp4", "-i", "pipe:0"].iter().map(Into::into);
    let outputs = ["-map", "0:v", "-f", "framehash"].iter().map(Into::into).chain([hashes.clone().into()]);
    let more = ["-map", "0:a", "-f", "framehash"].iter().map(Into::into).chain([sounds.clone().into()]);
    let player = Program {
        name: "ffmpeg".into(),
        path: "ffmpeg".into(),
        arguments: arguments.chain(outputs).chain(more).collect(),
        reports: Reports::Nothing { speed: 20.0 },
    };
    let mut tv = Running::start(&file, Run { sink: Sink::Program(player), play: Some(MOVIE), once: true });
    let title = tv
        .until("the film", |notice| match notice {
            Notice::Playing { title, sink, .. } => Some((title.clone(), sink.clone())),
            _ => None,
        })
        .await;
    assert_eq!(title, (format!("Demo {MOVIE}"), "ffmpeg".to_owned()));
    let (ended, shown) = tv.ended().await;
    assert_eq!(ended.unwrap(), Ended::Done, "{shown:#?}");
    let (reason, _, tracks) = end_of(&shown);
    assert_eq!((reason, tracks[0].samples), (Reason::Finished, PICTURES));
    let frames = |path| {
        let text = std::fs::read_to_string(path).unwrap();
        text.lines().filter(|line| !line.starts_with('#')).count() as u64
    };
    assert_eq!(frames(&hashes), PICTURES);
    assert_eq!(frames(&sounds), tracks[1].samples);
    assert!(tracks[1].samples >= SOUNDS, "{tracks:?}");
}

/// Left in the middle, the place is reported, and the film resumes there, on any device.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a110_a_film_that_is_left_goes_on_where_it_was() {
    let world = World::new().await;
    let file = activated(&world, "0001").await;
    let run = || Run { play: Some(MOVIE), ..Run::once(4.0) };
    let mut tv = Running::start(&file, run());
    tv.until("ten seconds", |notice| {
        matches!(notice, Notice::Position { position, .. } if *position > 10.0).then_some(())
    })
    .await;
    tv.wishes.send(Wish::Pause).await.unwrap();
    tv.until("the report of the pause", |notice| {
        matches!(notice, Notice::Logged { reason: "pause", .. }).then_some(())
    })
    .await;
    let (ended, shown) = tv.stop().await;
    assert_eq!(ended.unwrap(), Ended::Stopped);
    let (reason, position, _) = end_of(&shown);
    assert!(reason == Reason::Stopped && position > 10.0, "{position}");
    assert_eq!(logs(&shown).last(), Some(&"hide"), "sent before the end");
    assert_eq!(shown.last(), Some(&Notice::Stopping));
    let resume = world.film().await["position"].as_f64().unwrap();
    assert!((resume - position).abs() < 0.01, "{resume} {position}");

    let mut tv = Running::start(&file, run());
    let begins = tv
        .until("the film", |notice| match notice {
            Notice::Playing { position, .. } => Some(*position),
            _ => None,
        })
        .await;
    assert!((begins - position).abs() < 0.01, "{begins} {position}");
    tv.stop().await.0.unwrap();
}

/// The refusals that a viewer hears of: words, a code, and the end with `once`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refusals_are_said_in_words() {
    let world = World::new().await;
    let file = activated(&world, "0001").await;
    let (ended, _) = Running::start(&file, Run { play: Some(1), ..Run::once(20.0) }).ended().await;
    let Err(Error::Refused(error)) = ended else { panic!("{ended:?}") };
    assert_eq!((error.code, error.text.as_str()), (ErrorCode::MovieUnknown, "There is no such title."));
}

/// Box policies: a film that needs protected outputs plays on a box, which has the one screen that it is
/// wired to.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_box_has_one_screen() {
    let world = World::new().await;
    world.add_film(7, "24h-output-required").await;
    let file = activated(&world, "0001").await;
    let (ended, shown) = Running::start(&file, Run { play: Some(7), ..Run::once(200.0) }).ended().await;
    assert_eq!(ended.unwrap(), Ended::Done, "{shown:#?}");
}

/// A segment that came damaged is fetched again, and not a sample of it is lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_segment_is_fetched_again() {
    let world = World::new().await;
    let file = activated(&world, "0001").await;
    for representation in &world.pack.as_ref().unwrap().representations {
        // The type of the third segment's first box.
        let offset = representation.segments[2].range.first() + 4;
        let path = format!("/s/*/{}.*", representation.downloadable_id);
        let octets = nccp::ByteRange::new(offset, offset + 3).unwrap();
        let damage = Fault::Corrupt { offset, length: 4 };
        world.site.add_rule(Rule::new(&path, damage).overlapping(octets).times(1));
    }
    let run = Run { play: Some(MOVIE), ..Run::once(20.0) };
    let (ended, shown) = Running::start(&file, run).ended().await;
    assert_eq!(ended.unwrap(), Ended::Done, "{shown:#?}");
    let (_, _, tracks) = end_of(&shown);
    assert_eq!(tracks[0].samples, PICTURES);
    assert!(tracks[1].samples >= SOUNDS, "{tracks:?}");
    let faulty = world.site.exchanges().iter().filter(|exchange| exchange.faulty).count();
    assert!(faulty >= 2, "picture and sound were damaged: {faulty}");
}

/// A size whose init segment is damaged is left out, and the film plays in another.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_init_segment_costs_one_size() {
    let world = World::new().await;
    let file = activated(&world, "0001").await;
    let pictures = world.pack.as_ref().unwrap().representations.iter().filter(|r| r.resolution.is_some());
    for representation in pictures {
        let octets = representation.init_range;
        let path = format!("/s/*/{}.*", representation.downloadable_id);
        let damage = Fault::Corrupt { offset: octets.first(), length: octets.last() - octets.first() + 1 };
        world.site.clear_rules();
        world.site.add_rule(Rule::new(&path, damage).overlapping(octets));
        let run = Run { play: Some(MOVIE), ..Run::once(20.0) };
        let (ended, shown) = Running::start(&file, run).ended().await;
        assert_eq!(ended.unwrap(), Ended::Done, "{shown:#?}");
        assert_eq!(end_of(&shown).2[0].samples, PICTURES);
    }
    assert!(world.site.exchanges().iter().any(|exchange| exchange.faulty), "nothing was damaged");
}

/// A box renews its license while the film plays, shows no higher picture than the policy allows to boxes,
/// and stops when a license that is looked at continuously has ended (B14's other side).
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_box_goes_by_its_license() {
    let policies = tempfile::tempdir().unwrap();
    let path = policies.path().join("policies.toml");
    let rules = "[renewed]\nvalidity = \"8s\"\nrenew_after = \"2s\"\ncheck = \"continuous\"\nmax_height.box = 240\n\
                 [strict]\nvalidity = \"4s\"\ncheck = \"continuous\"\n";
    std::fs::write(&path, rules).unwrap();
    let world = World::with(&format!("[drm]\npolicies = \"{}\"", path.display())).await;
    world.add_film(7, "renewed").await;
    world.add_film(8, "strict").await;
    let file = activated(&world, "0001").await;
    let clock = std::sync::Arc::clone(&world.clock);
    let going = tokio::spawn(async move {
        let mut seconds = tokio::time::interval(std::time::Duration::from_secs(1));
        seconds.tick().await;
        loop {
            seconds.tick().await;
            clock.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        }
    });
    let (ended, shown) = Running::start(&file, Run { play: Some(7), ..Run::once(4.0) }).ended().await;
    assert_eq!(ended.unwrap(), Ended::Done, "{shown:#?}");
    let heights = shown.iter().filter_map(|notice| match notice {
        Notice::Position { height, .. } => *height,
        _ => None,
    });
    assert_eq!(heights.max(), Some(240));

    let (ended, shown) = Running::start(&file, Run { play: Some(8), ..Run::once(4.0) }).ended().await;
    let (reason, position, _) = end_of(&shown);
    assert!(reason == Reason::Failed && position > 0.0 && position < LENGTH, "{ended:?} at {position}");
    assert!(format!("{ended:?}").contains("Expired"), "{ended:?}");
    going.abort();
}
