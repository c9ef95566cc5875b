//! The rules: which rung to take for the next segment, and when to give a download up.
//!
//! * Throughput: the highest rung whose rate is at most 85 % of the estimate.
//! * Buffer: BOLA (Spiteri, Urgaonkar, Sitaraman: "BOLA: Near-Optimal Bitrate Adaptation for Online Videos",
//!   INFOCOM 2016), with the sizes of the very segment that is to be fetched, and its restraint on the way up
//!   (BOLA-O).
//! * Both: DYNAMIC (Spiteri, Sitaraman, Sparacio: "From Theory to Practice: Improving Bitrate Adaptation in
//!   the DASH Reference Player", MMSys 2018): throughput while the buffer is low, BOLA once it carries.

/// Which rules choose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Algorithm {
    /// Throughput while the buffer is low, BOLA above.
    #[default]
    Dynamic,
    /// Throughput alone, for comparison.
    ThroughputOnly,
    /// BOLA alone, for comparison.
    BolaOnly,
}

/// What one rung would cost.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Offer {
    /// Bits of the next segment.
    pub bits: f64,
    /// bit/s over the next few segments.
    pub rate: f64,
}

/// What a choice is made on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Situation {
    /// Seconds between the playhead and the end of what is there.
    pub buffer: f64,
    /// Seconds that the buffer is filled to.
    pub goal: f64,
    /// Seconds of the next segment.
    pub seconds: f64,
    /// bit/s that the network gives this track.
    pub throughput: f64,
    /// Place among the offers of the rung fetched last.
    pub previous: usize,
}

/// Share of the throughput that is spent.
const SPENT: f64 = 0.85;
/// The same where no buffer of so many seconds can be had, because the live edge is near: nothing makes good
/// what comes late.
const SPENT_NEAR: (f64, f64) = (0.7, 4.0);
/// Share of the buffer that a segment may take to arrive.
const STAKED: f64 = 0.35;
/// The buffer carries from here on, in seconds.
const CARRIES: f64 = 10.0;

/// Highest place whose rate fits into `share` of the throughput, and whose next segment arrives before the
/// buffer is dry, or as fast as it plays.
fn fitting(offers: &[Offer], situation: &Situation, share: f64) -> usize {
    let budget = situation.throughput * share;
    let time = situation.buffer.max(situation.seconds);
    offers.iter().rposition(|offer| offer.rate <= budget && offer.bits <= budget * time).unwrap_or(0)
}

/// The throughput rule. A place among `offers`, which are ordered from the lowest rung to the highest.
pub fn by_throughput(offers: &[Offer], situation: &Situation) -> usize {
    let near = situation.goal < SPENT_NEAR.1;
    fitting(offers, situation, if near { SPENT_NEAR.0 } else { SPENT })
}

/// Highest place whose next segment takes at most a third of the buffer, or so, to arrive: BOLA alone would
/// rather run dry.
fn affordable(offers: &[Offer], situation: &Situation) -> usize {
    let most = situation.throughput * situation.buffer * STAKED;
    offers.iter().rposition(|offer| offer.bits <= most).unwrap_or(0)
}

/// BOLA: the place with the most utility for its bits.
///
/// With Q the buffer in seconds, S the bits of the segment at a rung and v = ln(S / S of the lowest rung),
/// the choice is the largest (V·(v + γp) − Q) / S. V and γp follow from two levels of the buffer: at `low` =
/// V·γp the lowest rung is worth nothing more, at `high` = V·(v of the highest + γp) the highest is. `high`
/// is a segment short of the goal, `low` half of it (the simulation says: a smaller one picks larger segments
/// and stalls more).
pub fn by_buffer(offers: &[Offer], situation: &Situation) -> usize {
    let high = (situation.goal - situation.seconds).max(situation.seconds);
    let low = high / 2.0;
    let Some(lowest) = offers.first().map(|offer| offer.bits.max(1.0)) else { return 0 };
    let utility = |offer: &Offer| (offer.bits.max(1.0) / lowest).ln().max(0.0);
    let highest = offers.iter().map(utility).fold(0.0, f64::max);
    if highest <= 0.0 {
        return 0;
    }
    let v = (high - low) / highest;
    let score = |offer: &Offer| (v * utility(offer) + low - situation.buffer) / offer.bits.max(1.0);
    let mut best = 0;
    for (place, offer) in offers.iter().enumerate() {
        if score(offer) > score(&offers[best]) {
            best = place;
        }
    }
    // BOLA-O: upwards only as far as the network carries, so that it does not swing between two rungs.
    best.min(situation.previous.max(fitting(offers, situation, 1.0)))
}

/// Chooses rung after rung. DYNAMIC remembers which rule is in force.
#[derive(Clone, Copy, Debug, Default)]
pub struct Chooser {
    buffer_rules: bool,
}

impl Chooser {
    /// A place among `offers`, which are ordered from the lowest rung to the highest.
    pub fn choose(&mut self, algorithm: Algorithm, offers: &[Offer], situation: &Situation) -> usize {
        let throughput = by_throughput(offers, situation);
        let buffer = by_buffer(offers, situation);
        match algorithm {
            Algorithm::ThroughputOnly => throughput,
            Algorithm::BolaOnly => buffer,
            Algorithm::Dynamic => {
                if self.buffer_rules {
                    self.buffer_rules = situation.buffer >= CARRIES || buffer >= throughput;
                } else {
                    self.buffer_rules = situation.buffer >= CARRIES && buffer >= throughput;
                }
                let chosen = if self.buffer_rules { buffer } else { throughput };
                chosen.min(throughput.max(affordable(offers, situation)))
            }
        }
    }
}

/// A segment on its way.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OnItsWay {
    /// Seconds since its first byte.
    pub elapsed: f64,
    /// Bytes that have come.
    pub received: f64,
    /// Bytes that have not.
    pub missing: f64,
    /// Seconds until it should be there.
    pub deadline: f64,
    /// Seconds to the first byte of another request.
    pub latency: f64,
}

/// Seconds after which a download shows how fast it is.
const SHOWS: f64 = 0.5;

/// Whether to give the segment up for one at a lower rung: a place in `lower`, the bytes of the same segment
/// from the lowest rung upwards. The highest that arrives in time, else the lowest, and only if that is
/// sooner.
pub fn abandon(segment: &OnItsWay, lower: &[f64]) -> Option<usize> {
    if segment.elapsed < SHOWS || segment.received <= 0.0 {
        return None;
    }
    let rate = segment.received / segment.elapsed;
    let finish = segment.missing / rate;
    if finish <= segment.deadline {
        return None;
    }
    let time = |bytes: f64| segment.latency + bytes / rate;
    let place = lower.iter().rposition(|bytes| time(*bytes) <= segment.deadline).unwrap_or(0);
    lower.get(place).filter(|bytes| time(**bytes) < finish).map(|_| place)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn offers() -> Vec<Offer> {
        [300e3, 600e3, 1.2e6, 2.5e6, 5e6].map(|rate| Offer { bits: rate * 4.0, rate }).to_vec()
    }

    fn at(buffer: f64, throughput: f64, previous: usize) -> Situation {
        Situation { buffer, goal: 30.0, seconds: 4.0, throughput, previous }
    }

    #[test]
    fn throughput_spends_85_percent() {
        assert_eq!(by_throughput(&offers(), &at(8.0, 1.42e6, 0)), 2);
        assert_eq!(by_throughput(&offers(), &at(8.0, 1.40e6, 0)), 1);
        assert_eq!(by_throughput(&offers(), &at(8.0, 1.0, 4)), 0);
    }

    #[test]
    fn near_the_live_edge_less_is_spent() {
        let near = |throughput| Situation { goal: 1.5, seconds: 0.5, ..at(1.0, throughput, 0) };
        let offers: Vec<_> = offers().iter().map(|o| Offer { bits: o.rate * 0.5, ..*o }).collect();
        assert_eq!(by_throughput(&offers, &near(1.72e6)), 2);
        assert_eq!(by_throughput(&offers, &near(1.70e6)), 1);
    }

    #[test]
    fn a_segment_larger_than_its_rung_has_to_arrive_in_time() {
        let mut offers = offers();
        offers[2].bits *= 3.0;
        assert_eq!(by_throughput(&offers, &at(4.0, 1.5e6, 0)), 1);
        assert_eq!(by_throughput(&offers, &at(20.0, 1.5e6, 0)), 2);
    }

    #[test]
    fn bola_climbs_with_the_buffer_from_the_lowest_to_the_highest() {
        let chosen: Vec<_> = (0..30).map(|q| by_buffer(&offers(), &at(f64::from(q), 1e9, 0))).collect();
        assert!(chosen.is_sorted(), "{chosen:?}");
        assert_eq!((chosen[0], chosen[26]), (0, 4));
        assert!((2..=4).contains(&chosen[15]), "{chosen:?}");
    }

    #[test]
    fn bola_o_does_not_climb_above_what_the_network_carries() {
        assert_eq!(by_buffer(&offers(), &at(29.0, 1.3e6, 0)), 2);
        assert_eq!(by_buffer(&offers(), &at(29.0, 1.3e6, 3)), 3, "but stays where it is");
    }

    #[test]
    fn dynamic_hands_over_at_ten_seconds_and_back_only_when_the_buffer_asks_for_less() {
        let mut chooser = Chooser::default();
        let mut choose = |buffer, throughput, previous| {
            chooser.choose(Algorithm::Dynamic, &offers(), &at(buffer, throughput, previous))
        };
        assert_eq!(choose(2.0, 3e6, 0), 3, "throughput although the buffer is low");
        assert_eq!(choose(20.0, 3e6, 3), 3);
        assert_eq!(choose(22.0, 1.4e6, 3), 3, "the buffer carries through a dip");
        assert_eq!(choose(22.0, 0.5e6, 3), 1, "but not more than a third of it is put at stake");
        assert_eq!(choose(9.0, 1e6, 2), 1, "below ten seconds the buffer asks for less");
        assert_eq!(choose(3.0, 3e6, 2), 3, "and back");
    }

    #[test]
    fn a_late_segment_is_given_up_for_the_best_that_is_in_time() {
        let slow = OnItsWay { elapsed: 0.6, received: 60e3, missing: 1.2e6, deadline: 5.0, latency: 0.1 };
        let lower = [150e3, 300e3, 600e3];
        assert_eq!(abandon(&slow, &lower), Some(1));
        assert_eq!(abandon(&OnItsWay { elapsed: 0.4, ..slow }, &lower), None, "too early to tell");
        assert_eq!(abandon(&OnItsWay { deadline: 13.0, ..slow }, &lower), None, "in time");
        assert_eq!(abandon(&OnItsWay { deadline: 0.5, ..slow }, &lower), Some(0), "sooner at least");
        assert_eq!(abandon(&OnItsWay { missing: 100e3, deadline: 0.5, ..slow }, &lower), None, "not sooner");
        assert_eq!(abandon(&slow, &[]), None);
    }

    proptest! {
        #[test]
        fn choices_exist_whatever_the_numbers(
            bits in proptest::collection::vec(0.0f64..1e9, 1..8),
            buffer in 0.0f64..100.0, goal in 8.0f64..40.0, throughput in 0.0f64..1e9, previous in 0usize..8,
        ) {
            let offers: Vec<_> = bits.iter().map(|bits| Offer { bits: *bits, rate: bits / 4.0 }).collect();
            let situation = Situation {
                buffer, goal, seconds: 4.0, throughput, previous: previous.min(offers.len() - 1),
            };
            for algorithm in [Algorithm::Dynamic, Algorithm::ThroughputOnly, Algorithm::BolaOnly] {
                prop_assert!(Chooser::default().choose(algorithm, &offers, &situation) < offers.len());
            }
        }
    }
}
