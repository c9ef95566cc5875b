//! What a page hears of the player.

use std::rc::Rc;

use engine::abr::caps::Limit;
use nccp::MovieMetadata;

use super::{
    live,
    quality::Quality,
    tracks::{Stills, Tracks},
};
use crate::{captions::ActiveCues, problem::Problem};

/// What a page hears of the player. Everything else it sees on the video element.
#[derive(Clone, Debug, PartialEq)]
pub enum PlayerEvent {
    /// Title, runtime and the like.
    Metadata(Box<MovieMetadata>),
    /// Where the viewer left, in seconds.
    Resume(f64),
    /// The film's length in seconds, from the manifest.
    Duration(f64),
    /// The browser wants a click before it plays.
    WantsGesture,
    /// What may be chosen of the picture, what was, and what is shown.
    Quality(Quality),
    /// What keeps the picture from being a larger one, while the player chooses it.
    Limited(Option<Limit>),
    /// What may be chosen of sound and subtitles, and what was.
    Tracks(Tracks),
    /// The chosen subtitles do not arrive.
    TextFailed,
    /// What the subtitles that are chosen say now. May be told again when it is the same.
    Cues(ActiveCues),
    /// Small pictures of the film.
    Stills(Stills),
    /// The film does not arrive, and is being asked for again and again; `false` once it does.
    Retrying(bool),
    /// The displays do not allow the film now, and it waits; `false` once they do.
    Restricted(bool),
    /// Of an event: where it stands, and where the viewer is in it.
    Live(live::Event),
    /// It is a film, and no event that goes on. May be told more than once.
    OnDemand,
    /// The event has not begun, or has not begun again. The player has ended; another may be tried later.
    NotBegun,
    /// What there is now is not what the player began with: the event's encoder is another, it has sound now,
    /// it has become a film. The player has ended, and another is to be made in its place.
    BeginAnew,
    /// Playback cannot go on.
    Failed(Problem),
}

/// Who hears of the player.
pub type Listener = Rc<dyn Fn(PlayerEvent)>;
