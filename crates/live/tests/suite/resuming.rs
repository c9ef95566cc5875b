//! A server that stops or is killed in the middle of an event, and another one that goes on with it.

use crate::encoder::Tape;
use crate::world::{SESSION, World, common, decrypt, keys};
use bytes::Bytes;
use cenc::Scheme;
use isobmff::InitSegment;
use live::film::{Film, Record, RecordedTrack};
use live::{Broadcast, Keys, Left, ResumeError, SegmentEntry, Settings, dash, hls};

const SETTINGS: &str = "[encryption]\nrotate = \"2\"\n";

fn send(world: &mut World) {
    let streams = [("v", Tape::video(9).stream(0.0)), ("a", Tape::audio(9).stream(0.0))];
    world.send_all(&streams, 4000);
}

/// What is on the disk.
fn tracks(world: &World, record: &Record) -> Vec<RecordedTrack> {
    let track = |id: &String| world.segments.get(id).into_iter().flatten().map(|(entry, _)| *entry).collect();
    let tracks = record.representations.iter().map(|recorded| RecordedTrack {
        recorded: recorded.clone(),
        header: world.headers[&recorded.id].to_vec(),
        segments: track(&recorded.id),
    });
    tracks.collect()
}

fn left(world: &World, next: u64) -> Left {
    // By way of what is written down.
    let record = serde_json::to_string(&Record::of(&world.broadcast)).unwrap();
    let record: Record = serde_json::from_str(&record).unwrap();
    Left { tracks: tracks(world, &record), record, next }
}

fn resume(left: &Left, settings: &str) -> Result<Broadcast, ResumeError> {
    let keys = left.record.protection.as_ref().map(|names| Keys::recorded(common(), names).unwrap());
    let (settings, _) = Settings::read(Some(settings), None).unwrap();
    Broadcast::resume(SESSION, keys, &settings, left)
}

/// Parts that were published of segments that are not whole: a process that is killed loses them.
fn open_parts(world: &World) -> Vec<(String, SegmentEntry, Bytes)> {
    let open = world.broadcast.representations().filter_map(|r| {
        let segment = r.window().last().filter(|segment| !segment.complete)?;
        let bytes: Vec<u8> = segment.parts.iter().flat_map(|part| part.bytes.to_vec()).collect();
        let (number, start, duration, size) = (segment.number, segment.start, segment.duration, segment.size);
        let entry = SegmentEntry { number, start, duration, size, samples: 0, protected: 0 };
        Some((r.id().to_owned(), entry, bytes.into()))
    });
    open.collect()
}

/// The film of all of it: every segment is under the key that its place says, and decrypts.
fn film(world: &World) -> Film {
    let record = Record::of(&world.broadcast);
    let kid = |period| world.broadcast.keys().unwrap().kid(period);
    let film = Film::new(&record, tracks(world, &record), &kid, (7, "A lecture")).unwrap();
    let names = film.pack.protection.as_ref().unwrap();
    assert_eq!(names.keys.len(), film.tracks[0].numbers.len().div_ceil(2));
    assert_eq!(film.tracks.len(), 2);
    for track in &film.tracks {
        let init = InitSegment::parse(&world.headers[&track.representation.id]).unwrap();
        for (place, number) in track.numbers.iter().enumerate() {
            let segments = &world.segments[&track.representation.id];
            let (_, bytes) = segments.iter().find(|(entry, _)| entry.number == *number).unwrap();
            let mut samples = Vec::new();
            decrypt(&init, bytes, Scheme::Cenc, &mut samples);
            let expected = Some(names.keys[place / 2].kid);
            assert!(
                !samples.is_empty() && samples.iter().all(|sample| sample.kid == expected),
                "place {place}"
            );
        }
    }
    film
}

/// Nothing is lost, and nobody is told that the event had ended.
#[test]
fn a_session_that_was_suspended_goes_on() {
    let mut world = World::new(Some(keys(Scheme::Cenc, 2)), SETTINGS);
    send(&mut world);
    let events = world.broadcast.suspend(world.now);
    world.keep(events);
    assert!(world.broadcast.is_closed() && !world.broadcast.has_ended());
    let first = world.broadcast.next_number();
    world.broadcast = resume(&left(&world, first), SETTINGS).unwrap();
    assert_eq!(world.broadcast.lives().latest().first, first);
    for r in world.broadcast.representations() {
        assert!(!hls::media(&world.broadcast, r, false, "").contains("ENDLIST"), "{}", r.id());
        assert_eq!(r.window().next(), (first, 0));
    }
    let mpd = dash::mpd(&world.broadcast, "", world.now);
    assert!(mpd.contains("type=\"dynamic\"") && mpd.contains("<SegmentTimeline>"), "{mpd}");
    world.now += 30_000;
    send(&mut world);
    world.finish();
    let v = world.samples("v240-1", Scheme::Cenc);
    let sent = Tape::video(9).samples.len();
    assert_eq!(v.len(), 2 * sent, "every picture of both");
    assert!(v.windows(2).all(|pair| pair[0].decode_time < pair[1].decode_time));
    // Pictures go on where the sound ended, which is a frame of it later at most.
    let step = v[1].decode_time - v[0].decode_time;
    assert!(v[sent].decode_time - v[sent - 1].decode_time < 3 * step, "a hole in time");
    world.assert_no_iv_twice();
    let walls: Vec<_> = world.broadcast.runs().iter().map(|run| run.wall.unwrap()).collect();
    assert!(walls.len() == 2 && walls[1] > walls[0] + 20_000, "{walls:?}");
    assert!(film(&world).pack.duration.seconds() > 16.0);
}

/// The open segment is lost; no name and no IV is used again, not even those of parts that only players have
/// seen.
#[test]
fn a_session_whose_process_was_killed_goes_on() {
    let mut world = World::new(Some(keys(Scheme::Cenc, 2)), SETTINGS);
    let mut seen = Vec::new();
    for _ in 0..3 {
        send(&mut world);
        let lost = open_parts(&world);
        assert!(lost.iter().any(|(id, ..)| id == "v240-1"), "a segment is open");
        seen.extend(lost);
        // One more number was promised to the disk.
        let next = world.broadcast.next_number() + 1;
        world.broadcast = resume(&left(&world, next), SETTINGS).unwrap();
        assert_eq!(world.broadcast.next_number(), next);
        world.now += 30_000;
    }
    send(&mut world);
    // Delta updates count the numbers that were lost, as whole playlists do.
    for r in world.broadcast.representations() {
        let of = |skip| hls::media(&world.broadcast, r, skip, "");
        let count = |playlist: &str| playlist.matches("#EXTINF:").count();
        let delta = of(true);
        let skipped = delta.split("SKIPPED-SEGMENTS=").nth(1).and_then(|rest| rest.lines().next()).unwrap();
        assert_eq!(count(&delta) + skipped.parse::<usize>().unwrap(), count(&of(false)), "{delta}");
    }
    world.finish();
    let film = film(&world);
    assert!((24.0..37.0).contains(&film.pack.duration.seconds()), "{}", film.pack.duration);
    for (id, entry, bytes) in seen {
        let segments = world.segments.get_mut(&id).unwrap();
        assert!(segments.iter().all(|(kept, _)| kept.number != entry.number), "{} twice", entry.number);
        segments.push((entry, bytes));
    }
    world.assert_no_iv_twice();
}

/// Pictures are missing for longer than sound waits for them, and then the server is started again: its film
/// ends where they are missing, and goes on with the next life. So places go back; every key of the window is
/// still declared.
#[test]
fn a_hole_in_the_pictures_and_a_restart_leave_no_key_undeclared() {
    let mut world = World::new(Some(keys(Scheme::Cenc, 2)), SETTINGS);
    let (pictures, sounds) = (Tape::video(44), Tape::audio(44));
    let (mut v, mut a) = (world.request("v"), world.request("a"));
    world.send(&mut v, &pictures.header());
    world.send(&mut a, &sounds.header());
    let (pictures, sounds) = (pictures.fragments(24, 0.0), sounds.fragments(47, 0.0));
    for second in 0..44 {
        for (request, fragments, is_missing) in
            [(&mut v, &pictures, (6..20).contains(&second)), (&mut a, &sounds, false)]
        {
            if let Some(fragment) = fragments.get(second).filter(|_| !is_missing) {
                world.send(request, fragment);
            }
        }
    }
    world.end(v);
    world.end(a);
    let before = world.numbers("v240-1");
    assert!(before.windows(2).any(|pair| pair[1] > pair[0] + 1), "a number without pictures: {before:?}");
    let next = world.broadcast.next_number() + 1;
    world.broadcast = resume(&left(&world, next), SETTINGS).unwrap();
    world.now += 30_000;
    send(&mut world);
    let keys = world.broadcast.keys().unwrap();
    assert!(keys.period(next) < keys.period(next - 2), "places go back");
    let (oldest, latest) = world.broadcast.span().unwrap();
    let declared = keys.declared(oldest, latest);
    for r in world.broadcast.representations() {
        for segment in r.window().segments() {
            let period = keys.period(segment.number);
            assert!(declared.contains(&period), "{} {}: {period} of {declared:?}", r.id(), segment.number);
            assert!(keys.first_segment(period) <= segment.number, "{} {}", r.id(), segment.number);
        }
    }
    assert!(declared.contains(&(keys.period(latest) + live::AHEAD)));
    world.finish();
    film(&world);
    world.assert_no_iv_twice();
}

/// Until the disk has a number, no segment begins with it: the one before goes on.
#[test]
fn no_segment_begins_that_was_not_allowed() {
    let mut world = World::new(None, "");
    world.broadcast.allow(2);
    send(&mut world);
    assert_eq!(world.broadcast.next_number(), 2);
    world.broadcast.allow(u64::MAX);
    send(&mut world);
    world.finish();
    assert!(world.numbers("v240-1").len() > 4 && world.lost == 0, "{:?}", world.numbers("v240-1"));
}

#[test]
fn what_cannot_be_gone_on_with_is_refused() {
    let mut world = World::new(Some(keys(Scheme::Cenc, 2)), SETTINGS);
    send(&mut world);
    let next = world.broadcast.next_number() + 1;
    let good = left(&world, next);
    assert!(resume(&good, SETTINGS).is_ok());
    for other in ["", "[encryption]\nenabled = false\n", "[encryption]\nrotate = \"2\"\nscheme = \"cbcs\"\n"]
    {
        assert_eq!(resume(&good, other).err(), Some(ResumeError::Settings), "{other}");
    }
    for next in [0, 1, u64::MAX] {
        let bad = Left { next, ..good.clone() };
        assert!(matches!(resume(&bad, SETTINGS), Err(ResumeError::Record(_))), "{next}");
    }
    let mut bad = good.clone();
    bad.record.representations[0].source = None;
    bad.tracks[0].recorded.source = None;
    assert!(matches!(resume(&bad, SETTINGS), Err(ResumeError::Record(_))));
}

/// An encoder whose times jump at each picture makes a run of each; what is written down of them has an end.
#[test]
fn runs_without_end() {
    let mut world = World::new(None, "");
    let tape = Tape::video(1);
    let mut stream = tape.header();
    for n in 0..1040 {
        stream.extend(tape.fragments(1, f64::from(n % 2) * 1e6 + f64::from(n)).concat());
    }
    world.send_all(&[("v", stream)], 4000);
    let all = world.broadcast.runs().len();
    let told: Vec<_> = world.broadcast.latest_runs().collect();
    assert!(all > 1020 && told.len() == 1000, "{all} {}", told.len());
    assert_eq!(told[0].0, world.broadcast.runs()[0].start, "times of day count from the first");
    assert_eq!(told[999].0, world.broadcast.runs()[all - 1].start);
    assert_eq!(Record::of(&world.broadcast).runs, told);
}
