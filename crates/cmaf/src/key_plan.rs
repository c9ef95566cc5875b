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
}
