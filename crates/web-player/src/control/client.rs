//! The queue.

use std::{
    cell::{Cell, RefCell},
    collections::{HashSet, VecDeque},
    rc::Rc,
    time::Duration,
};

use drm_api::{Reply, Request, SessionId};
use futures_channel::oneshot;
use gloo::timers::future::sleep;
use nccp::{
    Answer, ErrorCode, MovieId, Outcome, RequestMessage, Response, ResponseMessage, WireError,
    json::Library,
    recovery::{Step, Tried},
};
use wasm_bindgen_futures::spawn_local;

use super::{Error, opening::Opening};
use crate::{
    clock,
    decryptor_proxy::DecryptorProxy,
    device_store::{self, Stored},
};

/// Most messages of one envelope, with room for a renewal.
const MOST_MESSAGES: usize = 15;

/// A message to send.
#[derive(Clone, Debug, PartialEq)]
pub enum Ask {
    /// As it is.
    Message(RequestMessage),
    /// A license: its challenge is made when the envelope is, because it names the ticket; unless one for
    /// this ticket lies ready.
    License {
        /// The worker's session.
        session: SessionId,
        /// The film.
        movie: MovieId,
        /// Signed DRM metadata that names the keys; empty: every key of the film.
        metadata: Vec<u8>,
    },
}

/// Who this browser is, to the DRM worker.
#[derive(Clone, Debug, PartialEq)]
pub struct Identity {
    /// `account` of the library.
    pub account: String,
    /// Device certificate, base64.
    pub certificate: String,
    /// Name of the identity.
    pub component: String,
}

/// A challenge made ahead of its envelope, with the ticket that it names.
pub(super) struct ReadyChallenge {
    pub(super) session: SessionId,
    pub(super) ticket: String,
    pub(super) challenge: Vec<u8>,
}

pub(super) struct Item {
    pub(super) ask: Ask,
    tried: Tried,
    answer: oneshot::Sender<Result<ResponseMessage, Error>>,
}

/// The control client. Clones share one queue.
#[derive(Clone)]
pub struct Control(pub(super) Rc<Inner>);

pub(super) struct Inner {
    pub(super) proxy: Rc<DecryptorProxy>,
    pub(super) release: String,
    pub(super) identity: RefCell<Identity>,
    pub(super) stored: RefCell<Option<Stored>>,
    /// Server's clock minus this one, in seconds.
    pub(super) offset: Cell<f64>,
    pub(super) opening: RefCell<Option<Opening>>,
    pub(super) ready: RefCell<Vec<ReadyChallenge>>,
    /// A license session that nobody uses yet.
    pub(super) spare_session: Cell<Option<SessionId>>,
    /// Envelopes that went out, for those who wait for that.
    pub(super) departures: RefCell<Vec<oneshot::Sender<()>>>,
    /// Films whose license comes along with the manifest.
    pub(super) embedded: RefCell<HashSet<MovieId>>,
    queue: RefCell<VecDeque<Item>>,
    running: Cell<bool>,
}

impl PartialEq for Control {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

impl Control {
    /// Opens the account's identity in the worker (individualizing where there is none) and makes a client
    /// for it.
    ///
    /// # Errors
    /// The worker's.
    pub async fn open(proxy: Rc<DecryptorProxy>, account: &str, release: String) -> Result<Self, Error> {
        let identity = open_identity(&proxy, account, &release).await?;
        let stored = device_store::load(account, &identity.component);
        Ok(Self(Rc::new(Inner {
            proxy,
            release,
            identity: RefCell::new(identity),
            stored: RefCell::new(stored),
            offset: Cell::new(0.0),
            opening: RefCell::default(),
            ready: RefCell::default(),
            spare_session: Cell::new(None),
            departures: RefCell::default(),
            embedded: RefCell::default(),
            queue: RefCell::new(VecDeque::new()),
            running: Cell::new(false),
        })))
    }

    /// Until the next envelope has gone out.
    pub(super) fn departure(&self) -> impl Future<Output = ()> + use<> {
        let (sender, receiver) = oneshot::channel();
        self.0.departures.borrow_mut().push(sender);
        async move {
            let _ = receiver.await;
        }
    }

    /// The DRM worker.
    pub fn proxy(&self) -> &Rc<DecryptorProxy> {
        &self.0.proxy
    }

    /// The account that this client speaks for.
    pub fn account(&self) -> String {
        self.0.identity.borrow().account.clone()
    }

    /// Learns from the library which films bring their license along, so that none is asked for.
    pub fn know(&self, library: &Library) {
        let films = library.movies.iter().filter(|film| film.embedded).map(|film| film.movie_id);
        self.0.embedded.replace(films.collect());
    }

    /// Whether a film is known to bring its license along.
    pub(super) fn has_license_along(&self, movie: MovieId) -> bool {
        self.0.embedded.borrow().contains(&movie)
    }

    /// Unix time as the server has it.
    pub fn server_now(&self) -> f64 {
        clock::unix_now() + self.0.offset.get()
    }

    /// Makes sure of a good ticket: nothing to do, a renewal, or a registration.
    ///
    /// # Errors
    /// `DEVICE_LIMIT_REACHED`, `LOGIN_REQUIRED` and the like, after what could be tried was tried.
    pub async fn ensure_registered(&self) -> Result<(), Error> {
        let mut tried = Tried::default();
        loop {
            let Err(error) = self.0.ensure_ticket().await else {
                if self.0.spare_session.get().is_none() {
                    self.0.make_spare_session();
                }
                return Ok(());
            };
            self.0.remedy(&mut tried, error).await?;
        }
    }

    /// Sends a message with the next envelope. Messages that are asked for before the browser gets to it go
    /// together.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn ask(&self, ask: Ask) -> impl Future<Output = Result<ResponseMessage, Error>> + use<> {
        let (sender, receiver) = oneshot::channel();
        self.0.queue.borrow_mut().push_back(Item { ask, tried: Tried::default(), answer: sender });
        if !self.0.running.replace(true) {
            spawn_local(Rc::clone(&self.0).run());
        }
        async move { receiver.await.unwrap_or(Err(Error::Network)) }
    }
}

pub(super) async fn open_identity(
    proxy: &DecryptorProxy,
    account: &str,
    release: &str,
) -> Result<Identity, Error> {
    let open = Request::Open { account: account.to_owned(), release: release.to_owned() };
    identity_from(proxy.ask(open).await?, account)
}

pub(super) fn identity_from(reply: Reply, account: &str) -> Result<Identity, Error> {
    match reply {
        Reply::Identity { certificate, component, .. } => {
            Ok(Identity { account: account.to_owned(), certificate, component })
        }
        _ => Err(Error::Protocol),
    }
}

impl Inner {
    async fn run(self: Rc<Self>) {
        loop {
            let batch = self.take_batch();
            if batch.is_empty() {
                self.running.set(false);
                return;
            }
            self.send_batch(batch).await;
        }
    }

    /// What waits, licenses first.
    fn take_batch(&self) -> Vec<Item> {
        let mut queue = self.queue.borrow_mut();
        let (licenses, others): (Vec<Item>, Vec<Item>) =
            queue.drain(..).partition(|item| matches!(item.ask, Ask::License { .. }));
        let mut all: Vec<Item> = licenses.into_iter().chain(others).collect();
        queue.extend(all.split_off(all.len().min(MOST_MESSAGES)));
        all
    }

    async fn send_batch(self: &Rc<Self>, mut batch: Vec<Item>) {
        let mut tried = Tried::default();
        loop {
            batch = match self.exchange(batch).await {
                Ok(answered) => return self.settle(answered).await,
                Err((rest, error)) => match self.remedy(&mut tried, error).await {
                    Ok(()) => rest,
                    Err(error) => {
                        for item in rest {
                            let _ = item.answer.send(Err(error.clone()));
                        }
                        return;
                    }
                },
            };
        }
    }

    /// One envelope there and back; an error of the whole of it gives the messages back.
    async fn exchange(
        &self,
        batch: Vec<Item>,
    ) -> Result<Vec<(Item, Result<ResponseMessage, Error>)>, (Vec<Item>, Error)> {
        let ticket = match self.ensure_ticket().await {
            Ok(ticket) => ticket,
            Err(error) => return Err((batch, error)),
        };
        let renewing = ticket.renewal as f64 <= clock::unix_now() + self.offset.get();
        let mut xml = String::new();
        let mut sent = Vec::new();
        for item in batch {
            match self.compose(&item.ask, &ticket).await {
                Ok(message) => {
                    xml.push_str(&message);
                    sent.push(item);
                }
                Err(error) => drop(item.answer.send(Err(error))),
            }
        }
        if sent.is_empty() {
            return Ok(Vec::new());
        }
        if let (true, Some(device_id)) = (renewing, ticket.device_id()) {
            xml.push_str(&RequestMessage::AuthenticationRenewal { device_id }.to_xml());
        }
        let answers = match self.post(xml, Some(&ticket)).await.and_then(answers) {
            Ok(answers) => answers,
            Err(error) => return Err((sent, error)),
        };
        let mut answers = answers.into_iter();
        let pairs = sent.into_iter().map(|item| {
            let answer = answers.next().unwrap_or(Err(Error::Protocol));
            (item, answer)
        });
        let pairs = pairs.collect();
        if let Some(Ok(ResponseMessage::AuthenticationRenewal(registration))) = answers.next() {
            self.keep(registration);
        }
        Ok(pairs)
    }

    /// Gives each message its answer; those that may be tried again wait and are.
    async fn settle(self: &Rc<Self>, answered: Vec<(Item, Result<ResponseMessage, Error>)>) {
        for (mut item, answer) in answered {
            match answer {
                Err(error) if !item.answer.is_canceled() => {
                    let control = Rc::clone(self);
                    // Beside the queue, so that a license that has to wait holds up nothing else.
                    spawn_local(async move {
                        match control.remedy(&mut item.tried, error).await {
                            Ok(()) => {
                                control.queue.borrow_mut().push_back(item);
                                if !control.running.replace(true) {
                                    Rc::clone(&control).run().await;
                                }
                            }
                            Err(error) => drop(item.answer.send(Err(error))),
                        }
                    });
                }
                answer => drop(item.answer.send(answer)),
            }
        }
    }

    /// Does what the error table says about `error`; gives it back when nothing is left to do.
    pub(super) async fn remedy(&self, tried: &mut Tried, error: Error) -> Result<(), Error> {
        if matches!(error.code(), Some(ErrorCode::DeviceUnknown | ErrorCode::RenewOtherCustomer)) {
            self.forget_licenses();
        }
        let step = match &error {
            Error::Wire(wire) => tried.step(wire, js_sys::Math::random()),
            Error::Network => tried.silent(js_sys::Math::random()),
            _ => Step::GiveUp,
        };
        match step {
            Step::AdoptTime => Ok(()), // every answer's time is adopted where it arrives
            Step::Renew => match self.renew().await {
                Err(Error::Wire(WireError {
                    code: ErrorCode::DeviceUnknown | ErrorCode::TicketExpired,
                    ..
                })) => self.register().await,
                other => other,
            },
            Step::Register => {
                let newer = {
                    let identity = self.identity.borrow();
                    device_store::load(&identity.account, &identity.component)
                };
                if newer.is_some() && newer != *self.stored.borrow() {
                    self.stored.replace(newer); // another tab registered meanwhile
                    return Ok(());
                }
                self.register().await
            }
            Step::Reidentify => self.reidentify().await,
            Step::Individualize => self.individualize().await,
            Step::Wait(time) => {
                sleep(time.max(Duration::from_millis(100))).await;
                Ok(())
            }
            Step::GiveUp => Err(error),
        }
    }
}

/// The answers to the messages, or the envelope's error.
pub(super) fn answers(response: Response) -> Result<Vec<Result<ResponseMessage, Error>>, Error> {
    match response.outcome {
        Outcome::Refused(error) => Err(Error::Wire(error)),
        Outcome::Answers(answers) => Ok(answers
            .into_iter()
            .map(|answer| match answer {
                Answer::Done(message) => Ok(message),
                Answer::Failed { error, .. } => Err(Error::Wire(error)),
            })
            .collect()),
    }
}
