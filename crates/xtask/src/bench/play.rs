//! `cargo xtask bench play`: prepares Matinee, a film and Shaka Player, and lets `bench-play` (crate `e2e`)
//! measure what a minute of play costs.

use super::noise_film::NoiseFilm;
use super::startup::{machine, others, players};
use crate::build::{Kind, build_binary, build_site};
use crate::command::{self, cargo};
use crate::error::Error;
use crate::project::Project;
use crate::tools;

/// The film's rate: an ordinary one of 720 lines.
const RATE: &str = "3M";
/// How long the film is, in seconds: what is measured, and what comes before it.
const SECONDS: u64 = 150;
/// The longest that can be measured of it, in seconds.
pub(super) const LONGEST: u64 = 120;

/// Runs the measurement.
///
/// # Errors
/// Of the tools, of the compilers, and of what is measured.
pub(super) fn run(project: &Project, rounds: usize, seconds: u64, json: bool) -> Result<(), Error> {
    tools::ffmpeg(project)?;
    let driver = tools::chromedriver(project)?;
    build_site(project, Kind::Release)?;
    let binary = build_binary(project, Kind::Release)?;
    let folder = project.target.join("bench-play");
    std::fs::create_dir_all(&folder).map_err(Error::file(&folder))?;
    let film = NoiseFilm::of_720_lines(RATE, SECONDS).make(project, &folder, "film.mp4")?;
    let others = others(project, &folder, &film)?;
    let conditions = format!(
        "{}, {}; 720p at 24 pictures a second and 3 Mb/s, segments of 4 s, localhost",
        machine(project)?,
        players()
    );
    let mut bench = cargo(project);
    bench.args(["run", "--quiet", "--package", "e2e", "--bin", "bench-play", "--"]);
    bench.arg("--others").arg(others).arg("--film").arg(film).args(["--conditions", &conditions]);
    bench.args(["--rounds", &rounds.to_string(), "--seconds", &seconds.to_string()]);
    if json {
        bench.arg("--json");
    }
    bench.env("MATINEE_BIN", binary).env("MATINEE_SITE_DIR", project.site()).env("CHROMEDRIVER", driver);
    command::run(&mut bench)
}
