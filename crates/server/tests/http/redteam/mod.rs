//! What an attacker tries, and what comes of it. Each test is named by what is tried.

mod caches;
mod clones;
mod entitlement;
mod files;
mod frames;
mod heights;
mod limits;
mod networks;
mod passwords;
mod removals;
mod replays;
mod revocation;
mod signers;
mod streams;
