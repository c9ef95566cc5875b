//! Commands about accounts and their devices.

use super::Json;
use clap::{Args, Subcommand};

#[derive(Debug, Args)]
pub(crate) struct Password {
    /// The password; others on this machine can see it
    #[arg(long, conflicts_with = "password_stdin", env = "MATINEE_PASSWORD", hide_env_values = true)]
    pub(crate) password: Option<String>,
    /// Read the password from standard input
    #[arg(long)]
    pub(crate) password_stdin: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum User {
    /// Make an account
    Add {
        /// Email address
        email: String,
        /// What it may play: unlimited, none, or a plan that movies name
        #[arg(long, default_value = "unlimited")]
        plan: String,
        #[command(flatten)]
        password: Password,
        #[command(flatten)]
        json: Json,
    },
    /// Set another password; the account is signed out everywhere, and its devices register again
    #[command(visible_alias = "password")]
    Passwd {
        /// Email address
        email: String,
        /// Let TV boxes go on: they have no sessions, and would need a new code
        #[arg(long)]
        keep_boxes: bool,
        #[command(flatten)]
        password: Password,
        #[command(flatten)]
        json: Json,
    },
    /// List the accounts
    List(Json),
    /// Stop an account with all its devices at once: sessions end, nothing is licensed or renewed
    #[command(alias = "disable")]
    Block {
        /// Email address
        email: String,
        /// Let it in again
        #[arg(long, hide = true)]
        undo: bool,
        #[command(flatten)]
        json: Json,
    },
    /// Delete an account with its devices, sessions, list and positions; what the audit log has of it stays
    Delete {
        /// Email address
        email: String,
        /// Do not ask
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        json: Json,
    },
    /// Let a blocked account in again
    Unblock {
        /// Email address
        email: String,
        #[command(flatten)]
        json: Json,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Device {
    /// List the devices
    List {
        /// Email address of an account [default: all accounts]
        email: Option<String>,
        #[command(flatten)]
        json: Json,
    },
    /// Free a device's slot; it plays on until its ticket ends
    Remove {
        /// Id of the device, as `device list` shows it
        device: nccp::DeviceId,
        /// End its playback at once
        #[arg(long)]
        now: bool,
        #[command(flatten)]
        json: Json,
    },
    /// No longer trust a device's keys: it is removed from every account, and its keys get no certificate,
    /// registration, ticket or license
    Revoke {
        /// Id of the device, as `device list` shows it, or of its DRM component (32 hexadecimal digits)
        device: String,
        /// Why, for the list
        #[arg(long, default_value = "")]
        note: String,
        #[command(flatten)]
        json: Json,
    },
    /// Trust a revoked device's keys again
    Reinstate {
        /// Id of the device or component
        device: String,
        #[command(flatten)]
        json: Json,
    },
    /// List what is revoked
    Revoked(Json),
}
