//! What a code means, at length.

use localization::say;
use web_player::words::{self, Words};
use yew::prelude::*;

use crate::{
    brand::SupportLink,
    components::Frame,
    route::{Link, Route},
};

/// Properties of [`Help`].
#[derive(Properties, PartialEq)]
pub struct HelpProps {
    /// The code, as it stands in the address.
    pub code: AttrValue,
}

/// The page. Whoever sees a code may have no session, so it needs none.
#[function_component]
pub fn Help(props: &HelpProps) -> Html {
    let code = &props.code;
    let (title, texts) = match words::of(code) {
        Some(Words { title, text, more }) => (title, [text, more]),
        None => (say::help_unknown(), [say::help_unknown_text(), say::help_unknown_more()]),
    };
    html! {
        <Frame title={title}>
            <section class="help">
                <h1>{ title }</h1>
                <p class="code">{ say::code() }{ " " }<code>{ code }</code></p>
                { for texts.iter().map(|text| html! { <p>{ *text }</p> }) }
                <Link to={Route::Library} class="button">{ say::to_library() }</Link>
                <SupportLink />
            </section>
        </Frame>
    }
}
