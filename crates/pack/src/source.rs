//! `source.json`: a clear film of which an origin makes encrypted ones.

use serde::{Deserialize, Serialize};

use crate::{Error, Pack, Scheme};

/// A clear film, and what it was made of.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Source {
    /// What `pack.json` says.
    #[serde(flatten)]
    pub pack: Pack,
    /// From what the packager made it. Absent in sources of older packagers, and where somebody else made
    /// them: the clear files themselves count as what a film is made of then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub made_from: Option<MadeFrom>,
}

/// From what the packager made a clear film: with this, an origin knows the id that the packager gives to the
/// encrypted film, from which IVs follow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MadeFrom {
    /// Wanted length of segments, in milliseconds.
    pub segment: u64,
    /// The tracks of the files that the representations were made from.
    pub tracks: Vec<SourceTrack>,
}

/// A track that a representation was made from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceTrack {
    /// The representation's id.
    pub id: String,
    /// SHA-256 of the file, hexadecimal.
    pub sha256: String,
    /// The track's id in it.
    pub track: u32,
}

#[derive(Deserialize)]
struct Beside {
    #[serde(default)]
    made_from: Option<MadeFrom>,
}

impl Source {
    /// Reads `source.json`, as [`Pack::from_json`] does.
    ///
    /// # Errors
    /// As there; [`Error::Invalid`] for an encrypted film, and for tracks that are not the film's.
    pub fn from_json(json: &[u8]) -> Result<Self, Error> {
        let pack = Pack::from_json(json)?;
        let Beside { made_from } = serde_json::from_slice(json)?;
        let source = Self { pack, made_from };
        source.check().map_err(|what| Error::Invalid { what: what.to_owned() })?;
        Ok(source)
    }

    /// `source.json` of this source, in the form of `pack.json`.
    ///
    /// # Errors
    /// As [`Pack::to_json`].
    pub fn to_json(&self) -> Result<Vec<u8>, Error> {
        self.pack.to_json()?;
        self.check().map_err(|what| Error::Invalid { what: what.to_owned() })?;
        let mut json = serde_json::to_vec_pretty(self)?;
        json.push(b'\n');
        Ok(json)
    }

    fn check(&self) -> Result<(), &'static str> {
        if self.pack.scheme != Scheme::None || self.pack.protection.is_some() {
            return Err("an encrypted film is no source");
        }
        let Some(made_from) = &self.made_from else { return Ok(()) };
        let is_digest = |text: &str| text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit());
        let known = |id: &str| made_from.tracks.iter().filter(|track| track.id == id).count() == 1;
        match made_from.tracks.iter().all(|track| is_digest(&track.sha256))
            && made_from.tracks.len() == self.pack.representations.len()
            && self.pack.representations.iter().all(|r| known(&r.id))
        {
            true => Ok(()),
            false => Err("`made_from` does not name one file for each representation"),
        }
    }

    /// Wanted length of segments in milliseconds: the packager's usual one where nobody says.
    pub fn segment(&self) -> u64 {
        self.made_from.as_ref().map_or(4000, |made_from| made_from.segment)
    }

    /// Of each representation: its id, SHA-256 of the file it was made from, and the track's id there.
    pub fn sources(&self) -> Vec<(&str, [u8; 32], u32)> {
        let digest = |text: &str| {
            let mut digest = [0; 32];
            // Checked when it was read.
            let _ = hex::decode_to_slice(text, &mut digest);
            digest
        };
        match &self.made_from {
            Some(made) => made.tracks.iter().map(|t| (&t.id[..], digest(&t.sha256), t.track)).collect(),
            None => self.pack.representations.iter().map(|r| (&r.id[..], digest(&r.sha256), 1)).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn source() -> Value {
        json!({
            "version": 1, "pack_id": "8e06", "movie_id": 7, "title": "A film",
            "duration": {"value": 8, "timescale": 1}, "scheme": "none", "level": "high",
            "representations": [{
                "id": "a-en-1", "downloadable_id": "1811192541", "path": "541/1811192541.mp4",
                "media_type": "audio", "mime_type": "audio/mp4", "codecs": "mp4a.40.2", "group": "a-en-1",
                "timescale": 48000, "bitrate": 96, "peak_bandwidth": 97000, "language": "en", "size": 96000,
                "sha256": "11".repeat(32), "init_range": "0-799", "index_range": "800-899",
                "max_segment": 48000, "samples": 375, "protected_samples": 0,
                "segments": [{"start": 0, "duration": 192000, "offset": 900, "size": 48000}]
            }],
            "made_from": {"segment": 6000, "tracks": [{"id": "a-en-1", "sha256": "ab".repeat(32), "track": 2}]}
        })
    }

    fn read(value: &Value) -> Result<Source, Error> {
        Source::from_json(value.to_string().as_bytes())
    }

    #[test]
    fn what_is_written_is_read_and_is_a_pack() {
        let source = read(&source()).unwrap();
        assert_eq!((source.segment(), source.sources()), (6000, vec![("a-en-1", [0xab; 32], 2)]));
        let json = source.to_json().unwrap();
        assert_eq!(Source::from_json(&json).unwrap(), source);
        assert_eq!(Pack::from_json(&json).unwrap(), source.pack);
        // Of older packagers.
        let older = Source::from_json(&source.pack.to_json().unwrap()).unwrap();
        assert_eq!((older.segment(), older.sources()), (4000, vec![("a-en-1", [0x11; 32], 1)]));
        assert_eq!(older.to_json().unwrap(), source.pack.to_json().unwrap());
    }

    #[test]
    fn what_is_no_source_is_refused() {
        for (pointer, bad) in [
            ("/scheme", json!("cenc")),
            ("/made_from/tracks/0/id", json!("a-en-2")),
            ("/made_from/tracks/0/sha256", json!("ab")),
            ("/made_from/tracks", json!([])),
        ] {
            let mut value = source();
            *value.pointer_mut(pointer).unwrap() = bad;
            assert!(matches!(read(&value), Err(Error::Invalid { .. })), "{pointer}");
        }
    }
}
