//! Carries out what the control client decides: the DRM worker's seals and challenges, HTTP, storage, time.

use std::{
    cell::{Cell, RefCell},
    collections::{HashMap, VecDeque},
    rc::Rc,
    time::Duration,
};

use control_client::{
    AskId, Challenge, ChallengeError, Client, Command, Config, Event, Identity, Sealed, TaskId,
};
use drm_api::{
    DrmError,
    cdm::SessionId,
    device::{Element, Reply, Request},
};
use futures_channel::oneshot;
use gloo::timers::future::sleep;
use nccp::{ErrorCode, MovieId, Registration, RequestMessage, ResponseMessage};
use wasm_bindgen_futures::spawn_local;

use super::{Ask, Error, Grants, http, machine};
use crate::{
    api, clock,
    decryptor_proxy::DecryptorProxy,
    device_store::{self, Stored},
};

/// A challenge made ahead of its envelope, with the ticket that it names.
pub(super) struct ReadyChallenge {
    pub(super) session: SessionId,
    pub(super) ticket: String,
    pub(super) challenge: Vec<u8>,
}

/// Drives the control client.
pub(super) struct Driver {
    pub(super) proxy: Rc<DecryptorProxy>,
    release: String,
    /// Where grants come from that it registers by; then nothing of a registration is kept in this browser.
    grants: Option<Grants>,
    owner: RefCell<Owner>,
    client: RefCell<Client<DrmError>>,
    askers: RefCell<HashMap<AskId, Asker>>,
    /// Asked for since the browser got to it last.
    asked: RefCell<Vec<(AskId, control_client::Ask)>>,
    asks: Cell<u64>,
    pub(super) ready: RefCell<Vec<ReadyChallenge>>,
    /// Those who wait until an envelope has gone out.
    departures: RefCell<Vec<oneshot::Sender<()>>>,
}

/// Whose keys are in use.
struct Owner {
    /// `account` of the library.
    account: String,
    /// The worker's name for the keys.
    component: String,
}

impl Owner {
    fn id(&self) -> String {
        format!("{} {}", self.component, self.account)
    }
}

/// One who waits for an answer.
struct Asker {
    answer: oneshot::Sender<Result<ResponseMessage, Error>>,
    /// For whom a license is.
    session: Option<SessionId>,
    /// The client knows that nobody waits any more.
    gone: bool,
}

impl Driver {
    /// Opens an account's identity in the worker.
    pub(super) async fn open(
        proxy: Rc<DecryptorProxy>,
        account: &str,
        release: String,
        grants: Option<Grants>,
    ) -> Result<Rc<Self>, Error> {
        let open = Request::Open { account: account.to_owned(), release: release.clone() };
        let (owner, identity) = owner(ask_worker(&proxy, open).await?, account)?;
        let stored = || device_store::load(account, &owner.component);
        let registration = if grants.is_some() { None } else { stored().and_then(Stored::registration) };
        let seed = (js_sys::Math::random() * (1u64 << 53) as f64) as u64;
        let config = Config { kind: machine::kind(grants.is_some()), identity, registration, seed };
        Ok(Rc::new(Self {
            proxy,
            release,
            grants,
            owner: RefCell::new(owner),
            client: RefCell::new(Client::new(config)),
            askers: RefCell::default(),
            asked: RefCell::default(),
            asks: Cell::default(),
            ready: RefCell::default(),
            departures: RefCell::default(),
        }))
    }

    /// The account whose device this is.
    pub(super) fn account(&self) -> String {
        self.owner.borrow().account.clone()
    }

    /// Server's clock minus this one, in seconds.
    pub(super) fn clock_offset(&self) -> f64 {
        self.client.borrow().clock_offset()
    }

    /// The ticket, where pages show it in place of cookies.
    pub(super) fn page_ticket(&self) -> Option<String> {
        self.grants.as_ref()?;
        Some(self.registration()?.ticket)
    }

    pub(super) fn registration(&self) -> Option<Registration> {
        self.client.borrow().registration().cloned()
    }

    /// Until the next envelope has gone out.
    pub(super) fn departure(&self) -> impl Future<Output = ()> + use<> {
        let (sender, receiver) = oneshot::channel();
        self.departures.borrow_mut().push(sender);
        async move {
            let _ = receiver.await;
        }
    }

    pub(super) fn ask(
        self: &Rc<Self>,
        ask: Ask,
    ) -> impl Future<Output = Result<ResponseMessage, Error>> + use<> {
        let (answer, answered) = oneshot::channel();
        let (ask, session) = match ask {
            Ask::Message(message) => (control_client::Ask::Message(message), None),
            Ask::License { session, movie, metadata } => {
                (control_client::Ask::License { movie, metadata }, Some(session))
            }
            Ask::Registration => (control_client::Ask::Registration, None),
        };
        let id = AskId(self.asks.get());
        self.asks.set(id.0 + 1);
        self.askers.borrow_mut().insert(id, Asker { answer, session, gone: false });
        let mut asked = self.asked.borrow_mut();
        if asked.is_empty() {
            let driver = Rc::clone(self);
            spawn_local(async move {
                let asked = driver.asked.take();
                driver.feed(Event::Asked(asked));
            });
        }
        asked.push((id, ask));
        async move { answered.await.unwrap_or(Err(Error::Unreachable)) }
    }

    /// Tells the client, and does what it says. What ends at once is told in turn.
    fn feed(self: &Rc<Self>, event: Event<DrmError>) {
        let mut events = self.left();
        events.push_back(event);
        while let Some(event) = events.pop_front() {
            let now = Duration::from_secs_f64(clock::unix_now().max(0.0));
            let commands = self.client.borrow_mut().handle(now, event);
            for command in commands {
                events.extend(self.obey(command));
            }
        }
    }

    /// Those who do not wait any more.
    fn left(&self) -> VecDeque<Event<DrmError>> {
        let mut askers = self.askers.borrow_mut();
        let left = askers.iter_mut().filter(|(_, asker)| asker.answer.is_canceled() && !asker.gone);
        left.map(|(ask, asker)| {
            asker.gone = true;
            Event::Gone { ask: *ask }
        })
        .collect()
    }

    /// Tells the client how something ended, once it has.
    fn report(self: &Rc<Self>, end: impl Future<Output = Event<DrmError>> + 'static) {
        let driver = Rc::clone(self);
        spawn_local(async move {
            let event = end.await;
            driver.feed(event);
        });
    }

    /// Carries out a command; gives its end where that is now.
    fn obey(self: &Rc<Self>, command: Command<DrmError>) -> Option<Event<DrmError>> {
        let driver = Rc::clone(self);
        match command {
            Command::Seal { task, registration, messages, clock_offset } => self.report(async move {
                let sealed = driver.seal(registration, messages, clock_offset).await;
                Event::Sealed { task, sealed }
            }),
            Command::Post { task, ticket, sealed } => self.report(async move {
                let answer = http::post(sealed, ticket, || drop(driver.departures.take())).await;
                Event::Posted { task, answer }
            }),
            Command::Challenge { task, ask, movie, metadata, registration, .. } => {
                let session = self.askers.borrow().get(&ask).and_then(|asker| asker.session);
                return self.begin_challenge(
                    task,
                    session.unwrap_or_default(),
                    movie,
                    metadata,
                    registration,
                );
            }
            Command::PostChallenge { task, url, ticket, challenge } => self.report(async move {
                Event::Licensed { task, license: http::post_challenge(&url, &ticket, &challenge).await }
            }),
            Command::Individualize { task } => self.report(async move {
                let account = driver.account();
                let identity = driver.identify(Request::Individualize, &account).await;
                Event::Identified { task, identity }
            }),
            Command::Reidentify { task } => {
                self.report(async move { Event::Identified { task, identity: driver.reidentify().await } });
            }
            Command::Wait { task, time } => self.report(async move {
                sleep(time).await;
                Event::Waited { task }
            }),
            Command::LoadRegistration { task } if self.grants.is_some() => self.report(async move {
                if let Some(grants) = &driver.grants
                    && let Some(grant) = grants().await
                {
                    driver.client.borrow_mut().show(grant);
                }
                Event::Loaded { task, registration: None }
            }),
            Command::LoadRegistration { task } => {
                let owner = self.owner.borrow();
                let stored = device_store::load(&owner.account, &owner.component);
                return Some(Event::Loaded { task, registration: stored.and_then(Stored::registration) });
            }
            Command::KeepRegistration(registration) => self.keep(registration),
            Command::ForgetRegistration if self.grants.is_some() => {}
            Command::ForgetRegistration => device_store::forget(&self.owner.borrow().account),
            Command::ForgetLicenses => self.forget_licenses(),
            Command::Answer { ask, answer } => {
                if let Some(asker) = self.askers.borrow_mut().remove(&ask) {
                    // Whoever asked may have gone.
                    let _ = asker.answer.send(answer);
                }
            }
        }
        None
    }

    /// Has the worker seal and sign messages.
    async fn seal(
        &self,
        registration: Option<Registration>,
        messages: Vec<RequestMessage>,
        clock_offset: f64,
    ) -> Result<Sealed, DrmError> {
        let messages = messages.iter().map(|message| element(message.to_element())).collect();
        let (device, ticket) = match registration {
            Some(registration) => (Some(registration.device_id.to_string()), Some(registration.ticket)),
            None => (None, None),
        };
        match self.proxy.ask(Request::Seal { device, ticket, messages, clock_offset }).await? {
            Reply::Sealed { body, signature, .. } => Ok(Sealed { body, signature }),
            _ => Err(misunderstood()),
        }
    }

    /// The challenge that lies ready where it names this ticket and every key, or one that the worker makes.
    fn begin_challenge(
        self: &Rc<Self>,
        task: TaskId,
        session: SessionId,
        movie: MovieId,
        metadata: Vec<u8>,
        registration: Registration,
    ) -> Option<Event<DrmError>> {
        let ready = self.take_ready(session).filter(|ready| ready.ticket == registration.ticket);
        if let Some(ready) = ready.filter(|_| metadata.is_empty()) {
            let challenge = Challenge { challenge: ready.challenge, license_url: None };
            return Some(Event::Challenged { task, challenge: Ok(challenge) });
        }
        let driver = Rc::clone(self);
        self.report(async move {
            let challenge = driver.challenge(session, movie, &registration, metadata).await;
            let challenge = challenge.map_err(|error| match error {
                DrmError::Media { .. } => ChallengeError::Metadata,
                error => ChallengeError::Device(error),
            });
            Event::Challenged { task, challenge }
        });
        None
    }

    fn keep(&self, registration: Registration) {
        let owner = self.owner.borrow();
        for key in &registration.domain_keys {
            let request = Request::KeepDomainKey {
                device: registration.device_id.to_string(),
                domain: key.domain.clone(),
                epoch: key.epoch as f64,
                key: key.key.clone(),
            };
            // Without it, films that need it ask for a license.
            self.proxy.send(&request, None, |_| {});
        }
        if self.grants.is_none() {
            device_store::save(&owner.account, &Stored::new(registration, &owner.component));
        }
    }

    /// The cookies belong to another account than the ticket: becomes that account's device.
    async fn reidentify(&self) -> Result<Identity, Error> {
        let account = match api::library().await {
            Ok(library) => library.account,
            Err(error) if error.wants_login() => return Err(Error::Refused(ErrorCode::LoginRequired.into())),
            Err(_) => return Err(Error::Unreachable),
        };
        let open = Request::Open { account: account.clone(), release: self.release.clone() };
        self.identify(open, &account).await
    }

    async fn identify(&self, request: Request, account: &str) -> Result<Identity, Error> {
        let (owner, identity) = owner(ask_worker(&self.proxy, request).await?, account)?;
        self.owner.replace(owner);
        Ok(identity)
    }
}

async fn ask_worker(proxy: &DecryptorProxy, request: Request) -> Result<Reply, Error> {
    proxy.ask(request).await.map_err(Error::Device)
}

/// Whose device the worker says that this is.
fn owner(reply: Reply, account: &str) -> Result<(Owner, Identity), Error> {
    let Reply::Identity { certificate, component, .. } = reply else { return Err(Error::Protocol) };
    let owner = Owner { account: account.to_owned(), component };
    let identity = Identity { id: owner.id(), certificate };
    Ok((owner, identity))
}

/// The worker answered something else than it was asked.
pub(super) fn misunderstood() -> DrmError {
    DrmError::State { what: "the DRM worker's answer is not understood".into() }
}

/// As the worker's messages have it.
fn element(of: nccp::xml::Element) -> Element {
    let nccp::xml::Element { name, attributes, text, children } = of;
    Element { name, attributes, text, children: children.into_iter().map(element).collect() }
}
