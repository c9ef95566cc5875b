//! What players of others read: golden text, the rules of the standards, and packages as the packager makes
//! them.
#![allow(clippy::unwrap_used)]

mod checker;
mod dash;
mod films;
mod hls;
mod packaged;
mod schema;
