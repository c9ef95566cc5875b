//! `matinee live`.

use super::Json;
use super::values::until;
use clap::{Args, Subcommand};
use live::Name;
use server::LicenseMode;
use std::time::SystemTime;

/// Heights of a ladder, highest first.
#[derive(Debug, Clone)]
pub(crate) struct Heights(pub(crate) Vec<u32>);

fn heights(text: &str) -> Result<Heights, &'static str> {
    let rungs = prepare::ladder::of_heights(text)?;
    Ok(Heights(rungs.iter().map(|rung| rung.height).collect()))
}

/// An event's two names.
#[derive(Debug, Args)]
pub(crate) struct EventName {
    /// The event's name: letters, digits, - and _
    pub(crate) event: Name,
    /// The application that it belongs to: its folder in `live` of the data folder
    #[arg(long, default_value = "live", value_name = "APP")]
    pub(crate) app: Name,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Live {
    /// Make an event: a title in the library, and a stream key for the encoder, shown this once
    Create {
        #[command(flatten)]
        name: EventName,
        /// Title for people [default: the event's name]
        #[arg(long)]
        title: Option<String>,
        /// Number of its movie [default: the next that is free]
        #[arg(long, value_name = "NUMBER")]
        movie: Option<nccp::MovieId>,
        /// Policy of its licenses, see `matinee policy list` [default: what its settings say, or 24h]
        #[arg(long, value_name = "NAME")]
        policy: Option<String>,
        /// Where its licenses come from: server, or embedded (or embedded-browser, embedded-box)
        #[arg(long, value_name = "MODE", default_value = "server")]
        license: LicenseMode,
        /// Plan that may play it; may be given several times [default: every plan but none]
        #[arg(long = "plan", value_name = "PLAN")]
        plans: Vec<String>,
        /// When it is to begin, as the library says it: a moment (2026-11-28T20:00:00Z) or a time from now
        /// (2h)
        #[arg(long, value_name = "TIME", value_parser = until)]
        starts: Option<SystemTime>,
        /// Heights of further renditions that this server makes by ffmpeg of the one that the encoder sends,
        /// like 1080,720,480; none is above it [default: what its settings say]
        #[arg(long, value_name = "HEIGHTS", value_parser = heights)]
        ladder: Option<Heights>,
        #[command(flatten)]
        json: Json,
    },
    /// List the events, and where they stand
    List(Json),
    /// Show an event: where it stands, how it is encrypted, where it can be played
    Show {
        #[command(flatten)]
        name: EventName,
        #[command(flatten)]
        json: Json,
    },
    /// Replace an event's stream key, and show the new one
    Key {
        #[command(flatten)]
        name: EventName,
        #[command(flatten)]
        json: Json,
    },
    /// End an event: nothing of it is taken any more, and it becomes a film
    End {
        #[command(flatten)]
        name: EventName,
        #[command(flatten)]
        json: Json,
    },
}
