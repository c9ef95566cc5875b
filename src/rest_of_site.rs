//! The whole site for a page that has the player alone: on its way once the film is far enough ahead, so that
//! whoever leaves finds it in the browser's cache.

use engine::buffer::Ranges;
use gloo::utils::window;
use wasm_bindgen_futures::spawn_local;
use web_player::{capability, clock};
use yew::prelude::*;

use crate::{
    browser::{object, promise},
    components::MediaState,
    route::IS_WHOLE,
    session::page_value,
};

/// So many seconds of the film lie ready by then: it has the connection for itself before.
const READY: f64 = 20.0;

/// Has the files that the page names (`matinee-site`) fetched, once, while a film of this length plays; 0 for
/// what has no end. Not for viewers who save data; pages that name none stay as they are.
#[hook]
pub fn use_rest_of_site(media: &MediaState, duration: f64) {
    let is_asked = use_mut_ref(|| false);
    let plays = media.has_picture && !media.paused && !media.waiting;
    let has_time = !IS_WHOLE && plays && is_ready(&media.buffered, media.time, duration);
    use_effect_with(has_time, move |has_time| {
        if *has_time && !is_asked.replace(true) && !capability::wants_little_data() {
            clock::when_idle(|| spawn_local(fetch()));
        }
    });
}

/// Whether the next seconds of the film are there, or all that is left of it.
fn is_ready(buffered: &Ranges, time: f64, duration: f64) -> bool {
    let left = if duration > 0.0 { duration - time - 1.0 } else { READY };
    buffered.ahead(time) >= READY.min(left)
}

/// One file after the other.
async fn fetch() {
    for file in page_value("matinee-site").iter().flat_map(|files| files.split(' ')) {
        fill_cache(file).await;
    }
}

/// Reads a file to its end, behind all that the film asks for. Where it does not come, the site's own page
/// asks again.
async fn fill_cache(file: &str) -> Option<()> {
    let options = object([("priority", "low".into())]);
    let answer = promise(&window(), "fetch", &[file.into(), options])?.await.ok()?;
    promise(&answer, "blob", &[])?.await.ok().map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_site_waits_for_the_film() {
        let buffered = Ranges::new(vec![(0.0, 30.0)]);
        for (time, duration, expected) in [
            (5.0, 60.0, true),
            (15.0, 60.0, false),
            (15.0, 30.5, true),
            (5.0, 0.0, true),
            (15.0, 0.0, false),
            (40.0, 60.0, false),
        ] {
            assert_eq!(is_ready(&buffered, time, duration), expected, "{time} of {duration}");
        }
    }
}
