//! The parts of the service.

use crate::Error;
use serde::Deserialize;
use std::str::FromStr;

/// A part of the service; any set of them runs in one process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Pages, login, library, devices.
    Site,
    /// The controller: registration, manifests, licenses.
    Control,
    /// Device certificates.
    Individualize,
    /// Files behind signed URLs.
    Edge,
    /// Films that are encrypted when they are asked for, behind signed URLs.
    Origin,
    /// What encoders send, and the live events that are made of it.
    Ingest,
    /// Films over persistent connections.
    Stream,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 7] = [
        Self::Site,
        Self::Control,
        Self::Individualize,
        Self::Edge,
        Self::Origin,
        Self::Ingest,
        Self::Stream,
    ];
}

impl FromStr for Role {
    type Err = Error;

    fn from_str(s: &str) -> Result<Self, Error> {
        match s {
            "site" => Ok(Self::Site),
            "control" => Ok(Self::Control),
            "individualize" => Ok(Self::Individualize),
            "edge" => Ok(Self::Edge),
            "origin" => Ok(Self::Origin),
            "ingest" => Ok(Self::Ingest),
            "stream" => Ok(Self::Stream),
            other => Err(Error::Setting {
                name: "roles",
                reason: format!(
                    "\"{other}\" is none of site, control, individualize, edge, origin, ingest, stream"
                ),
            }),
        }
    }
}
