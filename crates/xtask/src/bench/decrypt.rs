//! `cargo xtask bench decrypt`: AES in browsers, Matinee's beside others'.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::median::{median, quantile};
use super::{conditions, serve};
use crate::build::SIMD;
use crate::command::{self, on_path};
use crate::error::Error;
use crate::project::Project;
use crate::tools::{self, Bindgen, WasmToolchain, artifacts};

/// How long a browser may take.
const LIMIT: Duration = Duration::from_secs(1200);

/// All that was measured.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    machine: String,
    packages: String,
    date: String,
    browsers: Vec<Browser>,
    /// Browsers that were not measured, and why.
    missing: Vec<String>,
}

/// What one browser's page posts.
#[derive(Debug, Serialize, Deserialize)]
struct Browser {
    browser: String,
    cells: Vec<Cell>,
    cold: Vec<Cold>,
}

/// One thing measured, in shuffled rounds with all others.
#[derive(Debug, Serialize, Deserialize)]
struct Cell {
    /// Group, who, and how, with `/` between them.
    id: String,
    bytes: u64,
    milliseconds: Vec<f64>,
}

/// The first segments of a new worker.
#[derive(Debug, Serialize, Deserialize)]
struct Cold {
    id: String,
    warming: f64,
    segments: Vec<f64>,
}

/// Builds the module, fetches what it is compared with, and runs the page in the browsers that there are.
///
/// # Errors
/// Of the tools, of the compilers, of a browser that does not answer, and where anything decrypts wrongly.
pub(super) fn run(project: &Project, rounds: usize) -> Result<Report, Error> {
    let folder = project.target.join("bench/decrypt");
    assemble(project, &folder)?;
    let mut browsers = Vec::new();
    let mut missing = Vec::new();
    tools::chromedriver(project)?;
    for (name, programs) in BROWSERS {
        match programs.iter().find_map(|program| on_path(program)) {
            Some(program) => {
                eprintln!("measuring in {name}");
                browsers.push(measure(project, &folder, name, &program, rounds)?);
            }
            None => missing.push(format!("{name}: not installed ({})", programs.join(" or "))),
        }
    }
    Ok(Report {
        machine: format!(
            "{}, {} cores, {}",
            conditions::processor(),
            conditions::cores(),
            std::env::consts::OS
        ),
        packages: packages(project)?,
        date: conditions::today(project)?,
        browsers,
        missing,
    })
}

/// Names, and what the program may be called.
const BROWSERS: [(&str, &[&str]); 2] =
    [("Chromium", &["chromium", "google-chrome", "chrome"]), ("Firefox", &["firefox-esr", "firefox"])];

/// What is compared, with versions.
fn packages(project: &Project) -> Result<String, Error> {
    let mut names = Vec::new();
    for name in ["aes", "ctr", "cbc"] {
        names.push(format!("{name} {}", project.locked_version(name)?));
    }
    let path = source(project).join("package.json");
    let text = std::fs::read_to_string(&path).map_err(Error::file(&path))?;
    let unreadable = |error: serde_json::Error| Error::Content { path, problem: error.to_string() };
    let manifest: serde_json::Value = serde_json::from_str(&text).map_err(unreadable)?;
    for (name, version) in manifest["dependencies"].as_object().into_iter().flatten() {
        names.push(format!("{name} {}", version.as_str().unwrap_or_default()));
    }
    Ok(names.join(", "))
}

fn source(project: &Project) -> PathBuf {
    project.root.join("crates/decrypt-bench/www")
}

/// The page's folder: module, scripts, packages.
fn assemble(project: &Project, folder: &Path) -> Result<(), Error> {
    let toolchain = WasmToolchain::find(project)?;
    let bindgen = Bindgen::find(project)?;
    let mut compile = toolchain.cargo(project);
    compile.args([
        "build",
        "--target",
        "wasm32-unknown-unknown",
        "--profile",
        "wasm",
        "--package",
        "decrypt-bench",
    ]);
    compile.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS", SIMD);
    command::run(&mut compile)?;
    std::fs::create_dir_all(folder).map_err(Error::file(folder))?;
    let mut generate = command::command(project, &bindgen.generator);
    generate.args(["--target", "web", "--no-typescript", "--out-dir"]).arg(folder);
    generate.arg(artifacts(&toolchain.target(project), "wasm").join("decrypt_bench.wasm"));
    command::run(&mut generate)?;

    let source = source(project);
    for name in ["index.html", "page.js", "worker.js", "package.json", "package-lock.json"] {
        let to = folder.join(name);
        std::fs::copy(source.join(name), &to).map_err(Error::file(&to))?;
    }
    // Versions and hashes are those of the lock file; no package's own scripts run.
    let npm = on_path("npm").ok_or_else(|| Error::Missing {
        what: "npm",
        remedy: "install Node.js: what is compared with comes from there".to_owned(),
    })?;
    let mut install = command::command(project, npm);
    install.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix"]).arg(folder);
    command::output(&mut install)?;
    let modules = folder.join("node_modules");
    let read = |path: &Path| std::fs::read_to_string(path).map_err(Error::file(path));
    let write = |name: &str, text: &str| {
        let path = folder.join(name);
        std::fs::write(&path, text).map_err(Error::file(&path))
    };

    // hls.js does not export its decryptor.
    let path = modules.join("hls.js/dist/hls.mjs");
    let text = read(&path)?;
    let class = text.split_once("\nclass AESDecryptor {").and_then(|(_, rest)| rest.split_once("\n}\n"));
    let (class, _) =
        class.ok_or_else(|| Error::Content { path, problem: "has no AESDecryptor".to_owned() })?;
    write("hls.js", &format!("export class AESDecryptor {{{class}\n}}\n"))?;
    // Shaka Player's is written for a compiler.
    let head = read(&source.join("shaka-head.js"))?;
    let body = read(&modules.join("shaka-player/lib/media/clearkey_webcrypto_decryptor.js"))?;
    let tail = "export const { ClearKeyWebCryptoDecryptor } = shaka.media;";
    write("shaka.js", &format!("{head}\n{body}\n{tail}\n"))?;
    let noble = folder.join("noble");
    std::fs::create_dir_all(&noble).map_err(Error::file(&noble))?;
    for name in ["aes.js", "utils.js", "_polyval.js"] {
        let to = noble.join(name);
        std::fs::copy(modules.join("@noble/ciphers").join(name), &to).map_err(Error::file(&to))?;
    }
    Ok(())
}

/// Runs the page in one browser.
fn measure(
    project: &Project,
    folder: &Path,
    name: &str,
    program: &Path,
    rounds: usize,
) -> Result<Browser, Error> {
    let server = serve::Server::start(folder)?;
    let profile = folder.join(format!("profile-{name}"));
    if profile.is_dir() {
        std::fs::remove_dir_all(&profile).map_err(Error::file(&profile))?;
    }
    std::fs::create_dir_all(&profile).map_err(Error::file(&profile))?;
    let mut browser = command::command(project, program);
    if name == "Firefox" {
        browser.args(["--headless", "--no-remote", "--profile"]).arg(&profile);
    } else {
        browser.args(["--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run"]);
        // Nobody looks at the page; it is not to yield for that.
        browser.args(["--disable-renderer-backgrounding", "--disable-backgrounding-occluded-windows"]);
        browser.args(["--disable-background-networking", "--disable-component-update", "--disable-sync"]);
        browser.arg(format!("--user-data-dir={}", profile.display()));
    }
    browser.arg(format!("http://localhost:{}/index.html?rounds={rounds}", server.port()));
    browser.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = browser.spawn().map_err(|source| command::start(&browser, source))?;
    let result = server.result(LIMIT);
    // It may have gone by itself.
    let _ = child.kill();
    let _ = child.wait();
    let text =
        result.ok_or_else(|| Error::Rule(format!("no result from {name} in {} s", LIMIT.as_secs())))?;
    serde_json::from_str(&text).map_err(|_| Error::Rule(format!("{name}: {text}")))
}

/// The report as Markdown.
pub(super) fn print(report: &Report) {
    println!("{}; {}; {}\n", report.machine, report.packages, report.date);
    for browser in &report.browsers {
        println!("{}\n", browser.browser);
        let mut groups: Vec<(&str, Vec<(&str, &Cell)>)> = Vec::new();
        for cell in &browser.cells {
            let (group, who) = cell.id.split_once('/').unwrap_or((&cell.id, ""));
            match groups.iter_mut().find(|(name, _)| *name == group) {
                Some((_, cells)) => cells.push((who, cell)),
                None => groups.push((group, vec![(who, cell)])),
            }
        }
        for (group, cells) in &groups {
            println!("| {group} | ms | lower quartile | MB/s | times Matinee's | in quartiles |");
            println!("|---|---|---|---|---|---|");
            let ours = cells.iter().find(|(who, _)| who.starts_with("matinee"));
            let ours =
                |part| ours.map_or(f64::NAN, |(_, cell)| quantile(cell.milliseconds.iter().copied(), part));
            for (who, cell) in cells {
                let [time, lower] = [0.5, 0.25].map(|part| quantile(cell.milliseconds.iter().copied(), part));
                let rate = cell.bytes as f64 / 1e3 / time;
                let [times, lower_times] = [time / ours(0.5), lower / ours(0.25)];
                println!("| {who} | {time:.4} | {lower:.4} | {rate:.0} | {times:.2} | {lower_times:.2} |");
            }
            println!();
        }
        let mut cold: BTreeMap<&str, Vec<&Cold>> = BTreeMap::new();
        for run in &browser.cold {
            cold.entry(&run.id).or_default().push(run);
        }
        println!(
            "| new worker, ms | warming up | 1st segment | 2nd | 3rd | 4th |\n|---|---|---|---|---|---|"
        );
        for (id, runs) in cold {
            let warming = median(runs.iter().map(|run| run.warming));
            print!("| {id} | {warming:.1} |");
            for i in 0..4 {
                let times: Vec<f64> = runs.iter().filter_map(|run| run.segments.get(i).copied()).collect();
                print!(" {:.1} |", median(times));
            }
            println!();
        }
        println!();
    }
    for reason in &report.missing {
        println!("{reason}");
    }
}
