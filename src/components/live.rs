//! What the controls have for an event instead of a film's: a rail with times of day, where it stands, and
//! the way to what is live.

use localization::say;
use web_player::player::{EventState, LiveEvent};
use yew::prelude::*;

use super::{media_state::MediaState, rail::Rail, remote::Press};
use crate::spoken;

/// The word for where an event stands.
pub fn word(state: EventState) -> &'static str {
    match state {
        EventState::Waiting => say::live_waiting(),
        EventState::Live => say::event_live(),
        EventState::Interrupted => say::live_interrupted(),
        EventState::Ended => say::live_ended(),
    }
}

/// Properties of [`LiveRail`].
#[derive(Properties, PartialEq)]
pub struct LiveRailProps {
    /// The event.
    pub event: LiveEvent,
    /// The video element's state.
    pub media: MediaState,
    /// Where the thumb is while it is dragged, in seconds of the event.
    pub scrub: Option<f64>,
    /// Tells where the thumb is dragged to; `None` when it is let go.
    pub on_scrub: Callback<Option<f64>>,
    /// Seeks.
    pub on_press: Callback<Press>,
}

/// What can be seen of an event, up to what is live; a native slider, whose places are times of day.
#[function_component]
pub fn LiveRail(props: &LiveRailProps) -> Html {
    let LiveRailProps { event, media, scrub, on_scrub, on_press } = props;
    let (_, edge) = event.window;
    let time = scrub.unwrap_or(media.time);
    let clock = {
        let event = event.clone();
        move |seconds: f64| event.wall(seconds).map_or_else(|| spoken::position(seconds), spoken::time_of_day)
    };
    let spoken = if event.follows {
        say::live_at(&clock(time))
    } else {
        say::live_behind(&clock(time), &spoken::position(edge - time))
    };
    let bubble = Callback::from(move |pointed: Option<f64>| {
        pointed.map(|seconds| html! { clock(seconds) }).unwrap_or_default()
    });
    html! {
        <Rail window={event.window} media={media.clone()} {time} {spoken} {bubble} {on_scrub} {on_press} />
    }
}

/// Properties of [`LiveStand`].
#[derive(Properties, PartialEq)]
pub struct LiveStandProps {
    /// The event.
    pub event: LiveEvent,
    /// Where the viewer is, in seconds of the event.
    pub time: f64,
    /// Goes to what is live.
    pub on_live: Callback<()>,
}

/// Where the event stands and where the viewer is in it, by the clock; and the button that leads to what is
/// live.
#[function_component]
pub fn LiveStand(props: &LiveStandProps) -> Html {
    let LiveStandProps { event, time, on_live } = props;
    let has_edge = matches!(event.state, EventState::Live | EventState::Interrupted);
    let at_edge = event.follows || !has_edge;
    let onclick = on_live.reform(|_: MouseEvent| ());
    let clock = event.wall(*time).map(spoken::time_of_day).unwrap_or_default();
    let behind = (has_edge && !event.follows && event.latest > *time)
        .then(|| format!(" (−{})", spoken::position(event.latest - time)));
    html! {
        <p class="time live-stand">
            <span class={classes!("live-badge", event.state.as_str(), event.follows.then_some("on"))} role="status">
                { word(event.state) }
            </span>
            <span class="when">{ clock }{ behind.unwrap_or_default() }</span>
            if has_edge {
                // It stays where it is, so that whoever pressed it keeps the focus.
                <button type="button" class="go-live" aria-disabled={at_edge.to_string()} title={say::with_key(say::go_live(), say::key_end())} {onclick}>
                    { say::go_live() }
                </button>
            }
        </p>
    }
}
