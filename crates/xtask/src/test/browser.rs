//! The suites that run in a browser.

use std::path::{Path, PathBuf};

use crate::build::SIMD;
use crate::command;
use crate::error::Error;
use crate::project::Project;
use crate::tools::{Bindgen, WasmToolchain};

/// A driver of a browser: the variable that names it to the test runner, and the program.
pub(super) type Driver = (&'static str, PathBuf);

/// A package with suites for a browser, and its folder.
type Package = (&'static str, &'static str);

const APP: Package = ("matinee", "");
const PLAYER: Package = ("web-player", "crates/web-player");
const CIPHER: Package = ("aes-simd", "crates/aes-simd");
const DECRYPTOR: Package = ("decryptor", "crates/decryptor");

/// In a suite that a browser has no use for.
const NATIVE: &str = "#![cfg(not(target_arch = \"wasm32\"))]";

/// The suites of the app, the player, the cipher and the DRM module, each package in its own folder, where
/// its webdriver.json is; then the cipher's and the DRM module's once more, as they are in
/// `decryptor-compat`: no SIMD, no WebCrypto.
///
/// # Errors
/// When one fails.
pub(super) fn suites(project: &Project, driver: &Driver, rest: &[String]) -> Result<(), Error> {
    // All packages in one call, so that what they share is compiled once.
    run(project, driver, &[APP, PLAYER, CIPHER, DECRYPTOR], &[], SIMD, rest)?;
    run(project, driver, &[CIPHER, DECRYPTOR], &["--features", "decryptor/compat"], "", rest)
}

fn run(
    project: &Project,
    driver: &Driver,
    packages: &[Package],
    features: &[&str],
    flags: &str,
    rest: &[String],
) -> Result<(), Error> {
    let mut test = WasmToolchain::find(project)?.cargo(project);
    test.args(["test", "--locked", "--target", "wasm32-unknown-unknown"]).args(features);
    for (package, folder) in packages {
        test.args(["--package", package]);
        for suite in for_browsers(&project.root.join(folder).join("tests"))? {
            test.args(["--test", &suite]);
        }
    }
    test.arg("--")
        .args(rest)
        .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER", Bindgen::find(project)?.test_runner)
        .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS", flags)
        .env_remove("CHROMEDRIVER")
        .env_remove("GECKODRIVER")
        .env(driver.0, &driver.1)
        .env("WASM_BINDGEN_TEST_TIMEOUT", "180");
    command::run(&mut test)
}

/// The names of the suites in a folder of tests, but for those that say that they are native: linked for a
/// browser these would be empty.
fn for_browsers(tests: &Path) -> Result<Vec<String>, Error> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(tests).map_err(Error::file(tests))? {
        let path = entry.map_err(Error::file(tests))?.path();
        let main = if path.is_dir() { path.join("main.rs") } else { path.clone() };
        if main.extension().is_none_or(|ending| ending != "rs") || !main.is_file() {
            continue;
        }
        let text = std::fs::read_to_string(&main).map_err(Error::file(&main))?;
        if !text.contains(NATIVE) {
            names.push(path.file_stem().unwrap_or_default().to_string_lossy().into_owned());
        }
    }
    names.sort();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_suite_is_for_browsers_unless_it_says_that_it_is_not() {
        let tests = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(tests.path().join(name), text).unwrap();
        for folder in ["browser", "suite", "fixtures"] {
            std::fs::create_dir(tests.path().join(folder)).unwrap();
        }
        write("pages.rs", "#![cfg(target_arch = \"wasm32\")]\n");
        write("push.rs", &format!("//! Natively.\n{NATIVE}\n"));
        write("README.md", "");
        write("browser/main.rs", "mod x;\n");
        write("suite/main.rs", NATIVE);
        write("fixtures/film.rs", "");
        assert_eq!(for_browsers(tests.path()).unwrap(), ["browser", "pages"]);
    }
}
