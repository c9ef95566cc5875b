use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter, Write as _};

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

impl Step {
    /// Medians of the moments that most runs went through, in their order.
    pub(crate) fn medians<'a>(runs: impl Iterator<Item = &'a Vec<Self>>) -> Vec<Self> {
        let mut moments = BTreeMap::<&str, Vec<f64>>::new();
        let mut count = 0;
        for steps in runs {
            count += 1;
            for step in steps {
                moments.entry(&step.name).or_default().push(step.at);
            }
        }
        let mut steps: Vec<Self> = moments
            .into_iter()
            .filter(|(_, at)| at.len() * 2 > count)
            .map(|(name, at)| Self { name: name.to_owned(), at: quantile(&at, 0.5) })
            .collect();
        steps.sort_by(|a, b| a.at.total_cmp(&b.at));
        steps
    }
}

/// How ours stands to others.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Spread {
    /// Our median to the best median of the others.
    ratio: f64,
    /// 95 % interval of the ratio, by bootstrap.
    interval: [f64; 2],
}

impl Spread {
    pub(crate) fn of(ours: &[f64], others: &[&[f64]], rng: &mut fastrand::Rng) -> Self {
        Self { ratio: ratio(ours, others), interval: interval(ours, others, rng) }
    }
}

impl Display for Spread {
    fn fmt(&self, to: &mut Formatter<'_>) -> fmt::Result {
        let [low, high] = self.interval;
        write!(to, "{:.2} ({low:.2} to {high:.2})", self.ratio)
    }
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
    ours: Vec<Ours>,
}

/// Ours beside the others.
#[derive(Debug, Serialize)]
struct Ours {
    name: &'static str,
    #[serde(flatten)]
    spread: Spread,
    /// Medians of the moments on the way.
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
        text +=
            " ratio to the best other (95 %) | the same, pointer rested |\n|---|---|---|---|---|---|---|\n";
        for row in &self.rows {
            let _ = write!(text, "| {} ms |", row.rtt);
            for (_, [low, median, high]) in &row.players {
                let _ = write!(text, " {median:.0} ms ({low:.0} to {high:.0}) |");
            }
            for Ours { spread, .. } in &row.ours {
                let _ = write!(text, " {spread} |");
            }
            text.push('\n');
        }
        text += "\nMedian (quartiles). The way of ours, medians in ms after the click:\n\n";
        for (row, ours) in self.rows.iter().flat_map(|row| row.ours.iter().map(move |ours| (row, ours))) {
            let steps = ours.steps.iter().map(|step| format!("{} {:.0}", step.name, step.at));
            let _ =
                writeln!(text, "* {}, {} ms: {}", ours.name, row.rtt, steps.collect::<Vec<_>>().join(", "));
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
    let others: Vec<&[f64]> = Contender::ALL
        .iter()
        .zip(&all)
        .filter(|(contender, _)| !contender.is_ours())
        .map(|(_, times)| times.as_slice())
        .collect();
    let ours = Contender::ALL.iter().zip(&all).filter(|(contender, _)| contender.is_ours());
    let ours = ours.map(|(&contender, times)| Ours {
        name: contender.name(),
        spread: Spread::of(times, &others, rng),
        steps: Step::medians(
            runs.iter().filter(|run| run.contender == contender && run.rtt == rtt).map(|run| &run.steps),
        ),
    });
    Row {
        rtt,
        ours: ours.collect(),
        players: Contender::ALL
            .iter()
            .zip(&all)
            .map(|(contender, times)| (contender.name(), [0.25, 0.5, 0.75].map(|q| quantile(times, q))))
            .collect(),
    }
}

fn ratio(ours: &[f64], others: &[&[f64]]) -> f64 {
    let best = others.iter().map(|times| quantile(times, 0.5)).fold(f64::INFINITY, f64::min);
    quantile(ours, 0.5) / best
}

fn interval(ours: &[f64], others: &[&[f64]], rng: &mut fastrand::Rng) -> [f64; 2] {
    let mut draw =
        |times: &[f64]| -> Vec<f64> { (0..times.len()).map(|_| times[rng.usize(..times.len())]).collect() };
    let ratios: Vec<f64> = (0..RESAMPLES)
        .map(|_| {
            let drawn: Vec<Vec<f64>> = others.iter().map(|times| draw(times)).collect();
            ratio(&draw(ours), &drawn.iter().map(Vec::as_slice).collect::<Vec<_>>())
        })
        .collect();
    [0.025, 0.975].map(|q| quantile(&ratios, q))
}

/// The quantile by linear interpolation between order statistics.
pub(crate) fn quantile(values: &[f64], q: f64) -> f64 {
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
        let medians = [
            (Contender::Matinee, 80.0),
            (Contender::MatineeRested, 40.0),
            (Contender::Shaka, 160.0),
            (Contender::Hls, 320.0),
        ];
        let runs: Vec<Run> = medians
            .iter()
            .flat_map(|&(contender, time)| {
                (0..9).map(move |n| run(contender, time * (0.9 + 0.025 * f64::from(n))))
            })
            .collect();
        let report = Report::new(String::new(), runs, 1);
        for (ours, ratio) in report.rows[0].ours.iter().zip([0.5, 0.25]) {
            let Spread { ratio: found, interval: [low, high] } = ours.spread;
            assert!((found - ratio).abs() < 1e-9, "{ours:?}");
            assert!(low < ratio && high > ratio, "{ours:?}");
            assert!(high < ratio * 1.2, "{ours:?}");
        }
        assert!(report.table().contains("| 20 ms | 80 ms (76 to 84) |"), "{}", report.table());
    }
}
