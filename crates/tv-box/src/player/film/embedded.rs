//! Films whose license comes along with the manifest.

use nccp::LicenseMode;

use super::super::is_protected;
use super::{Answer, Film};
use crate::Error;
use crate::control::Ask;

impl Film<'_> {
    /// No license was asked for: opens the one in the manifest. Where that does not serve, the license server is asked (B19).
    pub(in super::super) fn open_embedded(&mut self) -> Result<(), Error> {
        if !is_protected(&self.manifest) {
            return Ok(());
        }
        let metadata = match self.manifest.license_mode {
            LicenseMode::Embedded => self.manifest.drm_metadata.as_deref(),
            LicenseMode::Server => None,
        };
        let granted = metadata.and_then(|metadata| {
            let shared = &self.control.shared;
            let kept = shared.state().registration().cloned()?;
            shared.drm().open_embedded(self.session, metadata, &kept).ok()
        });
        match granted {
            Some(granted) => {
                let policy_version = self.manifest.policy_version.clone();
                self.granted(granted, policy_version)
            }
            None => {
                self.ask_for_license();
                Ok(())
            }
        }
    }

    /// Asks the license server; the answer comes as others do.
    pub(super) fn ask_for_license(&self) {
        let asked = self.control.ask(Ask::License { session: self.session, movie: self.movie });
        let answer = self.answer.clone();
        tokio::spawn(async move {
            let _ = answer.send(Answer::license(asked.await)).await;
        });
    }
}
