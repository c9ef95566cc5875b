//! Starts by address: a link, a reload, an embed. From the navigation to the first frame.
//!
//! A first browser prepares the profile: for ours it signs in and becomes a device; for a warm start it also
//! visits the same page with another film, twice, for browsers keep compiled scripts from the second visit
//! on. For a cold start its caches are deleted afterwards. A second browser on that profile is what is
//! measured.

use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use e2e::{Browser, MOVIE};
use serde::Serialize;
use shaper::{Kind, Link};

use crate::report::{Spread, Step, quantile};
use crate::stands::{PROBE, Stands, steps};

/// The film of visits that are not measured.
const ANOTHER: u64 = 2;
/// How long such a visit lasts after its first frame: browsers keep compiled modules a little later.
const VISIT: Duration = Duration::from_secs(5);
/// What a profile keeps of visits besides cookies and databases.
const CACHES: [&str; 2] = ["Cache", "Code Cache"];

/// How far the server is.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Distance {
    /// Milliseconds.
    rtt: u64,
    /// Megabits per second; `None`: as many as there are.
    megabits: Option<f64>,
}

impl FromStr for Distance {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "local" {
            return Ok(Self { rtt: 0, megabits: None });
        }
        let read = || {
            let (rtt, megabits) = text.split_once(':')?;
            let megabits = megabits.parse::<f64>().ok().filter(|megabits| *megabits > 0.0)?;
            Some((rtt.parse::<u64>().ok()?, megabits))
        };
        let (rtt, megabits) =
            read().ok_or("`local`, or milliseconds and megabits per second, as in 40:10")?;
        Ok(Self { rtt, megabits: Some(megabits) })
    }
}

impl Distance {
    fn link(self) -> Link {
        Link { megabits: self.megabits, rtt: Duration::from_millis(self.rtt) }
    }

    pub(crate) fn name(self) -> String {
        match self.megabits {
            None => "localhost".to_owned(),
            Some(megabits) => format!("{} ms, {megabits} Mb/s", self.rtt),
        }
    }
}

/// What is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) enum Page {
    /// The watch page: signed in, with a registered device, the license round trip included.
    Watch,
    /// A page with `<matinee-player>` of the viewer's own session; its frame is shown when the page hears
    /// `playing`.
    Embed,
    /// A page with Shaka Player and a video element, the key in it.
    Shaka,
}

impl Page {
    pub(crate) const ALL: [Self; 3] = [Self::Watch, Self::Embed, Self::Shaka];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Watch => "watch page",
            Self::Embed => "embed",
            Self::Shaka => "Shaka Player, bare page",
        }
    }
}

/// What the browser has of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) enum Visit {
    /// Nothing in its caches.
    Cold,
    /// What two visits left there.
    Warm,
}

impl Visit {
    pub(crate) const ALL: [Self; 2] = [Self::Cold, Self::Warm];
}

/// One start.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Run {
    pub(crate) page: Page,
    pub(crate) visit: Visit,
    pub(crate) distance: Distance,
    /// Milliseconds after the navigation began.
    pub(crate) first_frame: f64,
    /// Octets of bodies that were sent until then and are no media, as they were sent: compressed.
    pub(crate) octets: u64,
    pub(crate) steps: Vec<Step>,
}

impl Stands {
    /// Puts the film there a second time, for visits that are not measured.
    pub(crate) fn add_another(&self, film: &Path) {
        let (number, film) = (ANOTHER.to_string(), film.to_str().unwrap());
        self.stage.server.run(&["package", "--movie", &number, "--title", "Another", film]);
    }

    fn address(&self, page: Page, movie: u64) -> String {
        let (site, others) = (self.stage.url(), self.others.address().port());
        let film = if movie == ANOTHER { "/again/film.mpd" } else { "/dash/film.mpd" };
        match page {
            Page::Watch => format!("{site}/watch?movieid={movie}"),
            Page::Embed => format!("http://localhost:{others}/embed.html?site={site}&movie={movie}"),
            Page::Shaka => format!("http://localhost:{others}/shaka-address.html?film={film}"),
        }
    }

    pub(crate) async fn start_by_address(&self, page: Page, visit: Visit, distance: Distance) -> Run {
        let proxies = [&self.stage.site, &self.others];
        for proxy in proxies {
            proxy.set_link(Link::default());
            proxy.forget();
        }
        let browser = Browser::start().await;
        browser.before_each_page(PROBE).await;
        if page != Page::Shaka {
            self.enter(&browser).await;
            // Its answer may still be on its way through the page.
            let kept =
                "return Object.keys(localStorage).some(key => key.startsWith('matinee.registration.'))";
            browser.until("the registration to be kept", kept).await;
        }
        if visit == Visit::Warm {
            for _ in 0..2 {
                browser.open(&self.address(page, ANOTHER)).await;
                first_frame(&browser, page).await;
                tokio::time::sleep(VISIT).await;
                browser.open("about:blank").await;
            }
        }
        let profile = browser.quit_for_profile().await;
        if visit == Visit::Cold {
            delete_caches(profile.path());
        }

        let browser = Browser::start_on(profile).await;
        browser.before_each_page(PROBE).await;
        for proxy in proxies {
            proxy.set_link(distance.link());
            proxy.forget();
        }
        browser.open(&self.address(page, MOVIE)).await;
        let first_frame = first_frame(&browser, page).await;
        let octets = self.octets(page);
        let steps = steps(&browser, 0.0).await;
        browser.quit().await;
        Run { page, visit, distance, first_frame, octets, steps }
    }

    /// Octets so far that are no media.
    fn octets(&self, page: Page) -> u64 {
        let ours = self.stage.site.exchanges();
        let ours = ours.iter().filter(|exchange| !matches!(exchange.kind, Kind::Media | Kind::Report));
        let others = self.others.exchanges();
        let others = others.iter().filter(|exchange| !exchange.path.starts_with("/dash/"));
        match page {
            Page::Watch => ours.map(|exchange| exchange.octets).sum(),
            Page::Embed => ours.chain(others).map(|exchange| exchange.octets).sum(),
            // The manifest is not media.
            Page::Shaka => {
                let manifests = self.others.exchanges();
                let manifests = manifests.iter().filter(|exchange| exchange.path.ends_with(".mpd"));
                others.chain(manifests).map(|exchange| exchange.octets).sum()
            }
        }
    }
}

/// Milliseconds from the navigation to the first frame.
async fn first_frame(browser: &Browser, page: Page) -> f64 {
    let first = browser.until("the first frame", "return probe.first ?? window.trouble").await;
    first.as_f64().unwrap_or_else(|| panic!("{}: {first}", page.name()))
}

/// Deletes what a profile has of visits, wherever it lies.
fn delete_caches(folder: &Path) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let (path, name) = entry.map(|entry| (entry.path(), entry.file_name())).unwrap();
        if !path.is_dir() {
            continue;
        }
        if CACHES.iter().any(|cache| name == *cache) {
            std::fs::remove_dir_all(path).unwrap();
        } else {
            delete_caches(&path);
        }
    }
}

/// All of them, and what follows.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    conditions: String,
    rows: Vec<Row>,
    runs: Vec<Run>,
}

/// One distance, without or with caches.
#[derive(Debug, Serialize)]
struct Row {
    distance: Distance,
    visit: Visit,
    cells: Vec<Cell>,
}

/// One page there.
#[derive(Debug, Serialize)]
struct Cell {
    page: Page,
    /// Median and quartiles, in milliseconds.
    quartiles: [f64; 3],
    /// The median to Shaka's, and its 95 % interval, by bootstrap.
    beside_shaka: Spread,
    /// Median of the octets that are no media.
    octets: f64,
    /// Medians of the moments on the way.
    steps: Vec<Step>,
}

impl Report {
    pub(crate) fn new(conditions: String, distances: &[Distance], runs: Vec<Run>, seed: u64) -> Self {
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut rows = Vec::new();
        for &distance in distances {
            for visit in Visit::ALL {
                let of = |page: Page| -> Vec<&Run> {
                    let is = |run: &&Run| (run.page, run.visit, run.distance) == (page, visit, distance);
                    runs.iter().filter(is).collect()
                };
                let times = |runs: &[&Run]| runs.iter().map(|run| run.first_frame).collect::<Vec<_>>();
                let shaka = times(&of(Page::Shaka));
                let cells = Page::ALL.map(|page| {
                    let runs = of(page);
                    let octets: Vec<f64> = runs.iter().map(|run| run.octets as f64).collect();
                    let times = times(&runs);
                    Cell {
                        page,
                        quartiles: [0.25, 0.5, 0.75].map(|q| quantile(&times, q)),
                        beside_shaka: Spread::of(&times, &[shaka.as_slice()], &mut rng),
                        octets: quantile(&octets, 0.5),
                        steps: Step::medians(runs.iter().map(|run| &run.steps)),
                    }
                });
                rows.push(Row { distance, visit, cells: cells.into() });
            }
        }
        Self { conditions, rows, runs }
    }

    pub(crate) fn table(&self) -> String {
        let mut text = format!(
            "{}\n\n| link | visit | page | first frame | to Shaka's (95 %) | KiB that are no media |\n\
             |---|---|---|---|---|---|\n",
            self.conditions
        );
        let mut ways = String::new();
        for Row { distance, visit, cells } in &self.rows {
            for cell in cells {
                let ([low, median, high], page) = (cell.quartiles, cell.page.name());
                let (link, kibibytes) = (distance.name(), cell.octets / 1024.0);
                text += &format!(
                    "| {link} | {visit:?} | {page} | {median:.0} ms ({low:.0} to {high:.0}) | {} | {kibibytes:.0} |\n",
                    cell.beside_shaka
                );
                let steps = cell.steps.iter().map(|step| format!("{} {:.0}", step.name, step.at));
                ways += &format!("* {page}, {link}, {visit:?}: {}\n", steps.collect::<Vec<_>>().join(", "));
            }
        }
        text + "\nMedian (quartiles). The ways, medians in ms after the navigation:\n\n" + ways.as_str()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_read() {
        assert_eq!("local".parse::<Distance>(), Ok(Distance { rtt: 0, megabits: None }));
        assert_eq!("40:10".parse::<Distance>(), Ok(Distance { rtt: 40, megabits: Some(10.0) }));
        for text in ["", "40", "40:0", "40:-1", "x:1", "40:10:1"] {
            assert!(text.parse::<Distance>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_row_for_each_link_and_visit() {
        let distance = Distance { rtt: 40, megabits: Some(10.0) };
        let run = |page, visit, first_frame| Run {
            page,
            visit,
            distance,
            first_frame,
            octets: 2048,
            steps: vec![Step { name: "asked".to_owned(), at: first_frame / 2.0 }],
        };
        let mut runs = Vec::new();
        for visit in Visit::ALL {
            for (page, time) in [(Page::Watch, 152.0), (Page::Embed, 300.0), (Page::Shaka, 100.0)] {
                runs.extend([0.9, 1.0, 1.1].map(|part| run(page, visit, time * part)));
            }
        }
        let report = Report::new(String::new(), &[distance], runs, 1);
        let table = report.table();
        assert_eq!(report.rows.len(), 2);
        let row = "| 40 ms, 10 Mb/s | Cold | watch page | 152 ms (144 to 160) | 1.52 (";
        assert!(table.contains(row), "{table}");
        assert!(table.contains("* embed, 40 ms, 10 Mb/s, Warm: asked 150"), "{table}");
    }
}
