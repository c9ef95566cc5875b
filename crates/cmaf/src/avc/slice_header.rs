use h264_reader::Context;
use h264_reader::nal::slice::SliceHeader;
use h264_reader::nal::{Nal, RefNal};
use h264_reader::rbsp::{BitRead, BitReaderError, Integer, Primitive};

use crate::nal::escaped_len;

/// Counts the bits that a syntax parser consumes, which the parser itself does not tell.
struct CountingBits<R> {
    inner: R,
    bits: u64,
}

/// Length of an Exp-Golomb code (H.264 §9.1).
fn exp_golomb_len(value: u32) -> u64 {
    u64::from(2 * (u64::from(value) + 1).ilog2() + 1)
}

impl<R: BitRead> BitRead for CountingBits<R> {
    fn read_ue(&mut self, name: &'static str) -> Result<u32, BitReaderError> {
        let value = self.inner.read_ue(name)?;
        self.bits += exp_golomb_len(value);
        Ok(value)
    }

    fn read_se(&mut self, name: &'static str) -> Result<i32, BitReaderError> {
        let value = self.inner.read_se(name)?;
        // The mapping of §9.1.1, backwards.
        let code = if value > 0 { 2 * i64::from(value) - 1 } else { -2 * i64::from(value) };
        self.bits += exp_golomb_len(code as u32);
        Ok(value)
    }

    fn read_bit(&mut self, name: &'static str) -> Result<bool, BitReaderError> {
        self.bits += 1;
        self.inner.read_bit(name)
    }

    fn read<const BITS: u32, I: Integer>(&mut self, name: &'static str) -> Result<I, BitReaderError> {
        self.bits += u64::from(BITS);
        self.inner.read::<BITS, I>(name)
    }

    fn read_var<I: Integer>(&mut self, bit_count: u32, name: &'static str) -> Result<I, BitReaderError> {
        self.bits += u64::from(bit_count);
        self.inner.read_var(bit_count, name)
    }

    fn read_to<V: Primitive>(&mut self, name: &'static str) -> Result<V, BitReaderError> {
        self.bits += 8 * size_of::<V>() as u64;
        self.inner.read_to(name)
    }

    fn skip(&mut self, bit_count: u32, name: &'static str) -> Result<(), BitReaderError> {
        self.bits += u64::from(bit_count);
        self.inner.skip(bit_count, name)
    }

    fn byte_aligned(&self) -> bool {
        self.inner.byte_aligned()
    }

    fn has_more_rbsp_data(&mut self, name: &'static str) -> Result<bool, BitReaderError> {
        self.inner.has_more_rbsp_data(name)
    }

    fn finish_rbsp(self) -> Result<(), BitReaderError> {
        self.inner.finish_rbsp()
    }

    fn finish_sei_payload(self) -> Result<(), BitReaderError> {
        self.inner.finish_sei_payload()
    }
}

/// Number of bytes of a slice NAL unit that hold its NAL header and slice header, emulation prevention bytes
/// counted, the last byte counted if only a part of it belongs to the header.
///
/// # Errors
/// In words, if the header cannot be parsed.
pub(super) fn slice_header_len(context: &Context, nal: &[u8]) -> Result<usize, String> {
    if nal.is_empty() {
        return Err("an empty slice".to_owned());
    }
    let unit = RefNal::new(nal, &[], true);
    let header = unit.header().map_err(|error| format!("NAL header: {error:?}"))?;
    let mut bits = CountingBits { inner: unit.rbsp_bits(), bits: 0 };
    SliceHeader::from_bits(context, &mut bits, header, None)
        .map_err(|error| format!("slice header: {error:?}"))?;
    Ok(1 + escaped_len(&nal[1..], bits.bits.div_ceil(8)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use h264_reader::rbsp::{BitReader, BitWrite, BitWriter};
    use proptest::prelude::*;

    proptest! {
        /// The count equals the position in the bits: what is written behind the counted bits is read there.
        #[test]
        fn counted_bits_are_the_position(fields in proptest::collection::vec((0u8..5, any::<u32>()), 0..30)) {
            let mut written = BitWriter::new(Vec::new());
            for &(kind, value) in &fields {
                match kind {
                    0 => written.write_ue(value >> (value % 32)).unwrap(),
                    1 => written.write_se((value >> (value % 31 + 1)) as i32).unwrap(),
                    2 => written.write_se(-((value >> (value % 31 + 1)) as i32)).unwrap(),
                    3 => written.write_bit(value & 1 == 1).unwrap(),
                    _ => written.write_var(1 + value % 16, value % 2).unwrap(),
                }
            }
            written.write::<32, u32>(0x89ab_cdef).unwrap();
            written.write_rbsp_trailing_bits().unwrap();
            let bytes = written.into_writer();
            let mut counted = CountingBits { inner: BitReader::new(&bytes[..]), bits: 0 };
            for &(kind, value) in &fields {
                match kind {
                    0 => drop(counted.read_ue("").unwrap()),
                    1 | 2 => drop(counted.read_se("").unwrap()),
                    3 => drop(counted.read_bit("").unwrap()),
                    _ => drop(counted.read_var::<u32>(1 + value % 16, "").unwrap()),
                }
            }
            let mut direct = BitReader::new(&bytes[..]);
            let mut left = counted.bits as u32;
            while left > 0 {
                let step = left.min(32);
                direct.read_var::<u32>(step, "").unwrap();
                left -= step;
            }
            prop_assert_eq!(direct.read::<32, u32>("").unwrap(), 0x89ab_cdef);
        }
    }
}
