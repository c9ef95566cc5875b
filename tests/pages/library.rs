//! The library: lanes, search, order.

use crate::around::{Around, AroundProps, film, one, place, press, rendered, until};
use gloo::utils::document;
use matinee::browse::{Entry, Index, fold};
use matinee::components::{Films, Grid, Lane};
use nccp::json::{Episode, Library, LibraryMovie};
use std::rc::Rc;
use wasm_bindgen::JsCast;
use wasm_bindgen_test::wasm_bindgen_test;
use web_sys::{Element, HtmlInputElement};
use yew::prelude::*;

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

/// A pointer that cannot push a lane sideways has a button where there is more of it, and only there.
#[wasm_bindgen_test]
async fn a_lane_is_moved_along_by_buttons() {
    let place = place();
    let film = |n: u64| LibraryMovie { movie_id: n.to_string().parse().unwrap(), ..film() };
    let films: Vec<Entry> = (1..=12).map(|n| Entry::from(&film(n))).collect();
    let children =
        html! { <><style>{ include_str!("../../www/app.css") }</style><Lane name="New" {films} /></> };
    let app = yew::Renderer::<Around>::with_root_and_props(place.clone(), AroundProps { children }).render();
    rendered().await;
    let row = one(&place, ".lane");
    row.style().set_property("width", "600px").unwrap();
    let come = || row.dispatch_event(&web_sys::Event::new("pointerenter").unwrap()).unwrap();
    let is_on = |side: &str| one(&place, &format!(".lane-shift.{side}")).class_list().contains("on");
    assert!(!is_on("back") && !is_on("forth"), "nobody has looked yet");
    come();
    until(|| is_on("forth") && !is_on("back")).await;
    one(&place, ".lane-shift.forth").click();
    until(|| row.scroll_left() > 300 && is_on("back")).await;
    row.set_scroll_left(100_000);
    until(|| !is_on("forth") && is_on("back")).await;
    app.destroy();
    place.remove();
}

/// In lanes a series has one card, which leads to the page of its next episode; each episode is among all
/// films.
#[wasm_bindgen_test]
async fn a_series_has_one_card_in_a_lane() {
    let before = gloo::utils::window().location().href().unwrap();
    matinee::route::replace("/library");
    let movies: Vec<LibraryMovie> = (1..=4)
        .map(|n| LibraryMovie {
            movie_id: n.to_string().parse().unwrap(),
            title: format!("Film {n}"),
            episode: (n < 4).then(|| Episode { series: "Signs".into(), season: 1, number: n as u16 }),
            genres: vec!["Drama".into()],
            added: n,
            position: None,
            watched_at: None,
            queued: false,
            ..film()
        })
        .collect();
    let library = Rc::new(Library { account: "a-1".into(), email: "a@b".into(), movies, boxes: 0 });
    let place = place();
    let props = AroundProps { children: html! { <Films {library} /> } };
    let app = yew::Renderer::<Around>::with_root_and_props(place.clone(), props).render();
    rendered().await;
    let texts = |selector: &str| -> Vec<String> {
        let found = place.query_selector_all(selector).unwrap();
        (0..found.length()).map(|n| found.get(n).unwrap().text_content().unwrap()).collect()
    };
    assert_eq!(one(&place, ".now-showing h2").text_content().as_deref(), Some("Film 4"), "the newest");
    assert_eq!(texts(".lane h3"), ["Signs", "Signs", "Film 4"], "new, and by its genre");
    assert_eq!(texts(".film.series .facts"), ["Series · 3 episodes", "Series · 3 episodes"]);
    let link = place.query_selector(".film.series a").unwrap().unwrap();
    assert_eq!(link.get_attribute("href").as_deref(), Some("/film/1"));
    assert_eq!(texts(".films.all h3").len(), 4);
    app.destroy();
    place.remove();
    matinee::route::remember(&before);
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
            // A genre may be called as another lane is, with the same films.
            genres: vec![if n > 180 { "New" } else { "Others" }.into()],
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
    assert_eq!(texts(".row h2"), ["New", "New", "Others", "All films"]);
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
    // Titles that begin with it, and those that have both words: 190 to 199, then 019 and 119.
    type_in("film 19");
    rendered().await;
    assert_eq!(one(&place, "[role=status]").text_content().as_deref(), Some("12 films found"));
    assert!(place.query_selector(".now-showing").unwrap().is_none());
    let found = texts(".films.all h3");
    assert_eq!(
        [&*found[0], &*found[9], &*found[10], &*found[11]],
        ["Film 190", "Film 199", "Film 019", "Film 119"]
    );
    until(|| gloo::utils::window().location().href().unwrap().ends_with("/library?q=film%2019")).await;
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
