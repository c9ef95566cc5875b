//! A proxy between a browser and a server that plays a bad network: little bandwidth, a long way, and faults
//! on demand.
//!
//! It speaks HTTP/1.1 on both sides, passes everything on as it is (also `Host`), and runs on a thread of its
//! own, so that whoever holds its [`Proxy`] may block.
//!
//! # What is imitated, and what is not
//!
//! * Bandwidth ([`Link::megabits`]) is one budget for all connections in each direction; octets of headers
//!   count. Answers are let through in pieces of 4 KiB, first come, first served.
//! * Round trips ([`Link::rtt`]): a connection's first request waits one for the handshake; every request
//!   waits half of one before it continues, and its answer the other half before its first octet. An answer
//!   that flows is not delayed further. TLS, the slow start of TCP and loss of single packets are not
//!   imitated: a real network is slower with fresh connections than this one.
//! * [`Network::Refusing`]: connections are reset and new ones refused. [`Network::Silent`]: nothing is
//!   answered any more, and nothing lost either: what was on its way comes when the network is back.
//! * [`Fault`]s, by [`Rule`]: to what requests, from which one on, and how often.
//!
//! What went through is told by [`Proxy::exchanges`], [`Proxy::counts`] and [`Proxy::connections`].

#![forbid(unsafe_code)]

mod fault;
mod forward;
mod link;
mod proxy;
mod record;
mod state;
mod wire;

pub use fault::{Fault, Rule, RuleError};
pub use link::{Link, Network};
pub use proxy::Proxy;
pub use record::{Count, Exchange, Kind};
