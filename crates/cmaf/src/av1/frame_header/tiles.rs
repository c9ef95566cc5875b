//! How a frame is divided.

use super::Reader;
use crate::bits::Bits;

/// How a frame is divided (§5.9.15).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::av1) struct Tiles {
    pub(in crate::av1) count: u32,
    /// Bits that number a tile.
    pub(in crate::av1) bits: u32,
    /// Bytes of a tile's size.
    pub(in crate::av1) size_bytes: usize,
}

impl Reader<'_, '_> {
    /// `tile_info` (§5.9.15).
    pub(super) fn tiles(&mut self) -> Result<Tiles, &'static str> {
        // In units of 4 luma samples, then in superblocks.
        let units = |len: u32| 2 * ((len + 7) >> 3);
        let shift = if self.sequence.large_superblocks { 5 } else { 4 };
        let blocks = |len: u32| (units(len) + (1 << shift) - 1) >> shift;
        let (columns, rows) = (blocks(self.size[0]), blocks(self.size[2]));
        if columns == 0 || rows == 0 {
            return Err("a frame without a size");
        }
        let widest = 4096 >> (shift + 2);
        let largest = (4096 * 2304) >> (2 * (shift + 2));
        let least_columns = tile_log2(widest, columns);
        let least = least_columns.max(tile_log2(largest, rows * columns));
        let (count, column_bits, row_bits);
        if self.bits.flag()? {
            let more = |bits: &mut Bits<'_>, least: u32, len: u32| {
                let mut log2 = least;
                while log2 < tile_log2(1, len.min(64)) && bits.flag()? {
                    log2 += 1;
                }
                Ok::<_, &'static str>(log2)
            };
            column_bits = more(self.bits, least_columns, columns)?;
            row_bits = more(self.bits, least.saturating_sub(column_bits), rows)?;
            let of = |len: u32, log2: u32| len.div_ceil((len + (1 << log2) - 1) >> log2);
            count = [of(columns, column_bits), of(rows, row_bits)];
        } else {
            let mut measure = |len: u32, most: u32| {
                let (mut at, mut tiles, mut largest) = (0, 0, 0);
                while at < len {
                    let size = self.bits.ns(most.min(len - at))? + 1;
                    (at, tiles, largest) = (at + size, tiles + 1, size.max(largest));
                }
                Ok::<_, &'static str>((tiles, largest))
            };
            let (tile_columns, widest) = measure(columns, widest)?;
            let area = if least > 0 { (rows * columns) >> (least + 1) } else { rows * columns };
            let (tile_rows, _) = measure(rows, (area / widest.max(1)).max(1))?;
            count = [tile_columns, tile_rows];
            (column_bits, row_bits) = (tile_log2(1, tile_columns), tile_log2(1, tile_rows));
        }
        let bits = column_bits + row_bits;
        let mut size_bytes = 4;
        if bits > 0 {
            self.bits.skip(bits as usize)?;
            size_bytes = self.bits.u(2)? as usize + 1;
        }
        if count[0] > 64 || count[1] > 64 {
            return Err("more tiles than a frame may have");
        }
        Ok(Tiles { count: count[0] * count[1], bits, size_bytes })
    }
}

/// Smallest `k` with `block << k` of at least `target` (§5.9.15).
fn tile_log2(block: u32, target: u32) -> u32 {
    let mut k = 0;
    while u64::from(block) << k < u64::from(target) {
        k += 1;
    }
    k
}
