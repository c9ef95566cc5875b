//! A film's license: taken when session, manifest and answer allow it, renewed while the film plays, given up
//! at its end; and what the displays allow.

use std::{
    cell::{Cell, RefCell},
    collections::HashSet,
    rc::{Rc, Weak},
};

use drm_api::{
    DrmError, PolicyReason,
    cdm::{KeyState, KeyStatus, Reply, Request, SessionId},
};
use nccp::{Action, Manifest, MovieId, NewRules, Scheme};
use playback::{Due, LiveIndex, Renewal, Terms};
use wasm_bindgen_futures::spawn_local;

use super::{
    embedded::{EmbeddedLicense, Offer},
    statistics::Lease,
    track::Missing,
};
use crate::{
    control::{Control, Error, Licensed},
    decryptor_proxy::DecryptorProxy,
    device_store,
    problem::Problem,
};

/// What the license keeper needs of the film.
pub(super) trait LicenseHost {
    /// A license was taken: the highest picture that it allows, in lines.
    fn max_height(&self, height: Option<u32>);
    /// Whether device and license permit a representation.
    fn permits(&self, representation: &str) -> bool;
    /// Whether anything of the film has been seen.
    fn has_played(&self) -> bool;
    /// The displays do not allow the film now, and it has to wait; `false` once they do.
    fn restricted(self: Rc<Self>, is_restricted: bool);
    /// Playback cannot go on.
    fn fail(&self, problem: Problem);
}

/// Keeps the license of one film.
pub(super) struct LicenseKeeper {
    host: Weak<dyn LicenseHost>,
    control: Control,
    movie: MovieId,
    session: Cell<Option<SessionId>>,
    embedded: EmbeddedLicense,
    /// What the manifest says, once it is there; `None` in it where the film is not protected.
    offer: RefCell<Option<Option<Offer>>>,
    /// No license was asked for: the manifest should bring it.
    expects_embedded: Cell<bool>,
    /// Why there is no license. It counts once the manifest says that one is needed.
    problem: RefCell<Option<Problem>>,
    has_license: Cell<bool>,
    /// What names the rules of the license, to the controller.
    version: RefCell<Option<String>>,
    /// By the server's clock.
    renewal: RefCell<Renewal<NewRules>>,
    is_restricted: Cell<bool>,
    /// KIDs of the license, and those that were asked for with it: what it has not got then will not come.
    kids: RefCell<HashSet<String>>,
    /// KIDs that an event has declared.
    declared: RefCell<Vec<String>>,
    /// The film is an event, whose keys change.
    is_live: Cell<bool>,
    /// What lacks keys by the license that is about to be replaced.
    missing: RefCell<Option<Missing>>,
    /// A key that is needed now is still to come.
    lacks_key: Cell<bool>,
    closed: Cell<bool>,
}

impl LicenseKeeper {
    pub(super) fn new(host: Weak<dyn LicenseHost>, control: Control, movie: MovieId) -> Rc<Self> {
        Rc::new(Self {
            host,
            control,
            movie,
            session: Cell::new(None),
            embedded: EmbeddedLicense::new(),
            offer: RefCell::default(),
            expects_embedded: Cell::new(false),
            problem: RefCell::default(),
            has_license: Cell::new(false),
            version: RefCell::default(),
            renewal: RefCell::default(),
            is_restricted: Cell::new(false),
            kids: RefCell::default(),
            declared: RefCell::default(),
            is_live: Cell::new(false),
            missing: RefCell::default(),
            lacks_key: Cell::new(false),
            closed: Cell::new(false),
        })
    }

    fn proxy(&self) -> &Rc<DecryptorProxy> {
        self.control.proxy()
    }

    fn host(&self) -> Option<Rc<dyn LicenseHost>> {
        self.host.upgrade().filter(|_| !self.closed.get())
    }

    fn fail(&self, problem: Problem) {
        if let Some(host) = self.host() {
            host.fail(problem);
        }
    }

    // ---- the first license ----

    /// When the manifest that will come was asked for, Unix seconds.
    pub(super) fn manifest_asked_at(&self, time: f64) {
        self.embedded.set_asked_at(time);
    }

    /// The worker's session is there.
    pub(super) fn session_opened(self: &Rc<Self>, session: SessionId) {
        self.session.set(Some(session));
        self.maybe_open_embedded();
    }

    /// No license was asked for, because the manifest should bring it.
    pub(super) fn expect_embedded(self: &Rc<Self>) {
        self.expects_embedded.set(true);
        self.maybe_open_embedded();
    }

    /// The manifest is there, the first one or a fresh one.
    ///
    /// # Errors
    /// Why there is no license, where the film needs one.
    pub(super) fn manifest_arrived(self: &Rc<Self>, manifest: &Manifest) -> Result<(), Problem> {
        let is_protected = manifest.downloadables.iter().any(|file| file.scheme != Scheme::None);
        self.offer.replace(Some(is_protected.then(|| Offer::of(manifest))));
        self.is_live.set(manifest.live.is_some());
        self.maybe_open_embedded();
        self.problem.take().filter(|_| is_protected).map_or(Ok(()), Err)
    }

    /// The license that was asked for when the film was opened, or why there is none.
    pub(super) fn answered(self: &Rc<Self>, answer: Result<Licensed, Error>) {
        match (answer, self.session.get()) {
            (Ok(licensed), Some(session)) => spawn_local(Rc::clone(self).first(session, licensed)),
            (Ok(_), None) => {}
            (Err(error), _) => self.failed(Problem::from(&error)),
        }
    }

    /// Opens the license in the manifest, once there are session and manifest.
    fn maybe_open_embedded(self: &Rc<Self>) {
        let there = self.session.get().zip(self.offer.borrow().clone());
        if let Some((session, offer)) = there.filter(|_| self.expects_embedded.take())
            && let Some(offer) = offer
        {
            spawn_local(Rc::clone(self).open_embedded(session, offer));
        }
    }

    async fn open_embedded(self: Rc<Self>, session: SessionId, offer: Offer) {
        let opened = self.embedded.open(self.proxy(), session, offer).await;
        if self.closed.get() {
            return;
        }
        match opened {
            Ok(licensed) => self.first(session, licensed).await,
            Err(metadata) => match self.control.license_by(session, self.movie, metadata).await {
                Ok(licensed) => self.first(session, licensed).await,
                Err(error) => self.failed(Problem::from(&error)),
            },
        }
    }

    async fn first(self: Rc<Self>, session: SessionId, licensed: Licensed) {
        if let Err(problem) = self.take(session, licensed).await {
            self.failed(problem);
        }
    }

    /// A film without protection needs no license, so its refusal does not matter.
    fn failed(&self, problem: Problem) {
        let is_needed = self.offer.borrow().as_ref().map(Option::is_some);
        match is_needed {
            Some(true) => self.fail(problem),
            Some(false) => {}
            None => drop(self.problem.replace(Some(problem))),
        }
    }

    /// Takes a license, for the first time or in place of another.
    async fn take(self: &Rc<Self>, session: SessionId, licensed: Licensed) -> Result<(), Problem> {
        if self.closed.get() {
            return Ok(());
        }
        if !self.has_license.get() {
            let weak = Rc::downgrade(self);
            self.proxy().listen_keys(session, move |keys| {
                if let Some(keeper) = weak.upgrade() {
                    keeper.key_states(&keys);
                }
            });
            // They may have changed since the challenge was made; what they do not allow is not decrypted
            // even for a moment.
            self.look_at_displays();
        }
        let (reply, version) = match licensed {
            Licensed::Taken(reply, version) => (Ok(reply), version),
            Licensed::Fresh(license, version) => {
                let update = Request::Update { session, license };
                (self.proxy().ask(update).await, version)
            }
        };
        let Reply::Keys { keys, expiration, max_height, renew_after, continuous, persistent } =
            reply.map_err(|error| Problem::from(&error))?
        else {
            return Err(Problem::from(&Error::Protocol));
        };
        self.kids.replace(keys.iter().map(|key| key.kid.clone()).collect());
        self.lacks_key.set(false);
        self.note_kept(persistent.then(|| version.clone()));
        self.version.replace(version);
        self.renewal.borrow_mut().taken(Terms { end: expiration, continuous, renew_after });
        self.has_license.set(true);
        if let Some(host) = self.host() {
            host.max_height(max_height);
        }
        if let Some(missing) = self.missing.take() {
            self.keys_of_film_missing(missing);
        }
        self.key_states(&keys);
        Ok(())
    }

    /// Notes whether the worker keeps the license, and by which rules.
    fn note_kept(&self, rules: Option<Option<String>>) {
        let is_kept = rules.is_some();
        let changed = device_store::keep_license(&self.control.account(), self.movie.get(), rules);
        if changed && !is_kept {
            // The one that was kept has been replaced.
            let forget = Request::Forget { stream_id: Some(self.movie.get() as f64) };
            self.proxy().send(&forget, None, |_| {});
        }
    }

    // ---- while the film plays ----

    /// What names the rules of the license that the film plays by.
    pub(super) fn policy_version(&self) -> Option<String> {
        self.version.borrow().clone()
    }

    /// The life of the license, once there is one.
    pub(super) fn lease(&self) -> Option<Lease> {
        let (terms, now) = (self.renewal.borrow().terms(), self.control.server_now());
        let from_now = |time: Option<f64>| time.map(|time| time - now);
        let lease = Lease { ends: from_now(terms.end), renewed: from_now(terms.renew_after) };
        self.has_license.get().then_some(lease)
    }

    /// Looks at the clock and the displays. Wanted a few times a second.
    pub(super) fn watch(self: &Rc<Self>) {
        self.look_at_displays();
        let Some(session) = self.session.get() else { return };
        let due = self.renewal.borrow_mut().due(self.control.server_now());
        match due {
            Some(Due::Renew(rules)) => spawn_local(Rc::clone(self).renew(session, rules)),
            Some(Due::End) => self.fail(Problem::from(&DrmError::LicenseExpired)),
            None => {}
        }
    }

    /// The operator has changed the rules of the film: from now on it plays by the new ones or not at all.
    pub(super) fn rules_changed(self: &Rc<Self>, rules: NewRules) {
        if !self.closed.get() {
            self.renewal.borrow_mut().rules_changed(rules);
            self.watch();
        }
    }

    /// Gets a new license while the film plays by the old one.
    async fn renew(self: Rc<Self>, session: SessionId, rules: Option<NewRules>) {
        let offer = self.offer.borrow().clone().flatten();
        let declared = self.declared.borrow().clone();
        let (proxy, version) = (self.proxy(), self.policy_version());
        let embedded = self.embedded.renew(proxy, session, offer, rules.as_ref(), version).await;
        let answer = match (embedded, rules) {
            (Some(licensed), _) => Ok(licensed),
            (None, Some(rules)) => self.control.license_by(session, self.movie, rules.drm_metadata).await,
            (None, None) => self.control.license(session, self.movie).await,
        };
        if self.closed.get() {
            return;
        }
        let (problem, is_transient) = match answer {
            Ok(licensed) => match self.take(session, licensed).await {
                Ok(()) => return self.kids.borrow_mut().extend(declared),
                Err(problem) => (problem, false),
            },
            Err(error) => (Problem::from(&error), is_transient(&error)),
        };
        let (now, random) = (self.control.server_now(), js_sys::Math::random());
        let ends = self.renewal.borrow_mut().failed(now, is_transient, random);
        if ends {
            self.fail(problem);
        } else if let Some(missing) = self.missing.take() {
            self.keys_of_film_missing(missing);
        }
    }

    /// Whether the displays do not allow the film now.
    pub(super) fn is_restricted(&self) -> bool {
        self.is_restricted.get()
    }

    /// Tells the worker when the displays have changed. Pages cannot hear of that everywhere, so they look as
    /// well.
    pub(super) fn look_at_displays(&self) {
        if let Some(display) = self.proxy().displays().changed() {
            self.proxy().send(&Request::Display { display }, None, |_| {});
        }
    }

    /// The worker holds fragments for lack of keys.
    pub(super) fn keys_missing(self: &Rc<Self>, missing: Missing) {
        // What the displays do not allow now is held until they do.
        if !self.has_license.get() || self.is_restricted() {
            return;
        }
        if !self.is_live.get() {
            return self.keys_of_film_missing(missing);
        }
        // The next period has begun before its key came: the picture goes on when it does.
        self.lacks_key.set(true);
        self.renewal.borrow_mut().keys_declared(self.control.server_now(), 0.0, 0.0);
        self.watch();
    }

    /// A film's license has all keys of what it permits. What it has ceased to permit may still be on its
    /// way.
    fn keys_of_film_missing(&self, missing: Missing) {
        // The worker may have taken a license whose terms are not known here yet.
        if self.renewal.borrow().is_under_way() {
            self.missing.replace(Some(missing));
            return;
        }
        let is_there = missing.kids.iter().all(|kid| self.kids.borrow().contains(kid));
        if let Some(host) = self.host().filter(|host| !is_there && host.permits(&missing.representation)) {
            host.fail(Problem::from(&DrmError::LicenseInvalid));
        }
    }

    /// Whether what is needed now waits for its key.
    pub(super) fn lacks_key(&self) -> bool {
        self.lacks_key.get()
    }

    /// An event has declared its keys, those of the next periods among them: what the license lacks is asked
    /// for before the first segment under it.
    pub(super) fn keys_declared(&self, index: &LiveIndex) {
        if !self.has_license.get() || self.closed.get() {
            return;
        }
        self.declared.replace(index.keys.iter().map(|(kid, _)| kid.clone()).collect());
        let kids = self.kids.borrow();
        if let Some(first) = index.first_unlicensed(|kid| kids.contains(kid)) {
            self.renewal.borrow_mut().keys_declared(
                self.control.server_now(),
                index.ask_within(first),
                js_sys::Math::random(),
            );
        }
    }

    fn key_states(&self, keys: &[KeyState]) {
        let Some(host) = self.host() else { return };
        let any = |status| keys.iter().any(|key| key.status == status);
        if any(KeyStatus::Expired) {
            return host.fail(Problem::from(&DrmError::LicenseExpired));
        }
        let is_restricted = any(KeyStatus::OutputRestricted);
        if is_restricted == self.is_restricted() {
            return;
        }
        // A film that has not begun is refused, as it would have been a moment before.
        if is_restricted && !host.has_played() {
            let refused = DrmError::PolicyRefused { reason: PolicyReason::Output };
            return host.fail(Problem::from(&refused));
        }
        self.is_restricted.set(is_restricted);
        host.restricted(is_restricted);
    }

    /// Closes the session, and with it the worker's keys.
    pub(super) fn close(&self) {
        self.closed.set(true);
        if let Some(session) = self.session.take() {
            self.proxy().unlisten_keys(session);
            self.proxy().send(&Request::CloseSession { session }, None, |_| {});
        }
    }
}

/// Whether a license may be had later.
fn is_transient(error: &Error) -> bool {
    match error {
        Error::Refused(wire) => wire.action == Action::Backoff,
        Error::Unreachable => true,
        _ => false,
    }
}
