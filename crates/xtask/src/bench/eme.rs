//! `cargo xtask bench eme`: prepares Matinee and a film of 8 Mb/s, and lets `bench-eme` (crate `e2e`) measure
//! what the shim for players of others costs.

use std::path::{Path, PathBuf};

use super::startup::machine;
use crate::build::{Kind, build_binary, build_site};
use crate::command::{self, cargo};
use crate::error::Error;
use crate::project::Project;
use crate::tools;

/// Its rate: 4 s are 4 MB.
const RATE: &str = "8M";
/// How long it is, in seconds.
const SECONDS: &str = "40";

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
    let film = film(project, &folder, RATE, SECONDS)?;
    let mut bench = cargo(project);
    bench.args(["run", "--quiet", "--package", "e2e", "--bin", "bench-eme", "--"]);
    bench.arg("--film").arg(film).args(["--conditions", &machine(project)?, "--rounds", &rounds.to_string()]);
    if json {
        bench.arg("--json");
    }
    bench.env("MATINEE_BIN", binary).env("MATINEE_SITE_DIR", project.site()).env("CHROMEDRIVER", driver);
    command::run(&mut bench)
}

/// The clear film of this rate and length, as ffmpeg understands them, which is made once: noise, so that its
/// rate is what it should be, with a key frame every 4 s.
///
/// # Errors
/// Of ffmpeg.
pub(super) fn film(project: &Project, folder: &Path, rate: &str, seconds: &str) -> Result<PathBuf, Error> {
    let (file, making) = (folder.join("film.mp4"), folder.join("making.mp4"));
    if file.is_file() {
        return Ok(file);
    }
    let mut ffmpeg = command::command(project, "ffmpeg");
    ffmpeg.args(["-v", "error", "-y", "-f", "lavfi", "-i"]);
    ffmpeg.arg("testsrc2=size=1280x720:rate=24,noise=alls=60:allf=t");
    ffmpeg.args(["-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000", "-t", seconds]);
    ffmpeg.args(["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p"]);
    ffmpeg.args(["-b:v", rate, "-maxrate", rate, "-bufsize", rate]);
    ffmpeg.args(["-g", "96", "-keyint_min", "96", "-sc_threshold", "0"]);
    ffmpeg.args(["-c:a", "aac", "-ac", "2", "-b:a", "128k"]).arg(&making);
    command::output(&mut ffmpeg)?;
    std::fs::rename(&making, &file).map_err(Error::file(&making))?;
    Ok(file)
}
