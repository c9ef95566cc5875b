//! The account's devices.

use std::rc::Rc;

use nccp::json::{Device, Devices as List};
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;

use crate::{
    api, clock,
    components::{ErrorView, Frame},
    problem::Problem,
    session::{Action, SessionHandle, use_session},
};

type State = UseStateHandle<Option<Result<Rc<List>, Problem>>>;

fn load(state: State, session: SessionHandle) {
    spawn_local(async move {
        match api::devices().await {
            Ok(list) => state.set(Some(Ok(Rc::new(list)))),
            Err(error) if error.wants_login() => session.dispatch(Action::SignedOut),
            Err(error) => state.set(Some(Err(Problem::from(&error)))),
        }
    });
}

/// The page.
#[function_component]
pub fn Devices() -> Html {
    let session = use_session();
    let list: State = use_state(|| None);
    {
        // Once this browser is registered it is in the list, too.
        let (list, session) = (list.clone(), session.clone());
        use_effect_with(session.control.is_some(), move |_| load(list, session));
    }
    let reload = {
        let (list, session) = (list.clone(), session.clone());
        Callback::from(move |()| load(list.clone(), session.clone()))
    };
    let remove = {
        let (list, reload, session) = (list.clone(), reload.clone(), session.clone());
        Callback::from(move |device: Device| {
            let question = format!(
                "Remove {}? It frees a place at once; what plays there goes on for some hours.",
                device.name
            );
            if !gloo::utils::window().confirm_with_message(&question).unwrap_or(false) {
                return;
            }
            let (list, reload, session) = (list.clone(), reload.clone(), session.clone());
            spawn_local(async move {
                match api::unregister_device(device.device_id).await {
                    Ok(()) => {
                        reload.emit(());
                        if session.control.is_none() {
                            session.dispatch(Action::Retry); // there may be a place for this browser now
                        }
                    }
                    Err(error) => list.set(Some(Err(Problem::from(&error)))),
                }
            });
        })
    };
    let content = match &*list {
        None => {
            html! { <div class="skeleton" role="status" aria-label="Loading devices"><div class="bone line" /><div class="bone line" /></div> }
        }
        Some(Err(problem)) => html! { <ErrorView problem={problem.clone()} on_retry={reload} /> },
        Some(Ok(list)) => table(list, &remove),
    };
    html! {
        <Frame title="Devices">
            <section class="page">
                <h1>{ "Devices" }</h1>
                <p class="lede">{ "Every browser profile and TV box that plays films takes one place." }</p>
                { content }
            </section>
        </Frame>
    }
}

fn table(list: &List, remove: &Callback<Device>) -> Html {
    let now = clock::unix_now();
    html! {
        <>
            <p class="places"><strong>{ list.devices.len() }</strong>{ format!(" of {} places taken", list.limit) }</p>
            if list.devices.is_empty() {
                <p class="empty-line">{ "No device is registered yet. This browser will be, when it plays its first film." }</p>
            }
            <ul class="devices">
                { for list.devices.iter().map(|device| {
                    let onclick = {
                        let (remove, device) = (remove.clone(), device.clone());
                        move |_: MouseEvent| remove.emit(device.clone())
                    };
                    html! {
                        <li key={device.device_id.as_str().to_owned()}>
                            <div>
                                <p class="device-name">
                                    { &device.name }
                                    if device.this_device { <span class="tag">{ "This browser" }</span> }
                                </p>
                                <p class="facts">{ format!("Last used {}", ago(now - device.last_seen as f64)) }</p>
                            </div>
                            <button type="button" class="button secondary small" {onclick}
                                aria-label={format!("Remove {}", device.name)}>{ "Remove" }</button>
                        </li>
                    }
                }) }
            </ul>
        </>
    }
}

/// `just now`, `5 minutes ago`, `3 days ago`.
fn ago(seconds: f64) -> String {
    let (count, unit) = match seconds.max(0.0) as u64 {
        0..120 => return "just now".to_owned(),
        s @ 120..7200 => (s / 60, "minutes"),
        s @ 7200..172_800 => (s / 3600, "hours"),
        s => (s / 86_400, "days"),
    };
    format!("{count} {unit} ago")
}
