//! Segments that are encrypted whole, as HLS's `AES-128` has them: B24.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::time::Duration;

use cenc::{AesCipher, Scheme, decrypt_whole, derive_cek, derive_kid};
use origin::{Encryption, FilmKeys, ReadAt, WholeFilm, WholeKeys};
use pack::layout::WholePart;
use packager::Rotation;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::film::{Clear, common, demo, encryption};

fn laid_out(clear: &Clear, encryption: &Encryption) -> WholeFilm {
    let keys = WholeKeys::derive(&clear.source, encryption, &common()).unwrap();
    WholeFilm::plan(&clear.source, keys).unwrap()
}

/// A file of which nothing is there but a range.
struct Only<'a> {
    file: &'a File,
    range: Range<u64>,
}

impl ReadAt for Only<'_> {
    fn read_at(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        assert!(self.range == (offset..offset + out.len() as u64), "it says what it reads");
        self.file.read_at(offset, out)
    }
}

fn read(clear: &Clear, film: &WholeFilm, r: usize, part: WholePart, range: Range<u64>) -> Vec<u8> {
    let (mut reader, mut all) = (film.read(r, part, range).unwrap(), Vec::new());
    while let Some(clear_range) = reader.clear_range() {
        let file = Only { file: &clear.files[r], range: clear_range };
        let bytes = reader.next(&file).unwrap().expect("there is more to be read");
        assert!(bytes.len() <= 256 * 1024 + 16, "memory holds a part");
        all.extend(bytes);
    }
    assert!(reader.next(&clear.files[r]).unwrap().is_none());
    all
}

/// Init segments and segments give the clear file back, under keys and IVs that the names alone tell; what
/// stands in a clear lead is sent as it is. No IV is used twice.
#[test]
fn whole_segments_give_the_clear_film_back() {
    let clear = Clear::new(&[demo(240), demo(360)]);
    let plain = encryption(Scheme::Cenc);
    let rotated = Encryption {
        rotate: Some(Rotation::Segments(2)),
        clear_lead: Duration::from_secs(4),
        ..encryption(Scheme::Cbcs)
    };
    for (encryption, lead) in [(plain, 0), (rotated, 2)] {
        let film = laid_out(&clear, &encryption);
        let label = "main/aes128".parse().unwrap();
        let (mut ivs, names) = (Vec::new(), film.pack.protection.as_ref().unwrap());
        for (n, r) in film.pack.representations.iter().enumerate() {
            let source = &clear.source.pack.representations[n];
            let file = std::fs::read(clear.folder.path().join("film").join(&source.path)).unwrap();
            let init = read(&clear, &film, n, WholePart::Init, 0..u64::MAX);
            assert!(init == file[..usize::try_from(source.init_range.last).unwrap() + 1]);
            assert!(r.segments.len() > 2);
            for (number, (segment, of)) in r.segments.iter().zip(&source.segments).enumerate() {
                let part = WholePart::Segment(u32::try_from(number).unwrap());
                let mut bytes = read(&clear, &film, n, part, 0..u64::MAX);
                assert_eq!((bytes.len() as u64, film.size(n, part)), (segment.size, Some(segment.size)));
                let (from, to) = (of.offset as usize, (of.offset + of.size) as usize);
                match film.iv(n, number) {
                    None => assert!(number < lead && bytes == file[from..to]),
                    Some(iv) => {
                        assert!(number >= lead && bytes[..16] != file[from..from + 16]);
                        let period = if lead == 0 { 0 } else { number as u32 / 2 };
                        let content = &encryption.content_id;
                        let key = derive_cek(&common(), content, &label, period);
                        let kid = derive_kid(&common(), content, &label, period);
                        assert!(names.keys.iter().any(|key| key.kid == kid && key.period == period));
                        decrypt_whole(&AesCipher::new(&key), iv, &mut bytes).unwrap();
                        assert!(bytes == file[from..to], "{n}, {number}");
                        ivs.push(iv);
                    }
                }
            }
            assert!(film.read(n, WholePart::Segment(r.segments.len() as u32), 0..1).is_none());
        }
        let used = ivs.len();
        ivs.sort_unstable();
        ivs.dedup();
        assert_eq!(ivs.len(), used);
        // The keys of samples are others: who is given one of these opens nothing else.
        let samples = FilmKeys::derive(&clear.source, &encryption, &common()).unwrap();
        let kids = |keys: &[pack::PackKey]| keys.iter().map(|key| key.kid).collect::<Vec<_>>();
        assert!(kids(&samples.names().keys).iter().all(|kid| !kids(&names.keys).contains(kid)));
        assert_ne!(samples.pack_id(), film.pack.pack_id);
    }
}

#[test]
fn any_range_of_a_whole_segment() {
    let clear = Clear::new(&[demo(360)]);
    let film = laid_out(&clear, &encryption(Scheme::Cenc));
    let part = WholePart::Segment(1);
    let whole = read(&clear, &film, 0, part, 0..u64::MAX);
    let mut runner = TestRunner::new(Config { failure_persistence: None, ..Config::with_cases(100) });
    let equal = |(first, len): (prop::sample::Index, usize)| {
        let first = first.index(whole.len());
        let end = (first + len).min(whole.len());
        let made = read(&clear, &film, 0, part, first as u64..(first + len) as u64);
        prop_assert!(made == whole[first..end], "{}..{}", first, end);
        Ok(())
    };
    runner.run(&(any::<prop::sample::Index>(), 0usize..400_000), equal).unwrap();
    // A source that was cut ends the answer, and never pads it.
    let cut =
        &std::fs::read(clear.folder.path().join("film").join(&clear.source.pack.representations[0].path))
            .unwrap()[..clear.source.pack.representations[0].segments[1].offset as usize + 100];
    assert!(film.read(0, part, 0..u64::MAX).unwrap().next(cut).is_err());
}
