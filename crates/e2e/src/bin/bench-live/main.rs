//! Glass to glass: how old is what a viewer sees of an event. `cargo xtask bench live` prepares what this
//! measures.
//!
//! Each picture that the encoder gets has the time of day in it, as a bar code; a canvas in the page reads it
//! back from the video element. Ours plays the event protected, as a signed-in viewer does; hls.js and
//! dash.js play the same encoder's output from an event that is in the clear. All answers come through one
//! proxy (`crates/shaper`); the encoder sends to the server directly.

#![forbid(unsafe_code)]
// As in the harness: a failure is a panic.
#![allow(clippy::unwrap_used)]

mod camera;
mod report;

use std::time::Duration;

use clap::Parser;
use e2e::{Browser, EMAIL, PASSWORD, Server, Stage, serve_players};
use serde::Serialize;
use serde_json::Value;
use shaper::Link;

use camera::Camera;
use report::{Report, Run};

/// Measures the latency of live playback.
#[derive(Debug, Parser)]
struct Arguments {
    /// What is measured, in words: versions and such.
    #[arg(long)]
    conditions: String,
    /// Seconds that are measured of each player.
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// Seconds that a player has before that.
    #[arg(long, default_value_t = 30)]
    settle: u64,
    /// Round-trip times in milliseconds.
    #[arg(long, value_delimiter = ',', default_value = "0,80")]
    rtt: Vec<u64>,
    /// Megabits per second.
    #[arg(long, default_value_t = 20.0)]
    megabits: f64,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// A player.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) enum Contender {
    /// Ours, protected.
    Matinee,
    /// hls.js on LL-HLS, as it is without settings.
    Hls,
    /// dash.js on LL-DASH, as it is without settings.
    Dash,
}

impl Contender {
    const ALL: [Self; 3] = [Self::Matinee, Self::Hls, Self::Dash];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Matinee => "Matinee, protected",
            Self::Hls => "hls.js, clear",
            Self::Dash => "dash.js, clear",
        }
    }
}

/// Reads the bar code ten times a second, and counts what is seen.
const EYES: &str = "
    const video = document.querySelector('video'), canvas = document.createElement('canvas');
    canvas.width = 640; canvas.height = 360;
    const context = canvas.getContext('2d', { willReadFrequently: true });
    const row = y => context.getImageData(0, y, 640, 1).data;
    window.seen = { latencies: [], unread: 0, stalls: 0, trouble: null };
    const counted = window.seen;
    video.addEventListener('waiting', () => counted.stalls++);
    window.eyes = setInterval(() => {
        context.drawImage(video, 0, 0, 640, 360);
        const bits = row(60), inverse = row(300);
        let stamp = 0, good = true;
        for (let bit = 0; bit < 32; bit++) {
            const at = (bit * 20 + 10) * 4, one = bits[at] > 128;
            good = good && one !== inverse[at] > 128;
            stamp = stamp * 2 + one;
        }
        const age = (Date.now() % 2 ** 32 - stamp + 2 ** 32) % 2 ** 32;
        if (good && age < 3_600_000) counted.latencies.push(age); else counted.unread++;
        counted.trouble = window.trouble ?? document.querySelector('[role=alert]')?.innerText ?? null;
    }, 100);
    return true;";

/// Whether the video element plays.
const PLAYS: &str = "const v = document.querySelector('video');
    return window.trouble ?? (v && v.currentTime > 0 && !v.paused && v.readyState > 2 ? true : null);";

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let arguments = Arguments::parse();
    let players = serve_players().expect("MATINEE_PLAYERS names the folder with the players of others");
    let stage = Stage::start(0, "[limits]\nlogins_per_address = 10000\nrequests = 100000\n").await;
    let server = &stage.server;
    let (protected, clear) = (event(server, "school", true), event(server, "open", false));
    let addresses: Value =
        serde_json::from_str(&server.run(&["live", "show", "clock", "--app", "open", "--json"])).unwrap();
    let _camera = Camera::start(&[protected, clear]);
    let mut runs = Vec::new();
    for &rtt in &arguments.rtt {
        for contender in Contender::ALL {
            stage.site.set_link(Link::default());
            let browser = Browser::start().await;
            match contender {
                Contender::Matinee => open_ours(&browser, &stage).await,
                Contender::Hls => open(&browser, &players, "hls", &addresses["urls"]["hls"]).await,
                Contender::Dash => open(&browser, &players, "dash", &addresses["urls"]["dash"]).await,
            }
            stage.site.set_link(Link { megabits: Some(arguments.megabits), rtt: Duration::from_millis(rtt) });
            let plays = browser.until("it to play", PLAYS).await;
            assert_eq!(plays, Value::Bool(true), "{}", contender.name());
            tokio::time::sleep(Duration::from_secs(arguments.settle)).await;
            let _: bool = browser.eval(EYES).await;
            tokio::time::sleep(Duration::from_secs(arguments.seconds)).await;
            let seen: Value = browser.eval("clearInterval(window.eyes); return window.seen").await;
            browser.quit().await;
            let run = Run::of(contender, rtt, &seen);
            eprintln!("{} at {rtt} ms: {}", contender.name(), run.summary());
            runs.push(run);
        }
    }
    let conditions = format!(
        "{}; {} Mb/s; {} s of each after {} s",
        arguments.conditions, arguments.megabits, arguments.seconds, arguments.settle
    );
    let report = Report { conditions, runs };
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&report).unwrap());
    } else {
        print!("{}", report.table());
    }
}

/// Makes an event and says where its encoder sends to.
fn event(server: &Server, app: &str, encrypted: bool) -> String {
    let folder = server.data().join("live").join(app);
    std::fs::create_dir_all(&folder).unwrap();
    let settings = format!("[encryption]\nenabled = {encrypted}\n");
    std::fs::write(folder.join("application.toml"), settings).unwrap();
    let title = format!("Clock of {app}");
    let created = server.run(&["live", "create", "clock", "--app", app, "--title", &title, "--json"]);
    let created: Value = serde_json::from_str(&created).unwrap();
    let public = created["urls"]["http"].as_str().unwrap();
    let path = public.split_once("/ingest/").unwrap().1;
    format!("{}/ingest/{path}/live.mp4", server.url())
}

async fn open_ours(browser: &Browser, stage: &Stage) {
    browser.open(&format!("{}/login", stage.url())).await;
    browser.fill("Email", EMAIL).await;
    browser.fill("Password", PASSWORD).await;
    browser.button("Sign in").await.click().await.unwrap();
    browser.arrives_at("/library").await;
    // By keyboard: the list is drawn anew from time to time.
    browser.film("Clock of school").await.send_keys("\u{E007}").await.unwrap();
}

async fn open(browser: &Browser, players: &str, player: &str, url: &Value) {
    browser.open(&format!("{players}/page.html?{player}")).await;
    browser.until("the player", "return window.ready ?? window.trouble").await;
    let script = format!("act.load({url}); video.play().catch(error => fail(error)); return true;");
    let _: bool = browser.eval(&script).await;
}
