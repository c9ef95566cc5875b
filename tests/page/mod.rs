//! What the suites share: a place in the page, a session, and a remote that does nothing.
#![allow(unreachable_pub)]

use gloo::{timers::future::TimeoutFuture, utils::document};
use matinee::{
    components::remote::Remote,
    session::{Session, SessionHandle},
};
use wasm_bindgen::JsCast;
use web_player::player::{Choice, Quality, Rung, Tracks};
use web_sys::{Element, HtmlElement};
use yew::prelude::*;

pub fn place() -> Element {
    let place = document().create_element("div").unwrap();
    gloo::utils::body().append_child(&place).unwrap();
    place
}

/// Lets Yew render what is due.
pub async fn rendered() {
    for _ in 0..3 {
        TimeoutFuture::new(0).await;
    }
}

/// The only element that matches.
pub fn one(place: &Element, selector: &str) -> HtmlElement {
    let found = place.query_selector_all(selector).unwrap();
    assert_eq!(found.length(), 1, "{selector} in {}", place.inner_html());
    found.get(0).unwrap().unchecked_into()
}

#[derive(Properties, PartialEq)]
pub struct AroundProps {
    pub children: Html,
}

/// A session of which nothing is known, without a worker or a server.
#[function_component]
pub fn Around(props: &AroundProps) -> Html {
    let session: SessionHandle = use_reducer(|| Session::new(vec![]));
    html! { <ContextProvider<SessionHandle> context={session}>{ props.children.clone() }</ContextProvider<SessionHandle>> }
}

pub fn quality() -> Quality {
    let rung = |id: &str, height| Rung { id: id.into(), height, bandwidth: 1_000_000 };
    Quality {
        rungs: vec![rung("c", 720), rung("b", 360), rung("a", 240)],
        chosen: None,
        playing: Some("b".into()),
        saves_data: false,
    }
}

pub fn tracks() -> Tracks {
    let choice = |id: &str, language: &str, label: Option<&str>| Choice {
        id: id.into(),
        language: language.into(),
        role: "main".into(),
        label: label.map(str::to_owned),
    };
    Tracks {
        sounds: vec![choice("s1", "en", None), choice("s2", "de", Some("Deutsch, erzählt"))],
        sound: Some("s1".into()),
        texts: vec![choice("t1", "de", Some("Deutsch"))],
        ..Tracks::default()
    }
}

pub fn remote(on_toggle: Callback<()>) -> Remote {
    Remote {
        video: NodeRef::default(),
        stage: NodeRef::default(),
        duration: 60.0,
        begin: 0.0,
        on_toggle,
        on_captions: Callback::noop(),
        on_help: Callback::noop(),
        on_statistics: Callback::noop(),
        chapters: Vec::new().into(),
        on_note: Callback::noop(),
    }
}

/// Presses a key; whether somebody took it.
pub fn press(key: &str, on: &web_sys::EventTarget) -> bool {
    let init = web_sys::KeyboardEventInit::new();
    init.set_key(key);
    init.set_bubbles(true);
    init.set_cancelable(true);
    let event = web_sys::KeyboardEvent::new_with_keyboard_event_init_dict("keydown", &init).unwrap();
    on.dispatch_event(&event).unwrap();
    event.default_prevented()
}
