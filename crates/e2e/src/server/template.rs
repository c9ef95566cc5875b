use std::collections::HashMap;
use std::fs::Permissions;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use super::{EMAIL, MOVIE, PASSWORD, TITLE, matinee, private_folder, succeed};
use crate::repository;

/// A data directory with site keys, a packaged film and [`EMAIL`]'s account, kept in memory. `matinee` makes
/// it once for each film; every server gets a copy.
pub(crate) struct Template {
    /// Each before what is in it; paths are relative to the data directory.
    folders: Vec<(PathBuf, Permissions)>,
    files: Vec<(PathBuf, Permissions, Vec<u8>)>,
}

impl Template {
    /// The one for this film, made at the first call.
    pub(crate) fn of(film: &[PathBuf]) -> Arc<Self> {
        static MADE: Mutex<Option<HashMap<Vec<PathBuf>, Arc<Template>>>> = Mutex::new(None);
        let mut made = MADE.lock().unwrap();
        let template = made.get_or_insert_default().entry(film.to_owned());
        template.or_insert_with(|| Arc::new(Self::make(film))).clone()
    }

    fn make(film: &[PathBuf]) -> Self {
        let data = private_folder("matinee-e2e-template-");
        // The commands want the file that they are told to read.
        let config = data.path().join("matinee.toml");
        std::fs::write(&config, "").unwrap();
        let mut package = matinee(data.path());
        package.arg("package").args(film).args(["--movie", &MOVIE.to_string(), "--title", TITLE]);
        package.arg("--poster").arg(repository().join("media/demo/poster.jpg"));
        succeed(&mut package);
        succeed(matinee(data.path()).args(["user", "add", EMAIL, "--password", PASSWORD]));
        std::fs::remove_file(config).unwrap();
        let mut template = Self { folders: Vec::new(), files: Vec::new() };
        template.take(data.path(), Path::new(""));
        template
    }

    fn take(&mut self, data: &Path, folder: &Path) {
        for entry in std::fs::read_dir(data.join(folder)).unwrap() {
            let entry = entry.unwrap();
            let path = folder.join(entry.file_name());
            let permissions = entry.metadata().unwrap().permissions();
            if entry.file_type().unwrap().is_dir() {
                self.folders.push((path.clone(), permissions));
                self.take(data, &path);
            } else {
                self.files.push((path, permissions, std::fs::read(entry.path()).unwrap()));
            }
        }
    }

    /// Writes it all into a data directory.
    pub(crate) fn copy_to(&self, data: &Path) {
        for (path, permissions) in &self.folders {
            let path = data.join(path);
            std::fs::create_dir(&path).unwrap();
            std::fs::set_permissions(path, permissions.clone()).unwrap();
        }
        for (path, permissions, octets) in &self.files {
            let path = data.join(path);
            std::fs::write(&path, octets).unwrap();
            std::fs::set_permissions(path, permissions.clone()).unwrap();
        }
    }
}
