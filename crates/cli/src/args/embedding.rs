//! Options about programs of the operator's own, and about links to films.

use super::Json;
use clap::Subcommand;
use server::api_keys::Scope;
use std::time::{Duration, SystemTime};

#[derive(Debug, Subcommand)]
pub(crate) enum ApiKey {
    /// Make a key; it is shown once, and only its hash is kept
    Create {
        /// What to call it
        name: String,
        /// What may be done with it: grants (permissions to play for pages of other sites); catalogue is for
        /// later, and opens nothing yet
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
        /// When it ends: 2026-11-28, 2026-11-28T20:00:00Z (UTC), Unix seconds, or a time from now such as 12h
        /// or 7d [default: when it is revoked]
        #[arg(long, value_name = "TIME", value_parser = until)]
        until: Option<SystemTime>,
        /// Ask for a password: this one (others on this machine can see it), or without a value one that is
        /// read from the terminal, or from standard input where there is none
        #[arg(long, value_name = "PASSWORD", num_args = 0..=1, default_missing_value = "")]
        password: Option<String>,
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
        /// Its id, as `share list` shows it, or the link itself, or what stands behind /v/ in it
        #[arg(value_name = "ID|LINK")]
        link: String,
        #[command(flatten)]
        json: Json,
    },
}

/// A day, a moment, Unix seconds, or how long from now.
fn until(text: &str) -> Result<SystemTime, String> {
    let unix = text.bytes().all(|octet| octet.is_ascii_digit()).then(|| text.parse::<u64>().ok()).flatten();
    if let Some(seconds) = unix {
        let time = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds));
        return time.ok_or_else(|| "is too far ahead".to_owned());
    }
    let day = || humantime::parse_rfc3339(&format!("{text}T00:00:00Z")).ok();
    let ahead = || SystemTime::now().checked_add(humantime::parse_duration(text).ok()?);
    let moment = humantime::parse_rfc3339(text).ok();
    moment.or_else(day).or_else(ahead).ok_or_else(|| {
        "must be a day (2026-11-28), a moment (2026-11-28T20:00:00Z), Unix seconds, or a time from now (12h, 7d)"
            .to_owned()
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_link_ends_on_a_day_at_a_moment_or_in_a_while() {
        let unix = |text| until(text).unwrap().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
        assert_eq!(unix("2026-09-21"), 1_789_948_800);
        assert_eq!(unix("2026-09-21T14:13:20Z"), 1_790_000_000);
        assert_eq!(unix("1790000000"), 1_790_000_000);
        assert!(until("7d").unwrap() > until("12h").unwrap());
        for wrong in ["", "tomorrow", "-1", "99999999999999999999", "18446744073709551615"] {
            assert!(until(wrong).is_err(), "{wrong}");
        }
    }
}
