//! What every report says of where and when its numbers were taken.

use crate::command;
use crate::error::Error;
use crate::project::Project;

/// The processor's model, else its architecture.
pub(super) fn processor() -> String {
    let processors = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = processors.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    model.map_or(std::env::consts::ARCH, |(_, model)| model.trim()).to_owned()
}

/// How many cores this machine has for us.
pub(super) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// `2026-11-30`, in UTC.
///
/// # Errors
/// Where there is no `date`.
pub(super) fn today(project: &Project) -> Result<String, Error> {
    let date = command::output(command::command(project, "date").args(["-u", "+%F"]))?;
    Ok(date.trim().to_owned())
}
