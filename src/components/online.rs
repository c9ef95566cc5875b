//! Whether there is a network, as far as the browser knows.

use gloo::{events::EventListener, utils::window};
use yew::prelude::*;

/// Kept up to date.
#[hook]
pub fn use_online() -> bool {
    let online = use_state_eq(|| window().navigator().on_line());
    let setter = online.setter();
    use_effect_with((), move |()| {
        let listen = |name: &'static str| {
            let setter = setter.clone();
            EventListener::new(&window(), name, move |_| setter.set(window().navigator().on_line()))
        };
        let listeners = ["online", "offline"].map(listen);
        move || drop(listeners)
    });
    *online
}

/// Calls `go_on` once when the network is back, while `wanted`.
#[hook]
pub fn use_going_on(wanted: bool, go_on: &Callback<()>) {
    let go_on = go_on.clone();
    use_effect_with(wanted, move |wanted| {
        let listener = wanted.then(|| EventListener::once(&window(), "online", move |_| go_on.emit(())));
        move || drop(listener)
    });
}
