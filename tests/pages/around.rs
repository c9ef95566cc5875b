//! What the tests of pages have in common: a place in the page, what is in it, and a session around it.

use gloo::timers::future::TimeoutFuture;
use gloo::utils::document;
use matinee::components::remote::Remote;
use matinee::session::{Session, SessionHandle};
use nccp::json::LibraryMovie;
use wasm_bindgen::JsCast;
use web_player::player::{Choice, Quality, Rung, Tracks};
use web_sys::{Element, HtmlElement};
use yew::prelude::*;

pub(crate) fn place() -> Element {
    let place = document().create_element("div").unwrap();
    gloo::utils::body().append_child(&place).unwrap();
    place
}

/// Lets Yew render what is due.
pub(crate) async fn rendered() {
    for _ in 0..3 {
        TimeoutFuture::new(0).await;
    }
}

/// Waits until it holds: effects may come after a paint.
pub(crate) async fn until(holds: impl Fn() -> bool) {
    while !holds() {
        TimeoutFuture::new(5).await;
    }
}

/// The only element that matches.
pub(crate) fn one(place: &Element, selector: &str) -> HtmlElement {
    let found = place.query_selector_all(selector).unwrap();
    assert_eq!(found.length(), 1, "{selector} in {}", place.inner_html());
    found.get(0).unwrap().unchecked_into()
}

/// The only link to an address, and its name.
pub(crate) fn link(place: &Element, address: &str) -> HtmlElement {
    one(place, &format!("a[href=\"{address}\"]"))
}

/// The text of the label around a field.
pub(crate) fn label(field: &HtmlElement) -> String {
    field.closest("label").unwrap().unwrap().text_content().unwrap().trim().to_owned()
}

pub(crate) fn film() -> LibraryMovie {
    serde_json::from_str(
        r#"{"movie_id": 60027274, "title": "Matinee demo film", "year": 2026, "runtime": 60.0, "cast": ["Ada"],
            "art": [{"url": "/art/0/poster.jpg", "width": 1280, "height": 720}], "position": 12.5, "queued": false,
            "playable": true}"#,
    )
    .unwrap()
}

#[derive(Properties, PartialEq)]
pub(crate) struct AroundProps {
    pub(crate) children: Html,
}

/// A session of which nothing is known, without a worker or a server.
#[function_component]
pub(crate) fn Around(props: &AroundProps) -> Html {
    let session: SessionHandle = use_reducer(|| Session::new(vec![]));
    html! { <ContextProvider<SessionHandle> context={session}>{ props.children.clone() }</ContextProvider<SessionHandle>> }
}

pub(crate) fn quality() -> Quality {
    let rung = |id: &str, height| Rung { id: id.into(), height, bandwidth: 1_000_000 };
    Quality {
        rungs: vec![rung("c", 720), rung("b", 360), rung("a", 240)],
        chosen: None,
        playing: Some("b".into()),
        saves_data: false,
    }
}

pub(crate) fn tracks() -> Tracks {
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

pub(crate) fn remote(on_toggle: Callback<()>) -> Remote {
    Remote {
        video: NodeRef::default(),
        stage: NodeRef::default(),
        duration: 60.0,
        begin: 0.0,
        on_toggle,
        on_captions: Callback::noop(),
        on_help: Callback::noop(),
        on_statistics: Callback::noop(),
        on_next: Callback::noop(),
        on_theatre: Callback::noop(),
        on_seek: Callback::noop(),
        chapters: Vec::new().into(),
        on_note: Callback::noop(),
    }
}

/// Presses a key; whether somebody took it.
pub(crate) fn press(key: &str, on: &web_sys::EventTarget) -> bool {
    let init = web_sys::KeyboardEventInit::new();
    init.set_key(key);
    init.set_bubbles(true);
    init.set_cancelable(true);
    let event = web_sys::KeyboardEvent::new_with_keyboard_event_init_dict("keydown", &init).unwrap();
    on.dispatch_event(&event).unwrap();
    event.default_prevented()
}
