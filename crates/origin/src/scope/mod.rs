//! Which settings hold for a content, and where each of them was said (docs/origin.md).
//!
//! The server's file has a table for each [`Form`] of delivery, with a [`Scope`]. With `server`, that table
//! holds for all contents, and what folders say is ignored. With `content`, no value of the server's holds
//! anywhere: each content has the table of the nearest folder that has one, whole; a content that no folder
//! covers is not served by that form. A client set's own words ([`SetWords`]) go over both.
//!
//! # Examples
//! ```
//! use origin::scope::{Folder, Form, Forms, SetWords, Settings, SettingsFile, resolve};
//!
//! let server = SettingsFile::parse("matinee.toml", "[encryption.own]\nscope = \"content\"\nscheme = \"cbcs\"\n")?;
//! let film = SettingsFile::parse("films/a/matinee.toml", "[encryption.own]\nlevel = \"low\"\n")?;
//! let folders = [Folder::File(&film), Folder::None];
//! let path = "films/a".parse()?;
//! let settings = resolve(&server, Form::Own, &path, &folders, &SetWords::default())?;
//! assert_eq!(settings.level.value, cenc::Level::Low);
//! assert_eq!(settings.level.from.to_string(), "films/a/matinee.toml:2");
//! // Nothing is merged.
//! assert_eq!(settings.scheme.value, cenc::Scheme::Cenc);
//!
//! let nobody = resolve(&server, Form::Own, &path, &[Folder::None], &SetWords::default());
//! assert!(nobody.unwrap_err().to_string().contains("no folder"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod file;
mod lines;
mod resolve;
mod table;

pub use file::{FileError, SettingsFile};
pub use lines::Lines;
pub use resolve::{Folder, From, Off, Plain, SetWords, Settings, Shown, Value, is_ignored, resolve};
pub use table::{Form, Forms, Period, Rotate, Scope, Strategy, Table};
