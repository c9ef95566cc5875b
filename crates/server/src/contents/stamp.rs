//! Whether a file is still the one that it was.

use std::fs::Metadata;
use std::time::{SystemTime, UNIX_EPOCH};
use storage::Meta;

/// What a file was when it was looked at: another time, size or tag is another file.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Stamp {
    /// In a local folder.
    File { size: u64, modified: Option<SystemTime>, number: u64 },
    /// In a bucket.
    Object(Meta),
}

impl Stamp {
    pub(crate) fn of(metadata: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt as _;
        Self::File { size: metadata.len(), modified: metadata.modified().ok(), number: metadata.ino() }
    }

    pub(crate) const fn size(&self) -> u64 {
        match self {
            Self::File { size, .. } => *size,
            Self::Object(meta) => meta.size,
        }
    }

    /// Unix seconds.
    pub(super) fn changed(&self) -> u64 {
        let modified = match self {
            Self::File { modified, .. } => *modified,
            Self::Object(meta) => Some(meta.modified),
        };
        let since = modified.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        since.map_or(0, |since| since.as_secs())
    }
}
