//! The suites that run in a browser.

use std::path::PathBuf;

use crate::build::SIMD;
use crate::command;
use crate::error::Error;
use crate::project::Project;
use crate::tools::{Bindgen, WasmToolchain};

/// A driver of a browser: the variable that names it to the test runner, and the program.
pub(super) type Driver = (&'static str, PathBuf);

/// The suites of the app, the player, the cipher and the DRM module, each package in its own folder, where its webdriver.json is; then the cipher's
/// and the DRM module's once more, as they are in `decryptor-compat`: no SIMD, no WebCrypto.
///
/// # Errors
/// When one fails.
pub(super) fn suites(project: &Project, driver: &Driver, rest: &[String]) -> Result<(), Error> {
    let app = ["--package", "matinee", "--package", "web-player", "--package", "aes-simd", "--tests"];
    run(project, driver, &app, SIMD, rest)?;
    // By name: the DRM module's other suites are native, and empty here.
    run(project, driver, &["--package", "decryptor", "--test", "browser"], SIMD, rest)?;
    run(project, driver, &["--package", "aes-simd", "--tests"], "", rest)?;
    let compat = ["--package", "decryptor", "--test", "browser", "--features", "decryptor/compat"];
    run(project, driver, &compat, "", rest)
}

fn run(project: &Project, driver: &Driver, what: &[&str], flags: &str, rest: &[String]) -> Result<(), Error> {
    let mut test = WasmToolchain::find(project)?.cargo(project);
    test.args(["test", "--locked", "--target", "wasm32-unknown-unknown"])
        .args(what)
        .arg("--")
        .args(rest)
        .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER", Bindgen::find(project)?.test_runner)
        .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS", flags)
        .env_remove("CHROMEDRIVER")
        .env_remove("GECKODRIVER")
        .env(driver.0, &driver.1)
        .env("WASM_BINDGEN_TEST_TIMEOUT", "180");
    command::run(&mut test)
}
