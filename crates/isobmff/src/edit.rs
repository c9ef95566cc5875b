use crate::{Error, FourCc};

/// Four bytes to overwrite: how a protected box becomes a clear one while every offset stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Edit {
    /// First of the four bytes, from the start of the slice that was parsed.
    pub offset: usize,
    /// What to write there.
    pub bytes: [u8; 4],
}

impl Edit {
    /// Makes the box at `offset` a `free` box.
    pub(crate) const fn free(box_offset: usize) -> Self {
        Self { offset: box_offset + 4, bytes: *b"free" }
    }

    /// Overwrites the bytes in `data`.
    ///
    /// # Errors
    /// [`Error::Truncated`] if `data` is shorter than what was parsed.
    pub fn apply(&self, data: &mut [u8]) -> Result<(), Error> {
        let end = self.offset.saturating_add(4);
        let place = data.get_mut(self.offset..end).ok_or(Error::Truncated { kind: FourCc(self.bytes) })?;
        place.copy_from_slice(&self.bytes);
        Ok(())
    }
}
