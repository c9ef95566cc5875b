use cenc::{AesCipher, Iv, Kid, Level, Scheme};
use isobmff::{Pssh, TrackEncryption};

use crate::KeyPlan;

/// The key of a rotation period.
#[derive(Debug)]
pub struct PeriodKey {
    /// Its name.
    pub kid: Kid,
    /// The key, expanded.
    pub cipher: AesCipher,
}

/// How a track is encrypted.
#[derive(Debug)]
pub struct Protection<'a> {
    /// Counter mode or CBC with a pattern.
    pub scheme: Scheme,
    /// Which samples of a video.
    pub level: Level,
    /// Which key when.
    pub plan: KeyPlan,
    /// The keys by rotation period. A segment whose period has none stays clear.
    pub keys: &'a [PeriodKey],
    /// IV of the track's first sample; the others follow from it ([`Iv::of_sample`]).
    pub base_iv: Iv,
    /// What the header says for players.
    pub pssh: Pssh,
}

impl Protection<'_> {
    /// The key of a segment and its period; `None`: it stays clear.
    pub(crate) fn key(&self, segment: usize) -> Option<(usize, &PeriodKey)> {
        let period = self.plan.period(segment);
        self.keys.get(period).filter(|_| !self.plan.is_clear(segment)).map(|key| (period, key))
    }

    /// The KID that the header names: that of period 0.
    pub(crate) fn default_kid(&self) -> Kid {
        self.keys.first().map_or(Kid([0; 16]), |key| key.kid)
    }

    /// `tenc`, or an entry of a `seig` group, for samples under a key.
    pub(crate) fn track_encryption(&self, kid: Kid, is_video: bool) -> TrackEncryption {
        match self.scheme {
            Scheme::Cenc => TrackEncryption::per_sample_iv(kid.0, 8),
            Scheme::Cbcs => {
                let (crypt, skip) = if is_video { (1, 9) } else { (0, 0) };
                TrackEncryption::with_constant_iv(kid.0, self.base_iv.block(), crypt, skip)
            }
        }
    }
}
