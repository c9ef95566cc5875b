//! What comes after a film, what stands beside it, and what the account thinks of it.

use crate::around::{
    Around, AroundProps, film, link, one, place, press, quality, remote, rendered, tracks, until,
};
use gloo::utils::{body, document, window};
use js_sys::Reflect;
use matinee::browser::get;
use matinee::components::remote::Press;
use matinee::components::settings::{Setting, Settings};
use matinee::components::{Beside, Controls, MediaState, UpNext, VoteButtons};
use nccp::Chapter;
use nccp::json::LibraryMovie;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_test::wasm_bindgen_test;
use web_sys::{Element, Event, EventTarget};
use yew::prelude::*;

fn chapters() -> Vec<Chapter> {
    [(0.0, "Intro"), (20.0, "The walk"), (50.0, "Credits")]
        .map(|(start, title)| Chapter { start, title: title.to_owned() })
        .into()
}

/// A card, and how often it played and was stopped.
fn card(seconds: u32, holds: bool) -> (Element, yew::AppHandle<Around>, Rc<Cell<[u32; 2]>>) {
    let counts = Rc::new(Cell::new([0, 0]));
    let count = |n: usize| {
        let counts = Rc::clone(&counts);
        Callback::from(move |()| {
            let mut now = counts.get();
            now[n] += 1;
            counts.set(now);
        })
    };
    let place = place();
    let children = html! { <UpNext film={film()} {seconds} {holds} on_play={count(0)} on_stop={count(1)} /> };
    let props = AroundProps { children };
    let app = yew::Renderer::<Around>::with_root_and_props(place.clone(), props).render();
    (place, app, counts)
}

#[wasm_bindgen_test]
async fn the_card_names_what_comes_and_is_stopped_by_button_and_key() {
    let (place, app, counts) = card(59, false);
    rendered().await;
    let card = one(&place, "section[aria-label='Up next']");
    until(|| card.style().get_property_value("--seconds").as_deref() == Ok("59s")).await;
    assert!(!card.contains(document().active_element().as_deref()), "it takes no focus");
    let count = one(&place, ".count");
    assert_eq!(count.get_attribute("aria-hidden").as_deref(), Some("true"), "no word each second");
    let begun = count.text_content();
    assert!(begun.as_deref().is_some_and(|text| text.starts_with("Begins in 5")), "{begun:?}");
    until(|| count.text_content() != begun).await;
    let play = one(&place, "button[aria-label='Play now: Matinee demo film']");
    assert_eq!(play.text_content().as_deref(), Some("Play now"), "what is read is in the name");
    play.click();
    let stop = one(&place, "button.secondary");
    assert_eq!(stop.text_content().as_deref(), Some("Cancel"));
    stop.click();
    assert_eq!(counts.get(), [1, 1]);
    let page: EventTarget = body().into();
    press("x", &page);
    press("Escape", &page);
    assert_eq!(counts.get(), [1, 2]);
    // Browsers take the key for it.
    let leave = || document().dispatch_event(&Event::new("fullscreenchange").unwrap()).unwrap();
    leave();
    assert_eq!(counts.get(), [1, 3]);
    app.destroy();
    rendered().await;
    press("Escape", &page);
    leave();
    assert_eq!(counts.get(), [1, 3], "nothing listens any more");
}

/// Timers run in order: had the card that waits set one, it would have run before the other's.
#[wasm_bindgen_test]
async fn the_next_film_plays_by_itself_but_not_while_the_card_waits() {
    let (_, waiting, held) = card(1, true);
    rendered().await;
    let (_, running, counts) = card(1, false);
    until(|| counts.get() == [1, 0]).await;
    assert_eq!(held.get(), [0, 0]);
    waiting.destroy();
    running.destroy();
}

#[wasm_bindgen_test]
async fn whether_what_is_up_next_plays_by_itself_is_set() {
    let chosen = Rc::new(RefCell::new(Vec::new()));
    for (plays_next, expected) in [(Some(true), false), (Some(false), true)] {
        let told = Rc::clone(&chosen);
        let on_choose = Callback::from(move |setting| told.borrow_mut().push(setting));
        let place = place();
        let children =
            html! { <Settings quality={quality()} tracks={tracks()} speed=1.0 {plays_next} {on_choose} /> };
        yew::Renderer::<Around>::with_root_and_props(place.clone(), AroundProps { children }).render();
        rendered().await;
        one(&place, "button[aria-haspopup=menu]").click();
        rendered().await;
        let switches = place.query_selector_all("[role=menuitemcheckbox]").unwrap();
        let switch: web_sys::HtmlElement = switches.get(0).unwrap().unchecked_into();
        assert_eq!(switch.text_content().as_deref(), Some("Play what is up next"));
        assert_eq!(switch.get_attribute("aria-checked"), plays_next.map(|on| on.to_string()));
        switch.click();
        assert_eq!(chosen.borrow().last(), Some(&Setting::PlaysNext(expected)));
    }
}

#[wasm_bindgen_test]
async fn the_controls_have_chapters_the_next_episode_and_theatre_mode() {
    let place = place();
    let media = MediaState { time: 25.0, volume: 1.0, ..MediaState::default() };
    let nexts = Rc::new(Cell::new([0, 0]));
    let count = |n: usize| {
        let nexts = Rc::clone(&nexts);
        Callback::from(move |()| {
            let mut now = nexts.get();
            now[n] += 1;
            nexts.set(now);
        })
    };
    let mut remote = remote(Callback::noop());
    (remote.on_next, remote.on_theatre) = (count(0), count(1));
    let children = html! {
        <Controls {remote} {media} quality={quality()} tracks={tracks()} stills={None} chapters={chapters()}
            on_choose={Callback::noop()} title="Film" idle=false next={AttrValue::from("The second")} theatre={Some(true)} />
    };
    let props = AroundProps { children };
    let app = yew::Renderer::<Around>::with_root_and_props(place.clone(), props).render();
    rendered().await;
    let theatre = one(&place, "button[aria-label='Theatre mode']");
    assert_eq!(theatre.get_attribute("aria-pressed").as_deref(), Some("true"));
    one(&place, "button[aria-label='Next episode: The second']").click();
    theatre.click();
    assert_eq!(nexts.get(), [1, 1]);
    let page: EventTarget = body().into();
    until(|| {
        press("n", &page);
        nexts.get()[0] > 1
    })
    .await;
    press("t", &page);
    assert_eq!(nexts.get()[1], 2);
    one(&place, "button[aria-label=Chapters]").click();
    rendered().await;
    let items = place.query_selector_all("[aria-label=Chapters] [role=menuitemradio]").unwrap();
    assert_eq!(items.length(), 3);
    let checked = one(&place, "[aria-label=Chapters] [aria-checked=true]");
    assert_eq!(checked.text_content().as_deref(), Some("The walk 0:20"));
    app.destroy();
}

#[wasm_bindgen_test]
async fn beside_the_film_are_its_chapters_and_what_goes_with_it() {
    let sought = Rc::new(RefCell::new(Vec::new()));
    let told = Rc::clone(&sought);
    let on_press = Callback::from(move |press| told.borrow_mut().push(press));
    let place = place();
    let children = html! {
        <Beside title="A film" film={film()} chapters={chapters()} at={Some(1usize)} others={vec![film()]} {on_press} />
    };
    yew::Renderer::<Around>::with_root_and_props(place.clone(), AroundProps { children }).render();
    rendered().await;
    one(&place, "aside[aria-label='About A film']");
    let here = one(&place, "[aria-current=true]");
    assert_eq!(here.text_content().as_deref(), Some("The walk0:20"));
    here.click();
    assert_eq!(*sought.borrow(), [Press::To(20.0)]);
    link(&place, "/watch?movieid=60027274");
}

/// Thumbs say what the account said before, and send what it says now; pressed again they take it back.
#[wasm_bindgen_test]
async fn thumbs_are_given_and_taken_back() {
    js_sys::eval(
        "window.realFetch = window.fetch; window.asked = [];
         window.fetch = async asked => {
             window.asked.push([asked.method, new URL(asked.url).pathname, await asked.clone().text()].join(' '));
             return new Response(null, { status: 204 });
         };",
    )
    .unwrap();
    for (liked, pressed, expected) in [
        (None, 0, "PUT /api/votes/60027274 {\"liked\":true}"),
        (Some(false), 0, "PUT /api/votes/60027274 {\"liked\":true}"),
        (Some(true), 1, "PUT /api/votes/60027274 {\"liked\":false}"),
        (Some(true), 0, "DELETE /api/votes/60027274 "),
        (Some(false), 1, "DELETE /api/votes/60027274 "),
    ] {
        let place = place();
        let film = LibraryMovie { liked, likes: liked.map(|_| 92), ..film() };
        let props = AroundProps { children: html! { <VoteButtons {film} /> } };
        yew::Renderer::<Around>::with_root_and_props(place.clone(), props).render();
        rendered().await;
        let names = ["I like Matinee demo film", "Matinee demo film is not for me"];
        let thumbs = names.map(|name| one(&place, &format!("button[aria-label='{name}']")));
        let states = thumbs.each_ref().map(|thumb| thumb.get_attribute("aria-pressed").unwrap());
        assert_eq!(states, [liked == Some(true), liked == Some(false)].map(|on| on.to_string()));
        let share = place.text_content().unwrap().contains("92 % of those who rated it like it");
        assert_eq!(share, liked.is_some());
        thumbs[pressed].click();
        let asked = || -> js_sys::Array { get(&window(), "asked").unchecked_into() };
        until(|| asked().length() > 0).await;
        assert_eq!(asked().get(0).as_string().as_deref(), Some(expected));
        Reflect::set(&window(), &"asked".into(), &js_sys::Array::new()).unwrap();
        assert!(place.query_selector("[role=alert]").unwrap().is_none());
    }
    Reflect::set(&window(), &"fetch".into(), &get(&window(), "realFetch")).unwrap();
    // The test's own server knows no votes.
    let place = place();
    let props = AroundProps { children: html! { <VoteButtons film={film()} /> } };
    yew::Renderer::<Around>::with_root_and_props(place.clone(), props).render();
    rendered().await;
    one(&place, "button[aria-label='I like Matinee demo film']").click();
    until(|| place.query_selector("[role=alert]").unwrap().is_some()).await;
    assert!(one(&place, "[role=alert]").text_content().unwrap().contains("Try again"));
    let _: JsValue = js_sys::eval("delete window.realFetch; delete window.asked").unwrap();
}
