use cenc::{AesCipher, Cek, CommonKey, ContentId, IvKey, Kid, KidAndKey, Label, derive_cek, derive_kid};
use cmaf::{KeyPlan, PeriodKey};
use pack::{Fraction, PackKey, PackProtection};

use crate::Error;
use crate::exchange::{ExchangedKeys, TrackTraits};

/// Most keys that a film may have: all of them go into every license, manifest and init segment.
pub const MAX_KEYS: usize = 1000;

/// The keys of a film, and under which names.
#[derive(Debug)]
pub struct Keys {
    content_id: ContentId,
    label: Label,
    source: KeySource,
}

#[derive(Debug)]
enum KeySource {
    Derived { common: CommonKey, common_key_id: String },
    Given(KidAndKey, Vec<KidAndKey>),
    Exchanged(ExchangedKeys),
}

impl Keys {
    /// The key that follows from a common key (docs/protocol.md, section 7). `common_key_id` is what the
    /// license server knows the common key by.
    pub const fn derived(
        common: CommonKey,
        common_key_id: String,
        content_id: ContentId,
        label: Label,
    ) -> Self {
        Self { content_id, label, source: KeySource::Derived { common, common_key_id } }
    }

    /// A key chosen by the operator; where keys are rotated, with those of the later periods.
    pub const fn given(key: KidAndKey, later: Vec<KidAndKey>, content_id: ContentId, label: Label) -> Self {
        Self { content_id, label, source: KeySource::Given(key, later) }
    }

    /// The keys of a document: each track has those that the document's rules say, and init segments and
    /// `pack.json` what it tells other protection systems. Tracks under the same keys share a label: that of
    /// the first sound is the film's, that of pictures `{label}/{height}`.
    ///
    /// # Errors
    /// [`Error::Keys`] if it has several keys and does not say what they are for.
    pub fn exchanged(document: cpix::Document, content_id: ContentId, label: Label) -> Result<Self, Error> {
        Ok(Self { content_id, label, source: KeySource::Exchanged(ExchangedKeys::new(document)?) })
    }

    /// The content key of period 0; of a document the first.
    pub fn cek(&self) -> Cek {
        match &self.source {
            KeySource::Derived { common, .. } => derive_cek(common, &self.content_id, &self.label, 0),
            KeySource::Given(key, _) => Cek::new(*key.cek.expose()),
            KeySource::Exchanged(keys) => Cek::new(*keys.first().cek.expose()),
        }
    }

    /// The KID of period 0; of a document the first.
    pub fn kid(&self) -> Kid {
        match &self.source {
            KeySource::Derived { common, .. } => derive_kid(common, &self.content_id, &self.label, 0),
            KeySource::Given(key, _) => key.kid,
            KeySource::Exchanged(keys) => keys.first().kid,
        }
    }

    /// KID and content key of a rotation period, of sound where that makes a difference.
    ///
    /// # Errors
    /// [`Error::Option`] if no key was given for it.
    pub fn of_period(&self, period: u32) -> Result<(Kid, Cek), Error> {
        self.labelled(None, &TrackTraits::SOUND, period)
    }

    /// The same under another label than the film's, or of such tracks.
    fn labelled(
        &self,
        label: Option<&Label>,
        track: &TrackTraits<'_>,
        period: u32,
    ) -> Result<(Kid, Cek), Error> {
        match &self.source {
            KeySource::Exchanged(keys) => {
                let key = keys.of_track(track, period)?;
                Ok((key.kid, Cek::new(*key.cek.expose())))
            }
            KeySource::Given(..) if label.is_some() => Err(Error::Option {
                what: "keys of your own are for all heights: keys by height follow from the common key",
            }),
            KeySource::Derived { common, .. } => {
                let (content, label) = (&self.content_id, label.unwrap_or(&self.label));
                Ok((derive_kid(common, content, label, period), derive_cek(common, content, label, period)))
            }
            KeySource::Given(first, later) => {
                let key = match period {
                    0 => Some(first),
                    _ => later.get(period as usize - 1),
                };
                let key = key.ok_or(Error::Option {
                    what: "fewer keys given than the rotation needs: one for each period",
                })?;
                Ok((key.kid, Cek::new(*key.cek.expose())))
            }
        }
    }

    /// From what a track's IVs follow.
    pub(crate) fn iv_key(&self, track: &TrackTraits<'_>) -> Result<IvKey<'_>, Error> {
        Ok(match &self.source {
            KeySource::Derived { common, .. } => IvKey::Common(common),
            KeySource::Given(key, _) => IvKey::Given(&key.cek),
            KeySource::Exchanged(keys) => IvKey::Given(&keys.of_track(track, 0)?.cek),
        })
    }

    /// The keys of a document, where they are from one.
    pub(crate) const fn of_document(&self) -> Option<&ExchangedKeys> {
        match &self.source {
            KeySource::Exchanged(keys) => Some(keys),
            _ => None,
        }
    }

    /// The key that a pack has under this name.
    ///
    /// # Errors
    /// [`Error::Keys`] if it is none of these.
    pub(crate) fn named(&self, name: &PackKey) -> Result<KidAndKey, Error> {
        let found = match &self.source {
            KeySource::Exchanged(keys) => keys.of_kid(name.kid).map(|key| (key.kid, &key.cek)),
            KeySource::Given(first, later) => {
                let mut keys = [first].into_iter().chain(later);
                keys.find(|key| key.kid == name.kid).map(|key| (key.kid, &key.cek))
            }
            KeySource::Derived { .. } => {
                let (kid, cek) = self.labelled(name.label.as_ref(), &TrackTraits::SOUND, name.period)?;
                return match kid == name.kid {
                    true => Ok(KidAndKey { kid, cek }),
                    false => Err(unknown(name.kid)),
                };
            }
        };
        let (kid, cek) = found.ok_or_else(|| unknown(name.kid))?;
        Ok(KidAndKey { kid, cek: Cek::new(*cek.expose()) })
    }

    pub(crate) const fn label(&self) -> &Label {
        &self.label
    }

    pub(crate) const fn content_id(&self) -> &ContentId {
        &self.content_id
    }

    /// The keys that a film of so many segments and these labels needs, and what `pack.json` says of them.
    /// `start` gives a segment's time.
    ///
    /// # Errors
    /// [`Error::Option`] if that is too many keys, more than were given, or nothing would be protected.
    pub(crate) fn of_plan(
        &self,
        plan: &KeyPlan,
        segments: usize,
        labels: &[(Option<Label>, TrackTraits<'_>)],
        start: impl Fn(usize) -> Fraction,
    ) -> Result<FilmKeys, Error> {
        if plan.is_clear(segments.saturating_sub(1)) {
            return Err(Error::Option {
                what: "the clear lead is as long as the film: nothing would be protected",
            });
        }
        let periods = plan.period(segments.saturating_sub(1)) + 1;
        let count = periods.saturating_mul(labels.len());
        if count > MAX_KEYS {
            return Err(Error::Option { what: "more than 1000 keys; rotate less often" });
        }
        let mut keys = Vec::with_capacity(count);
        let mut names = Vec::with_capacity(count);
        for (label, track) in labels {
            for number in 0..periods {
                let period = number as u32;
                let (kid, cek) = self.labelled(label.as_ref(), track, period)?;
                let start = match number {
                    0 => Fraction { value: 0, timescale: 1 },
                    _ => start(plan.first_segment(number)),
                };
                keys.push(PeriodKey { kid, cipher: AesCipher::new(&cek) });
                names.push(PackKey { kid, period, start, label: label.clone() });
            }
        }
        let names = PackProtection {
            content_id: self.content_id.clone(),
            label: self.label.clone(),
            common_key_id: match &self.source {
                KeySource::Derived { common_key_id, .. } => Some(common_key_id.clone()),
                KeySource::Given(..) | KeySource::Exchanged(_) => None,
            },
            segments_per_key: plan.segments_per_key,
            clear_segments: plan.clear_segments,
            systems: match &self.source {
                KeySource::Exchanged(keys) => keys.systems_of(&names)?,
                _ => Vec::new(),
            },
            keys: names,
        };
        Ok(FilmKeys { keys, names })
    }
}

fn unknown(kid: Kid) -> Error {
    Error::Keys { what: format!("the film has key {kid}, which is not among those that were given") }
}

/// The keys of a film, and what `pack.json` says of them.
#[derive(Debug)]
pub(crate) struct FilmKeys {
    /// In the order of their names.
    keys: Vec<PeriodKey>,
    pub(crate) names: PackProtection,
}

impl FilmKeys {
    /// How many rotation periods there are.
    pub(crate) fn periods(&self) -> u32 {
        self.names.keys.iter().map(|key| key.period + 1).max().unwrap_or(1)
    }

    /// The keys of a track with this label, by rotation period.
    pub(crate) fn of_label(&self, label: Option<&Label>) -> &[PeriodKey] {
        // Those of one label stand together.
        let first = self.names.keys.iter().position(|key| key.label.as_ref() == label).unwrap_or(0);
        &self.keys[first..first + self.names.keys_of(label).count()]
    }
}
