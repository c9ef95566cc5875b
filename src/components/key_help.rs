//! What the player's keys do.

use localization::say;
use web_player::device_store;
use web_sys::{HtmlDialogElement, HtmlInputElement};
use yew::prelude::*;

use super::remote::{keys, keys_of_the_site};

/// Properties of [`KeyHelp`].
#[derive(Properties, PartialEq)]
pub struct KeyHelpProps {
    /// Whether it is to be seen.
    pub open: bool,
    /// It was closed.
    pub on_close: Callback<()>,
    /// Without what the site's own page has: what comes next, and what stands beside.
    #[prop_or_default]
    pub bare: bool,
}

/// A dialog; the browser keeps the focus in it and gives it back. Keys that are letters, digits or signs are
/// turned off and on again here, for the library as well.
#[function_component]
pub fn KeyHelp(props: &KeyHelpProps) -> Html {
    let dialog = use_node_ref();
    let are_on = use_state_eq(device_store::character_keys);
    {
        let dialog = dialog.clone();
        use_effect_with(props.open, move |open| {
            if let Some(dialog) = dialog.cast::<HtmlDialogElement>() {
                match (*open, dialog.open()) {
                    (true, false) => drop(dialog.show_modal()),
                    (false, true) => dialog.close(),
                    _ => {}
                }
            }
        });
    }
    let onclose = {
        let on_close = props.on_close.clone();
        move |_: Event| on_close.emit(())
    };
    let onchange = {
        let are_on = are_on.setter();
        move |event: Event| {
            let on = event.target_unchecked_into::<HtmlInputElement>().checked();
            device_store::save_character_keys(on);
            are_on.set(on);
        }
    };
    let of_the_site = (!props.bare).then(keys_of_the_site).into_iter().flatten();
    html! {
        <dialog class="key-help" aria-labelledby="key-help-title" ref={dialog} {onclose}>
            <form method="dialog">
                <h2 id="key-help-title">{ say::keys() }</h2>
                <dl>
                    { for keys().into_iter().chain(of_the_site).map(|(keys, what)| html! {
                        <div>
                            <dt>{ for keys.into_iter().map(|key| html! { <kbd>{ key }</kbd> }) }</dt>
                            <dd>{ what }</dd>
                        </div>
                    }) }
                </dl>
                <div class="actions">
                    <button class="button">{ say::close() }</button>
                    <label class="check">
                        <input type="checkbox" checked={*are_on} {onchange} />
                        <span>{ say::keys_characters() }</span>
                    </label>
                </div>
            </form>
        </dialog>
    }
}
