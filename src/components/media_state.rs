//! What a video element shows, as state that renders.

use engine::buffer::Ranges;
use gloo::{events::EventListener, utils::document};
use web_player::{mse, player::chosen_speed};
use web_sys::HtmlVideoElement;
use yew::prelude::*;

/// What the controls need to know of the video element.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MediaState {
    /// Position in seconds.
    pub time: f64,
    /// What is buffered.
    pub buffered: Ranges,
    /// Neither playing nor about to.
    pub paused: bool,
    /// At the end.
    pub ended: bool,
    /// Wants to play, but has nothing to show.
    pub waiting: bool,
    /// Has a picture.
    pub has_picture: bool,
    /// Without sound.
    pub muted: bool,
    /// 0 to 1.
    pub volume: f64,
    /// How fast it plays; 1 is as it was made.
    pub speed: f64,
    /// Full screen.
    pub full_screen: bool,
}

impl MediaState {
    fn of(video: &HtmlVideoElement) -> Self {
        let time = video.current_time();
        let ready = video.ready_state();
        let paused = video.paused();
        Self {
            time,
            buffered: mse::time_ranges(&video.buffered()),
            paused: paused || video.ended(),
            ended: video.ended(),
            // Less than HAVE_FUTURE_DATA.
            waiting: ready < 3 && !video.ended() && (!paused || video.seeking()),
            has_picture: ready >= 2,
            muted: video.muted() || video.volume() == 0.0,
            volume: video.volume(),
            speed: chosen_speed(video),
            full_screen: document().fullscreen_element().is_some(),
        }
    }
}

const EVENTS: [&str; 18] = [
    "canplay",
    "durationchange",
    "emptied",
    "ended",
    "loadeddata",
    "loadedmetadata",
    "pause",
    "play",
    "playing",
    "progress",
    "ratechange",
    "seeked",
    "seeking",
    "stalled",
    "suspend",
    "timeupdate",
    "volumechange",
    "waiting",
];

/// The state of the video element in `video`, kept up to date.
#[hook]
pub fn use_media_state(video: NodeRef) -> MediaState {
    let state =
        use_state_eq(|| MediaState { paused: true, volume: 1.0, speed: 1.0, ..MediaState::default() });
    let setter = state.setter();
    use_effect_with(video, move |video| {
        let mut listeners = Vec::new();
        if let Some(video) = video.cast::<HtmlVideoElement>() {
            let update = {
                let video = video.clone();
                move |_: &web_sys::Event| setter.set(MediaState::of(&video))
            };
            for name in EVENTS {
                listeners.push(EventListener::new(&video, name, update.clone()));
            }
            listeners.push(EventListener::new(&document(), "fullscreenchange", update));
        }
        move || drop(listeners)
    });
    (*state).clone()
}
