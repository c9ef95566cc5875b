//! How many samples a file may describe.

/// Octets of a file for each of its samples, on average over all tracks. A sample has some of its own, and
/// tables or runs that say where it lies; the smallest frames of AAC and H.264 take more.
const OCTETS: u64 = 8;

/// Samples of any file: all tracks together. Ten hours of 60 pictures a second with eight tracks of sound.
const MOST: u64 = 1 << 24;

/// What is wrong with a file that describes more.
pub(crate) const TOO_MANY: &str = "more samples than a file of this size can have";

/// The samples that a file may still describe. A few octets of tables can describe any number of them, again
/// in each track, and all are kept in memory: so their number follows from the octets that are there.
#[derive(Debug)]
pub(crate) struct SampleBudget(u64);

impl SampleBudget {
    /// That of a file of so many octets.
    pub(crate) fn of_file(octets: u64) -> Self {
        Self((octets / OCTETS).min(MOST))
    }

    /// How many there may still be.
    pub(crate) const fn left(&self) -> u64 {
        self.0
    }

    /// Counts samples.
    ///
    /// # Errors
    /// [`TOO_MANY`].
    pub(crate) fn take(&mut self, samples: u64) -> Result<(), &'static str> {
        self.0 = self.0.checked_sub(samples).ok_or(TOO_MANY)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_tracks_share_one_budget() {
        let mut budget = SampleBudget::of_file(800);
        assert_eq!(budget.left(), 100);
        budget.take(60).unwrap();
        assert_eq!(budget.take(41), Err(TOO_MANY));
        budget.take(40).unwrap();
        assert_eq!(budget.left(), 0);
        assert_eq!(SampleBudget::of_file(u64::MAX).left(), MOST);
    }
}
