//! The client of the controller: a state machine that browser and box drive. No I/O, no clock, no threads.
//!
//! [`Client::handle`] takes the time and one [`Event`] and gives the [`Command`]s to carry out. The events
//! are messages that somebody wants sent, and what came of earlier commands. The client decides what goes
//! into which envelope of NCCP, the control protocol between players and server (`docs/protocol.md`, §2),
//! keeps a good ticket, and does what the error table (§4) says about each error before whoever asked hears
//! of it:
//!
//! * What waits goes together: licenses first, at most 15 messages, and the ticket's renewal behind them when
//!   it is due.
//! * One envelope is under way at a time. Challenges that DRM metadata sends to a license server of its own
//!   go beside it.
//! * The answer's time is adopted, the ticket renewed, the device registered, identified or individualized
//!   anew: each once for each message, as [`Recoveries`] lists it, and a service that is busy or silent is
//!   asked six times more.
//! * Devices differ by data: [`Kind`] says how one is registered, and which of two tables of recoveries it
//!   follows.
//!
//! What the driver does: it carries out each command and reports each one's end, once. Every asker is then
//! answered, once, after a bounded number of requests, whatever the reports say.
//!
//! # Examples
//!
//! A browser that has a registration asks for the account, and nobody answers the first time:
//!
//! ```
//! use std::time::Duration;
//! use control_client::{Ask, AskId, Client, Command, Config, Event, Identity, Kind, Sealed};
//! use nccp::{AccountInfo, Answer, Outcome, Registration, RequestMessage, Response, ResponseMessage};
//!
//! let registration = Registration {
//!     device_id: "d-1".parse()?,
//!     ticket: "AQ".into(),
//!     expiration: 1_790_043_200,
//!     renewal: 1_790_034_560,
//!     domain_keys: Vec::new(),
//! };
//! let mut client: Client<()> = Client::new(Config {
//!     kind: Kind::browser("Firefox on Linux", "Mozilla/5.0 …"),
//!     identity: Identity { id: "keys of 2026".into(), certificate: vec![0x84] },
//!     registration: Some(registration),
//!     seed: 1,
//! });
//! let now = Duration::from_secs(1_790_000_000);
//!
//! let asked = Event::Asked(vec![(AskId(1), Ask::Message(RequestMessage::AccountInfo))]);
//! let [Command::Seal { task, .. }] = client.handle(now, asked)[..] else { panic!("not sealed") };
//! let sealed = Sealed { body: "<nccp:request …/>".into(), signature: "…".into() };
//! let sealed = Event::Sealed { task, sealed: Ok(sealed) };
//! let [Command::Post { task, .. }] = client.handle(now, sealed)[..] else { panic!("not posted") };
//! let silence = Event::Posted { task, answer: None };
//! let [Command::Wait { task, .. }] = client.handle(now, silence)[..] else { panic!("given up") };
//! let waited = Event::Waited { task };
//! let [Command::Seal { task, .. }] = client.handle(now, waited)[..] else { panic!("not sealed") };
//! # let sealed = Sealed { body: String::new(), signature: String::new() };
//! # let sealed = Event::Sealed { task, sealed: Ok(sealed) };
//! # let [Command::Post { task, .. }] = client.handle(now, sealed)[..] else { panic!("not posted") };
//! let account = AccountInfo {
//!     name: "ada@example.org".into(),
//!     plan: "unlimited".into(),
//!     device_name: "Firefox on Linux".into(),
//!     devices: 1,
//!     device_limit: 6,
//! };
//! let answers = vec![Answer::Done(ResponseMessage::AccountInfo(account))];
//! let answer = Response { sequence: 2, time: 1_790_000_000, outcome: Outcome::Answers(answers) };
//! let answer = Some(answer.to_xml().into_bytes());
//! let commands = client.handle(now, Event::Posted { task, answer });
//! let [Command::Answer { ask: AskId(1), answer: Ok(answer) }] = &commands[..] else {
//!     panic!("not answered")
//! };
//! assert!(matches!(answer, ResponseMessage::AccountInfo(_)));
//! # Ok::<(), nccp::Error>(())
//! ```

mod client;
mod envelope;
mod error;
mod event;
mod item;
mod kind;
mod recovery;

pub use client::{Client, Config};
pub use error::{ChallengeError, Error};
pub use event::{Ask, AskId, Challenge, Command, Event, Identity, License, Sealed, TaskId};
pub use kind::{Kind, Registering};
pub use recovery::{MOST_WAITS, Recoveries, Step};
