//! The account's devices.

use localization::say;
use yew::prelude::*;

use crate::{
    components::{DeviceList, Frame},
    route::{Link, Route},
    session::{Action, use_session},
};

/// The page.
#[function_component]
pub fn Devices() -> Html {
    let session = use_session();
    let on_removed = Callback::from(move |()| {
        if session.control.is_none() {
            session.dispatch(Action::Retry); // there may be a place for this browser now
        }
    });
    html! {
        <Frame title={say::devices()}>
            <section class="page">
                <h1>{ say::devices() }</h1>
                <p class="lede">{ say::devices_about() }</p>
                <DeviceList {on_removed} />
                <p class="beneath"><Link to={Route::Activate { code: String::new() }} class="button secondary">{ say::add_tv_box() }</Link></p>
            </section>
        </Frame>
    }
}
