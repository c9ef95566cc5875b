use super::film::Candidate;
use super::folder_file::settings;
use super::loaded::Loaded;
use super::origin::Origin;
use super::sources::{SourceError, Sources};
use super::{FILMS, indexes};
use crate::catalogue::Pack;
use crate::config::VOD;
use crate::content_place::ContentPlace;
use crate::content_rules::ContentRules;
use crate::keys::KeyRing;
use crate::{Config, Error};
use ::origin::ContentPath;
use ::origin::scope::Form;
use std::sync::Arc;

fn wrong(name: &'static str, reason: impl Into<String>) -> Error {
    Error::Setting { name, reason: reason.into() }
}

fn sources(config: &Config) -> Result<Sources, Error> {
    Sources::open(config)?.ok_or_else(|| wrong("origin.sources", "there are none: name their folder"))
}

fn place(config: &Config, path: &str, set: Option<&str>) -> Result<ContentPlace, Error> {
    let content: ContentPath = path.parse().map_err(|reason: &str| wrong("content", reason))?;
    let set = set.unwrap_or(VOD).to_owned();
    match config.set_words(&set) {
        Some(_) => Ok(ContentPlace { set, revision: None, content, whole: false }),
        None => Err(wrong("set", format!("there is no set \"{set}\""))),
    }
}

async fn load(sources: &Sources, place: &ContentPlace) -> Result<Loaded, Error> {
    let loaded = Loaded::read(sources, &place.content).await;
    let loaded = loaded.map_err(|error| wrong("content", error.to_string()))?;
    let folder = sources.name(place.content.as_str());
    loaded.ok_or_else(|| wrong("content", format!("there is no source.json in {}", folder.display())))
}

/// A content of the sources as the catalogue takes it, for a client set (default: `vod`): clear, as it lies
/// in its folder.
///
/// # Errors
/// [`Error::Setting`]: there is no such content or set.
pub async fn describe(config: &Config, path: &str, set: Option<&str>) -> Result<Pack, Error> {
    let place = place(config, path, set)?;
    let loaded = load(&sources(config)?, &place).await?;
    let pack = Pack::of_content(loaded.source.pack, &place, ContentRules::default());
    pack.ok_or_else(|| wrong("content", "it has numbers that a manifest cannot carry"))
}

/// As [`describe`], of what the catalogue calls a content; `None`: that is a pack's id.
///
/// # Errors
/// As [`describe`].
pub async fn describe_named(config: &Config, name: &str) -> Option<Result<Pack, Error>> {
    let place = name.parse::<ContentPlace>().ok()?;
    Some(describe(config, place.content.as_str(), Some(&place.set)).await)
}

/// Reads the clear files of a content and keeps their indexes, so that the first viewer need not wait for
/// that.
///
/// # Errors
/// [`Error::Setting`]: a file is not what `source.json` says.
pub async fn prepare(config: &Config, path: &str) -> Result<(), Error> {
    let place = place(config, path, None)?;
    let loaded = load(&sources(config)?, &place).await?;
    let folder = config.data.join(FILMS);
    for (number, r) in loaded.source.pack.representations.iter().enumerate() {
        if indexes::kept(&folder, r).await.is_none() {
            let made = indexes::make(&folder, &loaded, number).await;
            made.map_err(|error| wrong("content", error.to_string()))?;
        }
    }
    Ok(())
}

/// A content of the catalogue as it is encrypted now, for Matinee's own players: with the names of its files.
///
/// # Errors
/// [`Error::Setting`]: it is not served; the log says why.
pub async fn lay_out(config: &Config, keys: KeyRing, name: &str, now: u64) -> Result<Pack, Error> {
    let place = name.parse().map_err(|_| wrong("content", format!("\"{name}\" is no content")))?;
    let origin = Origin::new(config, sources(config)?.into_bucket());
    match origin.film(config, &Arc::new(keys), &place, Form::Own, now).await {
        Ok(film) => Ok(Pack::clone(&film.film)),
        Err(_) => Err(wrong("content", "it is not served; `matinee config check` says why")),
    }
}

/// Whether what the catalogue calls a content is encrypted under a common key, as its settings are now. One
/// that nobody can look at now may be.
pub async fn uses_common_key(config: &Config, ring: &KeyRing, name: &str, id: &str) -> bool {
    let Ok(place) = name.parse::<ContentPlace>() else { return false };
    let loaded = match Sources::open(config) {
        Ok(Some(sources)) => Loaded::read(&sources, &place.content).await,
        Ok(None) => return false,
        Err(_) => return true,
    };
    let loaded = match loaded {
        Ok(Some(loaded)) => loaded,
        Err(SourceError::Unreadable(_)) => return true,
        Ok(None) | Err(SourceError::Wrong(_)) => return false,
    };
    let words = config.set_words(&place.set).unwrap_or_default();
    let uses = |form| {
        let settings = settings(config.encryption(), form, &place.content, &loaded.folders, &words).ok()?;
        let key = settings.common_key.value.as_deref().unwrap_or(ring.active_common_key().0);
        let candidate = Candidate::new(&loaded, &settings, false, (ring, key)).ok()?;
        Some(candidate.keys.is_some() && key == id)
    };
    Form::ALL.into_iter().any(|form| uses(form) == Some(true))
}
