//! Which key protects which segment.

use std::time::Duration;

use cenc::{AesCipher, Kid};
use pack::{Fraction, PackKey, PackProtection};

use crate::Error;
use crate::keys::Keys;

/// Most keys that a film may have: all of them go into every license, manifest and init segment.
pub const MAX_KEYS: usize = 1000;

/// How often the key changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rotation {
    /// After so many segments.
    Segments(u32),
    /// After so many segments as come nearest to this time, at least one.
    Time(Duration),
}

/// Whole segments under one key, and in front without any: the same for all tracks of a film.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct KeyPlan {
    /// Segments of each period; 0: the key never changes.
    pub(crate) segments_per_key: u32,
    /// Clear segments at the beginning.
    pub(crate) clear_segments: u32,
}

impl KeyPlan {
    /// The plan for segments of a wanted length. The clear lead ends with the first segment that begins at or
    /// after its length.
    ///
    /// # Errors
    /// [`Error::Option`] for a rotation after no time.
    pub(crate) fn new(
        rotate: Option<Rotation>,
        clear_lead: Duration,
        segment: Duration,
    ) -> Result<Self, Error> {
        let segment = u32::try_from(segment.as_millis()).unwrap_or(u32::MAX).max(1);
        let segments = |time: Duration, round: fn(f64) -> f64| {
            // Bounded by u32 whatever the time: `as` saturates.
            round(time.as_secs_f64() * 1000.0 / f64::from(segment)) as u32
        };
        let segments_per_key = match rotate {
            None => 0,
            Some(Rotation::Segments(0)) => {
                return Err(Error::Option { what: "a key holds for at least one segment" });
            }
            Some(Rotation::Segments(count)) => count,
            Some(Rotation::Time(time)) => segments(time, f64::round).max(1),
        };
        Ok(Self { segments_per_key, clear_segments: segments(clear_lead, f64::ceil) })
    }

    /// The rotation period of a segment; both count from 0.
    pub(crate) fn period(&self, segment: usize) -> usize {
        segment.checked_div(self.segments_per_key as usize).unwrap_or(0)
    }

    /// Whether a segment stays clear.
    pub(crate) fn is_clear(&self, segment: usize) -> bool {
        segment < self.clear_segments as usize
    }

    /// The first segment of a period.
    fn first_segment(&self, period: usize) -> usize {
        period.saturating_mul(self.segments_per_key as usize)
    }

    /// The keys that a film of so many segments needs, and what `pack.json` says of them. `start` gives a
    /// segment's time.
    ///
    /// # Errors
    /// [`Error::Option`] if that is too many keys, more than were given, or nothing would be protected.
    pub(crate) fn keys(
        &self,
        keys: &Keys,
        segments: usize,
        start: impl Fn(usize) -> Fraction,
    ) -> Result<(Vec<PeriodKey>, PackProtection), Error> {
        if self.is_clear(segments.saturating_sub(1)) {
            return Err(Error::Option {
                what: "the clear lead is as long as the film: nothing would be protected",
            });
        }
        let periods = self.period(segments.saturating_sub(1)) + 1;
        if periods > MAX_KEYS {
            return Err(Error::Option { what: "more than 1000 keys; rotate less often" });
        }
        let mut ciphers = Vec::with_capacity(periods);
        let mut names = Vec::with_capacity(periods);
        for number in 0..periods {
            let period = number as u32;
            let (kid, cek) = keys.of_period(period)?;
            let start = if number == 0 {
                Fraction { value: 0, timescale: 1 }
            } else {
                start(self.first_segment(number))
            };
            ciphers.push(PeriodKey { kid, cipher: AesCipher::new(&cek) });
            names.push(PackKey { kid, period, start });
        }
        Ok((ciphers, keys.protection(names, self)))
    }
}

/// The key of a rotation period.
#[derive(Debug)]
pub(crate) struct PeriodKey {
    pub(crate) kid: Kid,
    pub(crate) cipher: AesCipher,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_and_lead_follow_from_the_segments_number() {
        let seconds = Duration::from_secs;
        let plan = |rotate, lead| KeyPlan::new(rotate, seconds(lead), seconds(4)).unwrap();
        let never = plan(None, 0);
        assert_eq!((never.period(0), never.period(9999), never.is_clear(0)), (0, 0, false));
        let two = plan(Some(Rotation::Segments(2)), 8);
        assert_eq!([0, 1, 2, 3, 4].map(|n| two.period(n)), [0, 0, 1, 1, 2]);
        assert_eq!([0, 1, 2].map(|n| two.is_clear(n)), [true, true, false]);
        assert_eq!(
            plan(Some(Rotation::Time(seconds(60))), 9),
            KeyPlan { segments_per_key: 15, clear_segments: 3 }
        );
        assert_eq!(plan(Some(Rotation::Time(seconds(1))), 0).segments_per_key, 1);
        assert!(KeyPlan::new(Some(Rotation::Segments(0)), seconds(0), seconds(4)).is_err());
    }
}
