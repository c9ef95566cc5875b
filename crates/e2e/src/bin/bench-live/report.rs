//! What was seen, and the table of it.

use std::fmt::Write as _;

use serde::Serialize;
use serde_json::Value;

use crate::Contender;

/// One player at one distance.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Run {
    contender: Contender,
    /// Milliseconds.
    rtt: u64,
    /// Seconds from the camera to the page: the median, and what 95 of 100 looks were below.
    p50: f64,
    p95: f64,
    /// Looks that could be read, and that could not.
    looks: usize,
    unread: u64,
    /// How often the element waited.
    stalls: u64,
    /// What the page said that went wrong.
    trouble: Option<String>,
}

impl Run {
    /// What the page has counted.
    ///
    /// # Panics
    /// When nothing could be read.
    pub(crate) fn of(contender: Contender, rtt: u64, seen: &Value) -> Self {
        let looks = seen["latencies"].as_array().into_iter().flatten().filter_map(Value::as_f64);
        let mut looks: Vec<f64> = looks.map(|milliseconds| milliseconds / 1000.0).collect();
        assert!(!looks.is_empty(), "{}: no picture could be read: {seen}", contender.name());
        looks.sort_by(f64::total_cmp);
        let at = |share: f64| looks[((looks.len() - 1) as f64 * share).round() as usize];
        Self {
            contender,
            rtt,
            p50: at(0.5),
            p95: at(0.95),
            looks: looks.len(),
            unread: seen["unread"].as_u64().unwrap_or(0),
            stalls: seen["stalls"].as_u64().unwrap_or(0),
            trouble: seen["trouble"].as_str().map(str::to_owned),
        }
    }

    pub(crate) fn summary(&self) -> String {
        format!("p50 {:.2} s, p95 {:.2} s, {} stalls", self.p50, self.p95, self.stalls)
    }
}

/// All of them.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) conditions: String,
    pub(crate) runs: Vec<Run>,
}

impl Report {
    pub(crate) fn table(&self) -> String {
        let mut text = format!("{}\n\n", self.conditions);
        text += "| RTT | player | p50 | p95 | stalls | looks (not readable) |\n|---|---|---|---|---|---|\n";
        for run in &self.runs {
            let Run { contender, rtt, p50, p95, looks, unread, stalls, trouble } = run;
            let said = trouble.as_ref().map_or_else(String::new, |said| format!(" ({said})"));
            let _ = writeln!(
                text,
                "| {rtt} ms | {}{said} | {p50:.2} s | {p95:.2} s | {stalls} | {looks} ({unread}) |",
                contender.name()
            );
        }
        text
    }
}
