use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use cenc::{
    AesCipher, CommonKey, ContentId, Iv, IvKey, IvSpan, Label, Level, Scheme, base_iv, derive_cek,
    derive_kid, first_overlap,
};
use cmaf::{KeyPlan, PeriodKey, Rotation};
use pack::layout::{downloadable_id, media_path};
use pack::{Fraction, IvRange, Pack, PackInputs, PackKey, PackProtection, PsshData, Source};

use crate::track::TrackKeys;
use crate::{EncryptedTrack, Error, SourceIndex};

/// Most rotation periods: all keys go into every license, manifest and init segment.
pub const MAX_KEYS: usize = 1000;

/// How a film is to be encrypted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encryption {
    /// Counter mode or CBC with a pattern.
    pub scheme: Scheme,
    /// Which samples of a video.
    pub level: Level,
    /// How often the key changes; `None`: never.
    pub rotate: Option<Rotation>,
    /// How much of the beginning stays clear, in whole segments that cover it.
    pub clear_lead: Duration,
    /// What keys are derived for.
    pub content_id: ContentId,
    /// The keys' label.
    pub label: Label,
    /// What the license server knows the common key by.
    pub common_key_id: String,
}

/// A film's keys, their names, and the id of the pack that it is under them.
pub struct FilmKeys {
    names: PackProtection,
    pack_id: String,
    scheme: Scheme,
    level: Level,
    pub(crate) plan: KeyPlan,
    pub(crate) keys: Arc<Vec<PeriodKey>>,
    /// Of each representation's first sample.
    base_ivs: Vec<Iv>,
}

impl fmt::Debug for FilmKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FilmKeys")
            .field("pack_id", &self.pack_id)
            .field("names", &self.names)
            .finish_non_exhaustive()
    }
}

impl FilmKeys {
    /// Derives the keys of a source. Nothing but `source.json` is needed for that.
    ///
    /// # Errors
    /// [`Error::Setting`] for a key that holds for no segment, more than [`MAX_KEYS`] keys, and a clear lead
    /// as long as the film; [`Error::Cenc`] for names that are too long.
    pub fn derive(source: &Source, encryption: &Encryption, common: &CommonKey) -> Result<Self, Error> {
        let Encryption { scheme, level, content_id, label, .. } = encryption;
        let (scheme, level) = (*scheme, *level);
        let wanted = Duration::from_millis(source.segment());
        let plan = KeyPlan::new(encryption.rotate, encryption.clear_lead, wanted)
            .ok_or(Error::Setting("a key holds for at least one segment"))?;
        let cuts = source.pack.representations.first().map_or(&[][..], |r| &r.segments);
        let last = cuts.len().saturating_sub(1);
        if plan.is_clear(last) {
            return Err(Error::Setting("the clear lead is as long as the film: nothing would be protected"));
        }
        let periods = plan.period(last) + 1;
        if periods > MAX_KEYS {
            return Err(Error::Setting("more than 1000 keys; rotate less often"));
        }
        let timescale = source.pack.representations.first().map_or(1, |r| r.timescale);
        let (mut names, mut keys) = (Vec::with_capacity(periods), Vec::with_capacity(periods));
        for number in 0..periods {
            let period = number as u32;
            let kid = derive_kid(common, content_id, label, period);
            keys.push(PeriodKey {
                kid,
                cipher: AesCipher::new(&derive_cek(common, content_id, label, period)),
            });
            let start = match number {
                0 => Fraction { value: 0, timescale: 1 },
                _ => {
                    let first = cuts.get(plan.first_segment(number));
                    Fraction { value: first.map_or(0, |segment| segment.start), timescale }
                }
            };
            names.push(PackKey { kid, period, start, label: None });
        }
        let names = PackProtection {
            content_id: content_id.clone(),
            label: label.clone(),
            common_key_id: Some(encryption.common_key_id.clone()),
            keys: names,
            segments_per_key: plan.segments_per_key,
            clear_segments: plan.clear_segments,
            systems: Vec::new(),
        };
        let pack = &source.pack;
        let pack_id = PackInputs {
            sources: source.sources(),
            scheme: pack_scheme(scheme),
            level,
            segment: source.segment(),
            protection: Some(&names),
            audio: pack.representations.iter().filter_map(|r| Some((&r.id[..], r.audio.as_ref()?))).collect(),
            subtitles: &pack.subtitles,
            thumbnails: pack.thumbnails.as_ref(),
            chapters: &pack.chapters,
        }
        .pack_id();
        let base =
            |r: &pack::Representation| base_iv(IvKey::Common(common), scheme, content_id, &r.id, &pack_id);
        let base_ivs = pack.representations.iter().map(base).collect::<Result<_, _>>()?;
        Ok(Self { names, pack_id, scheme, level, plan, keys: Arc::new(keys), base_ivs })
    }

    /// The id that the packager gives to this film under these keys: it changes when a key does, and when any
    /// byte of the encrypted files does.
    pub fn pack_id(&self) -> &str {
        &self.pack_id
    }

    /// The part of URLs that stands for these keys: `r` and the first eight digits of the pack id.
    pub fn revision(&self) -> String {
        format!("r{}", self.pack_id.get(..8).unwrap_or_default())
    }

    /// The keys' names.
    pub const fn names(&self) -> &PackProtection {
        &self.names
    }
}

const fn pack_scheme(scheme: Scheme) -> pack::Scheme {
    match scheme {
        Scheme::Cenc => pack::Scheme::Cenc,
        Scheme::Cbcs => pack::Scheme::Cbcs,
    }
}

/// A film as the packager would have encrypted it.
#[derive(Debug)]
pub struct EncryptedFilm {
    /// Its `pack.json`, but for the digests of media files, which nobody has seen whole: they are empty.
    pub pack: Pack,
    /// Its media files, in the order of its representations.
    pub tracks: Vec<EncryptedTrack>,
}

impl EncryptedFilm {
    /// Lays the film out. `indexes` are those of the source's representations, in their order.
    ///
    /// # Errors
    /// [`Error::Source`] for indexes of other files; [`Error::IvOverlap`]; [`Error::Cmaf`].
    pub fn plan<I>(source: &Source, keys: &FilmKeys, indexes: &[I]) -> Result<Self, Error>
    where
        I: std::borrow::Borrow<SourceIndex>,
    {
        let clear = &source.pack;
        let mut pack = Pack {
            pack_id: keys.pack_id.clone(),
            scheme: pack_scheme(keys.scheme),
            level: keys.level,
            protection: Some(keys.names.clone()),
            ..clear.clone()
        };
        if indexes.len() != clear.representations.len() || keys.base_ivs.len() != indexes.len() {
            return Err(crate::error::source("not one index for each representation"));
        }
        let mut tracks = Vec::with_capacity(indexes.len());
        let mut spans: Vec<(usize, IvSpan)> = Vec::new();
        let pssh = PsshData::of(&keys.names, None).to_box();
        for (n, (r, base_iv)) in pack.representations.iter_mut().zip(&keys.base_ivs).enumerate() {
            let (index, clear) = (indexes[n].borrow(), &clear.representations[n]);
            let track_keys = TrackKeys {
                scheme: keys.scheme,
                level: keys.level,
                plan: keys.plan,
                base_iv: *base_iv,
                keys: Arc::clone(&keys.keys),
            };
            if keys.scheme == Scheme::Cenc {
                spans.extend(keys.iv_spans(index, *base_iv).into_iter().map(|span| (n, span)));
            }
            let (track, written) = EncryptedTrack::plan(index, clear, track_keys, vec![pssh.clone()])?;
            let start = written.segments.first().map_or(0, |segment| segment.start);
            r.fill(written, index.header.end.saturating_sub(start));
            r.downloadable_id = downloadable_id(&pack.pack_id, &r.id);
            r.path = media_path(&r.downloadable_id, "mp4");
            r.sha256 = String::new();
            r.ivs = Some(IvRange { first: base_iv.to_string(), count: r.samples, explicit: false });
            tracks.push(track);
        }
        // A counter used twice would give both plaintexts away. (One constant IV is what cbcs is.)
        if let Some((a, b)) = first_overlap(&spans.iter().map(|(_, span)| *span).collect::<Vec<_>>()) {
            let [a, b] = [a, b].map(|index| pack.representations[spans[index].0].id.clone());
            return Err(Error::IvOverlap { a, b });
        }
        Ok(Self { pack, tracks })
    }

    /// Bytes that it takes in memory.
    pub fn memory(&self) -> usize {
        let segments = self.pack.representations.iter().map(|r| size_of_val(&r.segments[..]));
        let keys = self.pack.protection.iter().map(|p| size_of_val(&p.keys[..]));
        let tracks = self.tracks.iter().map(EncryptedTrack::memory);
        size_of::<Self>() + segments.chain(keys).chain(tracks).sum::<usize>()
    }
}

impl FilmKeys {
    /// The IVs that each key is used with in a track.
    fn iv_spans(&self, index: &SourceIndex, base_iv: Iv) -> Vec<IvSpan> {
        let mut spans: Vec<IvSpan> = Vec::new();
        for segment in (0..index.segments.len()).filter(|segment| !self.plan.is_clear(*segment)) {
            let Some(key) = self.keys.get(self.plan.period(segment)) else { continue };
            let samples = index.samples_in(segment);
            match spans.last_mut() {
                Some(last) if last.kid == key.kid => last.count += samples.len() as u64,
                _ => {
                    let first = base_iv.of_sample(samples.start as u64).upper();
                    spans.push(IvSpan { kid: key.kid, first, count: samples.len() as u64 });
                }
            }
        }
        spans
    }
}
