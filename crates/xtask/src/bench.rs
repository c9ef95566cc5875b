//! `cargo xtask bench`: numbers, with the conditions under which they were taken.

mod conditions;
mod decrypt;
pub(crate) mod delivery;
mod eme;
mod ingest;
mod live;
mod median;
mod noise_film;
mod package;
mod pages;
mod play;
mod serve;
mod startup;

use std::path::Path;

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
    /// Packaging: `matinee package` beside Shaka Packager, time, processor time and memory for cenc and cbcs;
    /// and `matinee add` of a film that needs no transcoding beside `package`.
    Package {
        /// How many times each is run; the median counts.
        #[arg(long, default_value_t = 7)]
        rounds: usize,
        /// Also with a film of 2 GB, which is made once.
        #[arg(long)]
        large: bool,
    },
    /// AES in browsers: Matinee's beside the aes crate, WebCrypto, hls.js, @noble/ciphers and Shaka Player.
    Decrypt {
        /// How many times each is run; the median counts.
        #[arg(long, default_value_t = 15)]
        rounds: usize,
    },
    /// To the first frame: ours, signed in and with a registered device, beside Shaka Player (ClearKey) and
    /// hls.js (AES-128), from a click; or, with --by-address, beside a bare page of Shaka Player from the
    /// page's address.
    Startup(startup::Options),
    /// A minute of play: processor time of the main thread and of the browser's processes, memory, longest
    /// task and dropped frames, ours with hidden controls beside a bare page of Shaka Player (ClearKey).
    Play {
        /// How many times each is run, by turns; the median counts.
        #[arg(long, default_value_t = 5)]
        rounds: usize,
        /// Seconds of a run that are measured, at most 120.
        #[arg(long, default_value_t = 60)]
        seconds: u64,
    },
    /// The site's pages with a library of 1,000 films, and the player: which tasks of the main thread take
    /// more than 50 ms.
    Pages {
        /// How many times all of it is done.
        #[arg(long, default_value_t = 3)]
        rounds: usize,
    },
    /// Glass to glass: the time of day in an event's pictures, read back in Chromium: ours, protected, beside
    /// hls.js and dash.js on the same pictures in the clear.
    Live {
        /// Seconds that are measured of each player and distance.
        #[arg(long, default_value_t = 60)]
        seconds: u64,
        /// Round-trip times in milliseconds, with commas between.
        #[arg(long, default_value = "0,80")]
        rtt: String,
        /// Megabits per second.
        #[arg(long, default_value_t = 20.0)]
        megabits: f64,
    },
    /// Encoders of 600 kb/s that publish at a time, by HTTP and by RTMP, and what each costs the server,
    /// beside nginx-rtmp with the same streams in the clear.
    Ingest {
        /// Numbers of publishers, with commas between; each server is asked for more until one falls behind.
        #[arg(long, value_delimiter = ',', default_value = "25,50,100,200",
              value_parser = clap::value_parser!(u16).range(1..=1000))]
        steps: Vec<u16>,
        /// Seconds of each that are measured.
        #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u64).range(4..=3600))]
        seconds: u64,
    },
    /// The shim for players of others: appends of segments of 4 s and 4 MB through it beside the browser's
    /// ClearKey.
    Eme {
        /// Turns of each; one is the whole film.
        #[arg(long, default_value_t = 7)]
        rounds: usize,
    },
    /// Renewals, authorizations and licenses per second, on SQLite and PostgreSQL, and the server's processor
    /// time for each beside that of its cryptography.
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
    /// How many tokens of URLs a core checks in a second, in each form; as text alone.
    Tokens,
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
        Bench::Package { rounds, large } => {
            print(&package::run(project, (*rounds).max(1), *large)?, arguments.json, package::print)
        }
        Bench::Startup(options) => startup::run(project, options, arguments.json),
        Bench::Play { rounds, seconds } => {
            play::run(project, (*rounds).max(1), (*seconds).clamp(1, play::LONGEST), arguments.json)
        }
        Bench::Pages { rounds } => pages::run(project, (*rounds).max(1), arguments.json),
        Bench::Live { seconds, rtt, megabits } => {
            live::run(project, (*seconds).max(1), rtt, *megabits, arguments.json)
        }
        Bench::Decrypt { rounds } => {
            print(&decrypt::run(project, (*rounds).max(1))?, arguments.json, decrypt::print)
        }
        Bench::Ingest { steps, seconds } => {
            let steps = steps.iter().copied().map(usize::from).collect();
            let extent = ingest::Extent { steps, seconds: *seconds };
            print(&ingest::run(project, &extent)?, arguments.json, ingest::print)
        }
        Bench::Eme { rounds } => eme::run(project, (*rounds).max(1), arguments.json),
        Bench::Control { seconds, connections } => control(project, *seconds, *connections, arguments.json),
        Bench::Edge(rounds) => {
            print(&delivery::edge(project, rounds.extent())?, arguments.json, delivery::print)
        }
        Bench::Origin(rounds) => {
            print(&delivery::origin(project, rounds.extent())?, arguments.json, delivery::print)
        }
        Bench::Tokens => {
            let mut checks = command::cargo(project);
            command::run(checks.args([
                "run",
                "--release",
                "--quiet",
                "--package",
                "urltoken",
                "--example",
                "checks_per_second",
            ]))
        }
        Bench::Sizes => {
            let sizes = Size::of_modules(&build_site(project, Kind::Release)?);
            if arguments.json { print(&sizes, true, |_| ()) } else { Ok(()) }
        }
    }
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

/// An empty folder in this place.
fn fresh(folder: &Path) -> Result<(), Error> {
    if folder.is_dir() {
        std::fs::remove_dir_all(folder).map_err(Error::file(folder))?;
    }
    std::fs::create_dir_all(folder).map_err(Error::file(folder))
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
