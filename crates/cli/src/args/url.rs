//! URLs that whoever has them can fetch a film by.

use super::Json;
use super::values::until;
use clap::{Args, ValueEnum};
use std::time::SystemTime;

#[derive(Debug, Args)]
pub(crate) struct Url {
    /// Number of the movie
    pub(crate) movie: nccp::MovieId,
    /// What for: dash (stream.mpd), hls (master.m3u8), hls-aes128 (its form of whole segments, by an origin),
    /// or file (each file with pictures or sound)
    #[arg(long, value_name = "FORM")]
    pub(crate) form: UrlForm,
    /// When it ends: 2026-11-28T20:00:00Z (UTC), or a time from now such as 12h or 7d [default: the film's
    /// length and six hours from now, or edge.url_life]
    #[arg(long, value_name = "TIME", value_parser = until)]
    pub(crate) expires: Option<SystemTime>,
    #[command(flatten)]
    pub(crate) json: Json,
}

/// What a URL is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum UrlForm {
    Dash,
    Hls,
    /// HLS with AES-128 over whole segments, of a film of an origin
    HlsAes128,
    File,
}
