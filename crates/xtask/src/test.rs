//! `cargo xtask test`: everything that can fail.

mod again;
mod browser;
mod end_to_end;
mod native;

use std::process::Command;

use clap::{Args, ValueEnum};

pub(crate) use end_to_end::end_to_end;
pub(crate) use native::native;

use crate::build::{Kind, Size, build_site, check_sizes};
use crate::check;
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
    /// Run the browser tests in Firefox, too, and the end-to-end tests that can; installs Firefox and
    /// geckodriver where they are missing.
    #[arg(long)]
    firefox: bool,
    /// Arguments for the test programs, for instance a part of a test's name; with --only native, browser or
    /// e2e.
    #[arg(last = true)]
    rest: Vec<String>,
}

/// A part of the tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Formatting, spelling, lints, documentation, the rules of dependencies.
    Check,
    /// Tests of all crates on this machine.
    Native,
    /// The modules and the site build, and are small enough.
    Wasm,
    /// wasm-bindgen-test suites in headless Chromium.
    Browser,
    /// Chromium against the real binary.
    E2e,
}

/// Runs the task.
///
/// # Errors
/// Of the first step that fails, with its name.
pub(crate) fn run(project: &Project, arguments: &Arguments) -> Result<(), Error> {
    let wanted = |part: Part| arguments.only.is_none_or(|only| only == part);
    let rest = &arguments.rest;
    let mut steps = Steps::default();
    let firefox = steps.step("tools", || {
        if wanted(Part::Native) || wanted(Part::E2e) {
            tools::ffmpeg(project)?;
        }
        if wanted(Part::Native) {
            tools::postgres(project)?;
            tools::nginx(project)?;
            tools::varnish(project)?;
        }
        let browsers = wanted(Part::Browser) || wanted(Part::E2e);
        if browsers {
            println!("ChromeDriver: {}", tools::chromedriver(project)?.display());
        }
        if browsers || wanted(Part::Wasm) || wanted(Part::Check) {
            println!("wasm toolchain: {:?}", WasmToolchain::find(project)?);
        }
        if browsers || wanted(Part::Wasm) {
            println!("wasm-bindgen: {}", Bindgen::find(project)?.generator.display());
        }
        (arguments.firefox && browsers).then(|| tools::geckodriver(project)).transpose()
    })?;
    if wanted(Part::Check) {
        check::quick(project, &mut steps)?;
        check::thorough(project, &mut steps)?;
    }
    if wanted(Part::Native) {
        let not_run = steps.step("native tests", || native(project, Rounds::Once, rest))?;
        steps.leave_out(not_run);
    }
    if wanted(Part::Wasm) || wanted(Part::E2e) {
        let site = steps.step("modules and site", || build_site(project, Kind::Quick))?;
        if wanted(Part::Wasm) {
            steps.step("module sizes", || check_sizes(&Size::of_modules(&site)))?;
        }
    }
    if wanted(Part::Browser) {
        let chromium = ("CHROMEDRIVER", tools::chromedriver(project)?);
        steps.step("browser tests", || browser::suites(project, &chromium, rest))?;
        if let Some(driver) = &firefox {
            let firefox = ("GECKODRIVER", driver.clone());
            steps.step("browser tests, Firefox", || browser::suites(project, &firefox, rest))?;
        }
    }
    if wanted(Part::E2e) {
        let run = || end_to_end(project, Rounds::Once, firefox.as_deref(), rest);
        let not_run = steps.step("end-to-end tests", run)?;
        steps.leave_out(not_run);
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
