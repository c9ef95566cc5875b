//! EBML elements (RFC 8794): in the file, and in what was read of it.

use crate::Error;
use crate::media_file::MediaFile;

/// An element's place in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Element {
    /// With its marker, as RFC 9559 writes it.
    pub(super) id: u32,
    /// First byte of its data.
    pub(super) data: u64,
    /// Bytes of its data; `None`: as far as its parent, or until an element that cannot be inside.
    pub(super) size: Option<u64>,
}

impl Element {
    /// Where its data ends.
    pub(super) fn end(&self, parent: u64) -> Option<u64> {
        self.size.map_or(Some(parent), |size| self.data.checked_add(size)).filter(|end| *end <= parent)
    }
}

/// A number of variable length: its value and its bytes; `keep_marker` for ids. All bits set: `None`.
pub(super) fn vint(data: &[u8], keep_marker: bool) -> Option<(Option<u64>, usize)> {
    let first = *data.first()?;
    let len = first.leading_zeros() as usize + 1;
    if len > 8 {
        return None;
    }
    let bytes = data.get(..len)?;
    let value = bytes.iter().fold(0, |value, &byte| value << 8 | u64::from(byte));
    let mask = (1u64 << (7 * len)) - 1;
    Some((if keep_marker { Some(value) } else { Some(value & mask).filter(|v| *v != mask) }, len))
}

fn head(data: &[u8]) -> Option<(u32, Option<u64>, usize)> {
    let (id, id_len) = vint(data, true)?;
    let (size, size_len) = vint(data.get(id_len..)?, false)?;
    Some((u32::try_from(id?).ok()?, size, id_len + size_len))
}

/// The element at a place in the file.
pub(super) fn at(file: &MediaFile, offset: u64) -> Result<Element, Error> {
    let mut bytes = [0; 12];
    let available = bytes.len().min(file.len().saturating_sub(offset) as usize);
    file.read_at(offset, &mut bytes[..available])?;
    let (id, size, len) = head(&bytes[..available])
        .ok_or_else(|| file.truncated(format!("no element of Matroska at byte {offset}")))?;
    Ok(Element { id, data: offset + len as u64, size })
}

/// The elements within data, as pairs of id and data; ends at what is none.
pub(super) fn children(mut data: &[u8]) -> impl Iterator<Item = (u32, &[u8])> {
    std::iter::from_fn(move || {
        let (id, size, len) = head(data)?;
        let end = len.checked_add(usize::try_from(size?).ok()?)?;
        let child = data.get(len..end)?;
        data = &data[end..];
        Some((id, child))
    })
}

/// An unsigned number of up to 8 bytes.
pub(super) fn unsigned(data: &[u8]) -> Option<u64> {
    (data.len() <= 8).then(|| data.iter().fold(0, |value, &byte| value << 8 | u64::from(byte)))
}

/// A floating point number of 4 or 8 bytes.
pub(super) fn float(data: &[u8]) -> Option<f64> {
    match data.len() {
        4 => Some(f64::from(f32::from_be_bytes(*data.as_array()?))),
        8 => Some(f64::from_be_bytes(*data.as_array()?)),
        _ => None,
    }
}

/// Text, which may be padded with zeros.
pub(super) fn text(data: &[u8]) -> String {
    let end = data.iter().position(|byte| *byte == 0).unwrap_or(data.len());
    String::from_utf8_lossy(&data[..end]).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        assert_eq!(vint(&[0x81], false), Some((Some(1), 1)));
        assert_eq!(vint(&[0x40, 0x02, 9], false), Some((Some(2), 2)));
        assert_eq!(vint(&[0x1a, 0x45, 0xdf, 0xa3], true), Some((Some(0x1a45_dfa3), 4)));
        assert_eq!(vint(&[0xff], false), Some((None, 1)));
        assert_eq!(vint(&[0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], false), Some((None, 8)));
        assert_eq!((vint(&[0x40], false), vint(&[0], false), vint(&[], false)), (None, None, None));
        assert_eq!((unsigned(&[1, 0]), unsigned(&[]), unsigned(&[0; 9])), (Some(256), Some(0), None));
        assert_eq!((float(&[0x3f, 0x80, 0, 0]), float(&[0; 3])), (Some(1.0), None));
    }

    #[test]
    fn children_end_at_what_is_none() {
        let data = [0xd7, 0x81, 0x05, 0x83, 0x82, 0x01, 0x02, 0x86, 0x85, 0x00];
        assert_eq!(children(&data).collect::<Vec<_>>(), [(0xd7, &[5][..]), (0x83, &[1, 2])]);
    }
}
