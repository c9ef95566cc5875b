//! `check`: packs of every kind pass; each kind of damage is found, and named by the check that is for it.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::codecs::{has_encoder, package_as};
use crate::common::*;
use cenc::KidAndKey;
use isobmff::{Boxes, Fragment, InitSegment};
use pack::layout::PACK_JSON;
use pack::{Chapter, Pack, Scheme, SubtitleRole};
use packager::{
    CheckReport, Outcome, PackageOptions, Rotation, SubtitleSource, ThumbnailSource, check, package,
};
use sha2::{Digest, Sha256};

/// A JPEG of so many pixels in each direction, as far as its header goes.
fn jpeg(width: u16, height: u16) -> Vec<u8> {
    let mut octets = b"\xff\xd8\xff\xc0\x00\x11\x08".to_vec();
    octets.extend(height.to_be_bytes());
    octets.extend(width.to_be_bytes());
    octets.extend(b"\x03\x01\x22\x00\x02\x11\x01\x03\x11\x01\xff\xd9");
    octets
}

/// The demo film with all that a pack can have.
fn film(to: &Path, scheme: Scheme, change: impl FnOnce(&mut PackageOptions)) -> PathBuf {
    let extras = to.with_extension("extras");
    fs::create_dir_all(&extras).unwrap();
    let write = |name: &str, octets: &[u8]| {
        fs::write(extras.join(name), octets).unwrap();
        extras.join(name)
    };
    let srt = write("x.srt", b"1\n00:00:01,000 --> 00:00:02,000\nHello\n");
    let mut options = PackageOptions {
        scheme,
        subtitles: vec![SubtitleSource {
            path: srt,
            language: "en".into(),
            role: SubtitleRole::Caption,
            label: None,
            default: false,
        }],
        thumbnails: Some(ThumbnailSource {
            interval: Duration::from_secs(10),
            pictures: (0..6).map(|n| write(&format!("{n}.jpg"), &jpeg(32, 18))).collect(),
            sheets: vec![write("sheet.jpg", &jpeg(96, 36))],
            columns: 3,
            rows: 2,
        }),
        chapters: vec![Chapter { start: 0, title: "One".into() }],
        poster: Some(write("poster.jpg", &jpeg(64, 36))),
        ..options(&[demo(240), demo(360)], to)
    };
    change(&mut options);
    package(&options, &mut ()).unwrap().directory
}

fn checked(folder: &Path, keys: &[KidAndKey]) -> CheckReport {
    check(folder, keys, &mut ()).unwrap()
}

fn skipped(report: &CheckReport) -> usize {
    report.checks.iter().filter(|check| matches!(check.outcome, Outcome::Skipped { .. })).count()
}

/// Good films pass under every scheme, level and plan of keys; without keys or ffmpeg the decoding is
/// skipped, and said to be.
#[test]
fn good_packs_pass() {
    let dir = tempfile::tempdir().unwrap();
    type Change = fn(&mut PackageOptions);
    let films: [(&str, Scheme, Change); 7] = [
        ("cenc", Scheme::Cenc, |_| {}),
        ("cbcs", Scheme::Cbcs, |_| {}),
        ("none", Scheme::None, |_| {}),
        ("medium", Scheme::Cenc, |options| options.level = pack::Level::Medium),
        ("low", Scheme::Cbcs, |options| options.level = pack::Level::Low),
        ("rotation", Scheme::Cenc, |options| {
            options.rotate = Some(Rotation::Segments(4));
            options.clear_lead = Duration::from_secs(8);
        }),
        ("heights", Scheme::Cbcs, |options| {
            options.rotate = Some(Rotation::Segments(8));
            options.label_by_height = true;
        }),
    ];
    for (name, scheme, change) in films {
        let folder = film(&dir.path().join(name), scheme, change);
        let report = checked(&folder, &[]);
        assert!(report.good, "{name}:\n{report}");
        let decoded = scheme == Scheme::None && has_ffmpeg();
        assert_eq!(skipped(&report) > 0, !decoded, "{name}:\n{report}");
        // What a server puts beside.
        fs::write(folder.join("keys.sealed"), "{}").unwrap();
        assert!(checked(&folder, &[]).good);
    }
}

/// With its keys ffmpeg decodes the film; with a wrong key it complains.
#[test]
fn films_are_decoded_with_their_keys() {
    if !has_ffmpeg() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let folder = film(&dir.path().join("film"), Scheme::Cenc, |_| {});
    let report = checked(&folder, &[kid_and_key()]);
    assert!(report.good && skipped(&report) == 0, "{report}");
    let wrong = KidAndKey { kid: kid_and_key().kid, cek: cenc::Cek::new([9; 16]) };
    let report = checked(&folder, &[wrong]);
    assert!(report.found("decoding").iter().any(|what| what.contains("ffmpeg says")), "{report}");
}

/// Where the encrypted octets of a file lie.
fn encrypted(octets: &[u8]) -> Vec<std::ops::Range<usize>> {
    let moov = Boxes::new(octets).first(b"moov").unwrap().unwrap();
    let init = InitSegment::parse(&octets[moov.offset..]).unwrap();
    let mut ranges = Vec::new();
    for moof in Boxes::new(octets).map(Result::unwrap).filter(|found| found.kind == b"moof") {
        let fragment = Fragment::parse(&octets[moof.offset..], moof.offset as u64, &init).unwrap();
        for sample in fragment.tracks()[0].samples().map(Result::unwrap) {
            let Some(crypto) = &sample.crypto else { continue };
            let mut at = moof.offset + sample.offset as usize;
            for (clear, protected) in crypto.subsamples {
                at += usize::from(clear);
                ranges.push(at..at + protected as usize);
                at += protected as usize;
            }
        }
    }
    ranges
}

/// What is encrypted may look like anything: a start code, the index of a superframe, an emulation prevention
/// byte where none may be. The headers are read from what is clear. (Under some keys, films seemed wrong.)
#[test]
fn encrypted_octets_are_not_taken_for_headers() {
    let dir = tempfile::tempdir().unwrap();
    let picture = "-f lavfi -i testsrc2=s=320x240:r=25:d=1 -pix_fmt yuv420p -g 25";
    for (name, encoder, more) in [
        ("avc", "", ""),
        ("hevc.mp4", "libx265", "-preset ultrafast -x265-params log-level=none:open-gop=0"),
        ("vp9.webm", "libvpx-vp9", "-deadline realtime -cpu-used 8 -b:v 500k"),
        ("av1.mkv", "libaom-av1", "-cpu-used 8 -usage realtime"),
    ] {
        for scheme in [Scheme::Cenc, Scheme::Cbcs] {
            let to = dir.path().join(format!("{name}-{scheme}"));
            let folder = match encoder {
                "" => film(&to, scheme, |_| {}),
                _ if !has_encoder(encoder) => continue,
                _ => {
                    let source = clip(&dir.path().join(name), &format!("{picture} -c:v {encoder} {more}"));
                    package_as(&source, &to, scheme).directory
                }
            };
            for pattern in [&[0, 0, 1][..], &[0, 0, 3, 9], &[0xc0], &[0xff], &[0x12, 0]] {
                let json = serde_json::from_slice(&fs::read(folder.join(PACK_JSON)).unwrap()).unwrap();
                let mut filled = Damaged { folder: folder.clone(), json };
                for n in 0..filled.json["representations"].as_array().unwrap().len() {
                    filled.edit(n, |octets| {
                        for range in encrypted(octets) {
                            let turns = pattern.iter().cycle();
                            octets[range].iter_mut().zip(turns).for_each(|(octet, turn)| *octet = *turn);
                        }
                    });
                }
                fs::write(folder.join(PACK_JSON), filled.json.to_string()).unwrap();
                let report = checked(&folder, &[]);
                assert!(report.good, "{name} under {scheme}, filled with {pattern:x?}:\n{report}");
            }
        }
    }
}

/// A pack that is damaged on purpose; digests and sizes are put right again, so that only what is wrong is.
struct Damaged {
    folder: PathBuf,
    json: serde_json::Value,
}

impl Damaged {
    fn media(&self, n: usize) -> PathBuf {
        self.folder.join(self.json["representations"][n]["path"].as_str().unwrap())
    }

    fn edit(&mut self, n: usize, change: impl FnOnce(&mut Vec<u8>)) {
        let path = self.media(n);
        let mut octets = fs::read(&path).unwrap();
        change(&mut octets);
        self.json["representations"][n]["size"] = octets.len().into();
        self.json["representations"][n]["sha256"] = hex_of(&Sha256::digest(&octets)).into();
        fs::write(&path, octets).unwrap();
    }

    fn edit_extra(&mut self, pointer: &str, change: impl FnOnce(&mut Vec<u8>)) {
        let file = self.json.pointer_mut(pointer).unwrap();
        let path = self.folder.join(file["path"].as_str().unwrap());
        let mut octets = fs::read(&path).unwrap();
        change(&mut octets);
        file["size"] = octets.len().into();
        file["sha256"] = hex_of(&Sha256::digest(&octets)).into();
        fs::write(&path, octets).unwrap();
    }
}

fn hex_of(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

/// Where the `n`th box of a kind has its payload, anywhere in the file.
fn at(octets: &[u8], kind: &[u8; 4], n: usize) -> usize {
    octets.windows(4).enumerate().filter(|(_, window)| *window == kind).nth(n).unwrap().0 + 4
}

/// One way of damage: its name, what does it, the check that finds it, and words of what it says.
type Way = (&'static str, fn(&mut Damaged), &'static str, &'static str);

const WAYS: &[Way] = &[
    ("no pack.json", |d| d.json = serde_json::json!({"version": 2}), "pack.json", "layout version 2"),
    ("a file is missing", |d| fs::remove_file(d.media(0)).unwrap(), "files", "is missing"),
    (
        "a file too many",
        |d| fs::write(d.folder.join("thumbnails/x.tmp"), "x").unwrap(),
        "files",
        "thumbnails/x.tmp is there",
    ),
    (
        "an octet of a picture differs",
        |d| {
            let mut octets = fs::read(d.media(1)).unwrap();
            let last = octets.len() - 1;
            octets[last] ^= 1;
            fs::write(d.media(1), octets).unwrap();
        },
        "files",
        "has the SHA-256",
    ),
    (
        "a file is cut off",
        |d| {
            let octets = fs::read(d.media(0)).unwrap();
            fs::write(d.media(0), &octets[..octets.len() - 100]).unwrap();
        },
        "files",
        "octets instead of",
    ),
    (
        "a file is cut off, and pack.json agrees",
        |d| d.edit(0, |octets| octets.truncate(octets.len() - 100)),
        "boxes",
        "its `mdat` has",
    ),
    (
        "sidx has another size",
        |d| {
            d.edit(0, |octets| {
                let sidx = at(octets, b"sidx", 0);
                octets[sidx + 28 + 3 + 3] ^= 1;
            })
        },
        "index",
        "segment 0: `sidx` says",
    ),
    (
        "sidx says no access point",
        |d| {
            d.edit(0, |octets| {
                let sidx = at(octets, b"sidx", 0);
                octets[sidx + 28 + 4 + 8] = 0;
            })
        },
        "index",
        "access point",
    ),
    (
        "tfdt jumps",
        |d| {
            d.edit(0, |octets| {
                let tfdt = at(octets, b"tfdt", 3);
                octets[tfdt + 11] ^= 1;
            })
        },
        "times",
        "fragment 3: `tfdt` says",
    ),
    (
        "a segment begins elsewhere",
        |d| {
            let start = &mut d.json["representations"][1]["segments"][2]["start"];
            *start = (start.as_u64().unwrap() + 1000).into();
        },
        "ladder",
        "segment 2 of",
    ),
    (
        "the film is longer",
        |d| d.json["duration"]["value"] = (d.json["duration"]["value"].as_u64().unwrap() + 1).into(),
        "durations",
        "pack.json says that the film has",
    ),
    (
        "saiz has another size",
        |d| {
            d.edit(0, |octets| {
                let saiz = at(octets, b"saiz", 0);
                let size = if octets[saiz + 4] == 0 { saiz + 9 } else { saiz + 4 };
                octets[size] += 1;
            })
        },
        "samples",
        "`saiz` has another size",
    ),
    (
        "saio points elsewhere",
        |d| {
            d.edit(0, |octets| {
                let saio = at(octets, b"saio", 0);
                octets[saio + 11] ^= 1;
            })
        },
        "samples",
        "`saio` points to",
    ),
    (
        "other octets are encrypted",
        |d| {
            d.edit(0, |octets| {
                // The first sample's first subsample: 16 octets fewer clear, as many more encrypted.
                let first = at(octets, b"senc", 0) + 8 + 8 + 2;
                let clear = u16::from_be_bytes([octets[first], octets[first + 1]]) - 16;
                let protected = u32::from_be_bytes(octets[first + 2..first + 6].try_into().unwrap()) + 16;
                octets[first..first + 2].copy_from_slice(&clear.to_be_bytes());
                octets[first + 2..first + 6].copy_from_slice(&protected.to_be_bytes());
            })
        },
        "samples",
        "sample 0 has other octets encrypted",
    ),
    (
        "a slice's header is encrypted",
        |d| {
            let video = d.json["representations"].as_array().unwrap().iter();
            let n = video.enumerate().find(|(_, r)| r["media_type"] == "video").unwrap().0;
            d.edit(n, |octets| {
                // Of the second sample, which is one slice, the NAL unit's length and its header stay clear.
                let second = at(octets, b"senc", 0) + 8 + 8 + 2;
                let subsamples = usize::from(u16::from_be_bytes([octets[second - 2], octets[second - 1]]));
                let second = second + 6 * subsamples + 8 + 2;
                let clear = u16::from_be_bytes([octets[second], octets[second + 1]]);
                let protected = u32::from_be_bytes(octets[second + 2..second + 6].try_into().unwrap());
                let protected = protected + u32::from(clear) - 5;
                octets[second..second + 2].copy_from_slice(&5u16.to_be_bytes());
                octets[second + 2..second + 6].copy_from_slice(&protected.to_be_bytes());
            })
        },
        "samples",
        "sample 1 has other octets encrypted",
    ),
    (
        "an IV is used twice",
        |d| {
            d.edit(0, |octets| {
                // Sound's entries are IVs alone; here the third fragment has the second's.
                let senc = at(octets, b"senc", 0) + 8;
                let iv = octets[senc..senc + 8].to_vec();
                let other = at(octets, b"senc", 2) + 8;
                octets[other..other + 8].copy_from_slice(&iv);
            })
        },
        "IVs",
        "twice under KID",
    ),
    (
        "default_KID is another",
        |d| {
            d.edit(2, |octets| {
                let tenc = at(octets, b"tenc", 0);
                octets[tenc + 8] ^= 1;
            })
        },
        "keys",
        "default_KID is",
    ),
    (
        "pssh names another key",
        |d| {
            d.edit(1, |octets| {
                let pssh = at(octets, b"pssh", 0);
                octets[pssh + 24] ^= 1;
            })
        },
        "keys",
        "`pssh` lists other KIDs",
    ),
    (
        "a fragment is of another key",
        |d| {
            d.edit(0, |octets| {
                let seig = at(octets, b"sgpd", 0);
                octets[seig + 4 + 4 + 4 + 4 + 4] ^= 1;
            })
        },
        "keys",
        "is under KID",
    ),
    (
        "a sample is no sync sample",
        |d| {
            d.edit(0, |octets| {
                // The first run's `first_sample_flags`.
                let trun = at(octets, b"trun", 0);
                octets[trun + 13] |= 1;
            })
        },
        "samples",
        "no sync sample",
    ),
    (
        "a first picture that ends elsewhere",
        |d| d.json["representations"][0]["segments"][1]["first_picture"] = 9.into(),
        "index",
        "the first picture of segment 1 ends at",
    ),
    (
        "fewer samples than pack.json says",
        |d| d.json["representations"][0]["samples"] = 1.into(),
        "index",
        "the number of samples is",
    ),
    (
        "subtitles that cannot be read",
        |d| d.edit_extra("/subtitles/0/file", |text| text.extend(b"\n00:09 -> 3\nx\n")),
        "subtitles",
        "line",
    ),
    (
        "a thumbnail is no picture",
        |d| {
            d.edit_extra("/thumbnails/bif", |octets| {
                let last = octets.len() - 1 - jpeg(32, 18).len();
                octets[last + 1] = 0;
            })
        },
        "thumbnails",
        "picture 5 is no JPEG",
    ),
    (
        "a place outside of the sheet",
        |d| {
            d.edit_extra("/thumbnails/sheet_index", |text| {
                *text = String::from_utf8(text.clone()).unwrap().replace("xywh=64,18", "xywh=96,18").into();
            })
        },
        "thumbnails",
        "lies on no sheet",
    ),
    (
        "a poster that is none",
        |d| fs::write(d.folder.join("poster.jpg"), "GIF89a").unwrap(),
        "poster",
        "no JPEG",
    ),
    (
        "a chapter behind the end",
        |d| d.json["chapters"][0]["start"] = 99_000_000.into(),
        "chapters",
        "begins at 99000000 ms",
    ),
    (
        "a key for another period",
        |d| d.json["protection"]["keys"][1]["period"] = 5.into(),
        "key periods",
        "is of period 5",
    ),
];

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &to.join(entry.file_name())),
            false => drop(fs::copy(entry.path(), to.join(entry.file_name())).unwrap()),
        }
    }
}

#[test]
fn each_damage_is_found_and_named() {
    let dir = tempfile::tempdir().unwrap();
    let good = film(&dir.path().join("good"), Scheme::Cenc, |options| {
        options.rotate = Some(Rotation::Segments(8));
    });
    for (n, (name, damage, by, words)) in WAYS.iter().enumerate() {
        let folder = dir.path().join(n.to_string());
        copy(&good, &folder);
        let json = serde_json::from_slice(&fs::read(folder.join(PACK_JSON)).unwrap()).unwrap();
        let mut damaged = Damaged { folder: folder.clone(), json };
        damage(&mut damaged);
        fs::write(folder.join(PACK_JSON), damaged.json.to_string()).unwrap();
        let report = checked(&folder, &[]);
        assert!(!report.good, "{name} is not found");
        assert!(report.found(by).iter().any(|what| what.contains(words)), "{name}:\n{report}");
        fs::remove_dir_all(folder).unwrap();
    }
    assert!(checked(&good, &[]).good);
    assert!(check(&dir.path().join("nowhere"), &[], &mut ()).is_err());
}

/// Whatever octets a file has, they are read or refused; never more than what is there is taken.
#[test]
fn random_damage_never_panics() {
    let dir = tempfile::tempdir().unwrap();
    let good = film(&dir.path().join("good"), Scheme::Cbcs, |options| options.inputs.truncate(1));
    let pack = Pack::from_json(&fs::read(good.join(PACK_JSON)).unwrap()).unwrap();
    let path = good.join(&pack.representations[0].path);
    let octets = fs::read(&path).unwrap();
    assert!(InitSegment::parse(&octets).is_ok() && Boxes::new(&octets).count() > 4);
    let mut seed = 7u64;
    for _ in 0..60 {
        let mut damaged = octets.clone();
        for _ in 0..4 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            // Most of it in the header, the index and the first fragments.
            let at = (seed >> 33) as usize % 6000.min(damaged.len());
            damaged[at] = (seed >> 20) as u8;
        }
        fs::write(&path, &damaged).unwrap();
        assert!(damaged == octets || !checked(&good, &[]).good);
    }
}
