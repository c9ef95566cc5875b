//! Options for keys from key servers, and for other packagers.

use clap::Args;
use pack::SystemId;
use std::path::PathBuf;

/// Keys from a key server, and documents of a film's keys.
#[derive(Debug, Args)]
pub(crate) struct Exchange {
    /// Ask this key server for the film's key by SPEKE v2; https, or http on this machine
    #[arg(long, value_name = "URL", requires = "speke_systems")]
    #[arg(conflicts_with_all = ["keys", "key_files", "cpix", "label_by_height", "rotate"])]
    pub(crate) speke: Option<String>,
    /// Protection system that the key server is asked for: widevine, playready, fairplay or its id, a UUID;
    /// may be given several times
    #[arg(long = "speke-system", value_name = "SYSTEM", requires = "speke", value_parser = system)]
    pub(crate) speke_systems: Vec<SystemId>,
    /// File with headers for the key server, one a line (`Authorization: Basic …`), that nobody else can
    /// read; - is standard input
    #[arg(long, value_name = "FILE", requires = "speke")]
    pub(crate) speke_header_file: Option<PathBuf>,
    /// What the film is called towards the key server [default: movie/ID]
    #[arg(long, value_name = "ID", requires = "speke")]
    pub(crate) speke_content_id: Option<String>,
    /// Certificate (X.509, PEM) that the key server is to encrypt the film's key for; --cpix-key has its
    /// private key
    #[arg(long, value_name = "FILE", requires_all = ["speke", "cpix_key"])]
    pub(crate) speke_certificate: Option<PathBuf>,
    /// Write the film's keys to this new file, as a CPIX document that nobody else can read
    #[arg(long, value_name = "FILE")]
    pub(crate) cpix_out: Option<PathBuf>,
    /// Encrypt the keys in that document for the one whose certificate (X.509, PEM) this is; may be given
    /// several times
    #[arg(long = "cpix-recipient", value_name = "FILE", requires = "cpix_out")]
    pub(crate) cpix_recipients: Vec<PathBuf>,
}

/// A system by its name or its id.
fn system(text: &str) -> Result<SystemId, String> {
    match text {
        "widevine" => Ok(SystemId::WIDEVINE),
        "playready" => Ok(SystemId::PLAYREADY),
        "fairplay" => Ok(SystemId::FAIRPLAY),
        _ => text.parse().map_err(|_| "must be widevine, playready, fairplay or a UUID".to_owned()),
    }
}
