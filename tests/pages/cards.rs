//! Films and events in the library.

use crate::around::{Around, AroundProps, film, link, one, place, rendered, until};
use gloo::events::EventListener;
use matinee::components::{Billing, FilmCard, FirstSight};
use nccp::json::LibraryMovie;
use std::cell::Cell;
use std::rc::Rc;
use wasm_bindgen_test::wasm_bindgen_test;
use yew::prelude::*;

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
    let seen = || one(&place, ".seen").style().get_property_value("--seen").unwrap();
    until(|| !seen().is_empty()).await;
    let seen = seen();
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

/// A film that comes to be known while its page is there already.
#[function_component]
fn ByAddress() -> Html {
    let known = use_state_eq(|| None::<LibraryMovie>);
    let setter = known.setter();
    use_effect_with((), move |()| setter.set(Some(film())));
    html! { <FirstSight film={(*known).clone()} has_picture=false /> }
}

/// What was clicked on is at hand; by an address no picture is asked for that the browser does not have.
#[wasm_bindgen_test]
async fn something_stands_for_a_film_until_it_has_a_picture() {
    for has_picture in [false, true] {
        let place = place();
        let props = AroundProps { children: html! { <FirstSight film={Some(film())} {has_picture} /> } };
        yew::Renderer::<Around>::with_root_and_props(place.clone(), props).render();
        rendered().await;
        assert_eq!(one(&place, "img.first-sight").class_list().contains("gone"), has_picture);
    }
    let place = place();
    let props = AroundProps { children: html! { <ByAddress /> } };
    yew::Renderer::<Around>::with_root_and_props(place.clone(), props).render();
    until(|| place.query_selector(".first-sight .stand-in").unwrap().is_some()).await;
    assert!(place.query_selector("img").unwrap().is_none(), "one more file");
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
async fn an_event_says_where_it_stands() {
    for (state, starts, playable, words) in [
        ("live", None, true, Some("LIVE")),
        ("interrupted", None, true, Some("Interrupted: it will continue")),
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
