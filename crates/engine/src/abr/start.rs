//! The first choice, before anything is measured.

use super::caps::covering_height;
use crate::model::{Representation, TrackKind};

/// What is known when the film starts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StartConditions {
    /// Estimate that an earlier viewing left, bit/s.
    pub stored_estimate: Option<u64>,
    /// Size of the video element in device pixels; (0, 0) when unknown.
    pub viewport: (u32, u32),
}

impl StartConditions {
    /// What to start with: 80 % of the stored estimate, else 1.5 Mb/s.
    pub fn bandwidth(&self) -> u64 {
        self.stored_estimate.map_or(1_500_000, |stored| (stored / 5).saturating_mul(4))
    }
}

/// Position in `representations` of the one to play for `kind`.
///
/// Video: the highest bandwidth that fits, among those not larger than the element needs (the smallest that
/// covers it is allowed). Nothing fits: the lowest. Audio: the preferred ones before the others, then as for
/// video.
pub fn start_choice(
    representations: &[Representation],
    kind: TrackKind,
    conditions: &StartConditions,
) -> Option<usize> {
    let of_kind = || representations.iter().enumerate().filter(move |(_, r)| r.kind == kind);
    let any_preferred = of_kind().any(|(_, r)| r.preferred);
    let cap = covering_height(of_kind().filter_map(|(_, r)| r.size), conditions.viewport);
    let candidates = || {
        of_kind().filter(|(_, r)| {
            let small_enough = match (r.size, cap) {
                (Some((_, height)), Some(cap)) => height <= cap,
                _ => true,
            };
            small_enough && (kind == TrackKind::Video || r.preferred || !any_preferred)
        })
    };
    let budget = conditions.bandwidth();
    candidates()
        .filter(|(_, r)| r.bandwidth <= budget)
        .max_by_key(|(_, r)| r.bandwidth)
        .or_else(|| candidates().min_by_key(|(_, r)| r.bandwidth))
        .map(|(position, _)| position)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ByteRange, Layout, SingleFile};

    fn video(bandwidth: u64, height: u32) -> Representation {
        Representation {
            id: format!("v{height}"),
            kind: TrackKind::Video,
            bandwidth,
            size: Some((height * 16 / 9, height)),
            preferred: false,
            layout: Layout::SingleFile(SingleFile {
                size: 1000,
                init: ByteRange { start: 0, end: 99 },
                index: ByteRange { start: 100, end: 199 },
                start: None,
            }),
            sources: vec![],
        }
    }

    fn ladder() -> Vec<Representation> {
        vec![video(300_000, 240), video(900_000, 360), video(2_500_000, 720), video(6_000_000, 1080)]
    }

    fn pick(stored_estimate: Option<u64>, viewport: (u32, u32)) -> usize {
        start_choice(&ladder(), TrackKind::Video, &StartConditions { stored_estimate, viewport }).unwrap()
    }

    #[test]
    fn start_is_the_highest_that_fits() {
        assert_eq!(pick(None, (0, 0)), 1);
        assert_eq!(pick(Some(10_000_000), (0, 0)), 3);
        assert_eq!(pick(Some(3_000_000), (0, 0)), 1);
        assert_eq!(pick(Some(3_200_000), (0, 0)), 2);
        assert_eq!(pick(Some(10), (0, 0)), 0);
    }

    #[test]
    fn start_is_not_larger_than_the_element_needs() {
        assert_eq!(pick(Some(100_000_000), (640, 360)), 1);
        assert_eq!(pick(Some(100_000_000), (650, 366)), 2);
        assert_eq!(pick(Some(100_000_000), (4000, 2000)), 3);
    }

    #[test]
    fn preferred_sound_wins_over_bandwidth() {
        let mut a = video(64_000, 0);
        (a.kind, a.size) = (TrackKind::Audio, None);
        let mut b = a.clone();
        b.bandwidth = 128_000;
        a.preferred = true;
        let conditions = StartConditions { stored_estimate: None, viewport: (0, 0) };
        assert_eq!(start_choice(&[b, a], TrackKind::Audio, &conditions), Some(1));
    }
}
