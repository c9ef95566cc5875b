//! Pictures: what passes, and what is encoded how.

use super::film::{Held, film};
use super::{Coding, KeyFrames, Pictures, Source, Step, Wishes, name, place};
use crate::ladder::{self, Rung, filters};
use crate::probe::{Kind, Media, Stream, Video};

/// ffprobe's names of codecs that browsers play and the packager takes as they are, and the pixel formats in
/// which they do.
const PASSING: [(&str, &[&str]); 3] =
    [("h264", &["yuv420p", "yuvj420p"]), ("vp9", &["yuv420p"]), ("av1", &["yuv420p", "yuv420p10le"])];

/// A bit rate that is sane for pictures that pass: bits for each sample of each picture, and no limit below
/// 1 Mbit/s.
const MOST_BITS_PER_SAMPLE: f64 = 0.3;

/// The stream of pictures that may pass, by its number.
pub(crate) fn may_pass(media: &Media) -> Option<usize> {
    let fits = |stream: &&Stream| passes(stream).is_some() || may_pass_for_hdr(stream);
    film(media).filter(fits).map(|stream| stream.index)
}

/// Whether pictures may be taken as they are for HDR, by what they are in. AV1 is not: its encoder puts key
/// frames where it counts them, not where the source's are, and so makes no smaller steps beside it.
pub(super) fn may_pass_for_hdr(stream: &Stream) -> bool {
    let fits = |video: &Video| video.is_hdr() && video.pixels == "yuv420p10le";
    stream.codec == "hevc" && matches!(&stream.kind, Kind::Video(video) if fits(video))
}

/// The most bits a second that pictures may have to pass.
fn most(video: &Video) -> f64 {
    let (width, height) = video.size;
    let samples = f64::from(width) * f64::from(height) * video.rate;
    (samples * MOST_BITS_PER_SAMPLE).max(1e6)
}

/// Whether the bit rate is sane, where it is known.
pub(super) fn is_sane(stream: &Stream, video: &Video) -> bool {
    stream.bit_rate.is_none_or(|rate| rate as f64 <= most(video))
}

/// The pixel formats of a codec that may pass.
fn passes(stream: &Stream) -> Option<&'static [&'static str]> {
    PASSING.iter().find(|(codec, _)| *codec == stream.codec).map(|(_, pixels)| *pixels)
}

/// Why pictures cannot be taken as they are.
pub(super) fn unfit(
    source: &Source,
    stream: &Stream,
    video: &Video,
    wishes: &Wishes,
    several: bool,
) -> Option<String> {
    let most = most(video);
    // Of one file alone, what is not said of the stream is nearly all of the file.
    let rate = stream.bit_rate.filter(|_| !several).map(|rate| rate as f64);
    if wishes.ladder.is_some() && !several {
        Some("a ladder was asked for".to_owned())
    } else if wishes.transcode {
        Some("its key frames or its coding do not suit the packager".to_owned())
    } else if passes(stream).is_none() {
        Some(match &stream.codec[..] {
            "" => "not every player takes an unknown codec".to_owned(),
            // A step beside it that all play would need the same key frames.
            "hevc" => "not every player takes hevc, and a ladder has one codec".to_owned(),
            codec => format!("not every player takes {codec}"),
        })
    } else if let Some(pixels) = passes(stream).filter(|pixels| !pixels.contains(&&video.pixels[..])) {
        Some(format!(
            "players do not take {} in {}, but in {}",
            stream.codec,
            video.pixels,
            pixels.join(", ")
        ))
    } else if video.is_hdr() {
        Some("not every player shows HDR".to_owned())
    } else if video.interlaced {
        Some("it is interlaced".to_owned())
    } else if video.rotation != 0 {
        Some(format!("it is to be turned by {} degrees", video.rotation))
    } else if let Some(distance) = source.key_frames.filter(|distance| *distance > 10.0) {
        Some(format!("{distance:.1} s lie between two of its key frames, and 10 s are the most"))
    } else {
        let rate = rate.filter(|rate| *rate > most);
        rate.map(|rate| format!("{:.1} Mbit/s are more than its size is worth", rate / 1e6))
    }
}

/// The steps of the ladder for pictures.
pub(super) fn steps(video: &Video, wishes: &Wishes) -> Vec<Step> {
    let (width, height) = video.shown();
    let lines = width.min(height);
    let ladder = wishes.ladder.as_deref().unwrap_or(&ladder::USUAL);
    let mut rungs = ladder::steps(ladder, lines);
    if rungs.is_empty() {
        rungs.extend(ladder.last().map(|rung| Rung { height: lines, ..*rung }));
    }
    let step = |rung: &Rung| {
        let ((width, height), max_kbps) = (rung.size((width, height)), rung.kbps(video.rate));
        Step { width, height, max_kbps }
    };
    rungs.iter().map(step).collect()
}

/// Transcodes pictures to H.264, with key frames at `keys`.
pub(super) fn encode(
    (source, stream, video): (&Source, &Stream, &Video),
    held: &Held,
    wishes: &Wishes,
    keys: KeyFrames,
    notes: &mut Vec<String>,
) -> Pictures {
    let name = name(source, stream);
    let mut filters = Vec::new();
    if video.interlaced {
        filters.push(filters::WHOLE.to_owned());
        notes.push(format!("{name}: fields are made whole pictures (bwdif)"));
    }
    if video.is_hdr() {
        filters.push(filters::TO_SDR.to_owned());
        notes.push(format!("{name}: HDR becomes SDR (hable), for H.264 players have no HDR"));
    }
    if !held.filters().is_empty() {
        notes.push(format!("{name}: the first or the last picture is held where there are no others"));
    }
    if video.sar.0 != video.sar.1 {
        notes.push(format!("{name}: samples of {}:{} become square", video.sar.0, video.sar.1));
    }
    if video.variable {
        notes.push(format!(
            "{name}: pictures have unequal lengths; each keeps its time, so that sound stays with it"
        ));
    }
    Pictures::Encode {
        place: place(source, stream),
        coding: Coding::H264,
        steps: steps(video, wishes),
        filters,
        held: held.filters(),
        rate: video.rate,
        variable: video.variable,
        keys,
        colours: None,
    }
}
