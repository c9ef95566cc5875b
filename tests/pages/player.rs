//! What the player shows of itself, and what it tells the system.

use crate::around::{Around, AroundProps, one, place, press, quality, remote, rendered, tracks, until};
use gloo::utils::{document, window};
use js_sys::{Object, Reflect};
use matinee::browser::{call, get};
use matinee::components::remote::Remote;
use matinee::components::settings::{Setting, Settings};
use matinee::components::{Controls, MediaState, StatisticsView, use_idle, use_media_session, use_surface};
use matinee::pages::Help;
use matinee::route::Route;
use nccp::Art;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use wasm_bindgen_test::wasm_bindgen_test;
use web_player::player::{Limit, Quality, Statistics};
use web_sys::{HtmlElement, HtmlInputElement};
use yew::prelude::*;

async fn shown(children: Html) -> web_sys::Element {
    let place = place();
    yew::Renderer::<Around>::with_root_and_props(place.clone(), AroundProps { children }).render();
    rendered().await;
    place
}

#[wasm_bindgen_test]
async fn at_its_end_a_film_has_been_seen_whole() {
    let media = MediaState { time: 59.9, paused: true, ended: true, volume: 1.0, ..MediaState::default() };
    let place = shown(html! {
        <Controls remote={remote(Callback::noop())} {media} quality={quality()} tracks={tracks()} stills={None}
            chapters={Vec::new()} on_choose={Callback::noop()} title="Film" idle=false />
    })
    .await;
    assert_eq!(one(&place, ".time").text_content().as_deref(), Some("1:00 / 1:00"));
    let seek: HtmlInputElement = one(&place, "input[aria-label=Seek]").unchecked_into();
    assert_eq!(seek.value_as_number(), 60.0);
    let drawing = |name: &str| one(&place, &format!("button[aria-label='{name}'] path")).get_attribute("d");
    assert_ne!(drawing("Watch again"), drawing("Skip back 10 seconds"));
    for name in ["Skip back 10 seconds", "Skip forward 10 seconds"] {
        let button = one(&place, &format!("button[aria-label='{name}']"));
        assert_eq!(button.text_content().as_deref(), Some("10"));
    }
}

#[wasm_bindgen_test]
async fn the_settings_say_what_limits_the_picture_and_save_data() {
    let chosen = Rc::new(RefCell::new(Vec::new()));
    let told = Rc::clone(&chosen);
    let on_choose = Callback::from(move |setting| told.borrow_mut().push(setting));
    let quality = Quality { saves_data: true, ..quality() };
    let place = shown(html! {
        <Settings {quality} limit={Limit::DataSaver} tracks={tracks()} speed=1.0 statistics=false {on_choose} />
    })
    .await;
    let open = || one(&place, "button[aria-haspopup=menu]").click();
    open();
    rendered().await;
    let automatic = one(&place, "[aria-label=Quality] [aria-description]");
    assert!(automatic.text_content().unwrap().starts_with("Automatic"));
    let words = automatic.get_attribute("aria-description").unwrap();
    assert_eq!(one(&place, "[aria-label=Quality] .hint").text_content(), Some(words));
    let checked = one(&place, "[aria-label=Quality] [aria-checked=true]");
    assert_eq!(checked.text_content().as_deref(), Some("Data saver (up to 480p)"));
    checked.click();
    rendered().await;
    open();
    rendered().await;
    let numbers = one(&place, "[role=menuitemcheckbox]");
    assert_eq!(numbers.get_attribute("aria-checked").as_deref(), Some("false"));
    // The last of the menu, by keyboard, too.
    let menu: web_sys::EventTarget = one(&place, "[role=menu]").into();
    assert!(press("End", &menu));
    assert!(document().active_element().unwrap().is_same_node(Some(&numbers)));
    numbers.click();
    assert_eq!(*chosen.borrow(), [Setting::DataSaver, Setting::Statistics]);
}

#[wasm_bindgen_test]
async fn the_numbers_are_read_while_they_are_shown() {
    let reads = Rc::new(Cell::new(0));
    let told = Rc::clone(&reads);
    let read = Callback::from(move |()| {
        told.set(told.get() + 1);
        Statistics { host: Some("cdn1.example".into()), ..Statistics::default() }
    });
    let closed = Rc::new(Cell::new(false));
    let told = Rc::clone(&closed);
    let on_close = Callback::from(move |()| told.set(true));
    let place = place();
    let props = AroundProps { children: html! { <StatisticsView {read} {on_close} /> } };
    let app = yew::Renderer::<Around>::with_root_and_props(place.clone(), props).render();
    rendered().await;
    let numbers = one(&place, "section[aria-label=Statistics]");
    until(|| numbers.text_content().unwrap().contains("cdn1.example")).await;
    until(|| reads.get() >= 2).await;
    let names = place.query_selector_all("button").unwrap();
    let names: Vec<_> = (0..names.length()).map(|n| names.get(n).unwrap().text_content().unwrap()).collect();
    assert_eq!(names, ["Copy", "Close"]);
    place.query_selector_all("button").unwrap().get(1).unwrap().unchecked_into::<HtmlElement>().click();
    assert!(closed.get());
    app.destroy();
}

#[wasm_bindgen_test]
async fn every_code_has_a_page_and_unknown_ones_a_plain_answer() {
    for (path, code, words) in [
        ("/help/network", "NETWORK", "Check your connection."),
        ("/help/DEVICE_LIMIT_REACHED", "DEVICE_LIMIT_REACHED", "Remove one that you no longer use"),
        ("/help/NO_SUCH_THING", "NO_SUCH_THING", "knows nothing more"),
    ] {
        let route = Route::parse(path, "");
        assert_eq!(route, Route::Help { code: code.to_owned() });
        assert_eq!(route.address(), format!("/help/{code}"));
        let place = shown(html! { <Help {code} /> }).await;
        let text = one(&place, "main").text_content().unwrap();
        assert!(text.contains(code) && text.contains(words), "{text}");
        one(&place, "h1");
    }
    for path in ["/help", "/help/", "/help/a/b", "/help/%3Cb%3E"] {
        assert_eq!(Route::parse(path, ""), Route::NotFound, "{path}");
    }
}

#[derive(Properties, PartialEq)]
struct FilmProps {
    remote: Remote,
    media: MediaState,
    #[prop_or_default]
    has_next: bool,
}

#[function_component]
fn Film(props: &FilmProps) -> Html {
    let stage = use_node_ref();
    let idle = use_idle(stage.clone());
    let onclick = use_surface(&props.remote, &idle, false);
    let art = [Art { url: "/art/0/poster.jpg".into(), width: 640, height: 360 }];
    use_media_session(&props.remote, &props.media, &"A film".into(), &art, false, props.has_next);
    html! { <div ref={stage}><div class="picture" {onclick} /></div> }
}

/// The system hears title, picture and state, and nothing once the film is gone.
#[wasm_bindgen_test]
async fn the_system_hears_of_the_film() {
    let session = get(&window().navigator(), "mediaSession");
    if !session.is_object() {
        return;
    }
    // What was told of the place cannot be read: whether there was any.
    let told = Rc::new(RefCell::new(Vec::new()));
    let telling = Rc::clone(&told);
    let position =
        Closure::<dyn Fn(JsValue)>::new(move |state: JsValue| telling.borrow_mut().push(state.is_object()));
    Reflect::set(&session, &"setPositionState".into(), position.as_ref()).unwrap();
    let media = MediaState { has_picture: true, speed: 1.0, ..MediaState::default() };
    // Nor can a media key be pressed: the handlers are noted.
    let handlers = Object::new();
    let noting = handlers.clone();
    let note = Closure::<dyn Fn(JsValue, JsValue)>::new(move |action: JsValue, handler: JsValue| {
        Reflect::set(&noting, &action, &handler).unwrap();
    });
    Reflect::set(&session, &"setActionHandler".into(), note.as_ref()).unwrap();
    let nexts = Rc::new(Cell::new(0));
    let counting = Rc::clone(&nexts);
    let on_next = Callback::from(move |()| counting.set(counting.get() + 1));
    let place = place();
    let props = FilmProps { remote: Remote { on_next, ..remote(Callback::noop()) }, media, has_next: true };
    let app = yew::Renderer::<Film>::with_root_and_props(place, props).render();
    let title = || get(&get(&session, "metadata"), "title").as_string();
    until(|| title().as_deref() == Some("A film")).await;
    let metadata = get(&session, "metadata");
    let picture = get(&get(&metadata, "artwork"), "0");
    assert!(get(&picture, "src").as_string().unwrap().ends_with("/art/0/poster.jpg"));
    assert_eq!(get(&picture, "sizes").as_string().as_deref(), Some("640x360"));
    let state = || get(&session, "playbackState").as_string();
    until(|| state().as_deref() == Some("playing")).await;
    until(|| told.borrow().last() == Some(&true)).await;
    until(|| get(&handlers, "nexttrack").is_function()).await;
    call(&handlers, "nexttrack", &[Object::new().into()]);
    assert_eq!(nexts.get(), 1);
    app.destroy();
    until(|| get(&handlers, "nexttrack").is_null()).await;
    until(|| get(&session, "metadata").is_null()).await;
    until(|| state().as_deref() == Some("none")).await;
    until(|| told.borrow().last() == Some(&false)).await;
    for name in ["setPositionState", "setActionHandler"] {
        Reflect::delete_property(session.unchecked_ref::<Object>(), &name.into()).unwrap();
    }
}

/// Two clicks are full screen and leave the film alone, however late the second one is; one plays or pauses
/// it.
#[wasm_bindgen_test]
async fn a_double_click_does_not_stop_the_film() {
    let toggled = Rc::new(Cell::new(0));
    let told = Rc::clone(&toggled);
    let place = place();
    let remote = remote(Callback::from(move |()| told.set(told.get() + 1)));
    let props = FilmProps { remote, media: MediaState::default(), has_next: false };
    yew::Renderer::<Film>::with_root_and_props(place.clone(), props).render();
    rendered().await;
    let picture = one(&place, ".picture");
    let click = |count| {
        let init = web_sys::MouseEventInit::new();
        init.set_bubbles(true);
        init.set_detail(count);
        let event = web_sys::MouseEvent::new_with_mouse_event_init_dict("click", &init).unwrap();
        picture.dispatch_event(&event).unwrap();
    };
    click(1);
    click(2);
    assert_eq!(toggled.get(), 0);
    // Timers run in order: had the first click left one, it would have run before this one's.
    click(3);
    until(|| toggled.get() > 0).await;
    assert_eq!(toggled.get(), 1);
    // What the first of two has done is undone by a late second one.
    click(4);
    assert_eq!(toggled.get(), 2);
    // What no pointer has done needs not wait.
    picture.click();
    assert_eq!(toggled.get(), 3);
}
