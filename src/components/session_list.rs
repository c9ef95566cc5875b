//! Where the account is signed in, each place with a button that ends that.

use std::rc::Rc;

use localization::say;
use nccp::json::{Session as SignedIn, Sessions};
use wasm_bindgen_futures::spawn_local;
use web_player::{clock, problem::Problem};
use web_sys::HtmlElement;
use yew::prelude::*;

use crate::{
    api,
    components::icons,
    session::{Action, sign_out, use_session},
    spoken,
};

/// Properties of [`SessionList`].
#[derive(Properties, PartialEq)]
pub struct SessionListProps {
    /// Turned over: the list is asked for again.
    #[prop_or_default]
    pub turn: bool,
}

/// Whom to sign out.
enum Whom {
    One(SignedIn),
    Others,
}

/// The list.
#[function_component]
pub fn SessionList(props: &SessionListProps) -> Html {
    let session = use_session();
    let list = use_state(|| None::<Rc<Sessions>>);
    let (trouble, said) = (use_state(|| None::<AttrValue>), use_state(|| None::<AttrValue>));
    let head = use_node_ref();
    let load = {
        let (list, trouble, session) = (list.setter(), trouble.setter(), session.dispatcher());
        Callback::from(move |()| {
            let (list, trouble, session) = (list.clone(), trouble.clone(), session.clone());
            spawn_local(async move {
                match api::sessions().await {
                    Ok(found) => {
                        list.set(Some(Rc::new(found)));
                        trouble.set(None);
                    }
                    Err(error) if error.wants_login() => session.dispatch(Action::SignedOut),
                    Err(error) => trouble.set(Some(Problem::from(&error).sentence().into())),
                }
            });
        })
    };
    {
        let load = load.clone();
        use_effect_with(props.turn, move |_| load.emit(()));
    }
    let end = {
        let (load, said, trouble) = (load.clone(), said.setter(), trouble.setter());
        let (session, head) = (session.clone(), head.clone());
        Callback::from(move |whom: Whom| {
            let (load, said, trouble, session) =
                (load.clone(), said.clone(), trouble.clone(), session.clone());
            let head = head.clone();
            spawn_local(async move {
                let (answer, words) = match whom {
                    Whom::One(of) if of.this_session => return sign_out(session),
                    Whom::One(of) => (api::end_session(&of.session_id).await, say::session_ended(&name(&of))),
                    Whom::Others => (api::end_other_sessions().await, say::session_ended_others().to_owned()),
                };
                match answer {
                    Ok(()) => {
                        said.set(Some(words.into()));
                        // The button goes away with its row.
                        if let Some(head) = head.cast::<HtmlElement>() {
                            let _ = head.focus();
                        }
                        load.emit(());
                    }
                    Err(error) if error.wants_login() => session.dispatch(Action::SignedOut),
                    Err(error) => trouble.set(Some(Problem::from(&error).sentence().into())),
                }
            });
        })
    };
    let reload = load.reform(|_: MouseEvent| ());
    html! {
        <div class="session-list">
            if let Some(trouble) = &*trouble {
                <p class="form-problem" aria-live="assertive">
                    { trouble }{ " " }<button type="button" class="quiet" onclick={reload}>{ say::try_again() }</button>
                </p>
            }
            if let Some(list) = &*list {
                { table(list, &head, &end) }
            } else if trouble.is_none() {
                <div class="skeleton" role="status" aria-label={say::sessions_loading()}>
                    <div class="bone line" /><div class="bone line" />
                </div>
            }
            <p class="form-done" role="status">{ (*said).clone().unwrap_or_default() }</p>
        </div>
    }
}

fn name(of: &SignedIn) -> String {
    if of.browser.is_empty() { say::session_unknown().to_owned() } else { spoken::machine(&of.browser) }
}

fn table(list: &Sessions, head: &NodeRef, end: &Callback<Whom>) -> Html {
    let now = clock::unix_now();
    let others = list.sessions.iter().filter(|of| !of.this_session).count();
    let elsewhere = end.reform(|_: MouseEvent| Whom::Others);
    html! {
        <>
            <p class="lede sessions-head" tabindex="-1" ref={head.clone()}>
                { match others {
                    0 => say::sessions_none().to_owned(),
                    more => say::sessions_others(more as f64),
                } }
            </p>
            <ul class="devices">
                { for list.sessions.iter().map(|of| {
                    let onclick = {
                        let of = of.clone();
                        end.reform(move |_: MouseEvent| Whom::One(of.clone()))
                    };
                    let since = spoken::ago(now - of.signed_in_at as f64);
                    let network = of.network.as_ref().map(|network| format!(" · {}", say::session_network(network))).unwrap_or_default();
                    html! {
                        <li key={of.session_id.clone()}>
                            <span class="kind">{ icons::browser() }</span>
                            <div class="what">
                                <p class="device-name">
                                    <bdi>{ name(of) }</bdi>
                                    if of.this_session { <span class="tag">{ say::device_this() }</span> }
                                </p>
                                <p class="facts">
                                    { say::session_facts(&since, &spoken::ago(now - of.last_used as f64)) }{ network }
                                </p>
                            </div>
                            <button type="button" class="button secondary small" {onclick}
                                aria-label={say::session_out_label(&name(of), &since)}>{ say::session_out() }</button>
                        </li>
                    }
                }) }
            </ul>
            if others > 0 {
                <p class="beneath">
                    <button type="button" class="button secondary" onclick={elsewhere}>{ say::session_out_others() }</button>
                </p>
            }
        </>
    }
}
