//! Sound as the configurations of Opus and FLAC say it.

use cmaf::Bits;

/// What a codec's configuration says of the sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sound {
    pub(super) sample_rate: u32,
    pub(super) channels: u16,
    /// Of a sample, as the sample entry has it: 16 of what is not kept in samples.
    pub(super) bits: u16,
}

/// `dOps` (Encapsulation of Opus in ISOBMFF, §4.3.2). Opus always decodes to 48 kHz.
pub(super) fn opus_sound(dops: &[u8]) -> Option<Sound> {
    match dops {
        [0, channels, _, _, _, _, _, _, _, _, _, ..] => {
            Some(Sound { sample_rate: 48_000, channels: (*channels).into(), bits: 16 })
        }
        _ => None,
    }
}

/// `dfLa` (Encapsulation of FLAC in ISOBMFF, §3.3.2): a full box with metadata blocks, STREAMINFO first. The
/// sample entry says the same of the samples (§3.3.1); Chromium plays no other.
pub(super) fn flac_sound(dfla: &[u8]) -> Option<Sound> {
    let mut bits = Bits::new(dfla.get(4..)?);
    bits.skip(1).ok()?;
    let (kind, len) = (bits.u(7).ok()?, bits.u(24).ok()?);
    if (kind, len) != (0, 34) {
        return None;
    }
    bits.skip(10 * 8).ok()?; // block and frame sizes
    let (sample_rate, channels) = (bits.u(20).ok()?, bits.u(3).ok()? as u16 + 1);
    let sample = bits.u(5).ok()? as u16 + 1;
    bits.skip(34 * 8 - 108).ok()?; // it is there whole
    Some(Sound { sample_rate, channels, bits: sample })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two channels of 24 bits at 48 kHz.
    #[test]
    fn flac_says_its_bits() {
        let mut dfla = vec![0, 0, 0, 0, 0x80, 0, 0, 34];
        dfla.extend([0; 10]);
        dfla.extend([0x0b, 0xb8, 0x03, 0x70]);
        dfla.extend([0; 20]);
        assert_eq!(flac_sound(&dfla), Some(Sound { sample_rate: 48_000, channels: 2, bits: 24 }));
        assert_eq!(flac_sound(&dfla[..dfla.len() - 1]), None);
    }
}
