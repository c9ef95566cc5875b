//! Bit rates and groups of pictures, from the samples' sizes and times.

use serde::Serialize;

/// Bits a second of a track's samples.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Rates {
    /// Over the whole track.
    pub average: u64,
    /// In the second, counted from the track's beginning in decoding order, that has the most.
    pub peak: u64,
}

/// A video's groups of pictures: each begins with a sync sample.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Groups {
    /// How many there are.
    pub count: u64,
    /// Seconds of the shortest, from one sync sample to the next.
    pub shortest: f64,
    /// Seconds of the longest.
    pub longest: f64,
    /// Seconds of all, divided by their number.
    pub average: f64,
    /// How many are open, or seem so: pictures follow the sync sample that are shown before it.
    pub open: u64,
}

/// A sample's place in time, in ticks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Timed {
    pub(super) size: u32,
    pub(super) decoded: u64,
    pub(super) shown: i64,
    pub(super) lasts: u32,
    pub(super) sync: bool,
}

/// Collects what is known of the samples so far, which come in decoding order.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Timing {
    timescale: u32,
    octets: u64,
    /// When the first sample is decoded; the second that is counted, and octets in it and in the fullest one.
    begin: Option<u64>,
    second: u64,
    in_second: u64,
    fullest: u64,
    /// Earliest and latest times that are shown.
    from: i64,
    until: i64,
    /// When the group's sync sample is shown, and whether something behind it is shown before it.
    group: Option<(i64, bool)>,
    first_sync: i64,
    lengths: (u64, u64, u64),
    open: u64,
}

impl Timing {
    pub(super) const fn new(timescale: u32) -> Self {
        Self {
            timescale,
            octets: 0,
            begin: None,
            second: 0,
            in_second: 0,
            fullest: 0,
            from: i64::MAX,
            until: i64::MIN,
            group: None,
            first_sync: 0,
            lengths: (0, u64::MAX, 0),
            open: 0,
        }
    }

    pub(super) fn take(&mut self, sample: Timed) {
        let begin = *self.begin.get_or_insert(sample.decoded);
        let second = sample.decoded.saturating_sub(begin) / u64::from(self.timescale.max(1));
        if second != self.second {
            (self.second, self.in_second) = (second, 0);
        }
        self.octets += u64::from(sample.size);
        self.in_second += u64::from(sample.size);
        self.fullest = self.fullest.max(self.in_second);
        self.from = self.from.min(sample.shown);
        self.until = self.until.max(sample.shown.saturating_add(sample.lasts.into()));
        if sample.sync {
            match self.group {
                Some((before, _)) => self.close(before, sample.shown),
                None => self.first_sync = sample.shown,
            }
            self.group = Some((sample.shown, false));
        } else if let Some((sync, open)) = &mut self.group
            && sample.shown < *sync
            && !*open
        {
            *open = true;
            self.open += 1;
        }
    }

    fn close(&mut self, from: i64, to: i64) {
        let length = to.saturating_sub(from).max(0).unsigned_abs();
        let (count, shortest, longest) = self.lengths;
        self.lengths = (count + 1, shortest.min(length), longest.max(length));
    }

    fn seconds(&self, ticks: u64) -> f64 {
        ticks as f64 / f64::from(self.timescale.max(1))
    }

    /// Seconds from the first picture or sound to the end of the last.
    pub(super) fn duration(&self) -> f64 {
        self.seconds(self.until.saturating_sub(self.from).max(0).unsigned_abs())
    }

    pub(super) fn rates(&self) -> Rates {
        let duration = self.duration();
        match duration > 0.0 {
            true => {
                let average = (self.octets as f64 * 8.0 / duration).round() as u64;
                // Of less than a second the average is all that can be said.
                Rates { average, peak: if duration < 1.0 { average } else { self.fullest.saturating_mul(8) } }
            }
            false => Rates::default(),
        }
    }

    /// The groups; `None` where there is no sync sample.
    pub(super) fn groups(&self) -> Option<Groups> {
        let (last, _) = self.group?;
        let mut done = self.clone();
        done.close(last, self.until);
        let (count, shortest, longest) = done.lengths;
        let all = self.until.saturating_sub(self.first_sync).max(0).unsigned_abs();
        Some(Groups {
            count,
            shortest: self.seconds(shortest),
            longest: self.seconds(longest),
            average: self.seconds(all) / count as f64,
            open: self.open,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timing(samples: &[(u32, i64, bool)]) -> Timing {
        let mut timing = Timing::new(10);
        for (n, &(size, shown, sync)) in samples.iter().enumerate() {
            timing.take(Timed { size, decoded: n as u64, shown, lasts: 1, sync });
        }
        timing
    }

    #[test]
    fn rates_of_a_second_and_of_all() {
        let sizes: Vec<_> = (0..20).map(|n| (if n < 10 { 100 } else { 50 }, n, n == 0)).collect();
        let timing = timing(&sizes);
        assert_eq!((timing.duration(), timing.rates()), (2.0, Rates { average: 6000, peak: 8000 }));
        assert_eq!(Timing::new(10).rates(), Rates::default());
        assert_eq!(Timing::new(10).groups(), None);
    }

    #[test]
    fn groups_are_closed_or_open() {
        let closed = [(1, 0, true), (1, 2, false), (1, 1, false), (1, 3, true), (1, 4, false)];
        let groups = timing(&closed).groups().unwrap();
        assert_eq!((groups.count, groups.open, groups.shortest, groups.longest), (2, 0, 0.2, 0.3));
        // Two pictures of the second group are shown before its sync sample; the group counts once.
        let open = [(1, 0, true), (1, 3, true), (1, 1, false), (1, 2, false), (1, 4, false)];
        assert_eq!(timing(&open).groups().unwrap().open, 1);
        assert_eq!(timing(&[(1, 0, false)]).groups(), None);
    }
}
