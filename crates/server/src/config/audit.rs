//! `[audit]`: what is written down of who did what.

use super::setting;
use crate::Error;
use serde::Deserialize;

/// The audit log.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Audit {
    /// Days that its entries are kept; 0: for ever.
    pub days: u64,
}

impl Default for Audit {
    fn default() -> Self {
        Self { days: 365 }
    }
}

impl Audit {
    pub(super) fn check(self) -> Result<(), Error> {
        match self.days {
            0..=36_500 => Ok(()),
            _ => Err(setting("audit.days", "must be 0 (for ever) to 36500")),
        }
    }
}
