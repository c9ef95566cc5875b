//! `cargo xtask`: one definition of how Matinee is built, tried, tested and measured. The continuous
//! integration calls the same commands.

#![forbid(unsafe_code)]

mod bench;
mod build;
mod check;
mod command;
mod demo;
mod error;
mod film;
mod http;
mod npm;
mod project;
mod screenshots;
mod short_names;
mod site;
mod soak;
mod steps;
mod test;
mod tools;
mod wpt;

use std::process::ExitCode;

use clap::Parser;
use project::Project;

/// Builds, tries, tests and measures Matinee.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
enum Task {
    /// Build the browser's modules, the site's folder and the `matinee` binary with the site in it.
    Build(build::Arguments),
    /// Build everything, protect the demo film and serve it on http://localhost:8080.
    Demo(demo::Arguments),
    /// Run every test: checks, native, browser and end to end.
    Test(test::Arguments),
    /// Measure.
    Bench(bench::Arguments),
    /// Take pictures of all pages, and compare them with the committed ones.
    Screenshots(screenshots::Arguments),
    /// Repeat the long forms of the tests.
    Soak(soak::Arguments),
    /// Formatting, lints, documentation, dependency and size rules.
    Check(check::Arguments),
    /// Run W3C's web-platform-tests of Encrypted Media Extensions on the shim `eme.js`, from a checkout.
    Wpt(wpt::Arguments),
    /// Make the demo film in media/demo anew (needs ffmpeg; takes minutes).
    Film(film::Arguments),
}

fn main() -> ExitCode {
    let task = Task::parse();
    let result = Project::find().and_then(|project| match task {
        Task::Build(arguments) => build::run(&project, &arguments),
        Task::Demo(arguments) => demo::run(&project, &arguments),
        Task::Test(arguments) => test::run(&project, &arguments),
        Task::Bench(arguments) => bench::run(&project, &arguments),
        Task::Screenshots(arguments) => screenshots::run(&project, &arguments),
        Task::Soak(arguments) => soak::run(&project, &arguments),
        Task::Check(arguments) => check::run(&project, &arguments),
        Task::Wpt(arguments) => wpt::run(&project, &arguments),
        Task::Film(arguments) => film::run(&project, &arguments),
    });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
