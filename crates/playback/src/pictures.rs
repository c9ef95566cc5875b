//! Which of a film's pictures a device plays, where the same pictures are there in several codecs or dynamic
//! ranges.
//!
//! Players switch between representations of one codec and one dynamic range only: a source buffer and a
//! decoder are made for one codec, and a screen that went from HDR to SDR and back would flicker. So one
//! group is chosen when the film begins ([`PictureChoice`]), and the manifest is narrowed to it before
//! anything else is made of it; heights, policies and keys then go by what is in the group.

use std::fmt;

use nccp::{Downloadable, Manifest, MediaType, ProfileCodec};

/// How bright and how deep pictures are: the range of their transfer characteristics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DynamicRange {
    /// Standard.
    #[default]
    Sdr,
    /// Hybrid log-gamma (ITU-R BT.2100), which SDR screens show as well.
    Hlg,
    /// Perceptual quantizer (ITU-R BT.2100, SMPTE ST 2084).
    Pq,
}

impl DynamicRange {
    /// Of a file of a manifest. What is not told is standard.
    pub fn of(file: &Downloadable) -> Self {
        match file.video_range.as_deref() {
            Some("PQ") => Self::Pq,
            Some("HLG") => Self::Hlg,
            _ => Self::Sdr,
        }
    }
}

/// Displays as in manifests: `SDR`, `HLG`, `PQ`.
impl fmt::Display for DynamicRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sdr => "SDR",
            Self::Hlg => "HLG",
            Self::Pq => "PQ",
        })
    }
}

/// Pictures between which players switch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PictureGroup {
    /// Their codec; `None` for those that have no name of their own.
    pub codec: Option<ProfileCodec>,
    /// Their dynamic range.
    pub range: DynamicRange,
}

impl PictureGroup {
    /// The group of a file; `None` for sound.
    pub fn of(file: &Downloadable) -> Option<Self> {
        let group = || Self { codec: ProfileCodec::of_codecs(&file.codecs), range: DynamicRange::of(file) };
        (file.media_type == MediaType::Video).then(group)
    }

    /// Of two that a device plays well, the one that is worth more is taken: more range first, then the codec
    /// that shows more for the same bits.
    fn worth(self) -> (DynamicRange, u8) {
        let codec = match self.codec {
            Some(ProfileCodec::Av1) => 4,
            Some(ProfileCodec::Hevc) => 3,
            Some(ProfileCodec::Vp9) => 2,
            Some(ProfileCodec::H264) => 1,
            _ => 0,
        };
        (self.range, codec)
    }
}

/// How well a device plays pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fit {
    /// It cannot decode them.
    Not,
    /// It can, but not as they were meant: its screen does not show them so, or it would drop some.
    Poorly,
    /// As they were meant.
    Well,
}

/// The pictures of one viewing: chosen by its first manifest, and the same in all that follow it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PictureChoice {
    group: Option<PictureGroup>,
}

impl PictureChoice {
    /// The group, once it is chosen.
    pub fn group(self) -> Option<PictureGroup> {
        self.group
    }

    /// Takes all pictures out of a manifest that are not of the chosen group. Where none is chosen yet it is
    /// the best that the device plays well; where it plays none so, the one that asks least of it. A
    /// manifest of which the device plays nothing stays as it is.
    pub fn narrow(&mut self, manifest: &mut Manifest, fit: impl Fn(&Downloadable) -> Fit) {
        if self.group.is_none() {
            self.group = best(&manifest.downloadables, fit);
        }
        if let Some(chosen) = self.group {
            manifest.downloadables.retain(|file| PictureGroup::of(file).is_none_or(|group| group == chosen));
        }
    }
}

/// Lines of the largest picture by which a device is asked about a group: a smaller one is taken where it is
/// too much for the device after all.
const ASKED: u32 = 1080;

/// One picture of each group to ask a device about: the largest that is not above 1080 lines, else the
/// smallest. Nothing is to be asked where there are not several groups.
pub fn pictures_to_ask_about(files: &[Downloadable]) -> Vec<(PictureGroup, &Downloadable)> {
    let lines = |file: &Downloadable| file.resolution.map_or(0, |size| size.width.min(size.height));
    let rank = |file: &Downloadable| match lines(file) {
        low @ 0..=ASKED => (true, i64::from(low)),
        high => (false, -i64::from(high)),
    };
    let mut groups: Vec<(PictureGroup, &Downloadable)> = Vec::new();
    for file in files {
        let Some(group) = PictureGroup::of(file) else { continue };
        match groups.iter().position(|(other, _)| *other == group) {
            Some(at) if rank(file) > rank(groups[at].1) => groups[at].1 = file,
            Some(_) => {}
            None => groups.push((group, file)),
        }
    }
    if groups.len() > 1 { groups } else { Vec::new() }
}

/// The best group. A group fits as well as the best of its pictures.
fn best(files: &[Downloadable], fit: impl Fn(&Downloadable) -> Fit) -> Option<PictureGroup> {
    let mut groups: Vec<(PictureGroup, Fit)> = Vec::new();
    for file in files {
        let Some(group) = PictureGroup::of(file) else { continue };
        let fits = fit(file);
        match groups.iter_mut().find(|(other, _)| *other == group) {
            Some((_, known)) => *known = fits.max(*known),
            None => groups.push((group, fits)),
        }
    }
    let of = |wanted: Fit| groups.iter().filter(move |(_, fit)| *fit == wanted).map(|(group, _)| *group);
    of(Fit::Well)
        .max_by_key(|group| group.worth())
        .or_else(|| of(Fit::Poorly).min_by_key(|group| group.worth()))
}

#[cfg(test)]
mod tests;
