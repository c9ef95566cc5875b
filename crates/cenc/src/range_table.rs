use crate::{Direction, Error, Iv, SampleProtection};

/// A run of clear bytes, then a run of protected ones (ISO/IEC 23001-7 §9.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Subsample {
    /// `BytesOfClearData`.
    pub clear: u16,
    /// `BytesOfProtectedData`.
    pub protected: u32,
}

/// One run of protected bytes in a segment, with all that a cipher needs to know about it.
pub use aes_simd::Span as ProtectedRange;

/// The protected ranges of a segment (or of any buffer with whole samples), in the order pushed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RangeTable {
    protection: SampleProtection,
    ranges: Vec<ProtectedRange>,
}

impl RangeTable {
    /// An empty table.
    pub const fn new(protection: SampleProtection) -> Self {
        Self { protection, ranges: Vec::new() }
    }

    /// How the ranges are encrypted.
    pub const fn protection(&self) -> SampleProtection {
        self.protection
    }

    /// The ranges, in the order of the samples.
    pub fn ranges(&self) -> &[ProtectedRange] {
        &self.ranges
    }

    /// Forgets the ranges, keeps the memory.
    pub fn clear(&mut self) {
        self.ranges.clear();
    }

    /// Adds the sample of `size` bytes at `offset`. No subsamples: all of it is protected. On error nothing
    /// is added.
    ///
    /// # Errors
    /// [`Error::SubsampleSum`] unless the subsamples cover the sample exactly.
    pub fn push_sample(
        &mut self,
        offset: usize,
        size: usize,
        iv: Iv,
        subsamples: &[Subsample],
    ) -> Result<(), Error> {
        let covered: u64 = subsamples.iter().map(|s| u64::from(s.clear) + u64::from(s.protected)).sum();
        if !subsamples.is_empty() && covered != size as u64 {
            return Err(Error::SubsampleSum { covered, size: size as u64 });
        }
        if offset.checked_add(size).is_none() {
            return Err(Error::OutOfBounds { offset, len: size, available: usize::MAX });
        }
        if subsamples.is_empty() {
            self.push_range(offset, size, &iv, 0);
        }
        let (mut at, mut key_stream) = (offset, 0u64);
        for subsample in subsamples {
            at += usize::from(subsample.clear);
            // Fits: the sum equals `size`.
            let len = subsample.protected as usize;
            self.push_range(at, len, &iv, key_stream);
            at += len;
            key_stream += len as u64;
        }
        Ok(())
    }

    fn push_range(&mut self, offset: usize, len: usize, iv: &Iv, key_stream: u64) {
        if len == 0 {
            return;
        }
        let mut block = iv.block();
        let mut skip = 0;
        if self.protection == SampleProtection::Ctr {
            // Only the low 64 bits count, and they wrap (ISO/IEC 23001-7 §9.2).
            block[8..].copy_from_slice(&iv.lower().wrapping_add(key_stream / 16).to_be_bytes());
            skip = (key_stream % 16) as u8;
        }
        self.ranges.push(ProtectedRange { offset, len, iv: block, skip });
    }

    /// Checks that every range lies inside data of `available` bytes.
    ///
    /// # Errors
    /// [`Error::OutOfBounds`] with the first that does not.
    pub fn check_bounds(&self, available: usize) -> Result<(), Error> {
        let outside = |r: &&ProtectedRange| r.offset.checked_add(r.len).is_none_or(|end| end > available);
        match self.ranges.iter().find(outside) {
            None => Ok(()),
            Some(r) => Err(Error::OutOfBounds { offset: r.offset, len: r.len, available }),
        }
    }
}

/// Encrypts or decrypts all protected ranges of a segment in one call, in place: the seam behind which
/// implementations differ (portable, SIMD across samples, a key that cannot be read).
pub trait SegmentCipher {
    /// Applies the table to the data. Either all ranges are processed or, on error, none.
    ///
    /// # Errors
    /// [`Error::OutOfBounds`] if a range reaches past the data.
    fn apply(&self, direction: Direction, table: &RangeTable, data: &mut [u8]) -> Result<(), Error>;
}
