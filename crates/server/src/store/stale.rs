//! Prepared statements whose results have other columns since a newer program changed the schema beside this
//! one. PostgreSQL refuses them (SQLSTATE 0A000, "cached plan must not change result type"), and the
//! connection goes on refusing: it must be opened anew, and so must all that were open then.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// When a database last refused one.
static REFUSED: Mutex<Option<Instant>> = Mutex::new(None);

/// Whether an error is such a refusal.
pub(super) fn is_refusal(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|error| error.code());
    code.as_deref() == Some("0A000")
}

/// Remembers a refusal.
pub(super) fn note() {
    *REFUSED.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
}

/// Whether there was a refusal within that time: what was open all the while is of no use.
pub(super) fn was_noted_within(time: Duration) -> bool {
    let refused = *REFUSED.lock().unwrap_or_else(PoisonError::into_inner);
    refused.is_some_and(|refused| refused.elapsed() <= time)
}
