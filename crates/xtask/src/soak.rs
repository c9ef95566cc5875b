//! `cargo xtask soak`: the tests again and again, in their long forms.

use clap::Args;

use crate::build::{Kind, build_site};
use crate::error::Error;
use crate::project::Project;
use crate::steps::Steps;
use crate::test::{Rounds, end_to_end, native};
use crate::tools;

/// Options of `cargo xtask soak`.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
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

/// Runs the task.
///
/// # Errors
/// Of the first round that fails.
pub(crate) fn run(project: &Project, arguments: &Arguments) -> Result<(), Error> {
    let long = Rounds::Soak { cases: arguments.cases };
    let mut steps = Steps::default();
    tools::ffmpeg(project)?;
    tools::postgres(project)?;
    if !arguments.native {
        tools::chromedriver(project)?;
        steps.step("modules and site", || build_site(project, Kind::Release))?;
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
