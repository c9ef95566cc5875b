//! Films whose license comes along with the manifest: nothing is asked for, unless that license does not
//! serve (B19).

use std::rc::Rc;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use drm_api::{DrmError, Reply, Request, SessionId};
use gloo::net::http::Request as Fetch;
use nccp::{LicenseMode, NewRules};
use wasm_bindgen_futures::spawn_local;
use web_sys::RequestCredentials;

use super::run::Inner;
use crate::{clock, control::Licensed, problem::Problem};

/// A manifest that has been here for so long, in seconds, has its DRM metadata fetched anew before a license
/// is asked for.
const OLD_SECONDS: f64 = 30.0;

impl Inner {
    /// No license was asked for: opens the one in the manifest, once there are session and manifest.
    pub(super) fn maybe_open_embedded(self: &Rc<Self>) {
        let there = self.session.get().filter(|_| self.manifest.borrow().is_some());
        if let Some(session) = there.filter(|_| self.license_comes_along.take()) {
            spawn_local(Rc::clone(self).open_embedded(session));
        }
    }

    async fn open_embedded(self: Rc<Self>, session: SessionId) {
        let (metadata, url, version) = match &*self.manifest.borrow() {
            Some(manifest) if !super::license::protected(manifest) => return,
            Some(manifest) => {
                // Metadata without a license for this device still says who gives one.
                let is_embedded = manifest.license_mode == LicenseMode::Embedded;
                let url = manifest.drm_metadata_url.clone().filter(|_| is_embedded);
                (manifest.drm_metadata.clone(), url, manifest.policy_version.clone())
            }
            None => (None, None, None),
        };
        let mut metadata = metadata.unwrap_or_default();
        let mut opened = self.open_metadata(session, &metadata).await;
        let is_old = clock::unix_now() > self.metadata_at.get() + OLD_SECONDS;
        if let (Err(DrmError::LicenseExpired), Some(url), true) = (&opened, url, is_old) {
            self.metadata_at.set(clock::unix_now());
            if let Some(newer) = fetch(&url).await {
                metadata = newer;
                opened = self.open_metadata(session, &metadata).await;
            }
        }
        if self.is_closed() {
            return;
        }
        match opened {
            Ok(reply) => {
                self.is_embedded.set(true);
                self.licensed(session, Licensed::Taken(reply, version)).await;
            }
            // Whatever it was: the license server has the last word.
            Err(_) => match self.control.license_by(session, self.movie, metadata).await {
                Ok(licensed) => self.licensed(session, licensed).await,
                Err(error) => self.license_failed(Problem::from(&error)),
            },
        }
    }

    /// A license in place of an embedded one: from the metadata that the server sent with new rules, or else
    /// from newer metadata; `None` where a license has to be asked for.
    pub(super) async fn renew_embedded(
        &self,
        session: SessionId,
        rules: Option<&NewRules>,
    ) -> Option<Licensed> {
        if !self.is_embedded.get() {
            return None;
        }
        let url = self.manifest.borrow().as_ref()?.drm_metadata_url.clone();
        let opened = match rules {
            Some(rules) => self.open_metadata(session, &rules.drm_metadata).await,
            None => self.open_metadata(session, &fetch(&url?).await?).await,
        };
        self.is_embedded.set(opened.is_ok());
        // Whatever was fetched: by another name the server will send the rules that are in force.
        let version = rules.map_or_else(|| self.policy_version(), |rules| rules.policy_version.clone());
        Some(Licensed::Taken(opened.ok()?, version))
    }

    async fn open_metadata(&self, session: SessionId, metadata: &[u8]) -> Result<Reply, DrmError> {
        let metadata = STANDARD.encode(metadata);
        let display = self.proxy().displays().claim();
        let opened = self.proxy().ask(Request::OpenEmbedded { session, metadata, display }).await?;
        self.proxy().displays().claimed(display);
        Ok(opened)
    }
}

/// Newer DRM metadata, from wherever the manifest says.
async fn fetch(url: &str) -> Option<Vec<u8>> {
    let answer = Fetch::get(url).credentials(RequestCredentials::Omit).send().await.ok()?;
    if answer.ok() { answer.binary().await.ok() } else { None }
}
