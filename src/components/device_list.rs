//! The account's devices, to look through and to remove from.

use std::rc::Rc;

use localization::{intl, say};
use nccp::{
    ErrorCode,
    json::{Device, Devices as List},
};
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::spawn_local;
use web_player::{clock, problem::Problem};
use web_sys::{Element, HtmlDialogElement, HtmlElement};
use yew::prelude::*;

use crate::{
    api,
    components::{RenameDevice, icons},
    session::{Action, Session, use_session},
    spoken,
};

/// What the dialog's button says to the page when the answer is yes.
const YES: &str = "remove";

/// Properties of [`DeviceList`].
#[derive(Properties, PartialEq)]
pub struct DeviceListProps {
    /// A device was removed: its place is free.
    #[prop_or_default]
    pub on_removed: Callback<()>,
}

/// How many places are taken and by what, each with a button that removes it once that was confirmed.
#[function_component]
pub fn DeviceList(props: &DeviceListProps) -> Html {
    let session = use_session();
    let list = use_state(|| None::<Rc<List>>);
    let (trouble, said) = (use_state(|| None::<AttrValue>), use_state(|| None::<AttrValue>));
    let asked = use_state(|| None::<(usize, Device)>);
    let named = use_state(|| None::<Device>);
    let (root, dialog) = (use_node_ref(), use_node_ref());
    // The row that gets the focus once the list without the removed device is there.
    let row = use_mut_ref(|| None::<u32>);

    let load = {
        let (list, trouble, session) = (list.setter(), trouble.setter(), session.dispatcher());
        Callback::from(move |()| load(list.clone(), trouble.clone(), session.clone()))
    };
    {
        // Once this browser is registered it is in the list, too.
        let load = load.clone();
        use_effect_with(session.control.is_some(), move |_| load.emit(()));
    }
    {
        let (root, row) = (root.clone(), Rc::clone(&row));
        use_effect_with((*list).clone(), move |_| {
            if let (Some(row), Some(root)) = (row.take(), root.cast::<Element>()) {
                focus_row(&root, row);
            }
        });
    }
    {
        let dialog = dialog.clone();
        use_effect_with(asked.is_some(), move |asked| {
            if let (true, Some(dialog)) = (*asked, dialog.cast::<HtmlDialogElement>()) {
                dialog.set_return_value("");
                let _ = dialog.show_modal();
            }
        });
    }
    let onclose = {
        let (asked, dialog, load, said) = (asked.clone(), dialog.clone(), load.clone(), said.setter());
        let (trouble, session) = (trouble.setter(), session.dispatcher());
        let on_removed = props.on_removed.clone();
        move |_: Event| {
            let yes = dialog.cast::<HtmlDialogElement>().is_some_and(|dialog| dialog.return_value() == YES);
            let device = (*asked).clone().filter(|_| yes);
            asked.set(None);
            let Some((number, device)) = device else { return };
            let (load, said, trouble, session) =
                (load.clone(), said.clone(), trouble.clone(), session.clone());
            let (row, on_removed) = (Rc::clone(&row), on_removed.clone());
            spawn_local(async move {
                match api::unregister_device(device.device_id).await {
                    // Another tab may have removed it meanwhile, which is as well.
                    Ok(()) | Err(api::Error::Refused { code: ErrorCode::DeviceUnknown, .. }) => {
                        said.set(Some(say::device_removed(&device.name).into()));
                        row.replace(u32::try_from(number).ok());
                        load.emit(());
                        on_removed.emit(());
                    }
                    Err(error) if error.wants_login() => session.dispatch(Action::SignedOut),
                    Err(error) => trouble.set(Some(words(&error))),
                }
            });
        }
    };
    let on_renamed = {
        let (named, said, load) = (named.setter(), said.setter(), load.clone());
        Callback::from(move |name: Option<String>| {
            named.set(None);
            if let Some(name) = name {
                said.set(Some(name.into()));
                load.emit(());
            }
        })
    };
    let reload = load.reform(|_: MouseEvent| ());
    html! {
        <div class="device-list" ref={root}>
            <p class="sr" role="status">{ (*said).clone().unwrap_or_default() }</p>
            if let Some(trouble) = &*trouble {
                <p class="form-problem" aria-live="assertive">
                    { trouble }{ " " }<button type="button" class="quiet" onclick={reload}>{ say::try_again() }</button>
                </p>
            }
            if let Some(list) = &*list {
                { table(list, &asked.setter(), &named.setter()) }
            } else if trouble.is_none() {
                <div class="skeleton" role="status" aria-label={say::devices_loading()}>
                    <div class="bone line" /><div class="bone line" />
                </div>
            }
            <dialog class="ask" aria-labelledby="ask-title" aria-describedby="ask-text" ref={dialog} {onclose}>
                <form method="dialog">
                    <h2 id="ask-title">
                        { asked.as_ref().map(|(_, device)| say::device_remove_question(&device.name)).unwrap_or_default() }
                    </h2>
                    <div id="ask-text">{ asked.as_ref().map(|(_, device)| meaning(device)).unwrap_or_default() }</div>
                    <div class="actions">
                        <button class="button danger" value={YES}>{ say::device_remove_yes() }</button>
                        <button class="button secondary" value="" autofocus=true>{ say::device_remove_no() }</button>
                    </div>
                </form>
            </dialog>
            if let Some(device) = (*named).clone() {
                <RenameDevice {device} on_done={on_renamed} />
            }
        </div>
    }
}

fn load(
    list: UseStateSetter<Option<Rc<List>>>,
    trouble: UseStateSetter<Option<AttrValue>>,
    session: UseReducerDispatcher<Session>,
) {
    spawn_local(async move {
        match api::devices().await {
            Ok(mut found) => {
                for device in &mut found.devices {
                    device.name = spoken::machine(&device.name);
                }
                list.set(Some(Rc::new(found)));
                trouble.set(None);
            }
            Err(error) if error.wants_login() => session.dispatch(Action::SignedOut),
            Err(error) => trouble.set(Some(words(&error))),
        }
    });
}

fn words(error: &api::Error) -> AttrValue {
    Problem::from(error).sentence().into()
}

/// What removing a device means: docs/protocol.md §1, `unregister_device`.
fn meaning(device: &Device) -> Html {
    let then = match (device.this_device, is_box(device)) {
        (true, _) => say::device_removing_this(),
        (_, true) => say::device_removing_box(),
        _ => say::device_removing_browser(),
    };
    html! {
        <>
            <p>{ say::device_removing() }</p>
            <p>{ then }</p>
        </>
    }
}

fn is_box(device: &Device) -> bool {
    device.kind == "box"
}

/// The button of the device that took the removed one's row, else of the last, else the head of the list.
fn focus_row(root: &Element, row: u32) {
    let Ok(buttons) = root.query_selector_all(".devices .remove") else { return };
    let next = buttons.get(row.min(buttons.length().saturating_sub(1)));
    let target = next.or_else(|| root.query_selector(".places").ok().flatten().map(Into::into));
    if let Some(target) = target.and_then(|target| target.dyn_into::<HtmlElement>().ok()) {
        let _ = target.focus();
    }
}

/// When it was last used, and what for.
fn usage(device: &Device, now: f64) -> Html {
    let used = say::device_used(&spoken::ago(now - device.last_seen as f64));
    match &device.watched {
        Some(watched) => html! {
            <>
                { used }{ " · " }{ say::device_watched() }{ " " }<bdi>{ &watched.title }</bdi>
                { say::device_watched_at(&spoken::ago(now - watched.at as f64)) }
            </>
        },
        None => html! { <>{ used }{ " · " }{ say::device_nothing_watched() }</> },
    }
}

/// In which country it was last used, and where it was added if that was another; nothing where no region
/// data told.
fn country(device: &Device) -> Option<String> {
    let last = device.last_seen_in.as_deref();
    let first = device.registered_in.as_deref().filter(|first| Some(*first) != last);
    let parts = [
        last.map(|code| say::device_country(&spoken::country(code))),
        first.map(|code| say::device_country_added(&spoken::country(code))),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    Some(parts.join(" · ")).filter(|text| !text.is_empty())
}

fn table(
    list: &List,
    ask: &UseStateSetter<Option<(usize, Device)>>,
    rename: &UseStateSetter<Option<Device>>,
) -> Html {
    let now = clock::unix_now();
    html! {
        <>
            <p class="places" tabindex="-1">
                <strong>{ intl().number(list.devices.len() as f64) }</strong>
                { " " }{ say::devices_taken(list.limit as f64) }
            </p>
            if list.devices.is_empty() {
                <p class="empty-line">
                    { say::devices_none() }
                </p>
            }
            <ul class="devices">
                { for list.devices.iter().enumerate().map(|(number, device)| {
                    let onclick = {
                        let (ask, device) = (ask.clone(), device.clone());
                        move |_: MouseEvent| ask.set(Some((number, device.clone())))
                    };
                    let onname = {
                        let (rename, device) = (rename.clone(), device.clone());
                        move |_: MouseEvent| rename.set(Some(device.clone()))
                    };
                    let (slot, added) =
                        (device.slot.to_string(), spoken::ago(now - device.registered_at as f64));
                    let what = if is_box(device) { say::device_box } else { say::device_browser };
                    // Those of one name are told apart by their places.
                    let is_alone = list.devices.iter().filter(|other| other.name == device.name).count() == 1;
                    html! {
                        <li key={device.device_id.as_str().to_owned()}>
                            <span class="kind">{ if is_box(device) { icons::television() } else { icons::browser() } }</span>
                            <div class="what">
                                <p class="device-name">
                                    <bdi>{ &device.name }</bdi>
                                    if !is_alone { { " " }{ say::device_in_place(&slot) } }
                                    if device.this_device { <span class="tag">{ say::device_this() }</span> }
                                </p>
                                <p class="facts">{ what(&slot, &added) }</p>
                                <p class="facts">{ usage(device, now) }</p>
                                if let Some(country) = country(device) {
                                    <p class="facts country">{ country }</p>
                                }
                            </div>
                            <div class="deeds">
                                <button type="button" class="button secondary small remove" {onclick}
                                    aria-label={say::device_remove_label(&device.name, &slot)}>{ say::device_remove() }</button>
                                <button type="button" class="button secondary small rename" onclick={onname}
                                    aria-label={say::device_rename_label(&device.name, &slot)}>{ say::device_rename() }</button>
                            </div>
                        </li>
                    }
                }) }
            </ul>
        </>
    }
}
