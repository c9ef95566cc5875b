use super::loaded::Loaded;
use crate::catalogue;
use crate::content_place::ContentPlace;
use crate::content_rules::ContentRules;
use crate::keys::KeyRing;
use crate::store::Movie;
use ::origin::scope::Settings;
use ::origin::{EncryptedFilm, Encryption, FilmKeys, SourceIndex};
use cenc::Label;
use std::io;
use std::sync::Arc;

/// A content as it is served to a client set by a revision of its keys.
#[derive(Debug)]
pub(crate) struct OriginFilm {
    pub(crate) loaded: Arc<Loaded>,
    /// What manifests and licenses need to know of it.
    pub(crate) film: Arc<catalogue::Pack>,
    /// What DASH and HLS need to know.
    pub(crate) pack: Arc<pack::Pack>,
    /// `None`: it is served clear.
    pub(crate) encrypted: Option<EncryptedFilm>,
}

/// A way in which a content may be encrypted.
#[derive(Debug)]
pub(crate) struct Candidate {
    pub(crate) settings: Settings,
    /// `None`: clear.
    pub(crate) keys: Option<FilmKeys>,
    pub(crate) revision: String,
}

impl Candidate {
    /// Under a common key of the ring, or clear where the settings say so.
    pub(crate) fn new(
        loaded: &Loaded,
        settings: &Settings,
        ring: &KeyRing,
        common_key: &str,
    ) -> Result<Self, String> {
        let settings = settings.clone();
        if !settings.enabled.value {
            let revision = format!("r{}", loaded.source.pack.pack_id.get(..8).unwrap_or("00000000"));
            return Ok(Self { settings, keys: None, revision });
        }
        let common =
            ring.common_key(common_key).ok_or_else(|| format!("there is no common key \"{common_key}\""))?;
        let encryption = Encryption {
            scheme: settings.scheme.value,
            level: settings.level.value,
            rotate: settings.rotate.value.map(|rotate| rotate.0),
            clear_lead: settings.clear_lead.value,
            content_id: settings.content_id.value.clone(),
            label: Label::default(),
            common_key_id: common_key.to_owned(),
        };
        let keys =
            FilmKeys::derive(&loaded.source, &encryption, common).map_err(|error| error.to_string())?;
        Ok(Self { settings, revision: keys.revision(), keys: Some(keys) })
    }
}

impl OriginFilm {
    /// Lays a film out. `indexes` are asked for where it is encrypted.
    pub(crate) fn new(
        place: &ContentPlace,
        loaded: Arc<Loaded>,
        candidate: Candidate,
        rules: ContentRules,
        indexes: &[Arc<SourceIndex>],
    ) -> Result<Self, String> {
        let Candidate { keys, revision, .. } = candidate;
        let place = place.at(revision);
        let encrypted = match &keys {
            Some(keys) => {
                let film = EncryptedFilm::plan(&loaded.source, keys, indexes);
                Some(film.map_err(|error| error.to_string())?)
            }
            None => None,
        };
        let pack = match &encrypted {
            Some(film) => film.pack.clone(),
            None => loaded.source.pack.clone(),
        };
        let film = catalogue::Pack::of_content(pack.clone(), &place, rules)
            .ok_or_else(|| "it has numbers that a manifest cannot carry".to_owned())?;
        Ok(Self { loaded, film: Arc::new(film), pack: Arc::new(pack), encrypted })
    }

    /// Bytes that it takes in memory, roughly: its segments are told in three forms.
    pub(crate) fn memory(&self) -> usize {
        let segments: usize = self.pack.representations.iter().map(|r| r.segments.len()).sum();
        let keys = self.film.keys.len();
        4096 + segments * 100 + keys * 200 + self.encrypted.as_ref().map_or(0, EncryptedFilm::memory)
    }

    /// The number of the representation whose file has this path.
    pub(crate) fn representation(&self, file: &str) -> Option<usize> {
        self.pack.representations.iter().position(|r| r.path == file)
    }
}

/// Reads a clear file to its end.
pub(crate) fn build_index(loaded: &Loaded, representation: usize) -> Result<SourceIndex, String> {
    let r =
        loaded.source.pack.representations.get(representation).ok_or("there is no such representation")?;
    let said = |error: io::Error| format!("{}: {error}", loaded.folder.join(&r.path).display());
    let file = loaded.open(representation).map_err(said)?;
    SourceIndex::build(&file, r)
        .map_err(|error| format!("{}: {error}", loaded.folder.join(&r.path).display()))
}

impl Movie {
    /// A content that the catalogue does not name: by the default policy, where its settings name none.
    pub(crate) fn of_content(film: &catalogue::Pack) -> Self {
        Self {
            id: film.movie_id,
            title: film.title.clone(),
            year: None,
            cast: Vec::new(),
            genres: Vec::new(),
            episode: None,
            synopsis: None,
            rating: None,
            runtime: film.duration.as_f64(),
            pack: film.name.clone(),
            policy: crate::policy::DEFAULT.to_owned(),
            plans: Vec::new(),
            regions: Vec::new(),
            license: crate::LicenseMode::default(),
            available: true,
            added: 0,
            changed: 0,
        }
    }
}
