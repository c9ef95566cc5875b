//! Secrets that the file names.

use crate::{Error, secret};
use serde::Deserialize;
use std::fmt;
use std::path::Path;
use zeroize::Zeroizing;

/// A secret: the text itself, `file:PATH` (a file that its owner alone can read) or `env:NAME` (a variable of
/// the environment). Blanks around what a file or variable holds do not count.
#[derive(Clone, Deserialize)]
#[serde(transparent)]
pub struct Credential(Zeroizing<String>);

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

impl Credential {
    /// The secret. `setting` is named where it cannot be had.
    ///
    /// # Errors
    /// [`Error`], which does not name the secret.
    pub(crate) fn read(&self, setting: &'static str) -> Result<Zeroizing<String>, Error> {
        let text = if let Some(path) = self.0.strip_prefix("file:") {
            secret::read_file(Path::new(path))?
        } else if let Some(name) = self.0.strip_prefix("env:") {
            let absent = |_| super::setting(setting, "names a variable of the environment that is not there");
            std::env::var(name).map(Zeroizing::new).map_err(absent)?
        } else {
            return Ok(self.0.clone());
        };
        let text = Zeroizing::new(text.trim().to_owned());
        if text.is_empty() { Err(super::setting(setting, "is empty")) } else { Ok(text) }
    }
}
