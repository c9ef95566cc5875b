//! Whether news from the server is on its way: fresh URLs, or more of an index that grows.

use std::time::Duration;

/// Whether they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Refresh {
    #[default]
    Idle,
    Asked,
    WaitUntil(Duration),
}
