//! What players share between the control protocol, the files and the engine, in browsers and in boxes. No
//! I/O.
//!
//! * [`PictureChoice`]: which pictures a device plays, of several codecs and dynamic ranges
//! * [`presentation`]: from the manifest to what the engine needs of it
//! * [`HeadAssembly`], [`parse_index`]: from the first bytes of a file to its init segment and index
//! * [`Downloads`]: which downloads of a track are under way, and what follows from each piece that comes
//! * [`LiveIndex`]: what is told of an event while it goes on, and the manifest that it makes whole
//! * [`Joining`]: when there is enough of an event to begin with, and whether it is followed by parts
//! * [`Renewal`]: when the license of a film that plays is renewed, and what comes of it when it is not
//! * [`stream`]: a film's segments over a persistent connection, in place of ranged requests
//! * [`cmcd`]: what a CDN that asks for it is told with each request
//! * [`waits`]: how long to wait until the next question about an event
//!
//! # Examples
//!
//! When a player asks for the next license, and when the film ends:
//!
//! ```
//! use playback::{Due, Renewal, Terms};
//!
//! let mut renewal = Renewal::<()>::default();
//! renewal.taken(Terms { end: Some(7_200.0), continuous: true, renew_after: Some(3_600.0) });
//! assert_eq!(renewal.due(3_599.0), None);
//! assert_eq!(renewal.due(3_600.0), Some(Due::Renew(None)));
//! // Nobody answers: the film goes on until its license ends.
//! assert!(!renewal.failed(3_605.0, true, 0.5));
//! assert_eq!(renewal.due(3_606.0), None);
//! assert_eq!(renewal.due(7_200.1), Some(Due::End));
//! ```

pub mod cmcd;
mod downloads;
mod head;
mod live;
mod pictures;
mod presentation;
mod renewal;
pub mod stream;
pub mod waits;

pub use downloads::{Downloads, Head, Part, Step, heads};
pub use head::{HeadAssembly, parse_index};
pub use live::{
    BETWEEN, Joined, Joining, LiveIndex, MAX_INDEX, PATIENCE, Run, engine_question, index_question,
    is_same_session, wall_of,
};
pub use nccp::EventState;
pub use pictures::{DynamicRange, Fit, PictureChoice, PictureGroup, pictures_to_ask_about};
pub use presentation::{media_type, presentation};
pub use renewal::{Due, Renewal, Terms};
