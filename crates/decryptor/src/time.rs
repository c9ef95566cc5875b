/// Of two times; `f64::max` would be a call of its own in wasm, for what no clock says.
fn later(a: f64, b: f64) -> f64 {
    if a > b { a } else { b }
}

/// What the machine's clocks say now.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Clocks {
    /// Wall clock, Unix seconds. May be set by the user.
    pub wall: f64,
    /// Seconds since some moment of this run; never goes back.
    pub monotonic: f64,
}

impl Clocks {
    /// Seconds since an earlier moment of this run: what the clock says that has counted more.
    fn since(self, earlier: Self) -> f64 {
        later(later(self.monotonic - earlier.monotonic, self.wall - earlier.wall), 0.0)
    }
}

/// What is known of the time, to be kept over restarts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Anchor {
    /// Greatest signed time seen, Unix seconds; 0 if none.
    pub signed: u64,
    /// Greatest time known: the signed one, and what the clocks have counted since.
    pub known: f64,
    /// Greatest that the wall clock has said since the signed time came.
    pub wall: f64,
}

/// So much may the wall clock go back unnoticed, seconds: machines correct theirs.
const TOLERANCE: f64 = 300.0;
/// What is known is to be kept so often, seconds.
const KEEP_EVERY: f64 = 60.0;

/// now = known + elapsed, elapsed the greater of the monotonic and the wall clock's (docs/protocol.md §6):
/// setting the clock back gains nothing (B18).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TrustedTime {
    anchor: Anchor,
    monotonic: f64,
    /// To be kept at once.
    is_due: bool,
}

impl TrustedTime {
    /// Starts from what was kept. If nothing was, the wall clock is all there is.
    pub fn new(kept: Option<Anchor>, clocks: Clocks) -> Self {
        let wall = later(clocks.wall, 0.0);
        let anchor = kept.unwrap_or(Anchor { signed: 0, known: wall, wall });
        Self { anchor, monotonic: clocks.monotonic, is_due: kept.is_none() }
    }

    fn known(&self, clocks: Clocks) -> f64 {
        self.anchor.known + clocks.since(Clocks { wall: self.anchor.wall, monotonic: self.monotonic })
    }

    /// Trusted time, Unix seconds.
    pub fn now(&self, clocks: Clocks) -> u64 {
        self.known(clocks) as u64
    }

    /// The greatest signed time seen; 0 if none.
    pub fn greatest(&self) -> u64 {
        self.anchor.signed
    }

    /// Whether the wall clock is before what it has said already, by more than five minutes. Then nobody
    /// knows how late it is, until a signed time comes.
    pub fn is_set_back(&self, clocks: Clocks) -> bool {
        clocks.wall + TOLERANCE < self.anchor.wall
    }

    /// Takes a signed time that may be long past, as a cache gives it: it only shows that the clock is not
    /// behind it.
    pub fn learn_at_least(&mut self, signed: u64, clocks: Clocks) {
        if signed > self.now(clocks) {
            self.learn(signed, clocks, clocks);
        }
    }

    /// Takes a signed time that was `asked` for, if it is later than all before. It is as late now as was
    /// known, unless that is later than the answer to the question allows: then the wall clock had run ahead.
    /// Who holds an answer back does not set the time back by it.
    pub fn learn(&mut self, signed: u64, asked: Clocks, clocks: Clocks) {
        if signed > self.anchor.signed {
            let (earliest, known) = (signed as f64, self.known(clocks));
            let latest = earliest + clocks.since(asked);
            let known = if known > latest { latest } else { later(known, earliest) };
            self.monotonic = clocks.monotonic;
            self.anchor = Anchor { signed, known, wall: clocks.wall };
            self.is_due = true;
        }
    }

    /// What is to be kept now: after a license was opened or a signed time came, and once a minute.
    pub fn to_keep(&mut self, clocks: Clocks) -> Option<Anchor> {
        let known = self.known(clocks);
        if !self.is_due && known < self.anchor.known + KEEP_EVERY {
            return None;
        }
        let wall = later(self.anchor.wall, clocks.wall);
        self.anchor = Anchor { known, wall, ..self.anchor };
        self.monotonic = clocks.monotonic;
        self.is_due = false;
        Some(self.anchor)
    }

    /// A license is being opened: what is known now is to be kept.
    pub(crate) fn opened(&mut self) {
        self.is_due = true;
    }
}
