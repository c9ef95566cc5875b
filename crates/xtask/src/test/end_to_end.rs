//! A browser against the real binary.

use std::path::Path;

use super::Rounds;
use crate::command::{self, cargo};
use crate::error::Error;
use crate::project::Project;
use crate::tools;

/// So many tests that fail at once are no chance: they are not tried again.
const MOST_TRIED_AGAIN: usize = 3;

/// Chromium against the debug binary and the site as it ships; Firefox, too, where its driver is given.
///
/// A test that fails beside others is tried once more, with the machine for itself, and is reported as
/// unstable where it then passes. That is a defect of the test or of the product; it is written down, not
/// passed over.
///
/// Gives what was not run, and why.
///
/// # Errors
/// When a test fails twice; the others run all the same.
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
        let (mut failed, mut ended) = (Vec::new(), false);
        let ran = command::run_seen(&mut test, |line| {
            failed.extend(failing(line));
            ended |= line.starts_with("test result: ");
        });
        Run { outcome: ran, failed, ended }
    };
    let rest: Vec<&str> = rest.iter().map(String::as_str).collect();
    let together = run(&[&["--test-threads=2"][..], &rest[..]].concat());
    // Each of these has the machine for itself: they count stalls, or a busy machine would be late for them.
    let alone = run(&[&["--ignored", "--test-threads=1"][..], &rest[..]].concat());
    let all_ended = together.ended && alone.ended;
    let failed = [together.failed, alone.failed].concat();
    let outcome = together.outcome.and(alone.outcome);
    if outcome.is_ok()
        || !all_ended
        || failed.is_empty()
        || failed.len() > MOST_TRIED_AGAIN
        || !rest.is_empty()
    {
        return outcome.map(|()| not_run);
    }
    println!("\ntried once more, alone: {}", failed.join(", "));
    for name in &failed {
        run(&["--include-ignored", "--exact", name]).outcome?;
    }
    println!("\nUNSTABLE (failed once, passed alone; please report or mend): {}", failed.join(", "));
    Ok(not_run)
}

/// What a run of the test program came to.
struct Run {
    outcome: Result<(), Error>,
    /// Names of the tests that failed.
    failed: Vec<String>,
    /// Whether it came to its end, and so ran them all.
    ended: bool,
}

/// The name of the test that this line of the test program's output says has failed.
fn failing(line: &str) -> Option<String> {
    let name = line.strip_prefix("test ")?.strip_suffix(" ... FAILED")?;
    Some(name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failing_tests_are_named() {
        assert_eq!(failing("test tracks::sound ... FAILED").as_deref(), Some("tracks::sound"));
        assert_eq!(failing("test tracks::sound ... ok"), None);
        assert_eq!(failing("test result: FAILED. 63 passed; 1 failed"), None);
    }
}
