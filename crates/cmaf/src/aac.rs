//! AAC: the configuration of its decoder, and the descriptors around it in `esds`.

use isobmff::{Cursor, Error, FourCc};

use crate::Bits;

/// Sampling frequencies by index (ISO/IEC 14496-3, table 1.18).
const FREQUENCIES: [u32; 13] =
    [96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8000, 7350];

/// The start of an `AudioSpecificConfig` (ISO/IEC 14496-3, section 1.6.2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AacConfig {
    /// Audio object type, as it is signalled: 2 is AAC-LC, 5 has SBR (HE-AAC), 29 parametric stereo, too.
    pub object_type: u8,
    /// Samples a second of the frames as they are coded, below SBR.
    pub core_rate: u32,
    /// Samples a second that are heard: twice as many, usually, where SBR is signalled.
    pub sample_rate: u32,
    /// Channels; `None` where a program config element says it further back.
    pub channels: Option<u16>,
    /// Samples of a frame at [`core_rate`](Self::core_rate): 1024 or 960.
    pub frame: u32,
}

impl AacConfig {
    /// Reads it.
    ///
    /// # Errors
    /// In words, where it is cut off or has numbers that mean nothing.
    pub fn read(config: &[u8]) -> Result<Self, &'static str> {
        let mut bits = Bits::new(config);
        let mut next = |count| bits.u(count).map_err(|_| "the AudioSpecificConfig is cut off");
        let mut object_type = next(5)?;
        if object_type == 31 {
            object_type = 32 + next(6)?;
        }
        let core_rate = frequency(&mut next)?;
        let channels = match next(4)? {
            0 => None,
            count @ 1..=6 => Some(count as u16),
            7 | 12 | 14 => Some(8),
            11 => Some(7),
            13 => Some(24),
            _ => return Err("an unknown channel configuration"),
        };
        // With SBR its rate is said, then the object type below it.
        let (sample_rate, below) = match object_type {
            5 | 29 => (frequency(&mut next)?, next(5)?),
            _ => (core_rate, object_type),
        };
        // Where object types have the flag for frames of 960 samples there.
        let is_short = matches!(below, 1..=4 | 6 | 7 | 17 | 19..=23) && next(1)? == 1;
        let frame = if is_short { 960 } else { 1024 };
        Ok(Self { object_type: object_type as u8, core_rate, sample_rate, channels, frame })
    }
}

fn frequency(next: &mut impl FnMut(u32) -> Result<u32, &'static str>) -> Result<u32, &'static str> {
    match next(4)? {
        15 => next(24),
        index => FREQUENCIES.get(index as usize).copied().ok_or("an unknown sampling frequency"),
    }
}

/// Object type indication (0x40 is AAC) and decoder specific info, which is the `AudioSpecificConfig` of AAC,
/// of the payload of an `esds` box (ISO/IEC 14496-1, section 7.2.6).
///
/// # Errors
/// [`Error`] where it is cut off, or descriptors are missing that must be there.
pub fn read_esds(esds: &[u8]) -> Result<(u8, Option<&[u8]>), Error> {
    let mut cursor = Cursor::new(FourCc(*b"esds"), esds);
    cursor.version_and_flags()?;
    let mut es = descriptor(&mut cursor, 3)?;
    es.u16()?;
    let flags = es.u8()?;
    if flags & 0x80 != 0 {
        es.u16()?;
    }
    if flags & 0x40 != 0 {
        let len = es.u8()?;
        es.take(len.into())?;
    }
    if flags & 0x20 != 0 {
        es.u16()?;
    }
    let mut decoder = descriptor(&mut es, 4)?;
    let object_type = decoder.u8()?;
    decoder.take(12)?;
    Ok((object_type, descriptor(&mut decoder, 5).ok().map(|info| info.rest())))
}

/// The next descriptor, which must have a given tag.
fn descriptor<'a>(cursor: &mut Cursor<'a>, tag: u8) -> Result<Cursor<'a>, Error> {
    let kind = FourCc(*b"esds");
    if cursor.u8()? != tag {
        return Err(Error::Invalid { kind, what: "an unexpected descriptor" });
    }
    let mut len = 0;
    for _ in 0..4 {
        let byte = cursor.u8()?;
        len = len << 7 | usize::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            break;
        }
    }
    Ok(Cursor::new(kind, cursor.take(len)?))
}

/// The payload of an `esds` box around an `AudioSpecificConfig`; `None` where that is too short or too long
/// to be one.
pub fn write_esds(config: &[u8]) -> Option<Vec<u8>> {
    // Each length fits in the seven bits of one octet.
    let len = u8::try_from(config.len()).ok().filter(|len| (2..90).contains(len))?;
    let decoder = [&[0x40, 0x15][..], &[0; 11], &[5, len], config].concat();
    let mut out = vec![0, 0, 0, 0, 3, 3 + 2 + decoder.len() as u8 + 3, 0, 0, 0, 4, decoder.len() as u8];
    out.extend(decoder);
    out.extend([6, 1, 2]);
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn configurations() {
        let config = |object_type, sample_rate, channels| {
            Ok(AacConfig { object_type, core_rate: sample_rate, sample_rate, channels, frame: 1024 })
        };
        assert_eq!(AacConfig::read(&[0x11, 0x90]), config(2, 48_000, Some(2)));
        assert_eq!(AacConfig::read(&[0x12, 0x10, 0x56, 0xe5, 0x00]), config(2, 44_100, Some(2)));
        assert_eq!(AacConfig::read(&[0x17, 0x80, 0x5d, 0xc0, 0x10]), config(2, 48_000, Some(2)));
        // Said elsewhere; 7.1; frames of 960 samples.
        assert_eq!(AacConfig::read(&[0x11, 0x80]), config(2, 48_000, None));
        assert_eq!(AacConfig::read(&[0x11, 0xb8]), config(2, 48_000, Some(8)));
        assert_eq!(AacConfig::read(&[0x11, 0x94]).map(|config| config.frame), Ok(960));
        // HE-AAC, signalled: 24 kHz core, 48 kHz out.
        assert_eq!(
            AacConfig::read(&[0x2b, 0x11, 0x88, 0x00]),
            config(5, 48_000, Some(2)).map(|config| AacConfig { core_rate: 24_000, ..config })
        );
        for (config, error) in [
            (&[0x11][..], "the AudioSpecificConfig is cut off"),
            (&[], "the AudioSpecificConfig is cut off"),
            (&[0x16, 0x90], "an unknown sampling frequency"),
            (&[0x11, 0xc0], "an unknown channel configuration"),
        ] {
            assert_eq!(AacConfig::read(config), Err(error), "{config:?}");
        }
    }

    #[test]
    fn descriptors_say_what_they_are_around() {
        for len in [2, 5, 89] {
            let config = vec![0x11; len];
            assert_eq!(read_esds(&write_esds(&config).unwrap()), Ok((0x40, Some(&config[..]))));
        }
        assert!(write_esds(&[0x11]).is_none() && write_esds(&[0x11; 90]).is_none());
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes: Vec<u8>) {
            let _ = (AacConfig::read(&bytes), read_esds(&bytes));
        }
    }
}
