//! `cargo xtask film`: makes the demo film anew.

use clap::Args;

use crate::command::{self, cargo};
use crate::error::Error;
use crate::project::Project;
use crate::tools;

/// Options of `cargo xtask film`.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Only draw this frame, as PNG files in target/film.
    #[arg(long, value_name = "FRAME")]
    still: Option<u32>,
}

/// Runs the task.
///
/// # Errors
/// Of the tools, and of the film's own program.
pub(crate) fn run(project: &Project, arguments: &Arguments) -> Result<(), Error> {
    let mut film = cargo(project);
    film.args(["run", "--release", "--package", "demo-film", "--features", "draw", "--"]);
    match arguments.still {
        Some(frame) => film.arg(project.target.join("film")).args(["--still", &frame.to_string()]),
        None => {
            tools::ffmpeg(project)?;
            tools::espeak(project)?;
            film.arg(project.root.join("media/demo"))
        }
    };
    command::run(&mut film)
}
