//! Tests on this machine.

use super::Rounds;
use crate::command::{self, cargo};
use crate::error::Error;
use crate::project::Project;
use crate::tools;

/// Tests of all crates but the end-to-end ones: those are a target that runs only when it is named, so that
/// one choice of features serves both and nothing is compiled twice.
///
/// # Errors
/// When one fails.
pub(crate) fn native(project: &Project, rounds: Rounds, rest: &[String]) -> Result<(), Error> {
    let mut test = cargo(project);
    test.args(["test", "--locked", "--workspace", "--no-fail-fast", "--"]).args(rest);
    match tools::shaka_packager(project) {
        Ok(packager) => drop(test.env("SHAKA_PACKAGER", packager)),
        Err(error) => println!("tests that compare with Shaka Packager: not run, for {error}"),
    }
    for (variable, found) in [("WEED", tools::seaweedfs(project)), ("MOTO", tools::moto(project))] {
        match found {
            Ok(place) => drop(test.env(variable, place)),
            Err(error) => println!("tests with a store of S3 ({variable}): not run, for {error}"),
        }
    }
    rounds.apply(&mut test);
    command::run(&mut test)
}
