//! Published vectors, and the rules of the standard against a slow model.
#![allow(clippy::unwrap_used)]

mod derivation;
mod nist;
mod samples;
mod whole_segments;
