//! A load of ranges by wrk, and what it says of them.

use std::path::{Path, PathBuf};

use crate::command;
use crate::error::Error;
use crate::project::Project;

/// Who asks, and for how long.
#[derive(Debug, Clone)]
pub(super) struct Load {
    pub(super) connections: usize,
    pub(super) seconds: u64,
    /// The cores that it runs on, as `taskset` takes them.
    pub(super) cores: String,
    /// Where the script and the ranges are written.
    pub(super) folder: PathBuf,
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Measured {
    /// Seconds.
    pub(super) duration: f64,
    pub(super) requests: u64,
    /// Octets of answers, heads included.
    pub(super) bytes: u64,
    failed: u64,
    /// Milliseconds until an answer was there to its end, of half of them.
    pub(super) p50: f64,
    /// The same, of 99 in a hundred.
    pub(super) p99: f64,
}

impl Measured {
    pub(super) fn megabytes_per_second(&self) -> f64 {
        self.bytes as f64 / 1e6 / self.duration
    }

    pub(super) fn requests_per_second(&self) -> f64 {
        self.requests as f64 / self.duration
    }

    /// Whether the answers were those that were asked for: all of them came, and each has a range's octets
    /// and a head. `shortest` and `longest` are those of the ranges.
    fn check(&self, url: &str, connections: usize, (shortest, longest): (u64, u64)) -> Result<(), Error> {
        const HEAD: u64 = 4096;
        let requests = self.requests.max(1);
        // What is on its way at the end, one answer for each connection at most, has octets and is not
        // counted as a request.
        let under_way = (connections as u64).saturating_mul(longest + HEAD);
        let (least, most) = (self.bytes.saturating_sub(under_way) / requests, self.bytes / requests);
        match self.failed == 0 && self.requests > 0 && shortest <= most && least <= longest + HEAD {
            true => Ok(()),
            false => Err(Error::Rule(format!("{url}: not what was asked for: {self:?}"))),
        }
    }
}

/// Runs wrk. `ranges`: first and last byte of each.
///
/// # Errors
/// [`Error::Failed`] if wrk does not run; [`Error::Rule`] if the answers are not what was asked for.
pub(super) fn run(
    project: &Project,
    load: &Load,
    url: &str,
    ranges: &[(u64, u64)],
) -> Result<Measured, Error> {
    let (script, list) = (load.folder.join("ranges.lua"), load.folder.join("ranges.txt"));
    write(&script, include_str!("ranges.lua"))?;
    write(&list, &ranges.iter().map(|(first, last)| format!("{first}-{last}\n")).collect::<String>())?;
    let mut wrk = command::command(project, "taskset");
    let threads = load.connections.min(2).to_string();
    wrk.args(["-c", &load.cores, "wrk", "--timeout", "30s", "-t", &threads]);
    wrk.args(["-c", &load.connections.to_string(), "-d", &format!("{}s", load.seconds), "-s"]);
    wrk.arg(script).arg(url).arg("--").arg(list);
    let said = command::output(&mut wrk)?;
    let measured = said.lines().find_map(parse).ok_or_else(|| Error::Rule(format!("wrk said: {said}")))?;
    let lengths = || ranges.iter().map(|(first, last)| last - first + 1);
    let bounds = (lengths().min().unwrap_or(0), lengths().max().unwrap_or(0));
    measured.check(url, load.connections, bounds).map(|()| measured)
}

fn write(path: &Path, text: &str) -> Result<(), Error> {
    std::fs::write(path, text).map_err(Error::file(path))
}

/// The script's line: microseconds, requests, octets, failures, and two more times in microseconds.
fn parse(line: &str) -> Option<Measured> {
    let words = line.strip_prefix("measured ")?.split(' ');
    let numbers = words.map(|word| word.parse().ok()).collect::<Option<Vec<u64>>>()?;
    let [duration, requests, bytes, failed, p50, p99] = numbers[..] else { return None };
    let (p50, p99) = (p50 as f64 / 1e3, p99 as f64 / 1e3);
    Some(Measured { duration: duration as f64 / 1e6, requests, bytes, failed, p50, p99 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_is_read_and_wrong_answers_are_no_measurement() {
        let measured = parse("measured 2000000 1000 66000000 0 1500 9000").unwrap();
        assert_eq!((measured.requests_per_second(), measured.megabytes_per_second()), (500.0, 33.0));
        assert_eq!((measured.p50, measured.p99), (1.5, 9.0));
        assert!(measured.check("u", 2, (65_536, 65_536)).is_ok());
        // What is on its way at the end is no answer that is too long, of few requests.
        let few = Measured { requests: 1, bytes: 3 * 66_000, ..measured };
        assert!(few.check("u", 2, (65_536, 65_536)).is_ok());
        assert!(few.check("u", 1, (65_536, 65_536)).is_err());
        // Whole files in place of ranges, heads alone, answers that say no, and none.
        assert!(Measured { bytes: 1000 << 20, ..measured }.check("u", 2, (65_536, 65_536)).is_err());
        assert!(Measured { bytes: 100_000_000, ..measured }.check("u", 2, (65_536, 65_536)).is_err());
        assert!(Measured { bytes: 300_000, ..measured }.check("u", 2, (65_536, 65_536)).is_err());
        assert!(Measured { failed: 1, ..measured }.check("u", 2, (65_536, 65_536)).is_err());
        assert!(Measured { requests: 0, bytes: 0, ..measured }.check("u", 2, (0, 0)).is_err());
        for other in ["", "measured", "measured 1 2 3 4 5", "measured 1 2 3 4 5 x", "Requests/sec: 7"] {
            assert_eq!(parse(other), None, "{other}");
        }
    }
}
