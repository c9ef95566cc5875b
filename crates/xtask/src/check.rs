//! `cargo xtask check`: what can be said without running anything.

use clap::Args;

use crate::build::{Size, check_sizes};
use crate::command::{self, cargo, output};
use crate::error::Error;
use crate::project::Project;
use crate::site::Manifest;
use crate::steps::Steps;
use crate::tools::WasmToolchain;

/// Packages that run in the page, where no content key may be named.
const IN_THE_PAGE: [&str; 2] = ["matinee", "web-player"];
/// Crates that can name a content key, or lead to one: the page must not have them.
const NOT_IN_THE_PAGE: [&str; 3] = ["cenc", "license", "decryptor"];

/// Options of `cargo xtask check`.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Only what is quick: formatting, native lints and the dependency rule.
    #[arg(long)]
    quick: bool,
}

/// Runs the task.
///
/// # Errors
/// The first rule that is broken.
pub(crate) fn run(project: &Project, arguments: &Arguments) -> Result<(), Error> {
    let mut steps = Steps::default();
    quick(project, &mut steps)?;
    if !arguments.quick {
        steps.step("lints (wasm)", || wasm_lints(project))?;
        steps.step("documentation", || documentation(project))?;
        steps.step("module sizes", || sizes(project))?;
    }
    steps.finish();
    Ok(())
}

/// Formatting, native lints and the dependency rule.
///
/// # Errors
/// The first rule that is broken.
pub(crate) fn quick(project: &Project, steps: &mut Steps) -> Result<(), Error> {
    steps.step("formatting", || command::run(cargo(project).args(["fmt", "--all", "--check"])))?;
    steps.step("dependencies of the page", || dependencies(project))?;
    steps.step("lints", || {
        let mut clippy = cargo(project);
        clippy.args([
            "clippy",
            "--quiet",
            "--workspace",
            "--all-targets",
            "--test",
            "e2e",
            "--features",
            "demo-film/draw",
        ]);
        command::run(clippy.args(["--", "-D", "warnings"]))
    })
}

/// Lints of the code that exists only in the browser.
fn wasm_lints(project: &Project) -> Result<(), Error> {
    let toolchain = WasmToolchain::find(project)?;
    if toolchain != WasmToolchain::Default {
        println!("skipped: clippy belongs to the default toolchain, which lacks the wasm target");
        return Ok(());
    }
    let lint = |packages: &[&str]| {
        let mut clippy = toolchain.cargo(project);
        clippy.args(["clippy", "--quiet", "--target", "wasm32-unknown-unknown"]).args(packages);
        command::run(clippy.args(["--all-targets", "--", "-D", "warnings"]))
    };
    lint(&["--package", "matinee", "--package", "web-player", "--package", "decryptor"])?;
    lint(&["--package", "decryptor", "--features", "decryptor/compat"])
}

/// The public documentation, without a broken link.
fn documentation(project: &Project) -> Result<(), Error> {
    let mut doc = cargo(project);
    doc.args(["doc", "--quiet", "--workspace", "--no-deps"]).env("RUSTDOCFLAGS", "-D warnings");
    command::run(&mut doc)
}

/// The rule that the page's crates cannot name a content key.
fn dependencies(project: &Project) -> Result<(), Error> {
    for package in IN_THE_PAGE {
        let mut tree = cargo(project);
        tree.args(["tree", "--package", package, "--edges", "normal", "--target", "wasm32-unknown-unknown"]);
        let tree = output(tree.args(["--prefix", "none", "--format", "{p}"]))?;
        if let Some(found) = forbidden(&tree).first() {
            return Err(Error::Rule(format!(
                "{package} depends on {found}, which can name a content key; see `cargo tree --package {package} \
                 --edges normal --target wasm32-unknown-unknown --invert {found}`"
            )));
        }
        println!("{package} depends on none of {}", NOT_IN_THE_PAGE.join(", "));
    }
    Ok(())
}

/// The forbidden packages in the output of `cargo tree --prefix none --format {p}`.
fn forbidden(tree: &str) -> Vec<&'static str> {
    let names: Vec<&str> = tree.lines().filter_map(|line| line.split_whitespace().next()).collect();
    NOT_IN_THE_PAGE.into_iter().filter(|name| names.contains(name)).collect()
}

/// The rule of sizes, on the site as it was built last.
fn sizes(project: &Project) -> Result<(), Error> {
    let file = project.site().join("site.json");
    if !file.is_file() {
        println!("skipped: nothing is built yet (`cargo xtask build` checks this, too)");
        return Ok(());
    }
    let json = std::fs::read(&file).map_err(Error::file(&file))?;
    let manifest: Manifest = serde_json::from_slice(&json)
        .map_err(|error| Error::Content { path: file, problem: error.to_string() })?;
    check_sizes(&Size::of_modules(&manifest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_forbidden_crate_anywhere_in_the_tree_is_found() {
        let tree =
            "matinee v0.1.0 (/x)\ndrm-api v0.1.0\ncenc v0.1.0 (/x/crates/cenc)\ncenc-like v1.0.0 (*)\n";
        assert_eq!(forbidden(tree), ["cenc"]);
        assert_eq!(forbidden("matinee v0.1.0\nlicensed v1.0.0\n"), [""; 0]);
    }
}
