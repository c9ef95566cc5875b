//! What the compilers say, taken as errors.

use std::process::Command;

use crate::build::SIMD;
use crate::command::{self, cargo};
use crate::error::Error;
use crate::project::Project;
use crate::tools::WasmToolchain;

/// Lints of everything that is compiled for this machine.
pub(super) fn native(project: &Project) -> Result<(), Error> {
    let mut clippy = cargo(project);
    clippy.args(["clippy", "--quiet", "--locked", "--workspace", "--all-targets", "--test", "e2e"]);
    clippy.args(["--features", "demo-film/draw"]);
    command::run(denying(&mut clippy))
}

/// Lints of the code that exists only in the browser.
pub(super) fn wasm(project: &Project) -> Result<(), Error> {
    let toolchain = WasmToolchain::find(project)?;
    if toolchain != WasmToolchain::Default {
        println!("not run: clippy belongs to the default toolchain, which lacks the wasm target");
        return Ok(());
    }
    let lint = |packages: &[&str], flags: &str| {
        let mut clippy = toolchain.cargo(project);
        clippy.args(["clippy", "--quiet", "--locked", "--target", "wasm32-unknown-unknown", "--all-targets"]);
        clippy.args(packages).env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS", flags);
        command::run(denying(&mut clippy))
    };
    let packages = ["matinee", "web-player", "aes-simd", "decryptor"].map(|name| ["--package", name]);
    lint(packages.as_flattened(), SIMD)?;
    lint(&["--package", "aes-simd", "--package", "decryptor", "--features", "decryptor/compat"], "")
}

fn denying(clippy: &mut Command) -> &mut Command {
    clippy.args(["--", "-D", "warnings"])
}

/// The public documentation, without a broken link.
pub(super) fn documentation(project: &Project) -> Result<(), Error> {
    let mut doc = cargo(project);
    doc.args(["doc", "--quiet", "--locked", "--workspace", "--no-deps"]).env("RUSTDOCFLAGS", "-D warnings");
    command::run(&mut doc)
}

/// The fuzz targets compile. They are a workspace of their own; with this one's profile, much of what the
/// lints compiled serves again.
pub(super) fn fuzz_targets(project: &Project) -> Result<(), Error> {
    let mut check = cargo(project);
    check.args(["check", "--quiet", "--locked", "--manifest-path", "fuzz/Cargo.toml", "--all-features"]);
    command::run(&mut check)
}
