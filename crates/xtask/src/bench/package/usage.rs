//! What a run of a program takes, as GNU time hears it from the kernel (`wait4`) when the program has ended.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::command;
use crate::error::Error;
use crate::project::Project;

/// One run of a program, with those that it started and waited for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Usage {
    /// From start to end.
    pub(super) wall: Duration,
    /// On all cores, for itself and in the kernel; counted in hundredths of a second.
    pub(super) cpu: Duration,
    /// The most that one of the processes had in memory, in octets.
    pub(super) memory: u64,
}

/// Runs a program; `note` is a file that is written over.
///
/// # Errors
/// If it cannot be started or fails.
pub(super) fn measure(
    project: &Project,
    time: &Path,
    program: &Command,
    note: &Path,
) -> Result<Usage, Error> {
    let mut timed = command::command(project, time);
    timed.args(["--format", "%U %S %M", "--output"]).arg(note);
    timed.arg(program.get_program()).args(program.get_args());
    let started = Instant::now();
    command::output(&mut timed)?;
    let wall = started.elapsed();
    let text = std::fs::read_to_string(note).map_err(Error::file(note))?;
    let (cpu, memory) = parse(&text).ok_or_else(|| Error::Content {
        path: note.to_owned(),
        problem: format!("is not GNU time's: {text}"),
    })?;
    Ok(Usage { wall, cpu, memory })
}

/// Seconds for itself, seconds in the kernel, and memory in kilobytes of 1024 octets.
fn parse(text: &str) -> Option<(Duration, u64)> {
    let [user, system, memory]: [&str; 3] = text.split_whitespace().collect::<Vec<_>>().try_into().ok()?;
    let seconds = |text: &str| Duration::try_from_secs_f64(text.parse().ok()?).ok();
    let memory: u64 = memory.parse().ok()?;
    Some((seconds(user)?.checked_add(seconds(system)?)?, memory.checked_mul(1024)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_gnu_time_writes_is_read() {
        assert_eq!(parse("0.25 0.50 15464\n"), Some((Duration::from_millis(750), 15464 * 1024)));
        for text in ["", "1 2", "1 2 3 4", "-1 0 5", "a b c", "1e30 1 1"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
