//! What the watch page knows of its film, and what it says while there is nothing to see.

use std::rc::Rc;

use localization::say;
use nccp::MovieMetadata;
use web_player::{
    captions::CaptionStyle,
    player::{EventState, Limit, LiveEvent, PlayerEvent, Quality, Stills, Tracks},
    problem::Problem,
};
use yew::prelude::*;

use crate::components::MediaState;

/// From this second on the page says where the film goes on: nobody asks for what they have seen of less.
const WORTH_SAYING: f64 = 10.0;

/// What the player told, and what is open.
#[derive(Clone, Default, PartialEq)]
pub(super) struct Shown {
    pub(super) metadata: Option<MovieMetadata>,
    pub(super) duration: f64,
    pub(super) wants_gesture: bool,
    pub(super) problem: Option<Problem>,
    pub(super) quality: Quality,
    pub(super) limit: Option<Limit>,
    pub(super) tracks: Tracks,
    pub(super) stills: Option<Stills>,
    pub(super) retrying: bool,
    /// Where it stands: an event that goes on.
    pub(super) live: Option<LiveEvent>,
    /// It is an event that has not begun, or not begun again.
    pub(super) not_begun: bool,
    /// It is an event that was seen to go on, by this player or one before.
    pub(super) has_run: bool,
    /// The displays do not allow the film now.
    pub(super) restricted: bool,
    /// Where the film went on, while the page says so.
    pub(super) resumed: Option<f64>,
    /// It has played.
    pub(super) begun: bool,
    pub(super) help: bool,
    /// How captions look, while the viewer chooses that.
    pub(super) styling: Option<CaptionStyle>,
    /// The film's numbers are to be seen.
    pub(super) statistics: bool,
    pub(super) note: Option<AttrValue>,
    /// Counts the times that the viewer tried again.
    pub(super) attempt: u32,
}

/// What changes it.
pub(super) enum Told {
    Player(PlayerEvent),
    Begun,
    Gesture,
    Again,
    ResumedSeen,
    Help(Option<bool>),
    Styling(Option<CaptionStyle>),
    Statistics,
    Note(Option<AttrValue>),
}

impl Shown {
    /// What another player begins with.
    fn into_another(mut self) -> Rc<Self> {
        let (metadata, duration, has_run) = (self.metadata.take(), self.duration, self.has_run);
        let (statistics, attempt) = (self.statistics, self.attempt + 1);
        Rc::new(Self { metadata, duration, has_run, statistics, attempt, ..Self::default() })
    }
}

impl Reducible for Shown {
    type Action = Told;

    fn reduce(self: Rc<Self>, told: Told) -> Rc<Self> {
        let mut next = (*self).clone();
        match told {
            Told::Player(PlayerEvent::Metadata(metadata)) => {
                if next.duration == 0.0 {
                    next.duration = metadata.runtime;
                }
                next.metadata = Some(*metadata);
            }
            Told::Player(PlayerEvent::Duration(duration)) => next.duration = duration,
            Told::Player(PlayerEvent::Resume(position)) => {
                next.resumed = Some(position).filter(|position| *position >= WORTH_SAYING);
            }
            Told::Player(PlayerEvent::WantsGesture) => next.wants_gesture = true,
            Told::Player(PlayerEvent::Quality(quality)) => next.quality = quality,
            Told::Player(PlayerEvent::Limited(limit)) => next.limit = limit,
            Told::Player(PlayerEvent::Tracks(tracks)) => next.tracks = tracks,
            Told::Player(PlayerEvent::Stills(stills)) => next.stills = Some(stills),
            Told::Player(PlayerEvent::TextFailed) => {
                next.note = Some(say::captions_failed().into());
            }
            // For the page around: the player draws them.
            Told::Player(PlayerEvent::Cues(_)) => {}
            Told::Player(PlayerEvent::Retrying(retrying)) => next.retrying = retrying,
            Told::Player(PlayerEvent::Restricted(restricted)) => next.restricted = restricted,
            Told::Player(PlayerEvent::Live(event)) => {
                next.has_run |= event.state != EventState::Waiting;
                next.live = Some(event);
            }
            Told::Player(PlayerEvent::OnDemand) => next.live = None,
            Told::Player(PlayerEvent::NotBegun) => next.not_begun = true,
            Told::Player(PlayerEvent::Failed(problem)) => next.problem = Some(problem),
            Told::Player(PlayerEvent::BeginAnew) => return next.into_another(),
            Told::Begun => next.begun = true,
            Told::Gesture => next.wants_gesture = false,
            Told::Again => return next.into_another(),
            Told::ResumedSeen => next.resumed = None,
            Told::Help(open) => next.help = open.unwrap_or(!self.help),
            Told::Styling(style) => next.styling = style,
            Told::Statistics => next.statistics = !self.statistics,
            Told::Note(note) => next.note = note,
        }
        Rc::new(next)
    }
}

/// What the page says while there is nothing to see.
pub(super) fn status(shown: &Shown, media: &MediaState, online: bool) -> Option<&'static str> {
    let event = shown.live.as_ref().map(|event| event.state);
    let is_dry = media.waiting || !media.has_picture;
    if shown.problem.is_some() || shown.wants_gesture {
        None
    } else if shown.restricted {
        Some(say::status_one_display())
    } else if !online && is_dry {
        Some(say::status_offline())
    } else if event == Some(EventState::Waiting) {
        Some(say::status_event_soon())
    } else if event == Some(EventState::Interrupted) && (is_dry || media.ended) {
        Some(say::status_interrupted())
    } else if shown.retrying && is_dry {
        Some(say::status_retrying())
    } else if !(shown.begun || media.paused && media.has_picture) {
        Some(say::status_starting())
    } else {
        media.waiting.then_some(say::status_loading())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_network_the_film_waits_and_says_so_once_nothing_is_left() {
        let shown = Shown { begun: true, retrying: true, ..Shown::default() };
        let plays = MediaState { has_picture: true, ..MediaState::default() };
        let dry = MediaState { waiting: true, ..plays.clone() };
        assert_eq!(status(&shown, &plays, false), None, "what is buffered plays on");
        assert!(status(&shown, &dry, false).is_some_and(|words| words.starts_with("You are offline")));
        assert!(status(&shown, &dry, true).is_some_and(|words| words.contains("Trying again")));
        let failed = Shown { problem: Some(Problem::network()), ..shown };
        assert_eq!(status(&failed, &dry, false), None, "the alert has its own words");
    }
}
