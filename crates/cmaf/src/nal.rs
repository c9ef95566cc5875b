//! NAL units in MP4, as H.264 and HEVC have them (ISO/IEC 14496-15): each behind its length, with emulation
//! prevention bytes inside.

/// The length-prefixed NAL units of a sample, one after another. Ends after the first error.
pub(crate) struct NalUnits<'a> {
    rest: &'a [u8],
    length_size: usize,
}

impl<'a> NalUnits<'a> {
    pub(crate) const fn new(sample: &'a [u8], length_size: usize) -> Self {
        Self { rest: sample, length_size }
    }

    fn read(&mut self) -> Result<&'a [u8], &'static str> {
        let (length, after) =
            self.rest.split_at_checked(self.length_size).ok_or("it ends within a NAL length")?;
        let length = length.iter().fold(0, |value, &byte| value << 8 | usize::from(byte));
        let (nal, after) = after.split_at_checked(length).ok_or("a NAL unit reaches past its end")?;
        self.rest = after;
        Ok(nal)
    }
}

impl<'a> Iterator for NalUnits<'a> {
    type Item = Result<&'a [u8], &'static str>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let result = self.read();
        if result.is_err() {
            self.rest = &[];
        }
        Some(result)
    }
}

/// How many bytes of escaped payload hold the first `len` bytes of the payload.
pub(crate) fn escaped_len(escaped: &[u8], len: u64) -> usize {
    let (mut zeros, mut left) = (0, len);
    for (at, &byte) in escaped.iter().enumerate() {
        if left == 0 {
            return at;
        }
        if zeros >= 2 && byte == 3 {
            zeros = 0;
            continue;
        }
        zeros = if byte == 0 { zeros + 1 } else { 0 };
        left -= 1;
    }
    escaped.len()
}

/// The first bytes of a payload, at most `most`, without emulation prevention.
pub(crate) fn unescaped(escaped: &[u8], most: usize) -> Vec<u8> {
    let mut zeros = 0;
    let mut payload = Vec::with_capacity(escaped.len().min(most));
    for &byte in escaped {
        if payload.len() == most {
            break;
        }
        if zeros >= 2 && byte == 3 {
            zeros = 0;
            continue;
        }
        zeros = if byte == 0 { zeros + 1 } else { 0 };
        payload.push(byte);
    }
    payload
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn emulation_prevention_counts() {
        assert_eq!(escaped_len(&[1, 2, 3, 4], 2), 2);
        assert_eq!(escaped_len(&[0, 0, 3, 1, 9], 2), 2);
        assert_eq!(escaped_len(&[0, 0, 3, 1, 9], 3), 4);
        assert_eq!(escaped_len(&[0, 0, 3, 0, 0, 3, 1, 9], 5), 7);
        assert_eq!(escaped_len(&[0, 0], 9), 2);
        assert_eq!(unescaped(&[0, 0, 3, 0, 0, 3, 1, 9], 9), [0, 0, 0, 0, 1, 9]);
        assert_eq!(unescaped(&[0, 0, 3, 0, 0, 3, 1, 9], 3), [0, 0, 0]);
    }

    #[test]
    fn units_end_after_the_first_error() {
        let units = |sample: &'static [u8]| NalUnits::new(sample, 2).collect::<Vec<_>>();
        assert_eq!(units(&[0, 1, 9, 0, 0]), [Ok(&[9][..]), Ok(&[])]);
        assert_eq!(units(&[0, 1, 9, 0]), [Ok(&[9][..]), Err("it ends within a NAL length")]);
        assert_eq!(units(&[0, 2, 9]), [Err("a NAL unit reaches past its end")]);
    }
}
