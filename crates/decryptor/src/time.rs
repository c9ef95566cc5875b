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

/// now = anchor + elapsed, elapsed the greater of the monotonic and the wall clock's (docs/protocol.md §6):
/// setting the clock back gains nothing (B18).
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

    /// Takes a signed time that may be long past, as a cache gives it: it only shows that the clock is not
    /// behind it.
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
