use super::FILMS;
use super::film::{Candidate, Keys, OriginFilm};
use super::folder_file::{FolderFile, ignored, settings};
use super::known_files::KnownFiles;
use super::loaded::Loaded;
use super::recent::{Found, Recent};
use super::revisions::{Revision, Revisions};
use super::sources::{Bucket, SourceError, Sources};
use super::unserved::Unserved;
use crate::catalogue::Pack;
use crate::content_place::ContentPlace;
use crate::content_rules::ContentRules;
use crate::keys::KeyRing;
use crate::lru::Lru;
use crate::{Config, Error};
use ::origin::scope::{Form, Off};
use ::origin::{ContentPath, SourceIndex};
use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

/// Seconds after which a folder is looked at again.
const FRESH: u64 = 10;
/// The same in a bucket, where each look costs requests.
const FRESH_IN_BUCKET: u64 = 30;
/// How long a content that nothing is known of is waited for: shorter than for the beginning of the answer,
/// which the first piece must be in time for, too (`http::origin`). And for one that is only looked at again.
const AT_FIRST: Duration = Duration::from_secs(15);
const AGAIN: Duration = Duration::from_secs(5);

/// Films that are encrypted when they are asked for.
#[derive(Debug)]
pub(crate) struct Origin {
    /// `None`: the sources are in a local folder.
    bucket: Option<Bucket>,
    pub(super) seen: Lru<ContentPath, Seen>,
    known: Arc<KnownFiles>,
    films: Lru<(ContentPlace, Form), Laid>,
    recent: Recent,
    revisions: Arc<Revisions>,
    /// What was said in the log already, and need not be said again.
    said: Mutex<HashSet<String>>,
}

/// A content when it was last looked at.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    at: u64,
    /// `None`: there is none.
    loaded: Option<Arc<Loaded>>,
}

/// What looking at a content again gave.
enum Look {
    None,
    Same(Arc<Loaded>),
    New(Box<Loaded>),
}

async fn look(
    sources: &Sources,
    content: &ContentPath,
    old: Option<&Arc<Loaded>>,
) -> Result<Look, SourceError> {
    if let Some(old) = old
        && old.is_unchanged(sources).await?
    {
        return Ok(Look::Same(Arc::clone(old)));
    }
    let read = Loaded::read(sources, content).await?;
    Ok(read.map_or(Look::None, |new| Look::New(Box::new(new))))
}

/// A film that was laid out, of what and with which keys.
#[derive(Debug, Clone)]
struct Laid {
    film: Arc<OriginFilm>,
    ring: Arc<KeyRing>,
}

impl Origin {
    /// Nothing is asked of the sources yet.
    ///
    /// # Errors
    /// [`Error`] where a bucket's settings or credentials cannot be, or its cache's folder cannot be used.
    pub(crate) fn open(config: &Config) -> Result<Self, Error> {
        Ok(Self::new(config, Bucket::open_cached(config)?))
    }

    /// Of sources in any store.
    #[cfg(test)]
    pub(crate) fn of_storage(config: &Config, sources: Arc<dyn storage::Storage>) -> Self {
        Self::new(config, Some(Bucket::plain(sources)))
    }

    pub(super) fn new(config: &Config, bucket: Option<Bucket>) -> Self {
        let memory = config.origin.memory as usize * (1 << 20);
        Self {
            bucket,
            seen: Lru::new(memory / 8),
            known: Arc::new(KnownFiles::new(config.data.join(FILMS), memory)),
            films: Lru::new(memory / 16 * 5),
            recent: Recent::new(),
            revisions: Arc::new(Revisions::new(config.data.join(FILMS))),
            said: Mutex::default(),
        }
    }

    /// The film at a place, by a form where the place has no revision. `now`: Unix seconds.
    pub(crate) async fn film(
        &self,
        config: &Config,
        ring: &Arc<KeyRing>,
        place: &ContentPlace,
        form: Form,
        now: u64,
    ) -> Result<Arc<OriginFilm>, Unserved> {
        if config.set_words(&place.set).is_none() {
            return Err(Unserved::NotFound);
        }
        // Of HLS alone.
        let form = if place.whole { Form::Hls } else { form };
        let loaded = self.loaded(config, &place.content, now).await?;
        let key = (place.clone(), form);
        if let Some(laid) = self.films.get(&key)
            && Arc::ptr_eq(&laid.film.loaded, &loaded)
            && Arc::ptr_eq(&laid.ring, ring)
        {
            return Ok(laid.film);
        }
        for representation in 0..loaded.source.pack.representations.len() {
            let verified = self.known.verify(&loaded, representation).await;
            verified.map_err(|error| self.off_at(place.content.as_str(), &error.to_string()))?;
        }
        let (candidate, made) = match self.candidate(config, ring, place, form, &loaded) {
            // Whatever is wrong with the settings of other forms by now.
            Err(none @ (Unserved::Gone | Unserved::Off)) if place.revision.is_some() => {
                let before = self.candidate_before(config, ring, place, &loaded).await;
                (before.ok_or(none)?, None)
            }
            now => now?,
        };
        let mut indexes = Vec::new();
        if matches!(candidate.keys, Some(Keys::Samples(_))) {
            for representation in 0..loaded.source.pack.representations.len() {
                indexes.push(self.index(&loaded, representation).await?);
            }
        }
        let (at, of) = (place.clone(), Arc::clone(&loaded));
        let rules = ContentRules::new(config, &place.set, &candidate.settings, loaded.changed);
        let laid = spawn_blocking(move || OriginFilm::new(&at, of, candidate, rules, &indexes)).await;
        let film = laid.map_err(|error| self.off(place, &error.to_string()))?;
        let film = Arc::new(film.map_err(|reason| self.off(place, &reason))?);
        self.films.put(key, Laid { film: Arc::clone(&film), ring: Arc::clone(ring) }, film.memory());
        if let Some(made) = made {
            self.revisions.keep(place, made, ring).await;
        }
        Ok(film)
    }

    /// What came of asking for a film a moment ago, or what is in memory of it, with this ring; nothing is
    /// waited for. `None`: nobody did.
    pub(crate) fn found(
        &self,
        place: &ContentPlace,
        form: Form,
        (ring, now): (&Arc<KeyRing>, u64),
    ) -> Option<Found> {
        let found = self.recent.find(place, form, (ring, now));
        found.or_else(|| self.in_memory(place, form, (ring, now)).map(Found::Film))
    }

    /// What [`Origin::film`] would give without asking the sources: somebody watches it.
    fn in_memory(
        &self,
        place: &ContentPlace,
        form: Form,
        (ring, now): (&Arc<KeyRing>, u64),
    ) -> Option<Arc<Pack>> {
        // These may be had by the settings of other forms.
        if place.revision.is_some() || place.whole {
            return None;
        }
        let seen = self.seen.get(&place.content).filter(|seen| self.is_fresh(seen, now))?;
        let laid = self.films.get(&(place.clone(), form))?;
        let holds = Arc::ptr_eq(&laid.film.loaded, &seen.loaded?) && Arc::ptr_eq(&laid.ring, ring);
        holds.then(|| Arc::clone(&laid.film.film))
    }

    /// What came of asking for a film, for whoever cannot wait for it ([`Origin::found`]).
    pub(crate) fn keep(&self, place: ContentPlace, form: Form, asked: (&Arc<KeyRing>, u64), found: Found) {
        self.recent.keep(place, form, asked, found);
    }

    /// Whether there is such a content.
    pub(crate) async fn exists(&self, config: &Config, place: &ContentPlace, now: u64) -> bool {
        config.set_words(&place.set).is_some() && self.loaded(config, &place.content, now).await.is_ok()
    }

    /// Whether a form of delivery serves a content, by its settings. Nothing is said where it does not.
    pub(crate) async fn has_form(&self, config: &Config, place: &ContentPlace, form: Form, now: u64) -> bool {
        let Ok(loaded) = self.loaded(config, &place.content, now).await else { return false };
        let words = config.set_words(&place.set).unwrap_or_default();
        settings(config.encryption(), form, &place.content, &loaded.folders, &words).is_ok()
    }

    /// The settings and keys that a place names, by the settings of today; with what is to be remembered of
    /// them, unless they are none.
    fn candidate(
        &self,
        config: &Config,
        ring: &KeyRing,
        place: &ContentPlace,
        form: Form,
        loaded: &Loaded,
    ) -> Result<(Candidate, Option<Revision>), Unserved> {
        let with_made = |candidate: Candidate, form, key: &str| {
            let made = || Revision::new(&candidate.revision, form, &candidate.settings, key);
            let made = candidate.keys.is_some().then(made);
            (candidate, made)
        };
        let words = config.set_words(&place.set).unwrap_or_default();
        let resolved = |form| settings(config.encryption(), form, &place.content, &loaded.folders, &words);
        let active = ring.active_common_key().0;
        let Some(revision) = &place.revision else {
            let settings = resolved(form).map_err(|off| self.off(place, &off.to_string()))?;
            let key = settings.common_key.value.as_deref().unwrap_or(active);
            if place.whole && !settings.enabled.value {
                return Err(Unserved::NotFound);
            }
            let candidate = Candidate::new(loaded, &settings, place.whole, (ring, key));
            let candidate = candidate.map_err(|reason| self.off(place, &reason))?;
            return Ok(with_made(candidate, form, key));
        };
        // Why a form cannot be told, and why none is.
        let (mut broken, mut without, mut any) = (None, None, false);
        // The form that is asked for first: another one with the same keys may have other rules.
        let others = Form::ALL.into_iter().filter(|other| *other != form);
        let forms = std::iter::once(form).chain(others);
        for form in forms.filter(|form| !place.whole || *form == Form::Hls) {
            let settings = match resolved(form) {
                Ok(settings) => settings,
                Err(off @ Off::Broken(_)) => {
                    broken.get_or_insert(off.to_string());
                    continue;
                }
                Err(off @ Off::Uncovered { .. }) => {
                    without.get_or_insert(off.to_string());
                    continue;
                }
            };
            if place.whole && !settings.enabled.value {
                continue;
            }
            // Those of today first; then those of which somebody may still have URLs.
            let today = settings.common_key.value.as_deref().unwrap_or(active);
            let others = ring.common_keys().filter(|key| *key != today);
            for key in std::iter::once(today).chain(others) {
                match Candidate::new(loaded, &settings, place.whole, (ring, key)) {
                    Ok(candidate) if candidate.revision == *revision => {
                        return Ok(with_made(candidate, form, key));
                    }
                    Ok(_) => any = true,
                    Err(why) => _ = without.get_or_insert(why),
                }
            }
        }
        match broken.or_else(|| without.filter(|_| !any)) {
            Some(reason) => Err(self.off(place, &reason)),
            None => Err(Unserved::Gone),
        }
    }

    /// What a revision was made of before the settings changed, by the rules that hold for that form today;
    /// `None`: it is not known, its common key is retired, or the film is another one.
    async fn candidate_before(
        &self,
        config: &Config,
        ring: &KeyRing,
        place: &ContentPlace,
        loaded: &Loaded,
    ) -> Option<Candidate> {
        let revision = place.revision.as_deref()?;
        let made = self.revisions.find(place, revision).await?;
        let words = config.set_words(&place.set).unwrap_or_default();
        let today =
            settings(config.encryption(), made.form()?, &place.content, &loaded.folders, &words).ok()?;
        let key = (ring, made.common_key());
        let candidate = Candidate::new(loaded, &made.over(&today)?, place.whole, key).ok()?;
        (candidate.revision == revision).then_some(candidate)
    }

    /// Where clear films are; `None`: nowhere.
    fn sources(&self, config: &Config) -> Option<Sources> {
        match &self.bucket {
            Some(bucket) => Some(Sources::Bucket(bucket.clone())),
            None => config.sources().map(Sources::Folder),
        }
    }

    /// A content as it lies in its folder, looked at a short time ago. Where nobody can say what lies there
    /// now, it is what it was.
    pub(super) async fn loaded(
        &self,
        config: &Config,
        content: &ContentPath,
        now: u64,
    ) -> Result<Arc<Loaded>, Unserved> {
        let before = self.seen.get(content);
        if let Some(seen) = before.as_ref().filter(|seen| self.is_fresh(seen, now)) {
            return seen.loaded.clone().ok_or(Unserved::NotFound);
        }
        let Some(sources) = self.sources(config) else { return Err(Unserved::NotFound) };
        let old = before.and_then(|seen| seen.loaded);
        let patience = if old.is_some() { AGAIN } else { AT_FIRST };
        let looked = timeout(patience, look(&sources, content, old.as_ref())).await.unwrap_or_else(|_| {
            let said = format!("{} does not answer in time", sources.name(content.as_str()).display());
            Err(SourceError::Unreadable(said))
        });
        // What did not change stays the same object, so that what was made of it holds.
        let loaded = match (looked, old) {
            (Ok(Look::None), _) => None,
            (Ok(Look::Same(old)), _) => Some(old),
            (Ok(Look::New(new)), _) => {
                self.warn_of_ignored(config, &new);
                Some(Arc::new(*new))
            }
            (Err(SourceError::Unreadable(reason)), Some(old)) => {
                let place = content.as_str();
                tracing::warn!(place, reason, "a content cannot be looked at: it is served as it was");
                Some(old)
            }
            (Err(error), _) => return Err(self.off_at(content.as_str(), &error.to_string())),
        };
        let bytes = loaded.as_ref().map_or(256, |loaded| loaded.memory());
        self.seen.put(content.clone(), Seen { at: now, loaded: loaded.clone() }, bytes);
        loaded.ok_or(Unserved::NotFound)
    }

    /// Whether a content needs not be looked at again yet.
    fn is_fresh(&self, seen: &Seen, now: u64) -> bool {
        let fresh = if self.bucket.is_some() { FRESH_IN_BUCKET } else { FRESH };
        (seen.at..seen.at.saturating_add(fresh)).contains(&now)
    }

    /// Lets a content be looked at again by whoever asks for it next: it may not be what it was.
    pub(crate) fn look_again(&self, content: &ContentPath) {
        self.seen.change(content, |seen| seen.at = 0);
    }

    /// The index of a clear file: kept in memory, on disk, or made now.
    pub(crate) async fn index(
        &self,
        loaded: &Arc<Loaded>,
        representation: usize,
    ) -> Result<Arc<SourceIndex>, Unserved> {
        let index = self.known.index(loaded, representation).await;
        index.map_err(|error| self.off_at(&loaded.name().display().to_string(), &error.to_string()))
    }

    fn off(&self, place: &ContentPlace, reason: &str) -> Unserved {
        self.off_at(&place.to_string(), reason)
    }

    fn off_at(&self, place: &str, reason: &str) -> Unserved {
        tracing::error!(place, reason, "a content is not served");
        Unserved::Off
    }

    /// One line for each folder's file that is not heard, as long as the server runs.
    fn warn_of_ignored(&self, config: &Config, loaded: &Loaded) {
        for folder in &loaded.folders {
            let FolderFile::File(file) = folder else { continue };
            let Some(said) = ignored(config.encryption(), file) else { continue };
            let said = format!("{}: {said}", file.path.display());
            if self.said.lock().unwrap_or_else(PoisonError::into_inner).insert(said.clone()) {
                tracing::warn!("{said}");
            }
        }
    }
}
