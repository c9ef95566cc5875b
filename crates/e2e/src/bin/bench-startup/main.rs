//! To the first frame: Matinee beside Shaka Player and hls.js, from a click or ([`address`]) from the page's
//! address. `cargo xtask bench startup` prepares what this measures.
//!
//! From a click, each run has a fresh browser with a fresh profile. Before the click, Matinee's viewer is
//! signed in, stands in the library and has a registered device; the others' page is loaded, with player and
//! video element joined. Then the viewer thinks for [`THINK`], and a real click starts the film. All answers
//! come through a proxy of the same bandwidth and distance, on connections that are open already.

#![forbid(unsafe_code)]
// As in the harness: a failure is a panic.
#![allow(clippy::unwrap_used)]

mod address;
mod contender;
mod report;
mod stands;

use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;

use address::{Distance, Page, Visit};
use contender::Contender;
use report::{Report, Run};
use stands::Stands;

/// Between readiness and click.
const THINK: Duration = Duration::from_secs(2);
/// How long the pointer rests on the title, in the runs in which it does.
const REST: Duration = Duration::from_millis(500);

/// Measures the time from click to first frame.
#[derive(Debug, Parser)]
struct Arguments {
    /// The folder with the others' scripts and content.
    #[arg(long)]
    others: PathBuf,
    /// The film, as Matinee gets it.
    #[arg(long)]
    film: PathBuf,
    /// What is measured, in words: versions and such.
    #[arg(long)]
    conditions: String,
    /// Runs for each player and distance.
    #[arg(long, default_value_t = 15)]
    runs: usize,
    /// Round-trip times in milliseconds.
    #[arg(long, value_delimiter = ',', default_value = "0,20,80")]
    rtt: Vec<u64>,
    /// Megabits per second.
    #[arg(long, default_value_t = 20.0)]
    megabits: f64,
    /// Instead of clicks: pages that are opened by their address.
    #[arg(long)]
    by_address: bool,
    /// By address: `local`, or milliseconds of a round trip and megabits per second, as in 40:10.
    #[arg(long, value_delimiter = ',', default_value = "local,40:10")]
    links: Vec<Distance>,
    /// Ours alone, to see where its time goes.
    #[arg(long)]
    alone: bool,
    /// Seed of the order and of the intervals.
    #[arg(long, default_value_t = 2026)]
    seed: u64,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let arguments = Arguments::parse();
    let load_before = report::load();
    let stands = Stands::start(&arguments.others, &arguments.film).await;
    if arguments.by_address {
        return by_address(&stands, &arguments, load_before).await;
    }
    let mut order: Vec<(Contender, u64)> = Vec::new();
    for &rtt in &arguments.rtt {
        for contender in Contender::ALL {
            if arguments.alone && !contender.is_ours() {
                continue;
            }
            order.extend(std::iter::repeat_n((contender, rtt), arguments.runs));
        }
    }
    fastrand::Rng::with_seed(arguments.seed).shuffle(&mut order);
    let mut runs: Vec<Run> = Vec::with_capacity(order.len());
    for (number, &(contender, rtt)) in order.iter().enumerate() {
        let run = stands.run(contender, rtt, arguments.megabits).await;
        eprintln!(
            "{}/{}: {} at {rtt} ms: {:.0} ms",
            number + 1,
            order.len(),
            contender.name(),
            run.first_frame
        );
        runs.push(run);
    }
    let report = Report::new(
        format!(
            "{}; {} Mb/s; {} runs for each player and distance, shuffled; fresh profile for each; load average {load_before} before, {} after",
            arguments.conditions,
            arguments.megabits,
            arguments.runs,
            report::load()
        ),
        runs,
        arguments.seed,
    );
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&report).unwrap());
    } else {
        print!("{}", report.table());
    }
}

async fn by_address(stands: &Stands, arguments: &Arguments, load_before: String) {
    stands.add_another(&arguments.film);
    let mut order: Vec<(Page, Visit, Distance)> = Vec::new();
    for &distance in &arguments.links {
        for visit in Visit::ALL {
            for page in Page::ALL.into_iter().filter(|page| !(arguments.alone && *page == Page::Shaka)) {
                order.extend(std::iter::repeat_n((page, visit, distance), arguments.runs));
            }
        }
    }
    fastrand::Rng::with_seed(arguments.seed).shuffle(&mut order);
    let mut runs = Vec::with_capacity(order.len());
    for (number, &(page, visit, distance)) in order.iter().enumerate() {
        let run = stands.start_by_address(page, visit, distance).await;
        eprintln!(
            "{}/{}: {}, {visit:?}, {}: {:.0} ms",
            number + 1,
            order.len(),
            page.name(),
            distance.name(),
            run.first_frame
        );
        runs.push(run);
    }
    let conditions = format!(
        "{}; {} runs for each page, visit and link, shuffled; load average {load_before} before, {} after",
        arguments.conditions,
        arguments.runs,
        report::load()
    );
    let report = address::Report::new(conditions, &arguments.links, runs, arguments.seed);
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&report).unwrap());
    } else {
        print!("{}", report.table());
    }
}
