//! What the video element says, and the timers beside it.

use std::rc::{Rc, Weak};

use engine::Event;
use gloo::{events::EventListener, timers::callback::Interval};
use nccp::{LogBlob, LogEvent, json::PlayerEventKind};
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::spawn_local;
use web_sys::EventTarget;

use super::{report, run::Inner};
use crate::{clock, problem::Problem};

const TICK_MS: u32 = 250;
const LOG_MS: u32 = 60_000;

impl Inner {
    pub(super) fn listen(self: &Rc<Self>) {
        let on = |name: &'static str, what: fn(&Rc<Self>)| {
            let weak = Rc::downgrade(self);
            EventListener::new(&self.video, name, move |_| with(&weak, what))
        };
        let mut listeners = vec![
            on("seeking", |player| {
                let position = player.video.current_time();
                player.feed(Event::Seek { position });
            }),
            on("seeked", |player| player.log(LogEvent::Seek)),
            on("timeupdate", Self::playhead),
            on("waiting", |player| {
                if player.played.get() && !player.video.seeking() {
                    player.stalls.set(player.stalls.get() + 1);
                }
                player.playhead();
            }),
            on("play", |player| {
                if player.is_restricted() {
                    player.hold();
                }
            }),
            on("playing", |player| {
                if !player.played.replace(true) {
                    player.start_up.set(Some(clock::monotonic().saturating_sub(player.started)));
                    let position = Some(player.video.current_time());
                    player.tell_ready();
                    report::event(player.movie, PlayerEventKind::Playing, None, position);
                }
            }),
            on("pause", |player| {
                if !player.video.ended() {
                    player.log(LogEvent::Pause);
                }
            }),
            on("ended", |player| {
                player.log(LogEvent::End);
                let position = Some(player.video.current_time());
                report::event(player.movie, PlayerEventKind::Ended, None, position);
            }),
            on("error", |player| {
                let what = player.video.error().map_or_else(String::new, |error| {
                    let message = error.message();
                    if message.is_empty() { format!("code {}", error.code()) } else { message }
                });
                player.fail(Problem::playback(&what));
            }),
        ];
        let weak = Rc::downgrade(self);
        listeners.push(EventListener::new(&gloo::utils::window(), "pagehide", move |_| {
            with(&weak, |player| {
                player.tell_ready();
                if player.played.get() {
                    report::farewell(player.movie, player.video.current_time());
                }
            });
        }));
        let weak = Rc::downgrade(self);
        listeners.push(EventListener::new(&gloo::utils::document(), "visibilitychange", move |_| {
            with(&weak, |player| {
                if gloo::utils::document().hidden() {
                    player.log(LogEvent::Hide);
                } else if clock::unix_now() >= player.urls_end.get() {
                    // A machine that slept did not count the time by which URLs are refreshed.
                    player.feed(Event::UrlsStale);
                }
            });
        }));
        let weak = Rc::downgrade(self);
        listeners.push(EventListener::new(&gloo::utils::window(), "online", move |_| {
            with(&weak, |player| player.feed(Event::Online));
        }));
        if let Some(screen) = screen() {
            let weak = Rc::downgrade(self);
            listeners.push(EventListener::new(&screen, "change", move |_| {
                with(&weak, |player| player.look_at_displays());
            }));
        }
        self.listeners.replace(listeners);
        let weak = Rc::downgrade(self);
        let tick = Interval::new(TICK_MS, move || {
            with(&weak, |player| {
                player.playhead();
                player.observe();
                player.watch_rights();
            });
        });
        let weak = Rc::downgrade(self);
        let log = Interval::new(LOG_MS, move || {
            with(&weak, |player| {
                if !player.video.paused() {
                    player.log(LogEvent::Interval);
                }
            });
        });
        self.timers.replace(vec![tick, log]);
    }

    fn playhead(self: &Rc<Self>) {
        let playing = !self.video.paused() && !self.video.ended();
        self.feed(Event::Playhead { position: self.video.current_time(), playing });
    }

    pub(super) fn log(self: &Rc<Self>, event: LogEvent) {
        if self.played.get() {
            let (answer, weak) = (report::log(&self.control, self.blob(event)), Rc::downgrade(self));
            spawn_local(async move {
                if let (Some(metadata), Some(player)) = (answer.await, weak.upgrade()) {
                    player.adopt(metadata);
                }
            });
        }
    }

    /// The log of a film that is being left: what the controller says to it is of no use any more.
    pub(super) fn last_log(&self) {
        drop(report::log(&self.control, self.blob(LogEvent::Hide)));
    }

    fn blob(&self, event: LogEvent) -> LogBlob {
        LogBlob {
            movie_id: self.movie,
            position: self.video.current_time().max(0.0),
            event,
            counters: self.counters(),
            policy_version: self.policy_version(),
        }
    }
}

/// The screen, where it tells of changes.
fn screen() -> Option<EventTarget> {
    js_sys::Reflect::get(&js_sys::global(), &"screen".into()).ok()?.dyn_into().ok()
}

fn with(player: &Weak<Inner>, what: fn(&Rc<Inner>)) {
    if let Some(player) = player.upgrade()
        && !player.closed.get()
    {
        what(&player);
    }
}
