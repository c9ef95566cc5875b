//! The network: what it carries, and what the CDNs at its other end do.

use std::time::Duration;

use engine::{Failure, FetchSpec};

/// What a CDN does with a request.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Behaviour {
    Serve,
    Fail(Failure),
    /// Breaks off after so many bytes.
    BreakAfter(u64),
    /// Ends after so many bytes as if that were all.
    EndAfter(u64),
    /// Says nothing more after so many bytes.
    StallAfter(u64),
    /// Never answers.
    Silent,
}

impl Behaviour {
    /// How many bytes it gives.
    pub fn limit(self) -> u64 {
        match self {
            Self::Serve => u64::MAX,
            Self::BreakAfter(limit) | Self::EndAfter(limit) | Self::StallAfter(limit) => limit,
            Self::Fail(_) | Self::Silent => 0,
        }
    }
}

pub struct Flight {
    pub spec: FetchSpec,
    /// Bytes of the answer.
    pub length: u64,
    pub sent: Duration,
    /// The part that the server waits for before it answers, by the numbers of its segment and of itself.
    pub held: Option<(u64, usize)>,
    /// What lost packets add to the time to its first byte.
    pub late: Duration,
    pub delivered: u64,
    pub behaviour: Behaviour,
}

/// bit/s, second by second; begins anew at its end.
#[derive(Clone, Debug)]
pub struct Trace {
    pub name: &'static str,
    pub rates: Vec<f64>,
}

impl Trace {
    pub fn constant(name: &'static str, rate: f64) -> Self {
        Self { name, rates: vec![rate] }
    }

    /// Each rate for so many seconds.
    pub fn steps(name: &'static str, seconds: usize, rates: &[f64]) -> Self {
        Self { name, rates: rates.iter().flat_map(|rate| std::iter::repeat_n(*rate, seconds)).collect() }
    }

    /// A cellular link: a Markov chain over six states a factor 1.8 apart, which it leaves for a neighbour
    /// every five seconds on average, and now and then for the worst one; 20 % noise each second.
    pub fn cellular(name: &'static str, mean: f64, seconds: usize, seed: u64) -> Self {
        let mut rng = fastrand::Rng::with_seed(seed);
        let (mut state, mut rates) = (3i32, Vec::with_capacity(seconds));
        for _ in 0..seconds {
            let draw = rng.f64();
            if draw < 0.01 {
                state = 0;
            } else if draw < 0.2 {
                state = (state + if rng.bool() { 1 } else { -1 }).clamp(0, 5);
            }
            rates.push(1.8f64.powi(state - 3) * (0.8 + 0.4 * rng.f64()));
        }
        let scale = mean * seconds as f64 / rates.iter().sum::<f64>();
        rates.iter_mut().for_each(|rate| *rate *= scale);
        Self { name, rates }
    }

    pub fn at(&self, second: f64) -> f64 {
        self.rates[second.max(0.0) as usize % self.rates.len()]
    }

    /// bit/s over the first so many seconds.
    pub fn mean(&self, seconds: f64) -> f64 {
        let count = (seconds as usize).max(1);
        (0..count).map(|second| self.at(second as f64)).sum::<f64>() / count as f64
    }
}
