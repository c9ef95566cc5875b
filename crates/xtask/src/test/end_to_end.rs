//! A browser against the real binary.

use std::path::Path;

use super::Rounds;
use super::again::Run;
use crate::command::{self, cargo};
use crate::error::Error;
use crate::project::Project;
use crate::tools;

/// Chromium against the debug binary and the site as it ships; Firefox, too, where its driver is given.
///
/// Gives what was not run, and why.
///
/// # Errors
/// When a test fails, alone, too; the others run all the same.
pub(crate) fn end_to_end(
    project: &Project,
    rounds: Rounds,
    geckodriver: Option<&Path>,
    rest: &[String],
) -> Result<Vec<String>, Error> {
    let mut build = cargo(project);
    command::run(build.args(["build", "--locked", "--quiet", "--workspace", "--bin", "matinee"]))?;
    let chromedriver = tools::chromedriver(project)?;
    let mut not_run = Vec::new();
    if geckodriver.is_none() {
        not_run.push("end-to-end tests in Firefox (ask for them by --firefox)".to_owned());
    }
    let players = match tools::players(project) {
        Ok(folder) => Some(folder),
        Err(error) => {
            println!("tests of other players: not run, for {error}");
            not_run.push(format!("tests of other players ({error})"));
            None
        }
    };
    let run = |turn: &[&str]| {
        let mut test = cargo(project);
        test.args(["test", "--locked", "--workspace", "--test", "e2e", "--"])
            .args(turn)
            .env("MATINEE_BIN", project.target.join("debug/matinee"))
            .env("MATINEE_SITE_DIR", project.site())
            .env("CHROMEDRIVER", &chromedriver)
            .env_remove("GECKODRIVER")
            .env_remove("MATINEE_PLAYERS");
        if let Some(folder) = &players {
            test.env("MATINEE_PLAYERS", folder);
        }
        if let Some(driver) = geckodriver {
            test.env("GECKODRIVER", driver);
        }
        rounds.apply(&mut test);
        Run::of(&mut test)
    };
    let rest: Vec<&str> = rest.iter().map(String::as_str).collect();
    let together = run(&[&["--test-threads=3"][..], &rest[..]].concat());
    // Each of these has the machine for itself: they count stalls, or a busy machine would be late for them.
    let alone = run(&[&["--ignored", "--test-threads=1"][..], &rest[..]].concat());
    let outcome = together.and(alone);
    if rest.is_empty() {
        outcome.tried_again(|name| run(&["--include-ignored", "--exact", name]))?;
    } else {
        outcome.of_first_try()?;
    }
    Ok(not_run)
}
