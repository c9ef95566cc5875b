//! Steps of a task, with their times.

use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use crate::error::Error;

/// Runs named steps one after another and remembers how long each took.
#[derive(Debug, Default)]
pub(crate) struct Steps {
    done: Vec<(String, Duration)>,
    /// Proofs that were not run, and why.
    not_run: Vec<String>,
}

impl Steps {
    /// Runs one step, with a heading before it.
    ///
    /// # Errors
    /// The step's own, with its name.
    pub(crate) fn step<T>(
        &mut self,
        name: &str,
        work: impl FnOnce() -> Result<T, Error>,
    ) -> Result<T, Error> {
        println!("\n=== {name}");
        let started = Instant::now();
        let result = work();
        self.done.push((name.to_owned(), started.elapsed()));
        result.map_err(|source| {
            print!("{}", self.summary(Some(name)));
            Error::Step { step: name.to_owned(), source: Box::new(source) }
        })
    }

    /// Remembers what was not run, each once.
    pub(crate) fn leave_out(&mut self, proofs: Vec<String>) {
        for proof in proofs {
            let proof = proof.split_whitespace().collect::<Vec<_>>().join(" ");
            if !self.not_run.contains(&proof) {
                self.not_run.push(proof);
            }
        }
    }

    /// Prints what was done, and in its last line what was not run.
    pub(crate) fn finish(&self) {
        print!("{}", self.summary(None));
    }

    fn summary(&self, failed: Option<&str>) -> String {
        let mut text = String::from("\n=== summary\n");
        for (name, time) in &self.done {
            let result = if failed == Some(name) { "FAILED" } else { "ok" };
            text.push_str(&format!("{name:<24} {result:<7} {}\n", clock(*time)));
        }
        let total: Duration = self.done.iter().map(|(_, time)| *time).sum();
        text.push_str(&format!("{:<32} {}\n", "total", clock(total)));
        if !self.not_run.is_empty() {
            text.push_str(&format!("NOT RUN: {}\n", self.not_run.join("; ")));
        }
        text
    }
}

/// Work that runs beside other work.
pub(crate) struct Job<'a> {
    name: String,
    work: Box<dyn FnOnce() -> Result<(), Error> + Send + 'a>,
}

impl<'a> Job<'a> {
    pub(crate) fn new(name: impl Into<String>, work: impl FnOnce() -> Result<(), Error> + Send + 'a) -> Self {
        Self { name: name.into(), work: Box::new(work) }
    }
}

/// Runs jobs at the same time, and says what is left whenever one is done.
///
/// # Errors
/// That of the first that failed, once all have ended.
pub(crate) fn side_by_side(jobs: Vec<Job<'_>>) -> Result<(), Error> {
    let started = Instant::now();
    let mut left: Vec<String> = jobs.iter().map(|job| job.name.clone()).collect();
    println!("side by side: {}", left.join("; "));
    std::thread::scope(|scope| {
        let (done, ended) = channel();
        for Job { name, work } in jobs {
            let done = done.clone();
            scope.spawn(move || {
                let result = work();
                // Who listens does so until the last has ended.
                let _ = done.send((name, result));
            });
        }
        drop(done);
        let mut outcome = Ok(());
        for (name, result) in ended {
            left.retain(|other| *other != name);
            let word = if result.is_ok() { "done" } else { "FAILED" };
            let rest = if left.is_empty() { "nothing".to_owned() } else { left.join("; ") };
            println!("{name}: {word} after {}; left: {rest}", clock(started.elapsed()));
            outcome = outcome.and(result);
        }
        outcome
    })
}

/// `12.3 s`, or `4 min 05 s`.
pub(crate) fn clock(time: Duration) -> String {
    if time.as_secs() < 60 {
        return format!("{:.1} s", time.as_secs_f64());
    }
    format!("{} min {:02} s", time.as_secs() / 60, time.as_secs() % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failing_step_is_named() {
        let mut steps = Steps::default();
        steps.step("first", || Ok(())).unwrap();
        let error = steps.step("second", || Err::<(), _>(Error::Rule("too large".into()))).unwrap_err();
        assert_eq!(error.to_string(), "step `second` failed: too large");
        let summary = steps.summary(Some("second"));
        assert!(summary.lines().any(|line| line.starts_with("first") && line.contains("ok")));
        assert!(summary.lines().any(|line| line.starts_with("second") && line.contains("FAILED")));
    }

    #[test]
    fn what_was_not_run_is_said_last() {
        let mut steps = Steps::default();
        steps.step("first", || Ok(())).unwrap();
        assert!(!steps.summary(None).contains("NOT RUN"));
        for _ in 0..2 {
            steps.leave_out(vec!["moto (no network)".into(), "Firefox (not asked for)".into()]);
        }
        let last = "NOT RUN: moto (no network); Firefox (not asked for)";
        assert_eq!(steps.summary(None).lines().last(), Some(last));
    }

    #[test]
    fn jobs_run_at_the_same_time_and_all_to_their_end() {
        let meeting = std::sync::Barrier::new(2);
        let ended = std::sync::atomic::AtomicBool::new(false);
        let jobs = vec![
            Job::new("fails", || {
                meeting.wait();
                Err(Error::Rule("too large".into()))
            }),
            Job::new("works", || {
                meeting.wait();
                ended.store(true, std::sync::atomic::Ordering::Relaxed);
                Ok(())
            }),
        ];
        assert_eq!(side_by_side(jobs).unwrap_err().to_string(), "too large");
        assert!(ended.into_inner());
        assert!(side_by_side(Vec::new()).is_ok());
    }

    #[test]
    fn times_are_readable() {
        assert_eq!(clock(Duration::from_millis(12_340)), "12.3 s");
        assert_eq!(clock(Duration::from_secs(245)), "4 min 05 s");
    }
}
