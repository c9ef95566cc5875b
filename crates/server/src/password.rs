//! Passwords: argon2id with OWASP's parameters (19 MiB, 2 passes, 1 lane), off the request threads.

use crate::Error;
use crate::turns::{Caller, Full, Turns};
use argon2::Argon2;
use argon2::password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash};
use nccp::json::MIN_PASSWORD;
use std::sync::{Arc, LazyLock, OnceLock};
use zeroize::Zeroizing;

/// Hashes at a time: each takes 19 MiB and a core.
const PARALLEL: usize = 2;
/// Browsers without a device of the account that wait for it, and as many with one: about a second's work.
const WAITING: usize = 64;
static TURNS: LazyLock<Arc<Turns>> = LazyLock::new(|| Turns::new(PARALLEL, WAITING));

/// The longest password taken, in octets: a bound on work, not on taste.
pub(crate) const MAX_LENGTH: usize = 1024;

/// A new password's hash in PHC form. Blocks for some 30 ms.
///
/// # Errors
/// [`Error::Setting`] for a password that is too short or too long.
pub(crate) fn hash(password: &str) -> Result<String, Error> {
    if !is_new(password) {
        let reason = match password.len() > MAX_LENGTH {
            true => format!("it is too long: {MAX_LENGTH} octets are the most"),
            false => format!("it is too short: choose one of {MIN_PASSWORD} characters or more"),
        };
        return Err(Error::Setting { name: "password", reason });
    }
    Argon2::default()
        .hash_password(password.as_bytes())
        .map(|hash| hash.to_string())
        .map_err(|_| Error::Internal("the password could not be hashed"))
}

/// As [`hash`], in its turn, off the request threads.
///
/// # Errors
/// [`Full`]: too many wait already; within, as [`hash`].
pub(crate) async fn make(password: Zeroizing<String>, caller: Caller) -> Result<Result<String, Error>, Full> {
    let turn = TURNS.take(caller).await?;
    let make = move || {
        let _turn = turn;
        hash(&password)
    };
    let failed = Error::Internal("the password could not be hashed");
    Ok(tokio::task::spawn_blocking(make).await.unwrap_or(Err(failed)))
}

/// Whether a password can be chosen: see [`MIN_PASSWORD`] and [`MAX_LENGTH`].
pub(crate) fn is_new(password: &str) -> bool {
    is_acceptable(password) && password.chars().count() >= MIN_PASSWORD
}

/// Whether what is shown can be a password, also one that was chosen when less was asked for: see
/// [`MAX_LENGTH`].
pub(crate) fn is_acceptable(password: &str) -> bool {
    !password.is_empty() && password.len() <= MAX_LENGTH
}

fn matches(password: &str, hash: &str) -> bool {
    PasswordHash::new(hash)
        .is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok())
}

/// A hash that no password has, so that unknown accounts cost the same time.
fn dummy() -> &'static str {
    static DUMMY: OnceLock<String> = OnceLock::new();
    DUMMY.get_or_init(|| hash(&crate::secret::random_hex::<32>()).unwrap_or_default())
}

/// Whether the password is the hash's; without a hash it takes as long and is `false`.
///
/// # Errors
/// [`Full`]: too many wait already.
pub(crate) async fn verify(
    password: Zeroizing<String>,
    hash: Option<String>,
    caller: Caller,
) -> Result<bool, Full> {
    let turn = TURNS.take(caller).await?;
    let known = hash.is_some();
    let check = move || {
        // Held by the hash, not by the request: who hangs up does not free a place.
        let _turn = turn;
        matches(&password, hash.as_deref().unwrap_or_else(|| dummy()))
    };
    Ok(tokio::task::spawn_blocking(check).await.unwrap_or(false) && known)
}

/// Makes the dummy hash ahead of the first login.
pub(crate) fn warm_up() {
    let _ = dummy();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_passwords_have_a_least_and_a_most_length() {
        assert!(is_new("12345678") && is_new("äöüßäöüß") && is_new(&"x".repeat(MAX_LENGTH)));
        for wrong in ["", "1234567", "äöüß", &"x".repeat(MAX_LENGTH + 1)] {
            assert!(!is_new(wrong) && hash(wrong).is_err(), "{wrong}");
        }
        assert!(is_acceptable("short"), "it was chosen when that was allowed");
        assert!(hash("short").unwrap_err().to_string().contains("8 characters or more"));
    }
}
