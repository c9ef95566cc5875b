//! Running programs.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::error::Error;
use crate::project::Project;

/// Variables that `cargo run` sets for this program and that would mislead, or needlessly rebuild, what it
/// starts.
const OURS: [&str; 4] = ["CARGO", "CARGO_MANIFEST_DIR", "CARGO_MANIFEST_PATH", "LD_LIBRARY_PATH"];

/// A command in the repository's root, without what cargo told this program about itself.
pub(crate) fn command(project: &Project, program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.current_dir(&project.root);
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if OURS.contains(&&*text) || text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_BIN_") {
            command.env_remove(&name);
        }
    }
    command
}

/// Cargo of the default toolchain.
pub(crate) fn cargo(project: &Project) -> Command {
    let mut cargo = command(project, "cargo");
    cargo.env("CARGO_TARGET_DIR", &project.target);
    cargo
}

/// The command as one would type it.
pub(crate) fn shown(command: &Command) -> String {
    let mut words = vec![command.get_program().to_string_lossy().into_owned()];
    words.extend(command.get_args().map(|argument| argument.to_string_lossy().into_owned()));
    words.join(" ")
}

/// Runs with this program's own input and output.
pub(crate) fn run(command: &mut Command) -> Result<(), Error> {
    let status = command.status().map_err(|source| start(command, source))?;
    if status.success() {
        return Ok(());
    }
    Err(Error::Failed { command: shown(command), status, detail: String::new() })
}

/// Runs with this program's own input and output; each line that it writes to standard output is shown, and
/// told to `seen`.
pub(crate) fn run_seen(command: &mut Command, mut seen: impl FnMut(&str)) -> Result<(), Error> {
    let mut child = command.stdout(Stdio::piped()).spawn().map_err(|source| start(command, source))?;
    if let Some(output) = child.stdout.take() {
        for line in BufReader::new(output).split(b'\n') {
            let line = line.map_err(|source| start(command, source))?;
            let line = String::from_utf8_lossy(&line);
            println!("{line}");
            seen(&line);
        }
    }
    let status = child.wait().map_err(|source| start(command, source))?;
    if status.success() {
        return Ok(());
    }
    Err(Error::Failed { command: shown(command), status, detail: String::new() })
}

/// Runs with this program's own input and output, but kills it when it has not ended in time.
pub(crate) fn run_within(command: &mut Command, limit: Duration) -> Result<(), Error> {
    let mut child = command.spawn().map_err(|source| start(command, source))?;
    let started = Instant::now();
    loop {
        let ended = child.try_wait().map_err(|source| start(command, source))?;
        match ended {
            Some(status) if status.success() => return Ok(()),
            Some(status) => {
                return Err(Error::Failed { command: shown(command), status, detail: String::new() });
            }
            None if started.elapsed() > limit => {
                // It may have ended in this very moment; either way it is gone after the wait.
                let _ = child.kill();
                let status = child.wait().map_err(|source| start(command, source))?;
                let detail = format!("no end after {} s", limit.as_secs());
                return Err(Error::Failed { command: shown(command), status, detail });
            }
            None => std::thread::sleep(Duration::from_millis(50)),
        }
    }
}

/// Runs and returns what it wrote to standard output.
pub(crate) fn output(command: &mut Command) -> Result<String, Error> {
    let output = command.stdin(Stdio::null()).output().map_err(|source| start(command, source))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let detail = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(Error::Failed { command: shown(command), status: output.status, detail })
}

pub(crate) fn start(command: &Command, source: std::io::Error) -> Error {
    Error::Start { program: command.get_program().to_string_lossy().into_owned(), source }
}

/// The program's place on the PATH.
pub(crate) fn on_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| is_program(file))
}

fn is_program(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    file.metadata().is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failure_names_the_command_and_what_it_said() {
        let error = output(Command::new("sh").args(["-c", "echo no such film >&2; exit 3"])).unwrap_err();
        let text = error.to_string();
        assert!(text.contains("sh -c") && text.contains("no such film") && text.contains('3'), "{text}");
    }

    #[test]
    fn lines_are_told_and_a_failure_is_kept() {
        let mut lines = Vec::new();
        let mut command = Command::new("sh");
        let ran = run_seen(command.args(["-c", "echo one; printf two; exit 3"]), |line| {
            lines.push(line.to_owned());
        });
        assert!(ran.is_err());
        assert_eq!(lines, ["one", "two"]);
        assert!(run_seen(&mut Command::new("true"), |_| ()).is_ok());
    }

    #[test]
    fn what_does_not_end_is_ended() {
        let error = run_within(Command::new("sleep").arg("600"), Duration::from_millis(20)).unwrap_err();
        assert!(error.to_string().contains("no end after 0 s"), "{error}");
        assert!(run_within(&mut Command::new("true"), Duration::from_secs(60)).is_ok());
        assert!(run_within(&mut Command::new("false"), Duration::from_secs(60)).is_err());
    }

    #[test]
    fn the_path_is_searched() {
        assert!(on_path("sh").is_some());
        assert!(on_path("no-such-program-anywhere").is_none());
    }
}
