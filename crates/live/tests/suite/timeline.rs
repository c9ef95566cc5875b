//! Encoders that come, go and come back, on one timeline.

use crate::encoder::Tape;
use crate::world::{World, keys};
use cenc::Scheme;

const SECONDS: u32 = 12;

fn demo(world: &mut World, from: f64) -> (Tape, Tape) {
    let (video, audio) = (Tape::video(SECONDS), Tape::audio(SECONDS));
    world.send_all(&[("v.cmfv", video.stream(from)), ("a.cmfa", audio.stream(from))], 4000);
    (video, audio)
}

/// Whether the samples are those of a tape, from some place on to its end.
fn is_tape(got: &[crate::world::Got], tape: &Tape, skip: usize) -> bool {
    let sent = tape.samples.iter().skip(skip).map(|(_, data)| data);
    got.len() + skip == tape.samples.len() && got.iter().map(|got| &got.data).eq(sent)
}

/// B80: what a player with the keys decrypts is what was sent, byte for byte and without a hole in time.
#[test]
fn b80_what_is_published_decrypts_to_what_was_sent() {
    for scheme in [Scheme::Cenc, Scheme::Cbcs] {
        let mut world = World::new(Some(keys(scheme, 0)), "");
        let (video, audio) = demo(&mut world, 1000.0);
        world.finish();
        let (v, a) = (world.samples("v240-1", scheme), world.samples("a-und-1", scheme));
        assert!(is_tape(&v, &video, 0), "{scheme}");
        // Frames that end before the first picture are left out.
        let skipped = audio.samples.len() - a.len();
        assert!(skipped < 6 && is_tape(&a, &audio, skipped), "{scheme}: {skipped}");
        assert_eq!((v[0].decode_time, v[0].time), (0, 0), "the timeline begins with the first picture");
        let step = |got: &[crate::world::Got]| {
            let steps: Vec<_> =
                got.windows(2).map(|pair| pair[1].decode_time - pair[0].decode_time).collect();
            steps.iter().all(|step| *step == steps[0])
        };
        assert!(step(&v) && step(&a), "no gap");
        assert!(v.iter().chain(&a).all(|got| got.kid.is_some()));
        assert_eq!(world.numbers("v240-1"), world.numbers("a-und-1"));
        assert!(world.numbers("v240-1").into_iter().eq(0..6), "{:?}", world.numbers("v240-1"));
        assert_eq!(world.lost, 0);
        if scheme == Scheme::Cenc {
            world.assert_no_iv_twice();
        }
    }
}

/// Parts are what segments are made of: the same bytes, each with a beginning that is known.
#[test]
fn parts_are_pieces_of_segments() {
    let mut world = World::new(Some(keys(Scheme::Cenc, 0)), "");
    demo(&mut world, 0.0);
    for representation in world.broadcast.representations() {
        let timescale = u64::from(representation.source().timescale);
        for segment in representation.window().segments().filter(|segment| segment.complete) {
            let parts: Vec<u8> = segment.parts.iter().flat_map(|part| part.bytes.to_vec()).collect();
            let kept = &world.segments[representation.id()];
            let kept = kept.iter().find(|(entry, _)| entry.number == segment.number).unwrap();
            assert_eq!((&parts[..], segment.size), (&kept.1[..], kept.0.size));
            assert!(
                segment.parts[0].independent && (4..=5).contains(&segment.parts.len()),
                "{}",
                segment.parts.len()
            );
            assert!(segment.parts.iter().all(|part| part.duration * 2 <= timescale + 2));
        }
    }
}

/// An encoder that was killed and begins again from 0: the same session goes on, with numbers that were never
/// used and IVs that were never used.
#[test]
fn an_encoder_that_comes_back_goes_on() {
    let mut world = World::new(Some(keys(Scheme::Cenc, 0)), "");
    let (video, audio) = demo(&mut world, 0.0);
    world.now += 60_000;
    demo(&mut world, 0.0);
    world.finish();
    let v = world.samples("v240-1", Scheme::Cenc);
    let (first, second) = v.split_at(video.samples.len());
    assert!(is_tape(first, &video, 0) && is_tape(second, &video, 0));
    assert!(v.windows(2).all(|pair| pair[0].decode_time < pair[1].decode_time));
    let a = world.samples("a-und-1", Scheme::Cenc);
    assert!(a.len() + 10 > audio.samples.len() * 2, "{} of {}", a.len(), audio.samples.len() * 2);
    assert!(a.windows(2).all(|pair| pair[0].decode_time < pair[1].decode_time));
    assert_eq!(world.numbers("v240-1"), world.numbers("a-und-1"));
    assert_eq!(world.broadcast.runs().len(), 2);
    let walls: Vec<_> = world.broadcast.runs().iter().map(|run| run.wall.unwrap()).collect();
    assert!(walls[1] > walls[0] + 40_000, "{walls:?}");
    world.assert_no_iv_twice();
}

/// Killed in the middle of a fragment.
#[test]
fn half_a_fragment_is_not_published() {
    let mut world = World::new(Some(keys(Scheme::Cenc, 0)), "");
    let tape = Tape::video(SECONDS);
    let stream = tape.stream(0.0);
    world.send_all(&[("v.cmfv", stream[..stream.len() * 3 / 5].to_vec())], 1000);
    world.send_all(&[("v.cmfv", tape.stream(0.0))], 1000);
    world.finish();
    let v = world.samples("v240-1", Scheme::Cenc);
    assert!(is_tape(&v[v.len() - tape.samples.len()..], &tape, 0));
    world.assert_no_iv_twice();
}

/// Two encoders send the same: it is published once, and one of them is enough.
#[test]
fn a_second_encoder_stands_by() {
    let mut world = World::new(Some(keys(Scheme::Cenc, 0)), "");
    let tape = Tape::video(SECONDS);
    let fragments = tape.fragments(12, 500.0);
    let (mut one, mut two) = (world.request("v.cmfv"), world.request("v.cmfv"));
    world.send(&mut one, &tape.header());
    world.send(&mut two, &tape.header());
    for (n, fragment) in fragments.iter().enumerate() {
        // The first one stops half-way, the second is two fragments late until then.
        if n < fragments.len() / 2 {
            world.send(&mut one, fragment);
        }
        if let Some(late) = n.checked_sub(2) {
            world.send(&mut two, &fragments[late]);
        }
    }
    fragments.iter().skip(fragments.len() - 2).for_each(|fragment| world.send(&mut two, fragment));
    world.end(one);
    world.end(two);
    world.finish();
    assert!(is_tape(&world.samples("v240-1", Scheme::Cenc), &tape, 0));
    assert_eq!(world.broadcast.runs().len(), 1);
}

/// Interface 2: a request for each segment, under names that tell which header it belongs to.
#[test]
fn one_request_for_each_segment() {
    let mut world = World::new(Some(keys(Scheme::Cenc, 0)), "");
    let tape = Tape::video(SECONDS);
    for fragment in tape.fragments(48, 0.0) {
        let mut request = world.request("stream0");
        world.send(&mut request, &tape.header());
        world.send(&mut request, &fragment);
        world.end(request);
    }
    world.finish();
    assert!(is_tape(&world.samples("v240-1", Scheme::Cenc), &tape, 0));
    assert_eq!(world.broadcast.runs().len(), 1);
}

/// Sound that comes first, in requests of its own, waits for the pictures.
#[test]
fn sound_comes_first_in_requests_of_its_own() {
    let mut world = World::new(Some(keys(Scheme::Cenc, 0)), "");
    let (video, audio) = (Tape::video(SECONDS), Tape::audio(SECONDS));
    let (pictures, sounds) = (video.fragments(48, 0.0), audio.fragments(94, 0.0));
    for n in 0..pictures.len().max(sounds.len()) {
        for (name, tape, fragments) in [("a", &audio, &sounds), ("v", &video, &pictures)] {
            let Some(fragment) = fragments.get(n) else { continue };
            let mut request = world.request(name);
            world.send(&mut request, &tape.header());
            world.send(&mut request, fragment);
            world.end(request);
        }
    }
    world.finish();
    assert!(is_tape(&world.samples("v240-1", Scheme::Cenc), &video, 0));
    let a = world.samples("a-und-1", Scheme::Cenc);
    assert!(audio.samples.len() - a.len() < 6, "{} of {}", a.len(), audio.samples.len());
    assert_eq!(world.broadcast.runs().len(), 1);
}

/// Sound alone, in requests of its own, each shorter than what it waits for pictures.
#[test]
fn sound_alone_in_requests_of_its_own() {
    let mut world = World::new(Some(keys(Scheme::Cenc, 0)), "");
    let audio = Tape::audio(SECONDS);
    for fragment in audio.fragments(94, 0.0) {
        let mut request = world.request("a");
        world.send(&mut request, &audio.header());
        world.send(&mut request, &fragment);
        world.end(request);
    }
    assert!(world.numbers("a-und-1").len() >= 4, "{:?}", world.numbers("a-und-1"));
    world.finish();
    assert!(is_tape(&world.samples("a-und-1", Scheme::Cenc), &audio, 0));
}

/// Times that were rounded on their way make no gaps in sound.
#[test]
fn rounded_times_make_no_gaps() {
    let mut world = World::new(Some(keys(Scheme::Cenc, 0)), "");
    let audio = Tape::audio(SECONDS);
    world.send_all(&[("v", Tape::video(SECONDS).stream(0.0))], 4000);
    let mut request = world.request("a");
    world.send(&mut request, &audio.header());
    let (exact, late) = (audio.fragments(20, 0.0), audio.fragments(20, 0.0004));
    for (n, (exact, late)) in exact.iter().zip(&late).enumerate() {
        world.send(&mut request, if n % 2 == 0 { exact } else { late });
    }
    world.end(request);
    world.finish();
    let a = world.samples("a-und-1", Scheme::Cenc);
    let steps: Vec<_> = a.windows(2).map(|pair| pair[1].decode_time - pair[0].decode_time).collect();
    assert!(a.len() + 6 > audio.samples.len() && steps.iter().all(|step| *step == steps[0]), "{steps:?}");
}

/// A frame of sound that is only just under way at the first picture is left out: it would overlap the next
/// one.
#[test]
fn sound_that_begins_just_before_the_pictures() {
    let mut world = World::new(Some(keys(Scheme::Cenc, 0)), "");
    let (video, audio) = (Tape::video(SECONDS), Tape::audio(SECONDS));
    world.send_all(&[("v", video.stream(1000.0)), ("a", audio.stream(999.995))], 4000);
    world.finish();
    let a = world.samples("a-und-1", Scheme::Cenc);
    let steps: Vec<_> = a.windows(2).map(|pair| pair[1].decode_time - pair[0].decode_time).collect();
    let skipped = audio.samples.len() - a.len();
    assert!(skipped < 6 && steps.iter().all(|step| *step == steps[0]), "{skipped} {steps:?}");
}

/// Renditions of one encoder are cut at the same pictures.
#[test]
fn renditions_have_the_same_segments() {
    let mut world = World::new(Some(keys(Scheme::Cenc, 0)), "");
    let (small, large) = (Tape::demo(240, b"vide", SECONDS), Tape::demo(360, b"vide", SECONDS));
    world.send_all(
        &[("s", small.stream(0.0)), ("l", large.stream(0.0)), ("a", Tape::audio(SECONDS).stream(0.0))],
        3000,
    );
    world.finish();
    let starts = |id: &str| {
        let timescale = f64::from(world.broadcast.representation(id).unwrap().source().timescale);
        world.segments[id]
            .iter()
            .map(|(entry, _)| (entry.start as f64 / timescale * 1000.0) as u64)
            .collect::<Vec<_>>()
    };
    assert_eq!(starts("v240-1"), starts("v360-1"));
    assert_eq!(world.numbers("v240-1"), world.numbers("a-und-1"));
    world.assert_no_iv_twice();
}

/// B85: keys change with whole segments in all tracks, and what comes is named before.
#[test]
fn b85_keys_rotate() {
    let mut world = World::new(Some(keys(Scheme::Cenc, 2)), "");
    let (video, _) = demo(&mut world, 0.0);
    world.finish();
    let keys = world.broadcast.keys().unwrap();
    for id in ["v240-1", "a-und-1"] {
        for (entry, bytes) in &world.segments[id] {
            let init = isobmff::InitSegment::parse(&world.headers[id]).unwrap();
            let mut got = Vec::new();
            crate::world::decrypt(&init, bytes, Scheme::Cenc, &mut got);
            let kid = keys.kid(u32::try_from(entry.number / 2).unwrap());
            assert!(got.iter().all(|got| got.kid == Some(kid)), "{id} {}", entry.number);
        }
    }
    assert!(is_tape(&world.samples("v240-1", Scheme::Cenc), &video, 0));
    world.assert_no_iv_twice();
}

/// Sound without pictures is cut by time.
#[test]
fn sound_alone() {
    let mut world = World::new(Some(keys(Scheme::Cenc, 0)), "");
    let tape = Tape::audio(SECONDS);
    world.send_all(&[("a.cmfa", tape.stream(0.0))], 500);
    world.finish();
    assert!(is_tape(&world.samples("a-und-1", Scheme::Cenc), &tape, 0));
    assert!(world.numbers("a-und-1").len() >= 5, "{:?}", world.numbers("a-und-1"));
}

/// A picture that cannot be read is left out with what follows it, until the next that decoding can begin
/// with.
#[test]
fn a_picture_that_cannot_be_read_is_not_the_end() {
    let mut world = World::new(Some(keys(Scheme::Cenc, 0)), "");
    let mut tape = Tape::video(SECONDS);
    let bad =
        tape.samples.iter().position(|(sample, _)| sample.time > 3 * i64::from(tape.timescale)).unwrap();
    tape.samples[bad].1[..4].copy_from_slice(&u32::MAX.to_be_bytes());
    let mut clear = tape.header();
    // As an encoder sends it: it does not look into its pictures.
    clear.extend(raw_fragments(&tape));
    world.send_all(&[("v", clear)], 4000);
    world.finish();
    assert!(world.lost > 0);
    assert!(world.numbers("v240-1").contains(&5));
    world.assert_no_iv_twice();
}

/// Fragments whose pictures nobody reads.
fn raw_fragments(tape: &Tape) -> Vec<u8> {
    let mut decode_time = 0u64;
    let mut out = Vec::new();
    for chunk in tape.samples.chunks(12) {
        let specs: Vec<_> = chunk
            .iter()
            .scan(decode_time as i64, |at, (sample, _)| {
                let offset = i32::try_from(sample.time - *at).unwrap();
                *at += i64::from(sample.duration);
                let flags = if sample.sync { 0x0200_0000 } else { 0x0101_0000 };
                Some(isobmff::SampleSpec {
                    size: sample.size,
                    duration: sample.duration,
                    composition_offset: offset,
                    flags,
                })
            })
            .collect();
        let spec = isobmff::FragmentSpec {
            sequence: 1,
            track_id: 1,
            base_decode_time: decode_time,
            samples: &specs,
            auxiliary: &[],
            description_index: None,
            group: None,
            roll: None,
        };
        out.extend(isobmff::write_fragment(&spec).unwrap());
        chunk.iter().for_each(|(sample, data)| {
            out.extend(data);
            decode_time += u64::from(sample.duration);
        });
    }
    out
}
