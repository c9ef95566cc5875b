//! A film by a link: no account, perhaps a password.

use std::{cell::RefCell, rc::Rc};

use futures_util::FutureExt;
use localization::say;
use nccp::{ErrorCode, MovieId, ShownGrant, json::OpenedShare};
use wasm_bindgen_futures::spawn_local;
use web_player::{control::Grants, problem::Problem};
use web_sys::HtmlInputElement;
use yew::prelude::*;

use super::embed::{Film, Visit, Visitor};
use crate::{
    api,
    brand::{self, Wordmark},
    components::ErrorView,
};

/// Properties of [`Share`].
#[derive(Properties, PartialEq)]
pub struct ShareProps {
    /// What opens it.
    pub token: AttrValue,
}

/// Where opening the link stands.
#[derive(Clone, PartialEq)]
enum Stage {
    Asking,
    /// A password is wanted; whether one was wrong.
    Closed(bool),
    Open(MovieId, Visit),
    Failed(Problem),
}

/// Opens the link, with a password where it wants one, and plays.
#[function_component]
pub fn Share(props: &ShareProps) -> Html {
    let stage = use_state(|| Stage::Asking);
    let password = use_node_ref();
    let ask = {
        let (stage, token) = (stage.setter(), props.token.clone());
        Callback::from(move |password: Option<String>| {
            let (stage, token) = (stage.clone(), token.clone());
            spawn_local(async move {
                stage.set(match api::open_share(&token, password.clone()).await {
                    Ok(opened) => {
                        let account = opened.grant.split('.').next().unwrap_or_default().to_owned();
                        Stage::Open(opened.movie_id, Visit::new(&account, grants(opened, token, password)))
                    }
                    Err(api::Error::Refused { code: ErrorCode::LoginFailed, .. }) => {
                        Stage::Closed(password.is_some())
                    }
                    Err(error) => Stage::Failed(Problem::from(&error)),
                });
            });
        })
    };
    {
        let ask = ask.clone();
        use_effect_with((), move |()| {
            brand::set_title("");
            ask.emit(None);
        });
    }
    let onsubmit = {
        let (ask, password) = (ask.clone(), password.clone());
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            let typed = password.cast::<HtmlInputElement>().map(|input| input.value()).unwrap_or_default();
            if !typed.is_empty() {
                ask.emit(Some(typed));
            }
        })
    };
    match &*stage {
        Stage::Asking => html! { <main class="stage" /> },
        Stage::Open(movie, visit) => {
            html! { <Visitor visit={visit.clone()}><Film movie={*movie} wanted=true /></Visitor> }
        }
        Stage::Failed(problem) => {
            let on_retry = ask.reform(|()| None);
            html! {
                <main class="stage"><div class="curtain-call"><ErrorView problem={problem.clone()} {on_retry} bare=true /></div></main>
            }
        }
        Stage::Closed(wrong) => html! {
            <main class="foyer" id="main">
                <div class="box-office">
                    <h1 class="sr">{ say::share_title() }</h1>
                    <Wordmark />
                    <form class="ticket" {onsubmit}>
                        <label class="field">
                            <span>{ say::password() }</span>
                            <input ref={password} type="password" autocomplete="off" required=true
                                aria-describedby={wrong.then_some("share-problem")} />
                        </label>
                        <p class="form-problem" id="share-problem" role="alert">
                            { if *wrong { say::share_wrong() } else { "" } }
                        </p>
                        <button type="submit" class="button">{ say::share_watch() }</button>
                    </form>
                </div>
            </main>
        },
    }
}

/// The grant that the link gave, and others when it is over.
fn grants(first: OpenedShare, token: AttrValue, password: Option<String>) -> Grants {
    let first = Rc::new(RefCell::new(Some(first.grant)));
    Rc::new(move || {
        let (first, token, password) = (first.take(), token.clone(), password.clone());
        async move {
            let grant = match first {
                Some(grant) => Some(grant),
                None => api::open_share(&token, password.clone()).await.ok().map(|opened| opened.grant),
            };
            grant.map(|token| ShownGrant { token, origin: None })
        }
        .boxed_local()
    })
}
