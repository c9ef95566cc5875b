use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;

use crate::contender::Contender;

/// Resamples for an interval.
const RESAMPLES: usize = 10_000;

/// A moment on the way from click to first frame.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Step {
    pub(crate) name: String,
    /// Milliseconds after the click.
    pub(crate) at: f64,
}

/// One start.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Run {
    pub(crate) contender: Contender,
    /// Milliseconds.
    pub(crate) rtt: u64,
    /// Milliseconds after the click.
    pub(crate) first_frame: f64,
    pub(crate) steps: Vec<Step>,
}

/// All of them, and what follows.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    conditions: String,
    rows: Vec<Row>,
    runs: Vec<Run>,
}

/// One distance.
#[derive(Debug, Serialize)]
struct Row {
    rtt: u64,
    /// Median and quartiles of the first frame by player, in milliseconds.
    players: Vec<(&'static str, [f64; 3])>,
    /// Median of ours to the best median of the others.
    ratio: f64,
    /// 95 % interval of the ratio, by bootstrap.
    interval: [f64; 2],
    /// Ours: medians of the moments on the way.
    steps: Vec<Step>,
}

impl Report {
    pub(crate) fn new(conditions: String, runs: Vec<Run>, seed: u64) -> Self {
        let mut distances: Vec<u64> = runs.iter().map(|run| run.rtt).collect();
        distances.sort_unstable();
        distances.dedup();
        let mut rng = fastrand::Rng::with_seed(seed);
        let rows = distances.into_iter().map(|rtt| row(&runs, rtt, &mut rng)).collect();
        Self { conditions, rows, runs }
    }

    pub(crate) fn table(&self) -> String {
        let mut text = format!("{}\n\n| RTT |", self.conditions);
        for contender in Contender::ALL {
            let _ = write!(text, " {} |", contender.name());
        }
        text += " ratio to the best other (95 %) |\n|---|---|---|---|---|\n";
        for row in &self.rows {
            let _ = write!(text, "| {} ms |", row.rtt);
            for (_, [low, median, high]) in &row.players {
                let _ = write!(text, " {median:.0} ms ({low:.0} to {high:.0}) |");
            }
            let [low, high] = row.interval;
            let _ = writeln!(text, " {:.2} ({low:.2} to {high:.2}) |", row.ratio);
        }
        text += "\nMedian (quartiles). The way of ours, medians in ms after the click:\n\n";
        for row in &self.rows {
            let steps = row.steps.iter().map(|step| format!("{} {:.0}", step.name, step.at));
            let _ = writeln!(text, "* {} ms: {}", row.rtt, steps.collect::<Vec<_>>().join(", "));
        }
        text
    }
}

fn row(runs: &[Run], rtt: u64, rng: &mut fastrand::Rng) -> Row {
    let times = |contender| -> Vec<f64> {
        runs.iter()
            .filter(|run| run.contender == contender && run.rtt == rtt)
            .map(|run| run.first_frame)
            .collect()
    };
    let all = Contender::ALL.map(times);
    let ratio = |[ours, others @ ..]: [&[f64]; 3]| {
        quantile(ours, 0.5)
            / others.into_iter().map(|times| quantile(times, 0.5)).fold(f64::INFINITY, f64::min)
    };
    let ratios: Vec<f64> = (0..RESAMPLES)
        .map(|_| {
            let drawn = all.each_ref().map(|times| {
                let draw = |_| times[rng.usize(..times.len())];
                (0..times.len()).map(draw).collect::<Vec<f64>>()
            });
            ratio(drawn.each_ref().map(Vec::as_slice))
        })
        .collect();
    let mut moments = BTreeMap::<&str, Vec<f64>>::new();
    let ours = |run: &&Run| run.contender == Contender::Matinee && run.rtt == rtt;
    for step in runs.iter().filter(ours).flat_map(|run| &run.steps) {
        moments.entry(&step.name).or_default().push(step.at);
    }
    let mut steps: Vec<Step> = moments
        .into_iter()
        .filter(|(_, at)| at.len() * 2 > all[0].len())
        .map(|(name, at)| Step { name: name.to_owned(), at: quantile(&at, 0.5) })
        .collect();
    steps.sort_by(|a, b| a.at.total_cmp(&b.at));
    Row {
        rtt,
        players: Contender::ALL
            .iter()
            .zip(&all)
            .map(|(contender, times)| (contender.name(), [0.25, 0.5, 0.75].map(|q| quantile(times, q))))
            .collect(),
        ratio: ratio(all.each_ref().map(Vec::as_slice)),
        interval: [0.025, 0.975].map(|q| quantile(&ratios, q)),
        steps,
    }
}

/// The quantile by linear interpolation between order statistics.
fn quantile(values: &[f64], q: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let Some(last) = sorted.len().checked_sub(1) else { return f64::NAN };
    let place = q * last as f64;
    let below = place.floor() as usize;
    let above = (below + 1).min(last);
    sorted[below] + (sorted[above] - sorted[below]) * (place - below as f64)
}

/// The machine's load averages.
pub(crate) fn load() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').take(3).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_and_ratios() {
        assert_eq!(quantile(&[4.0, 1.0, 3.0, 2.0], 0.5), 2.5);
        assert_eq!(quantile(&[1.0], 0.25), 1.0);
        let run = |contender, first_frame| Run { contender, rtt: 20, first_frame, steps: vec![] };
        let runs: Vec<Run> = [(Contender::Matinee, 80.0), (Contender::Shaka, 160.0), (Contender::Hls, 320.0)]
            .iter()
            .flat_map(|&(contender, time)| {
                (0..9).map(move |n| run(contender, time * (0.9 + 0.025 * f64::from(n))))
            })
            .collect();
        let report = Report::new(String::new(), runs, 1);
        let row = &report.rows[0];
        assert!((row.ratio - 0.5).abs() < 1e-9, "{row:?}");
        assert!(row.interval[0] < 0.5 && row.interval[1] > 0.5 && row.interval[1] < 0.6, "{row:?}");
        assert!(report.table().contains("| 20 ms | 80 ms (76 to 84) |"), "{}", report.table());
    }
}
