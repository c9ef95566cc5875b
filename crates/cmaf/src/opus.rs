//! Opus: its configuration, and how long its packets are.

/// What decoders of Opus give, whatever the input had: samples a second.
pub const OPUS_RATE: u32 = 48_000;

/// Channels, and the payload of `dOps` ("Encapsulation of Opus in ISO Base Media File Format", section
/// 4.3.2), from an identification header (RFC 7845, section 5.1), whose numbers have their octets the other
/// way round.
///
/// # Errors
/// In words, where it is no such header.
pub fn opus_configuration(head: &[u8]) -> Result<(u8, Vec<u8>), &'static str> {
    const CUT_OFF: &str = "the OpusHead is cut off";
    let fields = head.strip_prefix(b"OpusHead").ok_or("it is no OpusHead")?;
    let [1..=15, channels @ 1..=u8::MAX, p0, p1, r0, r1, r2, r3, g0, g1, family, ref mapping @ ..] = *fields
    else {
        return Err(CUT_OFF);
    };
    let mut out = vec![0, channels, p1, p0, r3, r2, r1, r0, g1, g0, family];
    if family != 0 {
        out.extend(mapping.get(..2 + usize::from(channels)).ok_or(CUT_OFF)?);
    }
    Ok((channels, out))
}

/// Samples of a packet at [`OPUS_RATE`] (RFC 6716, section 3.1): 120 ms at most; `None` if it cannot be so.
pub fn opus_samples(packet: &[u8]) -> Option<u32> {
    let toc = *packet.first()?;
    let config = usize::from(toc >> 3);
    let samples = match config {
        0..12 => [480, 960, 1920, 2880][config % 4],
        12..16 => [480, 960][config % 2],
        _ => [120, 240, 480, 960][config % 4],
    };
    let frames = match toc & 3 {
        0 => 1,
        1 | 2 => 2,
        _ => u32::from(*packet.get(1)? & 0x3f),
    };
    Some(samples * frames).filter(|samples| (1..=5760).contains(samples))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_become_configurations() {
        // Two channels, 312 samples before it begins, gain 0.
        let head = b"OpusHead\x01\x02\x38\x01\x80\xbb\0\0\0\0\0";
        let dops = vec![0, 2, 1, 0x38, 0, 0, 0xbb, 0x80, 0, 0, 0];
        assert_eq!(opus_configuration(head), Ok((2, dops)));
        assert_eq!(opus_configuration(&head[1..]), Err("it is no OpusHead"));
        assert_eq!(opus_configuration(&head[..18]), Err("the OpusHead is cut off"));
        // A mapping of three channels that is not all there.
        let head = b"OpusHead\x01\x03\0\0\x80\xbb\0\0\0\0\x01\x02\x01\0\x02";
        assert_eq!(opus_configuration(head), Err("the OpusHead is cut off"));
        let head = [&head[..], &[1]].concat();
        assert_eq!(opus_configuration(&head).unwrap().1[10..], [1, 2, 1, 0, 2, 1]);
    }

    #[test]
    fn packets_say_how_long_they_are() {
        for (packet, samples) in [
            (&[0xfc][..], Some(960)),
            (&[0xfb, 0x03], Some(2880)),
            (&[0xe1], Some(240)),
            (&[0x03, 3], Some(1440)),
            (&[0x1b, 0x30], None),
            (&[0x1b, 63], None),
            (&[0xfb], None),
            (&[], None),
        ] {
            assert_eq!(opus_samples(packet), samples, "{packet:?}");
        }
    }
}
