//! The operator's name, logo and way to help, as the server wrote them into the page.

use gloo::utils::document;
use localization::say;
use yew::prelude::*;

use crate::session::page_value;

/// What the site is called.
pub fn name() -> String {
    page_value("matinee-brand").unwrap_or_else(|| "Matinee".to_owned())
}

/// Calls the browser's tab like the page and the site; like the site alone where the page has no name.
pub fn set_title(page: &str) {
    let site = name();
    document().set_title(&if page.is_empty() { site } else { format!("{page} · {site}") });
}

/// The name as a sign, or the operator's logo.
#[function_component]
pub fn Wordmark() -> Html {
    let name = name();
    match page_value("matinee-logo") {
        Some(logo) => html! { <img class="logo" src={logo} alt={name} /> },
        None => html! {
            <span class="wordmark" aria-label={name.clone()} role="img"><span aria-hidden="true">{ name }</span></span>
        },
    }
}

/// Properties of [`SupportLink`].
#[derive(Properties, PartialEq)]
pub struct SupportLinkProps {
    /// In another site's page: what it leads to opens beside that.
    #[prop_or_default]
    pub outside: bool,
}

/// The way to the operator's help, where there is one.
#[function_component]
pub fn SupportLink(props: &SupportLinkProps) -> Html {
    let Some(href) = page_value("matinee-support") else { return Html::default() };
    let outside = props.outside && !href.starts_with("mailto:");
    html! {
        <a class="support" {href} target={outside.then_some("_blank")} rel={outside.then_some("noopener")}>
            { say::contact_support() }
        </a>
    }
}
