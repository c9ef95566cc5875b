//! The storage of published films.

use super::Json;
use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub(crate) enum Storage {
    /// Copy published films to another storage, and go on where a copy was cut off
    Copy(StorageCopy),
    /// Read every published film, and say what is missing or damaged
    Check(StorageCheck),
}

#[derive(Debug, Args)]
pub(crate) struct StorageCheck {
    /// Where: file:FOLDER or s3://BUCKET/PREFIX; default: the library
    #[arg(value_parser = address)]
    pub(crate) place: Option<storage::Address>,
    /// Remove what publications left that were broken off more than a day ago, but nothing of films of the
    /// catalogue
    #[arg(long)]
    pub(crate) repair: bool,
    #[command(flatten)]
    pub(crate) json: Json,
}

#[derive(Debug, Args)]
pub(crate) struct StorageCopy {
    /// From where, and to where: file:FOLDER or s3://BUCKET/PREFIX; one alone is where to, from the library.
    /// Buckets are asked for by the other settings of [storage]
    #[arg(required = true, num_args = 1..=2, value_names = ["FROM", "TO"], value_parser = address)]
    pub(crate) places: Vec<storage::Address>,
    /// Read what is there already, and send again what is damaged
    #[arg(long)]
    pub(crate) verify: bool,
    #[command(flatten)]
    pub(crate) json: Json,
}

fn address(text: &str) -> Result<storage::Address, String> {
    text.parse().map_err(|error: storage::InvalidAddress| error.to_string())
}
