//! `cargo xtask build`: modules, site and binary.

use std::path::{Path, PathBuf};

use clap::Args;

use crate::command::{self, cargo};
use crate::error::Error;
use crate::npm::Package;
use crate::project::Project;
use crate::short_names::shorten;
use crate::site::{self, Manifest};
use crate::steps::{Job, side_by_side};
use crate::tools::{self, Bindgen, WasmToolchain, artifacts};

/// What the builds of the DRM module, the player's app and the scripts for other sites may weigh in Brotli,
/// in bytes; already without optimisation when they are linked.
const LIMITS: [(&str, u64); 5] = [
    ("decryptor_wasm", 92_500),
    ("compat_wasm", 200_000),
    ("watch_wasm", 490_000),
    ("player_js", 15_000),
    ("eme_js", 12_000),
];

/// Options of `cargo xtask build`.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Quick and large: hardly optimised modules, and a debug binary that finds the site by MATINEE_SITE_DIR.
    #[arg(long, conflicts_with = "release")]
    dev: bool,
    /// What ships: small modules, and a release binary with the site in it (the default).
    #[arg(long)]
    release: bool,
    /// Only the modules and the site's folder, no binary.
    #[arg(long)]
    site: bool,
}

/// Runs the task.
///
/// # Errors
/// Of the tools, of the compilers, and where the DRM module has grown too large.
pub(crate) fn run(project: &Project, arguments: &Arguments) -> Result<(), Error> {
    let kind = if arguments.dev { Kind::Dev } else { Kind::Release };
    let manifest = build_site(project, kind)?;
    println!("site: {}", project.site().display());
    if !arguments.site {
        println!("binary: {}", build_binary(project, kind)?.display());
    }
    match kind {
        Kind::Dev => Ok(()),
        Kind::Quick | Kind::Release => check_sizes(&Size::of_modules(&manifest)),
    }
}

/// For whom it is built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// For quick turns.
    Dev,
    /// For tests and the demo: modules as they ship but for the optimisation when they are linked, which
    /// takes longer than all the rest of them; a debug binary.
    Quick,
    /// To ship.
    Release,
}

/// One module: a package, compiled for the browser.
struct Module {
    /// What a person calls it.
    title: &'static str,
    /// The package that it is compiled from.
    package: &'static str,
    /// Its features.
    features: &'static str,
    /// Compiler flags.
    flags: &'static str,
    /// Name of the generated files.
    stem: &'static str,
    /// Folder of the generated files, below the repository.
    folder: &'static str,
    /// Its name on npm.
    npm: &'static str,
    /// Its manifest.
    manifest: &'static str,
}

const APP: Module = Module {
    title: "app",
    package: "matinee",
    features: "",
    flags: "",
    stem: "matinee",
    folder: "pkg",
    npm: "matinee",
    manifest: "Cargo.toml",
};

/// The player's pages alone, of the same source (docs/architecture.md).
const WATCH: Module = Module {
    title: "player's app",
    package: "watch",
    features: "",
    flags: "",
    stem: "matinee_watch",
    folder: "pkg/watch",
    npm: "matinee-watch",
    manifest: "crates/watch/Cargo.toml",
};

const DECRYPTOR: Module = Module {
    title: "DRM module",
    package: "decryptor",
    features: "",
    flags: SIMD,
    stem: "decryptor",
    folder: "pkg/decryptor",
    npm: "matinee-decryptor",
    manifest: "crates/decryptor/Cargo.toml",
};

const COMPAT: Module = Module {
    title: "DRM module's second build",
    package: "decryptor",
    features: "compat",
    flags: "",
    stem: "decryptor_compat",
    folder: "pkg/decryptor-compat",
    npm: "matinee-decryptor-compat",
    manifest: "crates/decryptor/Cargo.toml",
};

/// What is built side by side, because one core alone optimises a module as a whole: each lane one module
/// after another, in a target folder of its own.
const LANES: [&[Module]; 2] = [&[APP, WATCH], &[DECRYPTOR, COMPAT]];

/// Builds all modules into `pkg/` and the site into `target/site`, and prints what the modules weigh.
///
/// # Errors
/// Of the tools and compilers, and where the site's files do not fit together.
pub(crate) fn build_site(project: &Project, kind: Kind) -> Result<Manifest, Error> {
    build_site_beside(project, kind, Vec::new())
}

/// The same beside other work that needs the compiler, too.
///
/// # Errors
/// The same, and the other work's.
pub(crate) fn build_site_beside(
    project: &Project,
    kind: Kind,
    jobs: Vec<Job<'_>>,
) -> Result<Manifest, Error> {
    let toolchain = WasmToolchain::find(project)?;
    let bindgen = Bindgen::find(project)?;
    let build = Modules { project, toolchain: &toolchain, bindgen: &bindgen, kind };
    let mut jobs = jobs;
    for (number, lane) in LANES.into_iter().enumerate() {
        let name = lane.iter().map(|module| module.title).collect::<Vec<_>>().join(" and ");
        jobs.push(Job::new(name, move || lane.iter().try_for_each(|module| build.module(module, number))));
    }
    side_by_side(jobs)?;
    join_shim(project)?;
    let manifest =
        site::assemble(&project.root.join("www"), &project.root.join(APP.folder), &project.site())?;
    for Size { name, raw, brotli } in Size::of_modules(&manifest) {
        println!("{name:<16} {raw:>9} bytes, {brotli:>8} in Brotli");
    }
    Ok(manifest)
}

/// Writes the shim for players of others, `pkg/eme/eme.js`, from its modules, and the licenses of the
/// packages that are written by hand.
///
/// # Errors
/// [`Error::Content`] where the modules do not keep the rule of [`site::join()`]; [`Error::File`].
pub(crate) fn join_shim(project: &Project) -> Result<(), Error> {
    let folder = project.root.join("pkg/eme");
    let file = folder.join("eme.js");
    let script = site::join(&folder.join("src"), "main.js")?;
    std::fs::write(&file, script).map_err(Error::file(&file))?;
    // npm packages carry their licenses with them.
    for package in ["eme", "player"] {
        for license in ["LICENSE-MIT", "LICENSE-APACHE"] {
            let to = project.root.join("pkg").join(package).join(license);
            std::fs::copy(project.root.join(license), &to).map_err(Error::file(&to))?;
        }
    }
    Ok(())
}

/// Compiler flags of the DRM module; the app and the DRM module's second build must start where SIMD is
/// missing, too.
pub(crate) const SIMD: &str = "-C target-feature=+simd128";

/// Compiler flags that keep this machine's folders out of the modules' panic messages: what ships should
/// neither tell them nor differ by them.
fn without_paths(project: &Project) -> String {
    let registries = tools::cargo_home().map(|home| home.join("registry/src"));
    let registries = registries.and_then(|folder| std::fs::read_dir(folder).ok()).into_iter().flatten();
    let folders = registries.filter_map(|entry| Some(entry.ok()?.path())).chain([project.root.clone()]);
    let folders = folders.map(|folder| folder.display().to_string());
    // The flags are separated by spaces.
    let folders = folders.filter(|folder| !folder.contains(char::is_whitespace));
    folders.map(|folder| format!("--remap-path-prefix={folder}/=")).collect::<Vec<_>>().join(" ")
}

/// Builds modules for the browser.
#[derive(Clone, Copy)]
struct Modules<'a> {
    project: &'a Project,
    toolchain: &'a WasmToolchain,
    bindgen: &'a Bindgen,
    kind: Kind,
}

impl Modules<'_> {
    /// Compiles a module for the browser and generates its JavaScript and npm package into its folder.
    fn module(&self, module: &Module, lane: usize) -> Result<(), Error> {
        let &Module { package, features, flags, stem, .. } = module;
        let folder = self.project.root.join(module.folder);
        let profile = match self.kind {
            Kind::Dev => "dev",
            Kind::Quick => "wasm-quick",
            Kind::Release => "wasm",
        };
        let target = self.toolchain.target(self.project).join(LANE_FOLDERS[lane]);
        let mut compile = self.toolchain.cargo(self.project);
        compile.env("CARGO_TARGET_DIR", &target);
        // As nothing but a module: cargo leaves link-time optimisation out where a library for Rust is made,
        // too.
        compile.args([
            "rustc",
            "--locked",
            "--lib",
            "--crate-type",
            "cdylib",
            "--target",
            "wasm32-unknown-unknown",
            "--profile",
            profile,
            "--package",
            package,
            "--features",
            features,
        ]);
        let flags = format!("{flags} {}", without_paths(self.project));
        compile.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS", flags.trim());
        command::run(&mut compile)?;
        clear(&folder)?;
        let mut generate = command::command(self.project, &self.bindgen.generator);
        generate.args(["--target", "web", "--remove-name-section", "--remove-producers-section"]);
        generate.args(["--out-name", stem, "--out-dir"]).arg(&folder);
        generate.arg(artifacts(&target, profile).join(package).with_extension("wasm"));
        command::run(&mut generate)?;
        let (wasm, js) = (folder.join(format!("{stem}_bg.wasm")), folder.join(format!("{stem}.js")));
        let octets = std::fs::read(&wasm).map_err(Error::file(&wasm))?;
        let script = std::fs::read_to_string(&js).map_err(Error::file(&js))?;
        let (octets, script) = shorten(&octets, &script)
            .map_err(|problem| Error::Content { path: wasm.clone(), problem: problem.to_string() })?;
        std::fs::write(&wasm, octets).map_err(Error::file(&wasm))?;
        std::fs::write(&js, script).map_err(Error::file(&js))?;
        let manifest = self.project.root.join(module.manifest);
        Package { stem, name: module.npm, manifest: &manifest }.write(self.project, &folder)
    }
}

/// Each lane's target folder, within the toolchain's own.
const LANE_FOLDERS: [&str; LANES.len()] = ["", "drm-module"];

/// Removes what an earlier build generated, so that nothing old gets into the site.
fn clear(folder: &Path) -> Result<(), Error> {
    std::fs::create_dir_all(folder).map_err(Error::file(folder))?;
    let snippets = folder.join("snippets");
    if snippets.is_dir() {
        std::fs::remove_dir_all(&snippets).map_err(Error::file(&snippets))?;
    }
    for entry in std::fs::read_dir(folder).map_err(Error::file(folder))? {
        let path = entry.map_err(Error::file(folder))?.path();
        let ending = path.extension().unwrap_or_default();
        if path.is_file() && (ending == "js" || ending == "wasm" || ending == "ts") {
            std::fs::remove_file(&path).map_err(Error::file(&path))?;
        }
    }
    Ok(())
}

/// Builds the binary `matinee`; the release one has the site in it.
///
/// # Errors
/// [`Error::Failed`] when the compiler fails.
pub(crate) fn build_binary(project: &Project, kind: Kind) -> Result<PathBuf, Error> {
    let mut build = cargo(project);
    build
        .args(["build", "--locked", "--workspace", "--bin", "matinee"])
        .env("MATINEE_SITE_DIR", project.site());
    let folder = match kind {
        Kind::Dev | Kind::Quick => "debug",
        Kind::Release => {
            build.args(["--release", "--features", "embed-site"]);
            "release"
        }
    };
    command::run(&mut build)?;
    Ok(project.target.join(folder).join("matinee"))
}

/// What a module weighs, in bytes.
#[derive(Debug, serde::Serialize)]
pub(crate) struct Size {
    /// Placeholder name, `app_wasm`.
    pub(crate) name: String,
    /// As it is.
    pub(crate) raw: u64,
    /// In Brotli at quality 11.
    pub(crate) brotli: u64,
}

impl Size {
    /// The sizes of the scripts and modules of a site.
    pub(crate) fn of_modules(manifest: &Manifest) -> Vec<Self> {
        [
            "app_wasm",
            "app_js",
            "watch_wasm",
            "watch_js",
            "decryptor_wasm",
            "decryptor_js",
            "compat_wasm",
            "decryptor_compat_js",
            "player_js",
            "eme_js",
        ]
        .into_iter()
        .filter_map(|name| {
            let path = manifest.entries.get(name)?;
            let file = manifest.files.iter().find(|file| file.path == *path)?;
            Some(Self { name: name.to_owned(), raw: file.size, brotli: file.brotli.unwrap_or(file.size) })
        })
        .collect()
    }
}

/// The rule of sizes.
///
/// # Errors
/// [`Error::Rule`] where a build of the DRM module is missing or too large.
pub(crate) fn check_sizes(sizes: &[Size]) -> Result<(), Error> {
    for (name, limit) in LIMITS {
        match sizes.iter().find(|size| size.name == name) {
            Some(size) if size.brotli <= limit => {}
            Some(Size { brotli, .. }) => {
                return Err(Error::Rule(format!(
                    "{name} is {brotli} bytes in Brotli, more than {limit}: see what grew (in a module with `cargo bloat` or \
                     `twiggy`) and take it out"
                )));
            }
            None => return Err(Error::Rule(format!("the site has no {name}"))),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weighing(module: u64, compat: u64) -> Vec<Size> {
        let size = |name: &str, brotli| Size { name: name.to_owned(), raw: 3 * brotli, brotli };
        vec![
            size("decryptor_wasm", module),
            size("compat_wasm", compat),
            size("watch_wasm", 490_000),
            size("player_js", 15_000),
            size("eme_js", 12_000),
        ]
    }

    /// C12: a package for each module, each in its own folder of `pkg`.
    #[test]
    fn c12_each_module_has_its_folder_in_pkg() {
        let folders: Vec<&str> = LANES.into_iter().flatten().map(|module| module.folder).collect();
        assert_eq!(folders, ["pkg", "pkg/watch", "pkg/decryptor", "pkg/decryptor-compat"]);
    }

    #[test]
    fn both_builds_of_the_drm_module_have_a_limit() {
        assert!(check_sizes(&weighing(92_500, 200_000)).is_ok());
        assert!(check_sizes(&weighing(92_501, 200_000)).is_err());
        assert!(check_sizes(&weighing(92_500, 200_001)).is_err());
        assert!(check_sizes(&weighing(92_500, 200_000)[..1]).is_err());
        assert!(check_sizes(&[]).is_err());
    }
}
