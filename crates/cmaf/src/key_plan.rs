use std::time::Duration;

/// How often the key changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rotation {
    /// After so many segments.
    Segments(u32),
    /// After so many segments as come nearest to this time, at least one.
    Time(Duration),
}

/// Which key protects which segment: whole segments under one key, and in front without any. It is the same
/// for all tracks of a film. Segments and periods count from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyPlan {
    /// Segments of each rotation period; 0: the key never changes.
    pub segments_per_key: u32,
    /// Clear segments at the beginning.
    pub clear_segments: u32,
}

impl KeyPlan {
    /// One key for everything.
    pub const ONE_KEY: Self = Self { segments_per_key: 0, clear_segments: 0 };

    /// The plan for segments of a wanted length. The clear lead ends with the first segment that begins at or
    /// after its length. `None` for a key that holds for no segment.
    pub fn new(rotate: Option<Rotation>, clear_lead: Duration, segment: Duration) -> Option<Self> {
        let segment = u32::try_from(segment.as_millis()).unwrap_or(u32::MAX).max(1);
        let segments = |time: Duration, round: fn(f64) -> f64| {
            // Bounded by u32 whatever the time: `as` saturates.
            round(time.as_secs_f64() * 1000.0 / f64::from(segment)) as u32
        };
        let segments_per_key = match rotate {
            None => 0,
            Some(Rotation::Segments(0)) => return None,
            Some(Rotation::Segments(count)) => count,
            Some(Rotation::Time(time)) => segments(time, f64::round).max(1),
        };
        Some(Self { segments_per_key, clear_segments: segments(clear_lead, f64::ceil) })
    }

    /// The rotation period of a segment.
    pub fn period(&self, segment: usize) -> usize {
        segment.checked_div(self.segments_per_key as usize).unwrap_or(0)
    }

    /// Whether a segment stays clear.
    pub const fn is_clear(&self, segment: usize) -> bool {
        segment < self.clear_segments as usize
    }

    /// The first segment of a period.
    pub const fn first_segment(&self, period: usize) -> usize {
        period.saturating_mul(self.segments_per_key as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_and_lead_follow_from_the_segments_number() {
        let never = KeyPlan::ONE_KEY;
        assert_eq!((never.period(0), never.period(9999), never.is_clear(0)), (0, 0, false));
        let two = KeyPlan { segments_per_key: 2, clear_segments: 2 };
        assert_eq!([0, 1, 2, 3, 4].map(|n| two.period(n)), [0, 0, 1, 1, 2]);
        assert_eq!([0, 1, 2].map(|n| two.is_clear(n)), [true, true, false]);
        assert_eq!([0, 1, 2].map(|n| two.first_segment(n)), [0, 2, 4]);
    }
    #[test]
    fn rotation_and_lead_are_whole_segments() {
        let seconds = Duration::from_secs;
        let plan = |rotate, lead| KeyPlan::new(rotate, seconds(lead), seconds(4)).unwrap();
        assert_eq!(plan(None, 0), KeyPlan::ONE_KEY);
        let two = KeyPlan { segments_per_key: 2, clear_segments: 2 };
        assert_eq!(plan(Some(Rotation::Segments(2)), 8), two);
        assert_eq!(
            plan(Some(Rotation::Time(seconds(60))), 9),
            KeyPlan { segments_per_key: 15, clear_segments: 3 }
        );
        assert_eq!(plan(Some(Rotation::Time(seconds(1))), 0).segments_per_key, 1);
        assert_eq!(KeyPlan::new(Some(Rotation::Segments(0)), seconds(0), seconds(4)), None);
    }
}
