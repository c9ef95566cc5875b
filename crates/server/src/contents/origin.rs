use super::FILMS;
use super::film::{Candidate, Keys, OriginFilm, build_index};
use super::loaded::Loaded;
use super::lru::Lru;
use super::sources::{FolderFile, Sources, settings};
use crate::content_place::ContentPlace;
use crate::content_rules::ContentRules;
use crate::keys::KeyRing;
use crate::{Config, private};
use ::origin::scope::{Form, is_ignored};
use ::origin::{ContentPath, SourceIndex};
use std::collections::HashSet;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

/// Seconds after which a folder is looked at again.
const FRESH: u64 = 10;
/// Clear files that are read whole at the same time.
const BUILDING: usize = 2;

/// Why a content is not served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Unserved {
    /// There is no such content, or no such set.
    NotFound,
    /// There is, and what is asked for is of keys that it has no more.
    Gone,
    /// It cannot be served now; the reason is in the log.
    Off,
    /// The library of packs cannot be read.
    Library,
}

/// Films that are encrypted when they are asked for.
#[derive(Debug)]
pub(crate) struct Origin {
    /// Where indexes are kept over restarts.
    kept: PathBuf,
    seen: Lru<ContentPath, Seen>,
    indexes: Lru<String, Arc<SourceIndex>>,
    films: Lru<(ContentPlace, Form), Laid>,
    building: Semaphore,
    /// What was said in the log already, and need not be said again.
    said: Mutex<HashSet<String>>,
}

/// A content when it was last looked at.
#[derive(Debug, Clone)]
struct Seen {
    at: u64,
    /// `None`: there is none.
    loaded: Option<Arc<Loaded>>,
}

/// What looking at a content again gave.
enum Look {
    Same(Arc<Loaded>),
    New(Box<Loaded>),
}

/// A film that was laid out, of what and with which keys.
#[derive(Debug, Clone)]
struct Laid {
    film: Arc<OriginFilm>,
    ring: Arc<KeyRing>,
}

impl Origin {
    pub(crate) fn new(config: &Config) -> Self {
        let memory = config.origin.memory as usize * (1 << 20);
        Self {
            kept: config.data.join(FILMS),
            seen: Lru::new(memory / 8),
            indexes: Lru::new(memory / 2),
            films: Lru::new(memory / 8 * 3),
            building: Semaphore::new(BUILDING),
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
        let candidate = self.candidate(config, ring, place, form, &loaded)?;
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
        Ok(film)
    }

    /// Whether there is such a content.
    pub(crate) async fn exists(&self, config: &Config, place: &ContentPlace, now: u64) -> bool {
        config.set_words(&place.set).is_some() && self.loaded(config, &place.content, now).await.is_ok()
    }

    /// The settings and keys that a place names.
    fn candidate(
        &self,
        config: &Config,
        ring: &KeyRing,
        place: &ContentPlace,
        form: Form,
        loaded: &Loaded,
    ) -> Result<Candidate, Unserved> {
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
            return candidate.map_err(|reason| self.off(place, &reason));
        };
        let mut reason = None;
        for form in Form::ALL.into_iter().filter(|form| !place.whole || *form == Form::Hls) {
            let settings = match resolved(form) {
                Ok(settings) => settings,
                Err(off) => {
                    reason.get_or_insert(off.to_string());
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
                    Ok(candidate) if candidate.revision == *revision => return Ok(candidate),
                    Ok(_) => {}
                    Err(why) => _ = reason.get_or_insert(why),
                }
            }
        }
        match reason {
            Some(reason) => Err(self.off(place, &reason)),
            None => Err(Unserved::Gone),
        }
    }

    /// A content as it lies in its folder, looked at a short time ago.
    async fn loaded(
        &self,
        config: &Config,
        content: &ContentPath,
        now: u64,
    ) -> Result<Arc<Loaded>, Unserved> {
        let before = self.seen.get(content);
        if let Some(seen) = &before
            && (seen.at..seen.at.saturating_add(FRESH)).contains(&now)
        {
            return seen.loaded.clone().ok_or(Unserved::NotFound);
        }
        let Some(root) = config.sources() else { return Err(Unserved::NotFound) };
        let (of, path) = (Sources { root }, content.clone());
        let old = before.as_ref().and_then(|seen| seen.loaded.clone());
        let read = spawn_blocking(move || match old {
            Some(old) if old.is_unchanged(&of, &path) => Ok(Some(Look::Same(old))),
            _ => Ok(Loaded::read(&of, &path)?.map(|new| Look::New(Box::new(new)))),
        });
        let read = read.await;
        let read = read.map_err(|error| error.to_string()).and_then(|read| read);
        let loaded = read.map_err(|reason| self.off_at(content.as_str(), &reason))?;
        // What did not change stays the same object, so that what was made of it holds.
        let loaded = loaded.map(|look| match look {
            Look::Same(old) => old,
            Look::New(new) => {
                self.warn_of_ignored(config, &new);
                Arc::new(*new)
            }
        });
        let bytes = loaded.as_ref().map_or(256, |loaded| {
            let segments = loaded.source.pack.representations.iter().map(|r| r.segments.len()).sum::<usize>();
            4096 + segments * 32
        });
        self.seen.put(content.clone(), Seen { at: now, loaded: loaded.clone() }, bytes);
        loaded.ok_or(Unserved::NotFound)
    }

    /// The index of a clear file: kept in memory, on disk, or made now.
    pub(crate) async fn index(
        &self,
        loaded: &Arc<Loaded>,
        representation: usize,
    ) -> Result<Arc<SourceIndex>, Unserved> {
        let Some(r) = loaded.source.pack.representations.get(representation) else {
            return Err(Unserved::NotFound);
        };
        let digest = r.sha256.clone();
        if let Some(index) = self.indexes.get(&digest) {
            return Ok(index);
        }
        let name = loaded.folder.display().to_string();
        let _permit = self.building.acquire().await.map_err(|_| Unserved::Off)?;
        // Somebody else may have made it meanwhile.
        if let Some(index) = self.indexes.get(&digest) {
            return Ok(index);
        }
        let (kept, of) = (self.kept.clone(), Arc::clone(loaded));
        let made = spawn_blocking(move || kept_or_made(&kept, &of, representation)).await;
        let made = made.map_err(|error| error.to_string()).and_then(|made| made);
        let index = Arc::new(made.map_err(|reason| self.off_at(&name, &reason))?);
        self.indexes.put(digest, Arc::clone(&index), index.memory());
        Ok(index)
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
            let ignored = Form::ALL.into_iter().filter(|form| is_ignored(config.encryption(), file, *form));
            for form in ignored {
                let said = format!("{} {}", file.path.display(), form.name());
                if self.said.lock().unwrap_or_else(PoisonError::into_inner).insert(said) {
                    tracing::warn!(
                        file = %file.path.display(),
                        form = form.name(),
                        "a folder's encryption settings are ignored: the scope is server"
                    );
                }
            }
        }
    }
}

/// The index of a clear file, as it was kept, or made and kept now.
pub(super) fn kept_or_made(
    kept: &Path,
    loaded: &Loaded,
    representation: usize,
) -> Result<SourceIndex, String> {
    let r =
        loaded.source.pack.representations.get(representation).ok_or("there is no such representation")?;
    let is_digest = r.sha256.len() == 64 && r.sha256.bytes().all(|b| b.is_ascii_hexdigit());
    let path = kept.join(format!("{}.index", r.sha256));
    if is_digest
        && let Ok(bytes) = fs::read(&path)
        && let Ok(index) = SourceIndex::from_bytes(&bytes, r)
    {
        return Ok(index);
    }
    let index = build_index(loaded, representation)?;
    if is_digest && let Err(error) = keep(kept, &path, &index.to_bytes(r)) {
        tracing::warn!(path = %path.display(), %error, "an index cannot be kept: it is made anew at the next start");
    }
    Ok(index)
}

fn keep(folder: &Path, path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    private::make_folder(folder)?;
    let unfinished = path.with_extension(format!("{}.part", std::process::id()));
    let written = fs::File::create(&unfinished).and_then(|mut file| file.write_all(bytes));
    let done = written.and_then(|()| fs::rename(&unfinished, path));
    if done.is_err() {
        let _ = fs::remove_file(&unfinished);
    }
    done
}
