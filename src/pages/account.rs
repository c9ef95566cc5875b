//! The account: its password, and where it is signed in.

use yew::prelude::*;

use crate::{
    components::{Frame, PasswordForm, SessionList},
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
        <Frame title="Account">
            <section class="page account">
                <h1>{ "Account" }</h1>
                <p class="lede">
                    { email.as_ref().map(|email| format!("Signed in as {email}.")).unwrap_or_default() }
                </p>
                <section aria-labelledby="password-title">
                    <h2 id="password-title">{ "Password" }</h2>
                    <PasswordForm {email} {on_changed} />
                </section>
                <section aria-labelledby="sessions-title">
                    <h2 id="sessions-title">{ "Where you are signed in" }</h2>
                    <SessionList turn={*turn} />
                </section>
            </section>
        </Frame>
    }
}
