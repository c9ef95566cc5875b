//! Key rotation and clear lead: what the files say, that others read them, and that the keys give the source
//! back.

use std::fs;
use std::path::Path;
use std::time::Duration;

use crate::common::*;
use cenc::{ContentId, Kid, KidAndKey, Label};
use isobmff::{Boxes, Fragment, InitSegment};
use pack::{Fraction, MediaType, Scheme};
use packager::{Keys, PackageOptions, Published, Rotation, decrypt, inspect, package, read_pack};

const TRACKS: [(MediaType, &str, &str); 2] =
    [(MediaType::Video, "video", "0:v:0"), (MediaType::Audio, "audio", "0:a:0")];

/// The demo film: 15 segments of 4 s.
fn rotated(scheme: Scheme, rotate: Option<Rotation>, lead: u64, to: &Path) -> Published {
    let options = PackageOptions {
        scheme,
        rotate,
        clear_lead: Duration::from_secs(lead),
        ..options(&[demo(240), demo(360)], to)
    };
    package(&options, &mut ()).unwrap()
}

fn key(period: u32) -> KidAndKey {
    let (kid, cek) = keys().of_period(period).unwrap();
    KidAndKey { kid, cek }
}

fn all_keys() -> Vec<KidAndKey> {
    (0..8).map(key).collect()
}

fn hex_of(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

/// B64: the KID changes every N segments, at the same segments in all tracks; default_KID is period 0's; all
/// are in `pssh` and, with their start, in `pack.json`; no counter is used twice (B27); packaging again gives
/// the same bytes (B34).
#[test]
fn b64_keys_change_with_the_segments() {
    let dir = tempfile::tempdir().unwrap();
    let published = rotated(Scheme::Cenc, Some(Rotation::Segments(2)), 0, &dir.path().join("a"));
    let again = rotated(Scheme::Cenc, Some(Rotation::Time(Duration::from_secs(9))), 0, &dir.path().join("b"));
    assert_eq!(published.pack, again.pack, "9 s are two segments");
    assert_eq!(read_pack(&published.directory).unwrap(), published.pack);
    let protection = published.pack.protection.as_ref().unwrap();
    let kids: Vec<Kid> = (0..8).map(|period| keys().of_period(period).unwrap().0).collect();
    assert_eq!(protection.keys.iter().map(|key| key.kid).collect::<Vec<_>>(), kids);
    assert_eq!((protection.segments_per_key, protection.clear_segments), (2, 0));
    for (n, key) in protection.keys.iter().enumerate() {
        assert_eq!((key.period, key.start.seconds()), (n as u32, 8.0 * n as f64));
    }
    for (n, representation) in published.pack.representations.iter().enumerate() {
        let path = published.directory.join(&representation.path);
        assert!(
            fs::read(&path).unwrap() == fs::read(again.directory.join(&representation.path)).unwrap(),
            "{}",
            representation.id
        );
        let report = inspect(&path).unwrap();
        assert_eq!((report.reused_counters, report.pssh.len()), (0, 1));
        assert_eq!(report.pssh[0].kids, kids.iter().map(Kid::to_string).collect::<Vec<_>>());
        assert_eq!(report.pssh[0].matinee.as_ref().unwrap().kids, report.pssh[0].kids);
        let track = &report.tracks[0];
        assert_eq!(track.keys.iter().map(|key| key.kid).collect::<Vec<_>>(), kids, "track {n}");
        for (period, run) in track.segments.iter().enumerate() {
            assert_eq!((run.first, run.last), (2 * period, (2 * period + 1).min(14)));
            assert_eq!((&run.kids[..], run.samples), (&kids[period..=period], track.keys[period].samples));
        }
        assert_eq!(track.segments.len(), 8);
        // The IVs continue over the borders.
        let number = |iv: &str| u64::from_str_radix(iv, 16).unwrap();
        for pair in track.keys.windows(2) {
            assert_eq!(number(&pair[0].last_iv).wrapping_add(1), number(&pair[1].first_iv));
        }
        let text = report.to_string();
        assert!(text.contains(&format!("segments 2 to 3: KID {}", kids[1])), "{text}");
        let init = InitSegment::parse(&fs::read(&path).unwrap()).unwrap();
        assert_eq!(init.tracks[0].entries[0].protection.unwrap().encryption.kid, kids[0].0);
    }
}

/// The boxes of a rotated fragment, octet by octet, as Shaka Packager writes them; those of period 0 have
/// none.
#[test]
fn group_boxes_are_as_the_standard_has_them() {
    let dir = tempfile::tempdir().unwrap();
    for (scheme, entry) in [
        (Scheme::Cenc, format!("00000014 00000001 00 00 01 08 {}", key(1).kid)),
        (Scheme::Cbcs, format!("00000025 00000001 00 19 01 00 {} 10 IV", key(1).kid)),
    ] {
        let published = rotated(scheme, Some(Rotation::Segments(2)), 0, &dir.path().join(scheme.to_string()));
        let video = &published.pack.representations[0];
        let data = fs::read(published.directory.join(&video.path)).unwrap();
        let fragment = |segment: usize| {
            let moof = Boxes::new(&data[video.segments[segment].offset as usize..]).next().unwrap().unwrap();
            let traf = moof.required(b"traf").unwrap();
            let payload = |kind: &[u8; 4]| traf.child(kind).unwrap().map(|found| hex_of(found.payload));
            (payload(b"sgpd"), payload(b"sbgp"), traf.required(b"trun").unwrap().payload[4..8].to_vec())
        };
        assert!(matches!(fragment(1), (None, None, _)));
        let (sgpd, sbgp, samples) = fragment(2);
        let entry = entry.replace("IV", &video.ivs.as_ref().unwrap().first).replace(' ', "");
        assert_eq!(sgpd.unwrap(), format!("01000000{}{entry}", hex_of(b"seig")));
        let group = format!("00000000{}00000001{}00010001", hex_of(b"seig"), hex_of(&samples));
        assert_eq!(sbgp.unwrap(), group);
    }
}

/// B64, B65: with all keys every frame is the source's, whatever the scheme, the lead and the reader, we or
/// ffmpeg; with a key missing nothing is written. (Shaka Packager decrypts rotated files with the first key
/// only, its own as well.)
#[test]
fn rotated_files_decrypt_to_the_source() {
    let dir = tempfile::tempdir().unwrap();
    for (scheme, lead) in [(Scheme::Cenc, 0), (Scheme::Cbcs, 0), (Scheme::Cenc, 12)] {
        let folder = dir.path().join(format!("{scheme}-{lead}"));
        let published = rotated(scheme, Some(Rotation::Segments(2)), lead, &folder);
        for (media, stream, track) in TRACKS {
            let path = file(&published, media, 0);
            let clear = folder.join(format!("{stream}.mp4"));
            let done = decrypt(&path, &all_keys(), Some(&clear), &mut ()).unwrap();
            let report = inspect(&path).unwrap();
            let protected = report.tracks[0].protected_samples;
            assert_eq!((done.samples, done.protected_samples), (report.tracks[0].samples, protected));
            let some: Vec<_> = all_keys().into_iter().filter(|k| k.kid != key(5).kid).collect();
            let error = decrypt(&path, &some, Some(&folder.join("no.mp4")), &mut ()).unwrap_err();
            assert_eq!(error.to_string(), format!("no key given for KID {}", key(5).kid));
            assert!(!folder.join("no.mp4").exists());
            if !has_ffmpeg() {
                continue;
            }
            let (expected, _) = frames(&demo(240), track, None);
            let (got, complaints) = frames(&clear, track, None);
            assert_eq!(complaints, "");
            assert_same_frames(&expected, &presented(got), ffmpeg_shift(&clear));
            if media != MediaType::Video || lead > 0 {
                continue;
            }
            // ffmpeg takes one key for all of a file: with each it finds the pictures of that period.
            let shift = ffmpeg_shift(&path);
            for period in [0, 3, 7] {
                let (got, _) = frames(&path, track, Some(&hex_of(key(period).cek.expose())));
                let inside = |time: f64| {
                    let start = 8.0 * f64::from(period);
                    (start - 0.001..start + 7.999).contains(&time)
                };
                let hashes = |frames: &[Frame], shift: f64| {
                    let inside = frames.iter().filter(|frame| inside(frame.time - shift));
                    inside.map(|frame| frame.hash.clone()).collect::<Vec<_>>()
                };
                let wanted = hashes(&expected, 0.0);
                assert_eq!(wanted.len(), if period == 7 { 96 } else { 192 });
                assert!(hashes(&got, shift) == wanted, "{scheme}: pictures of period {period}");
            }
        }
    }
}

/// docs/protocol.md, section 9: the clear lead's fragments name a second, clear sample entry and have no
/// auxiliary information; ffmpeg plays the file with the key, and the lead alone without it; the IVs of the
/// lead are counted.
#[test]
fn clear_lead_has_an_entry_of_its_own() {
    let dir = tempfile::tempdir().unwrap();
    for scheme in [Scheme::Cenc, Scheme::Cbcs] {
        let published = rotated(scheme, None, 7, &dir.path().join(scheme.to_string()));
        assert_eq!(published.pack.protection.as_ref().unwrap().clear_segments, 2, "7 s are not one segment");
        for (media, stream, track) in TRACKS {
            let path = file(&published, media, 0);
            let data = fs::read(&path).unwrap();
            let init = InitSegment::parse(&data).unwrap();
            let kinds: Vec<_> = init.tracks[0].entries.iter().map(|entry| entry.kind.to_string()).collect();
            assert_eq!(kinds, if stream == "video" { ["encv", "avc1"] } else { ["enca", "mp4a"] });
            let representation =
                published.pack.representations.iter().find(|r| r.media_type == media).unwrap();
            let lead_end = representation.segments[2].offset as usize;
            let mut in_lead = 0;
            for moof in Boxes::new(&data).map(Result::unwrap).filter(|found| found.kind == b"moof") {
                let fragment = Fragment::parse(&data[moof.offset..], moof.offset as u64, &init).unwrap();
                let (part, lead) = (&fragment.tracks()[0], moof.offset < lead_end);
                assert_eq!(part.description_index, if lead { 2 } else { 1 });
                assert!(part.samples().all(|sample| sample.unwrap().crypto.is_none() == lead));
                if lead {
                    in_lead += part.sample_count();
                    let traf = moof.required(b"traf").unwrap();
                    for kind in [b"senc", b"saiz", b"saio", b"sgpd"] {
                        assert!(traf.child(kind).unwrap().is_none());
                    }
                }
            }
            let report = inspect(&path).unwrap();
            let track_report = &report.tracks[0];
            assert_eq!((track_report.segments[0].last, track_report.segments[0].kids.len()), (1, 0));
            assert_eq!(track_report.segments[0].samples, u64::from(in_lead));
            assert_eq!(track_report.keys[0].samples, representation.samples - u64::from(in_lead));
            assert!(report.to_string().contains("segments 0 to 1: clear"), "{report}");
            if scheme == Scheme::Cenc {
                let base = u64::from_str_radix(&representation.ivs.as_ref().unwrap().first, 16).unwrap();
                let first = u64::from_str_radix(&track_report.keys[0].first_iv, 16).unwrap();
                assert_eq!(first.wrapping_sub(base), u64::from(in_lead));
            }
            if !has_ffmpeg() {
                continue;
            }
            let (expected, _) = frames(&demo(240), track, None);
            let (got, complaints) = frames(&path, track, Some(&key_hex()));
            assert_eq!(complaints, "");
            assert_same_frames(&expected, &presented(got), ffmpeg_shift(&path));
            let lead = dir.path().join(format!("{scheme}-{stream}-lead.mp4"));
            fs::write(&lead, &data[..lead_end]).unwrap();
            let (got, complaints) = frames(&lead, track, None);
            let got = presented(got);
            assert_eq!(complaints, "");
            assert!(got.len() + 4 > in_lead as usize, "{} of {in_lead}", got.len());
            assert!(got.iter().zip(&expected).all(|(a, b)| a.hash == b.hash));
        }
    }
}

/// A given key for each period; too few, and what makes no sense, is refused before anything is written.
#[test]
fn rotation_of_given_keys_and_refusals() {
    let dir = tempfile::tempdir().unwrap();
    let given = |n: u8| KidAndKey { kid: Kid([n; 16]), cek: cenc::Cek::new([n; 16]) };
    let with = |later: Vec<KidAndKey>| {
        let keys = Keys::given(given(0), later, ContentId::of_movie(MOVIE), Label::default());
        PackageOptions {
            keys: Some(keys),
            rotate: Some(Rotation::Segments(5)),
            ..options(&[demo(240)], &dir.path().join("given"))
        }
    };
    let refused = |options: &PackageOptions| {
        let error = package(options, &mut ()).unwrap_err().to_string();
        assert!(!dir.path().join("given").exists());
        error
    };
    assert!(refused(&with(vec![given(1)])).starts_with("fewer keys given than the rotation needs"));
    let all_clear = PackageOptions { clear_lead: Duration::from_secs(57), ..with(vec![given(1), given(2)]) };
    assert!(refused(&all_clear).starts_with("the clear lead is as long as the film"));
    let unprotected = PackageOptions { scheme: Scheme::None, keys: None, ..with(vec![]) };
    assert!(refused(&unprotected).starts_with("without encryption"));
    let published = package(&with(vec![given(1), given(2)]), &mut ()).unwrap();
    let keys = &published.pack.protection.as_ref().unwrap().keys;
    assert_eq!(keys.iter().map(|key| key.kid.0[0]).collect::<Vec<_>>(), [0, 1, 2]);
    assert_eq!(keys[1].start.seconds(), 20.0);
    assert_eq!(keys[0].start, Fraction { value: 0, timescale: 1 });
}
