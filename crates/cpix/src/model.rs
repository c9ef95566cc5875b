use std::ops::RangeInclusive;

use cenc::{Kid, KidAndKey, Scheme};
use pack::PackSystem;

/// A document: keys, what they are for, and what protection systems are told of them.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Document {
    /// What the document's maker calls the content.
    pub content_id: Option<String>,
    /// The keys, each once.
    pub keys: Vec<ContentKey>,
    /// What protection systems are told, of these keys only.
    pub systems: Vec<PackSystem>,
    /// What the keys are for; none: nothing is said.
    pub rules: Vec<UsageRule>,
}

/// A content key. `Debug` shows no key.
#[derive(Debug, PartialEq, Eq)]
pub struct ContentKey {
    /// Its name and itself.
    pub key: KidAndKey,
    /// The scheme it is for, where one is named.
    pub scheme: Option<Scheme>,
    /// The IV of all samples under it, where one is named (`explicitIV`).
    pub iv: Option<[u8; 16]>,
}

/// What a key is for. A key may have several rules: it is for what any of them says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageRule {
    /// The key.
    pub kid: Kid,
    /// Rotation periods, from 0 in the order of their index; none: all.
    pub periods: Vec<u32>,
    /// Tracks, any of these; none: all.
    pub tracks: Vec<TrackFilter>,
}

/// Which tracks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TrackFilter {
    /// Pictures.
    Video {
        /// Width times height of them, in samples.
        pixels: RangeInclusive<u64>,
    },
    /// Sound.
    Audio {
        /// Number of its channels.
        channels: RangeInclusive<u64>,
    },
}

impl TrackFilter {
    /// All pictures.
    pub const VIDEO: Self = Self::Video { pixels: 0..=u64::MAX };
    /// All sound.
    pub const AUDIO: Self = Self::Audio { channels: 0..=u64::MAX };
}
