//! `cargo xtask wpt`: W3C's web-platform-tests of Encrypted Media Extensions, on the shim for players of
//! others.

use std::path::PathBuf;

use clap::Args;

use crate::build::join_shim;
use crate::command::{self, cargo};
use crate::error::Error;
use crate::project::Project;
use crate::tools;

/// Options of `cargo xtask wpt`.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// A checkout of W3C's web-platform-tests, of which `encrypted-media` and `resources`
    /// are used.
    #[arg(long)]
    suite: PathBuf,
}

/// Runs the task.
///
/// # Errors
/// [`Error::Missing`] where the folder has no such suite; when more cases fail than docs/eme.md says.
pub(crate) fn run(project: &Project, arguments: &Arguments) -> Result<(), Error> {
    let suite = arguments.suite.canonicalize().map_err(Error::file(&arguments.suite))?;
    for part in ["encrypted-media/util/utils.js", "resources/testharness.js"] {
        if !suite.join(part).is_file() {
            let remedy = format!(
                "give the folder of a checkout of web-platform-tests: {} has no {part}",
                suite.display()
            );
            return Err(Error::Missing { what: "W3C's suite", remedy });
        }
    }
    let driver = tools::chromedriver(project)?;
    join_shim(project)?;
    let mut test = cargo(project);
    test.args(["test", "--locked", "--package", "e2e", "--test", "e2e", "--", "--ignored", "--nocapture"]);
    test.args(["--exact", "shim::w3c_web_platform_tests"]);
    command::run(test.env("MATINEE_WPT", suite).env("CHROMEDRIVER", driver))
}
