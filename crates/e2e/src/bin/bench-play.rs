//! What a minute of play costs: ours, protected and with its controls hidden, beside a bare page of Shaka
//! Player with ClearKey, which has no controls. `cargo xtask bench play` prepares what this measures.
//!
//! Each run has a fresh browser with a fresh profile, and players take turns. What is counted begins once the
//! film plays and the pointer has rested for [`SETTLING`], in which controls go away and buffers fill.

#![forbid(unsafe_code)]
// As in the harness: a failure is a panic.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use axum::Router;
use clap::Parser;
use e2e::{Browser, PASSWORD, Stage, TITLE, serve_pages};
use serde::Serialize;
use serde_json::Value;
use tower_http::services::ServeDir;

/// Between the first frame and what is counted.
const SETTLING: Duration = Duration::from_secs(8);
/// What ours may take, as a multiple of Shaka's.
const RATIO: f64 = 1.1;

/// Notes the tasks of the main thread that took longer than 50 ms.
const PROBE: &str = "
    window.tasks = [];
    new PerformanceObserver(list => tasks.push(...list.getEntries().map(entry => entry.duration)))
        .observe({ type: 'longtask', buffered: true });";

/// Measures play.
#[derive(Debug, Parser)]
struct Arguments {
    /// The folder with Shaka Player's page, script and content.
    #[arg(long)]
    others: PathBuf,
    /// The film, as Matinee gets it.
    #[arg(long)]
    film: PathBuf,
    /// What is measured, in words: versions and such.
    #[arg(long)]
    conditions: String,
    /// Runs of each player, by turns.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Seconds of a run that are measured.
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
enum Player {
    Matinee,
    Shaka,
}

/// What is counted of a run, in the order of the table: its name, its unit, and whether the aim is for it.
const COUNTED: [(&str, &str, bool); 14] = [
    ("main thread, tasks", "s", true),
    ("main thread, scripts", "s", false),
    ("main thread, style and layout", "s", false),
    ("renderers, processor", "s", true),
    ("GPU process, processor", "s", true),
    ("browser process, processor", "s", false),
    ("other processes, processor", "s", false),
    ("all processes, processor", "s", true),
    ("renderers, memory (Pss)", "MB", true),
    ("all processes, memory (Pss)", "MB", true),
    ("JS heap", "MB", false),
    ("longest task", "ms", false),
    ("frames", "", false),
    ("dropped frames", "", false),
];

/// Numbers of one run, in the order of [`COUNTED`].
#[derive(Debug, Clone, Serialize)]
struct Run {
    player: Player,
    numbers: [f64; COUNTED.len()],
}

/// One line of the table.
#[derive(Debug, Serialize)]
struct Row {
    name: &'static str,
    unit: &'static str,
    /// Medians.
    matinee: f64,
    shaka: f64,
    /// Of the medians; `None` where Shaka's is nothing.
    ratio: Option<f64>,
    /// Whether it is within the aim, where there is one.
    within: Option<bool>,
}

#[derive(Debug, Serialize)]
struct Report {
    conditions: String,
    rows: Vec<Row>,
    runs: Vec<Run>,
}

impl Report {
    fn new(conditions: String, runs: Vec<Run>) -> Self {
        let rows = COUNTED.iter().enumerate().map(|(at, &(name, unit, aimed))| {
            let of = |player| {
                median(runs.iter().filter(|run| run.player == player).map(|run| run.numbers[at]).collect())
            };
            let (matinee, shaka) = (of(Player::Matinee), of(Player::Shaka));
            let ratio = (shaka > 0.0).then(|| matinee / shaka);
            let within = ratio.filter(|_| aimed).map(|ratio| ratio <= RATIO);
            Row { name, unit, matinee, shaka, ratio, within }
        });
        Self { conditions, rows: rows.collect(), runs }
    }

    fn table(&self) -> String {
        let mut text = format!(
            "{}\n\n| | Matinee | Shaka Player, ClearKey | ratio | aim: {RATIO} |\n|---|---|---|---|---|\n",
            self.conditions
        );
        for Row { name, unit, matinee, shaka, ratio, within } in &self.rows {
            let places = if *unit == "s" { 2 } else { 0 };
            let ratio = ratio.map_or("–".to_owned(), |ratio| format!("{ratio:.2}"));
            let aim = match within {
                Some(true) => "met",
                Some(false) => "**missed**",
                None => "",
            };
            let _ = writeln!(
                text,
                "| {name} | {matinee:.places$} {unit} | {shaka:.places$} {unit} | {ratio} | {aim} |"
            );
        }
        text
    }
}

/// The median, of one value at least; that between the two in the middle.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 { values[middle] } else { values[middle - 1].midpoint(values[middle]) }
}

/// The machine's load averages.
fn load() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').take(3).collect::<Vec<_>>().join(" ")
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let arguments = Arguments::parse();
    let before = load();
    let shaka =
        serve_pages(Router::new().fallback_service(ServeDir::new(&arguments.others).precompressed_br()));
    let config =
        "[devices]\nlimit = 1000\n[limits]\nlogins_per_address = 10000\nlogins_of_unknown_browsers = 10000\n";
    let stage = Stage::start_with(0, config, std::slice::from_ref(&arguments.film)).await;
    let mut runs = Vec::new();
    for round in 0..arguments.rounds.max(1) {
        // Who begins a round changes, too.
        let mut players = [Player::Matinee, Player::Shaka];
        players.rotate_left(round % 2);
        for player in players {
            let browser = Browser::start().await;
            browser.before_each_page(PROBE).await;
            match player {
                Player::Matinee => play_ours(&browser, &stage).await,
                Player::Shaka => {
                    let page = format!("http://localhost:{}/shaka-address.html", shaka.port());
                    browser.open(&format!("{page}?film=/dash/film.mpd")).await;
                }
            }
            let run = measure(&browser, player, Duration::from_secs(arguments.seconds)).await;
            eprintln!("{}/{}: {player:?}: {:.2} s", round + 1, arguments.rounds, run.numbers[0]);
            runs.push(run);
            browser.quit().await;
        }
    }
    let conditions = format!(
        "{}; {} s in each of {} runs, by turns; fresh profile for each; load average {before} before, {} after",
        arguments.conditions,
        arguments.seconds,
        arguments.rounds,
        load()
    );
    let report = Report::new(conditions, runs);
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&report).unwrap());
    } else {
        print!("{}", report.table());
    }
}

/// Opens the film by a click, for an account that has not seen any of it.
async fn play_ours(browser: &Browser, stage: &Stage) {
    let email = format!("v{}@example.org", fastrand::u64(..));
    stage.server.run(&["user", "add", &email, "--password", PASSWORD]);
    browser.open(&format!("{}/login", stage.url())).await;
    browser.fill("Email", &email).await;
    browser.fill("Password", PASSWORD).await;
    browser.button("Sign in").await.click().await.unwrap();
    browser.film(TITLE).await.click().await.unwrap();
}

/// Counts from the moment at which play has settled.
async fn measure(browser: &Browser, player: Player, time: Duration) -> Run {
    let plays = "return window.trouble ?? (document.querySelector('video')?.currentTime > 1)";
    let begun = browser.until("the film to play", plays).await;
    assert_eq!(begun, Value::Bool(true), "{player:?}");
    tokio::time::sleep(SETTLING).await;
    if player == Player::Matinee {
        let hidden = "return !!document.querySelector('.controls.idle, .idle .controls, .controls[hidden]') \
                      || !document.querySelector('.controls')";
        browser.until("the controls to go away", hidden).await;
    }
    let frames = "const seen = document.querySelector('video').getVideoPlaybackQuality();
                  return [seen.totalVideoFrames, seen.droppedVideoFrames]";
    let _: bool = browser.eval("window.tasks.length = 0; return true").await;
    let [shown, dropped]: [f64; 2] = browser.eval(frames).await;
    let (busy, main) = (busy_by_kind(browser), browser.metrics().await);
    tokio::time::sleep(time).await;
    let (busy_then, main_then) = (busy_by_kind(browser), browser.metrics().await);
    let [shown_then, dropped_then]: [f64; 2] = browser.eval(frames).await;
    let longest: f64 = browser.eval("return Math.max(0, ...window.tasks)").await;
    let ended: bool =
        browser.eval("const v = document.querySelector('video'); return v.ended || v.paused").await;
    assert!(!ended, "{player:?} plays to the end of what is measured");

    let took = |name: &str| main_then[name] - main[name];
    let spent = |kind: &str| {
        let of = |busy: &BTreeMap<String, f64>| busy.get(kind).copied().unwrap_or_default();
        of(&busy_then) - of(&busy)
    };
    let all = busy_then.values().sum::<f64>() - busy.values().sum::<f64>();
    let (renderers, gpu, own) = (spent("renderer"), spent("gpu-process"), spent(""));
    let processes = browser.processes();
    let memory = |kind: Option<&str>| {
        let counted = processes.iter().filter(|process| kind.is_none_or(|kind| process.kind == kind));
        counted.map(|process| process.proportional.unwrap_or(process.resident)).sum::<u64>() as f64 / 1e6
    };
    let numbers = [
        took("TaskDuration"),
        took("ScriptDuration"),
        took("LayoutDuration") + took("RecalcStyleDuration"),
        renderers,
        gpu,
        own,
        all - renderers - gpu - own,
        all,
        memory(Some("renderer")),
        memory(None),
        main_then["JSHeapUsedSize"] / 1e6,
        longest,
        shown_then - shown,
        dropped_then - dropped,
    ];
    Run { player, numbers }
}

/// Seconds of processor time by the kind of process. One that ended meanwhile takes its time with it: during
/// play none does.
fn busy_by_kind(browser: &Browser) -> BTreeMap<String, f64> {
    let mut sums = BTreeMap::new();
    for process in browser.processes() {
        *sums.entry(process.kind).or_default() += process.busy;
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_and_their_ratio() {
        let run = |player, number| Run { player, numbers: [number; COUNTED.len()] };
        let ours = [1.0, 3.0, 2.0].map(|number| run(Player::Matinee, number));
        let others = [1.0, 3.0].map(|number| run(Player::Shaka, number));
        let report = Report::new(String::new(), ours.into_iter().chain(others).collect());
        assert_eq!((report.rows[0].matinee, report.rows[0].shaka), (2.0, 2.0));
        assert_eq!((report.rows[0].ratio, report.rows[0].within), (Some(1.0), Some(true)));
        assert!(
            report.table().contains("| main thread, tasks | 2.00 s | 2.00 s | 1.00 | met |"),
            "{}",
            report.table()
        );
    }
}
