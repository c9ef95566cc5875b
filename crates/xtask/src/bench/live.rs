//! `cargo xtask bench live`: prepares Matinee and the other players, and lets `bench-live` (crate `e2e`)
//! measure.

use crate::build::{Kind, build_binary, build_site};
use crate::command::{self, cargo, on_path};
use crate::error::Error;
use crate::project::Project;
use crate::tools;

/// Runs the measurement.
///
/// # Errors
/// Of the tools, of the compilers, and of what is measured.
pub(super) fn run(
    project: &Project,
    seconds: u64,
    rtt: &str,
    megabits: f64,
    json: bool,
) -> Result<(), Error> {
    tools::ffmpeg(project)?;
    let driver = tools::chromedriver(project)?;
    let players = tools::players(project)?;
    build_site(project, Kind::Release)?;
    let binary = build_binary(project, Kind::Release)?;
    let mut bench = cargo(project);
    bench.args(["run", "--quiet", "--package", "e2e", "--bin", "bench-live", "--"]);
    bench.args(["--conditions", &conditions(project)?]);
    bench.args(["--seconds", &seconds.to_string(), "--rtt", rtt, "--megabits", &megabits.to_string()]);
    if json {
        bench.arg("--json");
    }
    bench.env("MATINEE_BIN", binary).env("MATINEE_SITE_DIR", project.site());
    bench.env("MATINEE_PLAYERS", players).env("CHROMEDRIVER", driver);
    command::run(&mut bench)
}

fn conditions(project: &Project) -> Result<String, Error> {
    let browser = on_path("chromium").or_else(|| on_path("google-chrome"));
    let browser = match browser {
        Some(program) => command::output(command::command(project, program).arg("--version"))?,
        None => "browser of unknown version".to_owned(),
    };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let matinee = project.locked_version("matinee")?;
    Ok(format!(
        "{cores} cores, {}, headless; Matinee {matinee} (release); hls.js and dash.js as pinned for the tests, without settings; 640×360 at 25 pictures a second and 1.5 Mb/s, key frames every 2 s, parts of 0.5 s",
        browser.trim()
    ))
}
