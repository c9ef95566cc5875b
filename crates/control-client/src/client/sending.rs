//! Envelopes and challenges there and back.

use std::{mem, time::Duration};

use nccp::{Activation, Register, Registration, RequestMessage, Response, ResponseMessage};

use super::{Ask, Client, Registering, renewal};
use crate::{
    envelope::{Body, Envelope, Holds, Lane, Part, Served, answers},
    error::{ChallengeError, Error},
    event::{Challenge, Command, License, Sealed, TaskId},
    item::Item,
    recovery::Step,
};

/// Seconds that the way here may take and whole seconds hide: no skew.
const NO_SKEW: f64 = 2.0;

impl<E: Clone> Client<E> {
    /// Begins the next envelope with what waits.
    pub(super) fn compose(&mut self, now: Duration) {
        let Some(registration) = self.registration.clone() else { return };
        for item in self.queue.take(|item| matches!(item.ask, Ask::Registration)) {
            self.answer(&item, Ok(ResponseMessage::Register(registration.clone())));
        }
        let mut parts = Vec::new();
        for item in self.queue.take_batch() {
            let body = match &item.ask {
                Ask::Message(message) => Body::Ready(message.clone()),
                _ => Body::Awaited(self.make_challenge(&item, &registration)),
            };
            parts.push(Part { item, body });
        }
        self.lane = Lane::Composing(parts);
        self.seal_composed(now);
    }

    fn make_challenge(&mut self, item: &Item, registration: &Registration) -> TaskId {
        let task = self.task();
        if let Some((movie, metadata)) = item.license() {
            self.commands.push(Command::Challenge {
                task,
                ask: item.id,
                movie,
                metadata: metadata.to_vec(),
                registration: registration.clone(),
                clock_offset: self.offset,
            });
        }
        task
    }

    /// A challenge was made, for the envelope that is being composed.
    pub(super) fn challenged(
        &mut self,
        now: Duration,
        task: TaskId,
        challenge: Result<Challenge, ChallengeError<E>>,
    ) {
        let Lane::Composing(parts) = &mut self.lane else { return };
        let awaits = |part: &Part| matches!(part.body, Body::Awaited(at) if at == task);
        let (Some(at), Some(registration)) = (parts.iter().position(awaits), self.registration.clone())
        else {
            return;
        };
        let mut item = parts.remove(at).item;
        let body = match challenge {
            Ok(Challenge { challenge, license_url: Some(url) }) => {
                self.ask_license_server(item, url, challenge, registration.ticket);
                None
            }
            Ok(Challenge { challenge, license_url: None }) => {
                let stream_id = item.license().map(|(movie, _)| movie);
                let message = stream_id.map(|stream_id| RequestMessage::License { stream_id, challenge });
                message.map(|message| (Body::Ready(message), item))
            }
            // What is not authentic names nobody.
            Err(ChallengeError::Metadata) if item.ask_for_all_keys() => {
                Some((Body::Awaited(self.make_challenge(&item, &registration)), item))
            }
            Err(ChallengeError::Metadata) => {
                self.answer(&item, Err(Error::Protocol));
                None
            }
            Err(ChallengeError::Device(error)) => {
                self.answer(&item, Err(Error::Device(error)));
                None
            }
        };
        if let (Some((body, item)), Lane::Composing(parts)) = (body, &mut self.lane) {
            parts.insert(at, Part { item, body });
        }
        self.seal_composed(now);
    }

    /// Seals the envelope when nothing of it is awaited.
    fn seal_composed(&mut self, now: Duration) {
        let parts = match &mut self.lane {
            Lane::Composing(parts) if !parts.iter().any(|part| matches!(part.body, Body::Awaited(_))) => {
                mem::take(parts)
            }
            _ => return,
        };
        self.lane = Lane::Free;
        let (mut messages, mut items) = (Vec::new(), Vec::new());
        for Part { item, body } in parts {
            if let Body::Ready(message) = body {
                messages.push(message);
                items.push(item);
            }
        }
        let Some(registration) = self.registration.clone().filter(|_| !items.is_empty()) else { return };
        if registration.renewal as f64 <= self.server_now(now) {
            messages.push(renewal(&registration));
        }
        self.fresh = false;
        self.seal(Holds::Messages(items), messages, Some(registration));
    }

    /// `register`, with a `ping` beside it.
    pub(super) fn register(&mut self) {
        let Registering::ByCookies { name, machine } = self.kind.registering.clone() else { return };
        let (certificate, grant) = (self.identity.certificate.clone(), self.grant.clone());
        let register = Register { certificate, name, machine, grant };
        self.seal(Holds::Register, vec![RequestMessage::Register(register), RequestMessage::Ping], None);
    }

    /// `activationcode`, alone.
    pub(super) fn ask_for_code(&mut self, items: Vec<Item>) {
        let certificate = self.identity.certificate.clone();
        let message = RequestMessage::ActivationCode { certificate };
        self.seal(Holds::Activation(items), vec![message], None);
    }

    pub(super) fn seal(
        &mut self,
        holds: Holds,
        messages: Vec<RequestMessage>,
        registration: Option<Registration>,
    ) {
        let task = self.task();
        let ticket = registration.as_ref().map(|registration| registration.ticket.clone());
        self.commands.push(Command::Seal { task, registration, messages, clock_offset: self.offset });
        self.lane = Lane::Sealing(task, Envelope { holds, ticket });
    }

    pub(super) fn sealed(&mut self, task: TaskId, sealed: Result<Sealed, E>) {
        let envelope = match mem::replace(&mut self.lane, Lane::Free) {
            Lane::Sealing(at, envelope) if at == task => envelope,
            lane => return self.lane = lane,
        };
        match sealed {
            Ok(sealed) => {
                let task = self.task();
                self.commands.push(Command::Post { task, ticket: envelope.ticket.clone(), sealed });
                self.lane = Lane::Posting(task, envelope);
            }
            Err(error) => self.failed(envelope, Error::Device(error)),
        }
    }

    pub(super) fn posted(&mut self, now: Duration, task: TaskId, answer: Option<Vec<u8>>) {
        let envelope = match mem::replace(&mut self.lane, Lane::Free) {
            Lane::Posting(at, envelope) if at == task => envelope,
            lane => return self.lane = lane,
        };
        // Whatever the status, a controller answers in its own form; what does not is something in between.
        let Some(response) = answer.and_then(|octets| Response::parse(&octets).ok()) else {
            return self.failed(envelope, Error::Unreachable);
        };
        let offset = response.time as f64 - now.as_secs_f64();
        self.offset = if offset.abs() > NO_SKEW { offset } else { 0.0 };
        match answers(response) {
            Ok(answers) => self.answered(envelope, answers),
            Err(error) => self.failed(envelope, error),
        }
    }

    /// The whole envelope was refused, or not answered.
    fn failed(&mut self, envelope: Envelope, error: Error<E>) {
        match envelope.holds {
            Holds::Register => self.recover_waiting(Step::Register, &error),
            Holds::Renewal => self.recover_waiting(Step::Renew, &error),
            Holds::Activation(items) | Holds::Messages(items) => self.recover_all(items, &error),
        }
    }

    fn answered(&mut self, envelope: Envelope, answers: Vec<Result<ResponseMessage, Error<E>>>) {
        let Envelope { holds, ticket } = envelope;
        let mut answers = answers.into_iter();
        let mut next = || answers.next().unwrap_or(Err(Error::Protocol));
        match holds {
            Holds::Register => match next() {
                Ok(ResponseMessage::Register(registration)) => self.keep(registration),
                other => self.recover_waiting(Step::Register, &unexpected(other)),
            },
            Holds::Renewal => match next() {
                Ok(ResponseMessage::AuthenticationRenewal(registration)) => self.keep(registration),
                other => self.recover_waiting(Step::Renew, &unexpected(other)),
            },
            Holds::Activation(items) => {
                let answer = next();
                if let Ok(ResponseMessage::ActivationCode(Activation::Registered(registration))) = &answer {
                    self.keep(registration.clone());
                }
                items.into_iter().for_each(|item| self.settle(item, answer.clone(), None));
            }
            Holds::Messages(items) => {
                let settled: Vec<_> = items.into_iter().map(|item| (item, next())).collect();
                // Where it failed the old ticket is good for a while, and the next envelope renews again.
                if let Ok(ResponseMessage::AuthenticationRenewal(registration)) = next() {
                    self.keep(registration);
                }
                for (item, answer) in settled {
                    self.settle(item, answer, ticket.as_deref());
                }
            }
        }
    }

    fn ask_license_server(&mut self, item: Item, url: String, challenge: Vec<u8>, ticket: String) {
        let task = self.task();
        self.commands.push(Command::PostChallenge { task, url, ticket: ticket.clone(), challenge });
        self.served.push(Served { task, item, ticket });
    }

    pub(super) fn licensed(&mut self, task: TaskId, license: Result<License, Error<E>>) {
        let Some(at) = self.served.iter().position(|served| served.task == task) else { return };
        let Served { mut item, ticket, .. } = self.served.swap_remove(at);
        let Some((movie, _)) = item.license() else { return };
        match license {
            Ok(License { license, policy_version }) => {
                let license =
                    ResponseMessage::License { stream_id: movie, license, policy_version, lease: None };
                self.answer(&item, Ok(license));
            }
            Err(error) if self.license_server_is_no_use(&mut item, &error) => self.queue.push(item),
            Err(error) => self.settle(item, Err(error), Some(&ticket)),
        }
    }
}

/// The error that stands in for a message.
fn unexpected<E>(answer: Result<ResponseMessage, Error<E>>) -> Error<E> {
    answer.err().unwrap_or(Error::Protocol)
}
