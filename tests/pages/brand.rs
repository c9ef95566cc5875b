//! The operator's name, logo and way to help.

use crate::around::{one, place, rendered};
use gloo::utils::document;
use matinee::brand::{SupportLink, Wordmark, name, set_title};
use wasm_bindgen_test::wasm_bindgen_test;
use web_sys::Element;
use yew::prelude::*;

#[function_component]
fn Both() -> Html {
    html! { <><Wordmark /><SupportLink outside=true /></> }
}

async fn drawn() -> Element {
    let place = place();
    yew::Renderer::<Both>::with_root(place.clone()).render();
    rendered().await;
    place
}

/// As the server writes it into the head of a page.
fn meta(what: &str, content: &str) -> Element {
    let meta = document().create_element("meta").unwrap();
    meta.set_attribute("name", what).unwrap();
    meta.set_attribute("content", content).unwrap();
    gloo::utils::head().append_child(&meta).unwrap();
    meta
}

#[wasm_bindgen_test]
async fn a_page_says_whose_it_is() {
    let plain = drawn().await;
    assert_eq!(one(&plain, ".wordmark").get_attribute("aria-label").as_deref(), Some("Matinee"));
    assert_eq!(plain.query_selector("a").unwrap(), None, "nobody says where help is");

    let written = [
        meta("matinee-brand", "Kino & Süd"),
        meta("matinee-logo", "/assets/brand-0.svg"),
        meta("matinee-support", "https://example.org/help"),
    ];
    assert_eq!(name(), "Kino & Süd");
    let before = document().title();
    set_title("Devices");
    assert_eq!(document().title(), "Devices · Kino & Süd");
    set_title("");
    assert_eq!(document().title(), "Kino & Süd");
    document().set_title(&before);
    let branded = drawn().await;
    let logo = one(&branded, "img.logo");
    assert_eq!(logo.get_attribute("alt").as_deref(), Some("Kino & Süd"));
    let help = one(&branded, "a.support");
    assert_eq!(help.get_attribute("href").as_deref(), Some("https://example.org/help"));
    assert_eq!(help.get_attribute("target").as_deref(), Some("_blank"), "beside another site's page");
    for meta in written {
        meta.remove();
    }
    plain.remove();
    branded.remove();
}
