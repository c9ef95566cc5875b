//! No such page.

use yew::prelude::*;

use crate::{
    components::Frame,
    route::{Link, Route},
};

/// The page.
#[function_component]
pub fn NotFound() -> Html {
    html! {
        <Frame title="Not found">
            <section class="empty">
                <h1>{ "Page not found" }</h1>
                <p>{ "There is no page at this address." }</p>
                <Link to={Route::Library} class="button">{ "To the library" }</Link>
            </section>
        </Frame>
    }
}
