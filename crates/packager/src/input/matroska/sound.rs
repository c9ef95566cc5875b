//! How long a frame of sound is, and what configurations Dolby's frames carry in themselves.

use cmaf::{Bits, opus_samples};

use super::blocks::Frame;
use crate::Error;
use crate::media_file::MediaFile;

/// Where a codec says how long a frame is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FrameLength {
    /// All are equally long.
    Fixed(u32),
    /// In the packet's first octets (RFC 6716, §3.1).
    Opus,
    /// In the frame's header (RFC 9639, §9.1).
    Flac,
}

impl FrameLength {
    /// Samples of a frame.
    pub(super) fn of(self, file: &MediaFile, frame: &Frame) -> Result<u32, Error> {
        let read = match self {
            Self::Fixed(samples) => return Ok(samples),
            Self::Opus => opus_samples,
            Self::Flac => flac_samples,
        };
        let mut head = [0; 16];
        let len = head.len().min(frame.size as usize);
        file.read_at(frame.offset, &mut head[..len])?;
        read(&head[..len]).ok_or_else(|| {
            Error::unsupported(file.path(), format!("a malformed frame of sound at byte {}", frame.offset))
        })
    }
}

fn flac_samples(frame: &[u8]) -> Option<u32> {
    let &[0xff, 0xf8 | 0xf9, sizes, _, number, ..] = frame else { return None };
    // The number is as long as one of UTF-8 that begins so.
    let after = 4 + match number.leading_ones() as usize {
        0 => 1,
        len @ 2..=7 => len,
        _ => return None,
    };
    let byte = |n: usize| frame.get(after + n).map(|byte| u32::from(*byte));
    Some(match sizes >> 4 {
        0 => return None,
        1 => 192,
        code @ 2..=5 => 576 << (code - 2),
        6 => byte(0)? + 1,
        7 => (byte(0)? << 8 | byte(1)?) + 1,
        code => 256 << (code - 8),
    })
}

/// `dac3` from a frame of AC-3 (ETSI TS 102 366, §4.3 and §F.4).
pub(super) fn dac3(frame: &[u8]) -> Option<Vec<u8>> {
    let mut bits = Bits::new(frame);
    if bits.u(16).ok()? != 0x0b77 {
        return None;
    }
    bits.skip(16).ok()?;
    let (rate, size, id, mode) = (bits.u(2).ok()?, bits.u(6).ok()?, bits.u(5).ok()?, bits.u(3).ok()?);
    let acmod = bits.u(3).ok()?;
    let skipped = if acmod & 1 == 1 && acmod != 1 { 2 } else { 0 }
        + if acmod & 4 != 0 { 2 } else { 0 }
        + if acmod == 2 { 2 } else { 0 };
    bits.skip(skipped).ok()?;
    let lfe = bits.u(1).ok()?;
    if id > 10 {
        return None;
    }
    let all = rate << 22 | id << 17 | mode << 14 | acmod << 11 | lfe << 10 | (size >> 1) << 5;
    Some(all.to_be_bytes()[1..].to_vec())
}

/// `dec3` from a frame of E-AC-3 (ETSI TS 102 366, §E.1.2 and §F.6): one substream of six blocks.
pub(super) fn dec3(frame: &[u8]) -> Result<Vec<u8>, &'static str> {
    const MALFORMED: &str = "malformed E-AC-3";
    let mut bits = Bits::new(frame);
    if bits.u(16)? != 0x0b77 {
        return Err(MALFORMED);
    }
    let (kind, _, words) = (bits.u(2)?, bits.u(3)?, bits.u(11)? + 1);
    let (rate, blocks) = (bits.u(2)?, bits.u(2)?);
    let (acmod, lfe, id) = (bits.u(3)?, bits.u(1)?, bits.u(5)?);
    if rate == 3 || kind == 1 || !(11..=16).contains(&id) {
        return Err(MALFORMED);
    }
    let more = "E-AC-3 of several substreams, or of frames with fewer than six blocks; copy it into an MP4 first \
                (ffmpeg -c copy)";
    if blocks != 3 || frame.len() != 2 * words as usize {
        return Err(more);
    }
    let frequency = [48_000, 44_100, 32_000][rate as usize];
    let kilobits = (words * 16 * frequency / 1536).div_ceil(1000);
    let fields = rate << 22 | id << 17 | acmod << 9 | lfe << 8;
    let [_, a, b, c] = fields.to_be_bytes();
    let [high, low] = ((kilobits << 3) as u16).to_be_bytes();
    Ok(vec![high, low, a, b, c])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_say_how_long_they_are() {
        assert_eq!(flac_samples(&[0xff, 0xf8, 0xc9, 0x18, 0x00, 0xc2]), Some(4096));
        assert_eq!(flac_samples(&[0xff, 0xf8, 0x79, 0x18, 0xc2, 0x80, 0x06, 0x3f, 0]), Some(1600));
        assert_eq!(flac_samples(&[0xff, 0xf8, 0x69, 0x18, 0x05]), None);
    }

    #[test]
    fn configurations_from_frames() {
        // 48 kHz, 384 kbit/s, bsid 8, 3/2 with LFE.
        let ac3 = [0x0b, 0x77, 0, 0, 0x1c, 0x40, 0xe1, 0xff];
        assert_eq!(dac3(&ac3), Some(vec![0x10, 0x3d, 0xc0]));
        assert_eq!((dac3(&ac3[..6]), dac3(&[0; 9])), (None, None));
        let mut eac3 = vec![0; 512];
        eac3[..7].copy_from_slice(&[0x0b, 0x77, 0x00, 0xff, 0x34, 0x86, 0x00]);
        assert_eq!(dec3(&eac3), Ok(vec![0x04, 0x00, 0x20, 0x04, 0x00]));
        assert!(dec3(&eac3[..100]).is_err() && dec3(&[]).is_err());
    }
}
