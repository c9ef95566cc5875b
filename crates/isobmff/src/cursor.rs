use crate::{Error, FourCc};

/// Reads big-endian fields from a box's payload, one after another.
#[derive(Debug, Clone, Copy)]
pub struct Cursor<'a> {
    kind: FourCc,
    rest: &'a [u8],
}

macro_rules! number {
    ($($name:ident: $type:ty, $doc:literal;)*) => { $(
        #[doc = $doc]
        ///
        /// # Errors
        /// [`Error::Truncated`] at the end of the box.
        pub fn $name(&mut self) -> Result<$type, Error> {
            self.array().map(<$type>::from_be_bytes)
        }
    )* };
}

impl<'a> Cursor<'a> {
    /// A cursor at the start of `payload`, which belongs to a box of type `kind` (for error messages).
    pub const fn new(kind: FourCc, payload: &'a [u8]) -> Self {
        Self { kind, rest: payload }
    }

    /// The bytes not read yet.
    pub const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Takes the next `len` bytes.
    ///
    /// # Errors
    /// [`Error::Truncated`] at the end of the box.
    pub fn take(&mut self, len: usize) -> Result<&'a [u8], Error> {
        let (taken, rest) = self.rest.split_at_checked(len).ok_or(Error::Truncated { kind: self.kind })?;
        self.rest = rest;
        Ok(taken)
    }

    /// Takes the next `N` bytes.
    ///
    /// # Errors
    /// [`Error::Truncated`] at the end of the box.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let (taken, rest) = self.rest.split_first_chunk().ok_or(Error::Truncated { kind: self.kind })?;
        self.rest = rest;
        Ok(*taken)
    }

    /// Takes `count` entries of `entry_size` bytes each.
    ///
    /// # Errors
    /// [`Error::Truncated`] at the end of the box.
    pub fn table(&mut self, count: u32, entry_size: usize) -> Result<&'a [u8], Error> {
        let len = (count as usize).checked_mul(entry_size).ok_or(Error::Truncated { kind: self.kind })?;
        self.take(len)
    }

    number! {
        u8: u8, "Reads a byte.";
        u16: u16, "Reads an unsigned 16-bit number.";
        u32: u32, "Reads an unsigned 32-bit number.";
        u64: u64, "Reads an unsigned 64-bit number.";
        i16: i16, "Reads a signed 16-bit number.";
        i32: i32, "Reads a signed 32-bit number.";
        i64: i64, "Reads a signed 64-bit number.";
    }

    /// Reads a four-character code.
    ///
    /// # Errors
    /// [`Error::Truncated`] at the end of the box.
    pub fn four_cc(&mut self) -> Result<FourCc, Error> {
        self.array().map(FourCc)
    }

    /// Reads the version and flags of a full box.
    ///
    /// # Errors
    /// [`Error::Truncated`] at the end of the box.
    pub fn version_and_flags(&mut self) -> Result<(u8, u32), Error> {
        let word = self.u32()?;
        Ok(((word >> 24) as u8, word & 0x00ff_ffff))
    }

    /// Reads an unsigned number of 64 bits if `wide`, else of 32.
    ///
    /// # Errors
    /// [`Error::Truncated`] at the end of the box.
    pub fn u32_or_u64(&mut self, wide: bool) -> Result<u64, Error> {
        if wide { self.u64() } else { self.u32().map(u64::from) }
    }
}
