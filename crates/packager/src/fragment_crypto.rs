use cenc::{Iv, Kid, Pattern, RangeTable, SampleProtection, Scheme, Subsample};
use isobmff::{Fragment, FragmentSample, SampleCrypto, TrackFragment};

/// The scheme of a track fragment's samples; `None` if it is clear or of a scheme that Matinee does not know.
pub(crate) fn scheme(track: &TrackFragment<'_>) -> Option<Scheme> {
    Scheme::from_four_cc(track.scheme()?.0).ok()
}

/// Subsamples of a sample as the cipher takes them.
pub(crate) fn subsamples(crypto: &SampleCrypto<'_>) -> Vec<Subsample> {
    crypto.subsamples.map(|(clear, protected)| Subsample { clear, protected }).collect()
}

/// What must be decrypted in a fragment.
#[derive(Debug, Default)]
pub(crate) struct FragmentCrypto {
    /// By key and mode.
    pub(crate) tables: Vec<(Kid, RangeTable)>,
    pub(crate) samples: u64,
    pub(crate) protected_samples: u64,
}

/// Why a fragment's protection cannot be read.
#[derive(Debug)]
pub(crate) enum FragmentError {
    Boxes(isobmff::Error),
    Cenc(cenc::Error),
    Scheme,
}

impl FragmentCrypto {
    /// Collects the protected ranges of a fragment; offsets count from the first byte of its `moof`.
    pub(crate) fn read(fragment: &Fragment<'_>) -> Result<Self, FragmentError> {
        let mut this = Self::default();
        for track in fragment.tracks() {
            for sample in track.samples() {
                let sample = sample.map_err(FragmentError::Boxes)?;
                this.samples += 1;
                if let Some(crypto) = &sample.crypto {
                    this.push(track, &sample, crypto)?;
                }
            }
        }
        // Samples of which nothing is encrypted need no key.
        this.tables.retain(|(_, table)| !table.ranges().is_empty());
        Ok(this)
    }

    fn push(
        &mut self,
        track: &TrackFragment<'_>,
        sample: &FragmentSample<'_>,
        crypto: &SampleCrypto<'_>,
    ) -> Result<(), FragmentError> {
        let encryption = &crypto.encryption;
        let protection = match scheme(track).ok_or(FragmentError::Scheme)? {
            Scheme::Cenc => SampleProtection::Ctr,
            Scheme::Cbcs => {
                SampleProtection::Cbc(Pattern::from_box(encryption.crypt_blocks, encryption.skip_blocks))
            }
        };
        let kid = Kid(*crypto.kid());
        let mut tables = self.tables.iter_mut();
        let table = match tables.find(|(k, table)| *k == kid && table.protection() == protection) {
            Some((_, table)) => table,
            None => {
                self.tables.push((kid, RangeTable::new(protection)));
                &mut self.tables.last_mut().ok_or(FragmentError::Scheme)?.1
            }
        };
        let outside = cenc::Error::OutOfBounds { offset: 0, len: sample.size as usize, available: 0 };
        let offset = usize::try_from(sample.offset).map_err(|_| FragmentError::Cenc(outside))?;
        let iv = Iv::from_slice(crypto.iv).map_err(FragmentError::Cenc)?;
        let before = table.ranges().len();
        table
            .push_sample(offset, sample.size as usize, iv, &subsamples(crypto))
            .map_err(FragmentError::Cenc)?;
        self.protected_samples += u64::from(table.ranges().len() > before);
        Ok(())
    }
}
