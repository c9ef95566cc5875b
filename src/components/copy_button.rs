//! A button that copies a text.

use gloo::{timers::callback::Timeout, utils::document};
use localization::say;
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::spawn_local;
use web_sys::{HtmlElement, HtmlTextAreaElement};
use yew::prelude::*;

use crate::browser::{call, get, promise};

/// How long the button says what it has done.
const SAID_MS: u32 = 2500;

/// Properties of [`CopyButton`].
#[derive(Properties, PartialEq)]
pub struct CopyButtonProps {
    /// What it is called.
    pub name: AttrValue,
    /// Gives what is copied.
    pub text: Callback<(), String>,
}

/// Copies when it is pressed, and says whether it could.
#[function_component]
pub fn CopyButton(props: &CopyButtonProps) -> Html {
    let done = use_state_eq(|| None::<bool>);
    {
        let setter = done.setter();
        use_effect_with(*done, move |done| {
            let timer = done.is_some().then(|| Timeout::new(SAID_MS, move || setter.set(None)));
            move || drop(timer)
        });
    }
    let onclick = {
        let (text, done) = (props.text.clone(), done.setter());
        move |event: MouseEvent| {
            let (text, done) = (text.emit(()), done.clone());
            let button = event.target().and_then(|target| target.dyn_into::<HtmlElement>().ok());
            let copied = promise(&clipboard(), "writeText", &[text.as_str().into()]);
            spawn_local(async move {
                let copied = match copied {
                    Some(copied) => copied.await.is_ok(),
                    None => false,
                };
                // Pages without TLS, and frames of other sites, have no clipboard.
                done.set(Some(copied || copy_by_selection(&text, button)));
            });
        }
    };
    let said = match *done {
        None => "",
        Some(true) => say::copied(),
        Some(false) => say::copied_not(),
    };
    html! {
        <>
            <button type="button" class="button small secondary" {onclick}>{ props.name.clone() }</button>
            <span class="copied" role="status">{ said }</span>
        </>
    }
}

fn clipboard() -> wasm_bindgen::JsValue {
    get(&gloo::utils::window().navigator(), "clipboard")
}

/// Whether the text could be selected and copied. The focus goes back to where it was.
fn copy_by_selection(text: &str, focus: Option<HtmlElement>) -> bool {
    let made = document().create_element("textarea").ok();
    let Some(area) = made.and_then(|made| made.dyn_into::<HtmlTextAreaElement>().ok()) else { return false };
    area.set_value(text);
    // In the page, where the focus can go to it, under an open dialog, too.
    let around = focus.as_ref().and_then(|focus| focus.parent_element());
    let around = around.unwrap_or_else(|| gloo::utils::body().into());
    if around.append_child(&area).is_err() {
        return false;
    }
    area.select();
    let copied = call(&document(), "execCommand", &["copy".into()]).is_some_and(|copied| copied.is_truthy());
    area.remove();
    let _ = focus.map(|focus| focus.focus());
    copied
}
