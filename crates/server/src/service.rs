//! Everything that the use cases work with.

use crate::authorizer::Webhook;
use crate::brand::{Dress, Look};
use crate::catalogue::{Catalogue, Pack};
use crate::content_place::ContentPlace;
use crate::content_rules::ContentRules;
use crate::contents::{Origin, OriginFilm, Unserved};
use crate::descriptions::Descriptions;
use crate::keys::KeyRing;
use crate::library;
use crate::live::{KnownHeaders, Live};
use crate::lru::Lru;
use crate::pictures::Pictures;
use crate::policy::{self, Policies};
use crate::private;
use crate::region::RegionTable;
use crate::site::{Asset, Site};
use crate::store::{self, AbsentStore, Store};
use crate::stream::Streams;
use crate::tally::Tally;
use crate::throttle::Throttle;
use crate::url_tokens::UrlTokens;
use crate::{Clock, Config, Error, Role, keys, password};
use license::Version;
use nccp::{Art, WireError};
use origin::scope::Form;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use storage::{Address, Storage};

/// How long it is remembered that a film of a library elsewhere cannot be read, or lacks its keys.
const MEMORY: Duration = Duration::from_secs(5);
/// How soon signers' certificates are asked for again where there were none, in seconds.
const RENEW_AGAIN: u64 = 3600;
/// Octets of refusals that are remembered.
const REFUSED: usize = 1 << 20;

/// A server's state.
pub struct Service {
    pub(crate) config: Config,
    pub(crate) clock: Clock,
    keys: RwLock<Arc<KeyRing>>,
    url_tokens: RwLock<Arc<UrlTokens>>,
    /// When the keys were last read again for the signers' certificates, and that did not help. Unix seconds.
    tried: AtomicU64,
    regions: RwLock<Arc<RegionTable>>,
    policies: RwLock<Arc<Policies>>,
    policies_changed: AtomicU64,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) catalogue: Catalogue,
    /// The library as files are sent from it: through a cache where it lies elsewhere.
    pub(crate) media: Arc<dyn Storage>,
    /// The same for media files of packs, which never change once they are there.
    pub(crate) files: Arc<dyn Storage>,
    pub(crate) origin: Origin,
    pub(crate) descriptions: Descriptions,
    pub(crate) pictures: Pictures,
    pub(crate) live: Live,
    pub(crate) ingest_headers: KnownHeaders,
    pub(crate) throttle: Throttle,
    /// Why challenges were refused, by the SHA-256 of ticket and octets: some players send the same ones
    /// twice.
    pub(crate) refused: Lru<[u8; 32], WireError>,
    pub(crate) streams: Streams,
    /// How many like each film.
    pub(crate) tally: Tally,
    pub(crate) site: Option<Site>,
    /// What the operator's brand puts in place of the site's own.
    dress: RwLock<Arc<Dress>>,
    pub(crate) authorizer: Option<Webhook>,
    pub(crate) oldest_module: Version,
}

impl std::fmt::Debug for Service {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Service").field("config", &self.config).finish_non_exhaustive()
    }
}

impl Service {
    /// Opens keys (making them at a first start), database (where a role needs one), library and site.
    ///
    /// # Errors
    /// [`Error`], in words for the operator.
    pub async fn open(config: Config, clock: Clock) -> Result<Self, Error> {
        open_data(&config.data)?;
        let stored = [Role::Site, Role::Control, Role::Ingest, Role::Stream];
        let needs_store = stored.into_iter().any(|role| config.has(role));
        let store: Arc<dyn Store> = if needs_store {
            std::fs::create_dir_all(config.library()).map_err(Error::io(config.library()))?;
            store::open(&config).await?
        } else {
            Arc::new(AbsentStore)
        };
        if config.has(Role::Control) {
            policy::check_all(&*store, &load_policies(&config)?, &config.drm).await?;
        }
        Self::with_store(config, clock, store)
    }

    /// As [`Service::open`], on a store that is open already.
    ///
    /// # Errors
    /// [`Error`].
    pub fn with_store(config: Config, clock: Clock, store: Arc<dyn Store>) -> Result<Self, Error> {
        let factories = config.boxes.factory_keys()?;
        let keys = keys::open(&config.keys(), &config.public_url, &factories, clock.now())?;
        Self::with_keys(config, clock, store, keys)
    }

    /// As [`Service::with_store`], with keys that were loaded already. A reload reads those of the folder.
    ///
    /// # Errors
    /// [`Error`].
    pub fn with_keys(
        config: Config,
        clock: Clock,
        store: Arc<dyn Store>,
        keys: KeyRing,
    ) -> Result<Self, Error> {
        let oldest_module = config.drm.oldest_module.parse().map_err(|_| Error::Setting {
            name: "drm.oldest_module",
            reason: "must be a version like 0.1.0".to_owned(),
        })?;
        let site = if config.has(Role::Site) || config.has(Role::Individualize) {
            Site::load(config.site.as_deref())?
        } else {
            None
        };
        if config.has(Role::Site) {
            password::warm_up();
        }
        if config.has(Role::Stream) {
            for conflict in config.stream.conflicts() {
                tracing::warn!("{conflict}");
            }
        }
        let dress = dress(&config, site.as_ref())?;
        let library = library::open(&config)?;
        let media = library::cached(&config, &library)?;
        let is_far = matches!(config.storage.url, Address::S3 { .. });
        let authorizer = config.authorizer.as_ref().map(Webhook::new).transpose()?;
        let regions = RegionTable::open(&config.regions)?;
        let policies = load_policies(&config)?;
        Ok(Self {
            policies: RwLock::new(Arc::new(policies)),
            policies_changed: AtomicU64::new(crate::config::modified(&config.policies())),
            regions: RwLock::new(Arc::new(regions)),
            tried: AtomicU64::new(0),
            url_tokens: RwLock::new(Arc::new(UrlTokens::new(&config, &keys.media)?)),
            keys: RwLock::new(Arc::new(keys)),
            files: library::unchanging(&config, &media),
            media,
            catalogue: Catalogue::new(library, is_far.then_some(MEMORY)),
            descriptions: Descriptions::default(),
            pictures: Pictures::default(),
            origin: Origin::open(&config)?,
            live: Live::new(&config.data, config.live.ladders),
            ingest_headers: KnownHeaders::default(),
            throttle: Throttle::new(&config.limits),
            refused: Lru::new(REFUSED),
            streams: Streams::default(),
            tally: Tally::default(),
            config,
            clock,
            store,
            site,
            dress: RwLock::new(Arc::new(dress)),
            authorizer,
            oldest_module,
        })
    }

    /// The configuration in force.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Whether the site's files were found.
    pub fn has_site(&self) -> bool {
        self.site.is_some()
    }

    /// The file of the site at a URL path, as the operator's brand has it.
    pub(crate) fn asset(&self, path: &str) -> Option<Asset> {
        let dress = self.dress.read().unwrap_or_else(PoisonError::into_inner);
        dress.asset(path).or_else(|| self.site.as_ref()?.asset(path)).cloned()
    }

    /// The keys in force. One request works with one ring.
    pub(crate) fn keys(&self) -> Arc<KeyRing> {
        Arc::clone(&self.keys.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Reads the keys again when the signers' certificates end soon, or begin later because the clock was
    /// ahead: they get new ones where the site CA is at hand. Where that does not help, once an hour. Blocks
    /// on files.
    pub fn look_after_signers(&self) {
        let (now, tried) = (self.clock.now(), self.tried.load(Ordering::Relaxed));
        if !self.keys().is_due(now) || now.abs_diff(tried) < RENEW_AGAIN {
            return;
        }
        let read = self.reload_keys();
        self.tried.store(if self.keys().is_due(now) { now } else { 0 }, Ordering::Relaxed);
        if let Err(error) = read {
            tracing::error!(%error, "the signers' certificates end or do not hold, and the keys cannot be read again");
        } else if !self.keys().is_due(now) {
            tracing::info!("the signers have new certificates");
        } else {
            tracing::warn!(
                "the signers' certificates end in less than half of their life: run `matinee keys generate` and `keys export` \
                 where the site CA is, and copy the signers here"
            );
        }
    }

    /// A film of the catalogue, by what the catalogue calls it: the id of a pack, or where a content is. A
    /// content as Matinee's own players get it.
    ///
    /// # Errors
    /// [`Error::Pack`].
    pub(crate) async fn film(&self, name: &str) -> Result<Arc<Pack>, Error> {
        self.film_by(name, Form::Own).await
    }

    /// As [`Service::film`], a content as a form of delivery has it.
    ///
    /// # Errors
    /// As there.
    pub(crate) async fn film_by(&self, name: &str, form: Form) -> Result<Arc<Pack>, Error> {
        let Ok(place) = name.parse::<ContentPlace>() else { return self.catalogue.pack(name).await };
        let film = self.content(&place, form).await.map_err(|unserved| unserved.of(name))?;
        Ok(Arc::clone(&film.film))
    }

    /// As [`Service::film`]; a content in the first form of delivery in which it has what is looked for: as
    /// Matinee's own players get it, then DASH, then HLS. In none of them: as Matinee's own players get it.
    ///
    /// # Errors
    /// As there.
    pub(crate) async fn film_with(
        &self,
        name: &str,
        has: impl Fn(&Pack) -> bool + Send + Sync,
    ) -> Result<Arc<Pack>, Error> {
        if let Ok(place) = name.parse::<ContentPlace>()
            && self.origin.exists(&self.config, &place, self.clock.now()).await
        {
            for form in Form::ALL {
                // A form that does not serve it is nothing that the log should hear of here.
                if self.origin.has_form(&self.config, &place, form, self.clock.now()).await
                    && let Ok(pack) = self.film_by(name, form).await
                    && has(&pack)
                {
                    return Ok(pack);
                }
            }
        }
        self.film(name).await
    }

    /// The pictures of a film of the catalogue; `None` where there is no such film.
    pub(crate) async fn art(&self, name: &str) -> Option<Vec<Art>> {
        match name.parse::<ContentPlace>() {
            Ok(place) => self.origin.exists(&self.config, &place, self.clock.now()).await.then(Vec::new),
            Err(_) => self.catalogue.pack(name).await.ok().map(|pack| pack.art.clone()),
        }
    }

    /// What an origin's configuration says of the rules of a film of the catalogue.
    pub(crate) async fn rules_of(&self, name: &str) -> ContentRules {
        match name.contains('/') {
            true => self.film(name).await.map(|film| film.rules.clone()).unwrap_or_default(),
            false => ContentRules::default(),
        }
    }

    /// A content as an origin serves it.
    pub(crate) async fn content(
        &self,
        place: &ContentPlace,
        form: Form,
    ) -> Result<Arc<OriginFilm>, Unserved> {
        self.origin.film(&self.config, &self.keys(), place, form, self.clock.now()).await
    }

    /// Who signs and checks media URLs.
    pub(crate) fn url_tokens(&self) -> Arc<UrlTokens> {
        Arc::clone(&self.url_tokens.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Looks at the live events: what an operator has ended becomes a film, and what has fallen silent is
    /// said so.
    pub async fn look_after_live(&self) {
        self.live.look_after(self).await;
    }

    /// Goes on with the live events that were under way when a server stopped or was killed.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::Config`]: the events cannot be read.
    pub async fn resume_live(&self) -> Result<(), Error> {
        self.live.begin(self).await
    }

    /// Takes nothing more of live events, and leaves them to the next server; returns when they are on the
    /// disk.
    pub async fn suspend_live(&self) {
        self.live.stop(self.clock.millis()).await;
    }

    /// Who is where.
    pub(crate) fn regions(&self) -> Arc<RegionTable> {
        Arc::clone(&self.regions.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The policies in force.
    pub(crate) fn policies(&self) -> Arc<Policies> {
        Arc::clone(&self.policies.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// When the policies, with their whitelists, were last changed, Unix seconds; 0 without a file of
    /// policies.
    pub(crate) fn policies_changed(&self) -> u64 {
        self.policies_changed.load(Ordering::Relaxed)
    }

    /// Reads keys, policies, regions and the brand's pictures again, each by itself. What cannot be read
    /// leaves what was there.
    ///
    /// # Errors
    /// [`Error`]: what is wrong with the files.
    pub fn reload(&self) -> Result<(), Error> {
        let (keys, policies) = (self.reload_keys(), self.reload_policies());
        let regions = self.reload_regions();
        keys.and(policies).and(regions).and(self.reload_brand())
    }

    /// Makes one of the domains' keys of this epoch and the next, and takes it into use; `false`: there are
    /// all. Takes a second, blocking.
    ///
    /// # Errors
    /// [`Error`].
    pub fn make_domain(&self) -> Result<bool, Error> {
        let made = keys::make_domains(&self.config.keys(), self.clock.now(), 1)?;
        if made.is_empty() { Ok(false) } else { self.reload_keys().map(|()| true) }
    }

    /// Reads the keys again, or leaves what was there.
    pub(crate) fn reload_keys(&self) -> Result<(), Error> {
        let (folder, factories) = (self.config.keys(), self.config.boxes.factory_keys()?);
        let keys = keys::load_with(&folder, &self.config.public_url, &factories, self.clock.now())?;
        // With the files of secrets that the configuration names.
        let url_tokens = UrlTokens::new(&self.config, &keys.media)?;
        *self.url_tokens.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(url_tokens);
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(keys);
        Ok(())
    }

    /// Reads the policies again, or leaves what was there.
    pub(crate) fn reload_policies(&self) -> Result<(), Error> {
        let policies = load_policies(&self.config)?;
        let mut in_force = self.policies.write().unwrap_or_else(PoisonError::into_inner);
        if **in_force != policies {
            *in_force = Arc::new(policies);
            self.policies_changed.store(self.clock.now(), Ordering::Relaxed);
        }
        Ok(())
    }

    /// Reads the brand's pictures again, or leaves what was there.
    pub(crate) fn reload_brand(&self) -> Result<(), Error> {
        let dress = dress(&self.config, self.site.as_ref())?;
        *self.dress.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(dress);
        Ok(())
    }

    /// Reads the regions again, or leaves what was there.
    pub(crate) fn reload_regions(&self) -> Result<(), Error> {
        let regions = RegionTable::open(&self.config.regions)?;
        *self.regions.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(regions);
        Ok(())
    }
}

/// What the brand puts in place of the site's own; nothing where there is no site.
fn dress(config: &Config, site: Option<&Site>) -> Result<Dress, Error> {
    let Some(site) = site.filter(|_| config.has(Role::Site)) else { return Ok(Dress::default()) };
    Ok(Look::load(config)?.map(|look| Dress::of(site, &look)).unwrap_or_default())
}

/// Makes the data folder, for its owner alone, where it is not there.
///
/// # Errors
/// [`Error::FolderExposed`] where others may look into it; [`Error::Io`].
pub fn open_data(folder: &Path) -> Result<(), Error> {
    private::make_folder(folder).map_err(Error::io(folder))?;
    match private::is_exposed(folder).map_err(Error::io(folder))? {
        true => Err(Error::FolderExposed(folder.to_owned())),
        false => Ok(()),
    }
}

/// The policies, and among them the one that the configuration names.
fn load_policies(config: &Config) -> Result<Policies, Error> {
    let policies = Policies::load(config)?;
    match &config.drm.license_policy {
        Some(name) if policies.find(name).is_none() => Err(Error::Setting {
            name: "drm.license_policy",
            reason: format!("there is no policy \"{name}\"; `matinee policy list` shows those that are"),
        }),
        _ => Ok(policies),
    }
}
