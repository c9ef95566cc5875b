//! The license that comes along with a film's DRM metadata: opened without asking anybody (B19).

use std::cell::Cell;

use drm_api::{
    DrmError, PolicyReason,
    cdm::{Reply, Request, SessionId},
};
use gloo::net::http::Request as Fetch;
use nccp::{LicenseMode, Manifest, NewRules};
use web_sys::RequestCredentials;

use crate::{clock, control::Licensed, decryptor_proxy::DecryptorProxy};

/// After how many seconds metadata is fetched anew before a license is asked for.
const OLD_SECONDS: f64 = 30.0;

/// What a manifest says of the license that its DRM metadata may bring.
#[derive(Clone, Default)]
pub(super) struct Offer {
    /// Signed DRM metadata. Without a license for this device it still says who gives one.
    metadata: Vec<u8>,
    /// Whether the manifest says that there is a license in it.
    is_embedded: bool,
    /// Where newer metadata come from.
    url: Option<String>,
    /// What names the rules of the license.
    policy_version: Option<String>,
}

impl Offer {
    pub(super) fn of(manifest: &Manifest) -> Self {
        Self {
            metadata: manifest.drm_metadata.clone().unwrap_or_default(),
            is_embedded: manifest.license_mode == LicenseMode::Embedded,
            url: manifest.drm_metadata_url.clone(),
            policy_version: manifest.policy_version.clone(),
        }
    }
}

/// The license in the DRM metadata of a film.
pub(super) struct EmbeddedLicense {
    /// The license that the film plays by is one.
    is_in_use: Cell<bool>,
    /// When the metadata that is here was asked for, Unix seconds.
    asked_at: Cell<f64>,
}

impl EmbeddedLicense {
    pub(super) fn new() -> Self {
        Self { is_in_use: Cell::new(false), asked_at: Cell::new(clock::unix_now()) }
    }

    /// When the metadata that will come was asked for, Unix seconds.
    pub(super) fn set_asked_at(&self, time: f64) {
        self.asked_at.set(time);
    }

    /// Opens the license of an offer, or of newer metadata where that one has ended.
    ///
    /// # Errors
    /// The metadata to ask the license server with, where neither serves.
    pub(super) async fn open(
        &self,
        proxy: &DecryptorProxy,
        session: SessionId,
        offer: Offer,
    ) -> Result<Licensed, Vec<u8>> {
        let Offer { mut metadata, is_embedded, url, policy_version } = offer;
        let mut opened = open(proxy, session, &metadata).await;
        let is_old = clock::unix_now() > self.asked_at.get() + OLD_SECONDS;
        // Newer metadata has another end, and tells the time to a module whose clock was set back.
        if let (
            Err(DrmError::LicenseExpired | DrmError::PolicyRefused { reason: PolicyReason::Clock }),
            Some(url),
            true,
        ) = (&opened, url.filter(|_| is_embedded), is_old)
        {
            self.asked_at.set(clock::unix_now());
            if let Some(newer) = fetch(&url).await {
                metadata = newer;
                opened = open(proxy, session, &metadata).await;
            }
        }
        match opened {
            Ok(reply) => {
                self.is_in_use.set(true);
                Ok(Licensed::Taken(reply, policy_version))
            }
            // Whatever it was: the license server has the last word.
            Err(_) => Err(metadata),
        }
    }

    /// A license in place of the one in use: from the metadata that the server sent with new rules, or else
    /// from newer metadata; `None` where a license has to be asked for. `policy_version` names the rules that
    /// are in force.
    pub(super) async fn renew(
        &self,
        proxy: &DecryptorProxy,
        session: SessionId,
        offer: Option<Offer>,
        rules: Option<&NewRules>,
        policy_version: Option<String>,
    ) -> Option<Licensed> {
        if !self.is_in_use.get() {
            return None;
        }
        let url = offer?.url;
        let opened = match rules {
            Some(rules) => open(proxy, session, &rules.drm_metadata).await,
            None => open(proxy, session, &fetch(&url?).await?).await,
        };
        self.is_in_use.set(opened.is_ok());
        // Whatever was fetched: by another name the server will send the rules that are in force.
        let version = rules.map_or(policy_version, |rules| rules.policy_version.clone());
        Some(Licensed::Taken(opened.ok()?, version))
    }
}

async fn open(proxy: &DecryptorProxy, session: SessionId, metadata: &[u8]) -> Result<Reply, DrmError> {
    let metadata = metadata.to_vec();
    let display = proxy.displays().claim();
    let opened = proxy.ask(Request::OpenEmbedded { session, metadata, display }).await;
    // Whatever it was: an answer that comes too late counts for the worker all the same.
    proxy.displays().claimed(display);
    opened
}

/// Newer DRM metadata, from wherever the manifest says.
async fn fetch(url: &str) -> Option<Vec<u8>> {
    let answer = Fetch::get(url).credentials(RequestCredentials::Omit).send().await.ok()?;
    if answer.ok() { answer.binary().await.ok() } else { None }
}
