//! Whether passwords that are typed can be read.

use localization::say;
use web_sys::HtmlInputElement;
use yew::prelude::*;

/// Properties of [`Reveal`].
#[derive(Properties, PartialEq)]
pub struct RevealProps {
    /// Whether they can.
    pub revealed: bool,
    /// They are to be, or not.
    pub on_change: Callback<bool>,
}

/// A box to tick, below the fields.
#[function_component]
pub fn Reveal(props: &RevealProps) -> Html {
    let on_change = props.on_change.clone();
    let onchange = move |event: Event| {
        on_change.emit(event.target_unchecked_into::<HtmlInputElement>().checked());
    };
    html! {
        <label class="check">
            <input type="checkbox" class="reveal" checked={props.revealed} {onchange} />
            <span>{ say::password_show() }</span>
        </label>
    }
}
