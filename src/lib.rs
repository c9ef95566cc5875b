//! Matinee's site in the browser: sign in, choose a film, watch it.
//!
//! It is compiled twice: whole, and as the player's pages alone (feature `player-only`, by the package
//! `crates/watch`), for whoever opens a film's address or an embed. [`route::IS_WHOLE`] tells which one it
//! is.
//!
//! Pages and components, in Yew, and the session that they share. The film itself is the business of
//! [`web_player`], which knows nothing of Yew.

pub mod api;
pub mod app;
pub mod brand;
pub mod browse;
pub mod browser;
pub mod components;
pub mod embedding;
pub mod language;
pub mod pages;
pub mod rest_of_site;
pub mod route;
pub mod session;
pub mod spoken;

use wasm_bindgen::{JsValue, prelude::wasm_bindgen};

/// Mounts the app on the page's body; `boot.js` calls it once the module is there, with the table of the
/// page's language where that is not English, and the DRM worker where it has begun one.
#[wasm_bindgen(js_name = mount)]
pub fn mount(table: &JsValue, begun: JsValue) {
    console_error_panic_hook::set_once();
    session::take_over_worker(begun);
    language::install(table);
    let root = gloo::utils::document().get_element_by_id("app");
    if let Some(root) = root {
        root.set_text_content(None);
        yew::Renderer::<app::App>::with_root(root).render();
    }
}
