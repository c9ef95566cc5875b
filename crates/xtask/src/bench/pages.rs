//! `cargo xtask bench pages`: prepares Matinee, and lets `bench-pages` (crate `e2e`) list the tasks of the
//! site's pages that one feels.

use super::startup::machine;
use crate::build::{Kind, build_binary, build_site};
use crate::command::{self, cargo};
use crate::error::Error;
use crate::project::Project;
use crate::tools;

/// Runs the measurement.
///
/// # Errors
/// Of the tools, of the compilers, and of what is measured.
pub(super) fn run(project: &Project, rounds: usize, json: bool) -> Result<(), Error> {
    let driver = tools::chromedriver(project)?;
    build_site(project, Kind::Release)?;
    let binary = build_binary(project, Kind::Release)?;
    let mut bench = cargo(project);
    bench.args(["run", "--quiet", "--package", "e2e", "--bin", "bench-pages", "--"]);
    bench.args(["--conditions", &machine(project)?, "--rounds", &rounds.to_string()]);
    if json {
        bench.arg("--json");
    }
    bench.env("MATINEE_BIN", binary).env("MATINEE_SITE_DIR", project.site()).env("CHROMEDRIVER", driver);
    command::run(&mut bench)
}
