//! Commands about TV devices.

use super::Json;
use clap::{Args, Subcommand};
use std::path::PathBuf;

#[derive(Debug, Subcommand)]
pub(crate) enum BoxCommand {
    /// Give a box its keys and certificate, as the factory does
    Provision {
        /// Its model
        #[arg(long)]
        model: String,
        /// Its serial number
        #[arg(long)]
        serial: String,
        /// The new file with its identity
        #[arg(long, value_name = "FILE")]
        output: PathBuf,
        #[command(flatten)]
        json: Json,
    },
    /// Be a TV device: show a code, then play the account's films. Keys: p pauses, n takes the next film, q
    /// ends (each with Enter)
    Run(BoxRun),
}

#[derive(Debug, Args)]
pub(crate) struct BoxRun {
    /// The file that `matinee box provision` wrote
    #[arg(long, value_name = "FILE")]
    pub(crate) box_file: PathBuf,
    /// Folder for what the box keeps [default: the box file's name with the ending .state]
    #[arg(long, value_name = "DIR")]
    pub(crate) state: Option<PathBuf>,
    /// Who gets the film: mpv or ffplay; null decrypts, counts and forgets; auto is the first of them that is
    /// installed
    #[arg(long, default_value = "auto")]
    pub(crate) sink: SinkName,
    /// With --sink null: so many times faster than time
    #[arg(long, value_name = "N", value_parser = speed)]
    pub(crate) speed: Option<f64>,
    /// Play this movie first
    #[arg(long, value_name = "MOVIE")]
    pub(crate) play: Option<nccp::MovieId>,
    /// End after one film
    #[arg(long)]
    pub(crate) once: bool,
    /// Print one JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
}

/// Who gets the film.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum SinkName {
    Null,
    Ffplay,
    Mpv,
    Auto,
}

/// From 0.1 to 10,000.
fn speed(text: &str) -> Result<f64, String> {
    let number = text.parse::<f64>().ok();
    number.filter(|n| (0.1..=10_000.0).contains(n)).ok_or_else(|| "must be 0.1 to 10000".to_owned())
}
