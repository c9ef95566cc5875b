//! Debian's package manager.

use std::process::Command;

use crate::command::{command, on_path, run};
use crate::error::Error;
use crate::project::Project;

/// Installs packages, as root or by sudo.
///
/// `what` says what for, `megabytes` about how much is downloaded.
///
/// # Errors
/// [`Error::Missing`] with what to do where there is no apt-get or no right to use it.
pub(super) fn install(
    project: &Project,
    what: &'static str,
    packages: &[&str],
    megabytes: u32,
) -> Result<(), Error> {
    let way =
        way(on_path("apt-get").is_some(), rustix::process::geteuid().is_root(), on_path("sudo").is_some());
    let Some(prefix) = way else {
        let remedy = if on_path("apt-get").is_some() {
            format!("run `apt-get install {}` as root", packages.join(" "))
        } else {
            format!(
                "install it with your system's package manager (Debian's packages: {})",
                packages.join(" ")
            )
        };
        return Err(Error::Missing { what, remedy });
    };
    super::announce(what, &format!("apt-get install {} (about {megabytes} MB)", packages.join(" ")));
    let apt = |arguments: &[&str]| -> Command {
        let (program, first) = prefix.split_first().unwrap_or((&"apt-get", &[]));
        let mut apt = command(project, program);
        apt.args(first).args(arguments).env("DEBIAN_FRONTEND", "noninteractive");
        apt
    };
    // An old list of packages is often enough; a fresh one is fetched only where it is not.
    let mut arguments = vec!["install", "--yes", "--quiet", "--no-install-recommends"];
    arguments.extend(packages);
    if run(&mut apt(&arguments)).is_err() {
        run(&mut apt(&["update", "--quiet"]))?;
        run(&mut apt(&arguments))?;
    }
    Ok(())
}

/// How to call apt-get, if at all.
fn way(present: bool, root: bool, sudo: bool) -> Option<&'static [&'static str]> {
    match (present, root, sudo) {
        (true, true, _) => Some(&["apt-get"]),
        (true, false, true) => Some(&["sudo", "apt-get"]),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_needs_no_sudo_and_others_do() {
        assert_eq!(way(true, true, false), Some(["apt-get"].as_slice()));
        assert_eq!(way(true, false, true), Some(["sudo", "apt-get"].as_slice()));
        assert_eq!(way(true, false, false), None);
        assert_eq!(way(false, true, true), None);
    }
}
