//! Plays a film over simulated links with each set of rules, and prints what the viewer gets:
//! `cargo run -p engine --example simulate [-- --json]`. Same numbers each time.
#![allow(clippy::unwrap_used)]

#[path = "../tests/suite/world/mod.rs"]
#[allow(dead_code, unused_imports)] // most of it is for the tests
mod world;

mod report;

use std::time::Duration;

use engine::{
    Config,
    abr::{Algorithm, StartConditions},
};
use report::Number;
use world::{Film, Trace, World, ms};

/// Seconds of film.
const LENGTH: f64 = 600.0;
/// Films, and walks of each cellular link; what is printed is the mean over them.
const SEEDS: std::ops::Range<u64> = 0..4;

const PLAYERS: [(&str, Algorithm); 3] = [
    ("Dynamic", Algorithm::Dynamic),
    ("throughput only", Algorithm::ThroughputOnly),
    ("BOLA only", Algorithm::BolaOnly),
];

#[derive(Clone, Copy, Default)]
struct Outcome {
    start_up: f64,
    rebuffers: f64,
    rebuffering: f64,
    mean: f64,
    share: f64,
    switches: f64,
    abandoned: f64,
}

impl Outcome {
    fn add(&mut self, other: &Self, weight: f64) {
        self.start_up += other.start_up * weight;
        self.rebuffers += other.rebuffers * weight;
        self.rebuffering += other.rebuffering * weight;
        self.mean += other.mean * weight;
        self.share += other.share * weight;
        self.switches += other.switches * weight;
        self.abandoned += other.abandoned * weight;
    }

    fn numbers(&self) -> [Number; 7] {
        let number = |head, name, value, digits, unit| Number { head, name, value, digits, unit };
        [
            number("start-up", "start_up_s", self.start_up, (2, 3), " s"),
            number("stalls", "stalls", self.rebuffers, (2, 3), ""),
            number("stalled", "stalled_s", self.rebuffering, (1, 2), " s"),
            number("picture", "picture_mbps", self.mean, (2, 3), " Mb/s"),
            number("of the possible", "share_percent", self.share, (0, 1), " %"),
            number("switches", "switches", self.switches, (1, 2), ""),
            number("given up", "given_up", self.abandoned, (1, 2), ""),
        ]
    }
}

fn play(trace: &Trace, rtt: Duration, viewport: (u32, u32), algorithm: Algorithm, seed: u64) -> Outcome {
    let start = StartConditions { stored_estimate: None, viewport };
    let config = Config { algorithm, seed, start, ..Config::default() };
    let mut world = World::with(Film::ladder(LENGTH, seed), 0.0, config);
    world.trace = Some(trace.clone());
    world.rtt = rtt;
    world.fragments = 4;
    world.keep_log = false;
    world.step = ms(20);
    world.manifest(0.0);
    let begins = world.now;
    while world.position < LENGTH - 0.02 && world.now < begins + Duration::from_secs(3600) {
        world.step();
        assert_eq!(world.failure(), None, "{}", trace.name);
    }
    let sound = world.film.file("a-en").mean();
    let allowed: Vec<_> = world.engine.selectable().filter(|r| fits(r.size, viewport)).collect();
    let best = allowed.iter().map(|r| world.film.file(&r.id).mean()).fold(0.0, f64::max);
    // Sooner or later the buffer is full, and what the link carries meanwhile is lost to everybody.
    let possible = (trace.mean((world.now - begins).as_secs_f64()) - sound).min(best);
    let seen = &world.seen;
    Outcome {
        start_up: seen.start_up.unwrap_or_default().as_secs_f64(),
        rebuffers: seen.rebuffers as f64,
        rebuffering: seen.rebuffering.as_secs_f64(),
        mean: seen.mean() / 1e6,
        share: seen.mean() / possible * 100.0,
        switches: seen.switches as f64,
        abandoned: world.engine.stats().abandoned as f64,
    }
}

fn fits(size: Option<(u32, u32)>, viewport: (u32, u32)) -> bool {
    size.is_some_and(|(_, height)| height <= viewport.1)
}

/// Links by name; the cellular ones walk anew for each seed.
fn traces(seed: u64) -> Vec<Trace> {
    vec![
        Trace::constant("constant 0.7 Mb/s", 0.7e6),
        Trace::constant("constant 2 Mb/s", 2e6),
        Trace::constant("constant 5 Mb/s", 5e6),
        Trace::constant("constant 25 Mb/s", 25e6),
        Trace::steps("steps 5 and 1 Mb/s, 40 s each", 40, &[5e6, 1e6]),
        Trace::steps("steps 8, 3, 0.6, 3 Mb/s, 20 s each", 20, &[8e6, 3e6, 0.6e6, 3e6]),
        Trace::cellular("cellular, 1.5 Mb/s on average", 1.5e6, 1500, seed * 3 + 1),
        Trace::cellular("cellular, 3 Mb/s on average", 3e6, 1500, seed * 3 + 2),
        Trace::cellular("cellular, 8 Mb/s on average", 8e6, 1500, seed * 3 + 3),
    ]
}

const VIEWPORTS: [(u32, u32); 3] = [(1920, 1080), (1280, 720), (640, 360)];

fn main() {
    let json = std::env::args().any(|argument| argument == "--json");
    let mut rows = vec![];
    let mut totals = [(Outcome::default(), 0.0); PLAYERS.len()];
    let names: Vec<&str> = traces(0).iter().map(|trace| trace.name).collect();
    let mut cases: Vec<(usize, u64, (u32, u32))> = vec![];
    for place in 0..names.len() {
        cases.extend([20, 80].map(|rtt| (place, rtt, VIEWPORTS[0])));
    }
    // The smaller elements, on the links that carry more than they need.
    cases.extend([
        (3, 80, VIEWPORTS[1]),
        (3, 80, VIEWPORTS[2]),
        (8, 80, VIEWPORTS[1]),
        (8, 80, VIEWPORTS[2]),
    ]);
    for (place, rtt, viewport) in cases {
        for (player, (name, algorithm)) in PLAYERS.into_iter().enumerate() {
            let mut mean = Outcome::default();
            for seed in SEEDS {
                let one = play(&traces(seed)[place], ms(rtt), viewport, algorithm, seed);
                mean.add(&one, 1.0 / SEEDS.count() as f64);
            }
            totals[player].0.add(&mean, 1.0);
            totals[player].1 += 1.0;
            rows.push((names[place], rtt, viewport, name, mean));
        }
    }
    if json {
        print_json(&rows);
    } else {
        print_table(&rows, &totals);
    }
}

type Row = (&'static str, u64, (u32, u32), &'static str, Outcome);

fn print_table(rows: &[Row], totals: &[(Outcome, f64)]) {
    let [heads, line] = report::heads(&Outcome::default().numbers());
    println!("| link | RTT | element | rules |{heads}");
    println!("|---|---|---|---|{line}");
    for (trace, rtt, viewport, player, outcome) in rows {
        let link = if *player == PLAYERS[0].0 {
            format!("{trace} | {rtt} ms | {}p", viewport.1)
        } else {
            "| |".into()
        };
        println!("| {link} | {player} |{}", report::cells(&outcome.numbers()));
    }
    for ((player, _), (sum, count)) in PLAYERS.iter().zip(totals) {
        let mut mean = Outcome::default();
        mean.add(sum, 1.0 / count);
        println!("| **mean of all** | | | {player} |{}", report::cells(&mean.numbers()));
    }
}

fn print_json(rows: &[Row]) {
    report::print_json(rows.iter().map(|(trace, rtt, viewport, player, outcome)| {
        let (height, numbers) = (viewport.1, report::members(&outcome.numbers()));
        format!("\"link\":\"{trace}\",\"rtt_ms\":{rtt},\"height\":{height},\"rules\":\"{player}\",{numbers}")
    }));
}
