//! Carries out what the control client decides: keys and state of the box, HTTP, time.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use control_client::{
    AskId, Challenge, ChallengeError, Client, Command, Config, Event, Identity, Kind, Sealed, TaskId,
};
use decryptor::{InitData, SessionId};
use license::{SoftwareRsaKey, sha256};
use nccp::{MovieId, Registration, RequestMessage, ResponseMessage, seal_envelope, signing_input};
use tokio::sync::{mpsc, oneshot};
use tokio::task::{JoinHandle, JoinSet};

use super::http::Http;
use super::{Ask, Shared};
use crate::Error;
use crate::drm::wall;

/// The software, as envelopes name it.
const CLIENT: &str = concat!("matinee-box/", env!("CARGO_PKG_VERSION"));

type MadeKey = Result<SoftwareRsaKey, license::Error>;

/// One who waits for an answer.
#[derive(Debug)]
pub(super) struct Asker {
    answer: oneshot::Sender<Result<ResponseMessage, Error>>,
    /// For whom a license is.
    session: Option<SessionId>,
    /// The client knows that nobody waits any more.
    gone: bool,
}

impl Asker {
    pub(super) fn new(answer: oneshot::Sender<Result<ResponseMessage, Error>>) -> Self {
        Self { answer, session: None, gone: false }
    }
}

/// Drives the control client.
pub(super) struct Driver {
    shared: Arc<Shared>,
    http: Http,
    client: Client<Error>,
    askers: HashMap<AskId, Asker>,
    asked: u64,
    /// Commands whose ends are to be reported.
    running: JoinSet<Event<Error>>,
    /// The key for the next challenge: making one takes longer than anybody wants to wait.
    spare: Option<JoinHandle<MadeKey>>,
}

impl Driver {
    pub(super) fn new(shared: Arc<Shared>, client: reqwest::Client) -> Self {
        let id = shared.identity.fingerprint();
        let identity = Identity { id, certificate: shared.identity.certificate.clone() };
        let registration = shared.state().registration().map(|kept| kept.registration());
        let config = Config { kind: Kind::tv_box(), identity, registration, seed: fastrand::u64(..) };
        Self {
            http: Http::new(client, shared.identity.url.clone()),
            shared,
            client: Client::new(config),
            askers: HashMap::new(),
            asked: 0,
            running: JoinSet::new(),
            spare: Some(make_key()),
        }
    }

    /// Sends what comes until nobody can ask anything more.
    pub(super) async fn run(mut self, mut asks: mpsc::UnboundedReceiver<Vec<(Ask, Asker)>>) {
        loop {
            let event = tokio::select! {
                asked = asks.recv() => match asked {
                    Some(mut asked) => {
                        while let Ok(more) = asks.try_recv() {
                            asked.extend(more);
                        }
                        self.asked(asked)
                    }
                    None => return,
                },
                Some(ended) = self.running.join_next() => match ended.map_err(tokio::task::JoinError::try_into_panic) {
                    Ok(event) => event,
                    Err(Ok(panic)) => std::panic::resume_unwind(panic),
                    Err(Err(_)) => continue,
                },
            };
            self.feed(event);
        }
    }

    fn asked(&mut self, asked: Vec<(Ask, Asker)>) -> Event<Error> {
        let asks = asked.into_iter().map(|(ask, mut asker)| {
            self.asked += 1;
            let id = AskId(self.asked);
            let ask = match ask {
                Ask::Message(message) => control_client::Ask::Message(message),
                Ask::License { session, movie, metadata } => {
                    asker.session = Some(session);
                    control_client::Ask::License { movie, metadata }
                }
                Ask::Activation => control_client::Ask::Activation,
            };
            self.askers.insert(id, asker);
            (id, ask)
        });
        Event::Asked(asks.collect())
    }

    /// Tells the client, and does what it says. What ends at once is told in turn.
    fn feed(&mut self, event: Event<Error>) {
        let left = self.askers.iter_mut().filter(|(_, asker)| !asker.gone && asker.answer.is_closed());
        let mut events: VecDeque<_> = left
            .map(|(ask, asker)| {
                asker.gone = true;
                Event::Gone { ask: *ask }
            })
            .collect();
        events.push_back(event);
        while let Some(event) = events.pop_front() {
            if matches!(event, Event::Challenged { .. }) {
                self.spare.get_or_insert_with(make_key);
            }
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            let commands = self.client.handle(now, event);
            self.shared.set_offset(self.client.clock_offset());
            for command in commands {
                events.extend(self.obey(command));
            }
        }
    }

    /// Carries out a command; gives its end where that is now.
    fn obey(&mut self, command: Command<Error>) -> Option<Event<Error>> {
        match command {
            Command::Seal { task, registration, messages, clock_offset } => {
                let sealed = seal(&self.shared, registration.as_ref(), &messages, wall() + clock_offset);
                return Some(Event::Sealed { task, sealed });
            }
            Command::Post { task, ticket, sealed } => {
                let posted = self.http.envelope(ticket, sealed);
                self.running.spawn(async move { Event::Posted { task, answer: posted.await } });
            }
            Command::Challenge { task, ask, movie, metadata, registration, .. } => {
                let session = self.askers.get(&ask).and_then(|asker| asker.session);
                self.challenge(task, session.unwrap_or_default(), movie, metadata, registration);
            }
            Command::PostChallenge { task, url, ticket, challenge } => {
                let posted = self.http.challenge(url, ticket, challenge);
                self.running.spawn(async move { Event::Licensed { task, license: posted.await } });
            }
            Command::Wait { task, time } => {
                self.running.spawn(async move {
                    tokio::time::sleep(time).await;
                    Event::Waited { task }
                });
            }
            // The state is this process's alone, and the certificate the factory's.
            Command::LoadRegistration { task } => return Some(Event::Loaded { task, registration: None }),
            Command::Individualize { task } | Command::Reidentify { task } => {
                return Some(Event::Identified { task, identity: Err(control_client::Error::Protocol) });
            }
            // Where this cannot be written, the next sequence number cannot either, and that is told.
            Command::KeepRegistration(registration) => {
                let _ = self.shared.state().set_registration(Some(registration.into()));
            }
            Command::ForgetRegistration => drop(self.shared.state().set_registration(None)),
            // A box keeps none.
            Command::ForgetLicenses => {}
            Command::Answer { ask, answer } => {
                // Whoever asked may have gone.
                if let Some(asker) = self.askers.remove(&ask) {
                    let _ = asker.answer.send(answer.map_err(Error::from));
                }
            }
        }
        None
    }

    fn challenge(
        &mut self,
        task: TaskId,
        session: SessionId,
        movie: MovieId,
        metadata: Vec<u8>,
        registration: Registration,
    ) {
        let key = self.spare.take().unwrap_or_else(make_key);
        let shared = Arc::clone(&self.shared);
        self.running.spawn(async move {
            let challenge = async {
                let InitData { keys, license_url } = InitData::read(&metadata, &shared.identity.trust)
                    .map_err(|_| ChallengeError::Metadata)?;
                let random = |_| ChallengeError::Device(Error::Random);
                let key =
                    key.await.map_err(|_| Error::Random).map_err(ChallengeError::Device)?.map_err(random)?;
                let now = shared.server_now().max(0.0) as u64;
                let sequence = shared.state().next_sequence().map_err(ChallengeError::Device)?;
                let names = (registration.device_id.as_str(), registration.ticket.as_str());
                let challenge = shared.drm().challenge(session, movie, names, keys, key, (sequence, now));
                Ok(Challenge { challenge: challenge.map_err(ChallengeError::Device)?, license_url })
            };
            Event::Challenged { task, challenge: challenge.await }
        });
    }
}

fn make_key() -> JoinHandle<MadeKey> {
    tokio::task::spawn_blocking(SoftwareRsaKey::generate)
}

/// Seals and signs messages.
fn seal(
    shared: &Shared,
    registration: Option<&Registration>,
    messages: &[RequestMessage],
    time: f64,
) -> Result<Sealed, Error> {
    let identity = &shared.identity;
    let sequence = shared.state().next_sequence()?;
    let device = registration.map(|registration| &registration.device_id);
    let messages: String = messages.iter().map(RequestMessage::to_xml).collect();
    let body = seal_envelope(device, sequence, time.max(0.0) as u64, CLIENT, &messages);
    let ticket = registration.map_or("", |registration| registration.ticket.as_str());
    let input = signing_input(&identity.controller_url, &sha256(body.as_bytes()), &sha256(ticket.as_bytes()));
    let signature = URL_SAFE_NO_PAD.encode(identity.signing.sign(input.as_bytes()));
    Ok(Sealed { body, signature })
}
