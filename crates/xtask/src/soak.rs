//! `cargo xtask soak`: the tests again and again, in their long forms, and what is too large for a test.

mod edge;

use clap::{Args, Subcommand};

use crate::build::{Kind, build_site};
use crate::error::Error;
use crate::project::Project;
use crate::steps::Steps;
use crate::test::{Rounds, end_to_end, native};
use crate::tools;

/// Options of `cargo xtask soak`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Arguments {
    /// In place of the tests.
    #[command(subcommand)]
    what: Option<What>,
    /// How many rounds.
    #[arg(long, default_value_t = 10)]
    rounds: u32,
    /// Cases for each property.
    #[arg(long, default_value_t = 20_000)]
    cases: u32,
    /// Native tests only, no browser.
    #[arg(long)]
    native: bool,
    /// Arguments for the test programs, for instance a part of a test's name.
    #[arg(last = true)]
    rest: Vec<String>,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Thousands of connections to edge and origin, idle ones and slow readers: all are answered, and the
    /// server's memory stays as it is.
    Edge(edge::Arguments),
}

/// Runs the task.
///
/// # Errors
/// Of the first round that fails.
pub(crate) fn run(project: &Project, arguments: &Arguments) -> Result<(), Error> {
    if let Some(What::Edge(arguments)) = &arguments.what {
        return edge::run(project, arguments);
    }
    let long = Rounds::Soak { cases: arguments.cases };
    let mut steps = Steps::default();
    tools::ffmpeg(project)?;
    tools::postgres(project)?;
    let no_caches = tools::caches(project);
    steps.leave_out(no_caches);
    if !arguments.native {
        tools::chromedriver(project)?;
        if let Err(error) = tools::obs(project) {
            steps.leave_out(vec![format!("OBS as an encoder ({error})")]);
        }
        steps.step("modules and site", || build_site(project, Kind::Quick))?;
    }
    for round in 1..=arguments.rounds {
        let run = || native(project, long, &arguments.rest);
        let not_run = steps.step(&format!("native, round {round}"), run)?;
        steps.leave_out(not_run);
        if !arguments.native {
            let run = || end_to_end(project, long, None, &arguments.rest);
            let not_run = steps.step(&format!("end to end, round {round}"), run)?;
            steps.leave_out(not_run);
        }
    }
    steps.finish();
    Ok(())
}
