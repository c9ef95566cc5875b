//! Commands that run the service, and look after its keys and its records.

use super::Json;
use super::values::{key_kind, since};
use clap::{Args, Subcommand};
use server::Role;
use server::keys::KeyKind;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::SystemTime;

#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// Parts to run: site, control, individualize, edge, origin, ingest, stream [default: all]
    #[arg(long, value_delimiter = ',', value_name = "ROLES", env = "MATINEE_ROLES")]
    pub(crate) roles: Option<Vec<Role>>,
    /// Address to listen on [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDRESS:PORT", env = "MATINEE_LISTEN")]
    pub(crate) listen: Option<SocketAddr>,
    /// The origin by which browsers know the site [default: http://localhost:PORT]
    #[arg(long, value_name = "URL", env = "MATINEE_PUBLIC_URL")]
    pub(crate) public_url: Option<String>,
    /// Folder with the built site [default: the one in the binary]
    #[arg(long, value_name = "DIR", env = "MATINEE_SITE_DIR")]
    pub(crate) site: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Audit {
    /// Only this account's: its email address
    #[arg(long, value_name = "EMAIL")]
    pub(crate) account: Option<String>,
    /// Only this device's: its id
    #[arg(long, value_name = "DEVICE")]
    pub(crate) device: Option<nccp::DeviceId>,
    /// Only this movie's: its number
    #[arg(long, value_name = "MOVIE")]
    pub(crate) movie: Option<nccp::MovieId>,
    /// Not before: 2026-11-28, 2026-11-28T20:00:00Z (UTC), or an age such as 12h or 7d
    #[arg(long, value_name = "TIME", value_parser = since)]
    pub(crate) since: Option<SystemTime>,
    /// Print one JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Keys {
    /// Make missing keys, and renew signers' certificates that end soon
    Generate(Json),
    /// List the keys
    List(Json),
    /// Export the keys for a server to a new folder, without the CAs' secrets
    Export {
        /// The new folder
        folder: PathBuf,
        #[command(flatten)]
        json: Json,
    },
    /// Change a key in two steps: make the next one; then, when every server has read it, make it the active
    /// one
    Rotate {
        /// site-ca, signer, ticket, common, media or factory-ca
        #[arg(value_parser = key_kind)]
        kind: KeyKind,
        /// Signers: what it signs, as `keys list` shows it
        #[arg(long, value_name = "TYPE")]
        signs: Option<String>,
        /// Both steps at once: for one server, or a key that leaked
        #[arg(long)]
        now: bool,
        #[command(flatten)]
        json: Json,
    },
    /// Forget a key that only verifies
    Retire {
        /// site-ca, signer, ticket, common, media or factory-ca
        #[arg(value_parser = key_kind)]
        kind: KeyKind,
        /// Its id, as `keys list` shows it
        id: String,
        #[command(flatten)]
        json: Json,
    },
}
