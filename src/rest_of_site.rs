//! The whole site for a page that has the player alone: on its way once the film plays, so that whoever
//! leaves finds it in the browser's cache.

use gloo::{timers::callback::Timeout, utils::window};
use wasm_bindgen_futures::spawn_local;
use web_player::{capability, clock};

use crate::{
    browser::{object, promise},
    route::IS_WHOLE,
    session::page_value,
};

/// So long a film has played by then: its first seconds have the connection for themselves.
const SETTLED_MS: u32 = 4_000;

/// Has the files that the page names (`matinee-site`) fetched in idle time, one after the other. Not for
/// viewers who save data; pages that name none stay as they are.
pub fn fetch() {
    if IS_WHOLE || capability::wants_little_data() {
        return;
    }
    let Some(files) = page_value("matinee-site") else { return };
    Timeout::new(SETTLED_MS, move || {
        clock::when_idle(move || {
            spawn_local(async move {
                for file in files.split(' ') {
                    fill_cache(file).await;
                }
            });
        });
    })
    .forget();
}

/// Reads a file to its end, behind all that the film asks for. Where it does not come, the site's own page
/// asks again.
async fn fill_cache(file: &str) -> Option<()> {
    let options = object([("priority", "low".into())]);
    let answer = promise(&window(), "fetch", &[file.into(), options])?.await.ok()?;
    promise(&answer, "blob", &[])?.await.ok().map(drop)
}
