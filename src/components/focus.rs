//! Where the focus goes when what has it goes.

use gloo::utils::document;
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement};
use yew::prelude::*;

/// Leads the focus on when the part that has it goes: to what `next` finds in `within`. `part` and `next` are
/// CSS selectors, `is_shown` says whether the part is there.
#[hook]
pub fn use_focus_led_on(within: &NodeRef, part: &str, is_shown: bool, next: &str) {
    let had_focus = use_mut_ref(|| false);
    // The page has not changed yet: what is about to go has the focus still.
    let active = document().active_element().filter(|_| !is_shown);
    let has_focus = active.is_some_and(|active| matches!(active.closest(part), Ok(Some(_))));
    // The page may be made once more before the effect comes.
    let had = !is_shown && (*had_focus.borrow() || has_focus);
    had_focus.replace(had);
    let (within, next) = (within.clone(), next.to_owned());
    use_effect_with(is_shown, move |_| {
        let whole = within.cast::<Element>().filter(|_| had_focus.replace(false));
        let found = whole.and_then(|whole| whole.query_selector(&next).ok().flatten());
        let _ = found.and_then(|found| found.dyn_into::<HtmlElement>().ok()).map(|found| found.focus());
    });
}
