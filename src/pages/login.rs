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
    components::{LanguageChoice, Reveal},
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
    let refused = use_state_eq(|| 0u32);
    let on_signed_in = {
        let (next, session, refused) = (props.next.clone(), session.clone(), refused.clone());
        Callback::from(move |()| {
            let (count, setter) = (*refused + 1, refused.setter());
            enter(session.clone(), next.to_string(), Callback::from(move |()| setter.set(count)));
        })
    };
    let unsupported = (!session.missing.is_empty()).then(|| Problem::unsupported(&session.missing));
    html! {
        <main class="foyer" id="main" tabindex="-1">
            <div class="curtain" aria-hidden="true"><div class="bulbs" /></div>
            <div class="box-office">
                <h1 class="sr">{ say::sign_in() }</h1>
                <Wordmark />
                <p class="tagline">{ say::tagline() }</p>
                <LoginForm {on_signed_in} refused={*refused} />
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
    /// Counts the times that the browser did not keep them.
    #[prop_or_default]
    pub refused: u32,
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
    let revealed = use_state_eq(|| false);
    let problem = use_state(|| None::<String>);
    {
        let (busy, problem) = (busy.setter(), problem.setter());
        use_effect_with(props.refused, move |refused| {
            if *refused > 0 {
                busy.set(false);
                problem.set(Some(say::login_no_cookies().to_owned()));
            }
        });
    }
    let onsubmit = {
        let (email, password) = (email.clone(), password.clone());
        let (busy, problem, revealed_now) = (busy.clone(), problem.clone(), revealed.setter());
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
            // Browsers offer to keep what was a password to the end.
            revealed_now.set(false);
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
    let reveal = {
        let revealed = revealed.setter();
        Callback::from(move |on| revealed.set(on))
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
                <input ref={password} type={if *revealed { "text" } else { "password" }} name="password"
                    autocomplete="current-password" required=true autocapitalize="none" spellcheck="false"
                    aria-describedby={described} />
            </label>
            <Reveal revealed={*revealed} on_change={reveal} />
            <p class="form-problem" id="login-problem" role="alert">{ (*problem).clone().unwrap_or_default() }</p>
            <button type="submit" class="button" aria-busy={busy.to_string()}>{ say::sign_in() }</button>
        </form>
    }
}
