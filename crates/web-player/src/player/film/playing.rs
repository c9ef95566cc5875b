//! What happens while a film plays: what the video element says, and what page and log hear of it.

use std::rc::Rc;

use engine::Event;
use gloo::utils::document;
use nccp::LogEvent;
use playback::cmcd::reports::State;
use wasm_bindgen_futures::spawn_local;

use super::{Film, PlayerEvent};
use crate::{player::video::Happening, problem::Problem};

impl Film {
    pub(super) fn happened(self: &Rc<Self>, what: Happening) {
        match what {
            Happening::Seeking => {
                // Where the film begins is no choice of the viewer's.
                if self.reporter.has_played() {
                    self.driver.stands(State::Seeking);
                }
                self.driver.feed(Event::Seek { position: self.video.current_time() });
            }
            Happening::Seeked => {
                if self.reporter.has_played() && self.video.paused() {
                    self.driver.stands(State::Paused);
                }
                self.log(LogEvent::Seek);
            }
            Happening::TimeUpdate => self.driver.playhead(),
            Happening::Waiting => {
                self.reporter.waiting();
                if self.reporter.has_played() && !self.video.seeking() {
                    self.driver.stands(State::Rebuffering);
                }
                self.driver.playhead();
            }
            Happening::Play if self.licenses.is_restricted() => {
                // It will play when the displays allow it.
                self.resumes.set(true);
                let _ = self.video.pause();
            }
            Happening::Play => self.paused.set(false),
            Happening::Playing => {
                self.reporter.playing();
                self.driver.stands(State::Playing);
            }
            Happening::Pause if self.video.ended() => {}
            Happening::Pause => {
                self.paused.set(true);
                if self.reporter.has_played() {
                    self.driver.stands(State::Paused);
                }
                self.log(LogEvent::Pause);
            }
            Happening::Ended => {
                self.driver.stands(State::Ended);
                self.log(LogEvent::End);
                self.reporter.ended();
            }
            Happening::Error => {
                let what = self.video.error().map_or_else(String::new, |error| {
                    let message = error.message();
                    if message.is_empty() { format!("code {}", error.code()) } else { message }
                });
                self.fail(Problem::playback(&what));
            }
            Happening::PageHide => {
                self.reporter.farewell();
                self.driver.leave();
            }
            Happening::VisibilityChange if document().hidden() => {
                self.log(LogEvent::Hide);
                // On phones pages that are hidden often end without another word.
                self.driver.flush();
            }
            Happening::VisibilityChange => self.driver.woke_up(),
            Happening::Offline => self.driver.feed(Event::Offline),
            Happening::Online => self.driver.feed(Event::Online),
            Happening::Displays => self.licenses.look_at_displays(),
            Happening::Tick => {
                self.driver.playhead();
                self.driver.report();
                self.observe();
                self.licenses.watch();
            }
            Happening::LogDue if self.video.paused() => {}
            Happening::LogDue => self.log(LogEvent::Interval),
        }
    }

    /// Whether something that is needed does not come, and is asked for again.
    fn is_in_trouble(&self) -> bool {
        self.driver.is_in_trouble() || self.feed.is_in_trouble() || self.licenses.lacks_key()
    }

    /// Tells the engine what it cannot see, and the page what has changed. Wanted a few times a second.
    pub(super) fn observe(&self) {
        self.driver.observe();
        if self.closed.get() {
            return;
        }
        self.tell_event();
        let (quality, retrying) = (self.driver.quality(), self.is_in_trouble());
        if *self.shown.borrow() != quality {
            self.shown.replace(quality.clone());
            self.tell(PlayerEvent::Quality(quality));
        }
        let limit = self.driver.limit();
        if self.limit.replace(limit) != limit {
            self.tell(PlayerEvent::Limited(limit));
        }
        if self.retrying.replace(retrying) != retrying {
            self.tell(PlayerEvent::Retrying(retrying));
        }
    }

    fn log(self: &Rc<Self>, event: LogEvent) {
        let answer = self.reporter.log(event, self.driver.switches(), self.licenses.policy_version());
        if let Some(answer) = answer {
            let weak = Rc::downgrade(self);
            spawn_local(async move {
                let heard = answer.await;
                let Some(film) = weak.upgrade() else { return };
                if let Some(names) = heard.stopped {
                    film.fail(Problem::stopped(&names));
                } else if let Some(error) = heard.refused {
                    film.fail(Problem::from(&error));
                } else if let Some(rules) = heard.rules {
                    film.licenses.rules_changed(rules);
                }
            });
        }
    }
}
