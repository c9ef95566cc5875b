//! Structures that Matinee reads but does not write: two sample entries (clear lead) and key rotation by
//! `seig` groups, added to files that it does write.

use isobmff::{
    BoxRef, BoxWriter, Boxes, Fragment, FragmentSpec, InitSegment, InitSpec, MediaHeader, ProtectionSpec,
    SampleAuxiliary, SampleSpec, TrackEncryption, write_fragment, write_init,
};

/// Copies boxes, letting `change` write something else for some of them.
fn rebuild(found: &BoxRef<'_>, out: &mut BoxWriter, change: &dyn Fn(&BoxRef<'_>, &mut BoxWriter) -> bool) {
    if change(found, out) {
        return;
    }
    out.boxed(&found.kind.0, |out| match &found.kind.0 {
        b"moov" | b"trak" | b"mdia" | b"minf" | b"stbl" | b"mvex" | b"moof" | b"traf" => {
            found.children(0).for_each(|child| rebuild(&child.unwrap(), out, change));
        }
        _ => out.bytes(found.payload),
    });
}

fn rebuilt(data: &[u8], change: &dyn Fn(&BoxRef<'_>, &mut BoxWriter) -> bool) -> Vec<u8> {
    let mut out = BoxWriter::new();
    Boxes::new(data).map(Result::unwrap).for_each(|found| rebuild(&found, &mut out, change));
    out.into_bytes()
}

fn init() -> Vec<u8> {
    let mut entry = BoxWriter::new();
    entry.boxed(b"avc1", |out| out.zeros(78));
    let mut out = BoxWriter::new();
    write_init(
        &mut out,
        &InitSpec {
            track_id: 1,
            timescale: 1000,
            duration: 0,
            language: *b"und",
            media: MediaHeader::Video { width: 0, height: 0, matrix: [0; 36] },
            sample_entry: &entry.into_bytes(),
            protection: Some(ProtectionSpec {
                scheme: (*b"cenc").into(),
                encryption: TrackEncryption::per_sample_iv([1; 16], 8),
            }),
            clear_entry: false,
            default_sample_flags: 0,
            media_time: 0,
            pssh: &[],
        },
    );
    out.into_bytes()
}

fn fragment(samples: usize) -> Vec<u8> {
    let specs = vec![SampleSpec { size: 10, duration: 1, composition_offset: 0, flags: 0 }; samples];
    let auxiliary: Vec<_> =
        (0..samples).map(|n| SampleAuxiliary { iv: vec![n as u8; 8], subsamples: vec![(10, 0)] }).collect();
    write_fragment(&FragmentSpec {
        sequence: 1,
        track_id: 1,
        base_decode_time: 0,
        samples: &specs,
        auxiliary: &auxiliary,
        description_index: None,
        group: None,
        roll: None,
    })
    .map(|mut moof| {
        moof.truncate(moof.len() - 8);
        moof
    })
    .unwrap()
}

/// As shaka-packager writes a clear lead: `encv` is entry 1, `avc1` entry 2, and clear fragments name
/// entry 2.
#[test]
fn clear_lead_becomes_one_entry() {
    let data = rebuilt(&init(), &|found, out| {
        if found.kind == b"stsd" {
            out.full_box(b"stsd", 0, 0, |out| {
                out.u32(2);
                out.bytes(&found.payload[8..]);
                out.boxed(b"avc1", |out| out.zeros(78));
            });
        }
        found.kind == b"stsd"
    });
    let init = InitSegment::parse(&data).unwrap();
    let kinds: Vec<_> = init.tracks[0].entries.iter().map(|entry| entry.kind.to_string()).collect();
    assert_eq!(kinds, ["encv", "avc1"]);

    let clear_fragment = rebuilt(&fragment(2), &|found, out| {
        if found.kind == b"tfhd" {
            out.full_box(b"tfhd", 0, 0x02_002a, |out| {
                out.bytes(&found.payload[4..8]);
                out.u32(2);
                out.bytes(&found.payload[8..]);
            });
        }
        found.kind == b"tfhd" || found.kind == b"senc" || found.kind == b"saiz" || found.kind == b"saio"
    });
    let fragment_read = Fragment::parse(&clear_fragment, 0, &init).unwrap();
    assert_eq!(fragment_read.tracks()[0].description_index, 2);
    assert!(fragment_read.tracks()[0].samples().all(|sample| sample.unwrap().crypto.is_none()));

    // After the edits there is one entry, and the fragment names it.
    let mut clear = data.clone();
    init.edits().iter().for_each(|edit| edit.apply(&mut clear).unwrap());
    let clear_init = InitSegment::parse(&clear).unwrap();
    let kinds: Vec<_> = clear_init.tracks[0].entries.iter().map(|entry| entry.kind.to_string()).collect();
    assert_eq!(kinds, ["avc1"]);
    // The other is not in `stsd` any more, not even as `free`: Chromium takes whatever that holds for a
    // sample entry.
    let stsd = clear.windows(4).position(|kind| kind == b"stsd").unwrap() - 4;
    let end = stsd + u32::from_be_bytes(clear[stsd..stsd + 4].try_into().unwrap()) as usize;
    let held: Vec<_> =
        Boxes::new(&clear[stsd + 16..end]).map(|found| found.unwrap().kind.to_string()).collect();
    assert_eq!((held, &clear[end + 4..end + 8]), (vec!["avc1".to_owned()], &b"free"[..]));
    let mut clear = clear_fragment.clone();
    fragment_read.edits().iter().for_each(|edit| edit.apply(&mut clear).unwrap());
    assert_eq!(Fragment::parse(&clear, 0, &clear_init).unwrap().tracks()[0].description_index, 1);
}

/// Samples of groups take the group's key; the others keep the track's; an unprotected group is clear.
#[test]
fn key_rotation_by_sample_groups() {
    let data = init();
    let init = InitSegment::parse(&data).unwrap();
    let rotated = rebuilt(&fragment(6), &|found, out| {
        if found.kind != b"tfdt" {
            return false;
        }
        out.boxed(b"tfdt", |out| out.bytes(found.payload));
        out.full_box(b"sgpd", 1, 0, |out| {
            out.bytes(b"seig");
            out.u32(20);
            out.u32(2);
            out.bytes(&[0, 0, 1, 8]);
            out.bytes(&[2; 16]);
            out.bytes(&[0, 0, 0, 0]);
            out.bytes(&[0; 16]);
        });
        out.full_box(b"sbgp", 0, 0, |out| {
            out.bytes(b"seig");
            out.u32(3);
            for (count, group) in [(2, 0), (3, 0x1_0001), (1, 0x1_0002)] {
                out.u32(count);
                out.u32(group);
            }
        });
        true
    });
    // The unprotected sample has no IV in `senc`.
    let fragment = Fragment::parse(&rotated, 0, &init).unwrap();
    let kids: Vec<_> = fragment.tracks()[0]
        .samples()
        .take(5)
        .map(|sample| sample.unwrap().crypto.map(|crypto| (crypto.kid()[0], crypto.iv[0])))
        .collect();
    assert_eq!(kids, [Some((1, 0)), Some((1, 1)), Some((2, 2)), Some((2, 3)), Some((2, 4))]);

    let mut clear = rotated.clone();
    fragment.edits().iter().for_each(|edit| edit.apply(&mut clear).unwrap());
    assert!(![b"sgpd", b"sbgp", b"senc"].iter().any(|kind| clear.windows(4).any(|four| four == &kind[..])));
    // A group that nobody describes is an error, not a guess.
    let undescribed: Vec<u8> = rebuilt(&rotated, &|found, _| found.kind == b"sgpd");
    let broken = Fragment::parse(&undescribed, 0, &init).unwrap();
    assert!(broken.tracks()[0].samples().any(|sample| sample.is_err()));
}
