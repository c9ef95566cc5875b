//! The license while the film plays: its end, its renewal, what the displays allow.

use std::rc::Rc;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use drm_api::{DrmError, KeyState, KeyStatus, PolicyReason, Reply, Request, SessionId};
use engine::Event;
use nccp::{Action, NewRules};
use wasm_bindgen_futures::spawn_local;

use super::run::{Inner, PlayerEvent};
use crate::{
    control::{Error, Licensed},
    device_store,
    problem::Problem,
};

/// Seconds before a renewal that failed is tried again, at first and at most.
const AGAIN: (f64, f64) = (2.0, 60.0);

/// What the license says of time, and how its renewal goes. Times are Unix seconds as the server has them.
#[derive(Default)]
pub(super) struct Rights {
    /// What names its rules, to the controller.
    version: Option<String>,
    /// When it ends.
    end: Option<f64>,
    /// Whether playback ends with it.
    continuous: bool,
    /// When to ask for the next.
    renew_at: Option<f64>,
    renewing: bool,
    failures: u32,
    /// The displays do not allow the film now; whether it played when that began.
    restricted: Option<bool>,
}

impl Inner {
    /// Takes a license, for the first time or in place of another.
    pub(super) async fn take(self: &Rc<Self>, session: SessionId, licensed: Licensed) -> Result<(), Problem> {
        if !self.has_license.get() {
            let weak = Rc::downgrade(self);
            self.proxy().listen_keys(session, move |keys| {
                if let Some(player) = weak.upgrade().filter(|player| !player.is_closed()) {
                    player.key_states(&keys);
                }
            });
            // They may have changed since the challenge was made; what they do not allow is not decrypted
            // even for a moment.
            self.look_at_displays();
        }
        let (reply, version) = match licensed {
            Licensed::Taken(reply, version) => (Ok(reply), version),
            Licensed::Fresh(license, version) => {
                let update = Request::Update { session, license: STANDARD.encode(license) };
                (self.proxy().ask(update).await, version)
            }
        };
        let Reply::Keys { keys, expiration, max_height, renew_after, continuous, persistent } =
            reply.map_err(|error| Problem::from(&error))?
        else {
            return Err(Problem::from(&Error::Protocol));
        };
        let kept = persistent.then(|| version.clone());
        let changed = device_store::keep_license(&self.control.account(), self.movie.get(), kept);
        if changed && !persistent {
            // The one that was kept has been replaced.
            let forget = Request::Forget { stream_id: Some(self.movie.get() as f64) };
            self.proxy().send(&forget, None, |_| {});
        }
        {
            let mut rights = self.rights.borrow_mut();
            (rights.version, rights.end, rights.continuous) = (version, expiration, continuous);
            (rights.renew_at, rights.failures) = (renew_after, 0);
        }
        self.has_license.set(true);
        self.feed(Event::MaxHeight { height: max_height });
        self.key_states(&keys);
        Ok(())
    }

    /// What names the rules of the license that the film plays by.
    pub(super) fn policy_version(&self) -> Option<String> {
        self.rights.borrow().version.clone()
    }

    /// Whether the displays do not allow the film now.
    pub(super) fn is_restricted(&self) -> bool {
        self.rights.borrow().restricted.is_some()
    }

    /// The film was told to play while the displays do not allow it: it will when they do.
    pub(super) fn hold(&self) {
        if let Some(played) = &mut self.rights.borrow_mut().restricted {
            *played = true;
        }
        let _ = self.video.pause();
    }

    /// Looks at the clock and the displays. Wanted a few times a second.
    pub(super) fn watch_rights(self: &Rc<Self>) {
        self.look_at_displays();
        let now = self.control.server_now();
        let (over, due) = {
            let rights = self.rights.borrow();
            let over = rights.end.is_some_and(|end| now > end);
            (over, rights.renew_at.is_some_and(|at| now >= at) && !rights.renewing)
        };
        if over && self.rights.borrow().continuous {
            return self.fail(Problem::from(&DrmError::LicenseExpired));
        }
        if due {
            self.rights.borrow_mut().renew_at = None;
            if !over {
                spawn_local(Rc::clone(self).renew(None));
            }
        }
    }

    /// The operator has changed the rules of the film: from now on it plays by the new ones or not at all.
    pub(super) fn adopt(self: &Rc<Self>, rules: NewRules) {
        if !self.is_closed() && !self.rights.borrow().renewing {
            spawn_local(Rc::clone(self).renew(Some(rules)));
        }
    }

    /// Gets a new license while the film plays by the old one. With new rules a refusal ends the film.
    async fn renew(self: Rc<Self>, rules: Option<NewRules>) {
        let Some(session) = self.session.get() else { return };
        let forced = rules.is_some();
        self.rights.borrow_mut().renewing = true;
        let answer = match (self.renew_embedded(session, rules.as_ref()).await, rules) {
            (Some(licensed), _) => Ok(licensed),
            (None, Some(rules)) => self.control.license_by(session, self.movie, rules.drm_metadata).await,
            (None, None) => self.control.license(session, self.movie).await,
        };
        if self.is_closed() {
            return;
        }
        let (problem, passing) = match answer {
            Ok(licensed) => match self.take(session, licensed).await {
                Ok(()) => return self.rights.borrow_mut().renewing = false,
                Err(problem) => (problem, false),
            },
            Err(error) => {
                let passing = match &error {
                    Error::Wire(wire) => wire.action == Action::Backoff,
                    Error::Network => true,
                    _ => false,
                };
                (Problem::from(&error), passing)
            }
        };
        let now = self.control.server_now();
        {
            let mut rights = self.rights.borrow_mut();
            rights.renewing = false;
            let wait = (AGAIN.0 * 2f64.powi(rights.failures.min(10) as i32)).min(AGAIN.1);
            rights.failures += 1;
            rights.renew_at = Some(now + wait * (0.75 + js_sys::Math::random() / 2.0));
        }
        if forced && !passing {
            self.fail(problem);
        }
    }

    /// Tells the worker when the displays have changed. Pages cannot hear of that everywhere, so they look as
    /// well.
    pub(super) fn look_at_displays(&self) {
        if let Some(display) = self.proxy().displays().changed() {
            self.proxy().send(&Request::Display { display }, None, |_| {});
        }
    }

    fn key_states(self: &Rc<Self>, keys: &[KeyState]) {
        let any = |status| keys.iter().any(|key| key.status == status);
        if any(KeyStatus::Expired) {
            return self.fail(Problem::from(&DrmError::LicenseExpired));
        }
        let restricted = any(KeyStatus::OutputRestricted);
        if restricted == self.is_restricted() {
            return;
        }
        // A film that has not begun is refused, as it would have been a moment before.
        if restricted && !self.played.get() {
            let refused = DrmError::PolicyRefused { reason: PolicyReason::Output };
            return self.fail(Problem::from(&refused));
        }
        if restricted {
            self.rights.borrow_mut().restricted = Some(!self.video.paused());
            let _ = self.video.pause();
        } else if self.rights.borrow_mut().restricted.take() == Some(true) {
            self.play();
        }
        self.tell(PlayerEvent::Restricted(restricted));
    }
}
