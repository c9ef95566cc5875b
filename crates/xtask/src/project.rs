//! Where everything lies.

use std::path::{Path, PathBuf};

use crate::error::Error;

/// The repository and its target folder.
#[derive(Debug)]
pub(crate) struct Project {
    /// The repository's root.
    pub(crate) root: PathBuf,
    /// Cargo's target folder, the one in which this program itself was built.
    pub(crate) target: PathBuf,
}

impl Project {
    /// The project of which this program is a part.
    pub(crate) fn find() -> Result<Self, Error> {
        let crate_root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let root = crate_root.ancestors().nth(2).unwrap_or(crate_root).to_owned();
        let program = std::env::current_exe().map_err(Error::file(Path::new("xtask")))?;
        // target/debug/xtask
        let target = program.ancestors().nth(2).map_or_else(|| root.join("target"), Path::to_owned);
        Ok(Self { root, target })
    }

    /// The assembled site.
    pub(crate) fn site(&self) -> PathBuf {
        self.target.join("site")
    }

    /// The committed demo film, smallest size first.
    pub(crate) fn demo_film(&self) -> [PathBuf; 3] {
        ["240p.mp4", "360p.mp4", "720p.mp4"].map(|name| self.root.join("media/demo").join(name))
    }

    /// The version of a package in Cargo.lock.
    pub(crate) fn locked_version(&self, package: &str) -> Result<String, Error> {
        let path = self.root.join("Cargo.lock");
        let text = std::fs::read_to_string(&path).map_err(Error::file(&path))?;
        version_in_lock(&text, package)
            .ok_or_else(|| Error::Content { path, problem: format!("does not name {package}") })
    }
}

/// Finds a package's version in the text of a Cargo.lock.
fn version_in_lock(text: &str, package: &str) -> Option<String> {
    let lock: toml::Table = text.parse().ok()?;
    lock.get("package")?
        .as_array()?
        .iter()
        .find(|entry| entry.get("name").and_then(toml::Value::as_str) == Some(package))?
        .get("version")?
        .as_str()
        .map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_a_version_in_cargo_lock() {
        let lock = "version = 4\n[[package]]\nname = \"wasm-bindgen-x\"\nversion = \"9.9.9\"\n\
                    [[package]]\nname = \"wasm-bindgen\"\nversion = \"0.2.130\"\n";
        assert_eq!(version_in_lock(lock, "wasm-bindgen").as_deref(), Some("0.2.130"));
        assert_eq!(version_in_lock(lock, "nothing"), None);
    }

    #[test]
    fn knows_its_own_repository() {
        let project = Project::find().unwrap();
        assert!(project.root.join("crates/xtask/Cargo.toml").is_file());
        assert!(project.locked_version("wasm-bindgen").is_ok());
    }
}
