use isobmff::{BoxWriter, InitSpec, MediaHeader, ProtectionSpec, write_file_type, write_init};

use crate::{Protection, VideoConfig};

/// Sample flags: a sync sample; any other (ISO/IEC 14496-12 §8.8.3.1).
pub(crate) const SYNC: u32 = 0x0200_0000;
pub(crate) const NON_SYNC: u32 = 0x0101_0000;

/// Every file has one track.
pub(crate) const TRACK_ID: u32 = 1;

/// What holds for all samples of a track.
#[derive(Debug, Clone, Copy)]
pub struct Track<'a> {
    /// Ticks a second.
    pub timescale: u32,
    /// ISO 639-2.
    pub language: [u8; 3],
    /// Video with its size, or audio.
    pub media: MediaHeader,
    /// The clear sample entry, a whole box.
    pub entry: &'a [u8],
    /// The decoder configuration, for video.
    pub video: Option<VideoConfig<'a>>,
    /// Ticks by which the first sample is decoded before the track begins to be presented (audio only).
    pub priming: u64,
}

impl Track<'_> {
    /// Whether it is video.
    pub const fn is_video(&self) -> bool {
        self.video.is_some()
    }

    /// The CMAF header: `ftyp` and `moov`. `duration` is the presentation time at which the track ends; 0
    /// where that is not known yet.
    pub fn header(&self, duration: u64, protection: Option<&Protection<'_>>) -> Vec<u8> {
        let mut out = BoxWriter::new();
        match self.is_video() {
            // `cmf2`: no edit list in video, negative composition offsets.
            true => write_file_type(&mut out, b"iso6", &[b"iso6", b"cmfc", b"cmf2", b"dash", b"mp41"]),
            false => write_file_type(&mut out, b"iso6", &[b"iso6", b"cmfc", b"dash", b"mp41"]),
        }
        let init = InitSpec {
            track_id: TRACK_ID,
            timescale: self.timescale,
            duration,
            language: self.language,
            media: self.media,
            sample_entry: self.entry,
            protection: protection.map(|p| ProtectionSpec {
                scheme: p.scheme.four_cc().into(),
                encryption: p.track_encryption(p.default_kid(), self.is_video()),
            }),
            clear_entry: protection.is_some_and(|p| p.plan.clear_segments > 0),
            default_sample_flags: if self.is_video() { NON_SYNC } else { SYNC },
            media_time: self.priming,
            pssh: protection.map(|p| &p.pssh[..]).unwrap_or_default(),
        };
        write_init(&mut out, &init);
        out.into_bytes()
    }
}
