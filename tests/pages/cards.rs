//! Films and events in the library.

use crate::around::{Around, AroundProps, film, one, place, rendered};
use gloo::events::EventListener;
use matinee::components::FilmCard;
use nccp::json::LibraryMovie;
use std::cell::Cell;
use std::rc::Rc;
use wasm_bindgen_test::wasm_bindgen_test;
use yew::prelude::*;

#[wasm_bindgen_test]
async fn a_film_is_one_link_by_its_title() {
    let place = place();
    let props = AroundProps { children: html! { <FilmCard film={film()} featured=true /> } };
    yew::Renderer::<Around>::with_root_and_props(place.clone(), props).render();
    rendered().await;
    let link = one(&place, "a");
    assert_eq!(link.text_content().as_deref(), Some("Matinee demo film"));
    assert_eq!(link.get_attribute("href").as_deref(), Some("/watch?movieid=60027274"));
    assert_eq!(one(&place, "img").get_attribute("alt").as_deref(), Some(""));
    let seen = one(&place, ".seen").style().get_property_value("--seen").unwrap();
    assert!((seen.parse::<f64>().unwrap() - 12.5 / 60.0).abs() < 1e-6, "{seen}");
}

#[wasm_bindgen_test]
async fn a_plain_click_stays_in_the_app() {
    let place = place();
    let props = AroundProps { children: html! { <FilmCard film={film()} /> } };
    yew::Renderer::<Around>::with_root_and_props(place.clone(), props).render();
    rendered().await;
    let before = gloo::utils::window().location().href().unwrap();
    let moved = Rc::new(Cell::new(false));
    let told = Rc::clone(&moved);
    let _listener = EventListener::new(&gloo::utils::window(), "popstate", move |_| told.set(true));
    one(&place, "a").click();
    rendered().await;
    assert!(moved.get());
    assert!(gloo::utils::window().location().href().unwrap().ends_with("/watch?movieid=60027274"));
    matinee::route::replace(&before);
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
