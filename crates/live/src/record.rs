//! What is written down of a session, by which another process goes on with it or makes the film of it.

use serde::{Deserialize, Serialize};

use crate::lives::Lives;
use crate::window::SegmentEntry;

/// What is written down of a session when it begins and whenever a representation is added: enough to make
/// the film of it, even by another process. No secret.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// 32 hexadecimal digits; the film's pack id.
    pub session: String,
    /// The protection; absent: it is clear.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protection: Option<RecordedKeys>,
    /// The representations.
    pub representations: Vec<Recorded>,
    /// The processes that took it in.
    #[serde(default)]
    pub lives: Lives,
    /// When which time of it was, as far as that is known: microseconds of the session, Unix milliseconds.
    #[serde(default)]
    pub runs: Vec<(i64, u64)>,
}

/// What is written down of a session's keys: their names only.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RecordedKeys {
    /// `cenc` or `cbcs`.
    pub scheme: String,
    /// Which samples of pictures.
    pub level: String,
    /// Content id of the key derivation.
    pub content_id: String,
    /// Label of the key derivation.
    pub label: String,
    /// Which common key.
    pub common_key_id: String,
    /// Segments under each key; 0: the key never changes.
    pub segments_per_key: u32,
}

/// What is written down of a representation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Recorded {
    /// Its id.
    pub id: String,
    /// For `codecs=`.
    pub codecs: String,
    /// Ticks a second.
    pub timescale: u32,
    /// BCP 47.
    pub language: String,
    /// Of pictures: width, height, sample aspect ratio, range.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub video: Option<(u32, u32, [u32; 2], String)>,
    /// Of sound: samples a second, channels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audio: Option<(u32, u16)>,
    /// IV of its first sample, hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_iv: Option<String>,
    /// By what another process knows its encoder when that comes back; what early versions wrote has not got
    /// it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<RecordedSource>,
}

/// What is written down of an encoder's track.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RecordedSource {
    /// The name that the encoder gives it.
    pub name: String,
    /// Its id in the encoder's stream.
    pub track_id: u32,
    /// ISO 639-2.
    pub language: String,
    /// The clear sample entry, a whole box, hexadecimal.
    pub entry: String,
    /// Of pictures: size of the presentation, 16.16 fixed point, and matrix, hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shown: Option<(u32, u32, String)>,
}

/// A representation as it was recorded: its header, and its segments in order.
#[derive(Debug, Clone)]
pub struct RecordedTrack {
    /// What was written down of it.
    pub recorded: Recorded,
    /// `ftyp` and `moov`, as it was published.
    pub header: Vec<u8>,
    /// What was written down of its segments, ascending.
    pub segments: Vec<SegmentEntry>,
}

/// Behind the last of the segments that follow each other from number `first` on, in the leading
/// representation and in all that go as far: others may lack what was under way at the end. `None`: nobody
/// has that one.
pub(crate) fn stretch_end(tracks: &[RecordedTrack], first: u64) -> Option<u64> {
    let end = move |track: &RecordedTrack| Some((track.recorded.video.is_some(), run_end(track, first)?));
    let ends = move || tracks.iter().filter_map(end);
    let (_, leading) = ends().max()?;
    ends().map(|(_, end)| end).filter(|end| end.saturating_add(1) >= leading).min()
}

/// Behind the last of a representation's segments that follow each other from number `first` on.
fn run_end(track: &RecordedTrack, first: u64) -> Option<u64> {
    let mut end = first;
    for segment in track.segments.iter().skip_while(|segment| segment.number < first) {
        if segment.number != end {
            break;
        }
        end += 1;
    }
    (end > first).then_some(end)
}
