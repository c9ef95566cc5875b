use crate::bits::CUT_OFF;

pub(super) const SEQUENCE_HEADER: u8 = 1;
pub(super) const FRAME_HEADER: u8 = 3;
pub(super) const TILE_GROUP: u8 = 4;
pub(super) const FRAME: u8 = 6;
pub(super) const REDUNDANT_FRAME_HEADER: u8 = 7;
pub(super) const TILE_LIST: u8 = 8;

/// An open bitstream unit (AV1 bitstream specification, §5.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Obu<'a> {
    pub(super) kind: u8,
    /// Temporal and spatial layer.
    pub(super) layer: [u32; 2],
    /// Bytes in front of the payload.
    pub(super) head: usize,
    pub(super) payload: &'a [u8],
}

/// The units of a sample, one after another. Ends after the first error.
pub(super) struct Obus<'a>(pub(super) &'a [u8]);

impl<'a> Obus<'a> {
    fn read(&mut self) -> Result<Obu<'a>, &'static str> {
        let data = self.0;
        let first = *data.first().ok_or(CUT_OFF)?;
        if first & 0x80 != 0 {
            return Err("no AV1 unit");
        }
        let (mut head, mut layer) = (1, [0, 0]);
        if first & 4 != 0 {
            let extension = u32::from(*data.get(head).ok_or(CUT_OFF)?);
            layer = [extension >> 5, extension >> 3 & 3];
            head += 1;
        }
        let mut len = data.len() - head;
        if first & 2 != 0 {
            let (size, bytes) = leb128(&data[head..])?;
            head += bytes;
            len = size;
        }
        let end =
            head.checked_add(len).filter(|end| *end <= data.len()).ok_or("a unit reaches past its end")?;
        self.0 = &data[end..];
        Ok(Obu { kind: first >> 3 & 15, layer, head, payload: &data[head..end] })
    }
}

impl<'a> Iterator for Obus<'a> {
    type Item = Result<Obu<'a>, &'static str>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let result = self.read();
        if result.is_err() {
            self.0 = &[];
        }
        Some(result)
    }
}

/// §4.10.5: a number and the bytes that it takes.
fn leb128(data: &[u8]) -> Result<(usize, usize), &'static str> {
    let mut value = 0u64;
    for (n, &byte) in data.iter().take(8).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * n);
        if byte & 0x80 == 0 {
            return Ok((usize::try_from(value).map_err(|_| "a unit of an impossible size")?, n + 1));
        }
    }
    Err(CUT_OFF)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_follow_each_other() {
        let data = [0x12, 0x00, 0x0e, 0x28, 0x01, 0x55, 0x30, 0x66, 0x77];
        let units: Vec<_> = Obus(&data).collect::<Result<_, _>>().unwrap();
        assert_eq!(units[0], Obu { kind: 2, layer: [0, 0], head: 2, payload: &[] });
        assert_eq!(units[1], Obu { kind: 1, layer: [1, 1], head: 3, payload: &[0x55] });
        assert_eq!(units[2], Obu { kind: 6, layer: [0, 0], head: 1, payload: &[0x66, 0x77] });
        assert_eq!(Obus(&[0x12, 0x05]).next(), Some(Err("a unit reaches past its end")));
        assert_eq!(Obus(&[0x12, 0xff]).next(), Some(Err(CUT_OFF)));
        assert_eq!(leb128(&[0xe5, 0x8e, 0x26]), Ok((624_485, 3)));
    }
}
