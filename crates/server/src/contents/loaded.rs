use super::clear_file::ClearFile;
use super::folder_file::{FolderFile, settings_path};
use super::sources::{SourceError, Sources};
use super::stamp::Stamp;
use ::origin::ContentPath;
use pack::Source;
use pack::layout::SOURCE_JSON;
use std::path::PathBuf;
use storage::{Key, Storage};
use tokio::task::spawn_blocking;

/// Longest `source.json` that is read, in octets.
pub(super) const MAX_JSON: u64 = 64 << 20;

/// The folders around a content's, the sources' own left out: none of them may be a content, for tokens for that
/// one would open this one, too.
fn around(content: &ContentPath) -> impl Iterator<Item = &str> {
    content.folders().skip(1).filter(|above| !above.is_empty())
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
        let there = sources.look_at(json_above).await?;
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
        for ((r, path), stamp) in
            representations.iter().zip(&media).zip(sources.look_at(media.clone()).await?)
        {
            let name = sources.name(path);
            let wrong = |what: String| SourceError::Wrong(format!("{} {what}", name.display()));
            let stamp = stamp.ok_or_else(|| wrong("is not there".to_owned()))?;
            if stamp.size() != r.size {
                return Err(wrong(format!("has {} octets, not {}", stamp.size(), r.size)));
            }
            stamps.push(stamp);
        }
        let (mut settings, mut folders) = (Vec::new(), Vec::new());
        for folder in content.folders() {
            let (stamp, file) = FolderFile::read(sources, folder).await?;
            settings.push(stamp);
            folders.push(file);
        }
        let all = stamps.iter().chain(settings.iter().flatten());
        let changed = all.map(Stamp::changed).max().unwrap_or(0);
        let (sources, content) = (sources.clone(), content.clone());
        Ok(Some(Self { sources, content, source, folders, stamps, settings, changed }))
    }

    /// Whether all files are still those that were read.
    pub(super) async fn is_unchanged(&self, sources: &Sources) -> Result<bool, SourceError> {
        let content = &self.content;
        let media = self.source.pack.representations.iter().map(|r| format!("{content}/{}", r.path));
        let own = std::iter::once(format!("{content}/{SOURCE_JSON}")).chain(media);
        let settings = content.folders().map(settings_path);
        let above = around(content).map(|above| format!("{above}/{SOURCE_JSON}"));
        let now = sources.look_at(own.chain(settings).chain(above).collect()).await?;
        let then = self.stamps.iter().map(Some).chain(self.settings.iter().map(Option::as_ref));
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

    /// Octets that it takes in memory, roughly: its segments, and what else may be in the files that were read.
    pub(super) fn memory(&self) -> usize {
        let segments = self.source.pack.representations.iter().map(|r| r.segments.len()).sum::<usize>();
        let read = self.json_stamp().into_iter().chain(self.settings.iter().flatten());
        let read = usize::try_from(read.map(Stamp::size).sum::<u64>()).unwrap_or(usize::MAX);
        read.saturating_add(4096 + segments * size_of::<pack::Segment>())
    }

    /// Opens the clear file of a representation, if it is still the one that was looked at.
    pub(crate) async fn open(&self, representation: usize) -> Result<ClearFile, SourceError> {
        let missing = || SourceError::Wrong("there is no such representation".to_owned());
        let r = self.source.pack.representations.get(representation).ok_or_else(missing)?;
        let stamp = self.stamp(representation).ok_or_else(missing)?;
        self.sources.open_clear(&format!("{}/{}", self.content, r.path), stamp).await
    }

    /// A file beside the media, such as subtitles, and its size.
    pub(crate) fn beside(&self, file: &str) -> Option<(std::sync::Arc<dyn Storage>, Key, u64)> {
        let pack = &self.source.pack;
        let thumbnails = pack.thumbnails.iter();
        let pictures = thumbnails.flat_map(|t| [&t.bif].into_iter().chain(&t.sheets).chain(&t.sheet_index));
        let found =
            pack.subtitles.iter().map(|s| &s.file).chain(pictures).find(|known| known.path == file)?;
        let (storage, key) = self.sources.beside(self.content.as_str(), &found.path)?;
        Some((storage, key, found.size))
    }
}
