//! Renditions that an ffmpeg makes here of what an encoder sends.

use super::super::world::{NOW, World};
use super::ffmpeg::{PATIENCE, ffmpeg, frames, has_ffmpeg, words};
use super::{APP, EVENT, Tape, download, index, keys, put};
use serde_json::Value;
use server::live::{Created, Events, LadderStanding, LadderState, NewEvent, create, end};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// Pictures of a segment.
const PICTURES: usize = 48;
/// Segments that are sent, at most, until something is there again.
const MOST_SEGMENTS: u32 = 400;

async fn wait() {
    tokio::time::sleep(Duration::from_millis(20)).await;
}

/// An event of which renditions of 180 and 120 lines are to be made.
async fn event(world: &World) -> Created {
    let new = NewEvent {
        ladder: vec![180, 120],
        ..NewEvent::new(APP.parse().unwrap(), EVENT.parse().unwrap(), EVENT)
    };
    create(&*world.store, &Events::new(&world.config.data), new, NOW).await.unwrap()
}

/// Sends two seconds of the demo film: a segment.
async fn send(world: &World, created: &Created, segment: u32) {
    let from = f64::from(segment) * 2.0;
    for (name, tape) in [("v.cmfv", Tape::video(2)), ("a.cmfa", Tape::audio(2))] {
        let reply = put(world, created, name, &tape.stream(from)).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
    }
}

/// A program that writes down its id and how it is called, and is ffmpeg then, unless it is broken; one that
/// is stuck does not end at once, one that is slow makes nothing of two steps, and one that takes few fails
/// with them.
fn noted(folder: &Path) -> PathBuf {
    let (path, place) = (folder.join("ffmpeg"), folder.display());
    let script = format!(
        "#!/bin/sh\necho $$ >>'{place}/ids'\nprintf '%s\\n' \"$*\" >>'{place}/calls'\n\
         [ -e '{place}/broken' ] && exit 3\n\
         [ -e '{place}/slow' ] && case \"$*\" in *'[o1]'*) cat >/dev/null; exit ;; esac\n\
         [ -e '{place}/few' ] && case \"$*\" in *'[o1]'*) exit 4 ;; esac\n\
         [ -e '{place}/stuck' ] && {{ ffmpeg \"$@\"; sleep 6; exit; }}\n\
         exec ffmpeg \"$@\"\n"
    );
    // By another process: where this one has it open for writing while another test starts a program, nobody
    // can run it.
    let written = Command::new("/bin/sh")
        .args(["-c", "printf '%s' \"$2\" >\"$1\" && chmod 700 \"$1\"", "sh"])
        .args([path.as_os_str(), script.as_ref()])
        .status();
    assert!(written.unwrap().success());
    path
}

async fn world(folder: &Path) -> World {
    let program = noted(folder);
    // However slow this machine is.
    World::with(&format!("[live]\nffmpeg = \"{}\"\nladder_behind = 3600\n", program.display())).await
}

async fn until(world: &World, created: &Created, holds: impl Fn(&Value) -> bool) -> Value {
    let mut last = Value::Null;
    for _ in 0..PATIENCE {
        last = index(world, created).await;
        if holds(&last) {
            return last;
        }
        wait().await;
    }
    panic!("that never came: {last}");
}

async fn stands(world: &World, created: &Created, holds: impl Fn(&LadderStanding) -> bool) -> LadderStanding {
    let events = Events::new(&world.config.data);
    let mut last = None;
    for _ in 0..PATIENCE {
        last = events.ladder(&created.event).unwrap();
        match last {
            Some(standing) if holds(&standing) => return standing,
            _ => wait().await,
        }
    }
    panic!("that never came: {last:?}");
}

/// Numbers and starts, in milliseconds, of the segments of a representation that are whole.
fn whole(index: &Value, id: &str) -> Vec<(u64, u64)> {
    let all = index["representations"].as_array().unwrap();
    let Some(r) = all.iter().find(|r| r["id"] == id) else { return Vec::new() };
    let segments = r["segments"].as_array().unwrap().iter().filter(|segment| segment["complete"] == true);
    let timescale = r["timescale"].as_u64().unwrap();
    let of = |segment: &Value| {
        (segment["n"].as_u64().unwrap(), segment["start"].as_u64().unwrap() * 1000 / timescale)
    };
    segments.map(of).collect()
}

/// What is made has the segments that its source has, as far as that has them still.
fn cut_as_the_source(found: &Value) {
    let source = whole(found, "v240-1");
    let oldest = source.first().map_or(0, |(number, _)| *number);
    for id in ["v180-1", "v120-1"] {
        let made = whole(found, id);
        let mut there = made.iter().filter(|(number, _)| *number >= oldest);
        assert!(there.all(|segment| source.contains(segment)), "{id}: {found}");
    }
}

/// B80: one rendition comes, three are published: with the same numbers and times, and every picture of each
/// can be decoded. Sound is there once. All of them are in the film.
#[tokio::test]
async fn b80_renditions_are_made_of_one() {
    if !has_ffmpeg() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let world = world(folder.path()).await;
    let created = event(&world).await;
    for segment in 0..3 {
        send(&world, &created, segment).await;
    }
    let made = ["v180-1", "v120-1"];
    let index = until(&world, &created, |index| made.iter().all(|id| whole(index, id).len() == 2)).await;
    let representations = index["representations"].as_array().unwrap();
    let sizes: Vec<_> = representations
        .iter()
        .filter(|r| r["type"] == "video")
        .map(|r| (r["id"].as_str().unwrap(), r["width"].as_u64().unwrap(), r["height"].as_u64().unwrap()))
        .collect();
    assert_eq!(sizes, [("v240-1", 426, 240), ("v180-1", 320, 180), ("v120-1", 214, 120)]);
    assert_eq!(representations.len(), 4, "sound once: {index}");
    let key: String = keys(&world, &index)[0].1.expose().iter().map(|byte| format!("{byte:02x}")).collect();
    for (at, r) in representations.iter().enumerate().filter(|(_, r)| r["type"] == "video") {
        let id = r["id"].as_str().unwrap();
        assert_eq!(whole(&index, id), [(0, 0), (1, 2000)], "{id}");
        let (init, segments) = download(&world, &created, &index, at).await;
        let path = folder.path().join(format!("{id}.mp4"));
        std::fs::write(&path, [init, segments].concat()).unwrap();
        assert_eq!(frames(&path, "0:v", Some(&key)).await.len(), 2 * PICTURES, "{id}");
    }
    let standing = stands(&world, &created, |standing| standing.state == LadderState::Running).await;
    assert_eq!(standing.steps.iter().map(|step| step.height).collect::<Vec<_>>(), [180, 120]);
    // What everybody on the machine can read.
    let calls = std::fs::read_to_string(folder.path().join("calls")).unwrap();
    assert!(!calls.contains(&created.key) && !calls.contains(EVENT) && calls.lines().count() == 1, "{calls}");
    let events = Events::new(&world.config.data);
    end(&events, &created.event.app, &created.event.name, NOW).unwrap();
    world.service.look_after_live().await;
    let pack = events.state(&created.event).unwrap().pack.unwrap();
    let film = packager::read_pack(&world.config.library().join(pack)).unwrap();
    let ids: Vec<_> = film.representations.iter().map(|r| r.id.as_str()).collect();
    assert_eq!(ids, ["v240-1", "v180-1", "v120-1", "a-und-1"]);
    assert!(film.representations.iter().all(|r| r.segments.len() == film.representations[0].segments.len()));
    assert_eq!(events.ladder(&created.event).unwrap().unwrap().state, LadderState::Off);
}

/// What not every player shows, and how ffmpeg makes it: 25 pictures a second, a segment every 50.
const UNUSUAL: [(&str, &str); 2] = [
    (
        "fields",
        "-f lavfi -i testsrc2=size=426x240:rate=50:duration=6 -vf tinterlace=interleave_top -c:v libx264 \
         -preset ultrafast -flags +ilme+ildct -x264opts tff=1 -bf 0 -g 50 -keyint_min 50 -sc_threshold 0 \
         -pix_fmt yuv420p",
    ),
    (
        "HDR",
        "-f lavfi -i testsrc2=size=426x240:rate=25:duration=6 -c:v libx265 -preset ultrafast -tag:v hvc1 \
         -x265-params log-level=none:keyint=50:min-keyint=50:scenecut=0:open-gop=0:bframes=0:\
         colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc -pix_fmt yuv420p10le",
    ),
];

/// B80: fields become whole pictures, and HDR becomes SDR (which takes long: in `cargo xtask soak`), in steps
/// with the same times and as many pictures.
#[tokio::test]
async fn b80_fields_and_hdr_become_what_every_player_shows() {
    if !has_ffmpeg() {
        return;
    }
    let filters = ffmpeg(words("-filters")).await;
    let has_zscale = String::from_utf8_lossy(&filters.stdout).contains(" zscale ");
    let most = if std::env::var_os("MATINEE_SOAK").is_some() { UNUSUAL.len() } else { 1 };
    for (what, made) in UNUSUAL.into_iter().take(most) {
        let folder = tempfile::tempdir().unwrap();
        let source = folder.path().join("source.mp4");
        let mut args = words(made);
        args.extend(words("-f mp4 -movflags +frag_keyframe+empty_moov+default_base_moof"));
        args.push(source.display().to_string());
        if !ffmpeg(args).await.status.success() || (what == "HDR" && !has_zscale) {
            eprintln!("SKIPPED: {what}: this ffmpeg has no libx265 or no zscale");
            continue;
        }
        let world = world(folder.path()).await;
        let created = event(&world).await;
        let reply = put(&world, &created, "v.cmfv", &std::fs::read(&source).unwrap()).await;
        assert_eq!(reply.status, 200, "{what}: {}", reply.text());
        let steps = ["v180-1", "v120-1"];
        let found = until(&world, &created, |index| steps.iter().all(|id| whole(index, id).len() == 2)).await;
        let key: String =
            keys(&world, &found)[0].1.expose().iter().map(|byte| format!("{byte:02x}")).collect();
        let representations = found["representations"].as_array().unwrap();
        let range = if what == "HDR" { Value::from("PQ") } else { Value::Null };
        assert_eq!(representations[0]["range"], range, "{what}");
        for (at, r) in representations.iter().enumerate().filter(|(_, r)| r["id"] != "v240-1") {
            let id = r["id"].as_str().unwrap();
            assert_eq!(
                (whole(&found, id), &r["range"]),
                (vec![(0, 0), (1, 2000)], &Value::Null),
                "{what} {id}"
            );
            let (init, segments) = download(&world, &created, &found, at).await;
            let path = folder.path().join(format!("{id}.mp4"));
            std::fs::write(&path, [init, segments].concat()).unwrap();
            assert_eq!(frames(&path, "0:v", Some(&key)).await.len(), 100, "{what} {id}");
        }
        let calls = std::fs::read_to_string(folder.path().join("calls")).unwrap();
        let filter = if what == "HDR" { "tonemap=" } else { "bwdif=" };
        assert!(calls.contains(filter) && calls.matches("[o1]").count() > 0, "{calls}");
        world.service.suspend_live().await;
    }
}

/// An ffmpeg that is killed is started again, and what it makes is where it would have been.
#[tokio::test]
async fn an_ffmpeg_that_dies_comes_back() {
    if !has_ffmpeg() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let world = world(folder.path()).await;
    let created = event(&world).await;
    for segment in 0..2 {
        send(&world, &created, segment).await;
    }
    until(&world, &created, |index| !whole(index, "v180-1").is_empty()).await;
    let ids = || std::fs::read_to_string(folder.path().join("ids")).unwrap();
    let killed = Command::new("kill").args(["-KILL", ids().trim()]).status();
    assert!(killed.unwrap().success());
    let standing = stands(&world, &created, |standing| standing.restarts == 1).await;
    assert!(standing.reason.is_some_and(|reason| reason.contains("ffmpeg ended")), "{:?}", standing.state);
    let is_back =
        |index: &Value| ["v180-1", "v120-1"].iter().all(|id| whole(index, id).iter().any(|(n, _)| *n > 1));
    let mut found = Value::Null;
    for segment in 2.. {
        send(&world, &created, segment).await;
        found = index(&world, &created).await;
        if is_back(&found) {
            break;
        }
        assert!(segment < MOST_SEGMENTS, "it never came back: {found}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    cut_as_the_source(&found);
    assert_eq!(ids().lines().count(), 2);
    assert_eq!(stands(&world, &created, |_| true).await.state, LadderState::Running);
    world.service.suspend_live().await;
}

/// Steps of which ffmpeg makes nothing in time are not made, from the highest on.
#[tokio::test]
async fn a_step_that_is_too_much_is_left_out() {
    if !has_ffmpeg() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let program = noted(folder.path());
    std::fs::write(folder.path().join("slow"), "").unwrap();
    let settings = format!("ffmpeg = \"{}\"\nladder_behind = 2\n", program.display());
    let world = World::with(&format!("[live]\n{settings}")).await;
    let created = event(&world).await;
    for segment in 0..2 {
        send(&world, &created, segment).await;
    }
    let standing = stands(&world, &created, |standing| !standing.dropped.is_empty()).await;
    assert_eq!(standing.dropped[0].height, 180);
    assert!(standing.again.is_some() && standing.reason.is_some_and(|reason| reason.contains("too slow")));
    world.service.suspend_live().await;
}

/// B80: where ffmpeg fails with all steps, as one does whose card takes fewer at a time, the highest is left
/// out. It is tried again after a while, and is there again, cut as its source is.
#[tokio::test]
async fn b80_a_step_that_was_too_much_comes_back() {
    if !has_ffmpeg() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let program = noted(folder.path());
    let few = folder.path().join("few");
    std::fs::write(&few, "").unwrap();
    // However slow this machine is.
    let settings = format!("ffmpeg = \"{}\"\nladder_behind = 3600\nladder_again = 1\n", program.display());
    let world = World::with(&format!("[live]\n{settings}")).await;
    let created = event(&world).await;
    let heights =
        |steps: &[::live::transcode::Step]| steps.iter().map(|step| step.height).collect::<Vec<_>>();
    let events = Events::new(&world.config.data);
    let (mut found, mut is_mended) = (Value::Null, false);
    for segment in 0.. {
        send(&world, &created, segment).await;
        // No faster than what is made: a step more is only tried where that keeps up.
        for _ in 0..50 {
            found = index(&world, &created).await;
            let latest = |id| whole(&found, id).last().map(|(number, _)| *number);
            if latest("v120-1").is_some() && latest("v120-1") == latest("v240-1") {
                break;
            }
            wait().await;
        }
        let standing = events.ladder(&created.event).unwrap();
        if let Some(standing) = standing.filter(|standing| !is_mended && !standing.dropped.is_empty()) {
            assert_eq!((heights(&standing.dropped), heights(&standing.steps)), (vec![180], vec![120]));
            assert!(standing.again.is_some() && standing.restarts >= 3);
            std::fs::remove_file(&few).unwrap();
            is_mended = true;
        }
        if is_mended && !whole(&found, "v180-1").is_empty() {
            break;
        }
        assert!(segment < MOST_SEGMENTS, "it never came back: {found}");
    }
    cut_as_the_source(&found);
    world.service.suspend_live().await;
}

/// One that dies, and cannot be started again, leaves nothing that who begins to watch is told of.
#[tokio::test]
async fn an_ffmpeg_that_does_not_come_back_is_told_of_no_more() {
    if !has_ffmpeg() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let world = world(folder.path()).await;
    let created = event(&world).await;
    for segment in 0..2 {
        send(&world, &created, segment).await;
    }
    until(&world, &created, |index| !whole(index, "v180-1").is_empty()).await;
    std::fs::write(folder.path().join("broken"), "").unwrap();
    let ids = std::fs::read_to_string(folder.path().join("ids")).unwrap();
    assert!(Command::new("kill").args(["-KILL", ids.trim()]).status().unwrap().success());
    for segment in 2.. {
        send(&world, &created, segment).await;
        let found = index(&world, &created).await;
        let all = found["representations"].as_array().unwrap();
        if !all.iter().any(|r| r["id"] == "v180-1" || r["id"] == "v120-1") {
            assert_eq!(all.len(), 2, "{found}");
            break;
        }
        assert!(segment < MOST_SEGMENTS, "it is still told of: {found}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    stands(&world, &created, |standing| standing.restarts >= 2).await;
    world.service.suspend_live().await;
}

/// A server that stops does not wait for an ffmpeg that does not end, and what is written down of it says
/// that it is over.
#[tokio::test]
async fn an_ffmpeg_that_does_not_end_is_given_up() {
    if !has_ffmpeg() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let world = world(folder.path()).await;
    std::fs::write(folder.path().join("stuck"), "").unwrap();
    let created = event(&world).await;
    for segment in 0..2 {
        send(&world, &created, segment).await;
    }
    stands(&world, &created, |standing| standing.state == LadderState::Running).await;
    world.service.suspend_live().await;
    assert_eq!(stands(&world, &created, |_| true).await.state, LadderState::Off);
}

/// An event goes on with the one rendition where no other can be made, and that is said.
#[tokio::test]
async fn without_ffmpeg_there_is_one_rendition() {
    for (config, state, word) in [
        ("ffmpeg = \"/nowhere/ffmpeg\"", LadderState::Failing, "/nowhere/ffmpeg"),
        ("ladders = 0", LadderState::Waiting, "live.ladders"),
    ] {
        let world = World::with(&format!("[live]\n{config}\n")).await;
        let created = event(&world).await;
        for segment in 0..2 {
            send(&world, &created, segment).await;
        }
        let standing = stands(&world, &created, |standing| standing.state == state).await;
        assert!(standing.reason.is_some_and(|reason| reason.contains(word)), "{config}");
        let found = index(&world, &created).await;
        assert_eq!(whole(&found, "v240-1"), [(0, 0)]);
        assert_eq!(found["representations"].as_array().unwrap().len(), 2);
        world.service.suspend_live().await;
    }
}

/// A ladder of the event's own is one line of its settings, before any table.
#[tokio::test]
async fn a_ladder_is_written_into_the_events_settings() {
    let world = World::new().await;
    let path = world.config.data.join("live").join(APP).join(EVENT).join("event.toml");
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, "[encryption]\nlevel = \"low\"\n").unwrap();
    let created = event(&world).await;
    let events = Events::new(&world.config.data);
    let (settings, _) = events.settings(&created.event.app, &created.event.name).unwrap();
    assert_eq!(settings.ladder.iter().map(|rung| rung.height).collect::<Vec<_>>(), [180, 120]);
    assert!(std::fs::read_to_string(&path).unwrap().ends_with("[encryption]\nlevel = \"low\"\n"));
    // Another event has said one already.
    let other = path.parent().unwrap().with_file_name("other").join("event.toml");
    std::fs::create_dir_all(other.parent().unwrap()).unwrap();
    std::fs::write(&other, "ladder = [720]\n").unwrap();
    let many = (0..13).map(|n| 480 + 16 * n).collect();
    for (name, heights) in [("other", vec![480]), ("third", vec![4320]), ("fourth", many)] {
        let name = name.parse().unwrap();
        let new = NewEvent { ladder: heights, ..NewEvent::new(APP.parse().unwrap(), name, "x") };
        let error = create(&*world.store, &events, new, NOW).await.unwrap_err().to_string();
        assert!(error.starts_with("ladder: "), "{error}");
    }
    // What was written before the rest failed is no other one.
    let new =
        NewEvent { ladder: vec![720], ..NewEvent::new(APP.parse().unwrap(), "other".parse().unwrap(), "x") };
    create(&*world.store, &events, new, NOW).await.unwrap();
    assert_eq!(std::fs::read_to_string(&other).unwrap(), "ladder = [720]\n");
}
