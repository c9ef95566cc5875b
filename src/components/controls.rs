//! The player's controls.

use gloo::{
    events::{EventListener, EventListenerOptions},
    utils::{document, window},
};
use localization::say;
use nccp::Chapter;
use wasm_bindgen::JsCast;
use web_player::{
    device_store,
    player::{Limit, LiveEvent, Quality, Stills, Tracks},
};
use web_sys::{Element, HtmlElement, HtmlInputElement, HtmlVideoElement};
use yew::prelude::*;

use super::{
    icons,
    live::{LiveRail, LiveStand},
    media_state::MediaState,
    menu::{Group, Item, Menu},
    remote::{Press, Remote, STEP, has_picture_in_picture, is_character, press_of},
    seek_bar::SeekBar,
    settings::{Setting, Settings},
};
use crate::{
    route::{Link, Route},
    spoken,
};

/// Properties of [`Controls`].
#[derive(Properties, PartialEq)]
pub struct ControlsProps {
    /// Carries out what is asked for.
    pub remote: Remote,
    /// The video element's state.
    pub media: MediaState,
    /// The sizes of the picture.
    pub quality: Quality,
    /// What keeps the picture from being a larger one.
    #[prop_or_default]
    pub limit: Option<Limit>,
    /// Whether the film's numbers are shown.
    #[prop_or_default]
    pub statistics: bool,
    /// Sound and subtitles.
    pub tracks: Tracks,
    /// Small pictures of the film.
    pub stills: Option<Stills>,
    /// Chapters, ascending.
    pub chapters: Vec<Chapter>,
    /// Where it stands, and where the viewer is in it: an event that goes on.
    #[prop_or_default]
    pub live: Option<LiveEvent>,
    /// Goes to what is live.
    #[prop_or_default]
    pub on_live: Callback<()>,
    /// Changes a setting.
    pub on_choose: Callback<Setting>,
    /// Whether what is up next plays by itself; `None` where nothing comes next.
    #[prop_or_default]
    pub plays_next: Option<bool>,
    /// The next episode's title.
    #[prop_or_default]
    pub next: Option<AttrValue>,
    /// Whether the film stands alone, where something else could stand beside it.
    #[prop_or_default]
    pub theatre: Option<bool>,
    /// The film's title.
    pub title: AttrValue,
    /// Nothing has moved for a while.
    pub idle: bool,
    /// Without ways to the rest of the site, and as loud as the page around says.
    #[prop_or_default]
    pub bare: bool,
}

/// Play, seek, volume, quality, full screen, by pointer and keyboard.
#[function_component]
pub fn Controls(props: &ControlsProps) -> Html {
    let ControlsProps {
        remote, media, quality, tracks, stills, chapters, on_choose, title, idle, bare, ..
    } = props;
    let duration = remote.duration;
    let live = props.live.as_ref();
    let bar = use_node_ref();
    let scrub = use_state_eq(|| None::<f64>);

    let keeps_volume = *bare;
    use_effect_with(remote.video.clone(), move |video| {
        if keeps_volume {
            return;
        }
        if let (Some((volume, muted)), Some(video)) =
            (device_store::volume(), video.cast::<HtmlVideoElement>())
        {
            video.set_volume(volume.clamp(0.0, 1.0));
            video.set_muted(muted);
        }
    });
    use_effect_with(remote.clone(), |remote| {
        let remote = remote.clone();
        let options = EventListenerOptions::enable_prevent_default();
        let listener = EventListener::new_with_options(&window(), "keydown", options, move |event| {
            if let Some(press) = event.dyn_ref::<KeyboardEvent>().and_then(wanted) {
                event.prevent_default();
                remote.press(press);
            }
        });
        move || drop(listener)
    });
    let volume = if media.muted { 0.0 } else { media.volume };
    {
        let bar = bar.clone();
        use_effect_with(volume.to_bits(), move |_| {
            if let Some(bar) = bar.cast::<HtmlElement>() {
                let _ = bar.style().set_property("--volume", &volume.to_string());
            }
        });
    }

    let on_press = {
        let remote = remote.clone();
        Callback::from(move |press| remote.press(press))
    };
    let button = |press: Press| on_press.reform(move |_: MouseEvent| press);
    let on_volume = {
        let remote = remote.clone();
        move |event: InputEvent| {
            let input = event.target().and_then(|target| target.dyn_into::<HtmlInputElement>().ok());
            if let Some(input) = input {
                remote.press(Press::Volume(input.value_as_number()));
            }
        }
    };
    let (play, play_name) = match (media.ended, media.paused) {
        (true, _) => (icons::again(), say::watch_again()),
        (false, true) => (icons::play(), say::play()),
        (false, false) => (icons::pause(), say::pause()),
    };
    let (sound, sound_name) =
        if media.muted { (icons::silence(), say::unmute()) } else { (icons::sound(), say::mute()) };
    // At its end a film has been seen whole: the last picture begins a little earlier.
    let media = match media.ended && live.is_none() && duration > 0.0 {
        true => MediaState { time: duration, ..media.clone() },
        false => media.clone(),
    };
    let time = scrub.unwrap_or(media.time);
    let on_scrub = {
        let scrub = scrub.setter();
        Callback::from(move |to: Option<f64>| scrub.set(to))
    };
    let hidden = *idle && !media.paused && !media.waiting && scrub.is_none();
    html! {
        <div class={classes!("controls", hidden.then_some("idle"))} ref={bar}>
            <div class="top">
                if !bare {
                    <Link to={Route::Library} class="leave">
                        { icons::leave() }<span class="sr">{ say::back_to_library() }</span>
                    </Link>
                }
                <h1 dir="auto">{ title }</h1>
            </div>
            // As everywhere: what plays goes from left to right, whatever the language does.
            <div class="bottom" dir="ltr">
                if let Some(event) = live {
                    <LiveRail event={event.clone()} media={media.clone()} scrub={*scrub} on_press={on_press.clone()} {on_scrub} />
                } else {
                    <SeekBar media={media.clone()} {duration} stills={stills.clone()} chapters={chapters.clone()} scrub={*scrub}
                        on_press={on_press.clone()} {on_scrub} />
                }
                <div class="buttons">
                    <div class="transport">
                        <button type="button" class="play" aria-label={play_name} title={say::with_key(play_name, "k")}
                            onclick={button(Press::PlayPause)}>{ play }</button>
                        <button type="button" class="back" aria-label={say::skip_back()} title={say::with_key(say::skip_back(), "←")}
                            onclick={button(Press::By(-STEP))}>{ icons::back() }</button>
                        <button type="button" class="forward" aria-label={say::skip_forward()}
                            title={say::with_key(say::skip_forward(), "→")} onclick={button(Press::By(STEP))}>{ icons::forward() }</button>
                    </div>
                    <div class="sound">
                        <button type="button" aria-label={sound_name} title={say::with_key(sound_name, "m")}
                            onclick={button(Press::Mute)}>{ sound }</button>
                        <input type="range" class="wide" aria-label={say::volume()} min="0" max="1" step="0.05"
                            aria-valuetext={say::percent(&format!("{:.0}", volume * 100.0))}
                            value={format!("{volume:.2}")} oninput={on_volume} />
                    </div>
                    if let Some(event) = live {
                        <LiveStand event={event.clone()} {time} on_live={props.on_live.clone()} />
                    } else {
                        <p class="time"><span>{ spoken::position(time) }</span>{ " / " }<span>{ spoken::position(duration) }</span></p>
                    }
                    <span class="gap" />
                    if let Some(next) = &props.next {
                        <button type="button" class="wide" aria-label={say::next_episode_label(next)}
                            title={say::with_key(say::next_episode(), "n")} onclick={button(Press::Next)}>{ icons::next() }</button>
                    }
                    if live.is_none() && chapters.len() > 1 {
                        <div class="chapter-menu">
                            <Menu<Press> name={say::chapters()} icon={icons::list()} groups={vec![chapter_list(chapters, time)]}
                                on_choose={on_press.clone()} />
                        </div>
                    }
                    <button type="button" class="wide" aria-label={say::keys()} title={say::with_key(say::keys(), "?")}
                        onclick={button(Press::Help)}>{ icons::keys() }</button>
                    if !tracks.texts.is_empty() {
                        <button type="button" class="captions" aria-label={say::captions()} title={say::with_key(say::captions(), "c")}
                            aria-pressed={tracks.text.is_some().to_string()}
                            onclick={button(Press::Captions)}>{ icons::captions() }</button>
                    }
                    <Settings quality={quality.clone()} limit={props.limit} statistics={props.statistics} tracks={tracks.clone()} speed={media.speed}
                        plays_next={props.plays_next} {on_choose} />
                    if has_picture_in_picture() {
                        <button type="button" class="wide" aria-label={say::picture_in_picture()}
                            title={say::with_key(say::picture_in_picture(), "p")} onclick={button(Press::PictureInPicture)}>
                            { icons::inset() }
                        </button>
                    }
                    if let Some(theatre) = props.theatre.filter(|_| !media.full_screen) {
                        <button type="button" class="roomy" aria-label={say::theatre()} aria-pressed={theatre.to_string()}
                            title={say::with_key(say::theatre(), "t")} onclick={button(Press::Theatre)}>{ icons::theatre() }</button>
                    }
                    <button type="button" aria-label={if media.full_screen { say::full_screen_exit() } else { say::full_screen() }}
                        title={say::with_key(say::full_screen(), "f")} onclick={button(Press::FullScreen)}>
                        { if media.full_screen { icons::shrink() } else { icons::expand() } }
                    </button>
                </div>
            </div>
        </div>
    }
}

/// The chapters as a menu has them; the one that the film is in is checked.
fn chapter_list(chapters: &[Chapter], time: f64) -> Group<Press> {
    let here = chapters.iter().rposition(|chapter| chapter.start <= time);
    let item = |(n, chapter): (usize, &Chapter)| Item {
        label: format!("{} {}", chapter.title, spoken::position(chapter.start)).trim().to_owned(),
        checked: here == Some(n),
        value: Press::To(chapter.start),
    };
    Group { name: say::chapters(), items: chapters.iter().enumerate().map(item).collect(), hint: None }
}

/// What the key asks of the player; an open dialog has the keys for itself.
fn wanted(key: &KeyboardEvent) -> Option<Press> {
    if key.ctrl_key() || key.meta_key() || key.alt_key() {
        return None;
    }
    if document().query_selector("dialog[open]").ok().flatten().is_some() {
        return None;
    }
    if is_character(&key.key()) && !device_store::character_keys() {
        return None;
    }
    let on = key.target().and_then(|target| target.dyn_into::<Element>().ok());
    // The volume is a slider with keys of its own; the seek bar's steps are too small to be of use.
    let on_volume =
        on.as_ref().is_some_and(|on| on.tag_name() == "INPUT" && matches!(on.closest(".sound"), Ok(Some(_))));
    if on_volume && (key.key().starts_with("Arrow") || matches!(key.key().as_str(), "Home" | "End")) {
        return None;
    }
    let on_button = on.is_some_and(|element| matches!(element.tag_name().as_str(), "BUTTON" | "A"));
    press_of(&key.key(), on_button)
}
