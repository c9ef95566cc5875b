//! The demo film, packaged as a ladder and read back by ffmpeg, which shares no code with us.

use std::collections::HashSet;
use std::fs;

use crate::common::*;
use isobmff::{Boxes, Fragment, InitSegment, SegmentIndex};
use pack::MediaType;
use packager::{decrypt, inspect};

/// A24, A81, B23, B24: with the key every frame of every representation is the source's, without it none is.
#[test]
fn frames_are_the_sources_with_the_key_only() {
    if !has_ffmpeg() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let published = packaged(&demo_ladder(), &dir.path().join("pack"));
    for (n, source) in demo_ladder().iter().enumerate() {
        let path = file(&published, MediaType::Video, n);
        // One hash a frame, made when the film was made; 24 frames a second.
        let hashes = fs::read_to_string(source.with_extension("framehash")).unwrap();
        let frame = |(n, hash): (usize, &str)| Frame { time: n as f64 / 24.0, hash: hash.to_owned() };
        let expected: Vec<_> = hashes.lines().enumerate().map(frame).collect();
        assert_eq!(expected.len(), 1440);
        let (got, complaints) = frames(&path, "0:v:0", Some(&key_hex()));
        assert_eq!(complaints, "");
        assert_same_frames(&expected, &got, ffmpeg_shift(&path));
        let mut times: Vec<_> = samples(&path).iter().map(|sample| sample.0).collect();
        times.sort_by(f64::total_cmp);
        assert!(times.iter().zip(&expected).all(|(time, frame)| (time - frame.time).abs() < 0.000_1));
        if n == 0 {
            let (without, complaints) = frames(&path, "0:v:0", None);
            let right: HashSet<_> = expected.iter().map(|frame| &frame.hash).collect();
            assert!(!without.iter().any(|frame| right.contains(&frame.hash)), "decodable without the key");
            assert_ne!(complaints, "");
        }
    }
    let (expected, _) = frames(&demo(240), "0:a:0", None);
    let (got, complaints) = frames(&file(&published, MediaType::Audio, 0), "0:a:0", Some(&key_hex()));
    assert_eq!(complaints, "");
    assert_same_frames(&expected, &presented(got), 0.0);
}

/// B34: packaging twice gives equal bytes, in all files.
#[test]
fn packaging_is_deterministic() {
    let dir = tempfile::tempdir().unwrap();
    let [a, b] = ["a", "b"].map(|name| packaged(&demo_ladder(), &dir.path().join(name)));
    assert_eq!(a.pack, b.pack);
    for representation in &a.pack.representations {
        let [a, b] =
            [&a, &b].map(|published| fs::read(published.directory.join(&representation.path)).unwrap());
        assert!(a == b, "{}", representation.id);
    }
    assert_eq!(
        fs::read(a.directory.join("pack.json")).unwrap(),
        fs::read(b.directory.join("pack.json")).unwrap()
    );
}

/// B27: no two samples of the ladder share an (IV, counter) under one KID. Reads every sample of the files as
/// written, and counts blocks one by one.
#[test]
fn no_counter_is_used_twice_over_the_ladder() {
    let dir = tempfile::tempdir().unwrap();
    let published = packaged(&demo_ladder(), &dir.path().join("pack"));
    let mut used: HashSet<([u8; 16], Vec<u8>, u64)> = HashSet::new();
    let mut samples = 0;
    for representation in &published.pack.representations {
        let data = fs::read(published.directory.join(&representation.path)).unwrap();
        let init = InitSegment::parse(&data).unwrap();
        for moof in Boxes::new(&data).map(Result::unwrap).filter(|found| found.kind == b"moof") {
            let fragment = Fragment::parse(&data[moof.offset..], moof.offset as u64, &init).unwrap();
            for sample in fragment.tracks()[0].samples() {
                let sample = sample.unwrap();
                let crypto = sample.crypto.unwrap();
                assert_eq!(crypto.iv.len(), 8);
                let protected: u64 = match crypto.subsamples.is_empty() {
                    true => sample.size.into(),
                    false => crypto.subsamples.map(|(_, protected)| u64::from(protected)).sum(),
                };
                for block in 0..protected.div_ceil(16) {
                    assert!(used.insert((*crypto.kid(), crypto.iv.to_vec(), block)), "{}", representation.id);
                }
                samples += 1;
            }
        }
        assert_eq!(inspect(&published.directory.join(&representation.path)).unwrap().reused_counters, 0);
    }
    assert_eq!(samples, 3 * 1440 + 2814);
}

/// docs/protocol.md, section 9: `ftyp moov sidx (moof mdat)*`; segments of 4 s at sync samples; fragments of
/// a second; ranges and sizes in `pack.json` are those of the file.
#[test]
fn layout_of_files_and_pack_json() {
    let dir = tempfile::tempdir().unwrap();
    let published = packaged(&demo_ladder(), &dir.path().join("pack"));
    let pack = &published.pack;
    assert_eq!(packager::read_pack(&published.directory).unwrap(), *pack);
    assert!((pack.duration.seconds() - 60.0).abs() < 0.05, "{}", pack.duration);
    assert_eq!(pack.representations.len(), 4);
    // It names the content: who changes the bytes of packages on purpose changes it here.
    assert_eq!(pack.pack_id, "8d7d59937a2b38424f4a46bebcbe68e9");
    for representation in &pack.representations {
        let id = &representation.downloadable_id;
        assert_eq!(representation.path, format!("{}/{id}.mp4", &id[7..]));
        let data = fs::read(published.directory.join(&representation.path)).unwrap();
        let boxes: Vec<_> = Boxes::new(&data).map(Result::unwrap).collect();
        let kinds: String = boxes.iter().map(|found| format!("{} ", found.kind)).collect();
        assert_eq!(kinds, "ftyp moov sidx ".to_owned() + &"moof mdat ".repeat((boxes.len() - 3) / 2));
        assert_eq!(representation.size, data.len() as u64);
        let (init, index) = (representation.init_range, representation.index_range);
        assert_eq!((init.first, init.last as usize + 1), (0, boxes[2].offset));
        assert_eq!((index.first, index.last as usize + 1), (init.last + 1, boxes[3].offset));

        let parsed = InitSegment::parse(&data).unwrap();
        let sidx = SegmentIndex::parse(&boxes[2]).unwrap();
        assert_eq!(sidx.references.len(), 15);
        assert_eq!(sidx.earliest_presentation_time, 0);
        let timescale = f64::from(representation.timescale);
        let mut offset = index.last + 1;
        let mut start = 0;
        for (reference, segment) in sidx.references.iter().zip(&representation.segments) {
            assert_eq!(
                (segment.offset, segment.size, segment.start),
                (offset, u64::from(reference.size), start)
            );
            assert_eq!(segment.duration, u64::from(reference.duration));
            assert!((segment.duration as f64 / timescale - 4.0).abs() < 0.05);
            assert!(reference.starts_with_sap && reference.sap_type == 1);
            let at = offset as usize;
            let fragment = Fragment::parse(&data[at..], offset, &parsed).unwrap();
            assert!(fragment.tracks()[0].samples().next().unwrap().unwrap().is_sync());
            offset += segment.size;
            start += segment.duration;
        }
        assert_eq!(offset, data.len() as u64);
        assert_eq!(representation.max_segment, representation.segments.iter().map(|s| s.size).max().unwrap());
        // Fragments of a second: four a segment.
        assert_eq!(boxes.iter().filter(|found| found.kind == b"moof").count(), 60);
        // Every sample has protected bytes, but for pictures that hardly have any.
        let path = published.directory.join(&representation.path);
        let clear: Vec<_> = samples(&path).into_iter().filter(|sample| !sample.3).collect();
        assert!(clear.iter().all(|sample| sample.2 < 40), "{clear:?}");
        assert_eq!(representation.samples - representation.protected_samples, clear.len() as u64);
        assert_eq!(parsed.pssh.len(), 1);
        if representation.media_type == MediaType::Video {
            assert!(parsed.tracks[0].edit_list.is_empty());
        } else {
            assert_eq!(parsed.tracks[0].edit_list.len(), 1);
        }
    }
    let ids: Vec<_> = pack.representations.iter().map(|r| r.id.rsplit_once('-').unwrap().0).collect();
    assert_eq!(ids, ["v240", "v360", "v720", "a-und"]);
}

/// Our own `decrypt` gives what ffmpeg gets with the key: the same frames, from a file that needs none.
#[test]
fn decrypt_gives_a_playable_clear_file() {
    let dir = tempfile::tempdir().unwrap();
    let published = packaged(&[demo(360)], &dir.path().join("pack"));
    for (media, track) in [(MediaType::Video, "0:v:0"), (MediaType::Audio, "0:a:0")] {
        let protected = file(&published, media, 0);
        let clear = dir.path().join(format!("{media}.mp4"));
        let done = decrypt(&protected, &[kid_and_key()], Some(&clear), &mut ()).unwrap();
        assert_eq!(done.samples, done.protected_samples);
        assert_eq!(fs::metadata(&clear).unwrap().len(), fs::metadata(&protected).unwrap().len());
        let report = inspect(&clear).unwrap();
        assert!(report.pssh.is_empty() && report.tracks[0].scheme.is_none());
        assert_eq!(report.tracks[0].samples, done.samples);
        if has_ffmpeg() {
            let (expected, _) = frames(&protected, track, Some(&key_hex()));
            let (got, complaints) = frames(&clear, track, None);
            assert_eq!(complaints, "");
            assert_eq!(got, expected);
        }
    }
    let wrong = cenc::KidAndKey { kid: cenc::Kid([0; 16]), cek: cenc::Cek::new([0; 16]) };
    let target = dir.path().join("no.mp4");
    let error =
        decrypt(&file(&published, MediaType::Video, 0), &[wrong], Some(&target), &mut ()).unwrap_err();
    assert_eq!(error.to_string(), format!("no key given for KID {}", keys().kid()));
    assert!(!target.exists());
}
