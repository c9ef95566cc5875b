//! What the system shows of the film, on a lock screen or by its media keys, and what it may ask for (W3C,
//! Media Session).

use gloo::utils::window;
use js_sys::{Array, Function, Reflect};
use nccp::Art;
use wasm_bindgen::{JsCast, JsValue, prelude::Closure};
use web_sys::HtmlVideoElement;
use yew::prelude::*;

use super::{
    media_state::MediaState,
    remote::{Press, Remote, STEP},
};
use crate::browser::{call, get, object};

const ACTIONS: [&str; 6] = ["play", "pause", "stop", "seekbackward", "seekforward", "seekto"];
/// Where there is a next episode.
const NEXT: &str = "nexttrack";

/// Tells the system of the film, and carries out what it asks for. `endless` is an event that goes on;
/// `has_next`: there is a next episode.
#[hook]
pub fn use_media_session(
    remote: &Remote,
    media: &MediaState,
    title: &AttrValue,
    art: &[Art],
    endless: bool,
    has_next: bool,
) {
    use_effect_with((title.clone(), art.to_vec()), |(title, art)| {
        set("metadata", &metadata(title, art));
        || set("metadata", &JsValue::NULL)
    });
    let state = match (media.has_picture, media.paused) {
        (false, _) => "none",
        (true, true) => "paused",
        (true, false) => "playing",
    };
    use_effect_with(state, |state| {
        set("playbackState", &(*state).into());
        || set("playbackState", &"none".into())
    });
    // Systems count on by themselves. A second is as exact as they show it.
    let length = if endless { f64::INFINITY } else { remote.duration };
    let place = (media.time.max(0.0) as u32, length.to_bits(), media.speed.to_bits());
    use_effect_with(place, |(seconds, length, speed)| {
        let (length, speed) = (f64::from_bits(*length), f64::from_bits(*speed));
        let state = (length > 0.0 && speed > 0.0).then(|| {
            object([
                ("duration", length.into()),
                ("playbackRate", speed.into()),
                ("position", f64::from(*seconds).min(length).into()),
            ])
        });
        set_position(state.as_slice());
    });
    use_effect_with((), |()| || set_position(&[]));
    use_effect_with((remote.clone(), has_next), |(remote, has_next)| {
        let actions: Vec<&'static str> = ACTIONS.into_iter().chain(has_next.then_some(NEXT)).collect();
        // A browser that does not know an action throws, and does without.
        let handler = |action: &&'static str| {
            let (remote, action) = (remote.clone(), *action);
            let handler = Closure::<dyn Fn(JsValue)>::new(move |details| obey(&remote, action, &details));
            call(&session(), "setActionHandler", &[action.into(), handler.as_ref().clone()]);
            handler
        };
        let handlers: Vec<_> = actions.iter().map(handler).collect();
        move || {
            for action in actions {
                call(&session(), "setActionHandler", &[action.into(), JsValue::NULL]);
            }
            drop(handlers);
        }
    });
}

fn session() -> JsValue {
    get(&window().navigator(), "mediaSession")
}

/// Without a state the system forgets the one that it has.
fn set_position(state: &[JsValue]) {
    call(&session(), "setPositionState", state);
}

/// Sets a member, where there is a session.
fn set(name: &str, value: &JsValue) {
    let session = session();
    if session.is_object() {
        let _ = Reflect::set(&session, &name.into(), value);
    }
}

/// `null` where there is nothing to tell, or no way to.
fn metadata(title: &str, art: &[Art]) -> JsValue {
    let made = || {
        let maker = get(&window(), "MediaMetadata").dyn_into::<Function>().ok()?;
        let picture = |art: &Art| {
            let sizes = format!("{}x{}", art.width, art.height);
            object([("src", art.url.as_str().into()), ("sizes", sizes.into())])
        };
        let artwork: Array = art.iter().map(picture).collect();
        let told = object([("title", title.into()), ("artwork", artwork.into())]);
        Reflect::construct(&maker, &Array::of(&[told])).ok()
    };
    if title.is_empty() { JsValue::NULL } else { made().unwrap_or(JsValue::NULL) }
}

fn obey(remote: &Remote, action: &str, details: &JsValue) {
    let number = |name| get(details, name).as_f64().filter(|number: &f64| number.is_finite());
    let video = remote.video.cast::<HtmlVideoElement>();
    let rests = video.is_none_or(|video| video.paused() || video.ended());
    let offset = number("seekOffset").filter(|offset| *offset > 0.0).unwrap_or(STEP);
    match action {
        "play" if rests => remote.press(Press::PlayPause),
        "pause" | "stop" if !rests => remote.press(Press::PlayPause),
        NEXT => remote.press(Press::Next),
        "seekbackward" => remote.press(Press::By(-offset)),
        "seekforward" => remote.press(Press::By(offset)),
        "seekto" => number("seekTime").into_iter().for_each(|to| remote.press(Press::To(to))),
        _ => {}
    }
}
