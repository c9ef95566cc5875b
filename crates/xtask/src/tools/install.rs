//! Programs from the registry of crates, compiled here.

use std::path::{Path, PathBuf};

use crate::command::{cargo, run};
use crate::error::Error;
use crate::project::Project;

/// Compiles a crate's programs in just this version, quickly rather than well, and puts them into `kept/bin`.
///
/// # Errors
/// When cargo cannot.
pub(super) fn from_registry(project: &Project, name: &str, version: &str, kept: &Path) -> Result<(), Error> {
    let target = project.target.join("install");
    let install = |locked: &[&str]| {
        let mut install = cargo(project);
        install
            .args(["install", name, "--quiet", "--version"])
            .arg(format!("={version}"))
            .args(locked)
            .arg("--root")
            .arg(kept)
            .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1")
            .env("CARGO_PROFILE_RELEASE_LTO", "off")
            .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16")
            .env("CARGO_TARGET_DIR", &target)
            .env_remove("RUSTFLAGS");
        run(&mut install)
    };
    // Its own lock file may name versions that a mirror of the registry does not have.
    install(&["--locked"]).or_else(|_| {
        println!("trying again with the versions that there are");
        install(&[])
    })?;
    // What is left of compiling it is large and of no more use.
    std::fs::remove_dir_all(&target).map_err(Error::file(&target))
}

/// Where cargo installs programs.
pub(crate) fn cargo_home() -> Option<PathBuf> {
    std::env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::home_dir().map(|home| home.join(".cargo")))
}

/// Where this project keeps tools that outlive a target folder.
pub(super) fn cache() -> PathBuf {
    std::env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::home_dir().map(|home| home.join(".cache")))
        .unwrap_or_else(std::env::temp_dir)
        .join("matinee")
}
