//! A toolchain with the target `wasm32-unknown-unknown`.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::install::cache;
use crate::command::{cargo, command, on_path, output, run, run_within};
use crate::error::Error;
use crate::project::Project;

const TARGET: &str = "wasm32-unknown-unknown";
/// Name under which rustup knows Debian's toolchain.
const LINKED: &str = "wasm";
/// Debian's compiler, cargo, the matching source of the standard library and the linker.
const DEBIAN: [&str; 4] = ["rustc-web", "cargo-web", "rust-web-src", "lld-22"];
/// Where Debian's toolchain looks for targets.
const DEBIAN_TARGETS: &str = "/usr/lib/rustlib";
/// How long rustup may try; where its server cannot be reached it may not say so for long.
const RUSTUP_PATIENCE: Duration = Duration::from_secs(240);

/// How to call a cargo that can build for the browser.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum WasmToolchain {
    /// The default toolchain has the target.
    Default,
    /// Debian's toolchain, linked to rustup under the name `wasm`.
    Linked,
    /// Debian's toolchain, where there is no rustup.
    Debian,
}

impl WasmToolchain {
    /// Finds one, or installs one: by rustup where that works, else from Debian's packages.
    ///
    /// # Errors
    /// When neither works.
    pub(crate) fn find(project: &Project) -> Result<Self, Error> {
        if let Some(found) = Self::present(project) {
            return Ok(found);
        }
        let rustup = on_path("rustup").is_some();
        if rustup {
            super::announce(
                &format!("the target {TARGET}"),
                &format!("rustup target add {TARGET} (about 20 MB)"),
            );
            let mut add = command(project, "rustup");
            add.args(["target", "add", TARGET]).env("RUSTUP_MAX_RETRIES", "1");
            match run_within(&mut add, RUSTUP_PATIENCE) {
                Ok(()) if has_target(&mut cargo_rustc(project)) => return Ok(Self::Default),
                Ok(()) => {
                    println!("rustup has no standard library for this compiler: trying Debian's packages")
                }
                Err(error) => println!("{error}: trying Debian's packages"),
            }
        }
        super::apt::install(project, "a Rust toolchain for wasm (Debian's)", &DEBIAN, 180)?;
        build_standard_library(project)?;
        if rustup {
            run(command(project, "rustup").args(["toolchain", "link", LINKED, "/usr"]))?;
        }
        Self::present(project).ok_or_else(|| Error::Missing {
            what: "the wasm target",
            remedy: format!("install it: `rustup target add {TARGET}`"),
        })
    }

    /// What is there already.
    fn present(project: &Project) -> Option<Self> {
        if has_target(&mut cargo_rustc(project)) {
            return Some(Self::Default);
        }
        if on_path("rustup").is_some() {
            let mut linked = command(project, "rustup");
            linked.args(["run", LINKED, "rustc"]).env_remove("RUSTUP_TOOLCHAIN");
            return has_target(&mut linked).then_some(Self::Linked);
        }
        has_target(&mut Command::new("/usr/bin/rustc")).then_some(Self::Debian)
    }

    /// Cargo of this toolchain, with a target folder of its own.
    pub(crate) fn cargo(&self, project: &Project) -> Command {
        let mut cargo = match self {
            Self::Default => cargo(project),
            Self::Linked => {
                let mut cargo = command(project, "rustup");
                cargo.args(["run", LINKED, "cargo"]).env_remove("RUSTUP_TOOLCHAIN");
                cargo
            }
            Self::Debian => {
                let mut cargo = command(project, "/usr/bin/cargo");
                cargo.env("RUSTC", "/usr/bin/rustc");
                cargo
            }
        };
        cargo.env("CARGO_TARGET_DIR", self.target(project));
        cargo
    }

    /// Its target folder: two compilers in one folder would rebuild each other's work.
    pub(crate) fn target(&self, project: &Project) -> PathBuf {
        match self {
            Self::Default => project.target.clone(),
            Self::Linked | Self::Debian => project.target.join("wasm"),
        }
    }
}

/// Where in a target folder lies what was built for the browser with a profile (`wasm`, `dev`).
pub(crate) fn artifacts(target: &Path, profile: &str) -> PathBuf {
    let folder = if profile == "dev" { "debug" } else { profile };
    target.join(TARGET).join(folder)
}

/// The compiler that the default cargo uses.
fn cargo_rustc(project: &Project) -> Command {
    command(project, std::env::var_os("RUSTC").unwrap_or_else(|| OsString::from("rustc")))
}

/// Whether a compiler has the target's standard library.
fn has_target(rustc: &mut Command) -> bool {
    output(rustc.args(["--print", "sysroot"])).is_ok_and(|sysroot| has_library(Path::new(sysroot.trim())))
}

/// Whether a sysroot has the standard library for the target.
fn has_library(sysroot: &Path) -> bool {
    let libraries = sysroot.join("lib/rustlib").join(TARGET).join("lib");
    std::fs::read_dir(libraries).is_ok_and(|mut entries| {
        entries.any(|entry| {
            entry.is_ok_and(|entry| {
                let name = entry.file_name();
                let name = name.to_string_lossy();
                name.starts_with("libstd-") && name.ends_with(".rlib")
            })
        })
    })
}

/// Builds the standard library for the target with Debian's compiler and puts it where that looks for it.
fn build_standard_library(project: &Project) -> Result<(), Error> {
    let folder = cache().join("wasm-std");
    println!("building the standard library for {TARGET} (about a minute, once)");
    let source = folder.join("src");
    std::fs::create_dir_all(&source).map_err(Error::file(&source))?;
    for (name, text) in [
        ("Cargo.toml", "[package]\nname = \"empty\"\nversion = \"0.0.0\"\nedition = \"2021\"\n[workspace]\n"),
        ("src/lib.rs", "#![no_std]\n"),
    ] {
        let file = folder.join(name);
        std::fs::write(&file, text).map_err(Error::file(&file))?;
    }
    let mut build = command(project, "/usr/bin/cargo");
    build
        .current_dir(&folder)
        .args(["build", "--release", "--target", TARGET, "-Zbuild-std=std,panic_abort,test"])
        // Without bitcode in it, link-time optimisation fails later.
        .env("RUSTFLAGS", "-C embed-bitcode=yes")
        .env("RUSTC", "/usr/bin/rustc")
        .env("RUSTC_BOOTSTRAP", "1")
        .env("CARGO_TARGET_DIR", folder.join("target"));
    run(&mut build)?;
    let built = folder.join("target").join(TARGET).join("release/deps");
    let libraries: Vec<PathBuf> = std::fs::read_dir(&built)
        .map_err(Error::file(&built))?
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|file| is_library(file))
        .collect();
    let to = Path::new(DEBIAN_TARGETS).join(TARGET).join("lib");
    let mut make = as_root(project, "mkdir");
    run(make.arg("-p").arg(&to))?;
    let mut copy = as_root(project, "cp");
    run(copy.args(&libraries).arg(&to))
}

/// A library of the standard library's, not the empty crate's.
fn is_library(file: &Path) -> bool {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    name.ends_with(".rlib") && !name.starts_with("libempty-")
}

fn as_root(project: &Project, program: &str) -> Command {
    if rustix::process::geteuid().is_root() {
        return command(project, program);
    }
    let mut sudo = command(project, "sudo");
    sudo.arg(program);
    sudo
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sysroot_needs_the_targets_standard_library() {
        let sysroot = tempfile::tempdir().unwrap();
        assert!(!has_library(sysroot.path()));
        let lib = sysroot.path().join("lib/rustlib/wasm32-unknown-unknown/lib");
        std::fs::create_dir_all(&lib).unwrap();
        std::fs::write(lib.join("libcore-1.rlib"), "").unwrap();
        assert!(!has_library(sysroot.path()));
        std::fs::write(lib.join("libstd-0123.rlib"), "").unwrap();
        assert!(has_library(sysroot.path()));
    }

    #[test]
    fn the_empty_crate_is_not_part_of_the_standard_library() {
        assert!(is_library(Path::new("/x/libstd-1.rlib")));
        assert!(!is_library(Path::new("/x/libempty-1.rlib")));
        assert!(!is_library(Path::new("/x/libstd-1.rmeta")));
    }

    #[test]
    fn two_toolchains_have_two_target_folders() {
        let project = Project { root: "/r".into(), target: "/t".into() };
        let artifacts = |toolchain: WasmToolchain| artifacts(&toolchain.target(&project), "dev");
        assert_eq!(artifacts(WasmToolchain::Default), Path::new("/t/wasm32-unknown-unknown/debug"));
        assert_eq!(artifacts(WasmToolchain::Linked), Path::new("/t/wasm/wasm32-unknown-unknown/debug"));
    }
}
