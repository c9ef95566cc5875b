use super::stamp::Stamp;
use ::origin::ContentPath;
use ::origin::scope::{FileError, Folder, Form, Off, SetWords, Settings, SettingsFile, resolve};
use pack::layout::SOURCE_JSON;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// The file with what a folder says.
const SETTINGS: &str = "matinee.toml";
/// Longest file of settings, in octets.
const MAX_SETTINGS: u64 = 1 << 20;
/// Deepest folder with a content.
const MAX_DEPTH: usize = 16;

/// The folder of the clear films.
#[derive(Debug, Clone)]
pub(crate) struct Sources {
    pub(crate) root: PathBuf,
}

/// What a folder says, as it was read.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum FolderFile {
    None,
    File(Box<SettingsFile>),
    Broken(FileError),
}

impl FolderFile {
    fn read(folder: &Path) -> Self {
        let path = folder.join(SETTINGS);
        let unreadable = |reason: String| Self::Broken(FileError { path: path.clone(), reason });
        match fs::metadata(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Self::None,
            Err(error) => return unreadable(format!("cannot be read: {error}")),
            Ok(metadata) if metadata.len() > MAX_SETTINGS => return unreadable("has over 1 MiB".to_owned()),
            Ok(_) => {}
        }
        match fs::read_to_string(&path) {
            Ok(text) => {
                let read = SettingsFile::of_folder(&path, &text);
                read.map_or_else(Self::Broken, |file| Self::File(Box::new(file)))
            }
            Err(error) => unreadable(format!("cannot be read: {error}")),
        }
    }

    fn as_folder(&self) -> Folder<'_> {
        match self {
            Self::None => Folder::None,
            Self::File(file) => Folder::File(file),
            Self::Broken(error) => Folder::Broken(error),
        }
    }
}

/// The settings that hold for a content, by what its folders say.
pub(crate) fn settings(
    server: &SettingsFile,
    form: Form,
    content: &ContentPath,
    folders: &[FolderFile],
    set: &SetWords,
) -> Result<Settings, Off> {
    let folders: Vec<_> = folders.iter().map(FolderFile::as_folder).collect();
    resolve(server, form, content, &folders, set)
}

impl Sources {
    /// The folder of a content.
    pub(crate) fn folder(&self, content: &ContentPath) -> PathBuf {
        self.root.join(content.as_str())
    }

    /// What the files with what the folders say are now.
    pub(super) fn settings_stamps(&self, content: &ContentPath) -> Vec<Option<Stamp>> {
        let stamp = |folder: &str| fs::metadata(self.root.join(folder).join(SETTINGS)).ok();
        content.folders().map(|folder| stamp(folder).map(|metadata| Stamp::of(&metadata))).collect()
    }

    /// What the folders of a content say, the nearest first.
    pub(crate) fn folder_files(&self, content: &ContentPath) -> Vec<FolderFile> {
        content.folders().map(|folder| FolderFile::read(&self.root.join(folder))).collect()
    }

    /// All folders with a clear film, by their paths below the root, and all that have settings. Symbolic links
    /// and hidden folders are not followed.
    pub(crate) fn walk(&self) -> std::io::Result<Walk> {
        let mut walk = Walk::default();
        walk_into(&self.root, "", 0, &mut walk)?;
        walk.contents.sort();
        walk.settings.sort();
        Ok(walk)
    }
}

/// What there is below the sources.
#[derive(Debug, Default)]
pub(crate) struct Walk {
    /// Paths of folders with `source.json`.
    pub(crate) contents: Vec<String>,
    /// Paths of folders with settings.
    pub(crate) settings: Vec<String>,
}

fn walk_into(folder: &Path, path: &str, depth: usize, walk: &mut Walk) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let kind = entry.file_type()?;
        match &name[..] {
            SOURCE_JSON if kind.is_file() => walk.contents.push(path.to_owned()),
            SETTINGS if kind.is_file() => walk.settings.push(path.to_owned()),
            _ if kind.is_dir() && !name.starts_with('.') && depth < MAX_DEPTH => {
                let below = if path.is_empty() { name.clone() } else { format!("{path}/{name}") };
                walk_into(&entry.path(), &below, depth + 1, walk)?;
            }
            _ => {}
        }
    }
    Ok(())
}

impl Walk {
    /// What the folders with settings say.
    pub(crate) fn files<'a>(&'a self, sources: &'a Sources) -> impl Iterator<Item = FolderFile> + 'a {
        self.settings.iter().map(|path| FolderFile::read(&sources.root.join(path)))
    }
}
