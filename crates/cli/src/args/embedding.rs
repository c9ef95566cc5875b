//! Options about programs of the operator's own, and about links to films.

use super::Json;
use clap::Subcommand;
use server::api_keys::Scope;
use std::time::SystemTime;

#[derive(Debug, Subcommand)]
pub(crate) enum ApiKey {
    /// Make a key; it is shown once, and only its hash is kept
    Create {
        /// What to call it
        name: String,
        /// What may be done with it: grants (permissions to play for pages of other sites); catalogue is for later, and
        /// opens nothing yet
        #[arg(long, value_delimiter = ',', required = true, value_name = "SCOPES")]
        scope: Vec<Scope>,
        #[command(flatten)]
        json: Json,
    },
    /// List the keys
    List(Json),
    /// Forget a key: it opens nothing any more, nor do the grants that it made
    Revoke {
        /// What it is called
        name: String,
        #[command(flatten)]
        json: Json,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Share {
    /// Make a link; it is shown once, and only its hash is kept
    Create {
        /// Number of the movie
        #[arg(long, value_name = "MOVIE")]
        movie: nccp::MovieId,
        /// When it ends: 2026-11-28, 2026-11-28T20:00:00Z (UTC), or a time from now such as 12h or 7d [default: when
        /// it is revoked]
        #[arg(long, value_name = "TIME", value_parser = until)]
        until: Option<SystemTime>,
        /// Ask for a password, which is read from the terminal
        #[arg(long)]
        password: bool,
        /// Ask for a password, which is read from standard input
        #[arg(long, conflicts_with = "password")]
        password_stdin: bool,
        /// Devices that may have opened it
        #[arg(long, value_name = "N", default_value_t = 3)]
        devices: u32,
        #[command(flatten)]
        json: Json,
    },
    /// List the links
    List(Json),
    /// End a link, and what plays by it
    Revoke {
        /// Its id, as `share list` shows it
        id: String,
        #[command(flatten)]
        json: Json,
    },
}

/// A day, a moment, or how long from now.
fn until(text: &str) -> Result<SystemTime, String> {
    let day = || humantime::parse_rfc3339(&format!("{text}T00:00:00Z")).ok();
    let ahead = || SystemTime::now().checked_add(humantime::parse_duration(text).ok()?);
    let moment = humantime::parse_rfc3339(text).ok();
    moment.or_else(day).or_else(ahead).ok_or_else(|| {
        "must be a day (2026-11-28), a moment (2026-11-28T20:00:00Z), or a time from now (12h, 7d)".to_owned()
    })
}
