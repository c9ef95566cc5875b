//! Players of others, which the end-to-end tests let play, and what they build pages and look at them with:
//! npm packages at the versions of a lock file.

use std::path::PathBuf;

use crate::command::{command, on_path, output};
use crate::error::Error;
use crate::project::Project;

/// The folder whose `node_modules` has them, made once for each state of the lock file. No package's own
/// scripts run.
///
/// # Errors
/// Where npm is missing, or cannot fetch them.
pub(crate) fn players(project: &Project) -> Result<PathBuf, Error> {
    const LOCK: &str = "package-lock.json";
    let source = project.root.join("crates/e2e/www/players");
    let folder = project.target.join("players");
    let read = |path: PathBuf| std::fs::read(&path).map_err(Error::file(&path));
    let wanted = read(source.join(LOCK))?;
    // Written last.
    let installed = folder.join("installed.json");
    if std::fs::read(&installed).is_ok_and(|installed| installed == wanted) {
        return Ok(folder);
    }
    let Some(npm) = on_path("npm") else {
        return Err(Error::Missing { what: "npm", remedy: "install Node.js".to_owned() });
    };
    super::announce(
        "players of others (end-to-end tests)",
        "npm ci, into the target; about 75 MB, 320 MB unpacked",
    );
    std::fs::create_dir_all(&folder).map_err(Error::file(&folder))?;
    let write = |path: PathBuf, octets: &[u8]| std::fs::write(&path, octets).map_err(Error::file(&path));
    write(folder.join(LOCK), &wanted)?;
    write(folder.join("package.json"), &read(source.join("package.json"))?)?;
    let mut install = command(project, npm);
    install.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix"]).arg(&folder);
    output(&mut install)?;
    write(installed, &wanted)?;
    Ok(folder)
}
