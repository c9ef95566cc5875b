//! `cargo xtask bench package`: `matinee package` beside Shaka Packager on the same film, and `matinee add`
//! of a film that needs no transcoding beside `matinee package` of it.

mod film;
mod usage;

use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Serialize;

use self::film::Film;
use self::usage::Usage;
use super::conditions;
use super::median::median;
use crate::build::{Kind, build_binary, build_site};
use crate::command::{self, on_path};
use crate::error::Error;
use crate::project::Project;
use crate::tools;

/// A content key and its name, for both programs; nothing is protected with it.
const KEY: &str = "00112233445566778899aabbccddeeff";
const SCHEMES: [&str; 2] = ["cenc", "cbcs"];
const OURS: &str = "matinee package";
const THEIRS: &str = "shaka-packager";

/// Our share of Shaka Packager's time that we aim at.
const AIM_OF_SHAKA: f64 = 0.35;
/// Memory that `matinee package` aims to stay in, whatever the film's length, in megabytes.
const AIM_OF_MEMORY: f64 = 16.0;
/// The share of the time of `package` with thumbnails that `add` aims at.
const AIM_OF_ADD: f64 = 1.3;

/// All that was measured.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    conditions: String,
    rows: Vec<Row>,
    ratios: Vec<Ratio>,
}

/// A program on a film.
#[derive(Debug, Serialize)]
struct Row {
    film: String,
    scheme: &'static str,
    program: &'static str,
    /// Median, in milliseconds.
    wall: f64,
    /// Median of the time on all cores, in milliseconds.
    cpu: f64,
    /// The greatest of all runs, in megabytes of 10^6 octets.
    memory: f64,
}

/// Two rows beside each other, or one beside a limit.
#[derive(Debug, Serialize)]
struct Ratio {
    what: String,
    value: f64,
    /// At most this; none: nothing is aimed at.
    aim: Option<f64>,
}

/// Makes the films unless they are there, and runs the programs in turn.
///
/// # Errors
/// Of the tools, of the compilers, and of what is measured.
pub(super) fn run(project: &Project, rounds: usize, large: bool) -> Result<Report, Error> {
    tools::ffmpeg(project)?;
    let time = tools::time(project)?;
    let shaka = tools::shaka_packager(project)?;
    build_site(project, Kind::Release)?;
    let bench = Bench {
        project,
        matinee: build_binary(project, Kind::Release)?,
        shaka,
        time,
        folder: project.target.join("bench/package"),
        rounds,
    };
    let mut report = Report { conditions: bench.conditions()?, rows: Vec::new(), ratios: Vec::new() };
    let films = [Some(Film::SHORT), large.then_some(Film::LARGE)];
    for film in films.into_iter().flatten() {
        for scheme in SCHEMES {
            bench.beside_shaka(&film, scheme, &mut report)?;
        }
    }
    bench.add_beside_package(&mut report)?;
    Ok(report)
}

/// The rows, then what they come to.
pub(super) fn print(report: &Report) {
    println!("{}", report.conditions);
    for row in &report.rows {
        println!(
            "{:<42} {:<5} {:<28} {:>9.0} ms {:>9.0} ms CPU {:>7.1} MB",
            row.film, row.scheme, row.program, row.wall, row.cpu, row.memory
        );
    }
    for Ratio { what, value, aim } in &report.ratios {
        match aim {
            Some(aim) => println!("{what}: {value:.2} (aim: at most {aim})"),
            None => println!("{what}: {value:.2}"),
        }
    }
}

struct Bench<'a> {
    project: &'a Project,
    matinee: PathBuf,
    shaka: PathBuf,
    time: PathBuf,
    folder: PathBuf,
    rounds: usize,
}

impl Bench<'_> {
    fn conditions(&self) -> Result<String, Error> {
        let version = command::output(command::command(self.project, &self.shaka).arg("--version"))?;
        Ok(format!(
            "{}, {} cores of {}; {} rounds of all programs in turn, medians; page cache warm, what was written \
             before is on the disk; segments of 4 s; {OURS} (release build) with its checks, hashes and sync, {THEIRS} \
             without: {}",
            conditions::today(self.project)?,
            conditions::cores(),
            conditions::processor(),
            self.rounds,
            version.lines().next().unwrap_or("unknown version").trim(),
        ))
    }

    /// Both packagers, one file for each track.
    fn beside_shaka(&self, film: &Film, scheme: &'static str, report: &mut Report) -> Result<(), Error> {
        let file = film.file(self.project, &self.folder)?;
        let out = self.folder.join("out");
        let mut ours = self.matinee(&out);
        ours.args(["package", "--movie", "1", "--scheme", scheme]).arg("--key").arg(format!("{KEY}:{KEY}"));
        ours.arg("--output").arg(out.join("film")).arg("--").arg(&file);
        let mut theirs = command::command(self.project, &self.shaka);
        for kind in ["video", "audio"] {
            let to = out.join(kind);
            theirs.arg(format!("in={},stream={kind},output={}.mp4", file.display(), to.display()));
        }
        theirs.args(["--segment_duration", "4", "--clear_lead", "0", "--protection_scheme", scheme]);
        theirs.args(["--enable_raw_key_encryption", "--protection_systems", "Common"]);
        theirs.arg("--keys").arg(format!("label=:key_id={KEY}:key={KEY}"));
        let [ours, theirs] = self.in_turn(&out, &file, [&ours, &theirs])?;
        let what = |of: &str| format!("{}, {scheme}: {of} of {THEIRS}'s", film.words());
        report.ratios.extend([
            ratio(what("time"), ours.wall(), theirs.wall(), Some(AIM_OF_SHAKA)),
            ratio(what("CPU time"), ours.cpu(), theirs.cpu(), None),
            ratio(
                format!("{}, {scheme}: memory of {OURS}, MB", film.words()),
                ours.memory(),
                1.0,
                Some(AIM_OF_MEMORY),
            ),
        ]);
        report.rows.push(ours.row(film, scheme, OURS));
        report.rows.push(theirs.row(film, scheme, THEIRS));
        Ok(())
    }

    /// What `add` does more than `package`: it probes, and makes a poster, too.
    fn add_beside_package(&self, report: &mut Report) -> Result<(), Error> {
        let film = Film::FIT;
        let file = film.file(self.project, &self.folder)?;
        let out = self.folder.join("out");
        let mut add = self.matinee(&out);
        add.args(["add", "--movie", "1", "--"]).arg(&file);
        let mut package = self.matinee(&out);
        package.args(["package", "--movie", "1", "--thumbnails", "--"]).arg(&file);
        let [add, package] = self.in_turn(&out, &file, [&add, &package])?;
        let what = format!("{}: matinee add's time of {OURS} --thumbnails'", film.words());
        report.ratios.push(ratio(what, add.wall(), package.wall(), Some(AIM_OF_ADD)));
        report.rows.push(add.row(&film, "cenc", "matinee add"));
        report.rows.push(package.row(&film, "cenc", "matinee package --thumbnails"));
        Ok(())
    }

    fn matinee(&self, out: &Path) -> Command {
        let mut matinee = command::command(self.project, &self.matinee);
        matinee.arg("--data").arg(out.join("data"));
        matinee
    }

    /// Runs two programs in turn, each into an empty folder, with the film in the page cache and nothing left
    /// to be written to the disk.
    fn in_turn(&self, out: &Path, film: &Path, programs: [&Command; 2]) -> Result<[Runs; 2], Error> {
        warm(film)?;
        let sync = on_path("sync");
        let mut runs = [Runs::default(), Runs::default()];
        for _ in 0..self.rounds {
            for (program, runs) in programs.iter().zip(&mut runs) {
                super::fresh(out)?;
                if let Some(sync) = &sync {
                    command::output(&mut command::command(self.project, sync))?;
                }
                let note = self.folder.join("usage");
                runs.0.push(usage::measure(self.project, &self.time, program, &note)?);
            }
        }
        super::fresh(out)?;
        Ok(runs)
    }
}

/// What the rounds of one program took; one round at least.
#[derive(Debug, Default)]
struct Runs(Vec<Usage>);

impl Runs {
    fn wall(&self) -> f64 {
        median(self.0.iter().map(|usage| usage.wall.as_secs_f64() * 1e3))
    }

    fn cpu(&self) -> f64 {
        median(self.0.iter().map(|usage| usage.cpu.as_secs_f64() * 1e3))
    }

    fn memory(&self) -> f64 {
        self.0.iter().map(|usage| usage.memory as f64 / 1e6).fold(0.0, f64::max)
    }

    fn row(&self, film: &Film, scheme: &'static str, program: &'static str) -> Row {
        let film = film.words();
        Row { film, scheme, program, wall: self.wall(), cpu: self.cpu(), memory: self.memory() }
    }
}

fn ratio(what: String, ours: f64, theirs: f64, aim: Option<f64>) -> Ratio {
    Ratio { what, value: ours / theirs, aim }
}

/// Reads a film once, so that the page cache has it.
fn warm(film: &Path) -> Result<(), Error> {
    let mut file = std::fs::File::open(film).map_err(Error::file(film))?;
    std::io::copy(&mut file, &mut std::io::sink()).map_err(Error::file(film)).map(drop)
}
