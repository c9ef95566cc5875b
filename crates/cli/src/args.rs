//! The command line, as `matinee --help` shows it.

mod accounts;
mod boxes;
mod configuration;
mod embedding;
mod exchange;
mod film;
mod live;
mod service;
mod storage;
mod url;
mod values;

pub(crate) use self::storage::{Storage, StorageCheck, StorageCopy};
pub(crate) use accounts::{Device, Password, User};
pub(crate) use boxes::{BoxCommand, BoxRun, SinkName};
pub(crate) use configuration::Configuration;
pub(crate) use embedding::{ApiKey, Share};
pub(crate) use exchange::Exchange;
pub(crate) use film::{
    Add, AddMovie, Check, ClearField, Decrypt, Details, EditMovie, FilmKeys, Hdr, Inspect, Movie,
    MoviePoster, Package, Policy, Tracks,
};
pub(crate) use live::{EventName, Live};
pub(crate) use service::{Audit, Keys, Serve};
pub(crate) use url::{Url, UrlForm};

use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;

/// Matinee: protected streaming of your own films.
#[derive(Debug, Parser)]
#[command(name = "matinee", version, propagate_version = true)]
pub(crate) struct Arguments {
    /// Configuration file [default: matinee.toml, where there is one]
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Folder for database, keys and library [default: matinee-data]
    #[arg(long, global = true, value_name = "DIR", env = "MATINEE_DATA")]
    pub(crate) data: Option<PathBuf>,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the service
    Serve(Serve),
    /// Make a film of whatever there is: look into it, transcode what players do not take, package, publish
    Add(Box<Add>),
    /// Turn finished files into an encrypted film and publish it
    Package(Box<Package>),
    /// Show what is in a packaged film, or in a file: tracks, bit rates, groups of pictures, protection
    Inspect(Inspect),
    /// Check that a packaged film is whole, and that nothing in it contradicts itself
    Check(Check),
    /// Decrypt a packaged file
    Decrypt(Decrypt),
    /// The site's keys
    #[command(subcommand)]
    Keys(Keys),
    /// Accounts
    #[command(subcommand)]
    User(User),
    /// Keys for programs of yours that call the service
    #[command(subcommand, name = "apikey")]
    ApiKey(ApiKey),
    /// Links to films, for people without an account
    #[command(subcommand)]
    Share(Share),
    /// TV devices
    #[command(subcommand)]
    Box(BoxCommand),
    /// Devices of accounts
    #[command(subcommand)]
    Device(Device),
    /// The catalogue
    #[command(subcommand)]
    Movie(Movie),
    /// Where published films lie
    #[command(subcommand)]
    Storage(Storage),
    /// Sign a URL by which whoever has it can fetch a movie, as DASH, HLS or files
    Url(Url),
    /// Live events
    #[command(subcommand)]
    Live(Live),
    /// Rules that licenses carry
    #[command(subcommand)]
    Policy(Policy),
    /// The configuration, and what holds for which film of an origin
    #[command(subcommand)]
    Config(Configuration),
    /// Show who did what: logins, registrations, removals, licenses, refusals, commands
    Audit(Audit),
}

#[derive(Debug, Args)]
pub(crate) struct Json {
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}
