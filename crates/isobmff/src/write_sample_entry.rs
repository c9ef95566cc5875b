use crate::BoxWriter;

/// A `VisualSampleEntry` (ISO/IEC 14496-12, section 12.1.3), a whole box of the type `code`: pictures of a
/// width and a height in pixels. `fill` writes the boxes behind the fixed fields: the decoder's configuration
/// first.
pub fn write_visual_entry(
    code: &[u8; 4],
    (width, height): (u16, u16),
    fill: impl FnOnce(&mut BoxWriter),
) -> Vec<u8> {
    let mut out = BoxWriter::new();
    out.boxed(code, |out| {
        out.zeros(6);
        out.u16(1); // data reference
        out.zeros(16);
        out.u16(width);
        out.u16(height);
        out.u32(0x48_0000); // 72 dpi
        out.u32(0x48_0000);
        out.zeros(4);
        out.u16(1); // frames of a sample
        out.zeros(32); // compressor
        out.u16(0x18);
        out.u16(0xffff);
        fill(out);
    });
    out.into_bytes()
}

/// An `AudioSampleEntry` of version 0 (section 12.2.3), a whole box of the type `code`: sound of so many
/// channels and samples a second. A sample has `bits`: 16, unless the codec's mapping says otherwise, as
/// FLAC's does. `fill` writes the decoder's configuration behind the fixed fields.
///
/// The rate's field has 16 bits before the point: what does not fit is written as 0, and stands in the
/// configuration.
pub fn write_audio_entry(
    code: &[u8; 4],
    channels: u16,
    sample_rate: u32,
    bits: u16,
    fill: impl FnOnce(&mut BoxWriter),
) -> Vec<u8> {
    let mut out = BoxWriter::new();
    out.boxed(code, |out| {
        out.zeros(6);
        out.u16(1); // data reference
        out.zeros(8);
        out.u16(channels);
        out.u16(bits);
        out.zeros(4);
        out.u32(u32::from(u16::try_from(sample_rate).unwrap_or(0)) << 16);
        fill(out);
    });
    out.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Boxes;

    /// The fixed fields are as long as the readers of this crate take them to be, and what is known stands
    /// where the standard has it.
    #[test]
    fn entries_are_laid_out_as_they_are_read() {
        let child = |out: &mut BoxWriter| out.boxed(b"test", |out| out.u8(7));
        let visual = write_visual_entry(b"avc1", (1920, 1080), child);
        let audio = write_audio_entry(b"mp4a", 2, 44_100, 16, child);
        for (bytes, kind, fixed) in [(&visual, b"avc1", 78), (&audio, b"mp4a", 28)] {
            let entry = Boxes::new(bytes).next().unwrap().unwrap();
            assert!(entry.kind == kind && entry.payload.len() == fixed + 9);
            assert_eq!(entry.children(fixed).first(b"test").unwrap().unwrap().payload, [7]);
        }
        assert_eq!(visual[32..36], [0x07, 0x80, 0x04, 0x38]);
        assert_eq!((&audio[24..26], &audio[32..36]), (&[0, 2][..], &[0xac, 0x44, 0, 0][..]));
        let flac = write_audio_entry(b"fLaC", 2, 96_000, 24, child);
        assert_eq!((&flac[26..28], &flac[32..36]), (&[0, 24][..], &[0; 4][..]));
    }
}
