//! A problem in words, with a way on.

use yew::prelude::*;

use crate::{
    problem::{Problem, Way},
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

/// Title, explanation, what to do, and the code for whoever helps.
#[function_component]
pub fn ErrorView(props: &ErrorViewProps) -> Html {
    let Problem { code, title, text, way } = &props.problem;
    let retry = props.on_retry.clone().map(|retry| {
        let onclick = move |_: MouseEvent| retry.emit(());
        html! { <button type="button" class="button" {onclick}>{ "Try again" }</button> }
    });
    let on = match way {
        Way::Retry => retry.clone().unwrap_or_default(),
        Way::Devices => html! {
            <>
                <Link to={Route::Devices} class="button">{ "Manage devices" }</Link>
                { retry.clone().unwrap_or_default() }
            </>
        },
        Way::SignIn => {
            html! { <Link to={Route::current().login()} class="button">{ "Sign in again" }</Link> }
        }
        Way::Library => Html::default(),
    };
    html! {
        <section class="trouble" role="alert">
            <p class="trouble-mark" aria-hidden="true">{ "Intermission" }</p>
            <h2>{ title }</h2>
            <p>{ text }</p>
            <div class="actions">
                { on }
                <Link to={Route::Library} class="button secondary">{ "Back to the library" }</Link>
            </div>
            <p class="code">{ "Code " }<code>{ code }</code></p>
        </section>
    }
}
