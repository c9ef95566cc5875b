//! The harness of the end-to-end tests: a real `matinee` server with the demo film, a real Chromium, and the
//! eyes to read the film's pictures.
//!
//! Environment: `MATINEE_BIN` is the `matinee` binary, `MATINEE_SITE_DIR` the built site (both set by
//! `cargo xtask test`); `CHROMEDRIVER` is ChromeDriver (default: the one on the path); `MATINEE_PLAYERS`
//! is the folder with the players of others; `MATINEE_WPT` a checkout of W3C's web-platform-tests.

#![forbid(unsafe_code)]
// A harness may panic: that is how a test fails.
#![allow(clippy::unwrap_used, clippy::missing_panics_doc)]

mod browser;
mod film;
mod http;
mod pages;
mod peer;
mod processes;
mod server;
mod stage;
mod viewing;

pub use browser::Browser;
pub use film::{Picture, pictures_of_ladder};
pub use pages::{serve_pages, serve_players};
pub use peer::Peer;
pub use processes::Process;
pub use server::{Device, EMAIL, Log, MOVIE, PASSWORD, Server, TITLE, demo_film, messages};
pub use stage::Stage;
pub use test_ports::free_port;
pub use viewing::{Sight, Viewing};

use std::time::{Duration, Instant};

/// How long a condition may take to come true before the test gives up. Generous: no test asserts on time.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// Polls until `probe` gives a value.
///
/// # Panics
/// After [`PATIENCE`], with `what` was waited for.
pub async fn eventually<T, F>(what: &str, mut probe: impl FnMut() -> F) -> T
where
    F: Future<Output = Option<T>>,
{
    let started = Instant::now();
    loop {
        if let Some(value) = probe().await {
            return value;
        }
        assert!(started.elapsed() < PATIENCE, "waited {PATIENCE:?} for {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Whether the long forms of the tests are wanted (`cargo xtask soak`).
pub fn is_soak() -> bool {
    std::env::var_os("MATINEE_SOAK").is_some()
}

/// The repository's root.
pub fn repository() -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap().to_owned()
}
