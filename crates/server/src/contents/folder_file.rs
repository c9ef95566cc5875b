//! What folders of the sources say of the contents below them.

use super::SETTINGS;
use super::sources::{SourceError, Sources};
use super::stamp::Stamp;
use ::origin::ContentPath;
use ::origin::scope::{FileError, Folder, Form, Off, SetWords, Settings, SettingsFile, is_ignored, resolve};

/// Longest file of settings, in octets.
const MAX_SETTINGS: u64 = 1 << 20;

/// What a folder says, as it was read.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum FolderFile {
    None,
    File(Box<SettingsFile>),
    Broken(FileError),
}

/// The path of a folder's file of settings.
pub(super) fn settings_path(folder: &str) -> String {
    match folder {
        "" => SETTINGS.to_owned(),
        folder => format!("{folder}/{SETTINGS}"),
    }
}

impl FolderFile {
    /// What a folder says, and what its file is. A local file that nobody can read is a mistake in the
    /// folder; what a store does not tell now is none.
    ///
    /// # Errors
    /// [`SourceError::Unreadable`] of a bucket.
    pub(super) async fn read(sources: &Sources, folder: &str) -> Result<(Option<Stamp>, Self), SourceError> {
        let path = settings_path(folder);
        let (stamp, bytes) = match sources.read(&path, MAX_SETTINGS).await {
            Ok(None) => return Ok((None, Self::None)),
            Ok(Some(read)) => read,
            Err(error @ SourceError::Unreadable(_)) if matches!(sources, Sources::Bucket(_)) => {
                return Err(error);
            }
            Err(error) => return Ok((None, Self::broken(sources, folder, &error))),
        };
        let name = sources.name(&path);
        let read = match std::str::from_utf8(&bytes) {
            Ok(text) => SettingsFile::of_folder(&name, text),
            Err(_) => Err(FileError { path: name, reason: "is not UTF-8".to_owned() }),
        };
        Ok((Some(stamp), read.map_or_else(Self::Broken, |file| Self::File(Box::new(file)))))
    }

    /// As [`read`](Self::read), for who only reports: what is not told is a mistake, too.
    pub(super) async fn read_or_broken(sources: &Sources, folder: &str) -> Self {
        let read = Self::read(sources, folder).await;
        read.map_or_else(|error| Self::broken(sources, folder, &error), |(_, file)| file)
    }

    fn broken(sources: &Sources, folder: &str, error: &SourceError) -> Self {
        let path = sources.name(&settings_path(folder));
        Self::Broken(FileError { path, reason: format!("cannot be read: {error}") })
    }

    fn as_folder(&self) -> Folder<'_> {
        match self {
            Self::None => Folder::None,
            Self::File(file) => Folder::File(file),
            Self::Broken(error) => Folder::Broken(error),
        }
    }
}

/// The tables of a folder's file that nobody hears, because their scope is the server, in words for the
/// operator.
pub(super) fn ignored(server: &SettingsFile, file: &SettingsFile) -> Option<String> {
    let forms = Form::ALL.into_iter().filter(|form| is_ignored(server, file, *form));
    let tables: Vec<_> = forms.map(|form| format!("[encryption.{}]", form.name())).collect();
    match tables.len() {
        0 => None,
        1 => Some(format!("{} is ignored: its scope is server", tables.concat())),
        _ => Some(format!("{} are ignored: their scope is server", tables.join(", "))),
    }
}

/// What the folders of a content say, the nearest first, for who only reports.
pub(super) async fn folders_of(sources: &Sources, content: &ContentPath) -> Vec<FolderFile> {
    let mut files = Vec::new();
    for folder in content.folders() {
        files.push(FolderFile::read_or_broken(sources, folder).await);
    }
    files
}

/// The settings that hold for a content, by what its folders say, the nearest first.
pub(crate) fn settings<'a>(
    server: &SettingsFile,
    form: Form,
    content: &ContentPath,
    folders: impl IntoIterator<Item = &'a FolderFile>,
    set: &SetWords,
) -> Result<Settings, Off> {
    let folders: Vec<_> = folders.into_iter().map(FolderFile::as_folder).collect();
    resolve(server, form, content, &folders, set)
}
