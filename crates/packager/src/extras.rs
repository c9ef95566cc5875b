//! What a pack has beside pictures and sound: subtitles, thumbnails, chapters. None of it is encrypted.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use pack::layout::{bif_path, is_label, is_language, sheet_index_path, sheet_path, subtitle_path};
use pack::{Chapter, PackFile, Subtitle, Thumbnails, bif};
use sha2::{Digest, Sha256};
use subtitles::{Cue, Time, Track};

use crate::naming::canonical_language;
use crate::options::{PackageOptions, SubtitleSource, ThumbnailSource};
use crate::{Error, chapters};

/// Octets of all thumbnails of a film, at most.
pub(crate) const MAX_THUMBNAILS: u64 = 512 << 20;

/// A file that is to be written.
#[derive(Debug, Clone)]
struct Content {
    file: PackFile,
    content: Vec<u8>,
}

impl Content {
    fn new(path: String, content: Vec<u8>) -> Self {
        let (size, sha256) = (content.len() as u64, hex::encode(Sha256::digest(&content)));
        Self { file: PackFile { path, size, sha256 }, content }
    }
}

/// Subtitles, thumbnails and chapters that are to be published.
#[derive(Debug, Clone, Default)]
pub(crate) struct Extras {
    subtitles: Vec<Subtitle>,
    thumbnails: Option<Thumbnails>,
    pub(crate) chapters: Vec<Chapter>,
    files: Vec<Content>,
}

impl Extras {
    pub(crate) fn read(options: &PackageOptions) -> Result<Self, Error> {
        let mut this = Self::default();
        let mut languages: HashMap<String, usize> = HashMap::new();
        for source in &options.subtitles {
            let language = canonical_language(&source.language);
            let number = languages.entry(language.clone()).or_default();
            *number += 1;
            let id = format!("s-{language}-{number}");
            this.add_subtitles(source, id, language)?;
        }
        if let Some(source) = &options.thumbnails {
            this.add_thumbnails(source)?;
        }
        this.chapters = chapters::check(options.chapters.clone())
            .map_err(|what| Error::unsupported(options.inputs.first().cloned().unwrap_or_default(), what))?;
        Ok(this)
    }

    fn add_subtitles(&mut self, source: &SubtitleSource, id: String, language: String) -> Result<(), Error> {
        let path = &source.path;
        check_details(path, Some(&language), source.label.as_deref())?;
        let len = fs::metadata(path).map_err(Error::io(path, "open"))?.len();
        let wrong = |source| Error::Subtitles { path: path.clone(), source };
        if len > subtitles::MAX_OCTETS as u64 {
            return Err(wrong(subtitles::Error::TooLarge));
        }
        let track = subtitles::read(&fs::read(path).map_err(Error::io(path, "read"))?).map_err(wrong)?;
        let content = Content::new(subtitle_path(&id), track.to_webvtt().into_bytes());
        self.subtitles.push(Subtitle {
            id,
            language,
            role: source.role,
            label: source.label.clone(),
            default: source.default,
            file: content.file.clone(),
        });
        self.files.push(content);
        Ok(())
    }

    fn add_thumbnails(&mut self, source: &ThumbnailSource) -> Result<(), Error> {
        let mut left = MAX_THUMBNAILS;
        let mut read = |path: &Path| {
            let len = fs::metadata(path).map_err(Error::io(path, "open"))?.len();
            left = left.checked_sub(len).ok_or_else(|| Error::unsupported(path, "too many thumbnails"))?;
            fs::read(path).map_err(Error::io(path, "read"))
        };
        let first = source.pictures.first().ok_or(Error::Option { what: "there are no thumbnails" })?;
        let pictures = source.pictures.iter().map(|path| read(path)).collect::<Result<Vec<_>, _>>()?;
        let size = |picture: &[u8]| imagesize::blob_size(picture).ok().map(|size| (size.width, size.height));
        let (width, height) = pictures
            .first()
            .and_then(|picture| size(picture))
            .and_then(|(width, height)| Some((u32::try_from(width).ok()?, u32::try_from(height).ok()?)))
            .ok_or_else(|| Error::unsupported(first, "a thumbnail that is no JPEG"))?;
        let same = |picture: &Vec<u8>| size(picture) == Some((width as usize, height as usize));
        if let Some(n) =
            pictures.iter().position(|picture| !picture.starts_with(b"\xff\xd8\xff") || !same(picture))
        {
            return Err(Error::unsupported(
                &source.pictures[n],
                "a thumbnail that is no JPEG of the others' size",
            ));
        }
        let count = u32::try_from(pictures.len()).unwrap_or(u32::MAX);
        let interval = u32::try_from(source.interval.as_millis()).unwrap_or(u32::MAX);
        let wrong = |error: bif::BifError| Error::unsupported(first, error.to_string());
        let all = Content::new(bif_path(width), bif::write(interval, &pictures).map_err(wrong)?);
        let mut thumbnails = Thumbnails {
            interval,
            width,
            height,
            count,
            bif: all.file.clone(),
            columns: 0,
            rows: 0,
            sheets: Vec::new(),
            sheet_index: None,
        };
        self.files.push(all);
        if !source.sheets.is_empty() {
            (thumbnails.columns, thumbnails.rows) = (source.columns, source.rows);
            for (n, path) in source.sheets.iter().enumerate() {
                let content = Content::new(sheet_path(n + 1), read(path)?);
                thumbnails.sheets.push(content.file.clone());
                self.files.push(content);
            }
            let index = Content::new(sheet_index_path(), sheet_index(&thumbnails).into_bytes());
            thumbnails.sheet_index = Some(index.file.clone());
            self.files.push(index);
        }
        self.thumbnails = Some(thumbnails);
        Ok(())
    }

    pub(crate) fn subtitles(&self) -> &[Subtitle] {
        &self.subtitles
    }

    pub(crate) fn thumbnails(&self) -> Option<&Thumbnails> {
        self.thumbnails.as_ref()
    }

    /// The files, by their paths in the pack.
    pub(crate) fn files(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.files.iter().map(|content| (&content.file.path[..], &content.content[..]))
    }
}

/// WebVTT that says of each thumbnail on which sheet it is, and where there.
fn sheet_index(thumbnails: &Thumbnails) -> String {
    let &Thumbnails { interval, width, height, count, columns, rows, .. } = thumbnails;
    let (columns, rows) = (columns.max(1), rows.max(1));
    let cue = |n: u32| {
        let (sheet, place) = (n / (columns * rows), n % (columns * rows));
        let name = sheet_path(sheet as usize + 1);
        let name = name.rsplit('/').next().unwrap_or_default();
        let (x, y) = (place % columns * width, place / columns * height);
        let start = u64::from(n) * u64::from(interval);
        Cue {
            start: Time(start),
            end: Time(start + u64::from(interval)),
            settings: String::new(),
            text: format!("{name}#xywh={x},{y},{width},{height}"),
        }
    };
    Track { cues: (0..count).map(cue).collect() }.to_webvtt()
}

/// Whether a track's language and label can be told.
pub(crate) fn check_details(path: &Path, language: Option<&str>, label: Option<&str>) -> Result<(), Error> {
    if let Some(wrong) = language.filter(|tag| !is_language(tag)) {
        let what = format!("`{wrong}` is no language; write it like de, pt-BR or zh-Hant");
        return Err(Error::unsupported(path, what));
    }
    match label.is_none_or(is_label) {
        true => Ok(()),
        false => Err(Error::unsupported(path, "a label is one line of at most 200 octets")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_thumbnail_has_its_place_on_a_sheet() {
        let file = |path: &str| PackFile { path: path.into(), size: 1, sha256: String::new() };
        let thumbnails = Thumbnails {
            interval: 2500,
            width: 320,
            height: 180,
            count: 6,
            bif: file("thumbnails/320.bif"),
            columns: 2,
            rows: 2,
            sheets: vec![file("thumbnails/1.jpg"), file("thumbnails/2.jpg")],
            sheet_index: None,
        };
        let index = sheet_index(&thumbnails);
        let cues: Vec<_> = index.lines().filter(|line| line.contains('#')).collect();
        assert_eq!(cues[1], "1.jpg#xywh=320,0,320,180");
        assert_eq!(cues[3], "1.jpg#xywh=320,180,320,180");
        assert_eq!(cues[5], "2.jpg#xywh=320,0,320,180");
        assert!(index.contains("00:00:12.500 --> 00:00:15.000\n2.jpg#xywh=320,0"));
        assert_eq!(subtitles::read(index.as_bytes()).unwrap().cues.len(), 6);
    }
}
