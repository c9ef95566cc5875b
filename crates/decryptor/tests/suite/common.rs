//! Fixtures and keys without a license, for the tests.
#![allow(dead_code, missing_docs, unreachable_pub, clippy::unwrap_used)]

use cenc::{AesCipher, Kid, KidAndKey};
use decryptor::{Error, Keys, PushDecryptor, Step};
use isobmff::{BoxRef, BoxWriter, Boxes};
use sha2::{Digest, Sha256};

pub const CLEARKEY: &str = "4060a865887842679cbf91ae5bae1e72:fc35340837310cc0fb53de97e22a69e0";
pub const CLEARKEY_INIT: &[u8] = include_bytes!("../fixtures/clearkey-init.mp4");
/// Segments, with the SHA-256 of their decrypted `mdat` payloads.
pub const CLEARKEY_SEGMENTS: [(&[u8], &str); 2] = [
    (
        include_bytes!("../fixtures/clearkey-1.m4s"),
        "2f3d67cd968a7fad3cfd58d6f6b5cdaf248ed2318f4902b3125d218f8643f999",
    ),
    (
        include_bytes!("../fixtures/clearkey-2.m4s"),
        "83201cbc1c9c58490fae6e6c392d935f6d65e3f6fc1d8a0a6d1e0ffb552f2ce5",
    ),
];
pub const MP4FF: &str = "cd7eb9ff88f34caeb06185b00024e4c2:63cb5f7184dd4b689a5c5ff11ee6a328";
pub const MP4FF_FILE: &[u8] = include_bytes!("../fixtures/mp4ff-encrypted.mp4");
pub const MP4FF_CLEAR: &str = "1cae37f231e346c019c0b4cdeea0c05b0d9aa16da1be970cf6c8b0379ccd579e";

/// Keys given by hand.
#[derive(Default)]
pub struct Given(pub Vec<(Kid, AesCipher)>);

impl Given {
    pub fn new(text: &str) -> Self {
        let pair: KidAndKey = text.parse().unwrap();
        Self(vec![(pair.kid, AesCipher::new(&pair.cek))])
    }
}

impl Keys for Given {
    fn find(&mut self, kid: &Kid) -> Result<Option<&AesCipher>, Error> {
        Ok(self.0.iter().find(|(k, _)| k == kid).map(|(_, cipher)| cipher))
    }
}

/// Offset, type and size of the top-level boxes.
pub fn boxes(data: &[u8]) -> Vec<(usize, [u8; 4], usize)> {
    let mut out = Vec::new();
    let mut at = 0;
    while at < data.len() {
        let size = u32::from_be_bytes(data[at..at + 4].try_into().unwrap()) as usize;
        out.push((at, data[at + 4..at + 8].try_into().unwrap(), size));
        at += size;
    }
    out
}

/// SHA-256 of all `mdat` payloads, one after the other.
pub fn mdat_sha256(fragments: &[Vec<u8>]) -> String {
    let mut hash = Sha256::new();
    for fragment in fragments {
        for (at, kind, size) in boxes(fragment) {
            if &kind == b"mdat" {
                hash.update(&fragment[at + 8..at + size]);
            }
        }
    }
    hex::encode(hash.finalize())
}

/// Everything that comes out of these chunks.
pub fn decrypt<'a>(
    stream: &mut PushDecryptor,
    keys: &mut Given,
    chunks: impl Iterator<Item = &'a [u8]>,
) -> Result<Vec<Vec<u8>>, Error> {
    let mut out = Vec::new();
    for chunk in chunks {
        stream.push(chunk)?;
        loop {
            match stream.step(keys)? {
                Step::Fragment(fragment) => out.push(fragment.to_vec()),
                Step::NeedData => break,
                Step::NeedKeys(_) => break,
            }
        }
    }
    stream.finish()?;
    Ok(out)
}

/// A stream with the file's init segment, and the clear form of it.
pub fn stream_of(file: &[u8]) -> (PushDecryptor, Vec<u8>) {
    let first = boxes(file).iter().find(|(_, kind, _)| kind == b"moof").map_or(file.len(), |found| found.0);
    let mut stream = PushDecryptor::new();
    let clear = stream.set_init(file[..first].to_vec()).unwrap();
    (stream, clear.bytes)
}

/// Copies boxes, letting `change` write something else for some of them.
fn rebuild(found: &BoxRef<'_>, out: &mut BoxWriter, change: &dyn Fn(&BoxRef<'_>, &mut BoxWriter) -> bool) {
    if change(found, out) {
        return;
    }
    out.boxed(&found.kind.0, |out| {
        let fixed = match &found.kind.0 {
            b"moov" | b"trak" | b"mdia" | b"minf" | b"stbl" | b"mvex" | b"moof" | b"traf" | b"sinf"
            | b"schi" => 0,
            b"stsd" => 8,
            b"encv" => 78,
            _ => return out.bytes(found.payload),
        };
        out.bytes(&found.payload[..fixed]);
        found.children(fixed).for_each(|child| rebuild(&child.unwrap(), out, change));
    });
}

pub fn rebuilt(data: &[u8], change: &dyn Fn(&BoxRef<'_>, &mut BoxWriter) -> bool) -> Vec<u8> {
    let mut out = BoxWriter::new();
    Boxes::new(data).map(Result::unwrap).for_each(|found| rebuild(&found, &mut out, change));
    out.into_bytes()
}

/// Another type for some boxes, everything else where it is.
pub fn renamed(data: &[u8], from: &[u8; 4], to: &[u8; 4]) -> Vec<u8> {
    let mut out = data.to_vec();
    let at: Vec<_> = (0..data.len() - 4).filter(|&at| &data[at..at + 4] == from).collect();
    assert!(!at.is_empty());
    at.into_iter().for_each(|at| out[at..at + 4].copy_from_slice(to));
    out
}
