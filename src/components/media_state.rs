//! What a video element shows, as state that renders.

use std::{cell::RefCell, rc::Rc};

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

    /// Whether `now` tells nothing that the controls would need before the next second: a film that plays on.
    fn plays_on(&self, now: &Self) -> bool {
        let as_before = Self { time: self.time, buffered: self.buffered.clone(), ..now.clone() };
        !now.paused && self.time.floor() == now.time.floor() && *self == as_before
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

/// The state of the video element in `video`, kept up to date; to the second, where `calm` says that nobody
/// looks at the controls, and at once when somebody does again.
#[hook]
pub fn use_media_state(video: NodeRef, calm: bool) -> MediaState {
    let state =
        use_state_eq(|| MediaState { paused: true, volume: 1.0, speed: 1.0, ..MediaState::default() });
    let (told, is_calm) = (use_mut_ref(MediaState::default), use_mut_ref(|| false));
    let was_calm = is_calm.replace(calm);
    {
        let (video, setter, told) = (video.clone(), state.setter(), Rc::clone(&told));
        use_effect_with(was_calm && !calm, move |wakes| {
            if let Some(video) = video.cast::<HtmlVideoElement>().filter(|_| *wakes) {
                tell(&video, &told, &setter);
            }
        });
    }
    let setter = state.setter();
    use_effect_with(video, move |video| {
        let mut listeners = Vec::new();
        if let Some(video) = video.cast::<HtmlVideoElement>() {
            let update = {
                let video = video.clone();
                move |_: &web_sys::Event| {
                    if !*is_calm.borrow() || !told.borrow().plays_on(&MediaState::of(&video)) {
                        tell(&video, &told, &setter);
                    }
                }
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

fn tell(video: &HtmlVideoElement, told: &RefCell<MediaState>, setter: &UseStateSetter<MediaState>) {
    let now = MediaState::of(video);
    told.replace(now.clone());
    setter.set(now);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calm_controls_hear_of_seconds_and_of_what_changes() {
        let playing =
            MediaState { time: 7.1, has_picture: true, volume: 1.0, speed: 1.0, ..MediaState::default() };
        let later = |time| MediaState { time, ..playing.clone() };
        assert!(playing.plays_on(&later(7.9)));
        let buffered = Ranges::new(vec![(0.0, 12.0)]);
        assert!(playing.plays_on(&MediaState { buffered, ..later(7.4) }));
        assert!(!playing.plays_on(&later(8.0)), "the next second");
        assert!(!playing.plays_on(&later(3.0)), "a seek");
        assert!(!playing.plays_on(&MediaState { waiting: true, ..later(7.2) }));
        // Paused, its controls are to be seen.
        let paused = MediaState { paused: true, ..playing.clone() };
        assert!(!playing.plays_on(&paused) && !paused.plays_on(&MediaState { time: 7.5, ..paused.clone() }));
    }
}
