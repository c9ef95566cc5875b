//! The files of events and of their sessions: what they are called, and how they are read and written.

use crate::secret::random_hex;
use crate::{Error, private};
use ::live::SegmentEntry;
use serde::Serialize;
use std::fs;
use std::io::Write as _;
use std::path::Path;

/// What is written down of a session, in its folder.
pub(super) const RECORD: &str = "record.json";
/// What is written down of a representation's segments, a line each.
pub(super) const SEGMENTS: &str = "segments.jsonl";
/// A representation's header.
pub(super) const HEADER: &str = "init.mp4";

/// Writes a file whole or not at all, for its owner alone.
pub(super) fn write_json(path: &Path, value: &impl Serialize) -> Result<(), Error> {
    let json = serde_json::to_vec_pretty(value).map_err(|_| Error::Internal("no JSON could be written"))?;
    write_whole(path, &json)
}

/// Writes a file whole or not at all, for its owner alone.
pub(super) fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let temporary = path.with_file_name(format!(".{}", random_hex::<8>()));
    private::make_file(&temporary).map_err(Error::io(&temporary))?;
    let write = || {
        let mut file = fs::File::options().write(true).open(&temporary)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&temporary, path)?;
        // The name, too, must outlast the power: what is encrypted goes by it.
        #[cfg(unix)]
        if let Some(folder) = path.parent() {
            fs::File::open(folder)?.sync_all()?;
        }
        Ok(())
    };
    let written = write();
    if written.is_err() {
        // On a full disk it is only in the way.
        let _ = fs::remove_file(&temporary);
    }
    written.map_err(Error::io(path))
}

/// Reads a file of JSON.
///
/// # Errors
/// [`Error::Io`], [`Error::Config`].
pub(super) fn read_json<T: serde::de::DeserializeOwned>(path: &Path) -> Result<T, Error> {
    let text = fs::read(path).map_err(Error::io(path))?;
    serde_json::from_slice(&text).map_err(|error| bad(path, error))
}

/// A file, or a folder, that is not what it has to be.
pub(super) fn bad(path: &Path, reason: impl ToString) -> Error {
    Error::Config { path: path.to_owned(), reason: reason.to_string() }
}

/// What was written down of segments, as far as the lines are whole and their files there.
pub(super) fn segments(place: &Path) -> Result<Vec<SegmentEntry>, Error> {
    let path = place.join(SEGMENTS);
    // A line that was cut off by the power may hold anything.
    let text = match fs::read(&path) {
        Ok(octets) => String::from_utf8_lossy(&octets).into_owned(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(Error::Io { path, source }),
    };
    let entries = text.lines().filter_map(|line| serde_json::from_str::<SegmentEntry>(line).ok());
    let there = |entry: &SegmentEntry| {
        let file = place.join(format!("{}.m4s", entry.number));
        fs::metadata(file).is_ok_and(|meta| meta.len() == entry.size)
    };
    let mut entries: Vec<_> = entries.filter(there).collect();
    entries.sort_by_key(|entry| entry.number);
    entries.dedup_by_key(|entry| entry.number);
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Where a file cannot be written nothing of it is left.
    #[test]
    fn what_cannot_be_written_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let names = || fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name());
        let place = folder.path().join("state.json");
        // No file takes the place of a folder.
        fs::create_dir(&place).unwrap();
        assert!(write_whole(&place, b"{}").is_err());
        assert_eq!(names().collect::<Vec<_>>(), ["state.json"]);
    }
}
