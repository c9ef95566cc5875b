//! Whether clear files are those that `source.json` tells of.

use super::clear_file::ToTheEnd;
use super::sources::SourceError;
use pack::Representation;
use std::io;
use std::path::Path;

/// Whether `source.json` says the digest of a clear file.
pub(super) fn has_digest(r: &Representation) -> bool {
    is_digest(&r.sha256)
}

fn is_digest(sha256: &str) -> bool {
    sha256.len() == 64 && sha256.bytes().all(|b| b.is_ascii_hexdigit())
}

/// Whether a file is the one that `source.json` tells of, by its digest and length: reads it to its end. Of a
/// file that nobody has a digest of, nothing can be said.
///
/// # Errors
/// [`SourceError::Wrong`] if it is another one.
pub(super) fn compare(name: &Path, (sha256, size): (&str, u64), file: &ToTheEnd) -> Result<(), SourceError> {
    if !is_digest(sha256) {
        return Ok(());
    }
    let name = name.display();
    let unread = |error: io::Error| SourceError::Unreadable(format!("{name}: {error}"));
    match file.sha256(size).map_err(unread)?.eq_ignore_ascii_case(sha256) {
        true => Ok(()),
        false => {
            let said = format!("{name} is not the file that source.json tells of: its SHA-256 is another");
            Err(SourceError::Wrong(said))
        }
    }
}
