//! Signed media URLs: a file's address with a token in its query that is good until a time. Each delivery
//! network has a form of its own, here called a dialect; all of them are signed and checked here. No I/O.
//!
//! A [`Signer`] has one dialect and one or two live secrets: the first signs, each of them is taken. What it
//! is asked about is a [`Place`]: the URL in front of the edge's paths, the film's folder, the file, and the
//! path that was asked for, which may be that of a part of the file (`…/range/a-b`).
//!
//! A token that is checked must be written as it would be written here: the same order, the same case,
//! nothing more. So no part of it can be changed without being noticed, the parts that are not signed
//! included.
//!
//! # Examples
//! ```
//! use urltoken::{Dialect, Place, Reach, Secret, Settings, Signer};
//!
//! let settings = Settings { reach: Reach::Ranges, ..Settings::default() };
//! let signer = Signer::new(Dialect::Matinee, &settings, &[Secret::new(vec![0x30; 32])])?;
//! let place = Place::new("https://cdn.example", "/s/0/", "541/1811192541.mp4");
//! let signed = signer.sign(&place, 1_790_002_800, 1_790_000_000);
//! let query = signed.url.split_once('?').map_or("", |(_, query)| query);
//!
//! let part = place.asked("/s/0/541/1811192541.mp4/range/0-23").expect("it is below the file");
//! assert_eq!(signer.check(&part, query, 1_790_000_000), Ok(1_790_002_800));
//! # Ok::<(), urltoken::Unusable>(())
//! ```

mod dialect;
mod encoding;
mod place;
mod secret;
mod settings;
mod signer;

pub use dialect::Dialect;
pub use place::{Place, Reach};
pub use secret::{Secret, Unusable};
pub use settings::Settings;
pub use signer::{Refusal, Signed, Signer};
