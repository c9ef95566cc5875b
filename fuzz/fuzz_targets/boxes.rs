//! Boxes: init segments, fragments, indexes, sample tables, protection data; what the module, the player and
//! the packager read.
#![no_main]

use isobmff::{BoxHeader, BoxWriter, Boxes, Fragment, InitSegment, Pssh, SampleTable, SegmentIndex};
use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;

const INIT: &[u8] = include_bytes!("../../crates/decryptor/tests/fixtures/clearkey-init.mp4");
static GOOD: LazyLock<Option<InitSegment>> = LazyLock::new(|| InitSegment::parse(INIT).ok());

fn read(data: &[u8], own: Option<&InitSegment>, depth: u32) {
    for found in Boxes::new(data).flatten() {
        for init in own.into_iter().chain(GOOD.as_ref()) {
            let Ok(fragment) = Fragment::parse(&data[found.offset..], 0, init) else { continue };
            fragment.tracks().iter().for_each(|track| track.samples().take(5000).for_each(drop));
            let mut copy = data[found.offset..].to_vec();
            assert!(fragment.edits().iter().all(|edit| edit.apply(&mut copy).is_ok()));
        }
        if let Ok(pssh) = Pssh::parse(&found) {
            let mut out = BoxWriter::new();
            pssh.write(&mut out);
            assert!(out.len() <= found.size() + 8);
        }
        let _ = SegmentIndex::parse(&found);
        let _ = SampleTable::parse(&found, 1 << 20, 1 << 17);
        if depth < 6 {
            read(found.payload, own, depth + 1);
        }
    }
}

fuzz_target!(|data: &[u8]| {
    let _ = BoxHeader::parse(data);
    if let Some(range) = engine::model::ByteRange::new(0, data.len().max(1) as u64 - 1) {
        let _ = playback::parse_index(data, range);
    }
    let own = InitSegment::parse(data).ok();
    if let Some(init) = &own {
        let mut copy = data.to_vec();
        assert!(init.edits().iter().all(|edit| edit.apply(&mut copy).is_ok()));
    }
    read(data, own.as_ref(), 0);
});
