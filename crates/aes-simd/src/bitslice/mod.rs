//! The kernel: 32 blocks at once, bit by bit.

mod batch;
mod chain;
mod counter;
mod key;
mod lanes;
mod linear;
mod sbox;

pub(crate) use key::Key;
