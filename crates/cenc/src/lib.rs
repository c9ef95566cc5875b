//! Content keys and common encryption (ISO/IEC 23001-7) of samples, both directions. No I/O.
//!
//! * [`Kid`], [`Cek`], [`CommonKey`], [`ContentId`], [`Label`]: the names and secrets.
//! * [`Scheme`], [`Level`]: how samples are encrypted, and which.
//! * [`derive_cek`], [`derive_kid`], [`base_iv`]: what follows from what, by HKDF-SHA256.
//! * [`RangeTable`]: which bytes of a segment are protected and under which IV, built from samples and
//!   their subsamples; [`SegmentCipher`] applies a whole table to a whole segment, in place. [`AesCipher`]
//!   is the portable implementation.
//! * [`WholeEncryption`], [`WholeIvs`], [`decrypt_whole`]: whole segments under AES-128-CBC, as HLS's
//!   `AES-128` has them.
//! * [`IvSpan`] and [`first_overlap`]: the proof that no IV is used twice under a key.
//!
//! # Examples
//! Decryption of one segment:
//!
//! ```
//! use cenc::{AesCipher, Cek, Direction, Iv, RangeTable, SampleProtection, SegmentCipher, Subsample};
//!
//! let mut segment = vec![0u8; 64];
//! let mut table = RangeTable::new(SampleProtection::Ctr);
//! let iv = Iv::from_slice(&[1, 2, 3, 4, 5, 6, 7, 8])?;
//! table.push_sample(0, 64, iv, &[Subsample { clear: 16, protected: 48 }])?;
//! AesCipher::new(&Cek::new([7; 16])).apply(Direction::Decrypt, &table, &mut segment)?;
//! # Ok::<(), cenc::Error>(())
//! ```

mod aes_cipher;
mod derive;
mod error;
mod iv;
mod key;
mod level;
mod names;
mod overlap;
mod range_table;
mod scheme;
mod whole;

pub use aes_cipher::AesCipher;
pub use derive::{IvKey, base_iv, derive_cek, derive_kid};
pub use error::Error;
pub use iv::Iv;
pub use key::{Cek, CommonKey, Kid, KidAndKey};
pub use level::Level;
pub use names::{ContentId, Label};
pub use overlap::{IvSpan, first_overlap};
pub use range_table::{ProtectedRange, RangeTable, SegmentCipher, Subsample};
pub use scheme::{Direction, Pattern, SampleProtection, Scheme};
pub use whole::{WholeEncryption, WholeIvs, decrypt_whole, whole_len};
