//! Films packaged, looked into and decrypted; ffmpeg, which shares no code with us, reads them, too.
#![allow(clippy::unwrap_used)]

mod bad_input;
mod check;
mod clear_source;
mod codecs;
mod common;
mod demo_film;
mod exchange;
mod extras;
mod foreign_files;
mod heights;
mod levels;
mod many_samples;
mod pictures;
mod rotation;
mod sources;
