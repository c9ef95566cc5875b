//! The account: its password, and where it is signed in.

use localization::say;
use yew::prelude::*;

use crate::{
    components::{Frame, LanguageChoice, PasswordForm, SessionList},
    session::use_session,
};

/// The page.
#[function_component]
pub fn Account() -> Html {
    let session = use_session();
    // Turns with each change of the password, which ends sessions.
    let turn = use_state_eq(|| false);
    let on_changed = {
        let turn = turn.clone();
        Callback::from(move |()| turn.set(!*turn))
    };
    let email = session.library.as_ref().map(|library| AttrValue::from(library.email.clone()));
    html! {
        <Frame title={say::account()}>
            <section class="page account">
                <h1>{ say::account() }</h1>
                <p class="lede">
                    { email.as_ref().map(|email| say::signed_in_as(email)).unwrap_or_default() }
                </p>
                <section aria-labelledby="password-title">
                    <h2 id="password-title">{ say::password() }</h2>
                    <PasswordForm {email} {on_changed} />
                </section>
                <section aria-labelledby="sessions-title">
                    <h2 id="sessions-title">{ say::where_signed_in() }</h2>
                    <SessionList turn={*turn} />
                </section>
                <section><LanguageChoice /></section>
            </section>
        </Frame>
    }
}
