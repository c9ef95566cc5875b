//! Sound: what passes, and what becomes AAC.

use super::film::film;
use super::text::{in_name, language};
use super::{Plan, Sound, Source, is_direct, name, place};
use crate::probe::{Kind, Stream};
use pack::AudioRole;

/// Seconds by which sound may begin late or end early before it is made to fit.
const LOOSE: f64 = 0.5;

/// Samples a second, all channels together, of FLAC that passes: stereo at 48 kHz. More is more than 1.5
/// Mbit/s.
const MOST_FLAC: u32 = 96_000;

/// Why sound cannot be taken as it is.
fn unfit(stream: &Stream, rate: u32, channels: u32) -> Option<&'static str> {
    match &stream.codec[..] {
        "aac" if rate <= 96_000 => None,
        "opus" if channels <= 2 => None,
        "opus" => Some(", for not every player takes more than two channels of Opus"),
        "flac" if rate.saturating_mul(channels) <= MOST_FLAC => None,
        "flac" => Some(", for that is more than 1.5 Mbit/s"),
        "ac3" | "eac3" => Some(", for only Safari, Edge and TV devices play it as it is"),
        _ => Some(""),
    }
}

/// Whether a stream is sound that may be taken as it is.
pub(crate) fn may_pass(stream: &Stream) -> bool {
    matches!(stream.kind, Kind::Audio { rate, channels } if unfit(stream, rate, channels).is_none())
}

/// Whether the packager reads a file with such pictures, whether they are taken or not.
fn pictures_are_read(source: &Source) -> bool {
    film(&source.media).is_none_or(|film| ["h264", "hevc", "vp9", "av1"].contains(&&film.codec[..]))
}

impl Plan {
    pub(super) fn add_sounds(&mut self, source: &Source, transcode: bool) {
        let sounds = source.media.streams.iter().filter_map(|stream| match stream.kind {
            Kind::Audio { rate, channels } => Some((stream, rate, channels)),
            _ => None,
        });
        let unfit = |stream: &Stream, rate, channels| match unfit(stream, rate, channels) {
            None if transcode => Some(", for its gaps or its coding do not suit the packager"),
            why => why,
        };
        let all_pass = sounds.clone().all(|(stream, rate, channels)| unfit(stream, rate, channels).is_none());
        for (n, (stream, rate, channels)) in sounds.enumerate() {
            let name = name(source, stream);
            if rate == 0 || channels == 0 {
                self.notes.push(format!("{name}: sound that ffmpeg cannot read, left out"));
                continue;
            }
            let end = stream.duration.map(|duration| stream.start - source.media.start + duration);
            let fits = stream.start - source.media.start < LOOSE
                && end.is_none_or(|end| end > self.duration - LOOSE);
            let unfit = unfit(stream, rate, channels).or_else(|| {
                // Players go on with what comes next, and are ahead of the pictures from then on.
                let has_holes = source.holes.contains(&stream.index);
                has_holes.then_some(", with silence where it has gaps")
            });
            let pass = unfit.is_none() && fits;
            self.notes.push(match (pass, fits) {
                (true, _) => format!("{name}: {} passes as it is", stream.codec),
                (false, true) => format!("{name}: {} becomes AAC{}", stream.codec, unfit.unwrap_or_default()),
                (false, false) => {
                    format!("{name}: shorter than the film; silence is added, and it becomes AAC")
                }
            });
            self.sounds.push(Sound {
                place: place(source, stream),
                number: n + 1,
                pass,
                // The packager reads all sounds of a file or none.
                direct: pass && is_direct(source) && all_pass && pictures_are_read(source),
                channels: channels.min(6),
                language: language(stream).or_else(|| in_name(&source.path)),
                role: match () {
                    () if stream.is("visual_impaired") || stream.is("descriptions") => AudioRole::Description,
                    () if stream.is("comment") => AudioRole::Commentary,
                    () if stream.is("dub") => AudioRole::Dub,
                    () => AudioRole::Main,
                },
                label: stream.title.clone().filter(|title| pack::layout::is_label(title)),
                default: false,
            });
        }
        // One begins: the first that its file marks, else the first that tells the film.
        let marked = self.sounds.iter().position(|sound| {
            let of =
                |stream: &&Stream| stream.index == sound.place.stream && source.path == sound.place.input;
            source.media.streams.iter().find(of).is_some_and(|stream| stream.is("default"))
        });
        if self.sounds.iter().all(|sound| !sound.default)
            && let Some(sound) = self.sounds.get_mut(marked.unwrap_or(0))
        {
            sound.default = true;
        }
    }
}
