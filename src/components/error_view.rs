//! A problem in words, with a way on.

use gloo::utils::window;
use localization::say;
use nccp::{DeviceId, MovieId, Playing};
use web_player::{
    clock,
    player::Statistics,
    problem::{Problem, Way},
};
use yew::prelude::*;

use super::diagnostics::Diagnostics;
use crate::{
    brand::SupportLink,
    components::{CopyButton, DeviceList, use_going_on},
    route::{Link, Route},
    spoken,
};

/// Properties of [`ErrorView`].
#[derive(Properties, PartialEq)]
pub struct ErrorViewProps {
    /// What went wrong.
    pub problem: Problem,
    /// Tries again.
    #[prop_or_default]
    pub on_retry: Option<Callback<()>>,
    /// Stops the device, and tries again.
    #[prop_or_default]
    pub on_take_over: Option<Callback<DeviceId>>,
    /// Without ways to the rest of the site.
    #[prop_or_default]
    pub bare: bool,
    /// Which film cannot play.
    #[prop_or_default]
    pub movie: Option<MovieId>,
    /// Gives the numbers of the film.
    #[prop_or_default]
    pub statistics: Option<Callback<(), Statistics>>,
}

/// Title, explanation, what to do, and the code for whoever helps, with a page about it. Where a device has
/// to go, it goes here, and the page continues by itself; as it does when the network is back.
#[function_component]
pub fn ErrorView(props: &ErrorViewProps) -> Html {
    let Problem { code, title, text, way, playing } = &props.problem;
    let was_offline = use_memo(code.clone(), |_| !window().navigator().on_line());
    use_going_on(
        props.on_retry.is_some() && (*was_offline || props.problem.is_of_network()),
        &props.on_retry.clone().unwrap_or_default(),
    );
    let details = {
        let (problem, movie, statistics) = (props.problem.clone(), props.movie, props.statistics.clone());
        Callback::from(move |()| {
            let numbers = statistics.as_ref().map(|statistics| statistics.emit(()));
            Diagnostics::now(movie, numbers).text(&problem)
        })
    };
    let help = Route::Help { code: code.clone() };
    let retry = props.on_retry.clone().map(|retry| {
        let onclick = move |_: MouseEvent| retry.emit(());
        html! { <button type="button" class="button" {onclick}>{ say::try_again() }</button> }
    });
    let on = match way {
        Way::Retry => retry.unwrap_or_default(),
        _ if props.bare && !matches!(way, Way::Reload | Way::TakeOver) => retry.unwrap_or_default(),
        Way::Devices => html! {
            <>
                { retry.unwrap_or_default() }
                <Link to={Route::Devices} class="button secondary">{ say::manage_devices() }</Link>
            </>
        },
        Way::SignIn => {
            html! { <Link to={Route::current().login()} class="button">{ say::sign_in_again() }</Link> }
        }
        Way::Reload => {
            let onclick = |_: MouseEvent| drop(window().location().reload());
            html! { <button type="button" class="button" {onclick}>{ say::reload_page() }</button> }
        }
        Way::Library => Html::default(),
        Way::TakeOver => match &props.on_take_over {
            Some(take_over) => {
                playing.iter().map(|device| stop_button(device, playing.len(), take_over)).collect()
            }
            None => retry.unwrap_or_default(),
        },
    };
    html! {
        <section class="trouble">
            <div role="alert">
                <p class="trouble-mark" aria-hidden="true">{ say::intermission() }</p>
                <h1>{ title }</h1>
                <p>{ text }</p>
                if !playing.is_empty() {
                    <ul class="playing">{ for playing.iter().map(what_plays) }</ul>
                }
                <p class="code">{ say::code() }{ " " }<code>{ code }</code></p>
            </div>
            if let (Way::Devices, Some(retry), false) = (way, &props.on_retry, props.bare) {
                <DeviceList on_removed={retry.clone()} />
            }
            <div class="actions">
                { on }
                if !props.bare {
                    <Link to={Route::Library} class="button secondary">{ say::back_to_library() }</Link>
                }
            </div>
            <div class="details">
                if props.bare {
                    <a href={help.address()} target="_blank" rel="noopener">{ say::help_with_code() }</a>
                } else {
                    <Link to={help}>{ say::help_with_code() }</Link>
                }
                <CopyButton name={say::copy_details()} text={details} />
                <SupportLink outside={props.bare} />
            </div>
        </section>
    }
}

/// A device, what it plays, and since when.
fn what_plays(device: &Playing) -> Html {
    let since = device.since.map(|since| spoken::ago(clock::unix_now() - since as f64));
    let since = since.map(|since| say::playing_since(&since)).unwrap_or_default();
    html! {
        <li>
            <strong dir="auto">{ spoken::machine(&device.name) }</strong>
            if let Some(title) = &device.title { { ": " }<bdi>{ title }</bdi> }
            { since }
        </li>
    }
}

/// Of several devices the button says which one is to stop.
fn stop_button(device: &Playing, devices: usize, take_over: &Callback<DeviceId>) -> Html {
    let (take_over, id) = (take_over.clone(), device.device_id.clone());
    let onclick = move |_: MouseEvent| take_over.emit(id.clone());
    let label = match devices {
        1 => say::stop_there().to_owned(),
        _ => say::stop_there_on(&spoken::machine(&device.name)),
    };
    html! { <button type="button" class="button" {onclick}>{ label }</button> }
}
