//! `cargo xtask screenshots`: pictures of all pages and states, by the end-to-end test that takes some of
//! them in each run.

use clap::Args;

use crate::build::{Kind, build_site};
use crate::command::{self, cargo};
use crate::error::Error;
use crate::project::Project;
use crate::steps::Steps;
use crate::tools;

/// Options of `cargo xtask screenshots`.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Write the committed pictures (crates/e2e/screenshots) anew.
    #[arg(long)]
    update: bool,
}

/// Runs the task.
///
/// # Errors
/// Where a page does not look as it did, and of tools and compilers.
pub(crate) fn run(project: &Project, arguments: &Arguments) -> Result<(), Error> {
    let mut steps = Steps::default();
    let driver = tools::chromedriver(project)?;
    steps.step("modules and site", || build_site(project, Kind::Quick))?;
    steps.step("binary", || {
        let mut build = cargo(project);
        command::run(build.args(["build", "--locked", "--quiet", "--workspace", "--bin", "matinee"]))
    })?;
    steps.step("screenshots", || {
        let mut test = cargo(project);
        test.args(["test", "--locked", "--workspace", "--test", "e2e", "--"]);
        test.args(["--exact", "screenshots::pages_look_as_they_did", "--nocapture"])
            .env("MATINEE_BIN", project.target.join("debug/matinee"))
            .env("MATINEE_SITE_DIR", project.site())
            .env("CHROMEDRIVER", &driver)
            .env("MATINEE_SCREENSHOTS", if arguments.update { "update" } else { "all" });
        command::run(&mut test)
    })?;
    steps.finish();
    Ok(())
}
