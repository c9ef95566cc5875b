//! The player's page.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use gloo::timers::callback::Timeout;
use localization::say;
use nccp::{ErrorCode, MovieId};
use wasm_bindgen_futures::spawn_local;
use web_player::{
    captions::CaptionStyle,
    device_store,
    player::{EventState, Player, PlayerEvent},
    problem::Problem,
};
use web_sys::{HtmlElement, HtmlVideoElement};
use yew::prelude::*;

use super::{
    around::{Ending, use_around, use_ending},
    hosted,
    shown::{Shown, Told, status},
};
use crate::{
    brand,
    components::{
        Beside, CaptionSettings, Controls, ErrorView, EventWaiting, FirstSight, KeyHelp, StatisticsView,
        UpNext, icons, is_wide,
        remote::{Press, Remote},
        settings::Setting,
        skip::Skip,
        up_next, use_focus_led_on, use_full_screen_left, use_idle, use_media_session, use_media_state,
        use_online, use_orientation, use_surface, use_wake_lock,
    },
    embedding::HostHandle,
    rest_of_site::use_rest_of_site,
    route::{self, Route},
    session::{Action, SessionHandle, use_session},
    spoken,
};

/// How long the page says that the film went on where it was left, and offers to start over.
const RESUMED_MS: u32 = 12_000;
/// How long it says what a key or a finger has done.
const NOTE_MS: u32 = 900;

/// Properties of [`Watch`].
#[derive(Properties, PartialEq)]
pub struct WatchProps {
    /// Which film.
    pub movie: MovieId,
    /// The page around, where the player is in another site's.
    #[prop_or_default]
    pub host: Option<HostHandle>,
    /// Without ways to the rest of the site: whoever watches has no account.
    #[prop_or_default]
    pub alone: bool,
}

/// The film's player, as long as the page shows it.
///
/// It begins as soon as its element is there: effects of a page that took long to make come after it has been
/// painted.
#[hook]
fn use_player(
    video: &NodeRef,
    cues: &NodeRef,
    movie: MovieId,
    host: Option<&HostHandle>,
    session: &SessionHandle,
    shown: &UseReducerHandle<Shown>,
) -> Rc<RefCell<Option<Player>>> {
    let player = use_mut_ref(|| None::<Player>);
    // The event was seen to go on, by this player or one before.
    let has_run = use_memo((), |()| Cell::new(false));
    let begin = {
        let (player, video, cues, session, shown) =
            (Rc::clone(&player), video.clone(), cues.clone(), session.clone(), shown.dispatcher());
        let host = host.cloned();
        move || {
            let control = session.control.clone().filter(|_| player.borrow().is_none());
            let (Some(control), Some(video)) = (control, video.cast::<HtmlVideoElement>()) else { return };
            session.dispatch(Action::Playing(movie));
            let (session, host, has_run) = (session.clone(), host.clone(), Rc::clone(&has_run));
            host.iter().for_each(|host| hosted::prepare(host, &video));
            let tell = Rc::new(move |event: PlayerEvent| {
                if matches!(&event, PlayerEvent::Live(event) if event.state != EventState::Waiting) {
                    has_run.set(true);
                }
                host.iter().for_each(|host| hosted::told(host, &event, has_run.get()));
                if matches!(event, PlayerEvent::Cues(_)) {
                    return;
                }
                let login = host.is_none()
                    && matches!(&event, PlayerEvent::Failed(problem)
                    if problem.code == ErrorCode::LoginRequired.as_str());
                if login {
                    session.dispatch(Action::SignedOut);
                } else {
                    shown.dispatch(Told::Player(event));
                }
            });
            let started = Player::start(control, movie, video, cues.cast::<HtmlElement>(), tell);
            player.replace(Some(started));
        }
    };
    let wanted = (session.control.clone(), shown.attempt);
    {
        let begin = begin.clone();
        use_memo(wanted.clone(), move |_| spawn_local(async move { begin() }));
    }
    {
        let (player, session) = (Rc::clone(&player), session.clone());
        use_effect_with(wanted, move |_| {
            begin();
            move || {
                let position = player.take().and_then(|player| player.position());
                session.dispatch(Action::Stopped { movie, position });
            }
        });
    }
    player
}

/// A choice that is kept on the device, and what changes it.
#[hook]
fn use_kept(read: fn() -> bool, keep: fn(bool)) -> (bool, Callback<bool>) {
    let value = use_state_eq(read);
    let setter = value.setter();
    let change = use_callback((), move |on, ()| {
        keep(on);
        setter.set(on);
    });
    (*value, change)
}

/// The page: the film, its controls, and what stands in their place when it cannot play.
#[function_component]
pub fn Watch(props: &WatchProps) -> Html {
    let session = use_session();
    let (video, stage, cues) = (use_node_ref(), use_node_ref(), use_node_ref());
    let shown = use_reducer(Shown::default);
    let player = use_player(&video, &cues, props.movie, props.host.as_ref(), &session, &shown);
    let idle = use_idle(stage.clone());
    let media = use_media_state(video.clone(), idle.idle);
    let bare = props.host.is_some() || props.alone;

    let around = use_around(&session, props.movie, bare);
    let (plays_next, set_plays_next) = use_kept(device_store::plays_next, device_store::save_plays_next);
    let (theatre, set_theatre) = use_kept(device_store::theatre, device_store::save_theatre);
    use_full_screen_left();

    let plays = media.has_picture && !media.paused && !media.waiting;
    {
        let shown = shown.dispatcher();
        use_effect_with(plays, move |plays| {
            if *plays {
                shown.dispatch(Told::Begun);
            }
        });
    }
    // An address may say where to begin. It says so once: a reload goes on where the film was left.
    {
        let (video, dispatcher, movie) = (video.clone(), shown.dispatcher(), props.movie);
        use_effect_with(media.has_picture, move |has_picture| {
            let wanted =
                route::query("t").filter(|_| *has_picture && !bare).and_then(|t| t.parse::<f64>().ok());
            let wanted = wanted.filter(|seconds| seconds.is_finite() && *seconds >= 0.0);
            if let (Some(seconds), Some(video)) = (wanted, video.cast::<HtmlVideoElement>()) {
                video.set_current_time(seconds);
                dispatcher.dispatch(Told::ResumedSeen);
                route::remember(&Route::Watch { movie }.address());
            }
        });
    }
    use_rest_of_site(&media, if shown.live.is_none() { shown.duration } else { 0.0 });
    // Says where it resumes until a while after it did.
    {
        let dispatcher = shown.dispatcher();
        use_effect_with(shown.begun && shown.resumed.is_some(), move |wanted| {
            let timer =
                wanted.then(|| Timeout::new(RESUMED_MS, move || dispatcher.dispatch(Told::ResumedSeen)));
            move || drop(timer)
        });
    }
    {
        let dispatcher = shown.dispatcher();
        use_effect_with(shown.note.clone(), move |note| {
            let timer =
                note.is_some().then(|| Timeout::new(NOTE_MS, move || dispatcher.dispatch(Told::Note(None))));
            move || drop(timer)
        });
    }

    // The library may know the title before the controller says it.
    let title = shown.metadata.as_ref().map(|metadata| metadata.title.clone()).or_else(|| {
        let library = session.library.as_ref()?;
        library.movies.iter().find(|film| film.movie_id == props.movie).map(|film| film.title.clone())
    });
    let title = AttrValue::from(title.unwrap_or_default());
    use_effect_with(title.clone(), |title| {
        brand::set_title(title);
    });

    let toggle_now = {
        let (video, shown, player) = (video.clone(), shown.dispatcher(), Rc::clone(&player));
        use_callback((), move |(), ()| toggle(&video, &shown, &player))
    };
    let chapters = shown.metadata.as_ref().map(|metadata| metadata.chapters.clone()).unwrap_or_default();
    let is_over = shown.begun && shown.live.is_none() && up_next::is_over(&media, &chapters, shown.duration);
    let Ending { stopped, on_next, on_stop } = use_ending(&around, is_over, &player);
    // In full screen nothing stands beside the film, and nobody would see what changed.
    let has_side = !bare && !media.full_screen;
    let on_theatre =
        use_callback((has_side, theatre, set_theatre), |(), (has_side, theatre, set_theatre)| {
            if *has_side && is_wide() {
                set_theatre.emit(!theatre);
            }
        });
    let controls = hosted::use_host(props.host.as_ref(), &video, &player, &toggle_now, &shown.tracks);
    let remote = Remote {
        video: video.clone(),
        stage: stage.clone(),
        duration: shown.live.as_ref().map_or(shown.duration, |event| event.window.1),
        begin: shown.live.as_ref().map_or(0.0, |event| event.window.0),
        on_toggle: toggle_now,
        on_captions: {
            let player = Rc::clone(&player);
            use_callback(shown.tracks.clone(), move |(), tracks| {
                let next = if tracks.text.is_some() { None } else { tracks.usual_text() };
                if let Some(player) = &*player.borrow() {
                    player.choose_text(next);
                }
            })
        },
        on_help: {
            let shown = shown.dispatcher();
            use_callback((), move |(), ()| shown.dispatch(Told::Help(None)))
        },
        on_statistics: {
            let shown = shown.dispatcher();
            use_callback((), move |(), ()| shown.dispatch(Told::Statistics))
        },
        on_next: on_next.clone(),
        on_theatre,
        // Who does so knows where the film went on.
        on_seek: {
            let shown = shown.dispatcher();
            use_callback((), move |(), ()| shown.dispatch(Told::ResumedSeen))
        },
        chapters: chapters.clone().into(),
        on_note: {
            let shown = shown.dispatcher();
            use_callback((), move |note, ()| shown.dispatch(Told::Note(Some(note))))
        },
    };
    use_wake_lock(!media.paused);
    use_orientation(&video, media.full_screen);
    let art = shown.metadata.as_ref().map_or(&[][..], |metadata| &metadata.art);
    let has_next = around.next_episode().is_some();
    use_media_session(&remote, &media, &title, art, shown.live.is_some(), has_next);
    let retry = {
        let (session, shown) = (session.clone(), shown.dispatcher());
        Callback::from(move |()| {
            session.dispatch(Action::Retry);
            shown.dispatch(Told::Again);
        })
    };
    let take_over = {
        let (control, retry, movie) = (session.control.clone(), retry.clone(), props.movie);
        Callback::from(move |device| {
            let (control, retry) = (control.clone(), retry.clone());
            spawn_local(async move {
                if let Some(control) = control {
                    // Where it did not help, the film will not begin, and say why.
                    let _ = control.take_over(movie, device).await;
                }
                retry.emit(());
            });
        })
    };
    let on_live = {
        let player = Rc::clone(&player);
        use_callback((), move |(), ()| player.borrow().iter().for_each(Player::go_live))
    };
    let begin_anew = {
        let shown = shown.dispatcher();
        use_callback((), move |(), ()| shown.dispatch(Told::Again))
    };
    let starts = session.library.as_ref().and_then(|library| {
        library.movies.iter().find(|film| film.movie_id == props.movie).and_then(|film| film.starts)
    });
    let on_choose = {
        let (player, video, shown) = (Rc::clone(&player), video.clone(), shown.dispatcher());
        use_callback(set_plays_next, move |setting: Setting, set_plays_next| {
            if setting == Setting::Statistics {
                shown.dispatch(Told::Statistics);
            } else if setting == Setting::CaptionStyle {
                let style = player.borrow().as_ref().map(Player::caption_style);
                shown.dispatch(Told::Styling(style));
            } else if let Setting::PlaysNext(on) = setting {
                set_plays_next.emit(on);
            } else if let Some(player) = &*player.borrow() {
                set(player, &video, setting);
            }
        })
    };
    let problem = if session.missing.is_empty() {
        shown.problem.clone().or_else(|| session.problem.clone().filter(|_| session.control.is_none()))
    } else {
        Some(Problem::unsupported(&session.missing))
    };
    let online = use_online();
    let status = if problem.is_some() { None } else { status(&shown, &media, online) };
    let read = {
        let player = Rc::clone(&player);
        use_callback((), move |(), ()| player.borrow().as_ref().map(Player::statistics).unwrap_or_default())
    };
    let press = {
        let remote = remote.clone();
        move |press: Press| {
            let remote = remote.clone();
            move |_: MouseEvent| remote.press(press)
        }
    };
    let surface = use_surface(&remote, &idle, shown.wants_gesture);
    let surface = controls.then_some(surface);
    let start_over = press(Press::To(0.0));
    let next =
        around.next.as_ref().filter(|_| is_over && plays_next && controls && !stopped && problem.is_none());
    let skip = Skip::at(&chapters, media.time, shown.duration)
        .filter(|_| controls && shown.begun && shown.live.is_none() && !media.ended && next.is_none());
    // Both go by themselves, by a key, or by a button of theirs.
    use_focus_led_on(&stage, ".skip-part", skip.is_some(), ".play");
    use_focus_led_on(&stage, ".statistics", shown.statistics, ".play");
    use_focus_led_on(&stage, ".up-next", next.is_some(), ".play");
    let on_help_close = {
        let shown = shown.dispatcher();
        Callback::from(move |()| shown.dispatch(Told::Help(Some(false))))
    };
    let on_style = {
        let (player, shown) = (Rc::clone(&player), shown.dispatcher());
        use_callback((), move |style: Option<CaptionStyle>, ()| {
            if let (Some(style), Some(player)) = (style, &*player.borrow()) {
                player.style_captions(style);
            }
            shown.dispatch(Told::Styling(style));
        })
    };
    let on_press = use_callback(remote.clone(), |press: Press, remote: &Remote| remote.press(press));
    let has_room = !bare && problem.is_none() && !shown.not_begun;
    let beside = (has_room && !theatre).then(|| {
        let at = chapters.iter().rposition(|chapter| chapter.start <= media.time);
        html! {
            <Beside title={title.clone()} film={around.film.clone()} chapters={chapters.clone()} {at}
                others={around.others.clone()} {on_press} />
        }
    });
    html! {
        <>
        <main id="main" class={classes!("stage", beside.is_some().then_some("with-beside"))} tabindex="-1" ref={stage.clone()}>
            <video ref={video.clone()} playsinline=true preload="auto" onclick={surface} />
            if has_room {
                <FirstSight film={around.film.clone()} has_picture={media.has_picture} />
            }
            // Nobody hears of these: who does not see them hears the film.
            <div class="cues" aria-hidden="true" ref={cues} />
            if problem.is_none() && shown.not_begun {
                <div class="curtain-call">
                    <EventWaiting movie={props.movie} title={title.clone()} {starts} has_run={shown.has_run} {bare}
                        on_begun={begin_anew} />
                </div>
            } else if let Some(problem) = problem {
                <div class="curtain-call"><ErrorView {problem} on_retry={retry} on_take_over={take_over} {bare}
                    movie={props.movie} statistics={read} /></div>
            } else {
                <div class={classes!("wait", status.is_some().then_some("on"))} role="status">
                    // Nothing turns while the viewer has to do something.
                    if !shown.restricted {
                        <span class="spinner" aria-hidden="true" />
                    }
                    <span class="why">{ status.unwrap_or_default() }</span>
                </div>
                <p class={classes!("note", shown.note.is_some().then_some("on"))} role="status">
                    { shown.note.clone().unwrap_or_default() }
                </p>
                if shown.wants_gesture && media.paused {
                    // A large target for the pointer; by name it is the controls' own button.
                    <button type="button" class="big-play" tabindex="-1" aria-hidden="true" onclick={press(Press::PlayPause)}>
                        { icons::play() }
                    </button>
                }
                if let Some(position) = shown.resumed.filter(|_| shown.begun) {
                    <div class="resumed" role="status">
                        <p>{ say::resuming_at(&spoken::position(position)) }</p>
                        <button type="button" class="button secondary" onclick={start_over}>{ say::start_over() }</button>
                    </div>
                }
                if shown.live.as_ref().is_some_and(|event| event.state == EventState::Ended) {
                    <div class="resumed event-ended" role="status">
                        <p>{ say::event_ended() }</p>
                        if shown.live.as_ref().is_some_and(|event| event.has_replay) {
                            <button type="button" class="button secondary" onclick={begin_anew.reform(|_: MouseEvent| ())}>
                                { say::event_replay() }
                            </button>
                        }
                    </div>
                }
                if let Some(skip) = skip {
                    <button type="button" class="button secondary skip-part" title={say::with_key(skip.label, "s")}
                        onclick={press(Press::Skip)}>{ skip.label }</button>
                }
                <p class="sr" role="status">{ up_next::said(next) }</p>
                if let Some(next) = next {
                    // Another film has all of its seconds.
                    <UpNext key={next.movie_id.get()} film={next.clone()} holds={shown.help || shown.styling.is_some() || media.paused && !media.ended} on_play={on_next} {on_stop} />
                }
                if shown.statistics && controls {
                    <StatisticsView {read} on_close={remote.on_statistics.clone()} />
                }
                if controls {
                    <Controls live={shown.live.clone()} {on_live} {remote} media={media} quality={shown.quality.clone()}
                        limit={shown.limit} statistics={shown.statistics} tracks={shown.tracks.clone()}
                        stills={shown.stills.clone()} {chapters} {on_choose} {title} idle={idle.idle} {bare}
                        plays_next={around.next.is_some().then_some(plays_next)} theatre={has_room.then_some(theatre)}
                        next={around.next_episode().map(|next| AttrValue::from(next.title.clone()))} />
                }
                <CaptionSettings style={shown.styling} {on_style} />
                <KeyHelp open={shown.help} on_close={on_help_close} {bare} />
            }
        </main>
        { beside.unwrap_or_default() }
        </>
    }
}

fn set(player: &Player, video: &NodeRef, setting: Setting) {
    match setting {
        Setting::Quality(representation) => player.prefer(representation),
        Setting::DataSaver => player.save_data(),
        Setting::Statistics | Setting::PlaysNext(_) | Setting::CaptionStyle => {}
        Setting::Sound(id) => player.choose_sound(&id),
        Setting::Text(id) => player.choose_text(id.as_deref()),
        Setting::Speed(speed) => {
            video.cast::<HtmlVideoElement>().into_iter().for_each(|video| video.set_playback_rate(speed));
        }
    }
}

fn toggle(video: &NodeRef, shown: &UseReducerDispatcher<Shown>, player: &Rc<RefCell<Option<Player>>>) {
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
