//! Whether a file is still the one that it was.

use std::fs::Metadata;
use std::time::{SystemTime, UNIX_EPOCH};

/// What a file was when it was looked at: another time or size is another file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    size: u64,
    modified: Option<SystemTime>,
    number: u64,
}

impl Stamp {
    pub(crate) fn of(metadata: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt as _;
        Self { size: metadata.len(), modified: metadata.modified().ok(), number: metadata.ino() }
    }

    /// Unix seconds.
    pub(super) fn changed(&self) -> u64 {
        let since = self.modified.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        since.map_or(0, |since| since.as_secs())
    }
}
