//! `cargo xtask bench startup`: prepares Matinee, its film, the other players and theirs, and lets
//! `bench-startup` (crate `e2e`) measure.

use std::path::{Path, PathBuf};

use clap::Args;

use super::conditions;
use crate::build::{Kind, build_binary, build_site};
use crate::command::{self, cargo, on_path};
use crate::error::Error;
use crate::project::Project;
use crate::tools;

/// The other players, as they were when the last table was made.
const PLAYERS: [&str; 2] = ["hls.js@1.7.4", "shaka-player@5.2.12"];
/// Key and key id of the others' content; nothing is protected with them.
const KEY: &str = "00112233445566778899aabbccddeeff";
const KEY_ID: &str = "ffeeddccbbaa99887766554433221100";

/// What of starts is measured.
#[derive(Debug, Args)]
pub(super) struct Options {
    /// Runs for each player and distance.
    #[arg(long, default_value_t = 15)]
    runs: usize,
    /// Of clicks: round-trip times in milliseconds, with commas between.
    #[arg(long, default_value = "0,20,80")]
    rtt: String,
    /// Of clicks: megabits per second.
    #[arg(long, default_value_t = 20.0)]
    megabits: f64,
    /// From the page's address to the first frame, without and with what earlier visits left in the browser's
    /// caches.
    #[arg(long)]
    by_address: bool,
    /// By address: `local`, or milliseconds of a round trip and megabits per second with a colon between,
    /// with commas between links.
    #[arg(long, default_value = "local,40:10")]
    links: String,
}

/// Runs the measurement.
///
/// # Errors
/// Of the tools, of the compilers, and of what is measured.
pub(super) fn run(project: &Project, options: &Options, json: bool) -> Result<(), Error> {
    tools::ffmpeg(project)?;
    let driver = tools::chromedriver(project)?;
    build_site(project, Kind::Release)?;
    let binary = build_binary(project, Kind::Release)?;
    let [.., film] = project.demo_film();
    let folder = project.target.join("bench-startup");
    let others = others(project, &folder, &film)?;
    if !others.join("hls/film.m3u8").is_file() {
        hls(project, &folder, &film)?;
    }
    let mut bench = cargo(project);
    bench.args(["run", "--quiet", "--package", "e2e", "--bin", "bench-startup", "--"]);
    bench.arg("--others").arg(others).arg("--film").arg(&film);
    bench.args(["--conditions", &conditions(project)?]);
    bench.args(["--runs", &options.runs.max(1).to_string(), "--rtt", &options.rtt]);
    bench.args(["--megabits", &options.megabits.to_string(), "--links", &options.links]);
    if options.by_address {
        bench.arg("--by-address");
    }
    if json {
        bench.arg("--json");
    }
    bench.env("MATINEE_BIN", binary).env("MATINEE_SITE_DIR", project.site()).env("CHROMEDRIVER", driver);
    command::run(&mut bench)
}

/// The others' pages, scripts and the film for Shaka Player, in a folder of the target that is made once;
/// what of it is served.
///
/// # Errors
/// Of the tools.
pub(super) fn others(project: &Project, folder: &Path, film: &Path) -> Result<PathBuf, Error> {
    let served = folder.join("served");
    std::fs::create_dir_all(&served).map_err(Error::file(&served))?;
    if !folder.join("node_modules").is_dir() {
        let mut npm = command::command(project, "npm");
        npm.args(["install", "--ignore-scripts", "--no-audit", "--no-fund", "--save-exact", "--prefix"]);
        command::output(npm.arg(folder).args(PLAYERS))?;
    }
    for (script, from) in [
        ("hls.js", "hls.js/dist/hls.min.js"),
        ("shaka.js", "shaka-player/dist/shaka-player.compiled-es2021.js"),
    ] {
        copy_with_brotli(&folder.join("node_modules").join(from), &served.join(script))?;
    }
    for (page, text) in [
        ("hls.html", include_str!("startup/hls.html")),
        ("shaka.html", include_str!("startup/shaka.html")),
        ("shaka-address.html", include_str!("startup/shaka-address.html")),
        ("embed.html", include_str!("startup/embed.html")),
    ] {
        let file = served.join(page);
        std::fs::write(&file, text).map_err(Error::file(&file))?;
    }
    if !served.join("dash/film.mpd").is_file() {
        dash(project, folder, film)?;
    }
    Ok(served)
}

/// DASH with segments of 4 s in files of their own, which spares the player an index; `cenc`, as ours;
/// ClearKey.
fn dash(project: &Project, folder: &Path, film: &Path) -> Result<(), Error> {
    let packager = tools::shaka_packager(project)?;
    let to = folder.join("served/dash");
    let mut package = command::command(project, &packager);
    for kind in ["video", "audio"] {
        package.arg(format!(
            "in={},stream={kind},init_segment={to}/{kind}/init.mp4,segment_template={to}/{kind}/$Number$.m4s",
            film.display(),
            to = to.display()
        ));
    }
    package.args(["--segment_duration", "4", "--clear_lead", "0", "--protection_scheme", "cenc"]);
    package.args(["--enable_raw_key_encryption", "--protection_systems", "Common"]);
    package.args(["--keys", &format!("label=:key_id={KEY_ID}:key={KEY}")]);
    package.args(["--generate_static_live_mpd", "--mpd_output"]).arg(to.join("film.mpd"));
    command::output(&mut package).map(drop)
}

/// HLS with segments of 4 s, whole ones encrypted with AES-128, the key in a file beside them.
fn hls(project: &Project, folder: &Path, film: &Path) -> Result<(), Error> {
    let to = folder.join("served/hls");
    std::fs::create_dir_all(&to).map_err(Error::file(&to))?;
    let key: Vec<u8> = hex::decode(KEY).unwrap_or_default();
    let (key_file, info) = (to.join("film.key"), folder.join("key-info"));
    std::fs::write(&key_file, key).map_err(Error::file(&key_file))?;
    // URI in the playlist, and the file to read.
    std::fs::write(&info, format!("film.key\n{}\n", key_file.display())).map_err(Error::file(&info))?;
    let mut ffmpeg = command::command(project, "ffmpeg");
    ffmpeg.args(["-v", "error", "-y", "-i"]).arg(film).args(["-c", "copy", "-f", "hls"]);
    ffmpeg.args(["-hls_time", "4", "-hls_playlist_type", "vod", "-hls_key_info_file"]).arg(&info);
    ffmpeg.arg("-hls_segment_filename").arg(to.join("%d.ts")).arg(to.join("film.m3u8"));
    command::output(&mut ffmpeg).map(drop)
}

/// Beside a script its brotli form, as Matinee's own are served.
fn copy_with_brotli(from: &Path, to: &Path) -> Result<(), Error> {
    let text = std::fs::read(from).map_err(Error::file(from))?;
    std::fs::write(to, &text).map_err(Error::file(to))?;
    let file = to.with_extension("js.br");
    let mut packed = Vec::new();
    let parameters = brotli::enc::BrotliEncoderParams { quality: 11, ..Default::default() };
    brotli::BrotliCompress(&mut text.as_slice(), &mut packed, &parameters).map_err(Error::file(&file))?;
    std::fs::write(&file, packed).map_err(Error::file(&file))
}

/// The other players and their versions, in words.
pub(super) fn players() -> String {
    PLAYERS.join(", ")
}

fn conditions(project: &Project) -> Result<String, Error> {
    Ok(format!("{}, {}; demo film, 720p, segments of 4 s", machine(project)?, players()))
}

/// Processor, browser and Matinee, in words.
///
/// # Errors
/// Where the browser does not say its version, or the lock file none of Matinee's.
pub(super) fn machine(project: &Project) -> Result<String, Error> {
    let browser = on_path("chromium").or_else(|| on_path("google-chrome"));
    let browser = match browser {
        Some(program) => command::output(command::command(project, program).arg("--version"))?,
        None => "browser of unknown version".to_owned(),
    };
    let (cores, model) = (conditions::cores(), conditions::processor());
    let matinee = project.locked_version("matinee")?;
    Ok(format!("{cores} cores of {model}; {}, headless; Matinee {matinee} (release)", browser.trim()))
}
