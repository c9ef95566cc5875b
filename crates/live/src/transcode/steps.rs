//! Which renditions are made of a source.

use ladder::Rung;
use serde::{Deserialize, Serialize};

use crate::source::{Kind, Source};

/// A rendition that is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Samples of a line.
    pub width: u32,
    /// Lines.
    pub height: u32,
    /// Bit rate, kbit/s.
    pub kbps: u32,
}

/// Why nothing is made of a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// What is wanted is not below it.
    #[error("what the encoder sends is not higher than the lowest step")]
    Small,
    /// It has no pictures.
    #[error("the encoder sends no pictures")]
    Sound,
}

/// The steps that are made of a source whose pictures last so many ticks, highest first; none is above it.
/// H.264 that every player takes is the highest step itself, as it is sent. Beside anything else, HDR too,
/// there is one in its own height, where the ladder goes so far.
///
/// # Errors
/// [`Unfit`].
pub fn steps(rungs: &[Rung], source: &Source, duration: u32) -> Result<Vec<Step>, Unfit> {
    let Kind::Video { size: (width, height), sar, .. } = &source.kind else {
        return Err(Unfit::Sound);
    };
    // As it is shown: samples become square.
    let wide = u64::from(*width) * u64::from(sar[0]) / u64::from(sar[1].max(1));
    let shown = (u32::try_from(wide).unwrap_or(u32::MAX).clamp(2, 16_384), *height);
    let lines = shown.0.min(shown.1);
    let wanted: Vec<Rung> = match is_top(source) {
        // Not one that is nearly as high.
        true => rungs.iter().filter(|rung| rung.height + rung.height / 8 <= lines).copied().collect(),
        false => ladder::steps(rungs, lines),
    };
    let rate = f64::from(source.timescale) / f64::from(duration.max(1));
    let step = |rung: &Rung| {
        let (width, height) = rung.size(shown);
        Step { width, height, kbps: rung.kbps(rate) }
    };
    match wanted.is_empty() {
        true => Err(Unfit::Small),
        false => Ok(wanted.iter().map(step).collect()),
    }
}

/// Whether every player takes it: H.264 with 8 bits and 4:2:0 (ITU-T H.264, Annex A: Baseline, Main,
/// Extended, High), in SDR and in whole pictures.
fn is_top(source: &Source) -> bool {
    if source.range() != Some("SDR") || source.may_be_interlaced() {
        return false;
    }
    let profile = source.codecs.strip_prefix("avc1.").or_else(|| source.codecs.strip_prefix("avc3."));
    let profile = profile.and_then(|rest| u8::from_str_radix(rest.get(..2)?, 16).ok());
    matches!(profile, Some(66 | 77 | 88 | 100))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A source of pictures with a size and a codec.
    fn source(codecs: &str, size: (u32, u32), sar: [u32; 2]) -> Source {
        Source {
            track_id: 7,
            timescale: 12_800,
            language: *b"und",
            codecs: codecs.to_owned(),
            entry: Vec::new(),
            edit_offset: 0,
            kind: Kind::Video {
                config: (*b"avcC", Vec::new()),
                size,
                sar,
                range: "SDR",
                display: (size.0 << 16, size.1 << 16, [0; 36]),
            },
        }
    }

    fn of(heights: &str, source: &Source, duration: u32) -> Result<Vec<(u32, u32, u32)>, Unfit> {
        let steps = steps(&ladder::of_heights(heights).unwrap(), source, duration)?;
        Ok(steps.iter().map(|step| (step.width, step.height, step.kbps)).collect())
    }

    #[test]
    fn no_step_is_above_the_source_and_that_is_the_highest() {
        let hd = source("avc1.640028", (1920, 1080), [1, 1]);
        assert_eq!(of("1080,720,480", &hd, 512).unwrap(), [(1280, 720, 3500), (854, 480, 1600)]);
        // 50 pictures a second are worth more.
        assert_eq!(of("720", &hd, 256).unwrap(), [(1280, 720, 5250)]);
        // 1072 lines are nearly 1080.
        let nearly = source("avc1.4d4028", (1904, 1072), [1, 1]);
        assert_eq!(of("1080,1000,480", &nearly, 512).unwrap(), [(852, 480, 1600)]);
        let small = source("avc1.64001e", (640, 360), [1, 1]);
        assert_eq!(of("1080,720,360", &small, 512), Err(Unfit::Small));
    }

    #[test]
    fn pictures_that_not_every_player_takes_get_a_step_of_their_height() {
        for codecs in ["hvc1.1.6.L120.90", "av01.0.08M.08", "avc1.6e0028"] {
            let source = source(codecs, (1920, 1080), [1, 1]);
            assert_eq!(
                of("1080,480", &source, 512).unwrap(),
                [(1920, 1080, 6000), (854, 480, 1600)],
                "{codecs}"
            );
        }
    }

    #[test]
    fn shapes_are_kept() {
        // Anamorphic PAL is shown in 1024 samples.
        let pal = source("avc1.64001e", (720, 576), [64, 45]);
        assert_eq!(of("360", &pal, 512).unwrap(), [(640, 360, 900)]);
        let portrait = source("avc1.640028", (1080, 1920), [1, 1]);
        assert_eq!(of("720", &portrait, 512).unwrap(), [(720, 1280, 3500)]);
    }

    /// HDR is for those who can show it: all others have steps from its own height on.
    #[test]
    fn hdr_gets_steps_of_its_own_height_and_sound_none() {
        let mut hdr = source("hvc1.2.4.L120.90", (1920, 1080), [1, 1]);
        let Kind::Video { range, .. } = &mut hdr.kind else { unreachable!() };
        *range = "PQ";
        assert_eq!(of("1080,720", &hdr, 512).unwrap(), [(1920, 1080, 6000), (1280, 720, 3500)]);
        // In H.264, too.
        hdr.codecs = "avc1.640028".to_owned();
        assert_eq!(of("1080", &hdr, 512).unwrap(), [(1920, 1080, 6000)]);
        let sound = Source { kind: Kind::Audio { sample_rate: 48_000, channels: 2 }, ..hdr };
        assert_eq!(of("720", &sound, 1024), Err(Unfit::Sound));
    }
}
