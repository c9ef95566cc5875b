//! The pages.

mod account;
mod activate;
mod around;
mod devices;
mod embed;
mod film;
mod help;
mod hosted;
mod library;
mod login;
mod not_found;
mod share;
mod shown;
mod watch;

pub use account::Account;
pub use activate::Activate;
pub use devices::Devices;
pub use embed::Embed;
pub use film::Film;
pub use help::Help;
pub use library::Library;
pub use login::{Login, LoginForm, LoginFormProps};
pub use not_found::NotFound;
pub use share::Share;
pub use watch::Watch;
