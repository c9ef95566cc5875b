//! Where published films lie: objects under keys, in a local folder ([`Folder`]), in a bucket of S3 ([`S3`])
//! or in memory ([`Memory`]). [`Cached`] keeps parts of what it reads elsewhere on the local disk, and
//! [`OpenFiles`] a folder's files open.
//!
//! [`Storage`] asks for what object stores can do and no more: objects are written whole, read in ranges,
//! listed by prefix, and created only where there is none. There is no renaming and no transaction, so
//! [`publish`] makes many objects appear at once by writing one of them last.
//!
//! # Examples
//! A film whose `pack.json` is there is whole:
//!
//! ```
//! use bytes::Bytes;
//! use storage::{Key, Memory, PutMode, Storage, Transfer, publish};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let folder = tempfile::tempdir()?;
//! std::fs::create_dir(folder.path().join("541"))?;
//! std::fs::write(folder.path().join("541/1811192541.mp4"), "0123456789")?;
//! std::fs::write(folder.path().join("pack.json"), "{}")?;
//!
//! let library = Memory::default();
//! let film: Key = "8e06bcb9de7cf02a1add0e87ae9cac56".parse()?;
//! publish(&library, Some(&film), folder.path(), "pack.json", Transfer::Copy).await?;
//!
//! let media = film.join("541/1811192541.mp4")?;
//! let part = library.get(&media, Some(4..100)).await?;
//! assert_eq!((part.meta.size, part.range.clone()), (10, 4..10));
//! assert_eq!(part.bytes().await?, "456789");
//!
//! let again = library.put(&film.join("pack.json")?, Bytes::from("{}"), PutMode::Create).await;
//! assert!(matches!(again, Err(storage::Error::AlreadyExists { .. })));
//! # Ok(())
//! # }
//! ```

mod address;
mod cache;
mod error;
mod folder;
mod key;
mod memory;
mod open_files;
mod publish;
mod reading;
mod s3;
mod storage;
mod sweep;
mod trouble;

pub use address::{Address, InvalidAddress};
pub use cache::{Cached, Disk};
pub use error::Error;
pub use folder::Folder;
pub use key::{InvalidKey, Key};
pub use memory::Memory;
pub use open_files::OpenFiles;
pub use publish::{Published, files, publish, unpublish};
pub use s3::{AccessKey, Credentials, Patience, S3, S3Settings};
pub use storage::{Meta, Object, PutMode, Storage, Transfer};
pub use sweep::{leftovers, sweep};
pub use trouble::Trouble;
