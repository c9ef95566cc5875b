//! Tests on this machine.

use super::Rounds;
use crate::command::{self, cargo};
use crate::error::Error;
use crate::project::Project;
use crate::tools;

/// Tests of all crates but the end-to-end ones: those are a target that runs only when it is named, so that
/// one choice of features serves both and nothing is compiled twice.
///
/// Gives what was not run, and why: tests that need a program which cannot be had here pass without it.
///
/// # Errors
/// When one fails.
pub(crate) fn native(project: &Project, rounds: Rounds, rest: &[String]) -> Result<Vec<String>, Error> {
    let mut test = cargo(project);
    test.args(["test", "--locked", "--workspace", "--no-fail-fast", "--"]).args(rest);
    let mut not_run = Vec::new();
    for (what, variable, found) in [
        ("comparisons with Shaka Packager", "SHAKA_PACKAGER", tools::shaka_packager(project)),
        ("tests with SeaweedFS, a store of S3", "WEED", tools::seaweedfs(project)),
        ("tests with moto, a store of S3", "MOTO", tools::moto(project)),
        ("tests of Enhanced RTMP", "MATINEE_FFMPEG", tools::recent_ffmpeg(project)),
    ] {
        match found {
            Ok(place) => drop(test.env(variable, place)),
            // The one that the environment names, which is passed on.
            Err(_) if std::env::var_os(variable).is_some() => {}
            Err(error) => {
                println!("{what}: not run, for {error}");
                not_run.push(format!("{what} ({error})"));
            }
        }
    }
    rounds.apply(&mut test);
    command::run(&mut test)?;
    Ok(not_run)
}
