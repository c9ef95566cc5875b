//! No counter block twice under one key, in the whole pack.

use cenc::{Iv, Kid};

use super::report::{Check, Findings, count};

/// Runs of IVs that are kept, at most. A film has one for each key and track.
const MAX_RUNS: usize = 1 << 18;

/// The 8-byte IVs `first` to `last` (both included) of one representation under one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Run {
    kid: Kid,
    first: u64,
    last: u64,
    of: usize,
}

/// The IVs of all representations.
#[derive(Debug, Default)]
pub(super) struct Ivs {
    runs: Vec<Run>,
    constant: Vec<(Kid, [u8; 16], usize)>,
    samples: u64,
    too_many: bool,
}

impl Ivs {
    /// A sample of the representation `of` is encrypted with this IV of its own (cenc): all counter blocks
    /// that begin with its eight bytes are its own.
    pub(super) fn push(&mut self, of: usize, kid: Kid, iv: &Iv) {
        self.samples += 1;
        let iv = iv.upper();
        if let Some(last) = self.runs.last_mut()
            && (last.kid, last.of) == (kid, of)
            && last.last.checked_add(1) == Some(iv)
        {
            last.last = iv;
        } else if self.runs.len() < MAX_RUNS {
            self.runs.push(Run { kid, first: iv, last: iv, of });
        } else {
            self.too_many = true;
        }
    }

    /// All samples of a representation under this key have this IV (cbcs).
    pub(super) fn constant(&mut self, of: usize, kid: Kid, iv: [u8; 16]) {
        self.samples += 1;
        if self.constant.last() != Some(&(kid, iv, of)) && !self.constant.contains(&(kid, iv, of)) {
            if self.constant.len() < MAX_RUNS {
                self.constant.push((kid, iv, of));
            } else {
                self.too_many = true;
            }
        }
    }

    /// A sample has the IV that came with its key (cbcs): that of all tracks under it.
    pub(super) fn explicit(&mut self) {
        self.samples += 1;
    }

    pub(super) fn check(mut self, name: impl Fn(usize) -> String) -> Check {
        let mut findings = Findings::default();
        findings.must(!self.too_many, || "the IVs follow no order".to_owned());
        self.runs.sort_unstable();
        let mut reach: Option<Run> = None;
        for run in self.runs {
            match &mut reach {
                Some(before) if before.kid == run.kid && run.first <= before.last => {
                    findings.add(format!(
                        "{} and {} use the IV {} twice under KID {}",
                        name(before.of),
                        name(run.of),
                        Iv::from_u64(run.first),
                        run.kid
                    ));
                    if run.last > before.last {
                        *before = run;
                    }
                }
                _ => reach = Some(run),
            }
        }
        self.constant.sort_unstable();
        for pair in self.constant.windows(2) {
            if let [a, b] = pair
                && (a.0, a.1) == (b.0, b.1)
            {
                let iv = Iv::from_bytes(a.1);
                findings.add(format!("{} and {} have the IV {iv} under KID {}", name(a.2), name(b.2), a.0));
            }
        }
        findings.into_check("IVs", None, format!("{}, none twice", count(self.samples, "encrypted sample")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Outcome;

    fn is_good(runs: &[(usize, u8, &[u64])]) -> bool {
        let mut ivs = Ivs::default();
        for (of, kid, all) in runs {
            all.iter().for_each(|iv| ivs.push(*of, Kid([*kid; 16]), &Iv::from_u64(*iv)));
        }
        matches!(ivs.check(|of| of.to_string()).outcome, Outcome::Ok { .. })
    }

    /// B27: within a track, between tracks, over the end of the numbers.
    #[test]
    fn b27_what_is_used_twice_is_found() {
        assert!(is_good(&[(0, 1, &[1, 2, 3]), (1, 1, &[4, 5]), (2, 2, &[1])]));
        assert!(is_good(&[(0, 1, &[u64::MAX, 0, 1])]));
        assert!(!is_good(&[(0, 1, &[1, 2, 2])]));
        assert!(!is_good(&[(0, 1, &[1, 2, 3]), (1, 1, &[0, 1])]));
        assert!(!is_good(&[(0, 1, &[u64::MAX, 0, 1]), (1, 1, &[0])]));
        assert!(!is_good(&[(0, 1, &[1, 2, 3, 4, 5]), (1, 1, &[2]), (2, 1, &[5])]));
    }

    #[test]
    fn a_constant_iv_belongs_to_one_track() {
        let check = |iv: u8| {
            let mut ivs = Ivs::default();
            for _ in 0..3 {
                ivs.constant(0, Kid([1; 16]), [7; 16]);
            }
            ivs.constant(1, Kid([1; 16]), [iv; 16]);
            ivs.check(|of| of.to_string()).outcome
        };
        assert!(matches!(check(8), Outcome::Ok { .. }) && matches!(check(7), Outcome::Wrong { .. }));
    }
}
