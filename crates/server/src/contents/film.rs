use super::loaded::Loaded;
use crate::catalogue;
use crate::content_place::ContentPlace;
use crate::content_rules::ContentRules;
use crate::keys::KeyRing;
use crate::store::Movie;
use ::origin::scope::Settings;
use ::origin::{EncryptedFilm, Encryption, FilmKeys, SourceIndex, WholeFilm, WholeKeys};
use cenc::Label;
use pack::layout::WholePart;
use std::sync::Arc;

/// A content as it is served to a client set by a revision of its keys.
#[derive(Debug)]
pub(crate) struct OriginFilm {
    pub(crate) loaded: Arc<Loaded>,
    /// What manifests and licenses need to know of it.
    pub(crate) film: Arc<catalogue::Pack>,
    /// What DASH and HLS need to know.
    pub(crate) pack: Arc<pack::Pack>,
    pub(crate) octets: Octets,
}

/// How the octets of a film are had.
#[derive(Debug)]
pub(crate) enum Octets {
    /// As they lie in its folder.
    Clear,
    /// Samples are encrypted.
    Samples(Box<EncryptedFilm>),
    /// Segments are, whole.
    Whole(Box<WholeFilm>),
}

/// The keys of a film, by what they encrypt.
#[derive(Debug)]
pub(crate) enum Keys {
    Samples(FilmKeys),
    Whole(WholeKeys),
}

/// A way in which a content may be encrypted.
#[derive(Debug)]
pub(crate) struct Candidate {
    pub(crate) settings: Settings,
    /// `None`: clear.
    pub(crate) keys: Option<Keys>,
    pub(crate) revision: String,
}

impl Candidate {
    /// Under a common key of the ring, or clear where the settings say so. `whole`: segments are encrypted
    /// whole.
    pub(crate) fn new(
        loaded: &Loaded,
        settings: &Settings,
        whole: bool,
        (ring, common_key): (&KeyRing, &str),
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
        let said = |error: ::origin::Error| error.to_string();
        let (keys, revision) = if whole {
            let keys = WholeKeys::derive(&loaded.source, &encryption, common).map_err(said)?;
            let revision = keys.revision();
            (Keys::Whole(keys), revision)
        } else {
            let keys = FilmKeys::derive(&loaded.source, &encryption, common).map_err(said)?;
            let revision = keys.revision();
            (Keys::Samples(keys), revision)
        };
        Ok(Self { settings, revision, keys: Some(keys) })
    }
}

impl OriginFilm {
    /// Lays a film out. `indexes` are asked for where its samples are encrypted.
    pub(crate) fn new(
        place: &ContentPlace,
        loaded: Arc<Loaded>,
        candidate: Candidate,
        rules: ContentRules,
        indexes: &[Arc<SourceIndex>],
    ) -> Result<Self, String> {
        let Candidate { keys, revision, .. } = candidate;
        let place = place.at(revision);
        let said = |error: ::origin::Error| error.to_string();
        let source = &loaded.source;
        let octets = match keys {
            Some(Keys::Samples(keys)) => {
                Octets::Samples(Box::new(EncryptedFilm::plan(source, &keys, indexes).map_err(said)?))
            }
            Some(Keys::Whole(keys)) => Octets::Whole(Box::new(WholeFilm::plan(source, keys).map_err(said)?)),
            None => Octets::Clear,
        };
        let pack = match &octets {
            Octets::Samples(film) => film.pack.clone(),
            Octets::Whole(film) => film.pack.clone(),
            Octets::Clear => source.pack.clone(),
        };
        let film = catalogue::Pack::of_content(pack.clone(), &place, rules)
            .ok_or_else(|| "it has numbers that a manifest cannot carry".to_owned())?;
        Ok(Self { loaded, film: Arc::new(film), pack: Arc::new(pack), octets })
    }

    /// Bytes that it takes in memory, roughly: its segments are told in three forms.
    pub(crate) fn memory(&self) -> usize {
        let segments: usize = self.pack.representations.iter().map(|r| r.segments.len()).sum();
        let keys = self.film.keys.len();
        let octets = match &self.octets {
            Octets::Clear => 0,
            Octets::Samples(film) => film.memory(),
            Octets::Whole(film) => film.memory(),
        };
        4096 + segments * 100 + keys * 200 + octets
    }

    /// The number of the representation whose file has this path.
    pub(crate) fn representation(&self, file: &str) -> Option<usize> {
        self.pack.representations.iter().position(|r| r.path == file)
    }

    /// The number of the representation with a part at this path, where segments are encrypted whole.
    pub(crate) fn part(&self, file: &str) -> Option<(usize, WholePart)> {
        let (id, part) = WholePart::of(file)?;
        Some((self.pack.representations.iter().position(|r| r.downloadable_id == id)?, part))
    }
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
