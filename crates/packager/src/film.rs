use std::time::Duration;

use cenc::Label;
use cmaf::timeline::rescale;
use cmaf::{Timed, Track, cut_audio, cut_videos, earliest, join_short_end};
use isobmff::MediaHeader;
use pack::layout::{downloadable_id, media_path};
use pack::{
    AudioProperties, ByteRange, Fraction, MadeFrom, MediaType, PackInputs, PackProtection, Representation,
    SourceTrack, VideoProperties, Written, bits_per_second,
};

use crate::codec::VideoCodec;
use crate::exchange::{ExchangedKeys, TrackTraits};
use crate::extras::Extras;
use crate::input::{Input, InputTrack};
use crate::media_plan::MediaPlan;
use crate::naming::{canonical_language, language_code, language_tag};
use crate::options::{AudioDetails, PackageOptions};
use crate::{Error, Progress};

/// A film about to be packaged.
pub(crate) struct Film<'a> {
    /// Video in the order of its bitrate, then audio.
    pub(crate) tracks: Vec<FilmTrack<'a>>,
}

pub(crate) struct FilmTrack<'a> {
    pub(crate) id: String,
    /// Of its keys, where they are not the film's.
    pub(crate) label: Option<Label>,
    /// Index of the input and id of the track in it.
    source: (usize, u32),
    pub(crate) plan: MediaPlan<'a>,
    codecs: &'a str,
    language: String,
    video: Option<VideoProperties>,
    audio: Option<AudioProperties>,
}

/// A track of sound that is taken.
#[derive(Debug, Clone)]
pub(crate) struct Sound {
    /// Index of its input, and of the track among the sounds there.
    pub(crate) place: (usize, usize),
    pub(crate) details: AudioDetails,
}

impl<'a> Film<'a> {
    /// Of tracks that are on the film's timeline ([`onto_timeline`]).
    pub(crate) fn plan(inputs: &'a [Input], sounds: &[Sound], segment: Duration) -> Result<Self, Error> {
        let videos =
            || inputs.iter().enumerate().filter_map(|(n, input)| Some((n, input, input.video.as_ref()?)));
        let audios = || {
            sounds.iter().filter_map(|sound| {
                let (n, track) = sound.place;
                let input = inputs.get(n)?;
                Some((n, input, input.audio.get(track)?, &sound.details))
            })
        };
        let first_default = sounds.iter().position(|sound| sound.details.default).unwrap_or(0);
        let ladder: Vec<_> = videos().map(|(_, _, track)| timed(track)).collect();
        let paths: Vec<_> = videos().map(|(_, input, _)| input.file.path()).collect();
        let target = u64::try_from(segment.as_millis()).unwrap_or(u64::MAX);
        let mut cuts = cut_videos(&ladder, target).map_err(Error::cut(|video| paths[video]))?;
        for (_, _, track, _) in audios() {
            join_short_end(&mut cuts, &ladder[0], &timed(track));
        }
        let mut tracks = Vec::new();
        for ((n, input, track), cuts) in videos().zip(&cuts) {
            tracks.push(video_track((n, input), track, cuts.clone()));
        }
        tracks.sort_by_key(|track: &FilmTrack<'_>| track.source_bitrate());
        let mut languages: Vec<String> = Vec::new();
        for (sound, (n, input, track, details)) in audios().enumerate() {
            let cuts =
                cut_audio(&timed(track), &ladder[0], &cuts[0]).map_err(Error::cut(|_| input.file.path()))?;
            let (samples, start) = (&track.samples[..], start(track).max(0) as u64);
            let priming = samples.first().map_or(0, |first| (start as i64 - first.time).max(0) as u64);
            let (code, language) = match &details.language {
                Some(tag) => {
                    let tag = canonical_language(tag);
                    (language_code(&tag), tag)
                }
                None => (track.language, language_tag(track.language)),
            };
            languages.push(language.clone());
            let number = languages.iter().filter(|other| **other == language).count();
            tracks.push(FilmTrack {
                id: format!("a-{language}-{number}"),
                label: None,
                source: (n, track.id),
                plan: MediaPlan {
                    source: &input.file,
                    track: Track {
                        timescale: track.timescale,
                        language: code,
                        media: MediaHeader::Audio,
                        entry: &track.codec.entry,
                        video: None,
                        priming,
                    },
                    samples,
                    offsets: &track.offsets,
                    start,
                    cuts,
                },
                codecs: &track.codec.codecs,
                language,
                video: None,
                audio: Some(AudioProperties {
                    sample_rate: track.codec.sample_rate,
                    channels: track.codec.channels,
                    bits: Some(track.codec.bits).filter(|bits| *bits != 16),
                    default: sound == first_default,
                    role: details.role,
                    label: details.label.clone(),
                }),
            });
        }
        tell_codecs_apart(&mut tracks);
        for (index, track) in tracks.iter().enumerate() {
            if tracks[..index].iter().any(|other| other.id == track.id) {
                return Err(Error::SameRepresentation { id: track.id.clone() });
            }
        }
        Ok(Self { tracks })
    }

    /// Gives each height of the picture keys of its own.
    ///
    /// # Errors
    /// [`Error::Cenc`] if that is no label.
    pub(crate) fn label_by_height(&mut self, label: &Label) -> Result<(), Error> {
        for track in &mut self.tracks {
            if let Some(video) = &track.video {
                track.label = Some(format!("{label}/{}", video.height).parse()?);
            }
        }
        Ok(())
    }

    /// Gives tracks under the same keys of a document a label, and other labels to others.
    ///
    /// # Errors
    /// [`Error::Keys`] if a track has no key, or several.
    pub(crate) fn label_by_keys(
        &mut self,
        keys: &ExchangedKeys,
        label: &Label,
        periods: u32,
    ) -> Result<(), Error> {
        let traits: Vec<_> = self.tracks.iter().map(FilmTrack::traits).collect();
        let labels = keys.label(&traits, label, periods)?;
        for (track, label) in self.tracks.iter_mut().zip(labels) {
            track.label = label;
        }
        Ok(())
    }

    /// The labels of the tracks, each once and with the first track that has it, that of the whole film
    /// first.
    pub(crate) fn labels(&self) -> Vec<(Option<Label>, TrackTraits<'_>)> {
        let mut labels: Vec<(Option<Label>, TrackTraits<'_>)> = Vec::new();
        for track in &self.tracks {
            if !labels.iter().any(|(label, _)| *label == track.label) {
                labels.push((track.label.clone(), track.traits()));
            }
        }
        labels.sort_by_key(|(label, _)| label.is_some());
        labels
    }

    /// The pack's id, and of what it is made.
    pub(crate) fn pack_id(
        &self,
        inputs: &[Input],
        options: &PackageOptions,
        protection: Option<&PackProtection>,
        extras: &Extras,
        progress: &mut dyn Progress,
    ) -> Result<(String, MadeFrom), Error> {
        progress.stage("reading", inputs.iter().map(|input| input.file.len()).sum());
        let digests: Vec<_> =
            inputs.iter().map(|input| input.file.sha256(progress)).collect::<Result<_, _>>()?;
        let sources = || self.tracks.iter().map(|track| (track, digests[track.source.0]));
        let segment = u64::try_from(options.segment.as_millis()).unwrap_or(u64::MAX);
        let inputs = PackInputs {
            sources: sources().map(|(track, digest)| (&track.id[..], digest, track.source.1)).collect(),
            scheme: options.scheme,
            level: options.level,
            segment,
            protection,
            audio: self.tracks.iter().filter_map(|t| Some((&t.id[..], t.audio.as_ref()?))).collect(),
            subtitles: extras.subtitles(),
            thumbnails: extras.thumbnails(),
            chapters: &extras.chapters,
        };
        let track = |(track, digest): (&FilmTrack<'_>, [u8; 32])| SourceTrack {
            id: track.id.clone(),
            sha256: hex::encode(digest),
            track: track.source.1,
        };
        Ok((inputs.pack_id(), MadeFrom { segment, tracks: sources().map(track).collect() }))
    }

    /// What is known of the representations before they are written.
    pub(crate) fn describe(&self, pack_id: &str) -> Result<Vec<Representation>, Error> {
        let described: Vec<_> = self.tracks.iter().map(|track| track.describe(pack_id)).collect();
        for (index, this) in described.iter().enumerate() {
            if let Some(other) =
                described[..index].iter().find(|other| other.downloadable_id == this.downloadable_id)
            {
                return Err(Error::IdCollision { a: other.id.clone(), b: this.id.clone() });
            }
        }
        Ok(described)
    }

    /// Number of segments, in every track.
    pub(crate) fn segments(&self) -> usize {
        self.tracks.first().map_or(0, |track| track.plan.cuts.len())
    }

    /// When a segment begins, in the first video; other tracks cut at the nearest of their samples.
    pub(crate) fn segment_start(&self, segment: usize) -> Fraction {
        let plan = self.tracks.first().map(|track| &track.plan);
        let (value, timescale) =
            plan.map_or((0, 1), |plan| (plan.segment_start(segment), plan.track.timescale));
        Fraction { value, timescale }
    }

    pub(crate) fn duration(&self) -> Fraction {
        let ends = self.tracks.iter().map(|track| (track.plan.end(), track.plan.track.timescale));
        let longest =
            ends.max_by(|a, b| (u128::from(a.0) * u128::from(b.1)).cmp(&(u128::from(b.0) * u128::from(a.1))));
        let (value, timescale) = longest.unwrap_or((0, 1));
        Fraction { value, timescale }
    }
}

/// Gives pictures whose height and bitrate another codec or dynamic range has, too, an id of their own. Films
/// in which none has keep the ids that they had.
fn tell_codecs_apart(tracks: &mut [FilmTrack<'_>]) {
    let forms: Vec<_> = tracks.iter().filter_map(FilmTrack::form).collect();
    let pictures = tracks.iter_mut().filter(|track| track.video.is_some());
    pictures.zip(distinct_ids(&forms)).for_each(|(track, id)| track.id = id);
}

/// What pictures are called, and in what they are.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Form {
    id: String,
    /// Codec without its profile, and dynamic range where it is not SDR: `hvc1-pq`.
    coding: String,
}

/// Of each its id, with its coding where one before it in another coding has the same.
fn distinct_ids(forms: &[Form]) -> Vec<String> {
    let distinct = |(index, this): (usize, &Form)| {
        let mut same = forms[..index].iter().filter(|other| other.id == this.id).peekable();
        let taken = same.peek().is_some();
        match taken && same.all(|other| other.coding != this.coding) {
            true => format!("{}-{}", this.id, this.coding),
            false => this.id.clone(),
        }
    };
    forms.iter().enumerate().map(distinct).collect()
}

/// When a track begins to be presented.
fn start<C>(track: &InputTrack<C>) -> i64 {
    // A video's leading pictures are shown, whatever an edit list says; what comes before audio's start
    // primes.
    match track.samples.first() {
        Some(first) if track.primes => first.time.max(track.start),
        Some(first) => first.time,
        None => 0,
    }
}

/// Moves the tracks onto the film's timeline: what is taken and begins first begins at 0.
pub(crate) fn onto_timeline(inputs: &mut [Input], sounds: &[Sound]) {
    let all = &*inputs;
    let videos = all.iter().filter_map(|input| input.video.as_ref());
    let audios = sounds.iter().filter_map(|sound| all.get(sound.place.0)?.audio.get(sound.place.1));
    let starts = videos
        .map(|track| (start(track), track.timescale))
        .chain(audios.map(|track| (start(track), track.timescale)));
    let (first, timescale) = earliest(starts);
    for input in inputs {
        if let Some(track) = &mut input.video {
            shift(track, -rescale(first, timescale, track.timescale));
        }
        for track in &mut input.audio {
            shift(track, -rescale(first, timescale, track.timescale));
        }
    }
}

fn shift<C>(track: &mut InputTrack<C>, by: i64) {
    track.start += by;
    track.samples.iter_mut().for_each(|sample| sample.time += by);
}

fn timed<C>(track: &InputTrack<C>) -> Timed<'_> {
    Timed { samples: &track.samples, timescale: track.timescale }
}

fn video_track<'a>(
    (n, input): (usize, &'a Input),
    track: &'a InputTrack<VideoCodec>,
    cuts: Vec<usize>,
) -> FilmTrack<'a> {
    let codec = &track.codec;
    let (width, height, matrix) = track.display;
    let media = MediaHeader::Video { width, height, matrix };
    let mut this = FilmTrack {
        id: String::new(),
        label: None,
        source: (n, track.id),
        plan: MediaPlan {
            source: &input.file,
            track: Track {
                timescale: track.timescale,
                language: track.language,
                media,
                entry: &codec.entry,
                video: codec.config(),
                priming: 0,
            },
            samples: &track.samples,
            offsets: &track.offsets,
            start: start(track).max(0) as u64,
            cuts,
        },
        codecs: &codec.codecs,
        language: language_tag(track.language),
        video: Some(VideoProperties {
            width: codec.width,
            height: codec.height,
            sar: codec.sar,
            frame_rate: frame_rate(track),
            video_range: codec.video_range.to_owned(),
        }),
        audio: None,
    };
    this.id = format!("v{}-{}", codec.height, this.source_bitrate());
    this
}

/// Pictures a second: exact where all but the last are equally long, else the average.
fn frame_rate<C>(track: &InputTrack<C>) -> Fraction {
    let durations = || track.samples.iter().map(|sample| sample.duration);
    let first = durations().next().unwrap_or(0);
    let (pictures, ticks) = match durations().rev().skip(1).all(|duration| duration == first) {
        true => (1, u64::from(first)),
        false => (track.samples.len() as u64, durations().map(u64::from).sum()),
    };
    // value / timescale = pictures · track timescale / ticks; both are reduced before they are narrowed.
    let (mut value, mut divisor) = (pictures * u64::from(track.timescale), ticks.max(1));
    while divisor > u64::from(u32::MAX) {
        (value, divisor) = (value / 2, divisor / 2);
    }
    Fraction { value, timescale: divisor as u32 }.reduced()
}

impl FilmTrack<'_> {
    /// Of pictures, what they are called and in what they are.
    fn form(&self) -> Option<Form> {
        let codec = self.codecs.split('.').next().unwrap_or_default();
        let coding = match &self.video.as_ref()?.video_range[..] {
            "SDR" => codec.to_owned(),
            range => format!("{codec}-{}", range.to_lowercase()),
        };
        Some(Form { id: self.id.clone(), coding })
    }

    /// What rules for keys ask of it.
    pub(crate) fn traits(&self) -> TrackTraits<'_> {
        TrackTraits {
            id: &self.id,
            height: self.video.as_ref().map(|video| video.height),
            pixels: self.video.as_ref().map(|video| u64::from(video.width) * u64::from(video.height)),
            channels: self.audio.as_ref().map(|audio| audio.channels.into()),
        }
    }

    fn ticks(&self) -> u64 {
        self.plan.end().saturating_sub(self.plan.start)
    }

    /// kbit/s of the source's samples.
    fn source_bitrate(&self) -> u64 {
        (bits_per_second(self.plan.bytes(), self.ticks(), self.plan.track.timescale, false) + 500) / 1000
    }

    fn describe(&self, pack_id: &str) -> Representation {
        let media_type = if self.video.is_some() { MediaType::Video } else { MediaType::Audio };
        let downloadable_id = downloadable_id(pack_id, &self.id);
        Representation {
            id: self.id.clone(),
            path: media_path(&downloadable_id, "mp4"),
            downloadable_id,
            media_type,
            mime_type: format!("{media_type}/mp4"),
            codecs: self.codecs.to_owned(),
            // Each audio track is one of its own: tracks, not bitrates, are what a viewer chooses from.
            group: if self.video.is_some() { "video".to_owned() } else { self.id.clone() },
            timescale: self.plan.track.timescale,
            bitrate: 0,
            peak_bandwidth: 0,
            label: self.label.clone(),
            language: self.language.clone(),
            video: self.video.clone(),
            audio: self.audio.clone(),
            size: 0,
            sha256: String::new(),
            init_range: ByteRange { first: 0, last: 0 },
            index_range: ByteRange { first: 0, last: 0 },
            segments: Vec::new(),
            max_segment: 0,
            samples: self.plan.samples.len() as u64,
            protected_samples: 0,
            ivs: None,
        }
    }

    /// Adds what is known once the file is written.
    pub(crate) fn fill(&self, representation: &mut Representation, written: Written) {
        representation.fill(written, self.ticks());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(forms: &[(&str, &str)]) -> Vec<String> {
        let form = |(id, coding): &(&str, &str)| Form { id: (*id).to_owned(), coding: (*coding).to_owned() };
        distinct_ids(&forms.iter().map(form).collect::<Vec<_>>())
    }

    #[test]
    fn only_ids_that_two_codings_have_are_changed() {
        assert_eq!(ids(&[("v240-100", "avc1"), ("v240-90", "hvc1-pq")]), ["v240-100", "v240-90"]);
        assert_eq!(ids(&[("v240-100", "hvc1-pq")]), ["v240-100"]);
        let three = [("v240-100", "avc1"), ("v240-100", "hvc1"), ("v240-100", "hvc1-pq")];
        assert_eq!(ids(&three), ["v240-100", "v240-100-hvc1", "v240-100-hvc1-pq"]);
        // Twice the same is an error, as ever.
        assert_eq!(ids(&[("v240-100", "avc1"), ("v240-100", "avc1")]), ["v240-100", "v240-100"]);
    }
}
