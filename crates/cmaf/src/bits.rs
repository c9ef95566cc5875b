/// What stands for an error of [`Bits`].
pub(crate) const CUT_OFF: &str = "its header is cut off";

/// Reads the bits of headers and configuration records, the most significant first, one field after another.
#[derive(Debug, Clone)]
pub struct Bits<'a> {
    data: &'a [u8],
    at: usize,
}

impl<'a> Bits<'a> {
    /// Begins with the first bit of `data`.
    pub const fn new(data: &'a [u8]) -> Self {
        Self { data, at: 0 }
    }

    /// Bits read so far.
    pub const fn position(&self) -> usize {
        self.at
    }

    /// Bytes that hold all bits read so far.
    pub const fn bytes(&self) -> usize {
        self.at.div_ceil(8)
    }

    /// Skips to the next whole byte.
    pub const fn align(&mut self) {
        self.at = self.at.next_multiple_of(8);
    }

    /// One bit.
    ///
    /// # Errors
    /// In words, at the end of the data.
    pub fn flag(&mut self) -> Result<bool, &'static str> {
        let byte = self.data.get(self.at / 8).ok_or(CUT_OFF)?;
        let bit = byte >> (7 - self.at % 8) & 1;
        self.at += 1;
        Ok(bit == 1)
    }

    /// A number of up to 32 bits.
    ///
    /// # Errors
    /// In words, at the end of the data.
    pub fn u(&mut self, count: u32) -> Result<u32, &'static str> {
        (0..count).try_fold(0, |value, _| Ok(value << 1 | u32::from(self.flag()?)))
    }

    /// Passes over bits.
    ///
    /// # Errors
    /// In words, at the end of the data.
    pub fn skip(&mut self, count: usize) -> Result<(), &'static str> {
        let end = self.at.checked_add(count).filter(|end| *end <= self.data.len() * 8).ok_or(CUT_OFF)?;
        self.at = end;
        Ok(())
    }

    /// A number below `count`, which has not as many bits as that: `ns(n)` (AV1 bitstream specification,
    /// §4.10.7).
    ///
    /// # Errors
    /// In words, at the end of the data.
    pub fn ns(&mut self, count: u32) -> Result<u32, &'static str> {
        let width = 32 - count.leading_zeros();
        if width == 0 {
            return Ok(0);
        }
        let value = self.u(width - 1)?;
        // As many numbers are one bit shorter; in 64 bits, where 1 << 32 has a place.
        let short = (1u64 << width) - u64::from(count);
        if u64::from(value) < short {
            return Ok(value);
        }
        Ok(((u64::from(value) << 1) - short) as u32 + u32::from(self.flag()?))
    }

    /// An unsigned Exp-Golomb code (ITU-T H.265 §9.2).
    ///
    /// # Errors
    /// In words, at the end of the data, or for a number that is too large.
    pub fn ue(&mut self) -> Result<u32, &'static str> {
        let mut zeros = 0;
        while !self.flag()? {
            zeros += 1;
            if zeros > 31 {
                return Err("a number that is too large");
            }
        }
        Ok((1u32 << zeros) - 1 + self.u(zeros)?)
    }

    /// A signed Exp-Golomb code.
    ///
    /// # Errors
    /// In words, at the end of the data, or for a number that is too large.
    pub fn se(&mut self) -> Result<i32, &'static str> {
        let code = self.ue()?;
        let magnitude = i64::from(code).div_euclid(2) + i64::from(code & 1);
        Ok(if code & 1 == 1 { magnitude } else { -magnitude } as i32)
    }

    /// An unsigned Exp-Golomb code of at most `most`.
    ///
    /// # Errors
    /// In words, at the end of the data, or for a number that is too large.
    pub fn ue_up_to(&mut self, most: u32) -> Result<u32, &'static str> {
        Some(self.ue()?).filter(|value| *value <= most).ok_or("a number that is too large")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_follow_each_other() {
        let mut bits = Bits::new(&[0b1010_0110, 0b0100_0010, 0b1000_0000]);
        assert_eq!((bits.flag(), bits.u(2)), (Ok(true), Ok(1)));
        // 00110, 010, 0001010, 0…
        assert_eq!((bits.ue(), bits.se(), bits.ue()), (Ok(5), Ok(1), Ok(9)));
        assert_eq!((bits.position(), bits.bytes()), (18, 3));
        assert_eq!((bits.skip(7), bits.skip(6), bits.flag()), (Err(CUT_OFF), Ok(()), Err(CUT_OFF)));
        assert_eq!(Bits::new(&[0; 5]).ue(), Err("a number that is too large"));
    }
}
