use std::path::PathBuf;
use std::time::Duration;

use pack::{Level, Scheme};

use crate::keys::Keys;
use crate::rotation::Rotation;

/// Where a pack goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    /// This directory, which must not exist yet (or be empty).
    Directory(PathBuf),
    /// The directory named by the pack id in this library. A pack that is there already is left as it is: the
    /// same id means the same media files.
    Library(PathBuf),
}

/// What to package and how.
#[derive(Debug)]
pub struct PackageOptions {
    /// Source files. Each with video is a step of the ladder; audio is taken from the first that has any, and
    /// from those without video.
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
    /// The keys; `None` only with scheme `none`.
    pub keys: Option<Keys>,
    /// Whether each height of the picture has keys of its own, under the label `{label}/{height}`. Sound has the
    /// film's.
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
}
