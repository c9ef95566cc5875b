//! What stands for a film until it has a picture.

use nccp::json::LibraryMovie;
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;

use super::poster::{CARD, art_for, stand_in};
use crate::browser::{get, object, promise};

/// Properties of [`FirstSight`].
#[derive(Properties, PartialEq)]
pub struct FirstSightProps {
    /// The film, once it is known.
    pub film: Option<LibraryMovie>,
    /// Whether the film has a picture of its own now.
    pub has_picture: bool,
}

/// The film's picture, or what stands in for it; it goes when the film has a picture.
///
/// What the viewer has clicked on is at hand. Whoever comes by the film's address gets the picture where the
/// browser has it already, and else what stands in for it: the film's start does not share the network with
/// one more file.
#[function_component]
pub fn FirstSight(props: &FirstSightProps) -> Html {
    let FirstSightProps { film, has_picture } = props;
    let is_known = film.is_some();
    let at_hand = use_memo((), move |()| is_known);
    let kept = use_state_eq(|| None::<bool>);
    let picture = film.as_ref().and_then(|film| art_for(film, CARD)).map(|art| art.url.clone());
    {
        let kept = kept.setter();
        use_effect_with(picture.clone().filter(|_| !*at_hand), move |picture| {
            if let Some(picture) = picture.clone() {
                spawn_local(async move { kept.set(Some(is_kept(&picture).await)) });
            }
        });
    }
    let Some(film) = film else { return Html::default() };
    let class = classes!("first-sight", has_picture.then_some("gone"));
    match picture {
        Some(picture) if *at_hand || *kept == Some(true) => html! { <img {class} src={picture} alt="" /> },
        Some(_) if kept.is_none() => Html::default(),
        _ => html! { <div {class}>{ stand_in(&film.title) }</div> },
    }
}

/// Whether the browser keeps a file of the site, without a question to anybody (Fetch, 5.4,
/// `only-if-cached`).
async fn is_kept(url: &str) -> bool {
    let how = object([("cache", "only-if-cached".into()), ("mode", "same-origin".into())]);
    match promise(&gloo::utils::window(), "fetch", &[url.into(), how]) {
        Some(answer) => answer.await.is_ok_and(|answer| get(&answer, "ok").is_truthy()),
        None => false,
    }
}
