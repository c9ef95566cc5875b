//! A second ladder, for devices and screens that show HDR.

use serde::Serialize;

use super::film::Held;
use super::pictures::{is_sane, may_pass_for_hdr, steps};
use super::{Coding, KeyFrames, Pictures, Source, Step, Wishes, name, place};
use crate::ladder::filters;
use crate::mastering::Mastering;
use crate::probe::{Stream, Video};

/// What HDR is kept in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum HdrCoding {
    /// HEVC, Main 10, by libx265.
    Hevc,
    /// AV1 of 10 bits, by libsvtav1.
    Av1,
}

impl HdrCoding {
    /// All of them, the one that more devices decode first.
    pub const ALL: [Self; 2] = [Self::Hevc, Self::Av1];

    /// ffmpeg's name of the encoder.
    pub const fn encoder(self) -> &'static str {
        match self {
            Self::Hevc => "libx265",
            Self::Av1 => "libsvtav1",
        }
    }

    /// Its name for people.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hevc => "HEVC",
            Self::Av1 => "AV1",
        }
    }
}

/// What HDR players need to know of the colours: ffmpeg's names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Colours {
    /// Primaries.
    pub primaries: String,
    /// Transfer characteristics.
    pub transfer: String,
    /// Matrix.
    pub matrix: String,
    /// How the film was mastered, where that is known.
    #[serde(skip_serializing_if = "Mastering::is_none")]
    pub mastering: Mastering,
}

impl Colours {
    fn of(video: &Video) -> Self {
        let or = |said: &str, usual: &str| {
            let known = !["", "unknown", "reserved"].contains(&said);
            if known { said.to_owned() } else { usual.to_owned() }
        };
        Self {
            primaries: or(&video.primaries, "bt2020"),
            transfer: video.transfer.clone(),
            matrix: or(&video.matrix, "bt2020nc"),
            mastering: video.mastering,
        }
    }
}

/// Of the cap of a step in H.264, what one in HEVC or AV1 gets: a quarter less, for ten bits more.
const CAP: (u32, u32) = (3, 4);

/// Lines of the largest step beside pictures that pass, in hundredths of theirs: one that is nearly as large
/// is of no use.
const BELOW: u32 = 90;

fn passes(source: &Source, stream: &Stream, video: &Video, held: &Held, wishes: &Wishes) -> bool {
    let shaped = !video.interlaced && video.rotation == 0 && video.sar.0 == video.sar.1 && !video.variable;
    let near = source.key_frames.is_some_and(|distance| distance <= 10.0);
    may_pass_for_hdr(stream)
        && shaped
        && near
        && held.filters().is_empty()
        && is_sane(stream, video)
        && !wishes.transcode
        && wishes.ladder.is_none()
}

/// What the HDR of pictures that are transcoded becomes beside their SDR: nothing, where it is not wanted.
/// Says which key frames the steps in SDR have to have, so that all are cut at the same times.
pub(super) fn keep(
    (source, stream, video): (&Source, &Stream, &Video),
    held: &Held,
    wishes: &Wishes,
    notes: &mut Vec<String>,
) -> (KeyFrames, Vec<Pictures>) {
    let fit = passes(source, stream, video, held, wishes) && wishes.hdr.contains(&HdrCoding::Hevc);
    let passing = fit.then_some(HdrCoding::Hevc);
    let Some(coding) = passing.or(wishes.hdr.first().copied()).filter(|_| video.is_hdr()) else {
        return (KeyFrames::Usual, Vec::new());
    };
    let name = name(source, stream);
    let range = if video.transfer == "arib-std-b67" { "HLG" } else { "PQ" };
    let keys = match (passing, coding) {
        (Some(_), _) => KeyFrames::Source,
        (None, HdrCoding::Hevc) => KeyFrames::Usual,
        (None, HdrCoding::Av1) => KeyFrames::Counted { pictures: (video.rate * 2.0).round().max(1.0) as u32 },
    };
    let mut made = Vec::new();
    let mut rungs: Vec<Step> = steps(video, wishes);
    if passing.is_some() {
        notes.push(format!(
            "{name}: {} at {}x{} passes as it is for HDR ({range}); smaller steps of it are made in {}",
            stream.codec,
            video.size.0,
            video.size.1,
            coding.name()
        ));
        made.push(Pictures::Pass {
            place: place(source, stream),
            direct: false,
            codec: stream.codec.clone(),
        });
        let lines = |width: u32, height: u32| width.min(height);
        let own = lines(video.size.0, video.size.1);
        rungs.retain(|step| lines(step.width, step.height) * 100 <= own * BELOW);
    } else {
        notes.push(format!(
            "{name}: HDR ({range}) is kept in {}, in steps beside those of SDR",
            coding.name()
        ));
    }
    for step in &mut rungs {
        step.max_kbps = step.max_kbps * CAP.0 / CAP.1;
    }
    let filters = match video.interlaced {
        true => vec![filters::WHOLE.to_owned()],
        false => Vec::new(),
    };
    if !rungs.is_empty() {
        made.push(Pictures::Encode {
            place: place(source, stream),
            coding: coding.into(),
            steps: rungs,
            filters,
            held: held.filters(),
            rate: video.rate,
            variable: video.variable,
            keys,
            colours: Some(Colours::of(video)),
        });
    }
    (keys, made)
}

impl From<HdrCoding> for Coding {
    fn from(coding: HdrCoding) -> Self {
        match coding {
            HdrCoding::Hevc => Self::Hevc,
            HdrCoding::Av1 => Self::Av1,
        }
    }
}
