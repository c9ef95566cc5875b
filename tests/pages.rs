//! Pages as people and other programs find their way about them: by role and name; and their addresses.
#![cfg(target_arch = "wasm32")]
#![allow(missing_docs, clippy::unwrap_used)]

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use drm_api::{DrmError, PolicyReason};
use futures_channel::oneshot;
use gloo::{events::EventListener, timers::future::TimeoutFuture, utils::document};
use matinee::{
    browse::{Index, fold},
    components::{
        Billing, Controls, ErrorView, FilmCard, Films, Grid, KeyHelp, MediaState, PasswordForm, RenameDevice,
        remote::Remote,
        settings::{Setting, Settings},
    },
    pages::{Activate, LoginForm, LoginFormProps},
    route::{Route, safe_next},
    session::{Action, Phase, Session, SessionHandle},
    spoken,
};
use nccp::{
    ErrorCode, Playing,
    json::{Device, Library, LibraryMovie},
};
use wasm_bindgen::JsCast;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};
use web_player::{
    player::{Choice, EventState, LiveEvent, Quality, Run, Rung, Tracks},
    problem::{Problem, Way},
};
use web_sys::{Element, HtmlElement, HtmlInputElement};
use yew::prelude::*;

wasm_bindgen_test_configure!(run_in_browser);

fn place() -> Element {
    let place = document().create_element("div").unwrap();
    gloo::utils::body().append_child(&place).unwrap();
    place
}

/// Lets Yew render what is due.
async fn rendered() {
    for _ in 0..3 {
        TimeoutFuture::new(0).await;
    }
}

/// Waits until it holds: effects may come after a paint.
async fn until(holds: impl Fn() -> bool) {
    while !holds() {
        TimeoutFuture::new(5).await;
    }
}

/// The only element that matches.
fn one(place: &Element, selector: &str) -> HtmlElement {
    let found = place.query_selector_all(selector).unwrap();
    assert_eq!(found.length(), 1, "{selector} in {}", place.inner_html());
    found.get(0).unwrap().unchecked_into()
}

/// The text of the label around a field.
fn label(field: &HtmlElement) -> String {
    field.closest("label").unwrap().unwrap().text_content().unwrap().trim().to_owned()
}

#[wasm_bindgen_test]
async fn the_login_form_has_its_names() {
    let place = place();
    let props = LoginFormProps { on_signed_in: Callback::noop() };
    yew::Renderer::<LoginForm>::with_root_and_props(place.clone(), props).render();
    rendered().await;
    let (email, password) = (one(&place, "input[type=email]"), one(&place, "input[type=password]"));
    assert_eq!((label(&email).as_str(), label(&password).as_str()), ("Email", "Password"));
    assert_eq!(email.get_attribute("autocomplete").as_deref(), Some("username"));
    assert_eq!(password.get_attribute("autocomplete").as_deref(), Some("current-password"));
    let button = one(&place, "button[type=submit]");
    assert_eq!(button.text_content().as_deref(), Some("Sign in"));
    assert!(place.query_selector("[style]").unwrap().is_none(), "the site's CSP forbids style attributes");
}

#[wasm_bindgen_test]
async fn a_login_that_is_refused_says_so_in_words() {
    let place = place();
    let signed_in = Rc::new(Cell::new(false));
    let told = Rc::clone(&signed_in);
    let props = LoginFormProps { on_signed_in: Callback::from(move |()| told.set(true)) };
    yew::Renderer::<LoginForm>::with_root_and_props(place.clone(), props).render();
    rendered().await;
    let fill = |selector: &str, value: &str| {
        let input: HtmlInputElement = one(&place, selector).unchecked_into();
        input.set_value(value);
    };
    fill("input[type=email]", "ada@example.org");
    fill("input[type=password]", "wrong");
    // The test's own server knows no /login.
    one(&place, "button[type=submit]").click();
    let alert = one(&place, "[role=alert]");
    let (seen, words) = oneshot::channel();
    let seen = Cell::new(Some(seen));
    let observer = gloo::timers::callback::Interval::new(20, move || {
        let text = alert.text_content().unwrap_or_default();
        if !text.is_empty()
            && let Some(seen) = seen.take()
        {
            seen.send(text).unwrap();
        }
    });
    let words = words.await.unwrap();
    drop(observer);
    assert!(words.contains("service"), "{words}");
    assert!(!signed_in.get());
    assert_eq!(one(&place, "button[type=submit]").get_attribute("aria-busy").as_deref(), Some("false"));
}

/// The fields have names for people and for password managers; what is mistyped is said at its field without asking
/// the server, and everything typed stays.
#[wasm_bindgen_test]
async fn the_password_form_has_its_names_and_says_what_is_mistyped() {
    let place = place();
    let email = Some(AttrValue::from("ada@example.org"));
    let props = AroundProps { children: html! { <PasswordForm {email} /> } };
    yew::Renderer::<Around>::with_root_and_props(place.clone(), props).render();
    rendered().await;
    let field =
        |name: &str| -> HtmlInputElement { one(&place, &format!("input[name={name}]")).unchecked_into() };
    let fields = ["old_password", "new_password", "repeated"].map(field);
    let names = fields.each_ref().map(|field| (label(field), field.get_attribute("autocomplete").unwrap()));
    let expected = [
        ("Current password", "current-password"),
        ("New password", "new-password"),
        ("New password, once more", "new-password"),
    ];
    assert_eq!(names, expected.map(|(name, complete)| (name.to_owned(), complete.to_owned())));
    assert_eq!(field("username").value(), "ada@example.org");
    assert_eq!(label(&one(&place, "input[type=checkbox]")), "Keep TV boxes signed in");
    for (typed, wrong, words) in [
        (["", "new", "new"], 0, "that you have now"),
        (["old", "", ""], 1, "Type the new password"),
        (["old", "new", "knew"], 2, "not typed twice alike"),
        (["old", "old", "old"], 1, "that you have now"),
    ] {
        fields.iter().zip(typed).for_each(|(field, text)| field.set_value(text));
        one(&place, "button[type=submit]").click();
        rendered().await;
        let said = one(&place, "[role=alert]").text_content().unwrap();
        assert!(said.contains(words), "{said}");
        assert!(document().active_element().unwrap().is_same_node(Some(&fields[wrong])), "{said}");
        for (n, field) in fields.iter().enumerate() {
            assert_eq!(field.get_attribute("aria-invalid").is_some(), n == wrong, "{said}");
            assert_eq!(field.value(), typed[n]);
        }
    }
    assert!(place.query_selector("[style]").unwrap().is_none(), "the site's CSP forbids style attributes");
}

/// A14: what is typed wrong is said at once, without asking the server.
#[wasm_bindgen_test]
async fn a14_the_code_field_has_its_name_and_says_what_is_mistyped() {
    let place = place();
    let props = AroundProps { children: html! { <Activate /> } };
    yew::Renderer::<Around>::with_root_and_props(place.clone(), props).render();
    rendered().await;
    let field = one(&place, "input[name=code]");
    assert_eq!(label(&field), "Code on the TV");
    assert!(document().active_element().unwrap().is_same_node(Some(&field)));
    let input: HtmlInputElement = field.clone().unchecked_into();
    for (typed, words) in [("", "Type the code"), ("ab-c", "this has 3"), ("abc 0ef", "0 or 1")] {
        input.set_value(typed);
        one(&place, "button[type=submit]").click();
        rendered().await;
        let said = one(&place, "[role=alert]").text_content().unwrap();
        assert!(said.contains(words), "{typed}: {said}");
        assert_eq!(field.get_attribute("aria-invalid").as_deref(), Some("true"));
    }
    assert!(place.query_selector("[style]").unwrap().is_none(), "the site's CSP forbids style attributes");
}

fn film() -> LibraryMovie {
    serde_json::from_str(
        r#"{"movie_id": 60027274, "title": "Matinee demo film", "year": 2026, "runtime": 60.0, "cast": ["Ada"],
            "art": [{"url": "/art/0/poster.jpg", "width": 1280, "height": 720}], "position": 12.5, "queued": false,
            "playable": true}"#,
    )
    .unwrap()
}

#[derive(Properties, PartialEq)]
struct AroundProps {
    children: Html,
}

/// A session of which nothing is known, without a worker or a server.
#[function_component]
fn Around(props: &AroundProps) -> Html {
    let session: SessionHandle = use_reducer(|| Session::new(vec![]));
    html! { <ContextProvider<SessionHandle> context={session}>{ props.children.clone() }</ContextProvider<SessionHandle>> }
}

/// The only link to an address, and its name.
fn link(place: &Element, address: &str) -> HtmlElement {
    one(place, &format!("a[href=\"{address}\"]"))
}

#[wasm_bindgen_test]
async fn a_film_has_a_link_that_plays_and_one_to_its_page() {
    let place = place();
    let props = AroundProps { children: html! { <FilmCard film={film()} /> } };
    yew::Renderer::<Around>::with_root_and_props(place.clone(), props).render();
    rendered().await;
    assert_eq!(place.query_selector_all("a").unwrap().length(), 2);
    let title = link(&place, "/film/60027274");
    assert_eq!(title.text_content().as_deref(), Some("Matinee demo film"));
    assert_eq!(
        title.get_attribute("title").as_deref(),
        Some("Matinee demo film"),
        "all of it, where it is cut"
    );
    let play = link(&place, "/watch?movieid=60027274");
    assert_eq!(play.get_attribute("aria-label").as_deref(), Some("Resume Matinee demo film"));
    assert_eq!(one(&place, "img").get_attribute("alt").as_deref(), Some(""));
    let seen = one(&place, ".seen").style().get_property_value("--seen").unwrap();
    assert!((seen.parse::<f64>().unwrap() - 12.5 / 60.0).abs() < 1e-6, "{seen}");
}

#[wasm_bindgen_test]
async fn the_film_in_front_has_real_buttons() {
    let place = place();
    let film = LibraryMovie { position: None, ..film() };
    let props = AroundProps { children: html! { <Billing {film} /> } };
    yew::Renderer::<Around>::with_root_and_props(place.clone(), props).render();
    rendered().await;
    let play = link(&place, "/watch?movieid=60027274");
    assert_eq!(play.text_content().as_deref(), Some("Play"));
    assert_eq!(play.get_attribute("aria-label").as_deref(), Some("Play Matinee demo film"));
    let about: Vec<_> = ["About Matinee demo film"]
        .into_iter()
        .filter(|name| place.query_selector(&format!("a[aria-label='{name}']")).unwrap().is_some())
        .collect();
    assert_eq!(about.len(), 1, "{}", place.inner_html());
    assert_eq!(one(&place, "h2").text_content().as_deref(), Some("Matinee demo film"));
}

/// A film without a picture is told from others by its look and its letters; a tall picture is shown whole.
#[wasm_bindgen_test]
async fn posters_tell_films_apart() {
    let mut looks = Vec::new();
    for title in ["Matinee demo film", "Lecture 7"] {
        let place = place();
        let film = LibraryMovie { title: title.into(), art: vec![], ..film() };
        let props = AroundProps { children: html! { <FilmCard {film} /> } };
        yew::Renderer::<Around>::with_root_and_props(place.clone(), props).render();
        rendered().await;
        let stand_in = one(&place, ".stand-in");
        looks.push((stand_in.class_name(), stand_in.text_content().unwrap()));
    }
    assert_eq!([&*looks[0].1, &*looks[1].1], ["MDF", "L7"]);
    assert_ne!(looks[0].0, looks[1].0);
    for (width, height, tall) in [(1280, 720, false), (600, 900, true)] {
        let place = place();
        let mut film = film();
        (film.art[0].width, film.art[0].height) = (width, height);
        let props = AroundProps { children: html! { <FilmCard {film} /> } };
        yew::Renderer::<Around>::with_root_and_props(place.clone(), props).render();
        rendered().await;
        assert_eq!(place.query_selector(".poster.tall").unwrap().is_some(), tall);
    }
}

#[wasm_bindgen_test]
async fn a_plain_click_stays_in_the_app() {
    for address in ["/film/60027274", "/watch?movieid=60027274"] {
        let place = place();
        let props = AroundProps { children: html! { <FilmCard film={film()} /> } };
        yew::Renderer::<Around>::with_root_and_props(place.clone(), props).render();
        rendered().await;
        let before = gloo::utils::window().location().href().unwrap();
        let moved = Rc::new(Cell::new(false));
        let told = Rc::clone(&moved);
        let _listener = EventListener::new(&gloo::utils::window(), "popstate", move |_| told.set(true));
        link(&place, address).click();
        rendered().await;
        assert!(moved.get());
        assert!(gloo::utils::window().location().href().unwrap().ends_with(address));
        matinee::route::replace(&before);
    }
}

#[wasm_bindgen_test]
fn search_knows_no_case_and_no_accents() {
    assert_eq!(fold("Amélie STRASSE Straße Łódź Ænima"), "amelie strasse strasse lodz aenima");
    let named = |title: &str, cast: &str, genre: &str, year| LibraryMovie {
        title: title.into(),
        cast: vec![cast.into()],
        genres: vec![genre.into()],
        year,
        ..film()
    };
    let films = [
        named("The Apple", "Zoë Doe", "Drama", Some(1999)),
        named("Äpfel", "Ada", "Komödie", None),
        named("Nothing", "Ada Apple", "Drama", Some(2020)),
    ];
    let index = Index::new(&films);
    for (query, found) in [
        ("apple", vec![0, 2]),
        ("APFEL", vec![1]),
        ("zoe", vec![0]),
        ("komodie", vec![1]),
        ("drama 2020", vec![2]),
        ("ada drama", vec![2]),
        ("199", vec![0]),
        ("nobody", vec![]),
        ("  ", vec![0, 1, 2]),
    ] {
        assert_eq!(index.find(query), found, "{query}");
    }
}

/// A library of many films: lanes, a search that answers as one types, an order, and not all cards at once.
#[wasm_bindgen_test]
async fn a_large_library_is_searched_and_sorted() {
    let before = gloo::utils::window().location().href().unwrap();
    matinee::route::replace("/library");
    let movies: Vec<LibraryMovie> = (1..=200)
        .map(|n| LibraryMovie {
            movie_id: n.to_string().parse().unwrap(),
            title: format!("Film {n:03}"),
            genres: vec![if n % 2 == 0 { "Even" } else { "Odd" }.into()],
            added: n,
            position: (n == 7).then_some(10.0),
            watched_at: (n == 7).then_some(5),
            ..film()
        })
        .collect();
    let library = Rc::new(Library { account: "a-1".into(), email: "a@b".into(), movies, boxes: 0 });
    let place = place();
    let props = AroundProps { children: html! { <Films {library} /> } };
    yew::Renderer::<Around>::with_root_and_props(place.clone(), props).render();
    rendered().await;
    let texts = |selector: &str| -> Vec<String> {
        let found = place.query_selector_all(selector).unwrap();
        (0..found.length()).map(|n| found.get(n).unwrap().text_content().unwrap()).collect()
    };
    assert_eq!(one(&place, ".now-showing h2").text_content().as_deref(), Some("Film 007"), "seen last");
    assert_eq!(texts(".row h2"), ["New", "Even", "Odd", "All films"]);
    assert_eq!(texts(".lane h3")[0], "Film 200", "the newest");
    let cards = place.query_selector_all(".films.all .film").unwrap().length();
    assert!((20..200).contains(&cards), "{cards}");
    let ids = place.query_selector_all("[id]").unwrap();
    let ids: Vec<String> =
        (0..ids.length()).map(|n| ids.get(n).unwrap().unchecked_into::<Element>().id()).collect();
    assert_eq!(ids.iter().collect::<std::collections::BTreeSet<_>>().len(), ids.len(), "no id twice");
    // More of them by a button, for whoever does not scroll.
    one(&place, ".more button").click();
    rendered().await;
    assert!(place.query_selector_all(".films.all .film").unwrap().length() > cards);

    // The key leads to the field, and does not land in it.
    until(|| press("/", &document())).await;
    let field: HtmlInputElement = one(&place, "input[type=search]").unchecked_into();
    assert!(document().active_element().unwrap().is_same_node(Some(&field)));
    let type_in = |text: &str| {
        field.set_value(text);
        let init = web_sys::InputEventInit::new();
        init.set_bubbles(true);
        let event = web_sys::InputEvent::new_with_event_init_dict("input", &init).unwrap();
        field.dispatch_event(&event).unwrap();
    };
    type_in("film 01");
    rendered().await;
    assert_eq!(one(&place, "[role=status]").text_content().as_deref(), Some("10 films found"));
    assert!(place.query_selector(".now-showing").unwrap().is_none());
    assert_eq!(texts(".films.all h3")[0], "Film 010");
    until(|| gloo::utils::window().location().href().unwrap().ends_with("/library?q=film%2001")).await;
    type_in("nothing like it");
    rendered().await;
    assert!(one(&place, "[role=status]").text_content().unwrap().starts_with("No film matches"));
    type_in("");
    rendered().await;
    assert_eq!(texts(".films.all h3")[0], "Film 001");
    assert!(place.query_selector("[style]").unwrap().is_none_or(|it| it.class_name() == "seen"));
    matinee::route::replace(&before);
}

#[wasm_bindgen_test]
async fn a_grid_has_a_page_of_cards_at_first() {
    let place = place();
    let films = vec![film()];
    let props = AroundProps { children: html! { <Grid {films} /> } };
    yew::Renderer::<Around>::with_root_and_props(place.clone(), props).render();
    rendered().await;
    assert_eq!(place.query_selector_all(".film").unwrap().length(), 1);
    assert!(place.query_selector(".more").unwrap().is_none(), "there are no more");
}

/// The dialog has its field's name, what was typed stays when the server cannot be asked, and it is said.
#[wasm_bindgen_test]
async fn a_device_is_renamed_in_a_dialog() {
    let place = place();
    let device: Device = serde_json::from_str(&format!(
        r#"{{"device_id": "d-{}", "name": "Chrome on Linux", "kind": "browser", "slot": 2, "registered_at": 1,
            "last_seen": 2, "this_device": false}}"#,
        "0".repeat(32)
    ))
    .unwrap();
    let done = Rc::new(RefCell::new(Vec::new()));
    let told = Rc::clone(&done);
    let on_done = Callback::from(move |name: Option<String>| told.borrow_mut().push(name));
    let props = AroundProps { children: html! { <RenameDevice {device} {on_done} /> } };
    yew::Renderer::<Around>::with_root_and_props(place.clone(), props).render();
    rendered().await;
    let field: HtmlInputElement = one(&place, "input[name=device-name]").unchecked_into();
    until(|| field.value() == "Chrome on Linux").await;
    assert_eq!(label(&field), "Name");
    field.set_value("Kitchen");
    // The test's own server knows no such route.
    one(&place, "form button:not([type])").click();
    let (seen, words) = oneshot::channel();
    let seen = Cell::new(Some(seen));
    let alert = one(&place, "[role=alert]");
    let observer = gloo::timers::callback::Interval::new(20, move || {
        let text = alert.text_content().unwrap_or_default();
        if !text.is_empty()
            && let Some(seen) = seen.take()
        {
            seen.send(text).unwrap();
        }
    });
    assert!(!words.await.unwrap().is_empty());
    drop(observer);
    assert_eq!(field.value(), "Kitchen");
    assert_eq!(field.get_attribute("aria-invalid").as_deref(), Some("true"));
    assert!(done.borrow().is_empty());
    one(&place, "form button[type=button]").click();
    rendered().await;
    assert_eq!(*done.borrow(), [None]);
}

#[wasm_bindgen_test]
async fn an_event_says_where_it_stands() {
    for (state, starts, playable, words) in [
        ("live", None, true, Some("LIVE")),
        ("interrupted", None, true, Some("Interrupted: it will go on")),
        ("waiting", None, false, Some("Has not begun yet")),
        ("ended", None, false, Some("Has ended")),
        ("ended", None, true, None),
        ("waiting", Some(1_790_000_000), false, Some("Begins ")),
    ] {
        let place = place();
        let film = LibraryMovie {
            state: Some(state.into()),
            starts,
            playable,
            runtime: 0.0,
            position: None,
            ..film()
        };
        let props = AroundProps { children: html! { <FilmCard {film} /> } };
        yew::Renderer::<Around>::with_root_and_props(place.clone(), props).render();
        rendered().await;
        match words {
            Some(words) => {
                let said = one(&place, ".live-badge").text_content().unwrap();
                assert!(said.starts_with(words), "{said}");
                assert!(starts.is_none() || said.len() > words.len() + 8, "{said}");
            }
            None => assert!(place.query_selector(".live-badge").unwrap().is_none()),
        }
        let text = place.text_content().unwrap();
        let refused = state == "ended" && !playable;
        assert_eq!(text.contains("Not available to you"), refused, "{state}: {text}");
        assert!(!text.contains("0 s"), "{text}");
    }
}

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

fn quality() -> Quality {
    let rung = |id: &str, height| Rung { id: id.into(), height, bandwidth: 1_000_000 };
    Quality {
        rungs: vec![rung("c", 720), rung("b", 360), rung("a", 240)],
        chosen: None,
        playing: Some("b".into()),
    }
}

fn tracks() -> Tracks {
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

fn remote(on_toggle: Callback<()>) -> Remote {
    Remote {
        video: NodeRef::default(),
        stage: NodeRef::default(),
        duration: 60.0,
        begin: 0.0,
        on_toggle,
        on_captions: Callback::noop(),
        on_help: Callback::noop(),
        on_note: Callback::noop(),
    }
}

fn controls(media: MediaState, on_toggle: Callback<()>) -> Html {
    let remote = remote(on_toggle);
    html! {
        <Controls {remote} {media} quality={quality()} tracks={tracks()} stills={None} chapters={Vec::new()}
            on_choose={Callback::noop()} title="Matinee demo film" idle=false />
    }
}

/// Presses a key; whether somebody took it.
fn press(key: &str, on: &web_sys::EventTarget) -> bool {
    let init = web_sys::KeyboardEventInit::new();
    init.set_key(key);
    init.set_bubbles(true);
    init.set_cancelable(true);
    let event = web_sys::KeyboardEvent::new_with_keyboard_event_init_dict("keydown", &init).unwrap();
    on.dispatch_event(&event).unwrap();
    event.default_prevented()
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
    last.get(3).unwrap().unchecked_into::<HtmlElement>().click();
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

/// A27: an answer that cannot be recovered from is shown with its own words and a way on.
#[wasm_bindgen_test]
async fn a27_every_code_has_its_own_words_and_a_way_on() {
    let mut titles = std::collections::BTreeSet::new();
    for (code, way) in [
        (ErrorCode::DeviceLimitReached, Way::Devices),
        (ErrorCode::LoginRequired, Way::SignIn),
        (ErrorCode::NotSubscribed, Way::Library),
        (ErrorCode::RegionNotAllowed, Way::Library),
        (ErrorCode::MovieUnknown, Way::Library),
        (ErrorCode::MovieNotAvailable, Way::Library),
        (ErrorCode::PolicyRefused, Way::Library),
        (ErrorCode::CertificateInvalid, Way::Retry),
        (ErrorCode::ClockSkew, Way::Retry),
        (ErrorCode::TryLater, Way::Retry),
    ] {
        let problem = Problem::from_code(code, code.text());
        assert_eq!(problem.way, way, "{code}");
        assert!(titles.insert(problem.title.clone()), "{code}");
        let place = place();
        let retried = Rc::new(Cell::new(false));
        let told = Rc::clone(&retried);
        let on_retry = Callback::from(move |()| told.set(true));
        let props = AroundProps { children: html! { <ErrorView problem={problem.clone()} {on_retry} /> } };
        yew::Renderer::<Around>::with_root_and_props(place.clone(), props).render();
        rendered().await;
        let alert = one(&place, "[role=alert]");
        let text = alert.text_content().unwrap();
        assert!(text.contains(&problem.title) && text.contains(code.as_str()), "{text}");
        // In another site's page there is no way around this one.
        let bare = self::place();
        let props = AroundProps { children: html! { <ErrorView problem={problem.clone()} bare=true /> } };
        yew::Renderer::<Around>::with_root_and_props(bare.clone(), props).render();
        rendered().await;
        one(&bare, "[role=alert]");
        assert!(bare.query_selector("a").unwrap().is_none(), "{}", bare.inner_html());
        match way {
            Way::Devices => drop(one(&place, "a[href='/devices']")),
            Way::SignIn => drop(one(&place, "a[href^='/login']")),
            Way::Retry => {
                one(&place, "button").click();
                assert!(retried.get());
            }
            Way::Reload => unreachable!("no code of the controller's"),
            Way::TakeOver => unreachable!("has a test of its own"),
            Way::Library => drop(one(&place, "a[href='/library']")),
        }
    }
}

/// Where films play elsewhere, each device can be stopped; one alone needs no name on its button.
#[wasm_bindgen_test]
async fn devices_that_play_can_be_stopped() {
    let device = |n: u8, name: &str, title: Option<&str>| Playing {
        device_id: format!("d-{n:032x}").parse().unwrap(),
        name: name.into(),
        title: title.map(str::to_owned),
        since: Some(web_player::clock::unix_now() as u64 - 300),
    };
    let (kitchen, study) = (device(1, "Kitchen", Some("The Walk")), device(2, "Study", None));
    for playing in [vec![kitchen.clone()], vec![kitchen, study]] {
        let problem = Problem {
            playing: playing.clone(),
            ..Problem::from_code(ErrorCode::StreamLimit, "Films are playing on Kitchen.")
        };
        let place = place();
        let stopped = Rc::new(RefCell::new(Vec::new()));
        let told = Rc::clone(&stopped);
        let on_take_over = Callback::from(move |device| told.borrow_mut().push(device));
        let props = AroundProps { children: html! { <ErrorView {problem} {on_take_over} /> } };
        yew::Renderer::<Around>::with_root_and_props(place.clone(), props).render();
        rendered().await;
        let said = one(&place, ".playing").text_content().unwrap();
        assert!(said.starts_with("Kitchen: The Walk, started 5 minutes ago"), "{said}");
        assert_eq!(said.ends_with("Study, started 5 minutes ago"), playing.len() == 2, "{said}");
        let buttons = place.query_selector_all("button").unwrap();
        assert_eq!(buttons.length() as usize, playing.len());
        for (n, device) in playing.iter().enumerate() {
            let button: HtmlElement = buttons.get(n as u32).unwrap().unchecked_into();
            let label = button.text_content().unwrap();
            match playing.len() {
                1 => assert_eq!(label, "Stop there and play here"),
                _ => assert_eq!(label, format!("Stop on {} and play here", device.name)),
            }
            button.click();
        }
        let all: Vec<_> = playing.into_iter().map(|device| device.device_id).collect();
        assert_eq!(*stopped.borrow(), all);
    }
}

#[wasm_bindgen_test]
async fn a_page_that_is_out_of_date_offers_to_reload() {
    for error in [DrmError::ModuleMismatch, DrmError::PolicyRefused { reason: PolicyReason::Module }] {
        let problem = Problem::from(&error);
        assert_eq!(problem.way, Way::Reload, "{error}");
        let place = place();
        let props = AroundProps { children: html! { <ErrorView {problem} /> } };
        yew::Renderer::<Around>::with_root_and_props(place.clone(), props).render();
        rendered().await;
        assert_eq!(one(&place, "button").text_content().as_deref(), Some("Reload the page"));
    }
}

#[wasm_bindgen_test]
fn a_session_goes_from_signed_out_to_signed_in_and_back() {
    let library = |account: &str| Library {
        account: account.into(),
        email: "ada@example.org".into(),
        movies: vec![film()],
        boxes: 0,
    };
    let session = Rc::new(Session::new(vec![]));
    assert_eq!(session.phase, Phase::Starting);
    let session = session.reduce(Action::SignedOut);
    assert_eq!(session.phase, Phase::SignedOut);
    let session = session.reduce(Action::Library(library("a-1")));
    assert_eq!((session.phase, session.account()), (Phase::SignedIn, Some("a-1")));
    let session = session.reduce(Action::DeviceFailed(Problem::network()));
    assert_eq!((session.phase, session.problem.is_some()), (Phase::SignedIn, true));
    // Without a device nothing plays.
    let session = session.reduce(Action::Playing("7".parse().unwrap()));
    assert_eq!(session.phase, Phase::SignedIn);
    let session = session.reduce(Action::Library(library("a-2")));
    assert_eq!((session.account(), session.problem.is_some()), (Some("a-2"), false));
    let session = session.reduce(Action::SignedOut);
    assert_eq!((session.phase, session.account()), (Phase::SignedOut, None));
}

#[wasm_bindgen_test]
fn addresses_are_read_and_written() {
    let watch = Route::parse("/watch", "?movieid=60027274");
    assert_eq!(watch, Route::Watch { movie: "60027274".parse().unwrap() });
    assert_eq!(watch.address(), "/watch?movieid=60027274");
    assert_eq!(watch.clone().login().address(), "/login?next=%2Fwatch%3Fmovieid%3D60027274");
    assert_eq!(
        Route::parse("/login", "?next=%2Fwatch%3Fmovieid%3D60027274"),
        Route::Login { next: watch.address() }
    );
    assert_eq!(Route::parse("/", ""), Route::Library);
    let page = Route::parse("/film/7", "");
    assert_eq!(
        (&page, page.clone().login().address().as_str()),
        (&Route::Film { movie: "7".parse().unwrap() }, "/login?next=%2Ffilm%2F7")
    );
    let account = Route::parse("/account", "");
    assert_eq!((&account, account.address().as_str()), (&Route::Account, "/account"));
    let activate = Route::parse("/activate", "");
    assert_eq!(
        (&activate, activate.clone().login().address().as_str()),
        (&Route::Activate, "/login?next=%2Factivate")
    );
    let embed = Route::parse("/embed", "?movie=7");
    assert_eq!(
        (&embed, embed.address().as_str()),
        (&Route::Embed { movie: "7".parse().unwrap() }, "/embed?movie=7")
    );
    assert_eq!(Route::parse("/embed", "?movieid=7"), embed);
    for (path, search) in [
        ("/embed", ""),
        ("/watch", ""),
        ("/watch", "?movieid=x"),
        ("/watch", "?movieid=-1"),
        ("/nowhere", ""),
        ("/film/", ""),
        ("/film/x", ""),
        ("/film/7/8", ""),
    ] {
        assert_eq!(Route::parse(path, search), Route::NotFound, "{path}{search}");
    }
}

#[wasm_bindgen_test]
fn a3_next_never_leads_off_the_site() {
    assert_eq!(safe_next(Some("/watch?movieid=1")), "/watch?movieid=1");
    for evil in ["https://evil", "//evil", "/\\evil", "\\/evil", "/\t/evil", "/\n/evil", "", "javascript:1"] {
        assert_eq!(safe_next(Some(evil)), "/library", "{evil:?}");
    }
    assert_eq!(safe_next(None), "/library");
}

#[wasm_bindgen_test]
fn times_are_spoken() {
    assert_eq!(spoken::position(3723.9), "1:02:03");
    assert_eq!(spoken::position(63.0), "1:03");
    assert_eq!(spoken::position(f64::NAN), "0:00");
    assert_eq!(spoken::runtime(60.0), "1 min");
    assert_eq!(spoken::runtime(5520.0), "1 h 32 min");
    assert_eq!(spoken::runtime(45.2), "45 s");
}
