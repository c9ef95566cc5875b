//! Which language the site speaks on this device.

use localization::say;
use web_player::device_store;
use web_sys::HtmlSelectElement;
use yew::prelude::*;

use crate::language;

/// The languages that there are, each by its own name, and the browser's wish. The page is made anew in the
/// one that was chosen.
#[function_component]
pub fn LanguageChoice() -> Html {
    let select = use_node_ref();
    let chosen = device_store::language();
    let onclick = {
        let select = select.clone();
        move |_: MouseEvent| {
            let Some(select) = select.cast::<HtmlSelectElement>() else { return };
            device_store::save_language(Some(select.value()).filter(|tag| !tag.is_empty()).as_deref());
            let _ = gloo::utils::window().location().reload();
        }
    };
    let option = |tag: String| {
        let (name, selected) = (language::own_name(&tag), chosen.as_ref() == Some(&tag));
        html! { <option value={tag.clone()} lang={tag.clone()} dir="auto" {selected}>{ name }</option> }
    };
    html! {
        <div class="language">
            <label class="field">
                <span>{ say::language() }</span>
                <select ref={select}>
                    <option value="" selected={chosen.is_none()}>{ say::language_automatic() }</option>
                    { for language::all().into_iter().map(option) }
                </select>
            </label>
            <button type="button" class="button small secondary" {onclick}>{ say::language_apply() }</button>
        </div>
    }
}
