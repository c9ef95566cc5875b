//! No such page.

use localization::say;
use yew::prelude::*;

use crate::{
    components::Frame,
    route::{Link, Route},
};

/// The page.
#[function_component]
pub fn NotFound() -> Html {
    html! {
        <Frame title={say::page_not_found_tab()}>
            <section class="empty">
                <h1>{ say::page_not_found() }</h1>
                <p>{ say::page_not_found_text() }</p>
                <Link to={Route::Library} class="button">{ say::to_library() }</Link>
            </section>
        </Frame>
    }
}
