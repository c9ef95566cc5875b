//! What the shim for players of others costs: the same segments of the same film on the same page, through
//! `eme.js` and the DRM module, and by the browser's own ClearKey. `cargo xtask bench eme` prepares what this
//! measures.
//!
//! Turns alternate, and the first of each is not counted. ClearKey decrypts when pictures are shown and the
//! module when segments are appended, so the module's time stands in the append and ClearKey's does not.

#![forbid(unsafe_code)]
// As in the harness: a failure is a panic.
#![allow(clippy::unwrap_used)]

use std::fmt::Write as _;
use std::path::PathBuf;

use axum::Router;
use clap::Parser;
use e2e::{Browser, Server, repository, serve_pages};
use serde::Serialize;
use serde_json::{Value, json};
use tower_http::services::ServeDir;

/// What the shim may take, as a multiple of ClearKey's time.
const RATIO: f64 = 1.6;
/// What it may take of the page's main thread, in milliseconds for each segment.
const MAIN_THREAD: f64 = 2.0;

/// Measures appends.
#[derive(Debug, Parser)]
struct Arguments {
    /// A film whose segments of 4 s have about 4 MB.
    #[arg(long)]
    film: PathBuf,
    /// What is measured, in words: versions and such.
    #[arg(long)]
    conditions: String,
    /// Turns of each way; one is all segments of the film.
    #[arg(long, default_value_t = 7)]
    rounds: usize,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// One of the two ways.
#[derive(Debug, Serialize)]
struct Way {
    name: &'static str,
    /// From `appendBuffer` to `updateend`, in milliseconds.
    median: f64,
    p95: f64,
    /// Tasks of the page's main thread, in milliseconds for each segment: the median turn's.
    main_thread: f64,
}

#[derive(Debug, Serialize)]
struct Report {
    /// Where the page is, beside the Matinee: bytes that cross from one site to another are copied between
    /// processes.
    page: &'static str,
    conditions: String,
    /// Octets of the median segment.
    segment: u64,
    segments: usize,
    ways: [Way; 2],
    ratio: f64,
}

impl Report {
    fn table(&self) -> String {
        let mut text = format!(
            "{}: {}\n{} segments, the median has {:.1} MB\n\n| | append, median | p95 | main thread, each |\n|---|---|---|---|\n",
            self.page,
            self.conditions,
            self.segments,
            self.segment as f64 / 1e6
        );
        for Way { name, median, p95, main_thread } in &self.ways {
            let _ = writeln!(text, "| {name} | {median:.1} ms | {p95:.1} ms | {main_thread:.1} ms |");
        }
        let _ = writeln!(
            text,
            "\nThe shim takes {:.2} times as long as ClearKey (aim: {RATIO}), and {:.1} ms of the main thread (aim: \
             {MAIN_THREAD}).",
            self.ratio, self.ways[0].main_thread
        );
        text
    }
}

/// Seconds that the page's main thread has spent in tasks.
async fn main_thread(browser: &Browser) -> f64 {
    browser.metrics().await["TaskDuration"]
}

/// This part of the values, of which there is one at least.
fn quantile(values: &mut [f64], part: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    values[((values.len() - 1) as f64 * part).round() as usize]
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let arguments = Arguments::parse();
    let pages = Router::new().fallback_service(ServeDir::new(repository().join("crates/e2e/www/players")));
    let port = serve_pages(pages).port();
    let places = [("page of the same site", "localhost"), ("page of another site", "127.0.0.1")]
        .map(|(page, host)| (page, format!("http://{host}:{port}")));
    let config = format!("embedders = [\"{}\", \"{}\"]", places[0].1, places[1].1);
    let mut server = Server::start_public(&config).await;
    std::fs::write(server.data().join("policies.toml"), "[open]\ninterop = { clearkey = true }\n").unwrap();
    let film = arguments.film.to_str().unwrap();
    server.run(&["package", "--movie", "2", "--title", "Film", "--scheme", "cenc", "--policy", "open", film]);
    // For the policy.
    assert!(server.stop());
    server.restart().await;
    let key = server.run(&["apikey", "create", "site", "--scope", "grants"]);
    let mpd = server.run(&["url", "2", "--form", "dash"]);
    let mut reports = Vec::new();
    for (page, origin) in places {
        let body = json!({"subject": "u-7", "movies": [2], "origin": origin, "expires_in": 3600});
        let post =
            reqwest::Client::new().post(format!("{}/api/grants", server.url())).bearer_auth(key.trim());
        let answer: Value = post.json(&body).send().await.unwrap().json().await.unwrap();
        let grant = answer["grant"].as_str().unwrap();
        let url = format!("{origin}/eme.html?player=media&server={}&movie=2&grant={grant}", server.url());
        reports.push(measure(page, &url, mpd.trim(), &arguments).await);
    }
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&reports).unwrap());
    } else {
        reports.iter().for_each(|report| println!("{}", report.table()));
    }
}

/// Both ways on one page, by turns.
async fn measure(page: &'static str, url: &str, mpd: &str, arguments: &Arguments) -> Report {
    let browser = Browser::start().await;
    browser.open(url).await;
    browser.until("the page", "return window.ready ?? window.trouble ?? null").await;
    let sizes: Vec<f64> = browser
        .eval(&format!(
            "window.film = await media.filmOf('{mpd}');
             window.ways = {{}};
             for (const name of ['org.matinee.drm', 'org.w3.clearkey']) ways[name] = await media.begin(film, name);
             return film.segments.map(segment => segment.length)"
        ))
        .await;
    let names = [("org.matinee.drm", "eme.js"), ("org.w3.clearkey", "the browser's ClearKey")];
    let (mut times, mut threads) = ([Vec::new(), Vec::new()], [Vec::new(), Vec::new()]);
    for round in 0..=arguments.rounds {
        for (which, (name, _)) in names.iter().enumerate() {
            let before = main_thread(&browser).await;
            let taken: Vec<f64> = browser.eval(&format!("return media.appends(ways['{name}'], film)")).await;
            let spent = main_thread(&browser).await - before;
            if round > 0 {
                threads[which].push(spent * 1000.0 / sizes.len() as f64);
                times[which].extend(taken);
            }
        }
    }
    browser.quit().await;

    let [ours, native] = &mut times;
    let ratio = quantile(ours, 0.5) / quantile(native, 0.5);
    let ways = [0, 1].map(|which| Way {
        name: names[which].1,
        median: quantile(&mut times[which], 0.5),
        p95: quantile(&mut times[which], 0.95),
        main_thread: quantile(&mut threads[which], 0.5),
    });
    let (segments, mut sizes) = (sizes.len(), sizes);
    let segment = quantile(&mut sizes, 0.5) as u64;
    Report { page, conditions: arguments.conditions.clone(), segment, segments, ways, ratio }
}
