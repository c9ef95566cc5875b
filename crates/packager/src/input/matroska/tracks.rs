//! `Info` and `Tracks` (RFC 9559, §5.1.2, §5.1.4).

use super::ebml::{children, float, text, unsigned};
use super::mastering::Mastering;

/// A track as the file describes it.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct TrackEntry {
    pub(super) number: u64,
    /// 1: video, 2: audio.
    pub(super) kind: u64,
    pub(super) codec: String,
    pub(super) private: Vec<u8>,
    pub(super) language: String,
    /// Nanoseconds of a frame.
    pub(super) default_duration: Option<u64>,
    /// Nanoseconds by which timestamps are too late.
    pub(super) delay: u64,
    pub(super) encoded: bool,
    pub(super) width: u64,
    pub(super) height: u64,
    pub(super) display: Option<[u64; 2]>,
    pub(super) cropped: bool,
    /// Matrix, transfer, primaries, range by ITU-T H.273 and RFC 9559.
    pub(super) colour: Option<[u8; 4]>,
    pub(super) mastering: Mastering,
    pub(super) sample_rate: f64,
    pub(super) channels: u64,
}

/// Nanoseconds of a tick, by `Info`'s data.
pub(super) fn timestamp_scale(info: &[u8]) -> u64 {
    let scale = children(info).find(|(id, _)| *id == 0x2a_d7b1).and_then(|(_, data)| unsigned(data));
    scale.filter(|scale| *scale > 0).unwrap_or(1_000_000)
}

/// The tracks, by `Tracks`' data.
pub(super) fn parse(tracks: &[u8]) -> Vec<TrackEntry> {
    children(tracks).filter(|(id, _)| *id == 0xae).map(|(_, data)| TrackEntry::parse(data)).collect()
}

impl TrackEntry {
    fn parse(data: &[u8]) -> Self {
        let mut this =
            Self { language: "eng".to_owned(), sample_rate: 8000.0, channels: 1, ..Self::default() };
        let mut bcp47 = None;
        for (id, data) in children(data) {
            let number = || unsigned(data).unwrap_or(0);
            match id {
                0xd7 => this.number = number(),
                0x83 => this.kind = number(),
                0x86 => this.codec = text(data),
                0x63a2 => this.private = data.to_vec(),
                0x22_b59c => this.language = text(data),
                0x22_b59d => bcp47 = Some(text(data)),
                0x23_e383 => this.default_duration = unsigned(data).filter(|duration| *duration > 0),
                // More than minutes is no delay of a codec.
                0x56aa => this.delay = number().min(1 << 40),
                0x6d80 => this.encoded = children(data).next().is_some(),
                0xe0 => this.video(data),
                0xe1 => this.audio(data),
                _ => {}
            }
        }
        this.language = bcp47.unwrap_or(this.language);
        this
    }

    fn video(&mut self, data: &[u8]) {
        let (mut display, mut unit) = ([None, None], 0);
        for (id, data) in children(data) {
            let number = || unsigned(data).unwrap_or(0);
            match id {
                0xb0 => self.width = number(),
                0xba => self.height = number(),
                0x54b0 => display[0] = Some(number()),
                0x54ba => display[1] = Some(number()),
                0x54b2 => unit = number(),
                0x54aa | 0x54bb | 0x54cc | 0x54dd => self.cropped |= number() > 0,
                0x55b0 => {
                    self.colour = Some(colour(data));
                    self.mastering = Mastering::parse(data);
                }
                _ => {}
            }
        }
        if let ([Some(width), Some(height)], 0..=3) = (display, unit) {
            self.display = Some([width, height]);
        }
    }

    fn audio(&mut self, data: &[u8]) {
        for (id, data) in children(data) {
            match id {
                0xb5 => self.sample_rate = float(data).unwrap_or(0.0),
                0x9f => self.channels = unsigned(data).unwrap_or(0),
                _ => {}
            }
        }
    }
}

fn colour(data: &[u8]) -> [u8; 4] {
    let mut colour = [2, 2, 2, 0];
    for (id, data) in children(data) {
        let place = match id {
            0x55b1 => 0,
            0x55ba => 1,
            0x55bb => 2,
            0x55b9 => 3,
            _ => continue,
        };
        colour[place] = unsigned(data).and_then(|value| u8::try_from(value).ok()).unwrap_or(2);
    }
    colour
}
