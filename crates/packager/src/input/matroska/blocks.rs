//! Blocks (RFC 9559, §10): where each frame lies, and when it is shown.

use super::ebml::{self, Element, vint};
use crate::Error;
use crate::media_file::MediaFile;

/// A frame of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) track: u64,
    /// In ticks of the file; the same for all frames of a block.
    pub(super) timestamp: i64,
    pub(super) offset: u64,
    pub(super) size: u32,
    pub(super) key: bool,
    /// Ticks, where the block says so.
    pub(super) duration: Option<u64>,
}

/// Longest head of a block, lacing included, that is read: 255 frames of 64 KiB.
const MAX_HEAD: u64 = 1 << 16;

/// Reads a `BlockGroup`.
pub(super) fn group(
    file: &MediaFile,
    group: &Element,
    cluster: i64,
    each: &mut dyn FnMut(Frame) -> Result<(), Error>,
) -> Result<(), Error> {
    let end = group.end(file.len()).ok_or_else(|| cut_off(file))?;
    let (mut at, mut found, mut key, mut duration) = (group.data, None, true, None);
    while at < end {
        let child = ebml::at(file, at)?;
        let child_end = child.end(end).ok_or_else(|| cut_off(file))?;
        match child.id {
            0xa1 => found = Some(child),
            0xfb => key = false,
            0x9b => {
                let mut bytes = [0; 8];
                let len = child_end - child.data;
                if len <= 8 {
                    file.read_at(child.data, &mut bytes[..len as usize])?;
                    duration = ebml::unsigned(&bytes[..len as usize]);
                }
            }
            _ => {}
        }
        at = child_end;
    }
    match found {
        Some(found) => block(file, &found, end, cluster, Some((key, duration)), each),
        None => Ok(()),
    }
}

/// Reads a `Block` or `SimpleBlock`; `of_group` is what its group says.
pub(super) fn block(
    file: &MediaFile,
    block: &Element,
    parent: u64,
    cluster: i64,
    of_group: Option<(bool, Option<u64>)>,
    each: &mut dyn FnMut(Frame) -> Result<(), Error>,
) -> Result<(), Error> {
    let end = block.end(parent).ok_or_else(|| cut_off(file))?;
    let mut head = [0; 16];
    let available = (end - block.data).min(16) as usize;
    file.read_at(block.data, &mut head[..available])?;
    let malformed = || Error::unsupported(file.path(), format!("a malformed block at byte {}", block.data));
    let parsed = (|| {
        let (track, len) = vint(&head[..available], false)?;
        let [high, low, flags] = *head[..available].get(len..len + 3)?.as_array()?;
        Some((track?, i16::from_be_bytes([high, low]), flags, len + 3))
    })();
    let (track, relative, flags, len) = parsed.ok_or_else(malformed)?;
    let (key, duration) = of_group.unwrap_or((flags & 0x80 != 0, None));
    let begin = block.data + len as u64;
    let mut sizes = vec![end - begin];
    let mut at = begin;
    if flags & 0x06 != 0 {
        let mut lacing = vec![0; (end - begin).min(MAX_HEAD) as usize];
        file.read_at(begin, &mut lacing)?;
        let (laced, len) = lace(flags >> 1 & 3, &lacing, end - begin).ok_or_else(malformed)?;
        (sizes, at) = (laced, begin + len);
    }
    for size in sizes {
        let size_of = u32::try_from(size).map_err(|_| malformed())?;
        let timestamp = cluster.saturating_add(relative.into());
        each(Frame { track, timestamp, offset: at, size: size_of, key, duration })?;
        at += size;
    }
    Ok(())
}

/// Sizes of laced frames, and bytes of the lacing's head. `available` bytes are left in the block.
fn lace(kind: u8, head: &[u8], available: u64) -> Option<(Vec<u64>, u64)> {
    let count = usize::from(*head.first()?) + 1;
    let mut at = 1;
    let mut sizes: Vec<u64> = Vec::with_capacity(count);
    match kind {
        1 => {
            for _ in 1..count {
                let mut size = 0;
                loop {
                    let byte = *head.get(at)?;
                    at += 1;
                    size += u64::from(byte);
                    if byte != 255 {
                        break;
                    }
                }
                sizes.push(size);
            }
        }
        3 => {
            for _ in 1..count {
                let (value, len) = vint(head.get(at..)?, false)?;
                at += len;
                let value = i64::try_from(value?).ok()?;
                let size = match sizes.last() {
                    None => value,
                    // A difference, moved so that none is negative.
                    Some(&last) => i64::try_from(last).ok()? + value - ((1 << (7 * len - 1)) - 1),
                };
                sizes.push(u64::try_from(size).ok().filter(|size| *size <= available)?);
            }
        }
        _ => {
            let each = available.checked_sub(1)? / count as u64;
            return (each * count as u64 == available - 1).then(|| (vec![each; count], 1));
        }
    }
    let named = sizes.iter().try_fold(at as u64, |sum, size| sum.checked_add(*size))?;
    sizes.push(available.checked_sub(named)?);
    Some((sizes, at as u64))
}

pub(super) fn cut_off(file: &MediaFile) -> Error {
    file.truncated("an element of Matroska reaches past its end".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of RFC 9559, §10.3: frames of 800, 500 and 1000 octets.
    #[test]
    fn laces() {
        let xiph = [2, 255, 255, 255, 35, 255, 245];
        assert_eq!(lace(1, &xiph, 2307), Some((vec![800, 500, 1000], 7)));
        let ebml = [2, 0x43, 0x20, 0x5e, 0xd3];
        assert_eq!(lace(3, &ebml, 2305), Some((vec![800, 500, 1000], 5)));
        assert_eq!(lace(2, &[2], 2401), Some((vec![800, 800, 800], 1)));
        assert_eq!(lace(2, &[2], 2402), None);
        assert_eq!(lace(1, &xiph, 1000), None);
        assert_eq!(lace(1, &xiph[..3], 2307), None);
        assert_eq!(lace(3, &[2, 0x43, 0x20, 0x40, 0x00], 9000), None);
    }
}
