//! Small files that describe very many samples: a few octets of tables say that each octet of the file is a
//! sample, again in each of many tracks. Memory is taken for as many as the file's size allows, whatever it
//! says.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use crate::common::*;
use isobmff::{BoxRef, BoxWriter, Boxes};
use packager::{inspect, package};

const TOO_MANY: &str = "more samples than a file of this size can have";

/// Copies a box of the demo film with tables that describe `samples` of one octet each.
fn copy(out: &mut BoxWriter, whole: &[u8], found: &BoxRef<'_>, samples: u32) {
    let table = |out: &mut BoxWriter, entries: &[u32]| {
        out.full_box(&found.kind.0, 0, 0, |out| entries.iter().for_each(|&word| out.u32(word)));
    };
    match &found.kind.0 {
        b"trak" | b"mdia" | b"minf" | b"stbl" => out.boxed(&found.kind.0, |out| {
            found.children(0).for_each(|child| copy(out, whole, &child.unwrap(), samples));
        }),
        b"stts" => table(out, &[1, samples, 1024]),
        b"stsc" => table(out, &[1, 1, samples, 1]),
        b"stsz" => table(out, &[1, samples]),
        b"stco" => table(out, &[1, 0]),
        b"ctts" | b"stss" | b"sgpd" | b"sbgp" | b"edts" => {}
        _ => out.bytes(&whole[found.offset..found.offset + found.size()]),
    }
}

/// A file of `octets`, mostly a hole, whose picture and five tracks of sound have `samples` each by their
/// tables, and `runs` runs of 2^17 in fragments of the picture.
fn hostile(folder: &Path, octets: u64, samples: u32, runs: u32) -> PathBuf {
    let whole = std::fs::read(demo(240)).unwrap();
    let moov = Boxes::new(&whole).first(b"moov").unwrap().unwrap();
    let of = |handler: &[u8; 4]| {
        let is = |trak: &BoxRef<'_>| {
            let hdlr = trak.required(b"mdia").unwrap().required(b"hdlr").unwrap();
            hdlr.payload[8..12] == *handler
        };
        moov.children(0).map(Result::unwrap).find(|child| child.kind == b"trak" && is(child)).unwrap()
    };
    let (picture, sound) = (of(b"vide"), of(b"soun"));
    let id =
        isobmff::InitSegment::parse(&whole).unwrap().tracks.iter().find(|t| t.handler == b"vide").unwrap().id;
    let mut out = BoxWriter::new();
    out.boxed(b"ftyp", |out| out.bytes(b"isom\0\0\0\0"));
    out.boxed(b"moov", |out| {
        copy(out, &whole, &moov.required(b"mvhd").unwrap(), 0);
        copy(out, &whole, &picture, samples);
        (0..5).for_each(|_| copy(out, &whole, &sound, samples));
        if runs > 0 {
            out.boxed(b"mvex", |out| {
                out.full_box(b"trex", 0, 0, |out| [id, 1, 1, 0, 0].iter().for_each(|&word| out.u32(word)));
            });
        }
    });
    for run in 0..runs {
        out.boxed(b"moof", |out| {
            out.full_box(b"mfhd", 0, 0, |out| out.u32(run + 1));
            out.boxed(b"traf", |out| {
                out.full_box(b"tfhd", 0, 0x02_0000, |out| out.u32(id));
                out.full_box(b"tfdt", 0, 0, |out| out.u32(run << 17));
                out.full_box(b"trun", 0, 0, |out| out.u32(1 << 17));
            });
        });
    }
    let (path, head) = (folder.join("hostile.mp4"), out.into_bytes());
    let mut file = File::create(&path).unwrap();
    file.write_all(&head).unwrap();
    let rest = u32::try_from(octets - head.len() as u64).unwrap();
    file.write_all(&rest.to_be_bytes()).unwrap();
    file.write_all(b"mdat").unwrap();
    file.set_len(octets).unwrap();
    path
}

fn refusal(path: &Path) -> String {
    let to = tempfile::tempdir().unwrap();
    let error = package(&options(&[path.to_path_buf()], &to.path().join("film")), &mut ()).unwrap_err();
    error.to_string().split_once(": ").unwrap().1.to_owned()
}

/// 17 MB with six tracks of 16 million samples each took 3.8 GB.
#[test]
fn a_track_of_one_octet_samples_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = hostile(folder.path(), 17 << 20, 1 << 24, 0);
    assert_eq!(refusal(&path), TOO_MANY);
    assert!(inspect(&path).unwrap().tracks.iter().all(|track| track.samples == 0));
}

/// Each by itself could be, all together not.
#[test]
fn tracks_are_counted_together() {
    let folder = tempfile::tempdir().unwrap();
    let path = hostile(folder.path(), 1 << 20, 60_000, 0);
    assert_eq!(refusal(&path), TOO_MANY);
    let counted = inspect(&path).unwrap().tracks.iter().map(|track| track.samples).sum::<u64>();
    assert_eq!(counted, 120_000, "of 131,072 that there may be");
}

/// Samples without octets cost nothing in a file, and a run says of any number in twenty octets.
#[test]
fn empty_samples_of_fragments_are_counted_too() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(refusal(&hostile(folder.path(), 1 << 20, 0, 200)), TOO_MANY);
}
