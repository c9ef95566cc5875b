//! Which tasks of the main thread one feels: those over 50 ms, on the site's pages, with a library of
//! [`FILMS`]. `cargo xtask bench pages` prepares what this measures.
//!
//! Each round has a fresh browser with a fresh profile, and goes the same way. It is a list to look at, no
//! test: how long a task takes depends on the machine.

#![forbid(unsafe_code)]
// As in the harness: a failure is a panic.
#![allow(clippy::unwrap_used)]

use std::fmt::Write as _;
use std::time::Duration;

use clap::Parser;
use e2e::{Browser, MOVIE, Server, TITLE};
use serde::Serialize;

/// Films of the library: the demo film and its copies, which the page is told of in place of the server's
/// answer.
const FILMS: usize = 1000;
/// Above this a task is felt, in milliseconds (W3C, Long Tasks).
const FELT: f64 = 50.0;
/// So long the page rests after each step, for what comes behind it.
const SETTLING: Duration = Duration::from_secs(1);

/// Notes the tasks of the main thread that took longer than 50 ms.
const PROBE: &str = "
    window.tasks = [];
    new PerformanceObserver(list => tasks.push(...list.getEntries().map(entry => entry.duration)))
        .observe({ type: 'longtask', buffered: true });";

/// Makes many films of one, in the answer of `/api/library`.
const MANY: &str = "
    const real = window.fetch;
    window.fetch = async (what, how) => {
        const answer = await real.call(window, what, how);
        if (!answer.ok || new URL(what.url ?? what, location.href).pathname !== '/api/library') return answer;
        const library = await answer.json();
        const [film] = library.movies;
        const genres = ['Drama', 'Comedy', 'Crime', 'Music', 'Nature', 'History', 'Travel', 'Science', 'Sport'];
        for (let n = 1; film && library.movies.length < FILMS; n += 1) {
            library.movies.push({
                ...film,
                movie_id: 1000 + n,
                title: `Film ${n} of many`,
                added: film.added + n,
                position: n % 40 === 1 ? 20 : undefined,
                watched_at: n % 40 === 1 ? film.added + n : undefined,
                genres: [genres[n % 9], genres[n % 7]],
                cast: [`Ada ${n % 50}`, `Bob ${n % 90}`],
                art: n % 2 ? film.art : [],
                episode: n % 5 ? undefined : { series: `Series ${n % 20}`, season: 1, number: n },
            });
        }
        return new Response(JSON.stringify(library), { headers: { 'content-type': 'application/json' } });
    };";

/// Measures pages.
#[derive(Debug, Parser)]
struct Arguments {
    /// What is measured, in words: versions and such.
    #[arg(long)]
    conditions: String,
    /// How many times all of it is done.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// The tasks over 50 ms of one step, in milliseconds.
#[derive(Debug, Clone, PartialEq)]
struct Noted {
    step: &'static str,
    tasks: Vec<f64>,
}

/// One line of the table.
#[derive(Debug, PartialEq, Serialize)]
struct Row {
    step: &'static str,
    /// Rounds in which a task took more than 50 ms.
    rounds: usize,
    /// The longest of all rounds, in milliseconds; 0: none was that long.
    longest: f64,
}

#[derive(Debug, Serialize)]
struct Report {
    conditions: String,
    rounds: usize,
    rows: Vec<Row>,
}

impl Report {
    /// The steps of the first round, with what all rounds had.
    fn new(conditions: String, rounds: &[Vec<Noted>]) -> Self {
        let steps = rounds.first().map(Vec::as_slice).unwrap_or_default();
        let rows = steps.iter().map(|noted| {
            let step = noted.step;
            let of = || rounds.iter().flatten().filter(|noted| noted.step == step);
            let felt = |noted: &&Noted| noted.tasks.iter().any(|task| *task > FELT);
            let longest = of().flat_map(|noted| &noted.tasks).copied().fold(0.0, f64::max);
            Row { step, rounds: of().filter(felt).count(), longest }
        });
        Self { conditions, rounds: rounds.len(), rows: rows.collect() }
    }

    fn table(&self) -> String {
        let mut text = format!(
            "{}\n\n| page, state | rounds with a task over {FELT:.0} ms, of {} | longest |\n|---|---|---|\n",
            self.conditions, self.rounds
        );
        for Row { step, rounds, longest } in &self.rows {
            let longest = if *longest > 0.0 { format!("**{longest:.0} ms**") } else { "–".to_owned() };
            let _ = writeln!(text, "| {step} | {rounds} | {longest} |");
        }
        text
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let arguments = Arguments::parse();
    let config =
        "[devices]\nlimit = 1000\n[limits]\nlogins_per_address = 10000\nlogins_of_unknown_browsers = 10000\n";
    let server = Server::start_with(config).await;
    let mut rounds = Vec::new();
    for round in 0..arguments.rounds.max(1) {
        let browser = Browser::start().await;
        browser.before_each_page(PROBE).await;
        browser.before_each_page(&MANY.replace("FILMS", &FILMS.to_string())).await;
        let mut walk = Walk { browser: &browser, noted: Vec::new() };
        walk.site(&server).await;
        walk.player(&server).await;
        eprintln!("{}/{}", round + 1, arguments.rounds);
        rounds.push(walk.noted);
        browser.quit().await;
    }
    let conditions =
        format!("{}; {FILMS} films, localhost; a fresh profile for each round", arguments.conditions);
    let report = Report::new(conditions, &rounds);
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&report).unwrap());
    } else {
        print!("{}", report.table());
    }
}

/// The way through the pages, and what was noted on it.
struct Walk<'a> {
    browser: &'a Browser,
    noted: Vec<Noted>,
}

impl Walk<'_> {
    /// Waits until a script says that it is there, and takes down what was noted so far in this document.
    async fn note(&mut self, step: &'static str, there: &str) {
        self.browser.until(step, there).await;
        tokio::time::sleep(SETTLING).await;
        let tasks = self.browser.eval("return window.tasks.splice(0)").await;
        self.noted.push(Noted { step, tasks });
    }

    /// Runs a script, and waits and notes as [`note`](Self::note) does.
    async fn act(&mut self, step: &'static str, script: &str, there: &str) {
        let _: bool = self.browser.eval(&format!("{script}; return true")).await;
        self.note(step, there).await;
    }

    /// The same with an address.
    async fn open(&mut self, step: &'static str, url: &str, there: &str) {
        self.browser.open(url).await;
        self.note(step, there).await;
    }

    async fn site(&mut self, server: &Server) {
        let url = server.url();
        let library = "return document.querySelector('.films.all .film') !== null";
        let film = "return document.querySelector('.film-page .credits') !== null";
        self.open("login", &format!("{url}/login"), "return document.querySelector('.ticket') !== null")
            .await;
        self.browser.send_credentials(&url).await;
        self.note("library, after the login", library).await;
        self.open("library, by its address", &format!("{url}/library"), library).await;
        // Each key is a step of its own to the page.
        self.browser.fill("Search films", "film 99").await;
        let few = "const cards = document.querySelectorAll('.films.all .film').length; return cards > 0 && cards < 20";
        self.note("search, as one types", few).await;
        let empty = "
            const field = document.querySelector('input[type=search]');
            field.value = '';
            field.dispatchEvent(new InputEvent('input', { bubbles: true }))";
        self.act("search, all again", empty, "return document.querySelector('.now-showing') !== null").await;
        // In this order the first is the demo film itself, of which the server knows.
        self.act("film, by a link", "document.querySelector('.films.all a.title').click()", film).await;
        let back = "document.querySelector('nav a[href=\"/library\"]').click()";
        self.act("library, by a link", back, library).await;
        let sort = "
            const order = document.querySelector('.order select');
            order.value = 'newest';
            order.dispatchEvent(new Event('change', { bubbles: true }))";
        self.act("sort", sort, "return location.search.includes('sort=newest')").await;
        let scroll = "
            scrollTo(0, document.documentElement.scrollHeight);
            return document.querySelectorAll('.films.all .film').length > 300";
        self.note("library, scrolled through 300 films", scroll).await;
        self.open("film, by its address", &format!("{url}/film/{MOVIE}"), film).await;
        for (step, path, there) in [
            ("devices", "devices", "return document.querySelector('.devices li') !== null"),
            ("account", "account", "return document.querySelector('.session-list li') !== null"),
        ] {
            self.open(step, &format!("{url}/{path}"), there).await;
        }
    }

    async fn player(&mut self, server: &Server) {
        let plays = "return document.querySelector('video')?.currentTime > 1";
        let watch = format!("{}/watch?movieid={MOVIE}", server.url());
        self.open("watch, by its address", &watch, plays).await;
        let key = |key: &str| {
            format!(
                "document.body.dispatchEvent(new KeyboardEvent('keydown', {{ key: '{key}', bubbles: true, cancelable: true }}))"
            )
        };
        let seek = "document.querySelector('video').currentTime = 30";
        let sought = "const v = document.querySelector('video'); return !v.seeking && v.currentTime > 30.5";
        self.act("watch, a seek", seek, sought).await;
        let there = "return document.querySelector('.statistics dt') !== null";
        self.act("watch, statistics", &key("i"), there).await;
        let there = "return document.querySelector('dialog.key-help')?.open ?? false";
        self.act("watch, keys", &key("?"), there).await;
        let close = "document.querySelector('dialog.key-help').close()";
        self.act("watch, keys closed", close, "return !document.querySelector('dialog[open]')").await;
        let leave = "document.querySelector('.leave').click()";
        self.act(
            "library, from the film",
            leave,
            "return document.querySelector('.films.all .film') !== null",
        )
        .await;
        self.browser.film(TITLE).await.click().await.unwrap();
        self.note("watch, by a click", plays).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_of_all_rounds() {
        let noted = |step, tasks: &[f64]| Noted { step, tasks: tasks.to_vec() };
        let rounds = [
            vec![noted("a", &[51.0, 70.0]), noted("b", &[])],
            vec![noted("a", &[]), noted("b", &[])],
            vec![noted("a", &[90.0]), noted("b", &[])],
        ];
        let report = Report::new(String::new(), &rounds);
        assert_eq!(
            report.rows,
            [Row { step: "a", rounds: 2, longest: 90.0 }, Row { step: "b", rounds: 0, longest: 0.0 }]
        );
        assert!(report.table().contains("| a | 2 | **90 ms** |\n| b | 0 | – |"), "{}", report.table());
    }
}
