//! Files and folders for their owner's eyes only, whatever the umask is.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

/// Whether others than who runs this may do anything with a file or folder; `false` where there is none.
pub(crate) fn is_exposed(path: &Path) -> io::Result<bool> {
    match fs::metadata(path) {
        Ok(meta) => Ok(is_of_others(&meta)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Whether others than who runs this may do anything with what this tells of.
pub(crate) fn is_of_others(meta: &fs::Metadata) -> bool {
    exposes(meta.mode(), meta.uid(), rustix::process::geteuid().as_raw())
}

/// Whoever owns a file may change who reads it. The administrator works with what is the service's.
fn exposes(mode: u32, owner: u32, user: u32) -> bool {
    mode & 0o077 != 0 || (owner != user && user != 0)
}

/// Makes a folder (0700), and those above it, where they are not there.
pub(crate) fn make_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Makes an empty file (0600) where there is none.
pub(crate) fn make_file(path: &Path) -> io::Result<()> {
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_another_user_owns_is_exposed_whatever_its_mode() {
        for (mode, owner, user, exposed) in [
            (0o100_600, 1000, 1000, false),
            (0o100_600, 1001, 1000, true),
            (0o40_700, 0, 1000, true),
            (0o40_700, 1000, 0, false),
            (0o40_710, 1000, 1000, true),
            (0o100_604, 1000, 0, true),
        ] {
            assert_eq!(exposes(mode, owner, user), exposed, "{mode:o} of {owner} for {user}");
        }
    }
}
