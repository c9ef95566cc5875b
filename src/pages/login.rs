//! Sign in.

use localization::say;
use nccp::ErrorCode;
use wasm_bindgen_futures::spawn_local;
use web_player::problem::Problem;
use web_sys::HtmlInputElement;
use yew::prelude::*;

use crate::{
    api,
    brand::{self, SupportLink, Wordmark},
    components::LanguageChoice,
    session::{enter, use_session},
    spoken,
};

/// Properties of [`Login`].
#[derive(Properties, PartialEq)]
pub struct LoginProps {
    /// Where to go afterwards.
    pub next: AttrValue,
}

/// The page.
#[function_component]
pub fn Login(props: &LoginProps) -> Html {
    let session = use_session();
    use_effect_with((), |()| brand::set_title(say::sign_in()));
    let on_signed_in = {
        let next = props.next.clone();
        let session = session.clone();
        Callback::from(move |()| enter(session.clone(), next.to_string()))
    };
    let unsupported = (!session.missing.is_empty()).then(|| Problem::unsupported(&session.missing));
    html! {
        <main class="foyer" id="main">
            <div class="curtain" aria-hidden="true"><div class="bulbs" /></div>
            <div class="box-office">
                <h1 class="sr">{ say::sign_in() }</h1>
                <Wordmark />
                <p class="tagline">{ say::tagline() }</p>
                <LoginForm {on_signed_in} />
                if let Some(problem) = unsupported {
                    <p class="notice" role="alert"><strong>{ problem.title }</strong>{ ". " }{ problem.text }</p>
                }
                <LanguageChoice />
                <SupportLink />
            </div>
        </main>
    }
}

/// Properties of [`LoginForm`].
#[derive(Properties, PartialEq)]
pub struct LoginFormProps {
    /// The session cookies are set.
    pub on_signed_in: Callback<()>,
}

/// What a refusal says.
fn words(error: &api::Error) -> String {
    match error {
        api::Error::Refused { code: ErrorCode::LoginFailed, .. } => say::login_failed().to_owned(),
        api::Error::Refused { code: ErrorCode::TryLater, retry_after: Some(seconds), .. } => {
            say::login_wait(&spoken::wait(*seconds))
        }
        api::Error::Refused { code: ErrorCode::TryLater, .. } => say::login_wait_minutes().to_owned(),
        other => Problem::from(other).sentence(),
    }
}

/// Email and password.
#[function_component]
pub fn LoginForm(props: &LoginFormProps) -> Html {
    let email = use_node_ref();
    let password = use_node_ref();
    let busy = use_state(|| false);
    let problem = use_state(|| None::<String>);
    let onsubmit = {
        let (email, password) = (email.clone(), password.clone());
        let (busy, problem) = (busy.clone(), problem.clone());
        let on_signed_in = props.on_signed_in.clone();
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            let value = |node: &NodeRef| {
                node.cast::<HtmlInputElement>().map(|input| input.value()).unwrap_or_default()
            };
            let (name, secret) = (value(&email), value(&password));
            if *busy || name.is_empty() || secret.is_empty() {
                return;
            }
            busy.set(true);
            problem.set(None);
            let (busy, problem, password) = (busy.clone(), problem.clone(), password.clone());
            let on_signed_in = on_signed_in.clone();
            spawn_local(async move {
                match api::login(name.trim(), &secret).await {
                    Ok(()) => on_signed_in.emit(()),
                    Err(error) => {
                        busy.set(false);
                        problem.set(Some(words(&error)));
                        if let Some(input) = password.cast::<HtmlInputElement>() {
                            input.select();
                            let _ = input.focus();
                        }
                    }
                }
            });
        })
    };
    let described = problem.is_some().then_some("login-problem");
    html! {
        <form class="ticket" method="post" action="/login" {onsubmit}>
            <label class="field">
                <span>{ say::email() }</span>
                <input ref={email} type="email" name="email" autocomplete="username" required=true
                    autocapitalize="none" spellcheck="false" aria-describedby={described} />
            </label>
            <label class="field">
                <span>{ say::password() }</span>
                <input ref={password} type="password" name="password" autocomplete="current-password" required=true
                    aria-describedby={described} />
            </label>
            <p class="form-problem" id="login-problem" role="alert">{ (*problem).clone().unwrap_or_default() }</p>
            <button type="submit" class="button" aria-busy={busy.to_string()}>{ say::sign_in() }</button>
        </form>
    }
}
