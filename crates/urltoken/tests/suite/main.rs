//! Tokens: vectors of their owners' code, and what of them may be changed.

mod changes;
mod vectors;
