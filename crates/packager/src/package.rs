use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use cenc::{AesCipher, IvSpan, base_iv, first_overlap};
use isobmff::MediaHeader;

use crate::input::{Input, InputTrack};
use crate::keys::Keys;
use crate::media_file::MediaFile;
use crate::naming::{PackInputs, downloadable_id, language_tag, media_path};
use crate::pack::{
    AudioProperties, Fraction, IvRange, LAYOUT_VERSION, Level, MediaType, Pack, PackProtection,
    Representation, Scheme, VideoProperties,
};
use crate::pssh_data::PsshData;
use crate::publish::Unpublished;
use crate::segments::{Timed, cut_audio, cut_videos, earliest};
use crate::timeline::rescale;
use crate::write_media::{MediaPlan, MediaProtection, WrittenMedia};
use crate::{Error, Progress};

/// Where a pack goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    /// This directory, which must not exist yet (or be empty).
    Directory(PathBuf),
    /// The directory named by the pack id in this library. A pack that is there already is left as it is: the same
    /// id means the same media files.
    Library(PathBuf),
}

/// What to package and how.
#[derive(Debug)]
pub struct PackageOptions {
    /// Source files. Each with video is a step of the ladder; audio is taken from the first that has any, and from
    /// those without video.
    pub inputs: Vec<PathBuf>,
    /// The movie's number.
    pub movie_id: u64,
    /// The movie's title; by default the first input's file name without its extension.
    pub title: Option<String>,
    /// How to encrypt.
    pub scheme: Scheme,
    /// What to encrypt.
    pub level: Level,
    /// Target length of segments; cuts lie at sync samples.
    pub segment: Duration,
    /// The key; `None` only with scheme `none`.
    pub keys: Option<Keys>,
    /// Whether a film without sound is accepted.
    pub allow_no_audio: bool,
    /// A JPEG to publish as `poster.jpg`.
    pub poster: Option<PathBuf>,
    /// Where to publish.
    pub destination: Destination,
}

impl PackageOptions {
    /// The defaults: scheme cenc, level high, segments of 4 s, no poster.
    pub const fn new(
        inputs: Vec<PathBuf>,
        movie_id: u64,
        keys: Option<Keys>,
        destination: Destination,
    ) -> Self {
        Self {
            inputs,
            movie_id,
            title: None,
            scheme: Scheme::Cenc,
            level: Level::High,
            segment: Duration::from_secs(4),
            keys,
            allow_no_audio: false,
            poster: None,
            destination,
        }
    }
}

/// A published pack.
#[derive(Debug, Clone, PartialEq)]
pub struct Published {
    /// What `pack.json` says.
    pub pack: Pack,
    /// Where it lies.
    pub directory: PathBuf,
    /// Whether the library had it already, so that nothing was written.
    pub already_there: bool,
}

/// File name of the poster in a pack.
const POSTER: &str = "poster.jpg";
/// File name of the description of a pack.
const PACK_JSON: &str = "pack.json";

/// Packages a film: reads the sources, cuts them at common sync samples, encrypts, and publishes all files or
/// none. The same inputs, options and keys give the same bytes.
///
/// # Errors
/// See [`Error`]. Nothing is published then.
pub fn package(options: &PackageOptions, progress: &mut dyn Progress) -> Result<Published, Error> {
    let keys = match (options.scheme, &options.keys) {
        (Scheme::None, _) => None,
        (_, None) => return Err(Error::Option { what: "a key is needed to encrypt" }),
        (_, keys) => keys.as_ref(),
    };
    if options.segment < Duration::from_secs(1) || options.segment > Duration::from_secs(60) {
        return Err(Error::Option { what: "segments are between 1 and 60 seconds long" });
    }
    let inputs = open_inputs(options)?;
    let film = Film::plan(&inputs, options.segment)?;
    let protection = keys.map(Keys::protection);
    let pack_id = film.pack_id(&inputs, options, protection.as_ref(), progress)?;
    let (place, library) = match &options.destination {
        Destination::Directory(place) => (place.clone(), false),
        Destination::Library(library) => (library.join(&pack_id), true),
    };
    if place.join(PACK_JSON).exists() {
        let pack = match library {
            true => read_pack(&place)?,
            false => return Err(Error::Exists { path: place }),
        };
        let title = title(options);
        let pack = Pack { movie_id: options.movie_id, title, ..pack };
        return Ok(Published { pack, directory: place, already_there: true });
    }

    let unpublished = Unpublished::new(&place)?;
    let mut representations = film.describe(&pack_id)?;
    let mut ivs = Vec::new();
    progress.stage(
        "encrypting",
        film.tracks.iter().map(|t| t.plan.samples.iter().map(|s| u64::from(s.size)).sum::<u64>()).sum(),
    );
    let cipher = keys.map(|keys| AesCipher::new(&keys.cek()));
    for (track, representation) in film.tracks.iter().zip(&mut representations) {
        let protection = match (keys, &cipher, &protection) {
            (Some(keys), Some(cipher), Some(names)) => {
                let scheme =
                    if options.scheme == Scheme::Cbcs { cenc::Scheme::Cbcs } else { cenc::Scheme::Cenc };
                let base_iv = base_iv(keys.iv_key(), scheme, keys.content_id(), &track.id, &pack_id)?;
                let count = track.plan.samples.len() as u64;
                representation.ivs = Some(IvRange { first: base_iv.to_string(), count });
                ivs.push(IvSpan { kid: keys.kid(), first: base_iv.upper(), count });
                let pssh = PsshData::of(names).to_box();
                Some(MediaProtection { scheme, level: options.level, kid: keys.kid(), cipher, base_iv, pssh })
            }
            _ => None,
        };
        let path = unpublished.path().join(&representation.path);
        let written = track.plan.write(&path, protection.as_ref(), progress)?;
        track.fill(representation, written);
    }
    // A counter used twice would give both plaintexts away. (One constant IV is what cbcs is.)
    if options.scheme == Scheme::Cenc
        && let Some((a, b)) = first_overlap(&ivs)
    {
        let [a, b] = [a, b].map(|index| film.tracks[index].id.clone());
        return Err(Error::IvOverlap { a, b });
    }
    progress.stage("checking", representations.iter().map(|r| r.size).sum());
    for representation in &mut representations {
        let file = MediaFile::open(&unpublished.path().join(&representation.path))?;
        representation.sha256 = hex::encode(file.sha256(progress)?);
    }
    let pack = Pack {
        version: LAYOUT_VERSION,
        pack_id,
        movie_id: options.movie_id,
        title: title(options),
        duration: film.duration(),
        scheme: options.scheme,
        level: options.level,
        protection,
        poster: options.poster.as_ref().map(|_| POSTER.to_owned()),
        representations,
    };
    if let Some(poster) = &options.poster {
        unpublished.write(POSTER, &fs::read(poster).map_err(Error::io(poster, "read"))?)?;
    }
    unpublished.write(PACK_JSON, &to_json(&pack))?;
    unpublished.publish()?;
    Ok(Published { pack, directory: place, already_there: false })
}

/// Reads the `pack.json` of a pack's directory.
///
/// # Errors
/// [`Error::Io`] if it cannot be read or is no `pack.json` of this version.
pub fn read_pack(directory: &Path) -> Result<Pack, Error> {
    let path = directory.join(PACK_JSON);
    let text = fs::read(&path).map_err(Error::io(&path, "read"))?;
    let invalid = |error: String| Error::io(&path, "read")(std::io::Error::other(error));
    let pack: Pack = serde_json::from_slice(&text).map_err(|error| invalid(error.to_string()))?;
    match pack.version {
        LAYOUT_VERSION => Ok(pack),
        other => Err(invalid(format!("version {other}, not {LAYOUT_VERSION}: package the film again"))),
    }
}

fn to_json(pack: &Pack) -> Vec<u8> {
    // A struct of strings and numbers has a JSON form.
    let mut text = serde_json::to_vec_pretty(pack).unwrap_or_default();
    text.push(b'\n');
    text
}

fn title(options: &PackageOptions) -> String {
    let stem =
        || options.inputs.first().and_then(|path| path.file_stem()).map(|stem| stem.to_string_lossy().into());
    options.title.clone().or_else(stem).unwrap_or_default()
}

fn open_inputs(options: &PackageOptions) -> Result<Vec<Input>, Error> {
    let first = options.inputs.first().ok_or(Error::NoInput)?;
    let mut inputs: Vec<Input> = Vec::new();
    for path in &options.inputs {
        let have_audio = inputs.iter().any(|input| !input.audio.is_empty());
        let mut input = Input::open(path, !have_audio)?;
        if have_audio && input.video.is_none() {
            input = Input::open(path, true)?;
        }
        inputs.push(input);
    }
    if inputs.iter().all(|input| input.video.is_none()) {
        return Err(Error::NoVideo { path: first.clone() });
    }
    if inputs.iter().all(|input| input.audio.is_empty()) && !options.allow_no_audio {
        return Err(Error::NoAudio { path: first.clone() });
    }
    Ok(inputs)
}

/// A film about to be packaged.
struct Film<'a> {
    /// Video in the order of its bitrate, then audio.
    tracks: Vec<FilmTrack<'a>>,
}

struct FilmTrack<'a> {
    id: String,
    /// Index of the input and id of the track in it.
    source: (usize, u32),
    plan: MediaPlan<'a>,
    codecs: &'a str,
    video: Option<VideoProperties>,
    audio: Option<AudioProperties>,
}

impl<'a> Film<'a> {
    fn plan(inputs: &'a [Input], segment: Duration) -> Result<Self, Error> {
        let videos =
            || inputs.iter().enumerate().filter_map(|(n, input)| Some((n, input, input.video.as_ref()?)));
        let audios = || {
            inputs
                .iter()
                .enumerate()
                .flat_map(|(n, input)| input.audio.iter().map(move |track| (n, input, track)))
        };
        let starts = videos()
            .map(|(_, _, track)| (start(track), track.timescale))
            .chain(audios().map(|(_, _, track)| (start(track), track.timescale)));
        let (first, timescale) = earliest(starts);
        let shift_in = |to| -rescale(first, timescale, to);

        let timed: Vec<_> =
            videos().map(|(_, input, track)| timed(input, track, shift_in(track.timescale))).collect();
        let cuts = cut_videos(&timed, u64::try_from(segment.as_millis()).unwrap_or(u64::MAX))?;
        let mut tracks = Vec::new();
        for (((n, input, track), timed), cuts) in videos().zip(&timed).zip(&cuts) {
            tracks.push(video_track((n, input), track, timed, cuts.clone()));
        }
        tracks.sort_by_key(|track: &FilmTrack<'_>| track.source_bitrate());
        let mut languages: Vec<String> = Vec::new();
        for (n, input, track) in audios() {
            let this = self::timed(input, track, shift_in(track.timescale));
            let cuts = cut_audio(&this, &timed[0], &cuts[0])?;
            let language = language_tag(track.language);
            languages.push(language.clone());
            let number = languages.iter().filter(|other| **other == language).count();
            tracks.push(FilmTrack {
                id: format!("a-{language}-{number}"),
                source: (n, track.id),
                plan: media_plan(input, track, &this, cuts, None, &track.codec.entry, MediaHeader::Audio),
                codecs: &track.codec.codecs,
                video: None,
                audio: Some(AudioProperties {
                    sample_rate: track.codec.sample_rate,
                    channels: track.codec.channels,
                    default: languages.len() == 1,
                }),
            });
        }
        for (index, track) in tracks.iter().enumerate() {
            if tracks[..index].iter().any(|other| other.id == track.id) {
                return Err(Error::SameRepresentation { id: track.id.clone() });
            }
        }
        Ok(Self { tracks })
    }

    fn pack_id(
        &self,
        inputs: &[Input],
        options: &PackageOptions,
        protection: Option<&PackProtection>,
        progress: &mut dyn Progress,
    ) -> Result<String, Error> {
        progress.stage("reading", inputs.iter().map(|input| input.file.len()).sum());
        let digests: Vec<_> =
            inputs.iter().map(|input| input.file.sha256(progress)).collect::<Result<_, _>>()?;
        let sources =
            self.tracks.iter().map(|track| (&track.id[..], digests[track.source.0], track.source.1));
        let inputs = PackInputs {
            sources: sources.collect(),
            scheme: options.scheme,
            level: options.level,
            segment: u64::try_from(options.segment.as_millis()).unwrap_or(u64::MAX),
            protection,
        };
        Ok(inputs.pack_id())
    }

    /// What is known of the representations before they are written.
    fn describe(&self, pack_id: &str) -> Result<Vec<Representation>, Error> {
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

    fn duration(&self) -> Fraction {
        let ends = self.tracks.iter().map(|track| (track.plan.end(), track.plan.timescale));
        let longest =
            ends.max_by(|a, b| (u128::from(a.0) * u128::from(b.1)).cmp(&(u128::from(b.0) * u128::from(a.1))));
        let (value, timescale) = longest.unwrap_or((0, 1));
        Fraction { value, timescale }
    }
}

/// When a track begins to be presented, on its source's timeline.
fn start<C>(track: &InputTrack<C>) -> i64 {
    // A video's leading pictures are shown, whatever an edit list says; what comes before audio's start primes.
    match track.samples.first() {
        Some(first) if track.primes => first.time.max(track.start),
        Some(first) => first.time,
        None => 0,
    }
}

fn timed<'a, C>(input: &'a Input, track: &'a InputTrack<C>, shift: i64) -> Timed<'a> {
    Timed { path: input.file.path(), samples: &track.samples, timescale: track.timescale, shift }
}

fn media_plan<'a, C>(
    input: &'a Input,
    track: &'a InputTrack<C>,
    timed: &Timed<'_>,
    cuts: Vec<usize>,
    avcc: Option<&'a [u8]>,
    entry: &'a [u8],
    media: MediaHeader,
) -> MediaPlan<'a> {
    MediaPlan {
        source: &input.file,
        timescale: track.timescale,
        language: track.language,
        entry,
        media,
        avcc,
        samples: &track.samples,
        shift: timed.shift,
        start: (start(track) + timed.shift).max(0) as u64,
        cuts,
    }
}

fn video_track<'a>(
    (n, input): (usize, &'a Input),
    track: &'a InputTrack<crate::codec::VideoCodec>,
    timed: &Timed<'_>,
    cuts: Vec<usize>,
) -> FilmTrack<'a> {
    let codec = &track.codec;
    let (width, height, matrix) = track.display;
    let media = MediaHeader::Video { width, height, matrix };
    let mut this = FilmTrack {
        id: String::new(),
        source: (n, track.id),
        plan: media_plan(input, track, timed, cuts, Some(&codec.avcc), &codec.entry, media),
        codecs: &codec.codecs,
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

/// `amount · 8 · timescale / ticks`, rounded: bits a second.
fn bits_per_second(bytes: u64, ticks: u64, timescale: u32, round_up: bool) -> u64 {
    let ticks = u128::from(ticks.max(1));
    let bits = u128::from(bytes) * 8 * u128::from(timescale);
    ((bits + if round_up { ticks - 1 } else { ticks / 2 }) / ticks) as u64
}

impl FilmTrack<'_> {
    fn ticks(&self) -> u64 {
        self.plan.end().saturating_sub(self.plan.start)
    }

    /// kbit/s of the source's samples.
    fn source_bitrate(&self) -> u64 {
        (bits_per_second(self.plan.bytes(), self.ticks(), self.plan.timescale, false) + 500) / 1000
    }

    fn describe(&self, pack_id: &str) -> Representation {
        let media_type = if self.video.is_some() { MediaType::Video } else { MediaType::Audio };
        let downloadable_id = downloadable_id(pack_id, &self.id);
        Representation {
            id: self.id.clone(),
            path: media_path(&downloadable_id),
            downloadable_id,
            media_type,
            mime_type: format!("{media_type}/mp4"),
            codecs: self.codecs.to_owned(),
            // Each audio track is one of its own: tracks, not bitrates, are what a viewer chooses from.
            group: if self.video.is_some() { "video".to_owned() } else { self.id.clone() },
            timescale: self.plan.timescale,
            bitrate: 0,
            peak_bandwidth: 0,
            language: language_tag(self.plan.language),
            video: self.video.clone(),
            audio: self.audio.clone(),
            size: 0,
            sha256: String::new(),
            init_range: crate::ByteRange { first: 0, last: 0 },
            index_range: crate::ByteRange { first: 0, last: 0 },
            segments: Vec::new(),
            max_segment: 0,
            samples: self.plan.samples.len() as u64,
            protected_samples: 0,
            ivs: None,
        }
    }

    /// Adds what is known once the file is written.
    fn fill(&self, representation: &mut Representation, written: WrittenMedia) {
        let timescale = self.plan.timescale;
        let peaks = written.segments.iter().map(|s| bits_per_second(s.size, s.duration, timescale, true));
        representation.peak_bandwidth = peaks.max().unwrap_or(0);
        representation.bitrate = (bits_per_second(written.size, self.ticks(), timescale, false) + 500) / 1000;
        representation.max_segment = written.segments.iter().map(|segment| segment.size).max().unwrap_or(0);
        representation.size = written.size;
        representation.init_range = written.init_range;
        representation.index_range = written.index_range;
        representation.segments = written.segments;
        representation.protected_samples = written.protected_samples;
    }
}
