//! A representation of a session, as playlists tell of it.

use bytes::Bytes;

use crate::output::Output;
use crate::source::Source;
use crate::window::Window;

/// A representation of a session.
#[derive(Debug, Clone, Copy)]
pub struct Representation<'a> {
    pub(super) output: &'a Output,
    pub(super) name: &'a str,
    pub(super) retired: bool,
}

impl<'a> Representation<'a> {
    /// `v{height}-{n}` or `a-{language}-{n}`.
    pub fn id(&self) -> &'a str {
        &self.output.id
    }

    /// What the encoder calls it by.
    pub(crate) const fn name(&self) -> &'a str {
        self.name
    }

    /// Whether it is made here of what an encoder sends.
    pub fn is_made(&self) -> bool {
        super::making::is_made(self.name)
    }

    /// Whether it is made no more: who begins to watch is not told of it.
    pub const fn is_retired(&self) -> bool {
        self.retired
    }

    /// What the encoder says of it.
    pub const fn source(&self) -> &'a Source {
        &self.output.source
    }

    /// BCP 47.
    pub fn language(&self) -> String {
        language(self.output.source.language)
    }

    /// `ftyp` and `moov`.
    pub const fn header(&self) -> &'a Bytes {
        &self.output.header
    }

    /// What is published of it.
    pub const fn window(&self) -> &'a Window {
        &self.output.window
    }

    /// IV of its first sample, hexadecimal.
    pub fn first_iv(&self) -> Option<String> {
        self.output.first_iv()
    }

    /// Bit/s of the segment with the most bits for its duration, and of all; at least 1.
    pub fn bandwidth(&self) -> (u64, u64) {
        let timescale = u64::from(self.output.source.timescale);
        let rate = |bytes: u64, ticks: u64| {
            (bytes.saturating_mul(8).saturating_mul(timescale)).div_ceil(ticks.max(1))
        };
        let segments = || self.output.window.segments().filter(|segment| segment.duration > 0);
        let peak = segments().map(|segment| rate(segment.size, segment.duration)).max().unwrap_or(1);
        let (bytes, ticks) =
            segments().fold((0, 0), |(b, t), segment| (b + segment.size, t + segment.duration));
        (peak.max(1), rate(bytes, ticks).max(1))
    }
}

/// The BCP 47 tag of an ISO 639-2 code: two letters where there are two.
pub(super) fn language(code: [u8; 3]) -> String {
    let code = std::str::from_utf8(&code).unwrap_or("und");
    isolang::Language::from_639_3(code).and_then(|language| language.to_639_1()).unwrap_or(code).to_owned()
}

/// After how many seconds of absence something is not waited for any more.
const ABSENT: f64 = 2.0;

/// Whether what is published up to these times, in seconds, goes as far as `front`, give or take half a part.
pub(super) fn is_level(front: f64, mut ends: impl Iterator<Item = f64>, part: f64) -> bool {
    ends.all(|end| end + part / 2.0 >= front || end + ABSENT < front)
}

#[cfg(test)]
mod tests {
    use super::is_level;

    #[test]
    fn sound_is_level_with_pictures_when_it_lacks_less_than_half_a_part() {
        let level = |sound: f64| is_level(8.98, [8.98, sound].into_iter(), 0.5);
        // As ffmpeg sends it: 24 pictures of 25 a second, 23 frames of AAC.
        assert!(!level(8.512) && level(9.003) && level(8.8));
        assert!(level(3.0), "it has stopped");
    }
}
