//! Steps of a task, with their times.

use std::time::{Duration, Instant};

use crate::error::Error;

/// Runs named steps one after another and remembers how long each took.
#[derive(Debug, Default)]
pub(crate) struct Steps {
    done: Vec<(String, Duration)>,
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

    /// Prints what was done.
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
        text
    }
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
    fn times_are_readable() {
        assert_eq!(clock(Duration::from_millis(12_340)), "12.3 s");
        assert_eq!(clock(Duration::from_secs(245)), "4 min 05 s");
    }
}
