use super::sources::{FolderFile, Sources};
use super::stamp::Stamp;
use ::origin::ContentPath;
use pack::Source;
use pack::layout::SOURCE_JSON;
use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

/// Longest `source.json` that is read, in octets.
const MAX_JSON: u64 = 64 << 20;

/// The content in whose folder this one lies, where there is one: it is not served then, for tokens for that folder
/// would open it, too.
fn within<'a>(sources: &Sources, content: &'a ContentPath) -> Option<&'a str> {
    let mut above = content.folders().skip(1).filter(|above| !above.is_empty());
    above.find(|above| sources.root.join(above).join(SOURCE_JSON).exists())
}

/// A content as it lay in its folder.
#[derive(Debug, PartialEq)]
pub(crate) struct Loaded {
    pub(crate) folder: PathBuf,
    pub(crate) source: Source,
    /// What its folders say, the nearest first.
    pub(crate) folders: Vec<FolderFile>,
    /// Of `source.json`, then of the representations.
    stamps: Vec<Stamp>,
    /// Of the folders' files, before they were read.
    settings: Vec<Option<Stamp>>,
    /// When one of its files was changed or touched last, settings included. Unix seconds.
    pub(crate) changed: u64,
}

impl Loaded {
    /// Reads a content; `Ok(None)`: there is none.
    pub(crate) fn read(sources: &Sources, content: &ContentPath) -> Result<Option<Self>, String> {
        let folder = sources.folder(content);
        let path = folder.join(SOURCE_JSON);
        let said = |error: io::Error| format!("{}: {error}", path.display());
        let metadata = match fs::metadata(&path) {
            Ok(metadata) => metadata,
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                return Ok(None);
            }
            Err(error) => return Err(said(error)),
        };
        if let Some(above) = within(sources, content) {
            return Err(format!("{content} lies within {above}, which is a content"));
        }
        if metadata.len() > MAX_JSON {
            return Err(format!("{} is too long", path.display()));
        }
        let source = Source::from_json(&fs::read(&path).map_err(said)?)
            .map_err(|error| format!("{}: {error}", path.display()))?;
        let mut stamps = vec![Stamp::of(&metadata)];
        for r in &source.pack.representations {
            let file = folder.join(&r.path);
            let metadata = fs::metadata(&file).map_err(|error| format!("{}: {error}", file.display()))?;
            if metadata.len() != r.size {
                let size = metadata.len();
                return Err(format!("{} has {size} octets, not {}", file.display(), r.size));
            }
            stamps.push(Stamp::of(&metadata));
        }
        let stamped = sources.settings_stamps(content);
        let folders = sources.folder_files(content);
        let settings = folders.iter().filter_map(|file| match file {
            FolderFile::File(file) => Some(crate::config::modified(&file.path)),
            _ => None,
        });
        let changed = stamps.iter().map(Stamp::changed).chain(settings).max().unwrap_or(0);
        Ok(Some(Self { folder, source, folders, stamps, settings: stamped, changed }))
    }

    /// Whether all files are still those that were read.
    pub(crate) fn is_unchanged(&self, sources: &Sources, content: &ContentPath) -> bool {
        let media = self.source.pack.representations.iter().map(|r| &r.path[..]);
        let files = std::iter::once(SOURCE_JSON).chain(media).map(|name| self.folder.join(name));
        let same = |(path, stamp): (PathBuf, &Stamp)| {
            fs::metadata(path).is_ok_and(|metadata| Stamp::of(&metadata) == *stamp)
        };
        within(sources, content).is_none()
            && files.zip(&self.stamps).all(same)
            && sources.settings_stamps(content) == self.settings
    }

    /// Opens the clear file of a representation, if it is still the one that was looked at.
    pub(crate) fn open(&self, representation: usize) -> io::Result<Watched> {
        let r = self.source.pack.representations.get(representation).ok_or(ErrorKind::NotFound)?;
        let stamp = self.stamps.get(representation + 1).copied().ok_or(ErrorKind::NotFound)?;
        let file = Watched { file: File::open(self.folder.join(&r.path))?, stamp };
        file.check()?;
        Ok(file)
    }

    /// Path of a file beside the media, such as subtitles.
    pub(crate) fn beside(&self, file: &str) -> Option<(PathBuf, u64)> {
        let pack = &self.source.pack;
        let thumbnails = pack.thumbnails.iter();
        let pictures = thumbnails.flat_map(|t| [&t.bif].into_iter().chain(&t.sheets).chain(&t.sheet_index));
        let found =
            pack.subtitles.iter().map(|s| &s.file).chain(pictures).find(|known| known.path == file)?;
        Some((self.folder.join(Path::new(&found.path)), found.size))
    }
}

/// An open file that must stay what it is.
#[derive(Debug)]
pub(crate) struct Watched {
    file: File,
    stamp: Stamp,
}

impl Watched {
    fn check(&self) -> io::Result<()> {
        match Stamp::of(&self.file.metadata()?) == self.stamp {
            true => Ok(()),
            false => Err(io::Error::other("the clear file was changed or replaced")),
        }
    }
}

impl ::origin::ReadAt for Watched {
    fn read_at(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.file.read_at(offset, out)?;
        // Who writes into it while it is read must not get his bytes encrypted as if they were the film's.
        self.check()
    }
}
