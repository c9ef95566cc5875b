//! `[database]`: where accounts, devices and viewings are kept.

use super::setting;
use crate::Error;
use serde::Deserialize;
use std::fmt;
use std::path::Path;

/// Where accounts, devices and viewings are kept.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Database {
    /// `postgres://user:password@host/database`, or `file:PATH` of a file (0600) with that line; the
    /// environment variable `MATINEE_DATABASE_URL` goes before it. Default: SQLite in the data folder.
    pub url: Option<String>,
    /// Connections to a database server at most.
    pub connections: u32,
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Database")
            .field("url", &self.url.as_ref().map(|_| "[redacted]"))
            .field("connections", &self.connections)
            .finish()
    }
}

impl Default for Database {
    fn default() -> Self {
        Self { url: None, connections: 16 }
    }
}

impl Database {
    pub(super) fn check(&self) -> Result<(), Error> {
        match self.connections {
            1..=1000 => Ok(()),
            _ => Err(setting("database.connections", "must be 1 to 1000")),
        }
    }

    /// The URL of the database server; `None` for SQLite.
    ///
    /// # Errors
    /// [`Error::Setting`] or [`Error::Io`] when it is no URL of PostgreSQL's, or its file cannot be read.
    pub fn server_url(&self) -> Result<Option<String>, Error> {
        let configured = std::env::var("MATINEE_DATABASE_URL").ok().or_else(|| self.url.clone());
        let Some(url) = configured else { return Ok(None) };
        let url = match url.strip_prefix("file:") {
            Some(path) => crate::secret::read_file(Path::new(path))?.trim().to_owned(),
            None => url,
        };
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            Ok(Some(url))
        } else {
            let reason = "must begin with postgres:// (or file: and a path to a file with the URL)";
            Err(setting("database.url", reason))
        }
    }
}
