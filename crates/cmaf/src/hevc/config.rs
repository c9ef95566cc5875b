//! `hvcC` (ISO/IEC 14496-15 §8.3.3.1).

/// What `hvcC` says.
#[derive(Debug)]
pub(super) struct HevcConfig<'a> {
    /// Bytes of the length in front of each NAL unit: 1, 2 or 4.
    pub(super) length_size: usize,
    /// The parameter sets, as NAL units.
    pub(super) units: Vec<&'a [u8]>,
}

impl<'a> HevcConfig<'a> {
    pub(super) fn parse(hvcc: &'a [u8]) -> Result<Self, &'static str> {
        const CUT_OFF: &str = "hvcC: it is cut off";
        let (fixed, mut rest) = hvcc.split_at_checked(23).ok_or(CUT_OFF)?;
        if fixed[0] != 1 {
            return Err("hvcC: an unknown version");
        }
        let length_size = usize::from(fixed[21] & 3) + 1;
        if length_size == 3 {
            return Err("hvcC: NAL lengths of 3 bytes");
        }
        let mut take = |len: usize| {
            let (taken, after) = rest.split_at_checked(len).ok_or(CUT_OFF)?;
            rest = after;
            Ok::<_, &'static str>(taken)
        };
        let mut units = Vec::new();
        for _ in 0..fixed[22] {
            let [_, high, low] = *take(3)?.as_array().ok_or(CUT_OFF)?;
            for _ in 0..u16::from_be_bytes([high, low]) {
                let [high, low] = *take(2)?.as_array().ok_or(CUT_OFF)?;
                units.push(take(usize::from(u16::from_be_bytes([high, low])))?);
            }
        }
        Ok(Self { length_size, units })
    }
}

/// `codecs` of a track with this `hvcC` (ISO/IEC 14496-15 §E.3).
pub(crate) fn codec_string(entry: &str, hvcc: &[u8]) -> Option<String> {
    let profile: &[u8; 12] = hvcc.get(1..13)?.as_array()?;
    let [space_tier_profile, c0, c1, c2, c3, constraints @ .., level] = *profile;
    let space = ["", "A", "B", "C"][usize::from(space_tier_profile >> 6)];
    let tier = if space_tier_profile & 0x20 == 0 { 'L' } else { 'H' };
    let compatible = u32::from_be_bytes([c0, c1, c2, c3]).reverse_bits();
    let profile = space_tier_profile & 0x1f;
    let mut text = format!("{entry}.{space}{profile}.{compatible:X}.{tier}{level}");
    let given = constraints.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    for byte in &constraints[..given] {
        text += &format!(".{byte:X}");
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codec_strings() {
        // The standard's example: Main, high compatibility flags, tier Main, level 3.1, progressive.
        let mut hvcc = vec![1, 0x01, 0x60, 0, 0, 0, 0xb0, 0, 0, 0, 0, 0, 93];
        assert_eq!(codec_string("hvc1", &hvcc).as_deref(), Some("hvc1.1.6.L93.B0"));
        hvcc[1] = 0x62;
        (hvcc[2], hvcc[11], hvcc[12]) = (0x20, 1, 150);
        assert_eq!(codec_string("hev1", &hvcc).as_deref(), Some("hev1.A2.4.H150.B0.0.0.0.0.1"));
        assert_eq!(codec_string("hvc1", &hvcc[..12]), None);
    }
}
