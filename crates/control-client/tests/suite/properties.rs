//! Whatever happens, everybody is answered, once, after a bounded number of requests.

use std::collections::BTreeSet;
use std::time::Duration;

use control_client::{
    Ask, AskId, Challenge, ChallengeError, Client, Command, Config, Error, Event, Kind, License, MOST_WAITS,
    Sealed,
};
use nccp::{Activation, Answer, ErrorCode, MessageName, Outcome, RequestMessage, Response, ResponseMessage};
use proptest::prelude::*;

use crate::bench::{NOW, account, browser, identity, license, registration};

/// Requests for one message at most: each remedy once and each wait, and for a license that again at the
/// controller; before each a registration or a renewal.
const MOST_POSTS: usize = 2 * 2 * (7 + MOST_WAITS as usize);

/// One turn of events; the numbers choose among what can happen.
#[derive(Clone, Debug)]
enum Turn {
    Ask(Vec<u8>),
    Gone(u64),
    End {
        which: usize,
        how: u16,
        code: usize,
    },
    /// Of something else than what is under way.
    Stray {
        which: usize,
    },
    Jump(u32),
}

fn turns() -> impl Strategy<Value = Vec<Turn>> {
    let end = || {
        (any::<usize>(), any::<u16>(), any::<usize>()).prop_map(|(which, how, code)| Turn::End {
            which,
            how,
            code,
        })
    };
    let turn = prop_oneof![
        1 => prop::collection::vec(any::<u8>(), 1..20).prop_map(Turn::Ask),
        1 => (1..40u64).prop_map(Turn::Gone),
        12 => end(),
        1 => any::<usize>().prop_map(|which| Turn::Stray { which }),
        1 => any::<u32>().prop_map(Turn::Jump),
    ];
    prop::collection::vec(turn, 1..300)
}

fn ask(number: u8) -> Ask {
    match number % 8 {
        0 => license(b""),
        1 | 2 => license(b"metadata"),
        3 => Ask::Registration,
        4 => Ask::Activation,
        _ => Ask::Message(RequestMessage::AccountInfo),
    }
}

struct World {
    client: Client<u8>,
    now: Duration,
    running: Vec<Command<u8>>,
    asked: BTreeSet<AskId>,
    answered: BTreeSet<AskId>,
    posts: usize,
    tickets: u32,
}

impl World {
    fn new(kind: Kind, registered: bool) -> Self {
        let registration = registered.then(|| registration("T"));
        let client = Client::new(Config { kind, identity: identity("keys"), registration, seed: 7 });
        Self {
            client,
            now: Duration::from_secs(NOW),
            running: Vec::new(),
            asked: BTreeSet::new(),
            answered: BTreeSet::new(),
            posts: 0,
            tickets: 0,
        }
    }

    fn feed(&mut self, event: Event<u8>) {
        for command in self.client.handle(self.now, event) {
            match command {
                Command::Answer { ask, .. } => assert!(self.answered.insert(ask), "{ask:?} answered twice"),
                Command::KeepRegistration(_) | Command::ForgetRegistration | Command::ForgetLicenses => {}
                command => {
                    let is_post = matches!(command, Command::Post { .. } | Command::PostChallenge { .. });
                    self.posts += usize::from(is_post);
                    self.running.push(command);
                }
            }
        }
    }

    fn turn(&mut self, turn: &Turn) {
        match turn {
            Turn::Ask(asks) => {
                let from = self.asked.len() as u64;
                let asks: Vec<_> = (from..).map(AskId).zip(asks.iter().map(|ask| self::ask(*ask))).collect();
                self.asked.extend(asks.iter().map(|(id, _)| *id));
                self.feed(Event::Asked(asks));
            }
            Turn::Gone(ask) => self.feed(Event::Gone { ask: AskId(*ask) }),
            Turn::End { which, how, code } => {
                if !self.running.is_empty() {
                    let command = self.running.swap_remove(which % self.running.len());
                    let event = self.end(&command, *how, ErrorCode::ALL[code % ErrorCode::ALL.len()]);
                    self.feed(event);
                }
            }
            Turn::Stray { which } => {
                if let Some(command) = self.running.get(which % self.running.len().max(1)) {
                    let event = match command {
                        Command::Wait { task, .. } => Event::Posted { task: *task, answer: None },
                        Command::Seal { task, .. }
                        | Command::Post { task, .. }
                        | Command::Challenge { task, .. }
                        | Command::PostChallenge { task, .. }
                        | Command::LoadRegistration { task }
                        | Command::Individualize { task }
                        | Command::Reidentify { task } => Event::Waited { task: *task },
                        _ => return,
                    };
                    self.feed(event);
                }
            }
            Turn::Jump(seconds) => self.now = Duration::from_secs(NOW / 2 + u64::from(*seconds)),
        }
    }

    /// One of the ends that a command can have.
    fn end(&mut self, command: &Command<u8>, how: u16, code: ErrorCode) -> Event<u8> {
        let bad = !how.is_multiple_of(3);
        let error = || match how % 4 {
            0 => Error::Unreachable,
            1 => Error::Device(1),
            _ => Error::Refused(code.into()),
        };
        match *command {
            Command::Seal { task, .. } => {
                let sealed = Sealed { body: String::new(), signature: String::new() };
                Event::Sealed { task, sealed: if how.is_multiple_of(16) { Err(1) } else { Ok(sealed) } }
            }
            Command::Post { task, .. } => Event::Posted { task, answer: self.response(how, code) },
            Command::Challenge { task, ref metadata, .. } => {
                let url = "https://licenses.example.org".to_owned();
                let license_url = Some(url).filter(|_| !metadata.is_empty() || how % 8 == 1);
                let challenge = match how % 16 {
                    14 => Err(ChallengeError::Metadata),
                    15 => Err(ChallengeError::Device(1)),
                    _ => Ok(Challenge { challenge: vec![1], license_url }),
                };
                Event::Challenged { task, challenge }
            }
            Command::PostChallenge { task, .. } => {
                let license = License { license: vec![1], policy_version: None };
                Event::Licensed { task, license: if bad { Err(error()) } else { Ok(license) } }
            }
            Command::LoadRegistration { task } => {
                let registration = (how.is_multiple_of(4)).then(|| registration(&format!("tab {how}")));
                Event::Loaded { task, registration }
            }
            Command::Individualize { task } | Command::Reidentify { task } => {
                let who = identity(if how.is_multiple_of(2) { "keys" } else { "other keys" });
                Event::Identified { task, identity: if bad { Err(error()) } else { Ok(who) } }
            }
            Command::Wait { task, .. } => Event::Waited { task },
            _ => panic!("{command:?} has no end"),
        }
    }

    fn response(&mut self, how: u16, code: ErrorCode) -> Option<Vec<u8>> {
        self.tickets += 1;
        let mut registration = registration(&format!("T{}", self.tickets));
        if how.is_multiple_of(7) {
            // Over before it comes.
            (registration.expiration, registration.renewal) = (1, 1);
        }
        let failed = Answer::Failed { message: MessageName::AccountInfo, error: code.into() };
        let done = match how % 5 {
            0 => ResponseMessage::Register(registration),
            1 => ResponseMessage::AuthenticationRenewal(registration),
            2 => ResponseMessage::ActivationCode(Activation::Registered(registration)),
            3 => ResponseMessage::ActivationCode(Activation::Pending),
            _ => ResponseMessage::AccountInfo(account()),
        };
        let outcome = match how % 11 {
            0 => return None,
            1 => return Some(b"<html/>".to_vec()),
            2 | 3 => Outcome::Refused(code.into()),
            4 => Outcome::Answers(Vec::new()),
            5..=7 => Outcome::Answers(vec![failed; 16]),
            _ => Outcome::Answers(vec![Answer::Done(done); 16]),
        };
        let time = self.now.as_secs() + u64::from(how % 2) * 100_000;
        Some(Response { sequence: 1, time, outcome }.to_xml().into_bytes())
    }
}

proptest! {
    #[test]
    fn everybody_is_answered(is_box: bool, registered: bool, turns in turns()) {
        let kind = if is_box { Kind::tv_box() } else { browser() };
        let mut world = World::new(kind, registered);
        for turn in &turns {
            world.turn(turn);
        }
        // What is still under way ends, as badly as before.
        let ends = turns.iter().filter(|turn| matches!(turn, Turn::End { .. })).cycle();
        let most = 10 * MOST_POSTS * (world.asked.len() + 1);
        let fallback = Turn::End { which: 0, how: 1, code: 0 };
        for turn in ends.chain(std::iter::repeat(&fallback)).take(most) {
            if world.running.is_empty() {
                break;
            }
            world.turn(turn);
        }
        prop_assert!(world.running.is_empty(), "still busy: {:?}", world.running);
        prop_assert_eq!(&world.answered, &world.asked);
        prop_assert!(world.posts <= MOST_POSTS * world.asked.len(), "{} for {}", world.posts, world.asked.len());
    }
}
