//! Dolby's configurations in MP4 (ETSI TS 102 366, annex F).

use cmaf::Bits;

use super::sound::Sound;

/// Sampling frequencies by `fscod`.
const FREQUENCIES: [u32; 3] = [48_000, 44_100, 32_000];

/// Channels by `acmod`.
const CHANNELS: [u16; 8] = [2, 1, 2, 3, 3, 4, 4, 5];

/// Channels of each bit of `chan_loc`, the highest first.
const LOCATIONS: [u16; 9] = [1, 1, 2, 2, 2, 1, 1, 2, 2];

/// `dac3` (§F.4).
pub(super) fn ac3_sound(dac3: &[u8]) -> Option<Sound> {
    let mut bits = Bits::new(dac3);
    let rate = bits.u(2).ok()? as usize;
    bits.skip(8).ok()?; // bsid, bsmod
    let (acmod, lfe) = (bits.u(3).ok()? as usize, bits.u(1).ok()? as u16);
    bits.skip(10).ok()?; // bit_rate_code, reserved
    Some(Sound { sample_rate: *FREQUENCIES.get(rate)?, channels: CHANNELS[acmod] + lfe, bits: 16 })
}

/// `dec3` (§F.6): the first programme, with what its dependent substreams add.
pub(super) fn eac3_sound(dec3: &[u8]) -> Option<Sound> {
    let mut bits = Bits::new(dec3);
    bits.skip(16).ok()?; // data_rate, num_ind_sub
    let rate = bits.u(2).ok()? as usize;
    bits.skip(10).ok()?; // bsid, reserved, asvc, bsmod
    let (acmod, lfe) = (bits.u(3).ok()? as usize, bits.u(1).ok()? as u16);
    bits.skip(3).ok()?;
    let mut channels = CHANNELS[acmod] + lfe;
    if bits.u(4).ok()? > 0 {
        for location in LOCATIONS {
            channels += location * bits.u(1).ok()? as u16;
        }
    }
    // `fscod` 3 says that the rate is halved, which `dec3` does not tell further.
    Some(Sound { sample_rate: *FREQUENCIES.get(rate)?, channels, bits: 16 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn configurations() {
        let sound = |sample_rate, channels| Some(Sound { sample_rate, channels, bits: 16 });
        // 48 kHz, bsid 8, 3/2 with LFE, 384 kbit/s.
        assert_eq!(ac3_sound(&[0x10, 0x3d, 0xc0]), sound(48_000, 6));
        assert_eq!(ac3_sound(&[0x50, 0x11, 0x40]), sound(44_100, 2));
        assert_eq!(ac3_sound(&[0xd0, 0x11, 0x40]), None);
        assert_eq!(ac3_sound(&[0x10, 0x3d]), None);
        assert_eq!(eac3_sound(&[0x0c, 0x00, 0x20, 0x0f, 0x00]), sound(48_000, 6));
        // 7.1: 3/2 with LFE, and a substream with Lrs/Rrs.
        assert_eq!(eac3_sound(&[0x0c, 0x00, 0x20, 0x0f, 0x02, 0x02]), sound(48_000, 8));
        assert_eq!(eac3_sound(&[0x0c, 0x00, 0x20]), None);
    }
}
