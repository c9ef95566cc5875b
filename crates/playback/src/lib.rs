//! What players share between the control protocol, the files and the engine, in browsers and in boxes. No I/O.
//!
//! * [`presentation`]: from the manifest to what the engine needs of it
//! * [`HeadAssembly`], [`parse_index`]: from the first bytes of a file to its init segment and index

mod head;
mod presentation;

pub use head::{HeadAssembly, parse_index};
pub use presentation::{media_type, presentation};
