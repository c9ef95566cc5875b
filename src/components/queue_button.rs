//! Putting a film on the account's list, which its TV boxes show, too, and taking it off.

use gloo::{timers::future::TimeoutFuture, utils::document};
use localization::say;
use nccp::MovieId;
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::spawn_local;
use web_sys::HtmlElement;
use yew::prelude::*;

use crate::{
    api,
    components::icons,
    session::{Action, use_session},
};

/// Properties of [`QueueButton`].
#[derive(Properties, PartialEq)]
pub struct QueueButtonProps {
    /// Which film.
    pub movie: MovieId,
    /// Its title.
    pub title: AttrValue,
    /// Whether it is on the list.
    pub queued: bool,
    /// What tells this button from others of the same film on the page.
    #[prop_or_default]
    pub place: AttrValue,
}

/// The button, and what it says when it could not do it.
#[function_component]
pub fn QueueButton(props: &QueueButtonProps) -> Html {
    let session = use_session();
    let (failed, busy) = (use_state_eq(|| false), use_mut_ref(|| false));
    let QueueButtonProps { movie, title, queued, place } = props;
    let (movie, queued) = (*movie, *queued);
    let id = format!("queue-{place}-{movie}");
    let onclick = {
        let (session, failed, id) = (session.dispatcher(), failed.setter(), id.clone());
        move |_: MouseEvent| {
            if busy.replace(true) {
                return;
            }
            let (session, failed, id, busy) = (session.clone(), failed.clone(), id.clone(), busy.clone());
            spawn_local(async move {
                let set = api::set_queued(movie, !queued).await;
                busy.replace(false);
                failed.set(set.is_err());
                match set {
                    Ok(()) => {
                        session.dispatch(Action::Queued { movie, queued: !queued });
                        // The card may stand in another row now, made anew: the focus goes with it, or to
                        // another one of the film, unless it has gone elsewhere.
                        TimeoutFuture::new(0).await;
                        let elsewhere =
                            document().active_element().is_some_and(|has| has.tag_name() != "BODY");
                        let other =
                            || document().query_selector(&format!("[data-queue='{movie}']")).ok().flatten();
                        let button = document().get_element_by_id(&id).or_else(other);
                        if let Some(button) = button
                            .filter(|_| !elsewhere)
                            .and_then(|button| button.dyn_into::<HtmlElement>().ok())
                        {
                            let _ = button.focus();
                        }
                    }
                    Err(error) if error.wants_login() => session.dispatch(Action::SignedOut),
                    Err(_) => {}
                }
            });
        }
    };
    let name = if queued { say::list_remove(title) } else { say::list_add(title) };
    html! {
        <>
            <button type="button" {id} data-queue={movie.to_string()} class={classes!("queue", queued.then_some("on"))} aria-label={name.clone()}
                title={name} {onclick}>
                { if queued { icons::tick() } else { icons::plus() } }
            </button>
            if *failed {
                <p class="form-problem" role="alert">{ say::list_failed() }</p>
            }
        </>
    }
}
