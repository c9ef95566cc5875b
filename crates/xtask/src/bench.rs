//! `cargo xtask bench`: numbers, with the conditions under which they were taken.

mod decrypt;
mod delivery;
mod serve;
mod startup;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use clap::{Args, Subcommand};
use serde::Serialize;

use crate::build::{Kind, Size, build_binary, build_site};
use crate::command;
use crate::error::Error;
use crate::project::Project;
use crate::tools;

/// Options of `cargo xtask bench`.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    bench: Bench,
    /// Print JSON.
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Bench {
    /// Time to protect a film: `matinee package` against ffmpeg's encrypting copy.
    Package {
        /// The film's files [default: the demo film].
        input: Vec<PathBuf>,
        /// How many times each is run; the median counts.
        #[arg(long, default_value_t = 5)]
        rounds: usize,
    },
    /// AES in browsers: Matinee's beside the aes crate, WebCrypto, hls.js, @noble/ciphers and Shaka Player.
    Decrypt {
        /// How many times each is run; the median counts.
        #[arg(long, default_value_t = 15)]
        rounds: usize,
    },
    /// From click to first frame: ours, signed in and with a registered device, beside Shaka Player
    /// (ClearKey) and hls.js (AES-128).
    Startup {
        /// Runs for each player and distance.
        #[arg(long, default_value_t = 15)]
        runs: usize,
        /// Round-trip times in milliseconds, with commas between.
        #[arg(long, default_value = "0,20,80")]
        rtt: String,
        /// Megabits per second.
        #[arg(long, default_value_t = 20.0)]
        megabits: f64,
    },
    /// Renewals, authorizations and licenses per second, on SQLite and PostgreSQL, and the server's processor time
    /// for each beside that of its cryptography.
    Control {
        /// Seconds for each.
        #[arg(long, default_value_t = 10)]
        seconds: u64,
        /// Connections at a time.
        #[arg(long, default_value_t = 8)]
        connections: usize,
    },
    /// The edge beside nginx with secure_link: ranges of 64 KB and 4 MB of a file in memory, by wrk with 64
    /// connections, all on the same two cores.
    Edge(Rounds),
    /// Segments that the origin encrypts when they are asked for, beside the same from the edge.
    Origin(Rounds),
    /// What the browser must load: scripts and modules.
    Sizes,
}

/// How much of edge and origin is measured.
#[derive(Debug, Args)]
struct Rounds {
    /// Runs of each, by turns; the median counts.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Seconds of a run.
    #[arg(long, default_value_t = 10)]
    seconds: u64,
}

impl Rounds {
    fn extent(&self) -> delivery::Extent {
        delivery::Extent { rounds: self.rounds.max(1), seconds: self.seconds.max(1) }
    }
}

/// Runs the task.
///
/// # Errors
/// Of the tools, of the compilers, and of what is measured.
pub(crate) fn run(project: &Project, arguments: &Arguments) -> Result<(), Error> {
    match &arguments.bench {
        Bench::Package { input, rounds } => {
            let demo = project.demo_film().to_vec();
            let report = package(project, if input.is_empty() { &demo } else { input }, (*rounds).max(1))?;
            print(&report, arguments.json, |report| {
                println!("{}", report.conditions);
                for result in &report.results {
                    println!(
                        "{:<10} {:>8.1} ms (median), {:>7.1} MB/s",
                        result.program, result.milliseconds, result.megabytes_per_second
                    );
                }
            })
        }
        Bench::Startup { runs, rtt, megabits } => {
            startup::run(project, (*runs).max(1), rtt, *megabits, arguments.json)
        }
        Bench::Decrypt { rounds } => {
            print(&decrypt::run(project, (*rounds).max(1))?, arguments.json, decrypt::print)
        }
        Bench::Control { seconds, connections } => control(project, *seconds, *connections, arguments.json),
        Bench::Edge(rounds) => {
            print(&delivery::edge(project, rounds.extent())?, arguments.json, delivery::print)
        }
        Bench::Origin(rounds) => {
            print(&delivery::origin(project, rounds.extent())?, arguments.json, delivery::print)
        }
        Bench::Sizes => {
            let sizes = Size::of_modules(&build_site(project, Kind::Release)?);
            if arguments.json { print(&sizes, true, |_| ()) } else { Ok(()) }
        }
    }
}

#[derive(Debug, Serialize)]
struct Report {
    conditions: String,
    results: Vec<Row>,
}

#[derive(Debug, Serialize)]
struct Row {
    program: &'static str,
    milliseconds: f64,
    megabytes_per_second: f64,
}

fn print<T: Serialize>(report: &T, json: bool, text: impl FnOnce(&T)) -> Result<(), Error> {
    if !json {
        text(report);
        return Ok(());
    }
    let json = serde_json::to_string_pretty(report).map_err(|error| Error::Rule(error.to_string()))?;
    println!("{json}");
    Ok(())
}

/// Runs the load generator of the server's crate against the release binary.
fn control(project: &Project, seconds: u64, connections: usize, json: bool) -> Result<(), Error> {
    tools::postgres(project)?;
    build_site(project, Kind::Release)?;
    let binary = build_binary(project, Kind::Release)?;
    let mut load = command::cargo(project);
    load.args(["run", "--release", "--quiet", "--package", "server", "--example", "control_load", "--"])
        .arg(&binary)
        .args(project.demo_film())
        .args(["--seconds", &seconds.to_string(), "--connections", &connections.to_string()]);
    if json {
        load.arg("--json");
    }
    command::run(&mut load)
}

/// Packages the files `rounds` times with each program, into a fresh folder each time.
fn package(project: &Project, input: &[PathBuf], rounds: usize) -> Result<Report, Error> {
    tools::ffmpeg(project)?;
    build_site(project, Kind::Release)?;
    let binary = build_binary(project, Kind::Release)?;
    let mut bytes = 0;
    let mut files = Vec::new();
    for file in input {
        bytes += file.metadata().map_err(Error::file(file))?.len();
        files.push(file.canonicalize().map_err(Error::file(file))?);
    }
    let folder = project.target.join("bench");
    let ours = median(rounds, || {
        fresh(&folder)?;
        let mut matinee = command::command(project, &binary);
        matinee.arg("--data").arg(folder.join("data")).args(["package", "--movie", "1", "--output"]);
        matinee.arg(folder.join("out")).arg("--").args(&files);
        Ok(vec![matinee])
    })?;
    let theirs = median(rounds, || {
        fresh(&folder)?;
        let jobs = files.iter().enumerate().map(|(index, file)| {
            let mut ffmpeg = command::command(project, "ffmpeg");
            ffmpeg.args(["-v", "error", "-i"]).arg(file).args([
                "-c",
                "copy",
                "-movflags",
                "frag_keyframe+empty_moov",
            ]);
            ffmpeg.args([
                "-encryption_scheme",
                "cenc-aes-ctr",
                "-encryption_key",
                KEY,
                "-encryption_kid",
                KEY,
            ]);
            ffmpeg.arg(folder.join(format!("{index}.mp4")));
            ffmpeg
        });
        Ok(jobs.collect())
    })?;
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let row = |program, time: Duration| Row {
        program,
        milliseconds: time.as_secs_f64() * 1e3,
        megabytes_per_second: bytes as f64 / 1e6 / time.as_secs_f64(),
    };
    Ok(Report {
        conditions: format!(
            "{} files, {bytes} bytes, {rounds} rounds, {cores} cores, {}, release build; `matinee package` with its checks and hashes, \
             all files in one run, against `ffmpeg -c copy` with cenc-aes-ctr, one run for each file",
            files.len(),
            std::env::consts::ARCH
        ),
        results: vec![row("matinee", ours), row("ffmpeg", theirs)],
    })
}

/// A key for ffmpeg; nothing is protected with it.
const KEY: &str = "00112233445566778899aabbccddeeff";

fn fresh(folder: &Path) -> Result<(), Error> {
    if folder.is_dir() {
        std::fs::remove_dir_all(folder).map_err(Error::file(folder))?;
    }
    std::fs::create_dir_all(folder).map_err(Error::file(folder))
}

fn median(rounds: usize, prepare: impl Fn() -> Result<Vec<Command>, Error>) -> Result<Duration, Error> {
    let mut times = Vec::with_capacity(rounds);
    for _ in 0..rounds {
        let jobs = prepare()?;
        let started = Instant::now();
        for mut job in jobs {
            command::output(&mut job)?;
        }
        times.push(started.elapsed());
    }
    times.sort();
    Ok(times[times.len() / 2])
}
