//! What can go wrong in a task.

use std::path::{Path, PathBuf};
use std::process::ExitStatus;

/// A task's failure; its text is one line that says what to do where that is known.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum Error {
    /// A file or folder could not be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A program could not be started.
    #[error("cannot start {program}: {source}")]
    Start {
        /// Which.
        program: String,
        /// Why.
        source: std::io::Error,
    },
    /// A program ended without success.
    #[error("`{command}` failed ({status}){}", if detail.is_empty() { String::new() } else { format!(": {detail}") })]
    Failed {
        /// The program and its arguments.
        command: String,
        /// How it ended.
        status: ExitStatus,
        /// What it wrote to standard error, where that was not shown already.
        detail: String,
    },
    /// A program that is needed is missing and cannot be installed from here.
    #[error("{what} is missing: {remedy}")]
    Missing {
        /// What.
        what: &'static str,
        /// How to get it.
        remedy: String,
    },
    /// A rule of the project is broken.
    #[error("{0}")]
    Rule(String),
    /// The files of the site do not fit together.
    #[error("the site cannot be put together: {0}")]
    Site(String),
    /// The step of that name failed.
    #[error("step `{step}` failed: {source}")]
    Step {
        /// Its name.
        step: String,
        /// Why.
        source: Box<Error>,
    },
    /// A file that is not as it should be.
    #[error("{}: {problem}", path.display())]
    Content {
        /// Which.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// The server ended before it was ready, or did not get ready in time.
    #[error("{0}")]
    Server(String),
}

impl Error {
    /// For `map_err` on file operations.
    pub(crate) fn file(path: &Path) -> impl FnOnce(std::io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |source| Self::File { path, source }
    }
}
