//! Where the focus goes when what has it goes.

use crate::around::{one, place, rendered, until};
use gloo::utils::document;
use matinee::components::use_focus_led_on;
use wasm_bindgen_test::wasm_bindgen_test;
use yew::prelude::*;

#[function_component]
fn Parts() -> Html {
    let (whole, shown) = (use_node_ref(), use_state_eq(|| true));
    use_focus_led_on(&whole, ".part", *shown, ".next");
    let onclick = {
        let shown = shown.setter();
        move |_: MouseEvent| shown.set(false)
    };
    html! {
        <div ref={whole}>
            if *shown {
                <p class="part"><button type="button" {onclick}>{ "Close" }</button></p>
            }
            <button type="button" class="next">{ "Next" }</button>
            <button type="button" class="other">{ "Other" }</button>
        </div>
    }
}

/// A part that goes hands the focus on when it has it, and leaves it alone where it is elsewhere.
#[wasm_bindgen_test]
async fn a_part_that_goes_hands_the_focus_on() {
    for (focused, expected) in [(".part button", ".next"), (".other", ".other")] {
        let place = place();
        yew::Renderer::<Parts>::with_root(place.clone()).render();
        rendered().await;
        one(&place, focused).focus().unwrap();
        one(&place, ".part button").click();
        until(|| place.query_selector(".part").unwrap().is_none()).await;
        rendered().await;
        let expected = one(&place, expected);
        until(|| document().active_element().is_some_and(|has| has.is_same_node(Some(&expected)))).await;
    }
}
