//! Keys that come from elsewhere, with a document that says what they are for.

use cenc::{Kid, KidAndKey, Label};
use cpix::{ContentKey, Document, TrackFilter, UsageRule};
use pack::{PackKey, PackSystem, Scheme};

use crate::Error;

/// What rules ask of a track.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TrackTraits<'a> {
    /// Its representation's id.
    pub(crate) id: &'a str,
    /// Height of its pictures.
    pub(crate) height: Option<u32>,
    /// Width times height of its pictures.
    pub(crate) pixels: Option<u64>,
    /// Channels of its sound.
    pub(crate) channels: Option<u64>,
}

impl TrackTraits<'_> {
    /// Usual sound.
    pub(crate) const SOUND: Self = Self { id: "sound", height: None, pixels: None, channels: Some(2) };

    fn is_in(&self, filter: &TrackFilter) -> bool {
        match filter {
            TrackFilter::Video { pixels } => self.pixels.is_some_and(|count| pixels.contains(&count)),
            TrackFilter::Audio { channels } => self.channels.is_some_and(|count| channels.contains(&count)),
        }
    }
}

/// The keys of a document, with its rules.
#[derive(Debug)]
pub(crate) struct ExchangedKeys {
    first: KidAndKey,
    keys: Vec<ContentKey>,
    systems: Vec<PackSystem>,
    rules: Vec<UsageRule>,
}

impl ExchangedKeys {
    pub(crate) fn new(document: Document) -> Result<Self, Error> {
        let Document { keys, systems, mut rules, .. } = document;
        let (first, more) = match &keys[..] {
            [] => return Err(Error::Keys { what: "no keys were given".to_owned() }),
            [first, more @ ..] => (copy(&first.key), more),
        };
        if rules.is_empty() {
            if !more.is_empty() {
                let what = "the document has several keys and no usage rules that say what they are for";
                return Err(Error::Keys { what: what.to_owned() });
            }
            rules.push(UsageRule { kid: first.kid, periods: Vec::new(), tracks: Vec::new() });
        }
        Ok(Self { first, keys, systems, rules })
    }

    pub(crate) const fn first(&self) -> &KidAndKey {
        &self.first
    }

    pub(crate) fn of_kid(&self, kid: Kid) -> Option<&KidAndKey> {
        self.keys.iter().map(|key| &key.key).find(|key| key.kid == kid)
    }

    /// Whether the scheme is the one that the keys are for, and the document alone says which key is for
    /// what.
    pub(crate) fn check(&self, scheme: Scheme, label_by_height: bool) -> Result<(), Error> {
        if label_by_height {
            return Err(Error::Option {
                what: "what keys of a document are for is said there: not together with keys by height",
            });
        }
        if scheme == Scheme::Cenc
            && let Some(key) = self.keys.iter().find(|key| key.iv.is_some())
        {
            let what = format!(
                "the document has an explicitIV for key {}: one for all samples, which only cbcs has; package with \
                 --scheme cbcs, or leave it out",
                key.key.kid
            );
            return Err(Error::Keys { what });
        }
        let other = |named: &cenc::Scheme| named.to_string() != scheme.to_string();
        let named = self.keys.iter().filter_map(|key| key.scheme);
        match named.into_iter().find(other) {
            Some(scheme) => {
                let what =
                    format!("the document's keys are for scheme {scheme}: package with --scheme {scheme}");
                Err(Error::Keys { what })
            }
            None => Ok(()),
        }
    }

    /// The key of a track in a rotation period: there must be exactly one.
    pub(crate) fn of_track(&self, track: &TrackTraits<'_>, period: u32) -> Result<&KidAndKey, Error> {
        let is_for = |rule: &UsageRule| {
            (rule.periods.is_empty() || rule.periods.contains(&period))
                && (rule.tracks.is_empty() || rule.tracks.iter().any(|filter| track.is_in(filter)))
        };
        let mut kid = None;
        for rule in self.rules.iter().filter(|rule| is_for(rule)) {
            match kid {
                Some(other) if other != rule.kid => {
                    let what =
                        format!("the document has two keys for {}: {other} and {}", track.id, rule.kid);
                    return Err(Error::Keys { what });
                }
                _ => kid = Some(rule.kid),
            }
        }
        kid.and_then(|kid| self.of_kid(kid)).ok_or_else(|| {
            let what = format!("the document has no key for {} in rotation period {period}", track.id);
            Error::Keys { what }
        })
    }

    /// The IV that the document says for a track's samples in so many rotation periods, if it says any.
    pub(crate) fn iv_of(&self, track: &TrackTraits<'_>, periods: u32) -> Result<Option<[u8; 16]>, Error> {
        let iv = |period| -> Result<_, Error> {
            let kid = self.of_track(track, period)?.kid;
            Ok(self.keys.iter().find(|key| key.key.kid == kid).and_then(|key| key.iv))
        };
        let first = iv(0)?;
        for period in 1..periods {
            if iv(period)? != first {
                let what = format!(
                    "the document has other explicitIVs for {} in other rotation periods, and a track has one: give \
                     all of its keys the same, or none",
                    track.id
                );
                return Err(Error::Keys { what });
            }
        }
        Ok(first)
    }

    /// A label for each track, the same for those that are under the same keys in all periods. That of the
    /// first sound (or picture, where there is no sound) is the film's: `None`.
    pub(crate) fn label(
        &self,
        tracks: &[TrackTraits<'_>],
        label: &Label,
        periods: u32,
    ) -> Result<Vec<Option<Label>>, Error> {
        let kids = |track| (0..periods).map(move |n| self.of_track(track, n).map(|key| key.kid)).collect();
        let kids: Vec<Vec<Kid>> = tracks.iter().map(kids).collect::<Result<_, Error>>()?;
        let films = tracks.iter().position(|track| track.channels.is_some()).unwrap_or(0);
        let mut labels: Vec<(usize, Option<Label>)> = vec![(films, None)];
        let mut out = Vec::with_capacity(tracks.len());
        for (number, track) in tracks.iter().enumerate() {
            if let Some((_, label)) = labels.iter().find(|(first, _)| kids.get(*first) == kids.get(number)) {
                out.push(label.clone());
                continue;
            }
            // The greatest height under these keys, unless another group has it.
            let group = tracks.iter().zip(&kids).filter(|(_, own)| kids.get(number) == Some(own));
            let height = group.filter_map(|(track, _)| track.height).max();
            let name = height.map_or_else(|| track.id.to_owned(), |height| height.to_string());
            let mut own: Label = format!("{label}/{name}").parse()?;
            if labels.iter().any(|(_, other)| other.as_ref() == Some(&own)) {
                own = format!("{label}/{}", track.id).parse()?;
            }
            labels.push((number, Some(own.clone())));
            out.push(Some(own));
        }
        Ok(out)
    }

    /// What other systems are told of the keys that a film has.
    pub(crate) fn systems_of(&self, names: &[PackKey]) -> Result<Vec<PackSystem>, Error> {
        let mut kids: Vec<Kid> = names.iter().map(|name| name.kid).collect();
        kids.sort();
        if let Some([kid, _]) = kids.array_windows().find(|[a, b]| a == b) {
            let what = format!(
                "key {kid} is for some tracks or rotation periods together with other keys, and for some alone"
            );
            return Err(Error::Keys { what });
        }
        Ok(self.systems.iter().filter(|system| kids.contains(&system.kid)).cloned().collect())
    }
}

fn copy(key: &KidAndKey) -> KidAndKey {
    KidAndKey { kid: key.kid, cek: cenc::Cek::new(*key.cek.expose()) }
}
