//! Renditions that are made here: what ffmpeg is given comes back as what it would make, and is published
//! beside its source.

use crate::encoder::Tape;
use crate::world::{World, keys};
use cenc::Scheme;
use live::transcode::{Feeder, Rendition, Renditions};
use live::{Handle, Ingest, Input, InputSample, Source, dash, hls, index};

const SECONDS: u32 = 12;

/// An ffmpeg that makes of every picture the same picture.
struct Maker {
    name: &'static str,
    source: Source,
    feeder: Feeder,
    renditions: Renditions,
    handle: Option<Handle>,
}

impl Maker {
    /// Of what an encoder sends.
    fn of(world: &World) -> Self {
        Self::named(world, "180")
    }

    fn named(world: &World, name: &'static str) -> Self {
        let source = world.broadcast.sent_pictures().next().unwrap().source().clone();
        let (feeder, renditions) = (Feeder::new(&source), Renditions::new(&source));
        Self { name, source, feeder, renditions, handle: None }
    }

    fn begin(&mut self, world: &mut World) {
        let made = self.renditions.push(&Feeder::header(&self.source)).unwrap();
        let [Rendition::Tracks(tracks)] = &made[..] else { panic!("{made:?}") };
        assert_eq!(tracks[0].entry, self.source.entry);
        let (handle, events) = world.broadcast.open_made(self.name, &tracks[0]).unwrap();
        world.keep(events);
        self.handle = Some(handle);
    }

    fn make(&mut self, world: &mut World, picture: &InputSample) {
        let fragment = self.feeder.fragment(picture).unwrap();
        for made in self.renditions.push(&fragment).unwrap() {
            let Rendition::Samples { samples, .. } = made else { panic!("another header") };
            assert_eq!(samples.iter().map(|sample| sample.time).collect::<Vec<_>>(), [picture.time]);
            // Pictures seem to be decoded early on their way: so none is decoded after it is shown.
            let back = picture.decode_time - samples[0].decode_time;
            assert!(samples[0].decode_time <= picture.time && back >= 0);
            let samples = samples
                .into_iter()
                .map(|sample| InputSample { decode_time: sample.decode_time + back, ..sample });
            let events = world.broadcast.push_made(self.handle.unwrap(), samples.collect(), world.now);
            world.keep(events);
        }
    }
}

/// Sends a tape; `make` is told of each picture that was published, and its number.
fn send(world: &mut World, from: f64, mut make: impl FnMut(&mut World, usize, &InputSample)) {
    let tape = Tape::video(SECONDS);
    let mut request = world.request("v");
    world.send(&mut request, &tape.header());
    world.broadcast.watch("v240-1");
    let mut count = 0;
    for fragment in tape.fragments(12, from) {
        world.send(&mut request, &fragment);
        for picture in world.broadcast.take_watched() {
            make(world, count, &picture);
            count += 1;
        }
    }
    world.end(request);
}

fn starts(world: &World, id: &str) -> Vec<(u64, u64)> {
    world.segments[id].iter().map(|(entry, _)| (entry.number, entry.start)).collect()
}

/// B80: a rendition that is made here has the numbers and the times of its source, and decrypts to what was
/// made.
#[test]
fn b80_what_is_made_here_is_cut_as_its_source_is() {
    let mut world = World::new(Some(keys(Scheme::Cenc, 2)), "");
    let mut maker = None;
    // Twice: an encoder that comes back with the same times goes on, and so does what is made of it.
    for _ in 0..2 {
        send(&mut world, 500.0, |world, _, picture| {
            let maker = maker.get_or_insert_with(|| {
                let mut maker = Maker::of(world);
                maker.begin(world);
                maker
            });
            maker.make(world, picture);
        });
    }
    world.finish();
    assert_eq!(starts(&world, "v240-1"), starts(&world, "v240-2"));
    assert_eq!(starts(&world, "v240-1").len(), 12);
    assert_eq!(world.samples("v240-1", Scheme::Cenc), world.samples("v240-2", Scheme::Cenc));
    assert_eq!(world.lost, 0);
    world.assert_no_iv_twice();
    let r = world.broadcast.representation("v240-2").unwrap();
    assert!(r.is_made() && !r.is_retired());
    assert_eq!(world.broadcast.leader().unwrap().id(), "v240-1");
}

/// What makes it dies in the middle of a segment and comes back in the middle of another: it has neither, and
/// nobody waits for them.
#[test]
fn a_rendition_that_stops_has_whole_segments_only() {
    let mut world = World::new(Some(keys(Scheme::Cenc, 0)), "");
    let mut maker = None;
    send(&mut world, 0.0, |world, n, picture| {
        let maker = maker.get_or_insert_with(|| {
            let mut maker = Maker::of(world);
            maker.begin(world);
            maker
        });
        match n {
            // 24 pictures a second, 48 a segment: nothing from 3 s to 5 s.
            72..120 => {}
            120 => {
                let mut other = Maker::of(world);
                world.broadcast.close(maker.handle.unwrap());
                other.begin(world);
                *maker = other;
            }
            _ => maker.make(world, picture),
        }
        // It came back, and has nothing of this one.
        assert!(!(121..144).contains(&n) || world.broadcast.has(2, Some(0)), "{n}");
    });
    world.finish();
    let numbers = world.numbers("v240-2");
    assert_eq!(numbers, [0, 3, 4, 5]);
    let timescale = u64::from(world.broadcast.representation("v240-2").unwrap().source().timescale);
    let ends = world.segments["v240-2"].iter().map(|(entry, _)| (entry.start + entry.duration) / timescale);
    assert_eq!(ends.collect::<Vec<_>>(), [2, 8, 10, 12]);
    world.assert_no_iv_twice();
}

/// A step that was left out comes back where a segment begins: the one that was made all the time lacks
/// nothing, and the other one begins there. No IV is used twice.
#[test]
fn b80_a_step_comes_back_where_a_segment_begins() {
    let mut world = World::new(Some(keys(Scheme::Cenc, 2)), "");
    let (mut lower, mut higher): (Option<Maker>, Option<Maker>) = (None, None);
    let mut switches = Vec::new();
    send(&mut world, 0.0, |world, n, picture| {
        if n == 0 {
            (lower, higher) = (Some(Maker::named(world, "120")), Some(Maker::named(world, "180")));
            lower.as_mut().unwrap().begin(world);
            higher.as_mut().unwrap().begin(world);
        }
        // 48 pictures a segment. In the middle of the second one it is too much.
        if n == 60 {
            let events = world.broadcast.close_made(higher.take().unwrap().handle.unwrap(), world.now);
            world.keep(events);
            world.broadcast.retire_made(Some("180"));
        }
        // It is time from 200 on: where a segment begins next both are made by another ffmpeg.
        if n >= 200 && switches.is_empty() && picture.sync && world.broadcast.begins_segment(picture) {
            switches.push(n);
            let events = world.broadcast.close_made(lower.take().unwrap().handle.unwrap(), world.now);
            world.keep(events);
            (lower, higher) = (Some(Maker::named(world, "120")), Some(Maker::named(world, "180")));
            higher.as_mut().unwrap().begin(world);
            lower.as_mut().unwrap().begin(world);
        }
        assert_eq!(world.broadcast.begins_segment(picture), n % 48 == 0, "{n}");
        for maker in [&mut lower, &mut higher].into_iter().flatten() {
            maker.make(world, picture);
        }
    });
    world.finish();
    assert_eq!(switches, [240]);
    assert_eq!(world.numbers("v240-1"), [0, 1, 2, 3, 4, 5]);
    // All have the source's lines here, so that they differ by their number only.
    assert_eq!(world.numbers("v240-2"), [0, 1, 2, 3, 4, 5]);
    assert_eq!(world.numbers("v240-3"), [0, 5]);
    assert_eq!(starts(&world, "v240-1"), starts(&world, "v240-2"));
    assert_eq!(world.samples("v240-1", Scheme::Cenc), world.samples("v240-2", Scheme::Cenc));
    assert!(!world.broadcast.representation("v240-3").unwrap().is_retired());
    world.assert_no_iv_twice();
}

/// Who makes it stops for a moment: what was open goes on with the next picture, and is given up where some
/// are missing.
#[test]
fn a_segment_goes_on_with_the_very_next_picture() {
    for (missing, numbers) in [(0, vec![0, 1, 2, 3, 4, 5]), (8, vec![0, 2, 3, 4, 5])] {
        let mut world = World::new(Some(keys(Scheme::Cenc, 0)), "");
        let mut maker = None;
        send(&mut world, 0.0, |world, n, picture| {
            let maker = maker.get_or_insert_with(|| {
                let mut maker = Maker::of(world);
                maker.begin(world);
                maker
            });
            if n == 72 {
                world.broadcast.close(maker.handle.unwrap());
                *maker = Maker::of(world);
                maker.begin(world);
            }
            if !(72..72 + missing).contains(&n) {
                maker.make(world, picture);
            }
        });
        world.finish();
        assert_eq!(world.numbers("v240-2"), numbers);
        world.assert_no_iv_twice();
    }
}

/// Where the one who makes it is gone, what it has begun ends with its source's segment, or at once.
#[test]
fn what_nobody_makes_has_no_open_segment() {
    for (last, whole) in [(95, true), (90, false)] {
        let mut world = World::new(None, "");
        let mut maker = None;
        send(&mut world, 0.0, |world, n, picture| {
            let maker = maker.get_or_insert_with(|| {
                let mut maker = Maker::of(world);
                maker.begin(world);
                maker
            });
            if n <= last {
                maker.make(world, picture);
            }
            // Its source is in the segment behind.
            if n == 110 {
                let events = world.broadcast.close_made(maker.handle.unwrap(), world.now);
                world.keep(events);
                let latest = world.broadcast.representation("v240-2").unwrap().window().last().unwrap();
                assert_eq!((latest.complete, latest.number), (true, u64::from(whole)));
            }
        });
        world.finish();
        assert_eq!(world.numbers("v240-2"), if whole { vec![0, 1] } else { vec![0] });
    }
}

/// The index is held back until what is made is there, too, as long as somebody makes it and keeps up.
#[test]
fn who_waits_gets_all_renditions_that_keep_up() {
    let mut world = World::new(None, "");
    let mut maker = None;
    send(&mut world, 0.0, |world, n, picture| {
        let maker = maker.get_or_insert_with(|| {
            let mut maker = Maker::of(world);
            maker.begin(world);
            maker
        });
        // It stops at 5 s.
        if n < 120 {
            maker.make(world, picture);
        }
        let leader = world.broadcast.leader().unwrap().window().has(2, None);
        match n {
            // It is two segments behind.
            264.. => assert!(world.broadcast.has(4, None)),
            150..190 => assert!(leader && !world.broadcast.has(2, None), "{n}"),
            _ => {}
        }
    });
    let maker = maker.unwrap();
    let told = |world: &World| {
        let json = index::json(&world.broadcast, ("a", "b"), nccp::EventState::Live, None, 0).unwrap();
        let texts = [hls::master(&world.broadcast, ""), dash::mpd(&world.broadcast, "", world.now)];
        texts.into_iter().chain([String::from_utf8(json).unwrap()]).all(|text| text.contains("v240-2"))
    };
    assert!(told(&world));
    let before = world.broadcast.version();
    world.broadcast.close_made(maker.handle.unwrap(), world.now);
    world.broadcast.retire_made(Some("18"));
    assert!(told(&world), "it is another's name");
    world.broadcast.retire_made(Some("180"));
    assert!(!told(&world) && world.broadcast.version() > before);
    assert!(world.broadcast.has(2, None), "nobody waits for what is made no more");
    // And it may be made again.
    let mut again = Maker::of(&world);
    again.begin(&mut world);
    assert!(told(&world));
}

/// The header of what is made may change with what makes it: that is a rendition beside the one before.
#[test]
fn another_configuration_is_another_rendition() {
    let mut world = World::new(None, "");
    let tape = Tape::video(1);
    let stream = tape.stream(0.0);
    world.send_all(&[("v", stream.clone())], 4000);
    let mut ingest = Ingest::new(None);
    let Some(Input::Header(header)) = ingest.push(&stream).unwrap().into_iter().next() else { panic!() };
    let one = header.sources[0].clone();
    let other = Source { timescale: one.timescale * 2, ..one.clone() };
    for (source, id) in [(&one, "v240-2"), (&other, "v240-3"), (&one, "v240-2")] {
        let (handle, events) = world.broadcast.open_made("180", source).unwrap();
        world.keep(events);
        assert!(world.headers.contains_key(id), "{id}");
        world.broadcast.close(handle);
    }
    assert_eq!(world.broadcast.representations().count(), 3);
    assert_eq!(world.broadcast.sent_pictures().count(), 1);
    // An encoder comes back under another name.
    let (handle, events) = world.broadcast.open("w", &one).unwrap();
    world.keep(events);
    assert_eq!(world.broadcast.sent_pictures().count(), 2);
    let ids: Vec<_> = world.broadcast.different_pictures().map(|r| r.id().to_owned()).collect();
    assert_eq!(ids, ["v240-4"]);
    let (_, events) = world.broadcast.open("v", &one).unwrap();
    world.keep(events);
    assert_eq!(world.broadcast.different_pictures().count(), 2, "it sends both");
    world.broadcast.close(handle);
}
