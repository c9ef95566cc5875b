//! What the player's keys do.

use web_sys::HtmlDialogElement;
use yew::prelude::*;

use super::remote::KEYS;

/// Properties of [`KeyHelp`].
#[derive(Properties, PartialEq)]
pub struct KeyHelpProps {
    /// Whether it is to be seen.
    pub open: bool,
    /// It was closed.
    pub on_close: Callback<()>,
}

/// A dialog; the browser keeps the focus in it and gives it back.
#[function_component]
pub fn KeyHelp(props: &KeyHelpProps) -> Html {
    let dialog = use_node_ref();
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
    html! {
        <dialog class="key-help" aria-labelledby="key-help-title" ref={dialog} {onclose}>
            <form method="dialog">
                <h2 id="key-help-title">{ "Keys" }</h2>
                <dl>
                    { for KEYS.iter().map(|(keys, what)| html! {
                        <div>
                            <dt>{ for keys.iter().map(|key| html! { <kbd>{ *key }</kbd> }) }</dt>
                            <dd>{ *what }</dd>
                        </div>
                    }) }
                </dl>
                <button class="button">{ "Close" }</button>
            </form>
        </dialog>
    }
}
