//! A device of either kind, whose commands are carried out at once, and the controller that it talks to. What
//! it does is noted in a few words.

use std::{collections::BTreeMap, time::Duration};

use control_client::{
    Ask, AskId, Challenge, ChallengeError, Client, Command, Config, Error, Event, Identity, Kind, License,
    Sealed,
};
use nccp::{
    AccountInfo, Activation, Answer, ErrorCode, MovieId, Outcome, Registration, Request, RequestMessage,
    Response, ResponseMessage, Sequence, WireError, seal_envelope,
};

/// The device's clock when a test begins, Unix seconds.
pub(crate) const NOW: u64 = 1_790_000_000;
const HOURS: u64 = 3600;

pub(crate) type Failure = &'static str;
pub(crate) type Answered = Result<ResponseMessage, Error<Failure>>;

pub(crate) fn movie() -> MovieId {
    MovieId::try_from(60_027_274).unwrap()
}

pub(crate) fn registration(ticket: &str) -> Registration {
    Registration {
        device_id: "d-1".parse().unwrap(),
        ticket: ticket.to_owned(),
        expiration: NOW + 12 * HOURS,
        renewal: NOW + 10 * HOURS,
        domain_keys: Vec::new(),
    }
}

pub(crate) fn browser() -> Kind {
    Kind::browser("Firefox on Linux", "Mozilla/5.0")
}

pub(crate) fn identity(id: &str) -> Identity {
    Identity { id: id.to_owned(), certificate: id.as_bytes().to_vec() }
}

pub(crate) const ACCOUNT: Ask = Ask::Message(RequestMessage::AccountInfo);

pub(crate) fn license(metadata: &[u8]) -> Ask {
    Ask::License { movie: movie(), metadata: metadata.to_vec() }
}

/// What the controller says to a message.
pub(crate) enum Verdict {
    /// What it is there for.
    Well,
    /// This message is refused.
    Refuse(ErrorCode),
    /// The whole envelope is.
    RefuseAll(ErrorCode),
    /// There is no answer.
    Silence,
}

type Judge = Box<dyn FnMut(&RequestMessage, Option<&str>) -> Verdict>;
type LicenseServer = Box<dyn FnMut(&str, &str) -> Result<License, Error<Failure>>>;

pub(crate) struct Bench {
    pub(crate) client: Client<Failure>,
    /// The device's clock.
    pub(crate) now: Duration,
    /// The server's clock minus the device's.
    pub(crate) skew: i64,
    /// What was done, in order.
    pub(crate) trace: Vec<String>,
    pub(crate) answers: BTreeMap<AskId, Answered>,
    /// Bodies of the envelopes that were posted.
    pub(crate) envelopes: Vec<Request>,
    /// What another tab would leave.
    pub(crate) stored: Option<Registration>,
    /// Who is signed in, and with which certificate.
    pub(crate) who: Result<Identity, Error<Failure>>,
    /// Where metadata says that challenges go.
    pub(crate) license_url: Option<String>,
    pub(crate) license_server: LicenseServer,
    judge: Judge,
    sequence: u64,
    tickets: u32,
    /// Seconds that a ticket is good for.
    pub(crate) life: u64,
    asked: u64,
    /// Tasks whose ends are reported by hand.
    pub(crate) held: Vec<Command<Failure>>,
    pub(crate) hold: fn(&Command<Failure>) -> bool,
}

impl Bench {
    pub(crate) fn new(
        kind: Kind,
        registration: Option<Registration>,
        judge: impl FnMut(&RequestMessage, Option<&str>) -> Verdict + 'static,
    ) -> Self {
        let stored = registration.clone();
        let config = Config { kind, identity: identity("keys"), registration, seed: 1 };
        Self {
            client: Client::new(config),
            now: Duration::from_secs(NOW),
            skew: 0,
            trace: Vec::new(),
            answers: BTreeMap::new(),
            envelopes: Vec::new(),
            stored,
            who: Ok(identity("keys")),
            license_url: None,
            license_server: Box::new(|_, _| Err(Error::Unreachable)),
            judge: Box::new(judge),
            sequence: 0,
            tickets: 0,
            life: 12 * HOURS,
            asked: 0,
            held: Vec::new(),
            hold: |_| false,
        }
    }

    /// A device whose ticket is good.
    pub(crate) fn registered(
        kind: Kind,
        judge: impl FnMut(&RequestMessage, Option<&str>) -> Verdict + 'static,
    ) -> Self {
        Self::new(kind, Some(registration("T0")), judge)
    }

    /// Asks for these together, and carries out what follows.
    pub(crate) fn ask(&mut self, asks: impl IntoIterator<Item = Ask>) -> Vec<AskId> {
        let asks: Vec<_> = asks
            .into_iter()
            .map(|ask| {
                self.asked += 1;
                (AskId(self.asked), ask)
            })
            .collect();
        let ids = asks.iter().map(|(id, _)| *id).collect();
        self.feed(Event::Asked(asks));
        ids
    }

    /// Asks for one thing; what was done until it was answered, and the answer.
    pub(crate) fn outcome(&mut self, ask: Ask) -> (Vec<String>, Answered) {
        self.trace.clear();
        let ids = self.ask([ask]);
        let answer = self.answers.remove(&ids[0]).expect("an answer");
        (std::mem::take(&mut self.trace), answer)
    }

    pub(crate) fn feed(&mut self, event: Event<Failure>) {
        let mut events = std::collections::VecDeque::from([event]);
        while let Some(event) = events.pop_front() {
            for command in self.client.handle(self.now, event) {
                if (self.hold)(&command) {
                    self.held.push(command);
                } else {
                    events.extend(self.obey(command));
                }
            }
        }
    }

    /// Carries out the first command that was held.
    pub(crate) fn release(&mut self) {
        let command = self.held.remove(0);
        if let Some(event) = self.obey(command) {
            self.feed(event);
        }
    }

    fn note(&mut self, what: impl Into<String>) {
        self.trace.push(what.into());
    }

    fn obey(&mut self, command: Command<Failure>) -> Option<Event<Failure>> {
        Some(match command {
            Command::Seal { task, registration, messages, clock_offset } => {
                self.sequence += 1;
                let device = registration.as_ref().map(|registration| &registration.device_id);
                let sequence = Sequence::try_from(self.sequence).unwrap();
                let time = (self.now.as_secs_f64() + clock_offset) as u64;
                let messages: String = messages.iter().map(RequestMessage::to_xml).collect();
                let body = seal_envelope(device, sequence, time, "test", &messages);
                Event::Sealed { task, sealed: Ok(Sealed { body, signature: "signature".into() }) }
            }
            Command::Post { task, ticket, sealed } => {
                let answer = self.controller(ticket.as_deref(), &sealed.body);
                Event::Posted { task, answer }
            }
            Command::Challenge { task, ask: _, movie: of, metadata, registration, clock_offset: _ } => {
                assert_eq!(of, movie());
                self.note("challenge");
                let challenge = registration.ticket.into_bytes();
                let challenge = match &metadata[..] {
                    b"forged" => Err(ChallengeError::Metadata),
                    b"broken" => Err(ChallengeError::Device("no keys")),
                    b"" => Ok(Challenge { challenge, license_url: None }),
                    _ => Ok(Challenge { challenge, license_url: self.license_url.clone() }),
                };
                Event::Challenged { task, challenge }
            }
            Command::PostChallenge { task, url, ticket, challenge } => {
                assert_eq!(challenge, ticket.as_bytes());
                self.note("license server");
                Event::Licensed { task, license: (self.license_server)(&url, &ticket) }
            }
            Command::Individualize { task } => {
                self.note("individualize");
                Event::Identified { task, identity: self.who.clone() }
            }
            Command::Reidentify { task } => {
                self.note("who is it");
                Event::Identified { task, identity: self.who.clone() }
            }
            Command::LoadRegistration { task } => {
                self.note("load");
                Event::Loaded { task, registration: self.stored.clone() }
            }
            Command::KeepRegistration(registration) => {
                self.stored = Some(registration);
                return None;
            }
            Command::ForgetRegistration => {
                self.note("forget");
                return None;
            }
            Command::ForgetLicenses => {
                self.note("forget licenses");
                return None;
            }
            Command::Wait { task, time } => {
                self.note("wait");
                self.now += time;
                Event::Waited { task }
            }
            Command::Answer { ask, answer } => {
                assert!(self.answers.insert(ask, answer).is_none(), "{ask:?} was answered twice");
                return None;
            }
        })
    }

    fn ticket(&mut self) -> Registration {
        self.tickets += 1;
        let (from, again) = (self.server_now(), registration(&format!("T{}", self.tickets)));
        Registration { expiration: from + self.life, renewal: from + 10 * HOURS, ..again }
    }

    fn server_now(&self) -> u64 {
        self.now.as_secs().saturating_add_signed(self.skew)
    }

    fn controller(&mut self, ticket: Option<&str>, body: &str) -> Option<Vec<u8>> {
        let request = Request::parse(body.as_bytes()).unwrap();
        let names: Vec<String> = request.messages.iter().map(name).collect();
        self.note(names.join("+"));
        let mut answers = Vec::new();
        let mut outcome = None;
        for message in &request.messages {
            match (self.judge)(message, ticket) {
                Verdict::Well => answers.push(Answer::Done(self.answer_to(message))),
                Verdict::Refuse(code) => {
                    answers
                        .push(Answer::Failed { message: name(message).parse().unwrap(), error: code.into() });
                }
                Verdict::RefuseAll(code) => outcome = Some(Outcome::Refused(WireError::from(code))),
                Verdict::Silence => return None,
            }
        }
        let outcome = outcome.unwrap_or(Outcome::Answers(answers));
        let answer = Response { sequence: request.sequence.get(), time: self.server_now(), outcome };
        self.envelopes.push(request);
        Some(answer.to_xml().into_bytes())
    }

    fn answer_to(&mut self, message: &RequestMessage) -> ResponseMessage {
        match message {
            RequestMessage::Ping => {
                ResponseMessage::Ping { time: self.server_now(), version: "0.1.0".into() }
            }
            RequestMessage::Register(_) => ResponseMessage::Register(self.ticket()),
            RequestMessage::AuthenticationRenewal { .. } => {
                ResponseMessage::AuthenticationRenewal(self.ticket())
            }
            RequestMessage::ActivationCode { .. } => {
                ResponseMessage::ActivationCode(Activation::Registered(self.ticket()))
            }
            RequestMessage::License { stream_id, challenge } => ResponseMessage::License {
                stream_id: *stream_id,
                license: challenge.clone(),
                policy_version: Some("rules".into()),
                lease: None,
            },
            _ => ResponseMessage::AccountInfo(account()),
        }
    }
}

pub(crate) fn account() -> AccountInfo {
    AccountInfo {
        name: "ada@example.org".into(),
        plan: "unlimited".into(),
        device_name: "test".into(),
        devices: 1,
        device_limit: 6,
    }
}

pub(crate) fn name(message: &RequestMessage) -> String {
    let xml = message.to_xml();
    let name = xml.trim_start_matches("<nccp:");
    name[..name.find([' ', '>', '/']).unwrap()].to_owned()
}
