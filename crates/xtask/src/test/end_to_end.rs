//! A browser against the real binary.

use std::path::Path;

use super::Rounds;
use crate::command::{self, cargo};
use crate::error::Error;
use crate::project::Project;
use crate::tools;

/// Chromium against the debug binary and the site as it ships; Firefox, too, where its driver is given.
///
/// # Errors
/// When a test fails; the others run all the same.
pub(crate) fn end_to_end(
    project: &Project,
    rounds: Rounds,
    geckodriver: Option<&Path>,
    rest: &[String],
) -> Result<(), Error> {
    let mut build = cargo(project);
    command::run(build.args(["build", "--locked", "--quiet", "--workspace", "--bin", "matinee"]))?;
    let chromedriver = tools::chromedriver(project)?;
    let run = |turn: &[&str]| {
        let mut test = cargo(project);
        test.args(["test", "--locked", "--workspace", "--test", "e2e", "--"])
            .args(turn)
            .args(rest)
            .env("MATINEE_BIN", project.target.join("debug/matinee"))
            .env("MATINEE_SITE_DIR", project.site())
            .env("CHROMEDRIVER", &chromedriver)
            .env_remove("GECKODRIVER");
        if let Some(driver) = geckodriver {
            test.env("GECKODRIVER", driver);
        }
        rounds.apply(&mut test);
        command::run(&mut test)
    };
    let together = run(&["--test-threads=2"]);
    // Each of these has the machine for itself: they count stalls, or a busy machine would be late for them.
    let alone = run(&["--ignored", "--test-threads=1"]);
    together.and(alone)
}
