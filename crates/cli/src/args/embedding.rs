//! Options about programs of the operator's own.

use super::Json;
use clap::Subcommand;
use server::api_keys::Scope;

#[derive(Debug, Subcommand)]
pub(crate) enum ApiKey {
    /// Make a key; it is shown once, and only its hash is kept
    Create {
        /// What to call it
        name: String,
        /// What may be done with it: grants (permissions to play for pages of other sites), catalogue
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
