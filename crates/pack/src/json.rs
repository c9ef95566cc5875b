use serde::Deserialize;

use crate::layout::{self, LAYOUT_VERSION};
use crate::{
    ByteRange, Fraction, MAX_SYSTEMS, Pack, PackFile, PackProtection, Representation, Subtitle, Thumbnails,
};

/// Why `pack.json` cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// It is of another layout than this program's.
    #[error(
        "pack.json has layout version {found}, this program reads {LAYOUT_VERSION}: package the film again"
    )]
    Version {
        /// The version it says.
        found: u32,
    },
    /// It is no JSON, or lacks something.
    #[error("pack.json: {0}")]
    Json(#[from] serde_json::Error),
    /// It contradicts itself, or names what cannot be named.
    #[error("pack.json: {what}")]
    Invalid {
        /// What is wrong.
        what: String,
    },
}

/// What every version of the file says.
#[derive(Deserialize)]
struct Version {
    version: u32,
}

impl Pack {
    /// Reads `pack.json` and checks what later readers rely on: ids and paths have the form that [`layout`]
    /// gives them, so they stay within the pack; ranges are ordered, no segment is empty, and no timescale
    /// is 0.
    ///
    /// # Errors
    /// [`Error::Version`] for another layout, whatever else it says; [`Error::Json`] and [`Error::Invalid`].
    pub fn from_json(json: &[u8]) -> Result<Self, Error> {
        let Version { version } = serde_json::from_slice(json)?;
        if version != LAYOUT_VERSION {
            return Err(Error::Version { found: version });
        }
        let pack: Self = serde_json::from_slice(json)?;
        pack.check().map_err(|what| Error::Invalid { what })?;
        Ok(pack)
    }

    /// `pack.json` of this pack: indented, with a newline at the end. The same pack gives the same bytes.
    ///
    /// # Errors
    /// [`Error::Invalid`] if [`from_json`](Self::from_json) would refuse it: no pack is published that no
    /// server reads.
    pub fn to_json(&self) -> Result<Vec<u8>, Error> {
        if self.version != LAYOUT_VERSION {
            return Err(Error::Version { found: self.version });
        }
        self.check().map_err(|what| Error::Invalid { what })?;
        let mut json = serde_json::to_vec_pretty(self)?;
        json.push(b'\n');
        Ok(json)
    }

    fn check(&self) -> Result<(), String> {
        let must = |holds: bool, what: &str| if holds { Ok(()) } else { Err(what.to_owned()) };
        must(layout::is_pack_id(&self.pack_id), "`pack_id` is no name of a folder")?;
        must(is_fraction(&self.duration), "`duration` has the timescale 0")?;
        must(self.poster.iter().all(|name| layout::is_picture(name)), "`poster` is no name of a file")?;
        must(!self.representations.is_empty(), "it has no representations")?;
        let keys = self.protection.iter().flat_map(|protection| &protection.keys);
        must(keys.into_iter().all(|key| is_fraction(&key.start)), "a key's start has the timescale 0")?;
        if let Some(protection) = &self.protection {
            protection.check_systems()?;
        }
        let keys_of = |r: &Representation| match &self.protection {
            Some(protection) => protection.keys_of(r.label.as_ref()).next().is_some(),
            None => r.label.is_none(),
        };
        must(self.representations.iter().all(keys_of), "a representation's keys are not among the film's")?;
        self.representations
            .iter()
            .try_for_each(|r| r.check().map_err(|what| format!("representation `{}`: {what}", r.id)))?;
        self.subtitles
            .iter()
            .try_for_each(|s| s.check().map_err(|what| format!("subtitles `{}`: {what}", s.id)))?;
        if let Some(thumbnails) = &self.thumbnails {
            thumbnails.check().map_err(|what| format!("thumbnails: {what}"))?;
        }
        must(self.chapters.is_sorted_by_key(|chapter| chapter.start), "`chapters` are not ascending")?;
        must(self.chapters.iter().all(|chapter| layout::is_label(&chapter.title)), "a chapter has no title")
    }
}

impl PackProtection {
    fn check_systems(&self) -> Result<(), String> {
        if self.systems.len() > MAX_SYSTEMS {
            return Err("`systems` has too many entries".to_owned());
        }
        for system in &self.systems {
            let known = self.keys.iter().any(|key| key.kid == system.kid);
            let own = if known { system.check() } else { Err("its key is not among the film's") };
            own.map_err(|what| format!("system {}: {what}", system.system_id))?;
        }
        Ok(())
    }
}

impl Representation {
    fn check(&self) -> Result<(), &'static str> {
        let must = |holds: bool, what| if holds { Ok(()) } else { Err(what) };
        must(layout::is_downloadable_id(&self.downloadable_id), "`downloadable_id` is not ten digits")?;
        let path = layout::media_path(&self.downloadable_id, self.extension());
        must(
            layout::is_extension(self.extension()) && path == self.path,
            "`path` does not follow from its id",
        )?;
        must(self.timescale > 0, "`timescale` is 0")?;
        must(
            self.video.iter().all(|video| is_fraction(&video.frame_rate)),
            "`frame_rate` has the timescale 0",
        )?;
        let label = self.audio.as_ref().and_then(|audio| audio.label.as_deref());
        must(label.is_none_or(layout::is_label), "`label` is empty or too long")?;
        must([self.init_range, self.index_range].iter().all(is_ordered), "a range ends before it begins")?;
        let whole =
            |segment: &crate::Segment| segment.size > 0 && segment.offset.checked_add(segment.size).is_some();
        must(self.segments.iter().all(whole), "a segment has no bytes, or more than can be")?;
        let inside = |segment: &crate::Segment| {
            segment.first_picture.is_none_or(|end| (1..=segment.size).contains(&end))
        };
        must(self.segments.iter().all(inside), "`first_picture` reaches over its segment")
    }
}

impl Subtitle {
    fn check(&self) -> Result<(), &'static str> {
        let must = |holds: bool, what| if holds { Ok(()) } else { Err(what) };
        must(layout::is_name(&self.id), "`id` is no name of a file")?;
        must(layout::is_language(&self.language), "`language` is no language tag")?;
        must(self.label.iter().all(|label| layout::is_label(label)), "`label` is empty or too long")?;
        must(self.file.path == layout::subtitle_path(&self.id), "`path` does not follow from its id")
    }
}

impl Thumbnails {
    fn check(&self) -> Result<(), &'static str> {
        let must = |holds: bool, what| if holds { Ok(()) } else { Err(what) };
        must(self.interval > 0 && self.count > 0, "no pictures, or no time between them")?;
        must(self.bif.path == layout::bif_path(self.width), "`path` does not follow from their width")?;
        let named = |(n, sheet): (usize, &PackFile)| sheet.path == layout::sheet_path(n + 1);
        must(self.sheets.iter().enumerate().all(named), "a sheet has another name than its number")?;
        let index = layout::sheet_index_path();
        must(self.sheet_index.iter().all(|file| file.path == index), "`sheet_index` has another name")?;
        let places = u64::from(self.columns) * u64::from(self.rows) * self.sheets.len() as u64;
        let enough = self.sheets.is_empty() || places >= u64::from(self.count);
        must(
            enough && self.sheets.is_empty() == self.sheet_index.is_none(),
            "not all pictures are on a sheet",
        )
    }
}

fn is_fraction(fraction: &Fraction) -> bool {
    fraction.timescale > 0
}

fn is_ordered(range: &ByteRange) -> bool {
    range.first <= range.last
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn pack() -> Value {
        json!({
            "version": 1, "pack_id": "8e06", "movie_id": 7, "title": "A film", "poster": "poster.jpg",
            "duration": {"value": 8, "timescale": 1}, "scheme": "cenc", "level": "low",
            "protection": {"content_id": "movie/7", "label": "main", "common_key_id": "k1",
                "keys": [{"kid": "00".repeat(16), "period": 0, "start": {"value": 0, "timescale": 1}}]},
            "representations": [{
                "id": "v240-96", "downloadable_id": "1811192541", "path": "541/1811192541.mp4", "media_type": "video",
                "mime_type": "video/mp4", "codecs": "avc1.64001F", "group": "video", "timescale": 1000, "bitrate": 96,
                "peak_bandwidth": 97000, "language": "und", "size": 96000, "sha256": "", "init_range": "0-799",
                "index_range": "800-899", "max_segment": 48000, "samples": 375, "protected_samples": 375,
                "video": {"width": 320, "height": 240, "sar": [1, 1], "frame_rate": {"value": 24, "timescale": 1},
                    "video_range": "SDR"},
                "segments": [{"start": 0, "duration": 8000, "offset": 900, "size": 48000}]
            }]
        })
    }

    fn read(value: &Value) -> Result<Pack, Error> {
        Pack::from_json(value.to_string().as_bytes())
    }

    #[test]
    fn what_is_written_is_read() {
        let pack = read(&pack()).unwrap();
        assert_eq!(pack.level, crate::Level::Low);
        let json = pack.to_json().unwrap();
        assert_eq!(Pack::from_json(&json).unwrap(), pack);
        assert_eq!(json.last(), Some(&b'\n'));
    }

    /// What films have that have more than pictures and one sound; what they lack is not written.
    #[test]
    fn subtitles_thumbnails_and_chapters() {
        let plain = String::from_utf8(read(&pack()).unwrap().to_json().unwrap()).unwrap();
        for name in ["subtitles", "thumbnails", "chapters", "role", "label\": null"] {
            assert!(!plain.contains(name), "{name}");
        }
        let whole = whole();
        let read_back = read(&whole).unwrap();
        assert_eq!(serde_json::to_value(&read_back).unwrap(), whole);
        for (pointer, bad) in [
            ("/subtitles/0/id", json!("../s")),
            ("/subtitles/0/language", json!("Deutsch!")),
            ("/subtitles/0/label", json!("")),
            ("/subtitles/0/file/path", json!("pack.json")),
            ("/thumbnails/interval", json!(0)),
            ("/thumbnails/count", json!(5)),
            ("/thumbnails/bif/path", json!("keys/320.bif")),
            ("/thumbnails/sheets/0/path", json!("thumbnails/2.jpg")),
            ("/thumbnails/sheet_index/path", json!("x.vtt")),
            ("/chapters/0/start", json!(5000)),
            ("/chapters/1/title", json!("a\nb")),
        ] {
            let mut value = whole.clone();
            *value.pointer_mut(pointer).unwrap() = bad;
            let error = read(&value).unwrap_err();
            assert!(matches!(error, Error::Invalid { .. }), "{pointer}: {error}");
        }
    }

    fn whole() -> Value {
        let file = |path: &str| json!({"path": path, "size": 9, "sha256": ""});
        let mut whole = pack();
        whole["subtitles"] = json!([{"id": "s-de-1", "language": "de", "role": "forced", "label": "Deutsch",
            "default": true, "file": file("subtitles/s-de-1.vtt")}]);
        whole["thumbnails"] = json!({"interval": 1000, "width": 320, "height": 180, "count": 4, "columns": 2, "rows": 2,
            "bif": file("thumbnails/320.bif"), "sheets": [file("thumbnails/1.jpg")],
            "sheet_index": file("thumbnails/sheets.vtt")});
        whole["chapters"] = json!([{"start": 0, "title": "One"}, {"start": 4000, "title": "Two"}]);
        whole
    }

    /// What other systems are told stays as it was told, and only of the film's own keys.
    #[test]
    fn other_systems() {
        let mut value = pack();
        value["protection"]["systems"] = json!([{"system_id": "94ce86fb-07ff-4f43-adb8-93d2fa968ca2",
            "kid": "00".repeat(16), "hls_media": "#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"skd://1\"\n"}]);
        let good = read(&value).unwrap();
        assert_eq!(
            serde_json::to_value(&good).unwrap()["protection"]["systems"],
            value["protection"]["systems"]
        );
        assert_eq!(good.protection.as_ref().unwrap().systems_of(None).count(), 1);
        for (name, bad) in [
            ("kid", json!("01".repeat(16))),
            ("hls_media", json!("https://example.org/0.ts")),
            ("system_id", json!("6d617469-6e65-6580-8000-64726d000001")),
        ] {
            let mut value = value.clone();
            value["protection"]["systems"][0][name] = bad;
            assert!(matches!(read(&value), Err(Error::Invalid { .. })), "{name}");
        }
        value["protection"]["systems"][0]["pssh"] = json!("AAAA");
        assert!(matches!(read(&value), Err(Error::Json(_))));
    }

    /// The version is looked at before anything else: another layout may lack all that this one has.
    #[test]
    fn another_layout_version_is_told_apart() {
        for other in [json!({"version": 2}), json!({"version": 0, "pack_id": 7})] {
            let error = read(&other).unwrap_err();
            assert!(matches!(error, Error::Version { .. }), "{error}");
            assert!(error.to_string().contains("package the film again"), "{error}");
        }
        let newer = Pack { version: 2, ..read(&pack()).unwrap() };
        assert!(matches!(newer.to_json(), Err(Error::Version { found: 2 })));
        assert!(matches!(Pack::from_json(b"{}"), Err(Error::Json(_))));
        assert!(matches!(Pack::from_json(b""), Err(Error::Json(_))));
    }

    /// One value changed at a time.
    #[test]
    fn what_contradicts_itself_is_neither_read_nor_written() {
        for (pointer, bad) in [
            ("/pack_id", json!("..")),
            ("/pack_id", json!("a/b")),
            ("/poster", json!("../poster.jpg")),
            ("/duration/timescale", json!(0)),
            ("/representations", json!([])),
            ("/protection/keys/0/start/timescale", json!(0)),
            ("/protection/keys/0/label", json!("main/240")),
            ("/representations/0/label", json!("main/240")),
            ("/representations/0/downloadable_id", json!("18111925")),
            ("/representations/0/path", json!("541/../1811192541.mp4")),
            ("/representations/0/path", json!("542/1811192541.mp4")),
            ("/representations/0/path", json!("541/1811192541")),
            ("/representations/0/timescale", json!(0)),
            ("/representations/0/video/frame_rate/timescale", json!(0)),
            ("/representations/0/segments/0/size", json!(0)),
            ("/representations/0/segments/0/offset", json!(u64::MAX)),
        ] {
            let mut value = pack();
            let (parent, name) = pointer.rsplit_once('/').unwrap();
            value.pointer_mut(parent).unwrap()[name] = bad;
            let error = read(&value).unwrap_err();
            assert!(matches!(error, Error::Invalid { .. }), "{pointer}: {error}");
            let unchecked: Pack = serde_json::from_value(value).unwrap();
            assert!(unchecked.to_json().is_err(), "{pointer}");
        }
        // Both together are what a height of its own is.
        let mut value = pack();
        value["protection"]["keys"][0]["label"] = json!("main/240");
        value["representations"][0]["label"] = json!("main/240");
        let json = read(&value).unwrap().to_json().unwrap();
        assert_eq!(
            serde_json::from_slice::<Value>(&json).unwrap()["representations"][0]["label"],
            "main/240"
        );
        let mut value = pack();
        value["representations"][0]["init_range"] = json!("9-8");
        assert!(matches!(read(&value), Err(Error::Json(_))));
    }
}
