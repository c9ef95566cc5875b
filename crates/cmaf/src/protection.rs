use cenc::{AesCipher, Iv, Kid, Level, Scheme};
use isobmff::{Pssh, TrackEncryption};

use crate::{Error, KeyPlan};

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
    /// The keys by rotation period, at least one. A segment whose period has none cannot be made.
    pub keys: &'a [PeriodKey],
    /// IV of the track's first sample; the others follow from it ([`Iv::of_sample`]).
    pub base_iv: Iv,
    /// What the header says for players: a box for each protection system.
    pub pssh: Vec<Pssh>,
}

impl Protection<'_> {
    /// The key of a segment and its period; `None`: the plan has it clear.
    ///
    /// # Errors
    /// [`Error::NoKey`]: what is to be encrypted is never clear for lack of a key.
    pub(crate) fn key(&self, segment: usize) -> Result<Option<(usize, &PeriodKey)>, Error> {
        if self.plan.is_clear(segment) {
            return Ok(None);
        }
        let period = self.plan.period(segment);
        let key = self.keys.get(period).ok_or(Error::NoKey { period })?;
        Ok(Some((period, key)))
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
