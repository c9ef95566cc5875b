use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::{Destination, Error, PackageOptions, Progress, package};

/// The film's folder in the temporary one.
const FILM: &str = "film";

/// The clear form of a film, made whole and not in its place yet. Dropped, it vanishes.
#[derive(Debug)]
pub struct ClearSource {
    folder: TempDir,
}

impl ClearSource {
    /// Packages a film without encryption, whatever else its options say, in a folder for its owner alone on
    /// the disk of `sources`, which must exist.
    ///
    /// # Errors
    /// See [`package`].
    pub fn make(
        options: &PackageOptions,
        sources: &Path,
        progress: &mut dyn Progress,
    ) -> Result<Self, Error> {
        let folder = tempfile::Builder::new()
            .prefix(".source-")
            .tempdir_in(sources)
            .map_err(Error::io(sources, "write into"))?;
        let film = folder.path().join(FILM);
        package(&options.clear(Destination::Directory(film.clone())), progress)?;
        #[cfg(unix)]
        fs::set_permissions(&film, std::os::unix::fs::PermissionsExt::from_mode(0o700))
            .map_err(Error::io(&film, "write"))?;
        Ok(Self { folder })
    }

    /// Moves it to its place in the folder it was made in, for what was there.
    ///
    /// # Errors
    /// [`Error::Io`]; what was there is there again, or nothing is.
    pub fn keep(self, name: &str) -> Result<PathBuf, Error> {
        let place = self.folder.path().with_file_name(name);
        let (new, old) = (self.folder.path().join(FILM), self.folder.path().join("old"));
        let replaced = fs::symlink_metadata(&place).is_ok();
        if replaced {
            fs::rename(&place, &old).map_err(Error::io(&place, "replace"))?;
        }
        if let Err(error) = fs::rename(&new, &place) {
            if replaced {
                let _ = fs::rename(&old, &place);
            }
            return Err(Error::io(&place, "write")(error));
        }
        // What was replaced goes with the temporary folder.
        Ok(place)
    }
}
