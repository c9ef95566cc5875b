use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use cmaf::Rotation;
use pack::{AudioRole, Chapter, Level, Scheme, SubtitleRole};
use storage::Storage;

use crate::keys::Keys;

/// Where a pack goes.
#[derive(Debug, Clone)]
pub enum Destination {
    /// This directory, which must not exist yet (or be empty).
    Directory(PathBuf),
    /// The directory named by the pack id in this library. A pack that is there already is left as it is: the
    /// same id means the same media files.
    Library(PathBuf),
    /// The same in a storage elsewhere: made in a hidden folder in `staging`, sent, and removed there.
    Storage {
        /// Where it goes.
        storage: Arc<dyn Storage>,
        /// A local folder with room for it.
        staging: PathBuf,
    },
}

/// Sound from a file of its own, and what is told of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AudioSource {
    /// The file.
    pub path: PathBuf,
    /// Which of the file's tracks of sound, from 1; `None`: its only one.
    pub track: Option<usize>,
    /// What is told of it.
    pub details: AudioDetails,
}

/// What is told of a track of sound.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AudioDetails {
    /// Language as BCP 47; `None`: the one that the file names.
    pub language: Option<String>,
    /// What it is for.
    pub role: AudioRole,
    /// Its name for people.
    pub label: Option<String>,
    /// Whether to begin with it; where no track is, the first is.
    pub default: bool,
}

/// Subtitles, and what is told of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubtitleSource {
    /// WebVTT, SubRip or TTML.
    pub path: PathBuf,
    /// Language as BCP 47, `und` if not known.
    pub language: String,
    /// What they are for.
    pub role: SubtitleRole,
    /// Their name for people.
    pub label: Option<String>,
    /// Whether to begin with them.
    pub default: bool,
}

/// Small pictures of the film at equal distances.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ThumbnailSource {
    /// Time from one to the next; the first is of the film's beginning.
    pub interval: Duration,
    /// JPEG files of one size.
    pub pictures: Vec<PathBuf>,
    /// The same pictures on sheets, row by row; JPEG files. May be empty.
    pub sheets: Vec<PathBuf>,
    /// Pictures in a row of a sheet.
    pub columns: u32,
    /// Rows of a sheet.
    pub rows: u32,
}

/// What to package and how.
#[derive(Debug)]
pub struct PackageOptions {
    /// Source files. Each with video is a step of the ladder; audio is taken from the first that has any, and
    /// from those without video.
    pub inputs: Vec<PathBuf>,
    /// More sound: a track of each. Of an input that is named here, no other sound is taken.
    pub audio: Vec<AudioSource>,
    /// Whether sound is taken from `inputs` at all, beside what `audio` names.
    pub sound_of_inputs: bool,
    /// Subtitles.
    pub subtitles: Vec<SubtitleSource>,
    /// Thumbnails.
    pub thumbnails: Option<ThumbnailSource>,
    /// Chapters, in any order.
    pub chapters: Vec<Chapter>,
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
    /// The keys; `None` only with scheme `none`.
    pub keys: Option<Keys>,
    /// Whether each height of the picture has keys of its own, under the label `{label}/{height}`. Sound has
    /// the film's.
    pub label_by_height: bool,
    /// How often the key changes; `None`: never.
    pub rotate: Option<Rotation>,
    /// How much of the beginning stays clear, in whole segments that cover it.
    pub clear_lead: Duration,
    /// Whether a film without sound is accepted.
    pub allow_no_audio: bool,
    /// A JPEG to publish as `poster.jpg`.
    pub poster: Option<PathBuf>,
    /// Where to publish.
    pub destination: Destination,
}

impl PackageOptions {
    /// The defaults: scheme cenc, level high, segments of 4 s, one key, no clear lead, no poster.
    pub const fn new(
        inputs: Vec<PathBuf>,
        movie_id: u64,
        keys: Option<Keys>,
        destination: Destination,
    ) -> Self {
        Self {
            inputs,
            audio: Vec::new(),
            sound_of_inputs: true,
            subtitles: Vec::new(),
            thumbnails: None,
            chapters: Vec::new(),
            movie_id,
            title: None,
            scheme: Scheme::Cenc,
            level: Level::High,
            segment: Duration::from_secs(4),
            keys,
            label_by_height: false,
            rotate: None,
            clear_lead: Duration::ZERO,
            allow_no_audio: false,
            poster: None,
            destination,
        }
    }

    /// The same film without encryption, elsewhere.
    pub(crate) fn clear(&self, destination: Destination) -> Self {
        Self {
            audio: self.audio.clone(),
            sound_of_inputs: self.sound_of_inputs,
            subtitles: self.subtitles.clone(),
            thumbnails: self.thumbnails.clone(),
            chapters: self.chapters.clone(),
            title: self.title.clone(),
            scheme: Scheme::None,
            segment: self.segment,
            allow_no_audio: self.allow_no_audio,
            poster: self.poster.clone(),
            ..Self::new(self.inputs.clone(), self.movie_id, None, destination)
        }
    }
}
