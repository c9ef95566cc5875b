//! Films whose license comes along with the manifest.

use nccp::{LicenseMode, NewRules};

use super::super::is_protected;
use super::{Answer, Film};
use crate::Error;
use crate::control::Ask;
use crate::drm::Granted;

impl Film<'_> {
    /// No license was asked for: opens the one in the manifest. Where that does not serve, the license server
    /// is asked (B19).
    pub(in super::super) fn open_embedded(&mut self) -> Result<(), Error> {
        if !is_protected(&self.manifest) {
            return Ok(());
        }
        let is_embedded = self.manifest.license_mode == LicenseMode::Embedded;
        let metadata = self.manifest.drm_metadata.clone().unwrap_or_default();
        match Some(&metadata).filter(|_| is_embedded).and_then(|metadata| self.open_metadata(metadata)) {
            Some(granted) => {
                self.embedded = true;
                let policy_version = self.manifest.policy_version.clone();
                self.granted(granted, policy_version)
            }
            // Metadata without a license for this device still says who gives one.
            None => {
                self.ask_for_license(metadata);
                Ok(())
            }
        }
    }

    /// Gets a license in place of the one that the film plays by: by new rules, where the operator has
    /// changed them (B15).
    pub(super) fn renew(&mut self, rules: Option<NewRules>) -> Result<(), Error> {
        let Some(rules) = rules else {
            self.ask_for_license(Vec::new());
            return Ok(());
        };
        let granted = if self.embedded { self.open_metadata(&rules.drm_metadata) } else { None };
        self.embedded = granted.is_some();
        match granted {
            Some(granted) => self.granted(granted, rules.policy_version),
            None => {
                self.ask_for_license(rules.drm_metadata);
                Ok(())
            }
        }
    }

    /// Opens the license that lies in DRM metadata; `None` where there is none for this box, or it does not
    /// hold.
    fn open_metadata(&self, metadata: &[u8]) -> Option<Granted> {
        let shared = &self.control.shared;
        let kept = shared.state().registration().cloned()?;
        shared.drm().open_embedded(self.session, metadata, &kept).ok()
    }

    /// Asks for a license, for the keys that DRM metadata names; the answer comes as others do.
    fn ask_for_license(&mut self, metadata: Vec<u8>) {
        if let Some(event) = &mut self.event {
            event.asking();
        }
        let asked = self.control.ask(Ask::License { session: self.session, movie: self.movie, metadata });
        let answer = self.answer.clone();
        tokio::spawn(async move {
            let _ = answer.send(Answer::license(asked.await)).await;
        });
    }
}
