//! A film that is an event: its manifest is made whole with its index, which grows until it is over.

use std::rc::Rc;

use engine::{Event, IndexQuestion};
use nccp::{Action, ErrorCode, Manifest, MovieType};
use playback::{EventState, is_same_session, waits};
use wasm_bindgen_futures::spawn_local;

use super::{Film, PlayerEvent};
use crate::{
    clock,
    control::Error,
    player::live::{self, MOST_GONE, NoIndex},
    problem::Problem,
};

impl Film {
    /// Takes an event's manifest, once its index says what can be played.
    pub(super) async fn follow(self: Rc<Self>, mut manifest: Manifest) {
        let mut gone = 0;
        loop {
            let whole = self.feed.complete(&manifest, || !self.closed.get(), || self.tell_event()).await;
            let no_index = match whole {
                Some(Ok(whole)) => {
                    self.of.replace(Some(whole.clone()));
                    self.reporter.set_event();
                    self.manifest_is_whole(whole);
                    return self.tell_event();
                }
                // The engine asks for another, at distances of its own.
                Some(Err(_)) if self.of.borrow().is_some() => return self.driver.feed(Event::ManifestFailed),
                Some(Err(no_index)) => no_index,
                None => return,
            };
            gone += u32::from(no_index == NoIndex::Gone);
            if gone > MOST_GONE {
                return self.fail(Problem::from(&engine::Error::Unreachable));
            }
            self.feed.wait_again(gone).await;
            if self.closed.get() {
                return;
            }
            // What does not come is asked for again. What is gone has changed since the manifest was made:
            // another manifest says into what, and costs no license.
            if no_index == NoIndex::Gone {
                match self.control.authorize(self.movie).await {
                    Ok(fresh) if is_same_session(&manifest, &fresh) => {
                        self.licenses.manifest_asked_at(clock::unix_now());
                        manifest = fresh;
                    }
                    Ok(_) => return self.give_way(PlayerEvent::BeginAnew),
                    Err(Error::Refused(wire)) if wire.action != Action::Backoff => {
                        return self.fail(Problem::from(&Error::Refused(wire)));
                    }
                    Err(_) => {}
                }
            }
        }
    }

    /// Asks for what is new in an event, and tells the engine.
    pub(super) async fn news(self: Rc<Self>, question: IndexQuestion) {
        let news = self.feed.news(&question).await;
        if self.closed.get() {
            return;
        }
        match news {
            Ok(index) => {
                let has_more = self.of.borrow().as_ref().is_some_and(|whole| index.has_more_than(whole));
                if has_more {
                    return self.give_way(PlayerEvent::BeginAnew);
                }
                self.licenses.keys_declared(&index);
                self.driver.feed(Event::IndexUpdate(index.update(self.feed.in_parts())));
                if index.state == EventState::Ended {
                    spawn_local(Rc::clone(&self).await_replay());
                }
            }
            Err(no_index) => {
                self.driver.feed(Event::IndexFailed);
                if no_index == NoIndex::Gone {
                    self.driver.feed(Event::UrlsStale);
                }
            }
        }
        self.tell_event();
    }

    /// An event that is over becomes a film: waits for it, and says so. One that says it is over because its
    /// server was stopped goes on in another session: then the player begins anew.
    async fn await_replay(self: Rc<Self>) {
        let weak = Rc::downgrade(&self);
        let (control, movie) = (self.control.clone(), self.movie);
        drop(self);
        for asked in 0.. {
            live::wait(waits::for_replay(asked, js_sys::Math::random())).await;
            if weak.upgrade().is_none_or(|film| film.closed.get()) {
                return;
            }
            let answer = control.authorize(movie).await;
            let Some(film) = weak.upgrade() else { return };
            match answer {
                Ok(manifest) if manifest.movie_type == MovieType::Static => {
                    film.feed.state.set(EventState::Ended);
                    film.feed.has_replay.set(true);
                    return film.tell_event();
                }
                Ok(manifest) => {
                    let goes_on = film.of.borrow().as_ref().is_some_and(|of| !is_same_session(of, &manifest));
                    if goes_on {
                        return film.give_way(PlayerEvent::BeginAnew);
                    }
                }
                // Its encoder is to come back.
                Err(Error::Refused(wire)) if wire.code == ErrorCode::EventWaiting => {
                    film.feed.state.set(EventState::Interrupted);
                    film.tell_event();
                }
                Err(Error::Refused(wire)) if wire.code == ErrorCode::EventEnded => {
                    film.feed.state.set(EventState::Ended);
                    film.tell_event();
                }
                Err(_) => {}
            }
        }
    }

    /// Tells the page of the event, where that has changed.
    pub(super) fn tell_event(&self) {
        if self.closed.get() || self.feed.is_idle() {
            return;
        }
        let event = self.feed.event(self.driver.live());
        if self.told.borrow().as_ref() != Some(&event) {
            self.told.replace(Some(event.clone()));
            self.tell(PlayerEvent::Live(event));
        }
    }
}
