//! Firefox and its driver, where they are asked for.

use std::path::PathBuf;

use super::install::cache;
use crate::command::on_path;
use crate::error::Error;
use crate::project::Project;

/// The driver's version.
const VERSION: &str = "0.37.1";

/// geckodriver, with Firefox beside it: found, or installed.
///
/// # Errors
/// When they are neither there nor installable.
pub(crate) fn geckodriver(project: &Project) -> Result<PathBuf, Error> {
    if ["firefox", "firefox-esr"].into_iter().find_map(on_path).is_none() {
        super::apt::install(project, "Firefox (browser tests)", &["firefox-esr"], 70)?;
    }
    let named = std::env::var_os("GECKODRIVER").map(PathBuf::from).filter(|file| file.is_file());
    if let Some(found) = named.or_else(|| on_path("geckodriver")) {
        return Ok(found);
    }
    let kept = cache().join(format!("geckodriver-{VERSION}"));
    let program = kept.join("bin/geckodriver");
    if !program.is_file() {
        super::announce(
            "geckodriver",
            &format!("cargo install geckodriver into {} (some 2 minutes)", kept.display()),
        );
        super::install::from_registry(project, "geckodriver", VERSION, &kept)?;
    }
    Ok(program)
}
