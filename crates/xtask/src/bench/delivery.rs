//! `cargo xtask bench edge` and `bench origin`: what servers send of files that are in memory, on two cores
//! which they share with the load.

mod servers;
mod stage;
mod wrk;

use serde::Serialize;

pub(crate) use self::servers::Server;
pub(super) use self::servers::{free_address, matinee, own_time, two_cores};
pub(crate) use self::stage::{Film, Stage};
use self::wrk::{Load, Measured};
use super::conditions::processor;
use super::median::median;
use crate::error::Error;
use crate::project::Project;
use crate::tools;

/// Lengths of ranges that an edge is asked for.
const LENGTHS: [(&str, u64); 2] = [("64 KB", 64 << 10), ("4 MB", 4 << 20)];
/// So many different ones of each.
const RANGES: u64 = 500;
/// Connections at a time.
const CONNECTIONS: usize = 64;

/// How much is measured.
#[derive(Debug, Clone, Copy)]
pub(super) struct Extent {
    /// Runs of each; the median counts.
    pub(super) rounds: usize,
    /// Seconds of a run.
    pub(super) seconds: u64,
}

/// Numbers, their conditions and aims.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    conditions: String,
    rows: Vec<Row>,
}

/// One number.
#[derive(Debug, Serialize)]
struct Row {
    what: String,
    value: f64,
    unit: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    aim: Option<Aim>,
}

/// What a number should be.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Aim {
    AtLeast(f64),
    AtMost(f64),
}

impl Aim {
    fn is_met(self, value: f64) -> bool {
        match self {
            Self::AtLeast(least) => value >= least,
            Self::AtMost(most) => value <= most,
        }
    }
}

impl Row {
    fn new(what: impl Into<String>, value: f64, unit: &'static str) -> Self {
        Self { what: what.into(), value, unit, aim: None }
    }

    fn with(self, aim: Aim) -> Self {
        Self { aim: Some(aim), ..self }
    }

    fn text(&self) -> String {
        let aim = self.aim.map_or(String::new(), |aim| {
            let met = if aim.is_met(self.value) { "met" } else { "missed" };
            match aim {
                Aim::AtLeast(least) => format!("  aim: {least} at least, {met}"),
                Aim::AtMost(most) => format!("  aim: {most} at most, {met}"),
            }
        });
        format!("{:<58} {:>10.2} {}{aim}", self.what, self.value, self.unit)
    }
}

/// For people.
pub(super) fn print(report: &Report) {
    println!("{}", report.conditions);
    for row in &report.rows {
        println!("{}", row.text());
    }
}

/// Ours beside nginx with `secure_link`.
///
/// # Errors
/// Of the tools, of the compilers, and of what is measured.
pub(super) fn edge(project: &Project, extent: Extent) -> Result<Report, Error> {
    tools::nginx(project)?;
    tools::wrk(project)?;
    let stage = Stage::prepare(project, "")?;
    let (ours, nginx) = (stage.matinee(project)?, stage.nginx(project)?);
    let film = &stage.packed;
    let mut rows = Vec::new();
    for (name, length) in LENGTHS {
        let ranges = spread(film.size, length)?;
        let (mut mine, mut theirs) = (Vec::new(), Vec::new());
        for _ in 0..extent.rounds {
            for (server, all) in [(&ours, &mut mine), (&nginx, &mut theirs)] {
                all.push(measure(project, &stage, extent, CONNECTIONS, (server, film), &ranges)?);
            }
        }
        let (mine, theirs) = (Medians::of(&mine), Medians::of(&theirs));
        rows.push(Row::new(format!("{name}: matinee"), mine.requests, "requests/s"));
        rows.push(Row::new(format!("{name}: matinee"), mine.megabytes, "MB/s"));
        rows.push(Row::new(format!("{name}: nginx"), theirs.requests, "requests/s"));
        rows.push(Row::new(format!("{name}: nginx"), theirs.megabytes, "MB/s"));
        let ratio = mine.megabytes / theirs.megabytes;
        rows.push(Row::new(format!("{name}: matinee / nginx"), ratio, "").with(Aim::AtLeast(0.9)));
    }
    let conditions = format!(
        "{}; {CONNECTIONS} connections, {RANGES} ranges by header of a file of {} MB; tokens of secure_link, a line of log \
         for each request",
        conditions(project, &stage, extent)?,
        film.size / 1_000_000,
    );
    Ok(Report { conditions, rows })
}

/// Segments that are encrypted when they are asked for, beside the same from our edge.
///
/// # Errors
/// As [`edge`].
pub(super) fn origin(project: &Project, extent: Extent) -> Result<Report, Error> {
    tools::wrk(project)?;
    let stage = Stage::prepare(project, "")?;
    let ours = stage.matinee(project)?;
    let segments = &stage.segments;
    let (mut made, mut packed, mut alone, mut per_core) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..extent.rounds {
        let before = ours.processor_time()?;
        let run = measure(project, &stage, extent, CONNECTIONS, (&ours, &stage.made), segments)?;
        per_core.push(run.bytes as f64 / 1e6 / (ours.processor_time()? - before).max(0.01));
        made.push(run);
        packed.push(measure(project, &stage, extent, CONNECTIONS, (&ours, &stage.packed), segments)?);
        alone.push(measure(project, &stage, extent, 1, (&ours, &stage.made), segments)?);
    }
    let (made, packed, alone) = (Medians::of(&made), Medians::of(&packed), Medians::of(&alone));
    let ratio = made.megabytes / packed.megabytes;
    let rows = vec![
        Row::new("just in time", made.megabytes, "MB/s"),
        Row::new("static, same server", packed.megabytes, "MB/s"),
        Row::new("just in time / static", ratio, "").with(Aim::AtLeast(0.5)),
        Row::new("just in time, of a core that only serves", median(per_core), "MB/s")
            .with(Aim::AtLeast(250.0)),
        Row::new("just in time, one viewer: median of a segment", alone.p50, "ms"),
        Row::new("just in time, one viewer: 99 in 100 segments", alone.p99, "ms").with(Aim::AtMost(10.0)),
    ];
    let bytes: u64 = segments.iter().map(|(first, last)| last - first + 1).sum();
    let conditions = format!(
        "{}; {CONNECTIONS} connections, {} segments of {:.1} MB on average, by header; cenc; of a core: octets by the \
         server's processor time; one viewer: one connection",
        conditions(project, &stage, extent)?,
        segments.len(),
        bytes as f64 / segments.len().max(1) as f64 / 1e6,
    );
    Ok(Report { conditions, rows })
}

fn measure(
    project: &Project,
    stage: &Stage,
    extent: Extent,
    connections: usize,
    (server, film): (&Server, &Film),
    ranges: &[(u64, u64)],
) -> Result<Measured, Error> {
    let (cores, folder) = (stage.cores.clone(), stage.folder.clone());
    let load = Load { connections, seconds: extent.seconds, cores, folder };
    wrk::run(project, &load, &format!("http://{}{}", server.address, film.url), ranges)
}

/// The medians of several runs, each number by itself.
struct Medians {
    requests: f64,
    megabytes: f64,
    p50: f64,
    p99: f64,
}

impl Medians {
    fn of(runs: &[Measured]) -> Self {
        let of = |number: fn(&Measured) -> f64| median(runs.iter().map(number));
        Self {
            requests: of(Measured::requests_per_second),
            megabytes: of(Measured::megabytes_per_second),
            p50: of(|run| run.p50),
            p99: of(|run| run.p99),
        }
    }
}

/// Ranges of one length all over a file, none of which begins at a page.
///
/// # Errors
/// [`Error::Rule`] for a file that is shorter.
fn spread(size: u64, length: u64) -> Result<Vec<(u64, u64)>, Error> {
    let room = size.checked_sub(length).ok_or_else(|| Error::Rule(format!("a file of {size} octets")))?;
    Ok((0..RANGES)
        .map(|n| (n * room / RANGES) | 1)
        .map(|first| first.min(room))
        .map(|first| (first, first + length - 1))
        .collect())
}

fn conditions(project: &Project, stage: &Stage, extent: Extent) -> Result<String, Error> {
    let model = processor();
    Ok(format!(
        "server and wrk together on the cores {} of {model}; Matinee {} (release); medians of {} alternating runs of {} s",
        stage.cores,
        project.locked_version("matinee")?,
        extent.rounds,
        extent.seconds,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aims() {
        assert!(Aim::AtLeast(0.9).is_met(0.9) && !Aim::AtLeast(0.9).is_met(0.89));
        assert!(Aim::AtMost(10.0).is_met(10.0) && !Aim::AtMost(10.0).is_met(10.1));
        let row = Row::new("64 KB: matinee / nginx", 0.95, "").with(Aim::AtLeast(0.9));
        assert!(row.text().ends_with("aim: 0.9 at least, met"), "{}", row.text());
    }

    #[test]
    fn ranges_are_within_the_file() {
        for size in [65_536, 65_537, 1_000_000, 105_000_000] {
            for (first, last) in spread(size, 65_536).unwrap() {
                assert!(last < size && last - first == 65_535);
            }
        }
        assert!(spread(65_535, 65_536).is_err());
    }
}
