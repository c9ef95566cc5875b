//! wasm-bindgen's command line, at the version of Cargo.lock.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::install::{cache, cargo_home};
use crate::command::{on_path, output};
use crate::error::Error;
use crate::project::Project;

/// The two programs that are needed.
#[derive(Debug)]
pub(crate) struct Bindgen {
    /// Makes JavaScript and a module from what rustc made.
    pub(crate) generator: PathBuf,
    /// Runs tests in browsers.
    pub(crate) test_runner: PathBuf,
}

impl Bindgen {
    /// Finds it on the PATH, in cargo's folder or in the cache of this project, or installs it into the
    /// latter.
    ///
    /// # Errors
    /// When cargo cannot install it.
    pub(crate) fn find(project: &Project) -> Result<Self, Error> {
        let wanted = project.locked_version("wasm-bindgen")?;
        let kept = cache().join(format!("wasm-bindgen-{wanted}"));
        let places = [
            on_path("wasm-bindgen").and_then(|file| file.parent().map(Path::to_owned)),
            cargo_home().map(|home| home.join("bin")),
            Some(kept.join("bin")),
        ];
        if let Some(found) = places.into_iter().flatten().find_map(|folder| Self::within(&folder, &wanted)) {
            return Ok(found);
        }
        super::announce(
            &format!("wasm-bindgen {wanted} (the version in Cargo.lock)"),
            &format!("cargo install wasm-bindgen-cli into {} (about 20 MB, some 3 minutes)", kept.display()),
        );
        super::install::from_registry(project, "wasm-bindgen-cli", &wanted, &kept)?;
        Self::within(&kept.join("bin"), &wanted).ok_or_else(|| Error::Missing {
            what: "wasm-bindgen",
            remedy: format!("cargo install wasm-bindgen-cli --version ={wanted}"),
        })
    }

    /// The programs in `folder`, if both are there in the wanted version.
    fn within(folder: &Path, wanted: &str) -> Option<Self> {
        let found = Self {
            generator: folder.join("wasm-bindgen"),
            test_runner: folder.join("wasm-bindgen-test-runner"),
        };
        let said = output(Command::new(&found.generator).arg("--version")).ok()?;
        (is_version(&said, wanted) && found.test_runner.is_file()).then_some(found)
    }
}

/// Whether `wasm-bindgen --version` said the wanted version.
fn is_version(said: &str, wanted: &str) -> bool {
    said.split_whitespace().nth(1) == Some(wanted)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn only_the_exact_version_will_do() {
        assert!(is_version("wasm-bindgen 0.2.130\n", "0.2.130"));
        assert!(is_version("wasm-bindgen 0.2.130 (abc 2026-01-01)\n", "0.2.130"));
        assert!(!is_version("wasm-bindgen 0.2.13\n", "0.2.130"));
        assert!(!is_version("", "0.2.130"));
    }

    #[test]
    fn a_folder_counts_only_with_both_programs() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Bindgen::within(folder.path(), "1.2.3").is_none());
        let generator = folder.path().join("wasm-bindgen");
        std::fs::write(&generator, "#!/bin/sh\necho wasm-bindgen 1.2.3\n").unwrap();
        std::fs::set_permissions(&generator, PermissionsExt::from_mode(0o755)).unwrap();
        assert!(Bindgen::within(folder.path(), "1.2.3").is_none());
        std::fs::write(folder.path().join("wasm-bindgen-test-runner"), "").unwrap();
        assert!(Bindgen::within(folder.path(), "1.2.3").is_some());
        assert!(Bindgen::within(folder.path(), "1.2.4").is_none());
    }
}
