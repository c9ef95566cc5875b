//! The matinee command.

mod args;
mod commands;
mod output;

use args::Arguments;
use clap::Parser as _;
use std::io::Write as _;
use std::process::ExitCode;

/// The server allocates a few hundred times for each request, and what one thread allocated another one often
/// frees.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What a command fails with: one line, what was wrong and what to do.
#[derive(Debug, thiserror::Error)]
enum Failure {
    /// The service's part failed.
    #[error(transparent)]
    Server(#[from] server::Error),
    /// The packager failed.
    #[error(transparent)]
    Packager(#[from] packager::Error),
    /// The film could not be made ready for the packager.
    #[error(transparent)]
    Prepare(#[from] prepare::Error),
    /// The box failed.
    #[error(transparent)]
    Box(#[from] tv_box::Error),
    /// The command line was wrong in a way that clap does not see.
    #[error("{0}")]
    Usage(String),
    /// Something about the command itself.
    #[error("{0}")]
    Command(String),
    /// Output could not be written.
    #[error("cannot write: {0}")]
    Output(#[from] std::io::Error),
}

fn main() -> ExitCode {
    // Wrong usage ends here with status 2.
    let arguments = Arguments::parse();
    match commands::run(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        // Who reads us has heard enough (`matinee movie list | head`).
        Err(Failure::Output(e)) if e.kind() == std::io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(failure) => {
            let line = failure.to_string().replace(char::is_control, " ");
            let _ = writeln!(std::io::stderr(), "matinee: {line}");
            if matches!(failure, Failure::Usage(_)) { ExitCode::from(2) } else { ExitCode::FAILURE }
        }
    }
}
