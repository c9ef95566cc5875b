//! A problem in words, with a way on.

use gloo::utils::window;
use web_player::problem::{Problem, Way};
use yew::prelude::*;

use crate::{
    components::DeviceList,
    route::{Link, Route},
};

/// Properties of [`ErrorView`].
#[derive(Properties, PartialEq)]
pub struct ErrorViewProps {
    /// What went wrong.
    pub problem: Problem,
    /// Tries again.
    #[prop_or_default]
    pub on_retry: Option<Callback<()>>,
}

/// Title, explanation, what to do, and the code for whoever helps. Where a device has to go, it goes here,
/// and the page continues by itself.
#[function_component]
pub fn ErrorView(props: &ErrorViewProps) -> Html {
    let Problem { code, title, text, way } = &props.problem;
    let retry = props.on_retry.clone().map(|retry| {
        let onclick = move |_: MouseEvent| retry.emit(());
        html! { <button type="button" class="button" {onclick}>{ "Try again" }</button> }
    });
    let on = match way {
        Way::Retry => retry.unwrap_or_default(),
        Way::Devices => html! {
            <>
                { retry.unwrap_or_default() }
                <Link to={Route::Devices} class="button secondary">{ "Manage devices" }</Link>
            </>
        },
        Way::SignIn => {
            html! { <Link to={Route::current().login()} class="button">{ "Sign in again" }</Link> }
        }
        Way::Reload => {
            let onclick = |_: MouseEvent| drop(window().location().reload());
            html! { <button type="button" class="button" {onclick}>{ "Reload the page" }</button> }
        }
        Way::Library => Html::default(),
    };
    html! {
        <section class="trouble">
            <div role="alert">
                <p class="trouble-mark" aria-hidden="true">{ "Intermission" }</p>
                <h2>{ title }</h2>
                <p>{ text }</p>
                <p class="code">{ "Code " }<code>{ code }</code></p>
            </div>
            if let (Way::Devices, Some(retry)) = (way, &props.on_retry) {
                <DeviceList on_removed={retry.clone()} />
            }
            <div class="actions">
                { on }
                <Link to={Route::Library} class="button secondary">{ "Back to the library" }</Link>
            </div>
        </section>
    }
}
