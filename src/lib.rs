//! Matinee's site in the browser: sign in, choose a film, watch it.
//!
//! Pages and components, in Yew, and the session that they share. The film itself is the business of
//! [`web_player`], which knows nothing of Yew.

pub mod api;
pub mod app;
pub mod browse;
pub mod browser;
pub mod components;
pub mod diagnostics;
pub mod embedding;
pub mod pages;
pub mod route;
pub mod session;
pub mod spoken;

use wasm_bindgen::prelude::wasm_bindgen;

/// Mounts the app on the page's body; `boot.js` calls it once the module is there.
#[wasm_bindgen(js_name = mount)]
pub fn mount() {
    console_error_panic_hook::set_once();
    let root = gloo::utils::document().get_element_by_id("app");
    if let Some(root) = root {
        root.set_text_content(None);
        yew::Renderer::<app::App>::with_root(root).render();
    }
}
