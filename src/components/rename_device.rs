//! Calling a device by another name.

use localization::say;
use nccp::json::Device;
use wasm_bindgen_futures::spawn_local;
use web_player::problem::Problem;
use web_sys::{HtmlDialogElement, HtmlInputElement};
use yew::prelude::*;

use crate::{
    api,
    session::{Action, use_session},
};

/// Characters that the server takes.
const LONGEST: &str = "60";

/// Properties of [`RenameDevice`].
#[derive(Properties, PartialEq)]
pub struct RenameDeviceProps {
    /// Which one.
    pub device: Device,
    /// It is over; with what to say where the device has another name now.
    pub on_done: Callback<Option<String>>,
}

/// A dialog that asks for the name. What the server does not take is said at the field, and stays in it.
#[function_component]
pub fn RenameDevice(props: &RenameDeviceProps) -> Html {
    let RenameDeviceProps { device, on_done } = props;
    let session = use_session();
    let (dialog, field) = (use_node_ref(), use_node_ref());
    let (trouble, busy) = (use_state_eq(|| None::<AttrValue>), use_state_eq(|| false));
    {
        let (dialog, field, name) = (dialog.clone(), field.clone(), device.name.clone());
        use_effect_with((), move |()| {
            if let Some(dialog) = dialog.cast::<HtmlDialogElement>() {
                let _ = dialog.show_modal();
            }
            if let Some(field) = field.cast::<HtmlInputElement>() {
                field.set_value(&name);
                field.select();
            }
        });
    }
    let onsubmit = {
        let (field, dialog, session) = (field.clone(), dialog.clone(), session.dispatcher());
        let (trouble, busy, device, on_done) =
            (trouble.setter(), busy.clone(), device.clone(), on_done.clone());
        move |event: SubmitEvent| {
            event.prevent_default();
            let Some(field) = field.cast::<HtmlInputElement>().filter(|_| !*busy) else { return };
            let name = field.value().trim().to_owned();
            let (dialog, session, trouble) = (dialog.clone(), session.clone(), trouble.clone());
            let (busy, id, on_done) = (busy.setter(), device.device_id.clone(), on_done.clone());
            busy.set(true);
            spawn_local(async move {
                let renamed = api::rename_device(&id, name.clone()).await;
                busy.set(false);
                match renamed {
                    Ok(()) => {
                        // Closed before it goes, so that the focus is back where it was.
                        if let Some(dialog) = dialog.cast::<HtmlDialogElement>() {
                            dialog.close();
                        }
                        on_done.emit(Some(match name.is_empty() {
                            true => say::device_own_name().to_owned(),
                            false => say::device_renamed(&name),
                        }));
                    }
                    Err(error) if error.wants_login() => session.dispatch(Action::SignedOut),
                    Err(error) => {
                        trouble.set(Some(Problem::from(&error).sentence().into()));
                        let _ = field.focus();
                    }
                }
            });
        }
    };
    let onclose = on_done.reform(|_: Event| None);
    let cancel = {
        let dialog = dialog.clone();
        move |_: MouseEvent| {
            if let Some(dialog) = dialog.cast::<HtmlDialogElement>() {
                dialog.close();
            }
        }
    };
    html! {
        <dialog class="ask" aria-labelledby="rename-title" ref={dialog} {onclose}>
            <form class="ticket" {onsubmit}>
                <h2 id="rename-title">{ say::device_rename_title() }</h2>
                <label class="field">
                    { say::device_rename_name() }
                    <input name="device-name" ref={field} maxlength={LONGEST} dir="auto"
                        autocomplete="off" autofocus=true aria-describedby="rename-hint rename-trouble"
                        aria-invalid={trouble.is_some().then_some("true")} />
                </label>
                <p id="rename-hint" class="facts">{ say::device_rename_hint() }</p>
                <p id="rename-trouble" class="form-problem" role="alert">{ (*trouble).clone().unwrap_or_default() }</p>
                <div class="actions">
                    <button class="button" aria-busy={busy.to_string()}>{ say::device_rename_save() }</button>
                    <button type="button" class="button secondary" onclick={cancel}>{ say::device_rename_cancel() }</button>
                </div>
            </form>
        </dialog>
    }
}
