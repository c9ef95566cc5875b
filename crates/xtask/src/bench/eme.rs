//! `cargo xtask bench eme`: prepares Matinee and a film of 8 Mb/s, and lets `bench-eme` (crate `e2e`) measure
//! what the shim for players of others costs.

use super::noise_film::NoiseFilm;
use super::startup::machine;
use crate::build::{Kind, build_binary, build_site};
use crate::command::{self, cargo};
use crate::error::Error;
use crate::project::Project;
use crate::tools;

/// Its rate: 4 s are 4 MB.
const RATE: &str = "8M";
/// How long it is, in seconds.
const SECONDS: u64 = 40;

/// Runs the measurement.
///
/// # Errors
/// Of the tools, of the compilers, and of what is measured.
pub(super) fn run(project: &Project, rounds: usize, json: bool) -> Result<(), Error> {
    tools::ffmpeg(project)?;
    let driver = tools::chromedriver(project)?;
    build_site(project, Kind::Release)?;
    let binary = build_binary(project, Kind::Release)?;
    let folder = project.target.join("bench-eme");
    std::fs::create_dir_all(&folder).map_err(Error::file(&folder))?;
    let film = NoiseFilm::of_720_lines(RATE, SECONDS).make(project, &folder, "film.mp4")?;
    let mut bench = cargo(project);
    bench.args(["run", "--quiet", "--package", "e2e", "--bin", "bench-eme", "--"]);
    bench.arg("--film").arg(film).args(["--conditions", &machine(project)?, "--rounds", &rounds.to_string()]);
    if json {
        bench.arg("--json");
    }
    bench.env("MATINEE_BIN", binary).env("MATINEE_SITE_DIR", project.site()).env("CHROMEDRIVER", driver);
    command::run(&mut bench)
}
