use super::*;
use isobmff::{InitSpec, MediaHeader, write_init};

/// Sound without a decoder's needs: enough for what looks at times.
pub(crate) fn clear_init() -> ClearInit {
    let mut entry = BoxWriter::new();
    entry.boxed(b"mp4a", |out| out.zeros(28));
    init(1000, MediaHeader::Audio, &entry.into_bytes(), 0)
}

fn init(timescale: u32, media: MediaHeader, entry: &[u8], media_time: u64) -> ClearInit {
    let mut out = BoxWriter::new();
    write_file_type(&mut out, b"iso6", &[]);
    write_init(
        &mut out,
        &InitSpec {
            track_id: 7,
            timescale,
            duration: 0,
            language: *b"und",
            media,
            sample_entry: entry,
            protection: None,
            clear_entry: false,
            default_sample_flags: 0,
            media_time,
            pssh: &[],
        },
    );
    ClearInit::parse(out.into_bytes()).unwrap()
}

fn video(timescale: u32, sps: &[u8]) -> ClearInit {
    let mut entry = BoxWriter::new();
    entry.boxed(b"avc1", |out| {
        out.zeros(78);
        out.boxed(b"avcC", |out| {
            out.bytes(&[1, 0x64, 0, 0x1f, 0xff, 0xe1]);
            out.u16(sps.len() as u16);
            out.bytes(sps);
            out.bytes(&[1, 0, 2, 0x68, 0xee]);
        });
    });
    let mut matrix = [0; 36];
    matrix[1] = 1;
    init(timescale, MediaHeader::Video { width: 1, height: 1, matrix }, &entry.into_bytes(), 0)
}

/// One sample of ten octets a second.
pub(crate) fn fragment(start: f64, end: f64) -> ClearFragment {
    let sample = SampleSpec { size: 10, duration: 1000, composition_offset: 0, flags: 0 };
    let count = (end - start) as usize;
    ClearFragment {
        start,
        end,
        decode_time: (start * 1000.0) as u64,
        samples: vec![sample; count],
        data: vec![3; 10 * count],
    }
}

/// Decoding time, duration, composition offset.
type Times = (u64, u32, i64);

fn read(init: &InitSegment, bytes: &[u8]) -> (u32, Vec<Times>, Vec<Vec<u8>>) {
    let fragment = Fragment::parse(bytes, 0, init).unwrap();
    let [track] = fragment.tracks() else { panic!() };
    let samples: Vec<_> = track.samples().map(Result::unwrap).collect();
    let data = samples
        .iter()
        .map(|sample| bytes[sample.offset as usize..][..sample.size as usize].to_vec())
        .collect();
    let times = samples.iter().map(|s| (s.decode_time, s.duration, s.composition_offset)).collect();
    (track.track.id, times, data)
}

#[test]
fn two_files_become_one_stream() {
    let (picture, sound) = (video(12_288, b"\x67sps"), clear_init());
    let mut muxer = Muxer::new();
    let tracks = [(TrackKind::Video, &picture), (TrackKind::Audio, &sound)];
    let head = InitSegment::parse(&muxer.begin(&tracks, 2.5).unwrap()).unwrap();
    let of: Vec<_> = head.tracks.iter().map(|t| (t.id, t.handler.0, t.timescale)).collect();
    assert_eq!(of, [(VIDEO, *b"vide", 12_288), (AUDIO, *b"soun", 1000)]);
    assert!(head.fragmented && head.tracks.iter().all(|track| track.defaults.is_some()));
    let written = muxer.fragment(TrackKind::Audio, &sound, &fragment(4.0, 6.0)).unwrap();
    let (track, times, data) = read(&head, &written);
    assert_eq!((track, times), (AUDIO, vec![(4000, 1000, 0), (5000, 1000, 0)]));
    assert_eq!(data, vec![vec![3; 10]; 2]);
    assert_eq!(Fragment::parse(&written, 0, &head).unwrap().sequence, 1);
    assert_eq!(sound.fragment(&rewritten(&sound, &written)).unwrap(), fragment(4.0, 6.0));
}

/// The fragment under its file's own track number again.
fn rewritten(init: &ClearInit, bytes: &[u8]) -> Vec<u8> {
    let tfhd = Boxes::new(bytes).first(b"moof").unwrap().unwrap().required(b"traf").unwrap();
    let at = tfhd.required(b"tfhd").unwrap().payload_offset() + 4;
    let mut copy = bytes.to_vec();
    copy[at..at + 4].copy_from_slice(&init.track().id.to_be_bytes());
    copy
}

#[test]
fn another_picture_brings_its_parameter_sets() {
    let (low, high) = (video(1000, b"\x67low"), video(1000, b"\x67highest"));
    let mut muxer = Muxer::new();
    let head = InitSegment::parse(&muxer.begin(&[(TrackKind::Video, &low)], 9.0).unwrap()).unwrap();
    let mut sizes = |init: &ClearInit, flags| {
        let mut part = fragment(0.0, 2.0);
        part.samples[0].flags = flags;
        let written = muxer.fragment(TrackKind::Video, init, &part).unwrap();
        read(&head, &written).2
    };
    let plain = vec![vec![3; 10]; 2];
    assert_eq!(sizes(&low, 0), plain);
    assert_eq!(sizes(&high, 0x1_0000), plain, "in the middle of its pictures it cannot begin");
    let with_sets = [&b"\0\0\0\x08\x67highest\0\0\0\x02\x68\xee"[..], &[3; 10]].concat();
    assert_eq!(sizes(&high, 0), [with_sets, vec![3; 10]]);
    assert_eq!(sizes(&high, 0), plain, "once");
}

#[test]
fn times_follow_the_stream_s_clock_without_drift() {
    let mut muxer = Muxer::new();
    let (first, other) = (video(24, b"a"), video(1000, b"a"));
    let head = InitSegment::parse(&muxer.begin(&[(TrackKind::Video, &first)], 9.0).unwrap()).unwrap();
    let sample = SampleSpec { size: 0, duration: 42, composition_offset: -84, flags: 0 };
    let mut part = fragment(10.0, 10.0);
    part.samples = vec![sample; 100];
    let written = muxer.fragment(TrackKind::Video, &other, &part).unwrap();
    let (_, times, _) = read(&head, &written);
    assert_eq!(times[0], (240, 1, -2));
    let (last, duration, _) = times[99];
    assert_eq!(last + u64::from(duration), 240 + 101, "4.2 s at 24 a second");
}

/// The sound's priming is not heard.
#[test]
fn presentation_begins_where_the_edit_list_says() {
    let mut entry = BoxWriter::new();
    entry.boxed(b"mp4a", |out| out.zeros(28));
    let primed = init(1000, MediaHeader::Audio, &entry.into_bytes(), 100);
    let mut muxer = Muxer::new();
    let head = muxer.begin(&[(TrackKind::Audio, &primed)], 1.0).unwrap();
    assert_eq!(InitSegment::parse(&head).unwrap().tracks[0].edit_list[0].media_time, 100);
    let written = muxer.fragment(TrackKind::Audio, &primed, &fragment(0.0, 1.0)).unwrap();
    let read = primed.fragment(&rewritten(&primed, &written)).unwrap();
    assert!((read.start + 0.1).abs() < 1e-9 && (read.end - 0.9).abs() < 1e-9);
}

mod properties {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Whatever an edge sends, it is an error or a fragment.
        #[test]
        fn octets_never_panic(octets in proptest::collection::vec(any::<u8>(), 0..300), cut in 0usize..200) {
            let _ = ClearInit::parse(octets.clone());
            let sound = clear_init();
            let _ = sound.fragment(&octets);
            let mut muxer = Muxer::new();
            muxer.begin(&[(TrackKind::Audio, &sound)], 1.0).unwrap();
            let mut written = muxer.fragment(TrackKind::Audio, &sound, &fragment(0.0, 2.0)).unwrap();
            written = rewritten(&sound, &written);
            for (at, octet) in octets.iter().take(3).enumerate() {
                let place = (usize::from(*octet) + at * 31) % written.len();
                written[place] ^= octet;
            }
            written.truncate(cut);
            let _ = sound.fragment(&written);
        }
    }
}
