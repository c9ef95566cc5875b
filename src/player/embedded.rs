//! Films whose license comes along with the manifest: nothing is asked for, unless that license does not serve (B19).

use std::rc::Rc;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use drm_api::{DrmError, Reply, Request, SessionId};
use gloo::net::http::Request as Fetch;
use nccp::LicenseMode;
use wasm_bindgen_futures::spawn_local;
use web_sys::RequestCredentials;

use super::run::Inner;
use crate::{
    clock,
    control::{Licensed, display},
    problem::Problem,
};

/// A manifest that has been here for so long, in seconds, has its DRM metadata fetched anew before a license is asked for.
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
        let (metadata, url) = match &*self.manifest.borrow() {
            Some(manifest) if !super::license::protected(manifest) => return,
            Some(manifest) if manifest.license_mode == LicenseMode::Embedded => {
                (manifest.drm_metadata.clone(), manifest.drm_metadata_url.clone())
            }
            _ => (None, None),
        };
        let mut opened = self.open_metadata(session, metadata).await;
        let is_old = clock::unix_now() > self.metadata_at.get() + OLD_SECONDS;
        if let (Err(DrmError::LicenseExpired), Some(url), true) = (&opened, url, is_old) {
            self.metadata_at.set(clock::unix_now());
            opened = self.open_metadata(session, fetch(&url).await).await;
        }
        if self.is_closed() {
            return;
        }
        match opened {
            Ok(reply) => {
                self.is_embedded.set(true);
                self.licensed(session, Licensed::Taken(reply, None)).await;
            }
            // Whatever it was: the license server has the last word.
            Err(_) => match self.control.license(session, self.movie, Vec::new()).await {
                Ok(licensed) => self.licensed(session, licensed).await,
                Err(error) => self.license_failed(Problem::from(&error)),
            },
        }
    }

    /// A license in place of an embedded one: from the metadata that the server sent, or else from newer metadata; `None` where a
    /// license has to be asked for.
    pub(super) async fn renew_embedded(&self, session: SessionId, metadata: &[u8]) -> Option<Licensed> {
        if !self.is_embedded.get() {
            return None;
        }
        let url = self.manifest.borrow().as_ref()?.drm_metadata_url.clone();
        let metadata = match metadata {
            [] => fetch(&url?).await?,
            sent => sent.to_vec(),
        };
        let opened = self.open_metadata(session, Some(metadata)).await;
        self.is_embedded.set(opened.is_ok());
        Some(Licensed::Taken(opened.ok()?, None))
    }

    async fn open_metadata(&self, session: SessionId, metadata: Option<Vec<u8>>) -> Result<Reply, DrmError> {
        let metadata = STANDARD.encode(metadata.ok_or(DrmError::LicenseInvalid)?);
        self.proxy().ask(Request::OpenEmbedded { session, metadata, display: display() }).await
    }
}

/// Newer DRM metadata, from wherever the manifest says.
async fn fetch(url: &str) -> Option<Vec<u8>> {
    let answer = Fetch::get(url).credentials(RequestCredentials::Omit).send().await.ok()?;
    if answer.ok() { answer.binary().await.ok() } else { None }
}
