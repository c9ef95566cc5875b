//! `cargo xtask bench ingest`: how many encoders can publish at a time, by HTTP and by RTMP, and what each
//! costs, beside nginx-rtmp, which writes the same streams as HLS in the clear.

mod publisher;
mod rtmp;
mod stand;
mod stream;

use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use serde::Serialize;

use self::publisher::{Door, Load};
use self::stand::{Place, Stand};
use self::stream::Streams;
use super::conditions;
use super::delivery::two_cores;
use crate::build::{Kind, build_binary, build_site};
use crate::command;
use crate::error::Error;
use crate::project::Project;
use crate::tools;

/// Seconds of a segment.
const SEGMENT: f64 = 2.0;
/// Publishers begin one after another within this time, so that their key frames do not coincide.
const SPREAD: Duration = Duration::from_secs(2);
/// From the last beginning until it is measured.
const SETTLE: Duration = Duration::from_secs(8);
/// For the threads of all publishers to be there before the first begins.
const LEAD: Duration = Duration::from_millis(500);
/// Film that is left when it was measured.
const REST: u64 = 10;
/// A publisher's stack: there are many, and they do little.
const STACK: usize = 128 << 10;
/// A write may be so late.
const MOST_LATE: Duration = Duration::from_secs(1);
/// What is on the disk may be so many seconds behind what was sent: the open segment, one more, and a second.
const MOST_BEHIND: f64 = 2.0 * SEGMENT + 1.0;
/// How many publishers we aim at.
const AIM: usize = 200;

/// How much is measured.
#[derive(Debug)]
pub(super) struct Extent {
    /// Numbers of publishers, one after another.
    pub(super) steps: Vec<usize>,
    /// Seconds of each that are measured.
    pub(super) seconds: u64,
}

/// Who is published to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Contender {
    OursByHttp,
    OursByRtmp,
    NginxRtmp,
}

impl Contender {
    const ALL: [Self; 3] = [Self::OursByHttp, Self::OursByRtmp, Self::NginxRtmp];

    fn words(self) -> &'static str {
        match self {
            Self::OursByHttp => "matinee, by HTTP, encrypted",
            Self::OursByRtmp => "matinee, by RTMP, encrypted",
            Self::NginxRtmp => "nginx-rtmp, in the clear",
        }
    }
}

/// All that was measured.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    conditions: String,
    rows: Vec<Row>,
    /// Of each, the most publishers of which none fell behind.
    reached: Vec<(Contender, usize)>,
    ratios: Vec<Ratio>,
}

/// One server with a number of publishers.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct Row {
    contender: Contender,
    publishers: usize,
    keeps_up: bool,
    /// Processor time of the server in each second, in hundredths of a core.
    cpu: f64,
    /// The same for each publisher.
    cpu_of_each: f64,
    /// Memory of the server at the end, in megabytes of 10^6 octets.
    memory: f64,
    /// Processor time of all publishers in each second, in hundredths of a core.
    cpu_of_load: f64,
    /// Seconds that the last write was behind its time, of the publisher that was latest.
    late: f64,
    /// Seconds that whole segments on the disk were behind what was sent, of the publisher that was last.
    behind: f64,
    /// Why publishers ended too early, the first of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<String>,
}

/// Ours beside nginx-rtmp.
#[derive(Debug, PartialEq, Serialize)]
struct Ratio {
    contender: Contender,
    publishers: usize,
    /// Processor time of ours by that of nginx-rtmp.
    cpu: f64,
    /// Memory of ours by that of nginx-rtmp.
    memory: f64,
}

/// Runs all servers with ever more publishers, each until one of its publishers falls behind.
///
/// # Errors
/// Of the tools, of the compilers, and of what is measured.
pub(super) fn run(project: &Project, extent: &Extent) -> Result<Report, Error> {
    tools::ffmpeg(project)?;
    tools::nginx_rtmp(project)?;
    build_site(project, Kind::Release)?;
    let binary = build_binary(project, Kind::Release)?;
    let folder = project.target.join("bench/ingest");
    std::fs::create_dir_all(&folder).map_err(Error::file(&folder))?;
    let length = SPREAD.as_secs() + SETTLE.as_secs() + extent.seconds + REST;
    let bench = Bench {
        project,
        streams: Streams::prepare(project, &folder, length)?,
        cores: two_cores()?,
        seconds: extent.seconds,
        binary,
        folder,
    };
    let mut report =
        Report { conditions: bench.conditions()?, rows: Vec::new(), reached: Vec::new(), ratios: Vec::new() };
    let mut steps = extent.steps.clone();
    steps.sort_unstable();
    steps.dedup();
    let mut going = Contender::ALL.to_vec();
    for publishers in steps {
        for contender in going.clone() {
            let row = bench.measure(contender, publishers)?;
            // Whoever waits for half an hour may see how far it is; the report is what counts.
            eprintln!("{}", row.text());
            if !row.keeps_up {
                going.retain(|other| *other != contender);
            }
            report.rows.push(row);
        }
    }
    report.reached = Contender::ALL.map(|contender| (contender, reached(&report.rows, contender))).into();
    report.ratios = ratios(&report.rows);
    Ok(report)
}

/// For people.
pub(super) fn print(report: &Report) {
    println!("{}", report.conditions);
    for row in &report.rows {
        println!("{}", row.text());
    }
    for (contender, most) in &report.reached {
        let aim = match contender {
            Contender::NginxRtmp => String::new(),
            _ => format!(" (aim: {AIM}, {})", if *most >= AIM { "met" } else { "not met" }),
        };
        println!("{}: {most} publishers without falling behind{aim}", contender.words());
    }
    for Ratio { contender, publishers, cpu, memory } in &report.ratios {
        println!(
            "{}, {publishers} publishers: {cpu:.2} of the processor time and {memory:.2} of the memory of {}",
            contender.words(),
            Contender::NginxRtmp.words()
        );
    }
}

impl Row {
    fn text(&self) -> String {
        let outcome = match (&self.failure, self.keeps_up) {
            (Some(failure), _) => format!("FAILED: {failure}"),
            (None, true) => "keeps up".to_owned(),
            (None, false) => "FALLS BEHIND".to_owned(),
        };
        format!(
            "{:<28} {:>4} publishers: CPU {:>6.1} % of a core, {:>5.2} % for each, {:>6.1} MB; load {:>5.1} %; \
             {:>4.2} s late, disk {:>4.1} s behind; {outcome}",
            self.contender.words(),
            self.publishers,
            self.cpu,
            self.cpu_of_each,
            self.memory,
            self.cpu_of_load,
            self.late,
            self.behind,
        )
    }
}

struct Bench<'a> {
    project: &'a Project,
    streams: Streams,
    cores: String,
    seconds: u64,
    binary: PathBuf,
    folder: PathBuf,
}

/// What was seen of a server and its publishers.
#[derive(Debug)]
struct Seen {
    seconds: f64,
    /// Seconds of processor time, of the server and of the load.
    cpu: f64,
    load: f64,
    memory: u64,
    behind: f64,
}

impl Bench<'_> {
    fn conditions(&self) -> Result<String, Error> {
        let program = command::on_path("nginx").unwrap_or_else(|| PathBuf::from("/usr/sbin/nginx"));
        let nginx = command::command(self.project, program).arg("-v").output();
        let nginx = nginx.map(|said| String::from_utf8_lossy(&said.stderr).trim().to_owned());
        Ok(format!(
            "{}, servers on the cores {} of {}, which they share with the publishers; {:.0} kb/s each, H.264 640×360 at 24 \
             pictures a second and AAC, key frames every 2 s; {} s measured of each; Matinee {} (release): encrypts (cenc), \
             segments of 2 s and parts of 0.5 s; {}, 2 workers, with nginx-rtmp: HLS with segments of 2 s; memory with \
             what processes share counted in each",
            conditions::today(self.project)?,
            self.cores,
            conditions::processor(),
            self.streams.rate,
            self.seconds,
            self.project.locked_version("matinee")?,
            nginx.unwrap_or_else(|_| "nginx of unknown version".to_owned()),
        ))
    }

    fn measure(&self, contender: Contender, publishers: usize) -> Result<Row, Error> {
        let place =
            Place { project: self.project, binary: &self.binary, folder: &self.folder, cores: &self.cores };
        let length = SPREAD.as_secs() + SETTLE.as_secs() + self.seconds + REST;
        let stand = Stand::start(&place, contender, publishers, length)?;
        let load = Load::default();
        let first = Instant::now() + LEAD;
        let begin = |n: usize| first + SPREAD.mul_f64(n as f64 / publishers.max(1) as f64);
        let seen = thread::scope(|scope| {
            let publish = || -> Result<(), Error> {
                for (n, door) in stand.doors.iter().enumerate() {
                    let pieces = match door {
                        Door::Http { .. } => &self.streams.http,
                        Door::Rtmp { .. } => &self.streams.rtmp,
                    };
                    let (load, begin) = (&load, begin(n));
                    thread::Builder::new()
                        .stack_size(STACK)
                        .spawn_scoped(scope, move || load.publish(door, pieces, begin))
                        .map_err(|source| Error::Start { program: "a publisher".to_owned(), source })?;
                }
                Ok(())
            };
            let seen = publish().and_then(|()| self.watch(&stand, first, begin));
            // Whatever happened: the scope waits for them.
            load.end();
            seen
        })?;
        let (late, failures) = (load.late(), load.failures());
        let cpu = seen.cpu / seen.seconds * 100.0;
        Ok(Row {
            contender,
            publishers,
            keeps_up: failures.is_empty() && late <= MOST_LATE && seen.behind <= MOST_BEHIND,
            cpu,
            cpu_of_each: cpu / publishers.max(1) as f64,
            memory: seen.memory as f64 / 1e6,
            cpu_of_load: seen.load / seen.seconds * 100.0,
            late: late.as_secs_f64(),
            behind: seen.behind,
            failure: failures
                .first()
                .map(|first| format!("{} of {publishers} ended, the first: {first}", failures.len())),
        })
    }

    /// Waits until all are under way, and looks twice.
    fn watch(&self, stand: &Stand, first: Instant, begin: impl Fn(usize) -> Instant) -> Result<Seen, Error> {
        let from = first + SPREAD + SETTLE;
        thread::sleep(from.saturating_duration_since(Instant::now()));
        let (begun, (cpu, _), load) = (Instant::now(), stand.server.family()?, super::delivery::own_time()?);
        thread::sleep(Duration::from_secs(self.seconds));
        let (cpu_now, memory) = stand.server.family()?;
        let seen = Seen {
            seconds: begun.elapsed().as_secs_f64(),
            cpu: cpu_now - cpu,
            load: super::delivery::own_time()? - load,
            memory,
            behind: 0.0,
        };
        let behind = (0..stand.doors.len())
            .map(|n| begin(n).elapsed().as_secs_f64() - stand.published(n))
            .fold(0.0, f64::max);
        Ok(Seen { behind, ..seen })
    }
}

/// The most publishers of which none fell behind.
fn reached(rows: &[Row], contender: Contender) -> usize {
    let kept_up = rows.iter().filter(|row| row.contender == contender && row.keeps_up);
    kept_up.map(|row| row.publishers).max().unwrap_or(0)
}

/// Ours beside nginx-rtmp, where both keep up.
fn ratios(rows: &[Row]) -> Vec<Ratio> {
    let keeping_up = || rows.iter().filter(|row| row.keeps_up);
    let theirs = |publishers: usize| {
        keeping_up().find(|row| row.contender == Contender::NginxRtmp && row.publishers == publishers)
    };
    let beside = |ours: &Row| {
        let theirs = theirs(ours.publishers)?;
        Some(Ratio {
            contender: ours.contender,
            publishers: ours.publishers,
            cpu: ours.cpu / theirs.cpu.max(0.01),
            memory: ours.memory / theirs.memory.max(0.01),
        })
    };
    keeping_up().filter(|row| row.contender != Contender::NginxRtmp).filter_map(beside).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_reached_and_what_it_took() {
        let row = |contender, publishers, keeps_up, cpu: f64| Row {
            contender,
            publishers,
            keeps_up,
            cpu,
            cpu_of_each: cpu / publishers as f64,
            memory: cpu,
            cpu_of_load: 1.0,
            late: 0.0,
            behind: 2.0,
            failure: None,
        };
        let rows = [
            row(Contender::OursByHttp, 25, true, 20.0),
            row(Contender::NginxRtmp, 25, true, 10.0),
            row(Contender::OursByHttp, 50, false, 90.0),
            row(Contender::NginxRtmp, 50, true, 20.0),
        ];
        assert_eq!(reached(&rows, Contender::OursByHttp), 25);
        assert_eq!(reached(&rows, Contender::NginxRtmp), 50);
        assert_eq!(reached(&rows, Contender::OursByRtmp), 0);
        let ratio = Ratio { contender: Contender::OursByHttp, publishers: 25, cpu: 2.0, memory: 2.0 };
        assert_eq!(ratios(&rows), [ratio]);
        assert!(rows[0].text().ends_with("keeps up") && rows[2].text().ends_with("FALLS BEHIND"));
    }
}
