//! `cargo xtask test`: everything that can fail.

use std::path::PathBuf;
use std::process::Command;

use clap::{Args, ValueEnum};

use crate::build::{Kind, SIMD, Size, build_site, check_sizes};
use crate::check;
use crate::command::{self, cargo};
use crate::error::Error;
use crate::project::Project;
use crate::steps::Steps;
use crate::tools::{self, Bindgen, WasmToolchain};

/// Options of `cargo xtask test`.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Run this part only (with what it needs).
    #[arg(long, value_enum)]
    only: Option<Part>,
    /// Arguments for the test programs, for instance a part of a test's name; with --only native, browser or e2e.
    #[arg(last = true)]
    rest: Vec<String>,
}

/// A part of the tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Formatting, lints, the dependency rule.
    Check,
    /// Tests of all crates on this machine.
    Native,
    /// The modules and the site build, and are small enough.
    Wasm,
    /// wasm-bindgen-test suites in headless Chromium; in Firefox too, where it and geckodriver are installed.
    Browser,
    /// Chromium against the real binary; Firefox too, where it and geckodriver are installed.
    E2e,
}

/// Runs the task.
///
/// # Errors
/// Of the first step that fails, with its name.
pub(crate) fn run(project: &Project, arguments: &Arguments) -> Result<(), Error> {
    let wanted = |part: Part| arguments.only.is_none_or(|only| only == part);
    let mut steps = Steps::default();
    steps.step("tools", || {
        if wanted(Part::Native) || wanted(Part::E2e) {
            tools::ffmpeg(project)?;
        }
        if wanted(Part::Native) {
            tools::postgres(project)?;
        }
        if wanted(Part::Browser) || wanted(Part::E2e) {
            println!("ChromeDriver: {}", tools::chromedriver(project)?.display());
        }
        if wanted(Part::Wasm) || wanted(Part::Browser) || wanted(Part::E2e) {
            println!("wasm toolchain: {:?}", WasmToolchain::find(project)?);
            println!("wasm-bindgen: {}", Bindgen::find(project)?.generator.display());
        }
        Ok(())
    })?;
    if wanted(Part::Check) {
        check::quick(project, &mut steps)?;
    }
    if wanted(Part::Native) {
        steps.step("native tests", || native(project, Rounds::Once, &arguments.rest))?;
    }
    if wanted(Part::Wasm) || wanted(Part::E2e) {
        let site = steps.step("modules and site", || build_site(project, Kind::Release))?;
        if wanted(Part::Wasm) {
            steps.step("module sizes", || check_sizes(&Size::of_modules(&site)))?;
        }
    }
    if wanted(Part::Browser) {
        let chromedriver = ("CHROMEDRIVER", tools::chromedriver(project)?);
        steps.step("browser tests", || {
            browser(project, &chromedriver, &arguments.rest)?;
            browser_compat(project, &chromedriver, &arguments.rest)
        })?;
        match tools::geckodriver() {
            Ok(driver) => {
                let driver = ("GECKODRIVER", driver);
                steps.step("browser tests, Firefox", || {
                    browser(project, &driver, &arguments.rest)?;
                    browser_compat(project, &driver, &arguments.rest)
                })?;
            }
            Err(missing) => println!("browser tests, Firefox: not run, for {missing}"),
        }
    }
    if wanted(Part::E2e) {
        steps.step("end-to-end tests", || end_to_end(project, Rounds::Once, &arguments.rest))?;
    }
    steps.finish();
    Ok(())
}

/// How long properties and long tests run.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Rounds {
    /// As long as a developer waits.
    Once,
    /// In `cargo xtask soak`: tests with a long form see `MATINEE_SOAK=1`, properties run this many cases.
    Soak {
        /// `PROPTEST_CASES`.
        cases: u32,
    },
}

impl Rounds {
    fn apply(self, test: &mut Command) {
        if let Self::Soak { cases } = self {
            test.env("MATINEE_SOAK", "1").env("PROPTEST_CASES", cases.to_string());
        }
    }
}

/// Tests of all crates but the end-to-end ones: those are a target that runs only when it is named, so that one choice of
/// features serves both and nothing is compiled twice.
pub(crate) fn native(project: &Project, rounds: Rounds, rest: &[String]) -> Result<(), Error> {
    let mut test = cargo(project);
    test.args(["test", "--workspace", "--no-fail-fast", "--"]).args(rest);
    match tools::shaka_packager(project) {
        Ok(packager) => drop(test.env("SHAKA_PACKAGER", packager)),
        Err(error) => println!("tests that compare with Shaka Packager: not run, for {error}"),
    }
    rounds.apply(&mut test);
    command::run(&mut test)
}

/// A driver of a browser: the variable that names it to the test runner, and the program.
type Driver = (&'static str, PathBuf);

/// The suites of the app, the player, the cipher and the DRM module, each package in its own folder, where its webdriver.json is.
fn browser(project: &Project, driver: &Driver, rest: &[String]) -> Result<(), Error> {
    let packages = ["matinee", "web-player", "aes-simd", "decryptor"].map(|name| ["--package", name]);
    let packages = packages.as_flattened();
    wasm_suites(project, driver, packages, SIMD, rest)
}

/// The cipher's and the DRM module's once more, as they are in `decryptor-compat`: no SIMD, no WebCrypto.
fn browser_compat(project: &Project, driver: &Driver, rest: &[String]) -> Result<(), Error> {
    let packages = ["--package", "aes-simd", "--package", "decryptor", "--features", "decryptor/compat"];
    wasm_suites(project, driver, &packages, "", rest)
}

fn wasm_suites(
    project: &Project,
    driver: &Driver,
    packages: &[&str],
    flags: &str,
    rest: &[String],
) -> Result<(), Error> {
    let mut test = WasmToolchain::find(project)?.cargo(project);
    test.args(["test", "--target", "wasm32-unknown-unknown"])
        .args(packages)
        .args(["--tests", "--"])
        .args(rest)
        .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER", Bindgen::find(project)?.test_runner)
        .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS", flags)
        .env_remove("CHROMEDRIVER")
        .env_remove("GECKODRIVER")
        .env(driver.0, &driver.1)
        .env("WASM_BINDGEN_TEST_TIMEOUT", "180");
    command::run(&mut test)
}

/// Chromium against the debug binary and the site as it ships.
pub(crate) fn end_to_end(project: &Project, rounds: Rounds, rest: &[String]) -> Result<(), Error> {
    let mut build = cargo(project);
    command::run(build.args(["build", "--quiet", "--workspace", "--bin", "matinee"]))?;
    let mut test = cargo(project);
    // One after the other: each has a browser, a server and a film that is decoded, and some count stalls.
    test.args(["test", "--workspace", "--test", "e2e", "--", "--test-threads=1"])
        .args(rest)
        .env("MATINEE_BIN", project.target.join("debug/matinee"))
        .env("MATINEE_SITE_DIR", project.site())
        .env("CHROMEDRIVER", tools::chromedriver(project)?);
    if let Ok(driver) = tools::geckodriver() {
        test.env("GECKODRIVER", driver);
    }
    rounds.apply(&mut test);
    command::run(&mut test)
}
