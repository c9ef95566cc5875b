//! Packages as the packager makes them: what `pack.json` says is what each file's `sidx` says.

use crate::checker;
use crate::films::token;
use cenc::{CommonKey, ContentId, Label};
use isobmff::{Boxes, Fragment, InitSegment, SegmentIndex};
use manifest::{Delivery, dash, hls};
use packager::{Destination, Keys, PackageOptions, package};
use std::path::Path;

fn media(file: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../media/demo").join(file)
}

/// What is named of a segment: its first `moof`, and of the `mdat` the first sample.
fn ends_with_its_first_sample(file: &[u8], (offset, length): (u64, u64)) {
    let init = InitSegment::parse(file).unwrap();
    let fragment = &file[offset as usize..];
    let moof = Boxes::new(fragment).next().unwrap().unwrap();
    assert_eq!(moof.kind, b"moof");
    let moof = Fragment::parse(fragment, offset, &init).unwrap();
    let first = moof.tracks()[0].samples().next().unwrap().unwrap();
    assert!(first.is_sync());
    assert_eq!(first.offset + u64::from(first.size), length);
}

#[test]
fn ranges_and_durations_are_those_of_the_index() {
    for protected in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let common: CommonKey = "000102030405060708090a0b0c0d0e0f".parse().unwrap();
        let keys = Keys::derived(common, "k1".to_owned(), ContentId::of_movie(7), Label::default());
        let inputs = vec![media("240p.mp4"), media("720p.mp4")];
        let to = Destination::Directory(folder.path().join("pack"));
        let mut options = PackageOptions::new(inputs, 7, protected.then_some(keys), to);
        options.scheme = if protected { pack::Scheme::Cenc } else { pack::Scheme::None };
        let published = package(&options, &mut ()).unwrap();
        let pack = &published.pack;
        checker::master(&hls::master(pack, &Delivery::new(&token)));
        let mpd = dash::mpd(pack, &Delivery::new(&token));
        for r in &pack.representations {
            let octets = std::fs::read(published.directory.join(&r.path)).unwrap();
            let text = hls::media(pack, &r.downloadable_id, &Delivery::new(&token)).unwrap();
            let playlist = checker::media(&text, octets.len() as u64);
            let at = r.index_range.first as usize..=r.index_range.last as usize;
            let sidx = Boxes::new(&octets[at]).next().unwrap().unwrap();
            let index = SegmentIndex::parse(&sidx).unwrap();
            let mut offset = r.index_range.last + 1 + index.first_offset;
            assert_eq!(playlist.segments.len(), index.references.len());
            for (segment, reference) in playlist.segments.iter().zip(&index.references) {
                let size = u64::from(reference.size);
                assert_eq!(segment.range, Some((offset, size)));
                let duration = f64::from(reference.duration) / f64::from(index.timescale);
                assert!((segment.duration - duration).abs() < 1e-6);
                assert!(reference.starts_with_sap && reference.sap_type == 1, "what the MPD says of SAPs");
                assert_eq!(segment.keys.len(), usize::from(protected));
                offset += size;
            }
            assert_eq!(offset, octets.len() as u64, "the playlist reaches to the file's end");
            let pictures = hls::i_frames(pack, &r.downloadable_id, &Delivery::new(&token));
            assert_eq!(pictures.is_some(), r.media_type == pack::MediaType::Video);
            if let Some(pictures) = pictures {
                let pictures = checker::media(&pictures, octets.len() as u64);
                assert_eq!(pictures.segments.len(), playlist.segments.len());
                for (picture, segment) in pictures.segments.iter().zip(&playlist.segments) {
                    assert_eq!((picture.duration, &picture.keys), (segment.duration, &segment.keys));
                    ends_with_its_first_sample(&octets, picture.range.unwrap());
                }
            }
            let index = format!("timescale=\"{}\" indexRange=\"{}\"", index.timescale, r.index_range);
            assert!(mpd.contains(&index), "{mpd}");
        }
    }
}
