//! Which sequence numbers of a device were seen: the greatest and a window of 256 below it (docs/protocol.md,
//! section 2).

/// How far a number may lie above the greatest seen.
const MAX_STEP: u64 = 65_536;
/// Numbers that the window covers: H and the 255 below it.
const WIDTH: u64 = 256;

/// The greatest number H and, for each of the 256 numbers down from H, whether it was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SequenceWindow {
    highest: u64,
    /// Bit i (from the lowest bit of the first octet) stands for H − i.
    seen: [u8; 32],
}

impl SequenceWindow {
    /// A window whose greatest number is `highest`; everything below counts as seen.
    pub fn starting_at(highest: u64) -> Self {
        Self { highest, seen: [0xFF; 32] }
    }

    /// The window as a store keeps it.
    pub fn from_parts(highest: u64, seen: [u8; 32]) -> Self {
        Self { highest, seen }
    }

    /// The greatest number seen.
    pub fn highest(&self) -> u64 {
        self.highest
    }

    /// The bits: bit i of the little-endian 256-bit number stands for H − i.
    pub fn seen(&self) -> &[u8; 32] {
        &self.seen
    }

    /// Takes a number, or refuses it (`false`) as a repeat, too old or too far ahead.
    #[must_use]
    pub fn accept(&mut self, sequence: u64) -> bool {
        if sequence > self.highest {
            let step = sequence - self.highest;
            if step > MAX_STEP {
                return false;
            }
            self.shift(step);
            self.highest = sequence;
            self.seen[0] |= 1;
            return true;
        }
        let back = self.highest - sequence;
        if back >= WIDTH {
            return false;
        }
        let (octet, bit) = ((back / 8) as usize, 1 << (back % 8));
        let fresh = self.seen[octet] & bit == 0;
        self.seen[octet] |= bit;
        fresh
    }

    /// Moves the window up by `step`: every bit to a higher index.
    fn shift(&mut self, step: u64) {
        if step >= WIDTH {
            self.seen = [0; 32];
            return;
        }
        let (octets, bits) = ((step / 8) as usize, (step % 8) as u32);
        for i in (0..32usize).rev() {
            let at = |i: Option<usize>| i.map_or(0, |i| u16::from(self.seen[i]));
            let wide = (at(i.checked_sub(octets)) << 8) | at(i.checked_sub(octets + 1));
            self.seen[i] = (wide << bits >> 8) as u8;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashSet;

    /// A36: a number counts once; order inside the window does not matter.
    #[test]
    fn repeats_and_strangers_are_refused() {
        let mut window = SequenceWindow::starting_at(5);
        assert!(!window.accept(5), "registration's own number");
        assert!(!window.accept(4), "before the registration");
        assert!(window.accept(8));
        assert!(window.accept(6));
        assert!(!window.accept(6));
        assert!(window.accept(7));
        assert!(!window.accept(8 + 65_537));
        assert!(window.accept(8 + 65_536));
        assert!(!window.accept(8 + 65_536 - 256));
        assert!(window.accept(8 + 65_536 - 255));
        assert!(!window.accept(8));
    }

    proptest! {
        /// The bitmap agrees with a set of everything seen.
        #[test]
        fn agrees_with_a_set(start in 0u64..1000, steps in proptest::collection::vec(0i64..600, 1..200)) {
            let mut window = SequenceWindow::starting_at(start);
            let mut seen: HashSet<u64> = (0..=start).collect();
            let mut highest = start;
            for step in steps {
                let sequence = highest.saturating_add_signed(step - 300);
                let expected = sequence > highest || (highest - sequence < 256 && !seen.contains(&sequence));
                prop_assert_eq!(window.accept(sequence), expected);
                if expected {
                    seen.insert(sequence);
                    highest = highest.max(sequence);
                }
                prop_assert_eq!(window.highest(), highest);
            }
        }
    }
}
