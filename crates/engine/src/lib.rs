//! What the player fetches next and when: a sans-IO state machine on a virtual clock.
//!
//! [`Engine::handle`] takes one [`Event`] and the time, and answers with [`Command`]s. It knows no socket, no
//! timer, no `SourceBuffer`: whoever runs it brings those, in a browser, in a native box or in a simulation.
//! Times of the clock are [`std::time::Duration`]s since any fixed start; positions in the film are seconds
//! as `f64`.
//!
//! What arrives is told by [`Event`], what is to be done is said by [`Command`]; what the page may show is
//! asked for: [`Engine::playing`], [`Engine::chosen`], [`Engine::selectable`], [`Engine::stalled`],
//! [`Engine::trouble`], [`Engine::limit`], [`Engine::live`], [`Engine::stats`].
//!
//! The caller keeps the init segment of each representation, and puts it in front of the first fragment
//! whenever the representation changes. No segment is asked for before the head of its representation has
//! come whole, but for the start segment, which is fetched beside or behind the head.
//!
//! # Films and events
//!
//! A film is a sequence of numbered segments in each of its representations ([`index::SegmentIndex`]). What
//! differs is where a segment's bytes are, and whether the sequence can become longer:
//!
//! * On demand ([`model::Timeline::Fixed`]) all segments are there. They are ranges of one file
//!   ([`model::Layout::SingleFile`]), numbered from 0; their times in seconds go from 0 to the duration,
//!   and their sizes in bytes are known. [`Event::Index`] comes once for each representation, and the film
//!   begins at the manifest's position.
//! * Live ([`model::Timeline::Growing`]) the server adds segments at the end and drops the oldest ones.
//!   They are files ([`model::Layout::SegmentFiles`]), numbered by the server and alike in all
//!   representations; a size may be unknown until the file ends. [`Event::IndexUpdate`] brings what is
//!   new, again and again, for all representations at once. What can be played is a window with a live
//!   edge, in seconds of the event's own timeline ([`Engine::window`]). The viewer is brought into it
//!   ([`Command::JumpTo`]), as far behind the edge as the manifest says. An update brings the end, and
//!   [`Command::EndOfStream`] comes only then: from there on the event is a film.
//!
//! While a film grows the engine asks with [`Command::RefreshIndex`], at most about once in the length of a
//! segment, and twice when there is nothing new; at the edge it waits. Seeks are
//! clamped to the window, with another [`Command::JumpTo`]. Nothing outside of the window is asked for: a
//! viewer who falls out of it sees what is in the buffer, and is then brought back.
//!
//! A viewer who follows what is live ([`Engine::live`]) is kept at the distance that the manifest says:
//! [`Engine::rate`] is how fast to play, within three hundredths; who has fallen far behind is brought to
//! what is live at once; and stalls make the distance longer for a while. Who seeks back or pauses does not
//! follow any more, until they seek to the edge.
//!
//! Low latency: the server may publish a segment in parts while it is being made
//! ([`index::NewSegments::parts`]). The live edge is then where the last part ends. Near it, parts are
//! fetched one after the other as soon as they are heard of, and who follows asks for the index with the part
//! to wait for ([`IndexQuestion::part`]), at once after each answer. Further behind, segments are fetched
//! whole. Where the server says which part comes next ([`index::NewSegments::hint`]), that is asked for
//! before it is there: the server holds the request, a round trip is saved, and the viewer is kept so much
//! nearer to the edge. All parts of a segment are of one representation: another is chosen where a segment
//! begins, or when a part comes so slowly that all of its segment comes sooner at a lower one. Part 0 begins
//! with a picture that decoding can begin with; where something has to be forgotten ([`Command::Reset`]), its
//! segment is fetched again from there.
//!
//! # Examples
//!
//! A film on demand, from its manifest to the first request:
//!
//! ```
//! use std::time::Duration;
//! use engine::{Command, Config, Engine, Event, model::*};
//!
//! let range = |start, end| ByteRange::new(start, end).unwrap();
//! let picture = Representation {
//!     id: "1811192541".into(),
//!     kind: TrackKind::Video,
//!     bandwidth: 2_100_000,
//!     size: Some((1280, 720)),
//!     preferred: false,
//!     layout: Layout::SingleFile(SingleFile {
//!         size: 1_067_043,
//!         init: range(0, 1402),
//!         index: range(1403, 1614),
//!         start: Some(StartSegment { range: range(1615, 221_300), time: 0.0 }),
//!     }),
//!     sources: vec![Source { cdn: "1".into(), url: "https://cdn.example/1811192541.mp4?h=37bc".into() }],
//! };
//! let film = Presentation {
//!     timeline: Timeline::Fixed { duration: 60.0 },
//!     start: Some(0.0),
//!     urls_valid: Duration::from_secs(6 * 3600),
//!     cdns: vec![Cdn { id: "1".into(), ranges: RangeForm::Path, client_data: false }],
//!     representations: vec![picture],
//! };
//! let mut engine = Engine::new(Config::default());
//! let commands = engine.handle(Duration::ZERO, Event::Manifest(film));
//! // Init segment, index and first segment lie together, and are asked for in one request.
//! let [Command::Fetch(spec)] = &commands[..] else { panic!() };
//! assert_eq!(spec.url, "https://cdn.example/1811192541.mp4/range/0-221300?h=37bc");
//! assert_eq!((spec.head, spec.segment), (1615, true));
//! ```
//!
//! An event, which the viewer joins six seconds behind the live edge:
//!
//! ```
//! use std::time::Duration;
//! use engine::{Command, Config, Engine, Event, index::*, model::*};
//!
//! let sound = Representation {
//!     id: "a-en-1".into(),
//!     kind: TrackKind::Audio,
//!     bandwidth: 128_000,
//!     size: None,
//!     preferred: true,
//!     layout: Layout::SegmentFiles(SegmentFiles {
//!         init: "init.mp4".into(),
//!         media: "$Number$.m4s".into(),
//!     }),
//!     sources: vec![Source { cdn: "1".into(), url: "https://cdn.example/0a1b2c3d/a-en-1/?h=37bc".into() }],
//! };
//! let event = Presentation {
//!     timeline: Timeline::Growing { distance: 6.0 },
//!     start: None,
//!     urls_valid: Duration::from_secs(3600),
//!     cdns: vec![Cdn { id: "1".into(), ranges: RangeForm::Header, client_data: false }],
//!     representations: vec![sound],
//! };
//! let mut engine = Engine::new(Config::default());
//! let commands = engine.handle(Duration::ZERO, Event::Manifest(event));
//! let Command::RefreshIndex(question) = &commands[0] else { panic!() };
//! assert_eq!((question.since, question.part, question.cdn.as_deref()), (None, None, Some("1")));
//!
//! // Five segments of two seconds can be fetched, the newest of which ends at 210 s.
//! let file = |number: u32| {
//!     let start = f64::from(number) * 2.0;
//!     Segment { location: Location::File { size: None }, start, end: start + 2.0 }
//! };
//! let update = IndexUpdate {
//!     first: 100,
//!     added: vec![NewSegments {
//!         representation: "a-en-1".into(),
//!         first: 100,
//!         segments: (100..105).map(file).collect(),
//!         parts: vec![],
//!         hint: None,
//!     }],
//!     finished: false,
//! };
//! let commands = engine.handle(Duration::from_millis(80), Event::IndexUpdate(update));
//! assert_eq!(commands[0], Command::JumpTo { position: 204.0 });
//! let Command::Fetch(spec) = &commands[1] else { panic!() };
//! assert_eq!(spec.url, "https://cdn.example/0a1b2c3d/a-en-1/102.m4s?h=37bc");
//! assert!(!spec.sized, "it ends where the file ends");
//! ```
//!
//! # Modules
//!
//! * [`model`]: what the manifest says, reduced to what the engine needs
//! * [`index`]: segments of one representation, and what is published of them
//! * [`address`]: URLs of ranges and of files
//! * [`ladder`]: the representations of a track
//! * [`buffer`]: buffered ranges and the goals that they are measured against
//! * [`held`]: which representations lie in a buffer
//! * [`abr`]: throughput estimate and the choice of a representation
//! * [`retry`]: back-off, time-outs and the choice of a CDN
//! * [`job`]: one download
//! * [`track`]: the state of one track and what it needs next

pub mod abr;
pub mod address;
pub mod buffer;
mod client_data;
mod engine;
mod error;
mod event;
pub mod extent;
pub mod held;
pub mod index;
pub mod job;
pub mod ladder;
pub mod model;
pub mod retry;
pub mod track;

pub use client_data::ClientData;
pub use engine::{Config, Engine, Live, Stall, Stats, Trouble, Window};
pub use error::Error;
pub use event::{Command, Event, Failure, FetchId, FetchSpec, IndexQuestion};
