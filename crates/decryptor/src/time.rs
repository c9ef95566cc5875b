/// What the machine's clocks say now.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Clocks {
    /// Wall clock, Unix seconds. May be set by the user.
    pub wall: f64,
    /// Seconds since some moment of this run; never goes back.
    pub monotonic: f64,
}

/// The greatest signed time seen, and what the wall clock said then. Kept over restarts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Anchor {
    /// Signed time, Unix seconds.
    pub signed: u64,
    /// Wall clock when it was seen.
    pub wall: f64,
}

/// now = anchor + elapsed, elapsed the greater of the monotonic and the wall clock's (docs/protocol.md §6): setting the clock back gains
/// nothing (B18).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TrustedTime {
    anchor: Option<Anchor>,
    monotonic: f64,
}

impl TrustedTime {
    /// Starts from what was kept, if anything was.
    pub fn new(kept: Option<Anchor>, clocks: Clocks) -> Self {
        Self { anchor: kept, monotonic: clocks.monotonic }
    }

    /// Trusted time, Unix seconds. Without an anchor the wall clock is all there is.
    pub fn now(&self, clocks: Clocks) -> u64 {
        let Some(anchor) = self.anchor else { return clocks.wall.max(0.0) as u64 };
        let elapsed = (clocks.monotonic - self.monotonic).max(clocks.wall - anchor.wall).max(0.0);
        anchor.signed.saturating_add(elapsed as u64)
    }

    /// The greatest signed time seen; 0 if none.
    pub fn greatest(&self) -> u64 {
        self.anchor.map_or(0, |anchor| anchor.signed)
    }

    /// Takes a signed time that may be long past, as a cache gives it: it only shows that the clock is not behind it.
    pub fn learn_at_least(&mut self, signed: u64, clocks: Clocks) -> Option<Anchor> {
        if signed > self.now(clocks) { self.learn(signed, clocks) } else { None }
    }

    /// Takes a signed time. Gives the new anchor to keep if it is later than all before.
    pub fn learn(&mut self, signed: u64, clocks: Clocks) -> Option<Anchor> {
        if self.anchor.is_some_and(|anchor| signed <= anchor.signed) {
            return None;
        }
        self.monotonic = clocks.monotonic;
        self.anchor = Some(Anchor { signed, wall: clocks.wall });
        self.anchor
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(wall: f64, monotonic: f64) -> Clocks {
        Clocks { wall, monotonic }
    }

    /// B18: the clock set back two days after a contact.
    #[test]
    fn b18_setting_the_clock_back_gains_nothing() {
        let mut time = TrustedTime::new(None, at(1000.0, 5.0));
        assert_eq!(time.now(at(1001.0, 6.0)), 1001);
        let kept = time.learn(5000, at(1002.0, 7.0));
        assert_eq!(kept, Some(Anchor { signed: 5000, wall: 1002.0 }));
        assert_eq!(time.now(at(1012.0, 17.0)), 5010);
        assert_eq!(time.now(at(-170_000.0, 27.0)), 5020);
        assert_eq!(time.learn(4999, at(1013.0, 18.0)), None);
        // After a restart, with the clock set back and set forward.
        let time = TrustedTime::new(kept, at(-170_000.0, 0.0));
        assert_eq!(time.now(at(-170_000.0, 3.0)), 5003);
        assert_eq!(TrustedTime::new(kept, at(2002.0, 0.0)).now(at(2002.0, 0.0)), 6000);
        assert_eq!(time.greatest(), 5000);
    }

    /// B12, B18: a time from a cache moves a clock that is behind it, and none that is not.
    #[test]
    fn b12_times_from_caches_prove_no_now() {
        let noon = 43_200;
        let mut time = TrustedTime::new(None, at(54_000.0, 0.0));
        assert_eq!(time.learn_at_least(noon, at(54_000.0, 0.0)), None);
        assert_eq!(time.now(at(54_000.0, 0.0)), 54_000, "three in the afternoon, not noon");
        let mut set_back = TrustedTime::new(None, at(-118_800.0, 0.0));
        assert!(set_back.learn_at_least(noon, at(-118_800.0, 0.0)).is_some());
        assert_eq!(set_back.now(at(-118_800.0, 60.0)), noon + 60);
        let mut anchored = TrustedTime::new(Some(Anchor { signed: 50_000, wall: 100.0 }), at(100.0, 0.0));
        assert_eq!(anchored.learn_at_least(noon, at(100.0, 1.0)), None);
        assert_eq!(anchored.now(at(100.0, 1.0)), 50_001);
    }
}
