//! Head and foot that the pages but the player share.

use localization::say;
use yew::prelude::*;

use crate::{
    brand::{self, Wordmark},
    route::{Link, Route},
    session::{sign_out, use_session},
};

/// Properties of [`Frame`].
#[derive(Properties, PartialEq)]
pub struct FrameProps {
    /// What the page is called, for the browser's tab.
    pub title: AttrValue,
    /// The page.
    pub children: Html,
}

/// Header with the way around, and the page below it.
#[function_component]
pub fn Frame(props: &FrameProps) -> Html {
    let session = use_session();
    use_effect_with(props.title.clone(), |title| {
        brand::set_title(title);
    });
    let account = session.library.as_ref().map(|library| library.email.clone());
    let leave = {
        let session = session.clone();
        Callback::from(move |_| sign_out(session.clone()))
    };
    html! {
        <div class="frame">
            <a class="skip" href="#main">{ say::skip_to_content() }</a>
            <header class="marquee">
                <Link to={Route::Library} class="home"><Wordmark /></Link>
                <nav class="ways" aria-label={say::main_ways()}>
                    <Link to={Route::Library}>{ say::library() }</Link>
                    <Link to={Route::Devices}>{ say::devices() }</Link>
                    <Link to={Route::Activate { code: String::new() }}>{ say::add_a_tv() }</Link>
                    <Link to={Route::Account}>{ say::account() }</Link>
                    if account.is_some() {
                        <button type="button" class="quiet" onclick={leave} title={account}>{ say::sign_out() }</button>
                    }
                </nav>
            </header>
            <main id="main" tabindex="-1">{ props.children.clone() }</main>
        </div>
    }
}
