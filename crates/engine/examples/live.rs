//! Follows a simulated event in parts over simulated links, by our rules and by those that others publish,
//! and prints what the viewer gets: `cargo run -p engine --example live [-- --markdown | --json]`. A Markdown
//! table is what it prints without being asked, too. Same numbers each time.
//!
//! Ours is the engine itself. The others are their published rules in a plain player: what is measured, which
//! picture is taken, how fast it is played. They are asked to stay as far behind as ours, fetch parts as soon
//! as they are published, and measure what they get without idle time.
#![allow(clippy::unwrap_used)]

#[path = "../tests/suite/world/mod.rs"]
#[allow(dead_code, unused_imports)] // most of it is for the tests
mod world;

mod report;

use std::time::Duration;

use engine::{Config, abr::StartConditions};
use report::Number;
use world::{Film, SEGMENT, Trace, World, ms};

/// Seconds of the event that are watched, and seconds at the beginning that do not count.
const LENGTH: f64 = 600.0;
const SETTLE: f64 = 30.0;
/// Seconds of a part, and how far behind what the encoder sees it is to be played.
const PART: f64 = 0.5;
const TARGET: f64 = 1.5;
const STEP: Duration = ms(20);
/// Walks of each cellular link; what is printed is the mean over them.
const SEEDS: std::ops::Range<u64> = 0..4;

/// Who follows.
#[derive(Clone, Copy, PartialEq)]
enum Rules {
    Ours,
    /// dash.js 5.2: ThroughputRule (0.9 of the smaller of two averages with half-lives of 3 and 8 s) and,
    /// after the buffer ran dry, the lowest picture (InsufficientBufferRule); LiveCatchupMode default (up to
    /// half faster or slower, by a sigmoid of the difference); a seek from 12 s on (`maxDrift`).
    DashJs,
    /// Shaka Player 5.2: SimpleAbrManager (half-lives of 2 and 5 s, up at 0.85, down at 0.95, every 8 s at
    /// most); liveSync (1.1 and 0.95 outside of half a second around the target).
    Shaka,
}

impl Rules {
    const ALL: [Self; 3] = [Self::Ours, Self::DashJs, Self::Shaka];

    const fn name(self) -> &'static str {
        match self {
            Self::Ours => "ours",
            Self::DashJs => "rules of dash.js",
            Self::Shaka => "rules of Shaka Player",
        }
    }

    const fn half_lives(self) -> [f64; 2] {
        match self {
            Self::Shaka => [2.0, 5.0],
            Self::Ours | Self::DashJs => [3.0, 8.0],
        }
    }

    /// How fast to play at a distance.
    fn rate(self, latency: f64) -> f64 {
        let off = latency - TARGET;
        match self {
            Self::DashJs => 0.5 + 1.0 / (1.0 + (-5.0 * off).exp()),
            Self::Shaka if off > 0.5 => 1.1,
            Self::Shaka if off < -0.5 => 0.95,
            Self::Shaka | Self::Ours => 1.0,
        }
    }

    /// Which picture to take, by place, of these rates in ascending order.
    fn choose(self, rates: &[f64], throughput: f64, ran_dry: bool) -> usize {
        match self {
            Self::DashJs if ran_dry => 0,
            Self::DashJs | Self::Ours => {
                rates.iter().rposition(|rate| *rate <= throughput * 0.9).unwrap_or(0)
            }
            Self::Shaka => {
                let fits = |place: &usize| {
                    let next = rates.get(place + 1).map_or(f64::INFINITY, |next| next / 0.85);
                    throughput >= rates[*place] / 0.95 && throughput <= next
                };
                (0..rates.len()).rev().find(fits).unwrap_or(0)
            }
        }
    }
}

/// A link by its name.
struct Link {
    name: &'static str,
    trace: Trace,
    rtt: Duration,
    loss: f64,
}

fn links(seed: u64) -> Vec<Link> {
    let link = |trace: Trace, rtt, loss| Link { name: trace.name, trace, rtt: ms(rtt), loss };
    vec![
        link(Trace::constant("constant 5 Mb/s", 5e6), 10, 0.0),
        link(Trace::constant("constant 5 Mb/s", 5e6), 80, 0.0),
        link(Trace::constant("constant 5 Mb/s", 5e6), 80, 0.01),
        link(Trace::steps("steps 5 and 1.5 Mb/s, 40 s each", 40, &[5e6, 1.5e6]), 80, 0.0),
        link(Trace::cellular("cellular, 3 Mb/s on average", 3e6, 1500, seed * 3 + 2), 80, 0.0),
        link(Trace::cellular("cellular, 8 Mb/s on average", 8e6, 1500, seed * 3 + 3), 80, 0.0),
    ]
}

#[derive(Clone, Copy, Default)]
struct Outcome {
    p50: f64,
    p95: f64,
    stalls: f64,
    stalled: f64,
    switches: f64,
    /// Mb/s.
    picture: f64,
}

impl Outcome {
    fn add(&mut self, other: &Self, weight: f64) {
        self.p50 += other.p50 * weight;
        self.p95 += other.p95 * weight;
        self.stalls += other.stalls * weight;
        self.stalled += other.stalled * weight;
        self.switches += other.switches * weight;
        self.picture += other.picture * weight;
    }

    fn numbers(&self) -> [Number; 6] {
        let number = |head, name, value, digits, unit| Number { head, name, value, digits, unit };
        [
            number("p50", "p50_s", self.p50, (2, 3), " s"),
            number("p95", "p95_s", self.p95, (2, 3), " s"),
            number("stalls", "stalls", self.stalls, (1, 2), ""),
            number("stalled", "stalled_s", self.stalled, (1, 2), " s"),
            number("switches", "switches", self.switches, (1, 2), ""),
            number("picture", "picture_mbps", self.picture, (2, 3), " Mb/s"),
        ]
    }
}

fn percentiles(mut latencies: Vec<f64>) -> (f64, f64) {
    latencies.sort_by(f64::total_cmp);
    let at = |share: f64| latencies[((latencies.len() - 1) as f64 * share) as usize];
    (at(0.5), at(0.95))
}

fn ours(link: &Link, seed: u64) -> Outcome {
    let start = StartConditions { stored_estimate: None, viewport: (1920, 1080) };
    let mut world = World::broadcast(LENGTH + 200.0, 25, 1000);
    world.engine = engine::Engine::new(Config { seed, start, ..Config::default() });
    (world.trace, world.rtt, world.loss) = (Some(link.trace.clone()), link.rtt, link.loss);
    (world.keep_log, world.step) = (false, STEP);
    (world.server().part, world.server().distance) = (Some(PART), TARGET);
    // The server holds requests for the part that comes next.
    world.server().hints = true;
    world.manifest(0.0);
    let begins = world.now;
    let mut latencies = vec![];
    while world.now < begins + Duration::from_secs_f64(LENGTH) {
        world.step();
        assert_eq!(world.failure(), None, "{}", link.name);
        if world.now > begins + Duration::from_secs_f64(SETTLE) {
            latencies.push(world.encoded() - world.position);
        }
    }
    let (p50, p95) = percentiles(latencies);
    let seen = &world.seen;
    Outcome {
        p50,
        p95,
        stalls: seen.rebuffers as f64,
        stalled: seen.rebuffering.as_secs_f64(),
        switches: seen.switches as f64,
        picture: seen.mean() / 1e6,
    }
}

/// Throughput as two averages over the time of transfers.
struct Averages {
    half_lives: [f64; 2],
    averages: [f64; 2],
    total: f64,
}

impl Averages {
    fn sample(&mut self, bits: f64, seconds: f64) {
        for (average, half_life) in self.averages.iter_mut().zip(self.half_lives) {
            let keep = 0.5_f64.powf(seconds / half_life);
            *average = *average * keep + bits / seconds * (1.0 - keep);
        }
        self.total += seconds;
    }

    fn estimate(&self) -> f64 {
        let corrected =
            |(average, half_life): (&f64, f64)| average / (1.0 - 0.5_f64.powf(self.total / half_life));
        let both = self.averages.iter().zip(self.half_lives).map(corrected);
        if self.total > 0.0 { both.fold(f64::INFINITY, f64::min) } else { 1e6 }
    }
}

/// A plain player with somebody's rules. It joins where ours does; times are seconds since then.
fn theirs(rules: Rules, link: &Link, seed: u64) -> Outcome {
    let film = Film::ladder(LENGTH + 200.0, 3);
    let pictures: Vec<_> = film.files.iter().filter(|file| file.size.is_some()).collect();
    let sound = film.file("a-en");
    let rates: Vec<f64> = pictures.iter().map(|file| file.bandwidth as f64).collect();
    let in_segment = (SEGMENT / PART) as usize;
    let step = STEP.as_secs_f64();
    let rtt = link.rtt.as_secs_f64();
    let mut rng = fastrand::Rng::with_seed(seed + 11);
    let mut measured = Averages { half_lives: rules.half_lives(), averages: [0.0; 2], total: 0.0 };
    // What the encoder has made at the beginning; the part that comes next, by segment and place in it.
    let made_before = 25.0 * SEGMENT;
    let (mut place, mut part) = (24, in_segment - (TARGET / PART).ceil() as usize);
    let (mut position, mut end) = (made_before - TARGET, made_before - TARGET);
    let (mut rung, mut switched) = (0, f64::NEG_INFINITY);
    let (mut missing, mut flows_at, mut took) = (0.0, None, 0.0);
    let (mut started, mut is_dry, mut ran_dry) = (false, true, false);
    let mut outcome = Outcome::default();
    let (mut latencies, mut bits, mut played) = (vec![], 0.0, 0.0);
    let mut chosen = std::collections::BTreeMap::new();
    let mut now = 0.0;
    while now < LENGTH {
        now += step;
        let made = made_before + now;
        let published = place as f64 * SEGMENT + (part + 1) as f64 * PART;
        let bytes =
            |rung: usize| ((pictures[rung].sizes[place] + sound.sizes[place]) / in_segment as u64) as f64;
        // The next part, once it is published. A segment begins with a choice and a request.
        if flows_at.is_none() && made >= published {
            if part == 0 || !chosen.contains_key(&place) {
                let wanted = rules.choose(&rates, measured.estimate() - 128e3, ran_dry);
                if rules != Rules::Shaka || now >= switched + 8.0 || wanted == rung {
                    outcome.switches += f64::from(u8::from(wanted != rung && now > 1.0));
                    switched = if wanted == rung { switched } else { now };
                    rung = wanted;
                }
                ran_dry = false;
                chosen.insert(place, rung);
            }
            let mut wait = if started { rtt / 2.0 } else { rtt };
            let packets = bytes(rung) / 1460.0;
            let is_lost = rng.f64() < 1.0 - (1.0 - link.loss).powf(packets);
            wait += if is_lost { rtt } else { 0.0 };
            (missing, flows_at, took) = (bytes(rung), Some(now + wait), 0.0);
        }
        if flows_at.is_some_and(|at| now >= at) {
            let most =
                if link.loss > 0.0 { 2.0 * 1.22 * 1460.0 / (rtt * link.loss.sqrt()) } else { f64::INFINITY };
            missing -= (link.trace.at(now) / 8.0).min(most) * step;
            took += step;
            if missing <= 0.0 {
                measured.sample(bytes(rung) * 8.0, took);
                end = published;
                flows_at = None;
                (place, part) = if part + 1 == in_segment { (place + 1, 0) } else { (place, part + 1) };
            }
        }
        // The viewer.
        let latency = made - position;
        if rules == Rules::DashJs && latency > TARGET + 12.0 {
            // A seek to what is live: the segment there is fetched from its beginning.
            position = made - TARGET;
            (place, part, flows_at) = ((position / SEGMENT) as usize, 0, None);
            end = position;
        }
        let buffer = end - position;
        if is_dry && buffer >= 0.1 {
            (is_dry, started) = (false, true);
        }
        if is_dry || buffer <= 0.0 {
            if !is_dry {
                outcome.stalls += 1.0;
                (is_dry, ran_dry) = (true, true);
            }
            outcome.stalled += if started { step } else { 0.0 };
        } else {
            let on = (step * rules.rate(latency)).min(buffer);
            position += on;
            let at = (position / SEGMENT) as usize;
            let shown = pictures[chosen.get(&at).copied().unwrap_or(rung)];
            bits += shown.sizes[at] as f64 * 8.0 / SEGMENT * on;
            played += on;
        }
        if now > SETTLE {
            latencies.push(made - position);
        }
    }
    let (p50, p95) = percentiles(latencies);
    Outcome { p50, p95, picture: bits / played / 1e6, ..outcome }
}

fn main() {
    let mut json = false;
    for argument in std::env::args().skip(1) {
        match argument.as_str() {
            "--json" => json = true,
            "--markdown" => json = false,
            other => {
                eprintln!("{other}: there are --markdown, which it does by itself, and --json");
                std::process::exit(2);
            }
        }
    }
    let mut rows = vec![];
    for place in 0..links(0).len() {
        for rules in Rules::ALL {
            let mut mean = Outcome::default();
            for seed in SEEDS {
                let link = &links(seed)[place];
                let one = if rules == Rules::Ours { ours(link, seed) } else { theirs(rules, link, seed) };
                mean.add(&one, 1.0 / SEEDS.count() as f64);
            }
            rows.push((place, rules, mean));
        }
    }
    let all = links(0);
    if json {
        return report::print_json(rows.iter().map(|(place, rules, outcome)| {
            let Link { name, rtt, loss, .. } = &all[*place];
            let (rtt, rules, numbers) = (rtt.as_millis(), rules.name(), report::members(&outcome.numbers()));
            format!("\"link\":\"{name}\",\"rtt_ms\":{rtt},\"loss\":{loss},\"rules\":\"{rules}\",{numbers}")
        }));
    }
    let [heads, line] = report::heads(&Outcome::default().numbers());
    println!("| link | RTT | loss | rules |{heads}");
    println!("|---|---|---|---|{line}");
    for (place, rules, outcome) in &rows {
        let Link { name, rtt, loss, .. } = &all[*place];
        let (rtt, loss, numbers) = (rtt.as_millis(), loss * 100.0, report::cells(&outcome.numbers()));
        println!("| {name} | {rtt} ms | {loss:.0} % | {} |{numbers}", rules.name());
    }
}
