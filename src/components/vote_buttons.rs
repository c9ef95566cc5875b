//! What the account thinks of a film: a thumb up or down.

use localization::say;
use nccp::json::LibraryMovie;
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;

use crate::{
    api,
    components::icons,
    session::{Action, use_session},
};

/// Properties of [`VoteButtons`].
#[derive(Properties, PartialEq)]
pub struct VoteButtonsProps {
    /// The film.
    pub film: LibraryMovie,
}

/// Two buttons; the one that is pressed takes back what it said when it is pressed again. And how many like
/// the film, where enough have said so.
#[function_component]
pub fn VoteButtons(props: &VoteButtonsProps) -> Html {
    let session = use_session();
    let (failed, busy) = (use_state_eq(|| false), use_mut_ref(|| false));
    let LibraryMovie { movie_id: movie, title, liked, likes, .. } = &props.film;
    let (movie, liked, has_failed) = (*movie, *liked, *failed);
    let vote = move |of: bool| {
        let (session, failed, busy) = (session.dispatcher(), failed.setter(), busy.clone());
        move |_: MouseEvent| {
            if busy.replace(true) {
                return;
            }
            let next = Some(of).filter(|of| liked != Some(*of));
            let (session, failed, busy) = (session.clone(), failed.clone(), busy.clone());
            spawn_local(async move {
                let kept = api::vote(movie, next).await;
                busy.replace(false);
                failed.set(kept.is_err());
                match kept {
                    Ok(()) => session.dispatch(Action::Voted { movie, liked: next }),
                    Err(error) if error.wants_login() => session.dispatch(Action::SignedOut),
                    Err(_) => {}
                }
            });
        }
    };
    let button = |of: bool, name: String, icon: Html| {
        let pressed = liked == Some(of);
        html! {
            <button type="button" class={classes!("vote", pressed.then_some("on"))} aria-pressed={pressed.to_string()}
                aria-label={name.clone()} title={name} onclick={vote(of)}>{ icon }</button>
        }
    };
    html! {
        <div class="votes">
            { button(true, say::vote_like(title), icons::thumb_up()) }
            { button(false, say::vote_dislike(title), icons::thumb_down()) }
            if let Some(likes) = likes {
                <p class="facts">{ say::vote_share(&likes.to_string()) }</p>
            }
            if has_failed {
                <p class="form-problem" role="alert">{ say::vote_failed() }</p>
            }
        </div>
    }
}
