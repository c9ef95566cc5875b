//! The player's page.

use std::{cell::RefCell, rc::Rc};

use gloo::utils::document;
use nccp::{ErrorCode, MovieId, MovieMetadata};
use wasm_bindgen::JsCast;
use web_sys::HtmlVideoElement;
use yew::prelude::*;

use crate::{
    components::{Controls, ErrorView, icons, use_media_state},
    player::{Player, PlayerEvent},
    problem::Problem,
    session::{Action, use_session},
};

/// Properties of [`Watch`].
#[derive(Properties, PartialEq)]
pub struct WatchProps {
    /// Which film.
    pub movie: MovieId,
}

/// What the player told.
#[derive(Clone, Default, PartialEq)]
struct Shown {
    metadata: Option<MovieMetadata>,
    duration: f64,
    wants_gesture: bool,
    problem: Option<Problem>,
    /// Counts the times that the viewer tried again.
    attempt: u32,
}

enum Told {
    Player(PlayerEvent),
    Gesture,
    Again,
}

impl Reducible for Shown {
    type Action = Told;

    fn reduce(self: Rc<Self>, told: Told) -> Rc<Self> {
        let mut next = (*self).clone();
        match told {
            Told::Player(PlayerEvent::Metadata(metadata)) => {
                if next.duration == 0.0 {
                    next.duration = metadata.runtime;
                }
                next.metadata = Some(*metadata);
            }
            Told::Player(PlayerEvent::Duration(duration)) => next.duration = duration,
            Told::Player(PlayerEvent::Resume(_)) => {}
            Told::Player(PlayerEvent::WantsGesture) => next.wants_gesture = true,
            Told::Player(PlayerEvent::Failed(problem)) => next.problem = Some(problem),
            Told::Gesture => next.wants_gesture = false,
            Told::Again => {
                next.problem = None;
                next.wants_gesture = false;
                next.attempt += 1;
            }
        }
        Rc::new(next)
    }
}

/// The page: the film, its controls, and what stands in their place when it cannot play.
#[function_component]
pub fn Watch(props: &WatchProps) -> Html {
    let session = use_session();
    let (video, stage) = (use_node_ref(), use_node_ref());
    let player = use_mut_ref(|| None::<Player>);
    let shown = use_reducer(Shown::default);
    let media = use_media_state(video.clone());

    {
        let (session, shown, player, video, movie) =
            (session.clone(), shown.clone(), Rc::clone(&player), video.clone(), props.movie);
        let control = session.control.clone();
        use_effect_with((control, shown.attempt), move |(control, _)| {
            if let (Some(control), Some(video)) = (control.clone(), video.cast::<HtmlVideoElement>()) {
                session.dispatch(Action::Playing(movie));
                let tell = {
                    let session = session.clone();
                    Callback::from(move |event| {
                        let login = matches!(&event, PlayerEvent::Failed(problem)
                            if problem.code == ErrorCode::LoginRequired.as_str());
                        if login {
                            session.dispatch(Action::SignedOut);
                        } else {
                            shown.dispatch(Told::Player(event));
                        }
                    })
                };
                player.replace(Some(Player::start(control, movie, video, tell)));
            }
            move || {
                let position = player.take().and_then(|player| player.position());
                session.dispatch(Action::Stopped { movie, position });
            }
        });
    }

    // The library may know the title before the controller says it.
    let title = shown.metadata.as_ref().map(|metadata| metadata.title.clone()).or_else(|| {
        let library = session.library.as_ref()?;
        library.movies.iter().find(|film| film.movie_id == props.movie).map(|film| film.title.clone())
    });
    let title = AttrValue::from(title.unwrap_or_default());
    use_effect_with(title.clone(), |title| {
        let name = if title.is_empty() { "Matinee".to_owned() } else { format!("{title} · Matinee") };
        document().set_title(&name);
    });

    let toggle = {
        let (video, shown, player) = (video.clone(), shown.clone(), Rc::clone(&player));
        Callback::from(move |()| toggle(&video, &shown, &player))
    };
    let retry = {
        let (session, shown) = (session.clone(), shown.clone());
        Callback::from(move |()| {
            session.dispatch(Action::Retry);
            shown.dispatch(Told::Again);
        })
    };
    let problem = if session.missing.is_empty() {
        shown.problem.clone().or_else(|| session.problem.clone().filter(|_| session.control.is_none()))
    } else {
        Some(Problem::unsupported(&session.missing))
    };
    let failed = problem.is_some();
    let waiting = !failed && !shown.wants_gesture && (media.waiting || !media.has_picture);
    let press = {
        let toggle = toggle.clone();
        move |_: MouseEvent| toggle.emit(())
    };
    // A finger on the picture brings the controls back; a mouse needs no such thing.
    let surface = {
        let toggle = toggle.clone();
        move |event: MouseEvent| {
            let touch = event.dyn_ref::<PointerEvent>().is_some_and(|event| event.pointer_type() == "touch");
            if !touch {
                toggle.emit(());
            }
        }
    };
    html! {
        <main id="main" class="stage" ref={stage.clone()}>
            <video ref={video.clone()} playsinline=true preload="auto" onclick={surface} />
            if let Some(problem) = problem {
                <div class="curtain-call"><ErrorView {problem} on_retry={retry} /></div>
            } else {
                <div class={classes!("spinner", waiting.then_some("on"))} role="status">
                    if waiting { <span class="sr">{ "Loading" }</span> }
                </div>
                if shown.wants_gesture && media.paused {
                    // A large target for the pointer; by name it is the controls' own button.
                    <button type="button" class="big-play" tabindex="-1" aria-hidden="true" onclick={press}>
                        { icons::play() }
                    </button>
                }
                <Controls video={video} {stage} media={media} duration={shown.duration} {title} on_toggle={toggle} />
            }
        </main>
    }
}

fn toggle(video: &NodeRef, shown: &UseReducerHandle<Shown>, player: &Rc<RefCell<Option<Player>>>) {
    let Some(video) = video.cast::<HtmlVideoElement>() else { return };
    if video.paused() || video.ended() {
        shown.dispatch(Told::Gesture);
        if let Some(player) = &*player.borrow() {
            player.play();
        }
    } else {
        let _ = video.pause();
    }
}
