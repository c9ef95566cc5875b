use super::clear_file::ClearFile;
use super::digest;
use super::folder_file::{FolderFile, settings_path};
use super::sources::{SourceError, Sources};
use super::stamp::Stamp;
use ::origin::ContentPath;
use pack::layout::SOURCE_JSON;
use pack::{Pack, PackFile, Source};
use std::path::PathBuf;
use std::sync::Arc;
use tokio::runtime::Handle;
use tokio::sync::OnceCell;
use tokio::task::spawn_blocking;

/// Longest `source.json` that is read, in octets.
pub(super) const MAX_JSON: u64 = 64 << 20;

/// The folders around a content's, the sources' own left out: none of them may be a content, for tokens for
/// that one would open this one, too.
pub(super) fn around(content: &ContentPath) -> impl Iterator<Item = &str> {
    content.folders().skip(1).filter(|above| !above.is_empty())
}

/// The files of a film that are no media: subtitles and thumbnails.
fn files_beside(pack: &Pack) -> impl Iterator<Item = &PackFile> {
    let pictures = pack.thumbnails.iter();
    let pictures = pictures.flat_map(|t| [&t.bif].into_iter().chain(&t.sheets).chain(&t.sheet_index));
    pack.subtitles.iter().map(|subtitles| &subtitles.file).chain(pictures)
}

/// A file beside the media, as it was when it was looked at.
#[derive(Debug)]
struct Beside {
    file: PackFile,
    /// `None`: it was not there, which keeps nothing else from being served.
    stamp: Option<Stamp>,
    /// Whether it is the file that `source.json` tells of, once it was read for that; else why not.
    checked: OnceCell<Result<(), String>>,
}

/// A content as it lay in its folder.
#[derive(Debug)]
pub(crate) struct Loaded {
    sources: Sources,
    content: ContentPath,
    pub(crate) source: Source,
    /// What its folders say, the nearest first.
    pub(crate) folders: Vec<FolderFile>,
    /// Of `source.json`, then of the representations.
    stamps: Vec<Stamp>,
    beside: Vec<Beside>,
    /// Of the folders' files.
    settings: Vec<Option<Stamp>>,
    /// When one of its files was changed or touched last, settings included. Unix seconds.
    pub(crate) changed: u64,
}

impl Loaded {
    /// Reads a content; `Ok(None)`: there is none.
    pub(super) async fn read(sources: &Sources, content: &ContentPath) -> Result<Option<Self>, SourceError> {
        let path = format!("{content}/{SOURCE_JSON}");
        let Some((stamp, json)) = sources.read(&path, MAX_JSON).await? else { return Ok(None) };
        let json_above = around(content).map(|above| format!("{above}/{SOURCE_JSON}")).collect();
        let there = sources.stamps(json_above).await?;
        if let Some((above, _)) = around(content).zip(there).find(|(_, there)| there.is_some()) {
            let said = format!("{content} lies within {above}, which is a content");
            return Err(SourceError::Wrong(said));
        }
        let wrong = |error: String| SourceError::Wrong(format!("{}: {error}", sources.name(&path).display()));
        let read = spawn_blocking(move || Source::from_json(&json).map_err(|error| error.to_string())).await;
        let source = read.map_err(|error| error.to_string()).and_then(|read| read).map_err(wrong)?;
        let mut stamps = vec![stamp];
        let representations = &source.pack.representations;
        let media: Vec<_> = representations.iter().map(|r| format!("{content}/{}", r.path)).collect();
        for ((r, path), stamp) in representations.iter().zip(&media).zip(sources.stamps(media.clone()).await?)
        {
            let name = sources.name(path);
            let wrong = |what: String| SourceError::Wrong(format!("{} {what}", name.display()));
            let stamp = stamp.ok_or_else(|| wrong("is not there".to_owned()))?;
            if stamp.size() != r.size {
                return Err(wrong(format!("has {} octets, not {}", stamp.size(), r.size)));
            }
            stamps.push(stamp);
        }
        let files: Vec<PackFile> = files_beside(&source.pack).cloned().collect();
        let looked = sources.stamps(files.iter().map(|file| format!("{content}/{}", file.path)).collect());
        let beside = files.into_iter().zip(looked.await?);
        let beside = beside.map(|(file, stamp)| Beside { file, stamp, checked: OnceCell::new() });
        let beside: Vec<_> = beside.collect();
        let (mut settings, mut folders) = (Vec::new(), Vec::new());
        for folder in content.folders() {
            let (stamp, file) = FolderFile::read(sources, folder).await?;
            settings.push(stamp);
            folders.push(file);
        }
        let there = beside.iter().filter_map(|beside| beside.stamp.as_ref());
        let all = stamps.iter().chain(there).chain(settings.iter().flatten());
        let changed = all.map(Stamp::changed).max().unwrap_or(0);
        let (sources, content) = (sources.clone(), content.clone());
        Ok(Some(Self { sources, content, source, folders, stamps, beside, settings, changed }))
    }

    /// Whether all files are still those that were read.
    pub(super) async fn is_unchanged(&self, sources: &Sources) -> Result<bool, SourceError> {
        let content = &self.content;
        let media = self.source.pack.representations.iter().map(|r| format!("{content}/{}", r.path));
        let beside = self.beside.iter().map(|beside| format!("{content}/{}", beside.file.path));
        let own = std::iter::once(format!("{content}/{SOURCE_JSON}")).chain(media).chain(beside);
        let settings = content.folders().map(settings_path);
        let above = around(content).map(|above| format!("{above}/{SOURCE_JSON}"));
        let now = sources.stamps(own.chain(settings).chain(above).collect()).await?;
        let then = self.stamps.iter().map(Some);
        let then = then.chain(self.beside.iter().map(|beside| beside.stamp.as_ref()));
        let then = then.chain(self.settings.iter().map(Option::as_ref));
        // Around it there was none.
        let then = then.chain(std::iter::repeat(None));
        Ok(now.iter().map(Option::as_ref).zip(then).all(|(now, then)| now == then))
    }

    /// What it is called in messages.
    pub(super) fn name(&self) -> PathBuf {
        self.sources.name(self.content.as_str())
    }

    pub(super) const fn content(&self) -> &ContentPath {
        &self.content
    }

    /// What the clear file of a representation was when it was looked at.
    pub(super) fn stamp(&self, representation: usize) -> Option<&Stamp> {
        self.stamps.get(representation + 1)
    }

    /// What `source.json` was when it was read.
    pub(super) fn json_stamp(&self) -> Option<&Stamp> {
        self.stamps.first()
    }

    /// Octets that it takes in memory, roughly: its segments, and what else may be in the files that were
    /// read.
    pub(super) fn memory(&self) -> usize {
        let segments = self.source.pack.representations.iter().map(|r| r.segments.len()).sum::<usize>();
        let read = self.json_stamp().into_iter().chain(self.settings.iter().flatten());
        let read = usize::try_from(read.map(Stamp::size).sum::<u64>()).unwrap_or(usize::MAX);
        let beside = self.beside.len() * 512;
        read.saturating_add(4096 + segments * size_of::<pack::Segment>() + beside)
    }

    /// Opens the clear file of a representation, if it is still the one that was looked at.
    pub(crate) async fn open(&self, representation: usize) -> Result<ClearFile, SourceError> {
        let missing = || SourceError::Wrong("there is no such representation".to_owned());
        let r = self.source.pack.representations.get(representation).ok_or_else(missing)?;
        let stamp = self.stamp(representation).ok_or_else(missing)?;
        self.sources.open_clear(&format!("{}/{}", self.content, r.path), stamp).await
    }

    /// The number and size of a file beside the media, such as subtitles.
    pub(crate) fn beside(&self, file: &str) -> Option<(usize, u64)> {
        let number = self.beside.iter().position(|beside| beside.file.path == file)?;
        Some((number, self.beside.get(number)?.file.size))
    }

    /// Opens a file beside the media, if it is still the one that was looked at, and the one that
    /// `source.json` tells of: it is read to its end once for that, each time that it was seen to be another.
    pub(crate) async fn open_beside(self: &Arc<Self>, number: usize) -> Result<ClearFile, SourceError> {
        let this = Arc::clone(self);
        // Read to its end, whether or not somebody waits for it: the next one need not begin anew.
        let checked = tokio::spawn(async move { this.checked(number).await }).await;
        checked.unwrap_or_else(|error| Err(SourceError::Unreadable(error.to_string())))?;
        self.open_unchecked(self.file_beside(number)?).await
    }

    fn file_beside(&self, number: usize) -> Result<&Beside, SourceError> {
        self.beside.get(number).ok_or_else(|| SourceError::Wrong("there is no such file".to_owned()))
    }

    async fn checked(&self, number: usize) -> Result<(), SourceError> {
        let beside = self.file_beside(number)?;
        let checked = beside.checked.get_or_try_init(|| async move {
            match self.check_beside(beside).await {
                Ok(()) => Ok(Ok(())),
                Err(SourceError::Wrong(said)) => Ok(Err(said)),
                // That may be otherwise a moment later.
                Err(unreadable) => Err(unreadable),
            }
        });
        checked.await?.clone().map_err(SourceError::Wrong)
    }

    async fn check_beside(&self, beside: &Beside) -> Result<(), SourceError> {
        let clear = self.open_unchecked(beside).await?.read_on(Handle::current());
        let (name, PackFile { sha256, size, .. }) = (self.name_beside(beside), beside.file.clone());
        let read = spawn_blocking(move || digest::compare(&name, (sha256.as_str(), size), &clear)).await;
        read.unwrap_or_else(|error| Err(SourceError::Unreadable(error.to_string())))
    }

    async fn open_unchecked(&self, beside: &Beside) -> Result<ClearFile, SourceError> {
        let name = self.name_beside(beside);
        let wrong = |what: String| SourceError::Wrong(format!("{} {what}", name.display()));
        let stamp = beside.stamp.as_ref().ok_or_else(|| wrong("is not there".to_owned()))?;
        if stamp.size() != beside.file.size {
            return Err(wrong(format!("has {} octets, not {}", stamp.size(), beside.file.size)));
        }
        self.sources.open_clear(&format!("{}/{}", self.content, beside.file.path), stamp).await
    }

    fn name_beside(&self, beside: &Beside) -> PathBuf {
        self.sources.name(&format!("{}/{}", self.content, beside.file.path))
    }
}
