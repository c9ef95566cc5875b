//! What the player does for the page around it, where it is in another site's.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use gloo::events::EventListener;
use web_player::captions::ActiveCues;
use web_player::player::{Choice, EventState, LiveEvent, Player, PlayerEvent, Tracks, chosen_speed};
use web_sys::HtmlVideoElement;
use yew::prelude::*;

use crate::embedding::{HostHandle, Order};

/// The video element's events that the page hears of.
const EVENTS: [&str; 24] = [
    "abort",
    "canplay",
    "canplaythrough",
    "durationchange",
    "emptied",
    "ended",
    "enterpictureinpicture",
    "leavepictureinpicture",
    "loadeddata",
    "loadedmetadata",
    "loadstart",
    "pause",
    "play",
    "playing",
    "progress",
    "ratechange",
    "resize",
    "seeked",
    "seeking",
    "stalled",
    "suspend",
    "timeupdate",
    "volumechange",
    "waiting",
];

/// Before the film begins: as the page wishes.
pub(super) fn prepare(HostHandle(host): &HostHandle, video: &HtmlVideoElement) {
    if host.wishes.muted {
        video.set_muted(true);
    }
    video.set_loop(host.wishes.looped);
    // Those of a player before this one are over.
    host.cues(&ActiveCues::default());
}

/// What the player tells of goes to the page, too. `has_run` says that the event has been seen to go on
/// before.
pub(super) fn told(HostHandle(host): &HostHandle, event: &PlayerEvent, has_run: bool) {
    match event {
        PlayerEvent::Quality(quality) => {
            let heights = quality.rungs.iter().map(|rung| rung.height);
            host.quality(quality.height(), quality.chosen.is_some(), heights);
        }
        PlayerEvent::Cues(cues) => host.cues(cues),
        PlayerEvent::WantsGesture => host.blocked(),
        PlayerEvent::Live(event) => host.live(event),
        PlayerEvent::NotBegun if has_run => {
            host.live(&LiveEvent { state: EventState::Interrupted, ..LiveEvent::default() });
        }
        PlayerEvent::NotBegun => host.live(&LiveEvent::default()),
        PlayerEvent::OnDemand => host.on_demand(),
        PlayerEvent::Failed(problem) => host.failed(problem),
        _ => {}
    }
}

/// Carries out what the page asks for, and tells it what happens on the element. Whether there are controls.
#[hook]
pub(super) fn use_host(
    host: Option<&HostHandle>,
    video: &NodeRef,
    player: &Rc<RefCell<Option<Player>>>,
    toggle: &Callback<()>,
    tracks: &Tracks,
) -> bool {
    let controls = use_state_eq(|| host.is_none_or(|host| host.0.wishes.controls));
    {
        let (video, player, toggle) = (video.clone(), Rc::clone(player), toggle.clone());
        let controls = controls.setter();
        use_effect_with(host.cloned(), move |host| {
            let mut listeners = Vec::new();
            if let Some((host, video)) = host.as_ref().zip(video.cast::<HtmlVideoElement>()) {
                let element = video.clone();
                host.0.listen(move |order| match order {
                    Order::Controls(shown) => controls.set(shown),
                    Order::Height(height) => choose(&player, height),
                    Order::GoLive => player.borrow().iter().for_each(Player::go_live),
                    order => obey(&element, &toggle, order),
                });
                listeners.extend(EVENTS.map(|name| forward(host, &video, name)));
            }
            move || drop(listeners)
        });
    }
    {
        let (player, language) = (Rc::clone(player), host.and_then(|host| host.0.wishes.language.clone()));
        let (has_tracks, tracks) = (!tracks.sounds.is_empty(), tracks.clone());
        use_effect_with((language, has_tracks), move |(language, _)| {
            if let (Some(language), Some(player)) = (language, &*player.borrow()) {
                speak(player, &tracks, language);
            }
        });
    }
    *controls
}

/// Tells the page of each such event.
fn forward(HostHandle(host): &HostHandle, video: &HtmlVideoElement, name: &'static str) -> EventListener {
    let (host, element) = (Rc::clone(host), video.clone());
    let speed = Cell::new(1.0);
    EventListener::new(video, name, move |_| {
        // What keeps the distance from what is live is nobody's choice.
        let now = chosen_speed(&element);
        if name == "ratechange" && speed.replace(now) == now {
            return;
        }
        if name == "loadedmetadata"
            && let Some(start) = host.wishes.start
        {
            element.set_current_time(start);
        }
        host.tell(name, &element);
    })
}

fn obey(video: &HtmlVideoElement, toggle: &Callback<()>, order: Order) {
    match order {
        Order::Play if video.paused() || video.ended() => toggle.emit(()),
        Order::Pause => drop(video.pause()),
        Order::Seek(seconds) => video.set_current_time(seconds.max(0.0)),
        Order::Volume(volume) => video.set_volume(volume),
        Order::Muted(muted) => video.set_muted(muted),
        Order::Speed(speed) => video.set_playback_rate(speed),
        Order::Loop(looped) => video.set_loop(looped),
        Order::Play | Order::Controls(_) | Order::Height(_) | Order::GoLive => {}
    }
}

/// The largest picture of at most this height; `None` leaves it to the player.
fn choose(player: &Rc<RefCell<Option<Player>>>, height: Option<f64>) {
    let Some(player) = &*player.borrow() else { return };
    let quality = player.quality();
    let rung = height.and_then(|height| quality.rungs.iter().find(|rung| f64::from(rung.height) <= height));
    player.choose(rung.map(|rung| rung.id.clone()));
}

/// Sound in the language, where there is such a one; else subtitles.
fn speak(player: &Player, tracks: &Tracks, language: &str) {
    let fits = |choice: &&Choice| {
        let primary = |tag: &str| tag.split('-').next().unwrap_or_default().to_ascii_lowercase();
        primary(&choice.language) == primary(language)
    };
    if let Some(sound) = tracks.sounds.iter().find(fits) {
        if tracks.sound.as_ref() != Some(&sound.id) {
            player.choose_sound(&sound.id);
        }
    } else if let Some(text) = tracks.texts.iter().find(fits) {
        player.choose_text(Some(&text.id));
    }
}
