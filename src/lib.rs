//! Matinee in the browser: sign in, choose a film, watch it.
//!
//! Data flows one way: page → [`session`] → [`control`] → manifest → [`fetcher`] → DRM worker ([`decryptor_proxy`]) →
//! append queue ([`mse`]) → `<video>`. What to fetch and when is the `engine` crate's business; [`player`] runs its
//! commands. Content keys never reach this side of the worker.

pub mod api;
pub mod app;
pub mod capability;
pub mod clock;
pub mod components;
pub mod control;
pub mod decryptor_proxy;
pub mod device_store;
pub mod fetcher;
pub mod mse;
pub mod pages;
pub mod player;
pub mod problem;
pub mod route;
pub mod session;

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
