//! The boxes of a file.

use std::fmt;

use isobmff::{BoxRef, Boxes};
use serde::Serialize;

/// A box and what it contains.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BoxTree {
    /// Its type.
    pub kind: String,
    /// Where it begins in the file.
    pub offset: u64,
    /// Its size in bytes, header included.
    pub size: u64,
    /// The boxes in it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub children: Vec<BoxTree>,
}

/// The boxes inside the box that `data` is, as far as they can be read.
pub(super) fn children(data: &[u8], offset: u64) -> Vec<BoxTree> {
    match Boxes::new(data).next() {
        Some(Ok(found)) => tree(&found, offset, 0).children,
        _ => Vec::new(),
    }
}

fn tree(found: &BoxRef<'_>, base: u64, depth: u32) -> BoxTree {
    // Fixed fields before the boxes inside; `None`: it contains none.
    let skip = match &found.kind.0 {
        b"moov" | b"trak" | b"mdia" | b"minf" | b"stbl" | b"dinf" | b"edts" | b"mvex" | b"moof" | b"traf"
        | b"sinf" | b"schi" => Some(0),
        b"stsd" => Some(8),
        b"avc1" | b"avc3" | b"hvc1" | b"hev1" | b"vp09" | b"av01" | b"encv" => Some(78),
        b"mp4a" | b"Opus" | b"ac-3" | b"ec-3" | b"fLaC" | b"enca" => Some(28),
        _ => None,
    };
    let inside = skip.filter(|_| depth < 12).map(|skip| found.children(skip)).into_iter().flatten().flatten();
    BoxTree {
        kind: found.kind.to_string(),
        offset: base + found.offset as u64,
        size: found.size() as u64,
        children: inside.map(|child| tree(&child, base, depth + 1)).collect(),
    }
}

impl BoxTree {
    pub(super) fn write(&self, f: &mut fmt::Formatter<'_>, depth: usize) -> fmt::Result {
        writeln!(
            f,
            "{:indent$}{} {} bytes at {}",
            "",
            self.kind,
            self.size,
            self.offset,
            indent = 2 * depth
        )?;
        self.children.iter().try_for_each(|child| child.write(f, depth + 1))
    }
}
