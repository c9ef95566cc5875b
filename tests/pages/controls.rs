//! The player's controls.

use crate::around::{
    Around, AroundProps, label, one, place, press, quality, remote, rendered, tracks, until,
};
use futures_channel::oneshot;
use gloo::events::EventListener;
use gloo::utils::document;
use matinee::components::settings::{Setting, Settings};
use matinee::components::{Controls, KeyHelp, MediaState};
use matinee::spoken;
use std::cell::Cell;
use std::rc::Rc;
use wasm_bindgen::JsCast;
use wasm_bindgen_test::wasm_bindgen_test;
use web_player::player::{EventState, LiveEvent, Run};
use web_sys::{Element, HtmlElement, HtmlInputElement};
use yew::prelude::*;

fn event(follows: bool) -> LiveEvent {
    LiveEvent {
        state: EventState::Live,
        window: (100.0, 400.0),
        latest: 396.5,
        follows,
        has_replay: false,
        runs: vec![Run { time: 0.0, wall: 1_790_000_000.0 }],
    }
}

/// Of an event the rail ends at what is live and has times of day, and a button leads there.
#[wasm_bindgen_test]
async fn an_event_has_a_rail_of_times_of_day() {
    for (follows, disabled) in [(true, "true"), (false, "false")] {
        let place = place();
        let media = MediaState { time: 350.0, volume: 1.0, ..MediaState::default() };
        let pressed = Rc::new(Cell::new(0));
        let told = Rc::clone(&pressed);
        let on_live = Callback::from(move |()| told.set(told.get() + 1));
        let children = html! {
            <Controls remote={remote(Callback::noop())} {media} quality={quality()} tracks={tracks()} stills={None}
                chapters={Vec::new()} on_choose={Callback::noop()} title="Lecture" idle=false live={event(follows)} {on_live} />
        };
        yew::Renderer::<Around>::with_root_and_props(place.clone(), AroundProps { children }).render();
        rendered().await;
        let seek: HtmlInputElement = one(&place, "input[aria-label=Seek]").unchecked_into();
        assert_eq!((seek.min().as_str(), seek.max().as_str()), ("100.000", "400.000"));
        assert_eq!(seek.value_as_number(), 350.0);
        let spoken = seek.get_attribute("aria-valuetext").unwrap();
        let time = spoken::time_of_day(1_790_000_350.0);
        let expected = if follows { format!("{time}, live") } else { format!("{time}, 0:50 behind") };
        assert_eq!(spoken, expected);
        assert_eq!(one(&place, ".live-badge").text_content().unwrap().trim(), "LIVE");
        let button = one(&place, ".go-live");
        assert_eq!(button.get_attribute("aria-disabled").as_deref(), Some(disabled));
        assert_eq!(button.text_content().unwrap().trim(), "Go live");
        button.click();
        assert_eq!(pressed.get(), 1);
    }
}

fn controls(media: MediaState, on_toggle: Callback<()>) -> Html {
    let remote = remote(on_toggle);
    html! {
        <Controls {remote} {media} quality={quality()} tracks={tracks()} stills={None} chapters={Vec::new()}
            on_choose={Callback::noop()} title="Matinee demo film" idle=false />
    }
}

/// Accessible names of all buttons.
fn buttons(place: &Element) -> Vec<String> {
    let found = place.query_selector_all("button").unwrap();
    (0..found.length())
        .map(|n| found.get(n).unwrap().unchecked_into::<Element>().get_attribute("aria-label").unwrap())
        .collect()
}

#[wasm_bindgen_test]
async fn the_controls_have_their_names() {
    for (media, expected) in [
        (
            MediaState { paused: true, volume: 1.0, ..MediaState::default() },
            ["Play", "Mute", "Full screen", "Captions", "Settings"],
        ),
        (
            MediaState { muted: true, full_screen: true, ..MediaState::default() },
            ["Pause", "Unmute", "Exit full screen", "Skip back 10 seconds", "Skip forward 10 seconds"],
        ),
    ] {
        let place = place();
        let props = AroundProps { children: controls(media, Callback::noop()) };
        yew::Renderer::<Around>::with_root_and_props(place.clone(), props).render();
        rendered().await;
        let names = buttons(&place);
        for name in expected {
            assert_eq!(names.iter().filter(|other| *other == name).count(), 1, "{name} in {names:?}");
        }
        let seek: HtmlInputElement = one(&place, "input[aria-label=Seek]").unchecked_into();
        assert_eq!((seek.type_().as_str(), seek.max().as_str()), ("range", "60.000"));
        assert!(place.query_selector("[style*='left'], [style*='width']").unwrap().is_none());
    }
}

#[wasm_bindgen_test]
async fn space_and_k_play_and_pause() {
    let place = place();
    let toggled = Rc::new(Cell::new(0));
    let told = Rc::clone(&toggled);
    let media = MediaState { paused: true, ..MediaState::default() };
    let props = AroundProps { children: controls(media, Callback::from(move |()| told.set(told.get() + 1))) };
    let app = yew::Renderer::<Around>::with_root_and_props(place.clone(), props).render();
    rendered().await;
    let body: web_sys::EventTarget = gloo::utils::body().into();
    assert!(press(" ", &body) && press("k", &body));
    assert_eq!(toggled.get(), 2);
    let button: web_sys::EventTarget = one(&place, "button[aria-label=Play]").into();
    assert!(!press(" ", &button), "a focused button takes the space bar for itself");
    assert!(!press("x", &body));
    assert_eq!(toggled.get(), 2);
    app.destroy();
    rendered().await;
    press("k", &body);
    assert_eq!(toggled.get(), 2, "nothing listens any more");
}

/// Keys that are letters, digits or signs can be turned off, and on again.
#[wasm_bindgen_test]
async fn letters_are_keys_unless_they_are_turned_off() {
    let place = place();
    let media = MediaState { paused: true, ..MediaState::default() };
    let children = html! {
        <>
            { controls(media, Callback::noop()) }
            <KeyHelp open=false on_close={Callback::noop()} />
        </>
    };
    let app = yew::Renderer::<Around>::with_root_and_props(place.clone(), AroundProps { children }).render();
    rendered().await;
    let body: web_sys::EventTarget = gloo::utils::body().into();
    until(|| press("k", &body)).await;
    let switch: HtmlInputElement = one(&place, "dialog input[type=checkbox]").unchecked_into();
    assert_eq!(label(&switch), "Letters, digits and signs are keys");
    assert!(switch.checked());
    for on in [false, true] {
        switch.click();
        rendered().await;
        assert_eq!(switch.checked(), on);
        for key in ["k", "7", "?", "<"] {
            assert_eq!(press(key, &body), on, "{key}");
        }
        assert!(press(" ", &body) && press("ArrowLeft", &body), "these are keys always");
    }
    app.destroy();
}

fn focused() -> Option<String> {
    document().active_element()?.text_content()
}

#[wasm_bindgen_test]
async fn the_settings_go_by_keyboard() {
    let place = place();
    let choices = Rc::new(std::cell::RefCell::new(Vec::new()));
    let told = Rc::clone(&choices);
    let on_choose = Callback::from(move |choice| told.borrow_mut().push(choice));
    let props = AroundProps {
        children: html! { <Settings quality={quality()} tracks={tracks()} speed=1.0 {on_choose} /> },
    };
    yew::Renderer::<Around>::with_root_and_props(place.clone(), props).render();
    rendered().await;
    let opener = one(&place, "button[aria-haspopup=menu]");
    assert_eq!(opener.get_attribute("aria-label").as_deref(), Some("Settings"));
    opener.click();
    rendered().await;
    assert_eq!(opener.get_attribute("aria-expanded").as_deref(), Some("true"));
    let menu: web_sys::EventTarget = one(&place, "[role=menu]").into();
    assert_eq!(focused().as_deref(), Some("English"), "opened on what is chosen");
    let chosen = place.query_selector_all("[aria-checked=true]").unwrap();
    let chosen: Vec<_> =
        (0..chosen.length()).map(|n| chosen.get(n).unwrap().text_content().unwrap()).collect();
    assert_eq!(chosen, ["English", "Off", "Automatic (360p)", "Normal"]);
    assert!(press("ArrowDown", &menu));
    assert_eq!(focused().as_deref(), Some("Deutsch, erzählt"));
    assert!(press("End", &menu) && press("ArrowDown", &menu));
    assert_eq!(focused().as_deref(), Some("English"), "round again");
    assert!(press("Escape", &menu));
    rendered().await;
    assert!(place.query_selector("[role=menu]").unwrap().is_none());
    assert!(document().active_element().unwrap().is_same_node(Some(&opener)), "the focus goes back");
    opener.click();
    rendered().await;
    let last = place.query_selector_all("[aria-label=Quality] [role=menuitemradio]").unwrap();
    last.get(4).unwrap().unchecked_into::<HtmlElement>().click();
    rendered().await;
    assert_eq!(*choices.borrow(), [Setting::Quality(Some("a".to_owned()))]);
    assert!(place.query_selector("[role=menu]").unwrap().is_none());
    opener.click();
    rendered().await;
    let init = web_sys::PointerEventInit::new();
    init.set_bubbles(true);
    let elsewhere = web_sys::PointerEvent::new_with_event_init_dict("pointerdown", &init).unwrap();
    gloo::utils::body().dispatch_event(&elsewhere).unwrap();
    rendered().await;
    assert!(place.query_selector("[role=menu]").unwrap().is_none(), "a press elsewhere closes it");
}

#[wasm_bindgen_test]
async fn the_help_lists_the_keys_and_closes() {
    let place = place();
    let closed = Rc::new(Cell::new(false));
    let told = Rc::clone(&closed);
    let on_close = Callback::from(move |()| told.set(true));
    let props = AroundProps { children: html! { <KeyHelp open=true {on_close} /> } };
    yew::Renderer::<Around>::with_root_and_props(place.clone(), props).render();
    rendered().await;
    let dialog: web_sys::HtmlDialogElement = one(&place, "dialog").unchecked_into();
    assert!(dialog.open());
    assert!(dialog.text_content().unwrap().contains("Full screen"));
    assert!(!press("f", &gloo::utils::body().into()), "nothing reaches the player from under a dialog");
    let (sender, closing) = oneshot::channel();
    let _listener = EventListener::once(&dialog, "close", move |_| sender.send(()).unwrap());
    one(&place, "dialog button").click();
    closing.await.unwrap();
    rendered().await;
    assert!(closed.get() && !dialog.open());
}

#[wasm_bindgen_test]
async fn the_seek_bar_draws_every_buffered_range() {
    let place = place();
    let buffered = engine::buffer::Ranges::new(vec![(0.0, 6.0), (30.0, 45.0)]);
    let media = MediaState { time: 3.0, buffered, ..MediaState::default() };
    let props = AroundProps { children: controls(media, Callback::noop()) };
    yew::Renderer::<Around>::with_root_and_props(place.clone(), props).render();
    rendered().await;
    let drawn = place.query_selector_all("rect.buffered").unwrap();
    let drawn: Vec<(String, String)> = (0..drawn.length())
        .map(|n| drawn.get(n).unwrap().unchecked_into::<Element>())
        .map(|rect| (rect.get_attribute("x").unwrap(), rect.get_attribute("width").unwrap()))
        .collect();
    assert_eq!(drawn, [("0".into(), "1000".into()), ("5000".into(), "2500".into())]);
    assert_eq!(one(&place, "rect.played").get_attribute("width").as_deref(), Some("500"));
}

/// Who moves the film by keys sees where they lead, as by a pointer.
#[wasm_bindgen_test]
async fn keys_on_the_seek_bar_show_where_they_lead() {
    let place = place();
    // What a key asks for has not come yet.
    let media = MediaState { time: 30.0, waiting: true, ..MediaState::default() };
    let props = AroundProps { children: controls(media, Callback::noop()) };
    yew::Renderer::<Around>::with_root_and_props(place.clone(), props).render();
    rendered().await;
    let seek: HtmlInputElement = one(&place, "input[aria-label=Seek]").unchecked_into();
    let bubble = one(&place, "output.bubble");
    seek.focus().unwrap();
    rendered().await;
    assert!(!bubble.class_list().contains("on"), "nothing moves yet");
    press("ArrowUp", &seek);
    rendered().await;
    assert!(!bubble.class_list().contains("on"), "the volume's key");
    press("ArrowRight", &seek);
    rendered().await;
    assert!(bubble.class_list().contains("on"));
    assert_eq!(bubble.text_content().as_deref(), Some("0:30"));
    until(|| bubble.style().get_property_value("--at").unwrap() == "0.5000").await;
    seek.dispatch_event(&FocusEvent::new("blur").unwrap()).unwrap();
    rendered().await;
    assert!(!bubble.class_list().contains("on"), "the focus has gone");
}
