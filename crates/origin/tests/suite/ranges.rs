//! What the origin answers is what the packager's file has there: B22, B34.

use std::process::Command;

use cenc::{CommonKey, Scheme};
use origin::{FilmKeys, Piece, SourceIndex};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::film::{Clear, common, demo, encryption, has_ffmpeg, settings, without_digests};

/// B34: whole files, `pack.json` and random ranges of each representation, under each of the settings.
#[test]
fn b34_every_range_is_the_packagers() {
    let clear = Clear::new(&[demo(240), demo(360)]);
    let mut runner = TestRunner::new(Config { failure_persistence: None, ..Config::with_cases(400) });
    for encryption in settings() {
        let (pack, files) = clear.packaged(&encryption);
        let film = clear.encrypted(&encryption);
        assert_eq!(film.pack, without_digests(pack), "{encryption:?}");
        for (n, file) in files.iter().enumerate() {
            assert_eq!(film.tracks[n].size(), file.len() as u64);
            assert!(clear.range(&film, n, 0..u64::MAX) == *file, "{encryption:?}, {n}");
        }
        let ranges = (0..files.len(), any::<prop::sample::Index>(), 0usize..300_000);
        let equal = |(n, first, len): (usize, prop::sample::Index, usize)| {
            let file: &Vec<u8> = &files[n];
            let first = first.index(file.len());
            let end = (first + len).min(file.len());
            let made = clear.range(&film, n, first as u64..(first + len) as u64);
            prop_assert!(made == file[first..end], "{}..{} of {}", first, end, n);
            Ok(())
        };
        runner.run(&ranges, equal).unwrap();
    }
}

/// Random ranges, in all.
const RANGES: usize = 10_000;

/// Numbers that look like chance, and are the same for the same seed (SplitMix64).
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// The first and the last byte of a range of a file whose pieces begin at these places, the last place
    /// being its end. Half of all bounds lie at, before or behind the beginning of a piece.
    fn range(&mut self, borders: &[u64]) -> (u64, u64) {
        let size = borders[borders.len() - 1];
        let place = |this: &mut Self| match this.below(2) {
            0 => this.below(size),
            _ => {
                let border = borders[this.below(borders.len() as u64) as usize];
                (border + this.below(3)).saturating_sub(1).min(size - 1)
            }
        };
        let first = place(self);
        let last = match self.below(16) {
            0..4 => first,
            4 => place(self),
            _ => first + self.below(60_000),
        };
        (first.min(last), first.max(last).min(size - 1))
    }
}

/// B34: ten thousand ranges of video and sound, of both schemes, equal the packager's file: the first byte,
/// the last one, over and beside the borders of pieces, anywhere. `RANGES_SEED` repeats a run.
#[test]
fn b34_ten_thousand_ranges_are_the_packagers() {
    let clock = || std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_nanos() as u64;
    let seed = std::env::var("RANGES_SEED").map_or_else(|_| clock(), |seed| seed.parse().unwrap());
    println!("RANGES_SEED={seed}");
    let mut chance = Chance(seed);
    let clear = Clear::new(&[demo(240)]);
    let (mut compared, mut over_borders) = (0, 0);
    for scheme in [Scheme::Cenc, Scheme::Cbcs] {
        let (_, files) = clear.packaged(&encryption(scheme));
        let film = clear.encrypted(&encryption(scheme));
        for (n, file) in files.iter().enumerate() {
            let borders: Vec<u64> = std::iter::once(0)
                .chain(film.tracks[n].pieces(0..u64::MAX).scan(0, |end, piece| {
                    *end += piece.len() as u64;
                    Some(*end)
                }))
                .collect();
            let size = file.len() as u64;
            assert_eq!(borders.last(), Some(&size));
            let mut compare = |(first, last): (u64, u64)| {
                let made = clear.range(&film, n, first..last + 1);
                assert!(
                    made == file[first as usize..=last as usize],
                    "seed {seed}, {scheme:?}, track {n}: bytes {first}-{last} of {size}"
                );
                over_borders += usize::from(borders.iter().any(|border| (first + 1..=last).contains(border)));
                compared += 1;
            };
            let edges = [(0, 0), (size - 1, size - 1), (0, size - 1)];
            edges.into_iter().for_each(&mut compare);
            for border in &borders[1..borders.len() - 1] {
                [(border - 1, *border), (*border, *border), (border - 1, border - 1)]
                    .into_iter()
                    .for_each(&mut compare);
            }
            for _ in 0..RANGES / 4 {
                compare(chance.range(&borders));
            }
        }
    }
    assert!(compared >= RANGES && over_borders > 1000, "{compared} ranges, {over_borders} over borders");
}

/// The codecs whose headers are read in other ways.
#[test]
fn other_codecs_are_the_packagers_too() {
    if !has_ffmpeg() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    for (name, args) in [
        ("hevc.mp4", "-c:v libx265 -x265-params keyint=20:open-gop=0:log-level=none -tag:v hvc1"),
        ("vp9.mp4", "-c:v libvpx-vp9 -g 20 -deadline realtime -cpu-used 8"),
        ("av1.mp4", "-c:v libaom-av1 -g 20 -usage realtime -cpu-used 8"),
    ] {
        let path = dir.path().join(name);
        let input = "-v error -f lavfi -i testsrc2=size=320x180:rate=10:duration=8";
        let command = format!("{input} {args} -pix_fmt yuv420p");
        let made = Command::new("ffmpeg").args(command.split(' ')).arg(&path).status().unwrap();
        assert!(made.success(), "{name}");
        let clear = Clear::new(&[path]);
        for encryption in settings() {
            let (pack, files) = clear.packaged(&encryption);
            let film = clear.encrypted(&encryption);
            assert_eq!(film.pack, without_digests(pack), "{name}");
            assert!(clear.range(&film, 0, 0..u64::MAX) == files[0], "{name}, {encryption:?}");
        }
    }
}

/// A range reads the samples of the fragments that it touches and nothing else, and its first piece is there
/// before the others are made.
#[test]
fn a_range_touches_its_own_fragments_only() {
    let clear = Clear::new(&[demo(240)]);
    let film = clear.encrypted(&encryption(Scheme::Cenc));
    let segment = film.pack.representations[0].segments[3];
    let range = segment.offset + 10..segment.offset + segment.size;
    let pieces: Vec<Piece> = film.tracks[0].pieces(range.clone()).collect();
    assert!((2..=4).contains(&pieces.len()), "{pieces:?}");
    assert_eq!(pieces.iter().map(|piece| piece.len() as u64).sum::<u64>(), range.end - range.start);
    // The rest of the file is gone, and it is not missed.
    let r = &clear.source.pack.representations[0];
    let mut bytes = std::fs::read(clear.folder.path().join("film").join(&r.path)).unwrap();
    let own = r.segments[3].offset as usize..(r.segments[3].offset + r.segments[3].size) as usize;
    bytes[..own.start].fill(0);
    bytes.truncate(own.end);
    let made = pieces.iter().map(|piece| film.tracks[0].read(&clear.indexes[0], &bytes, piece).unwrap());
    assert!(made.flatten().collect::<Vec<_>>() == clear.range(&film, 0, range));
}

/// B74: another common key, content id or scheme makes another pack; equal ones make the same.
#[test]
fn b74_revisions_follow_from_keys() {
    let clear = Clear::new(&[demo(240)]);
    let derive = |encryption, common: &CommonKey| {
        FilmKeys::derive(&clear.source, &encryption, common).unwrap().revision()
    };
    let mut all: Vec<_> = settings().into_iter().map(|encryption| derive(encryption, &common())).collect();
    all.push(derive(encryption(Scheme::Cenc), &CommonKey::new([9; 16])));
    assert_eq!(derive(encryption(Scheme::Cenc), &common()), all[0]);
    let form = |text: &String| {
        text.len() == 9 && text.starts_with('r') && text[1..].bytes().all(|b| b.is_ascii_hexdigit())
    };
    assert!(all.iter().all(form), "{all:?}");
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 5);
}

/// An index file says the same; a damaged one, or another film's, says nothing.
#[test]
fn indexes_are_kept() {
    let clear = Clear::new(&[demo(240)]);
    for (r, index) in clear.source.pack.representations.iter().zip(&clear.indexes) {
        let bytes = index.to_bytes(r);
        assert_eq!(SourceIndex::from_bytes(&bytes, r).unwrap(), *index);
        assert!(index.memory() < 40 * 1024 + index.memory() / 2 + 60 * r.samples as usize);
        for at in [0, 9, 20, bytes.len() / 2, bytes.len() - 1] {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1;
            assert!(SourceIndex::from_bytes(&damaged, r).is_err(), "{at}");
        }
        let other = pack::Representation { sha256: "00".repeat(32), ..r.clone() };
        assert!(SourceIndex::from_bytes(&bytes, &other).is_err());
        assert!(SourceIndex::from_bytes(&bytes[..bytes.len() - 1], r).is_err());
    }
}

proptest! {
    #[test]
    fn arbitrary_bytes_are_no_index(data: Vec<u8>) {
        let json = br#"{"id": "a-en-1", "downloadable_id": "1811192541", "path": "541/1811192541.mp4",
            "media_type": "audio", "mime_type": "audio/mp4", "codecs": "mp4a.40.2", "group": "a-en-1",
            "timescale": 48000, "bitrate": 96, "peak_bandwidth": 97000, "language": "en", "size": 96000, "sha256": "",
            "init_range": "0-799", "index_range": "800-899", "max_segment": 48000, "samples": 375,
            "protected_samples": 0, "segments": []}"#;
        let r: pack::Representation = serde_json::from_slice(json).unwrap();
        prop_assert!(SourceIndex::from_bytes(&data, &r).is_err());
    }
}
