//! Looking at the configuration.

use super::Json;
use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(crate) enum Configuration {
    /// Read the configuration and every folder of the origin's sources, and say what is wrong
    Check(Json),
    /// Show all values in force, each with where it is from: file and line, environment, default
    Show {
        /// What holds for this content: its path below the sources
        #[arg(long, value_name = "PATH")]
        path: Option<String>,
        /// For the clients of this set [default: vod]
        #[arg(long, value_name = "NAME", requires = "path")]
        set: Option<String>,
        #[command(flatten)]
        json: Json,
    },
}
