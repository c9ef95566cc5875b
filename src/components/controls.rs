//! The player's controls.

use gloo::{
    events::EventListener,
    timers::callback::Timeout,
    utils::{document, window},
};
use js_sys::{Function, Reflect};
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement, HtmlInputElement, HtmlVideoElement};
use yew::prelude::*;

use super::{icons, media_state::MediaState};
use crate::{
    clock, device_store,
    route::{Link, Route},
};

/// Seconds that an arrow key moves.
const STEP: f64 = 10.0;
/// The controls go away after this long without a movement.
const IDLE_MS: u32 = 3000;

/// Properties of [`Controls`].
#[derive(Properties, PartialEq)]
pub struct ControlsProps {
    /// The video element.
    pub video: NodeRef,
    /// What goes full screen.
    pub stage: NodeRef,
    /// The video element's state.
    pub media: MediaState,
    /// The film's length in seconds; 0 when not known yet.
    pub duration: f64,
    /// The film's title.
    pub title: AttrValue,
    /// Plays or pauses.
    pub on_toggle: Callback<()>,
}

fn seek(video: &NodeRef, to: f64, duration: f64) {
    if let Some(video) = video.cast::<HtmlVideoElement>()
        && duration > 0.0
    {
        video.set_current_time(to.clamp(0.0, duration));
    }
}

fn set_volume(video: &NodeRef, volume: f64, muted: bool) {
    if let Some(video) = video.cast::<HtmlVideoElement>() {
        let volume = volume.clamp(0.0, 1.0);
        video.set_volume(volume);
        video.set_muted(muted);
        device_store::save_volume(volume, muted);
    }
}

fn toggle_full_screen(stage: &NodeRef, video: &NodeRef) {
    if document().fullscreen_element().is_some() {
        return document().exit_fullscreen();
    }
    let whole = stage.cast::<Element>().filter(|stage| {
        Reflect::get(stage, &"requestFullscreen".into()).is_ok_and(|function| function.is_function())
    });
    match (whole, video.cast::<HtmlVideoElement>()) {
        (Some(stage), _) => drop(stage.request_fullscreen()),
        // On phones from Apple only the video itself can.
        (None, Some(video)) => {
            let enter = Reflect::get(&video, &"webkitEnterFullscreen".into());
            if let Some(enter) = enter.ok().and_then(|enter| enter.dyn_into::<Function>().ok()) {
                let _ = enter.call0(&video);
            }
        }
        _ => {}
    }
}

/// Play, seek, volume, full screen, by pointer and keyboard.
#[function_component]
pub fn Controls(props: &ControlsProps) -> Html {
    let ControlsProps { video, stage, media, duration, title, on_toggle } = props;
    let duration = *duration;
    let bar = use_node_ref();
    let scrub = use_state_eq(|| None::<f64>);
    let idle = use_state_eq(|| false);

    use_effect_with((video.clone(), stage.clone()), {
        let idle = idle.setter();
        move |(video, stage)| {
            if let (Some((volume, muted)), Some(video)) =
                (device_store::volume(), video.cast::<HtmlVideoElement>())
            {
                video.set_volume(volume.clamp(0.0, 1.0));
                video.set_muted(muted);
            }
            // The timer that hides the controls starts afresh with every movement.
            let timer = std::rc::Rc::new(std::cell::RefCell::new(None::<Timeout>));
            let awake = move || {
                idle.set(false);
                let idle = idle.clone();
                timer.replace(Some(Timeout::new(IDLE_MS, move || idle.set(true))));
            };
            awake();
            let awake = move |_: &web_sys::Event| awake();
            let mut listeners = Vec::new();
            if let Some(stage) = stage.cast::<Element>() {
                for name in ["pointermove", "pointerdown", "keydown", "focusin"] {
                    listeners.push(EventListener::new(&stage, name, awake.clone()));
                }
            }
            move || drop(listeners)
        }
    });

    {
        let (video, stage, media, on_toggle) =
            (video.clone(), stage.clone(), media.clone(), on_toggle.clone());
        use_effect(move || {
            let listener = EventListener::new_with_options(
                &window(),
                "keydown",
                gloo::events::EventListenerOptions::enable_prevent_default(),
                move |event| {
                    let Some(key) = event.dyn_ref::<KeyboardEvent>() else { return };
                    if key_pressed(key, &video, &stage, &media, duration, &on_toggle) {
                        event.prevent_default();
                    }
                },
            );
            move || drop(listener)
        });
    }

    let time = scrub.unwrap_or(media.time);
    {
        let bar = bar.clone();
        let part = |seconds: f64| if duration > 0.0 { (seconds / duration).clamp(0.0, 1.0) } else { 0.0 };
        let (played, buffered, volume) =
            (part(time), part(media.buffered_to), if media.muted { 0.0 } else { media.volume });
        use_effect_with((played.to_bits(), buffered.to_bits(), volume.to_bits()), move |_| {
            if let Some(bar) = bar.cast::<HtmlElement>() {
                for (name, value) in [("--played", played), ("--buffered", buffered), ("--volume", volume)] {
                    let _ = bar.style().set_property(name, &value.to_string());
                }
            }
        });
    }

    let value_of = |event: &web_sys::Event| {
        event
            .target()
            .and_then(|target| target.dyn_into::<HtmlInputElement>().ok())
            .map(|input| input.value_as_number())
    };
    let on_scrub = {
        let scrub = scrub.setter();
        move |event: InputEvent| scrub.set(value_of(&event))
    };
    let on_seek = {
        let (scrub, video) = (scrub.setter(), video.clone());
        move |event: Event| {
            if let Some(to) = value_of(&event) {
                seek(&video, to, duration);
            }
            scrub.set(None);
        }
    };
    let on_volume = {
        let video = video.clone();
        move |event: InputEvent| {
            if let Some(volume) = value_of(&event) {
                set_volume(&video, volume, volume == 0.0);
            }
        }
    };
    let on_mute = {
        let (video, muted, volume) = (video.clone(), media.muted, media.volume);
        move |_: MouseEvent| set_volume(&video, if muted && volume == 0.0 { 0.5 } else { volume }, !muted)
    };
    let by = |seconds: f64| {
        let (video, time) = (video.clone(), media.time);
        move |_: MouseEvent| seek(&video, time + seconds, duration)
    };
    let on_full_screen = {
        let (video, stage) = (video.clone(), stage.clone());
        move |_: MouseEvent| toggle_full_screen(&stage, &video)
    };
    let on_play = {
        let on_toggle = on_toggle.clone();
        move |_: MouseEvent| on_toggle.emit(())
    };
    let spoken = format!("{} of {}", clock::spoken(time), clock::spoken(duration));
    let hidden = *idle && !media.paused && !media.waiting && scrub.is_none();
    html! {
        <div class={classes!("controls", hidden.then_some("idle"))} ref={bar}>
            <div class="top">
                <Link to={Route::Library} class="leave">
                    { icons::leave() }<span class="sr">{ "Back to the library" }</span>
                </Link>
                <h1>{ title }</h1>
            </div>
            <div class="bottom">
                <div class="seek">
                    <span class="rail" aria-hidden="true"><span class="buffered" /><span class="played" /></span>
                    <input type="range" aria-label="Seek" aria-valuetext={spoken.clone()} min="0"
                        max={format!("{duration:.3}")} step="0.001" value={format!("{time:.3}")}
                        disabled={duration <= 0.0} oninput={on_scrub} onchange={on_seek} />
                </div>
                <div class="buttons">
                    if media.paused {
                        <button type="button" aria-label="Play" title="Play (k)" onclick={on_play}>{ icons::play() }</button>
                    } else {
                        <button type="button" aria-label="Pause" title="Pause (k)" onclick={on_play}>{ icons::pause() }</button>
                    }
                    <button type="button" class="wide" aria-label="Back 10 seconds" title="Back 10 seconds (←)"
                        onclick={by(-STEP)}>{ icons::back() }</button>
                    <button type="button" class="wide" aria-label="Forward 10 seconds" title="Forward 10 seconds (→)"
                        onclick={by(STEP)}>{ icons::forward() }</button>
                    <div class="sound">
                        if media.muted {
                            <button type="button" aria-label="Unmute" title="Unmute (m)" onclick={on_mute}>{ icons::silence() }</button>
                        } else {
                            <button type="button" aria-label="Mute" title="Mute (m)" onclick={on_mute}>{ icons::sound() }</button>
                        }
                        <input type="range" class="wide" aria-label="Volume" min="0" max="1" step="0.05"
                            value={if media.muted { "0".to_owned() } else { format!("{:.2}", media.volume) }}
                            oninput={on_volume} />
                    </div>
                    <p class="time"><span>{ clock::spoken(time) }</span>{ " / " }<span>{ clock::spoken(duration) }</span></p>
                    <button type="button" class="last" aria-label={if media.full_screen { "Exit full screen" } else { "Full screen" }}
                        title="Full screen (f)" onclick={on_full_screen}>
                        { if media.full_screen { icons::shrink() } else { icons::expand() } }
                    </button>
                </div>
            </div>
        </div>
    }
}

/// Whether the key was one of the player's.
fn key_pressed(
    key: &KeyboardEvent,
    video: &NodeRef,
    stage: &NodeRef,
    media: &MediaState,
    duration: f64,
    on_toggle: &Callback<()>,
) -> bool {
    if key.ctrl_key() || key.meta_key() || key.alt_key() {
        return false;
    }
    let on =
        key.target().and_then(|target| target.dyn_into::<Element>().ok()).map(|element| element.tag_name());
    match key.key().as_str() {
        // A focused button or link takes the space bar for itself.
        " " if matches!(on.as_deref(), Some("BUTTON" | "A")) => return false,
        " " | "k" | "K" => on_toggle.emit(()),
        "ArrowLeft" => seek(video, media.time - STEP, duration),
        "ArrowRight" => seek(video, media.time + STEP, duration),
        "Home" => seek(video, 0.0, duration),
        "End" => seek(video, duration, duration),
        "ArrowUp" => set_volume(video, media.volume + 0.1, false),
        "ArrowDown" => set_volume(video, media.volume - 0.1, media.volume <= 0.1),
        "m" | "M" => set_volume(video, media.volume, !media.muted),
        "f" | "F" => toggle_full_screen(stage, video),
        _ => return false,
    }
    true
}
