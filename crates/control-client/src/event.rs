//! What goes into the client and what comes out.

use std::{fmt, time::Duration};

use nccp::{MovieId, Registration, RequestMessage, ResponseMessage};

use crate::error::{ChallengeError, Error};

/// Names one who asked. The driver gives them out, each once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AskId(pub u64);

/// Names a command whose end is to be reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TaskId(pub(crate) u64);

/// What somebody wants of the controller.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Ask {
    /// To have a message sent. Answered with the message of the same name.
    Message(RequestMessage),
    /// A license. Answered with [`ResponseMessage::License`], also by a license server. Its challenge is made
    /// when its envelope is, because it names the ticket.
    License {
        /// The film.
        movie: MovieId,
        /// Signed DRM metadata (COSE octets), which names the keys and may name a license server; empty:
        /// every key of the film, from the controller.
        metadata: Vec<u8>,
    },
    /// A good registration; nothing is sent where there is one. Answered with [`ResponseMessage::Register`],
    /// without domain keys.
    Registration,
    /// An activation code, or whether it was entered. Answered with [`ResponseMessage::ActivationCode`]; a
    /// registration in that is to be kept before it is answered.
    Activation,
}

/// Who a device is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Names its keys, and whose they are. Another name means another device, with a registration of its own.
    pub id: String,
    /// COSE octets of the device certificate.
    pub certificate: Vec<u8>,
}

/// An envelope that is ready to be posted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// The body.
    pub body: String,
    /// Value of `X-NCCP-Signature`.
    pub signature: String,
}

/// A license challenge.
#[derive(Clone, PartialEq, Eq)]
pub struct Challenge {
    /// COSE octets.
    pub challenge: Vec<u8>,
    /// Where the DRM metadata says that it is to be posted.
    pub license_url: Option<String>,
}

impl fmt::Debug for Challenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Challenge({} octets, to {:?})", self.challenge.len(), self.license_url)
    }
}

/// A license server's answer.
#[derive(Clone, PartialEq, Eq)]
pub struct License {
    /// COSE octets.
    pub license: Vec<u8>,
    /// Names the license's rules.
    pub policy_version: Option<String>,
}

impl fmt::Debug for License {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "License({} octets, rules {:?})", self.license.len(), self.policy_version)
    }
}

/// What happened, told to the client. Reports of tasks that are not under way are ignored.
#[derive(Clone, Debug)]
pub enum Event<E> {
    /// Somebody asks; what is asked together goes together.
    Asked(Vec<(AskId, Ask)>),
    /// Nobody waits for the answer any more. The message still goes, once; what it is refused with is not
    /// mended.
    Gone {
        /// Who had asked.
        ask: AskId,
    },
    /// End of [`Command::Seal`].
    Sealed {
        /// Which.
        task: TaskId,
        /// The envelope.
        sealed: Result<Sealed, E>,
    },
    /// End of [`Command::Post`].
    Posted {
        /// Which.
        task: TaskId,
        /// The body of the answer, whatever its status; `None`: there was none.
        answer: Option<Vec<u8>>,
    },
    /// End of [`Command::Challenge`].
    Challenged {
        /// Which.
        task: TaskId,
        /// The challenge.
        challenge: Result<Challenge, ChallengeError<E>>,
    },
    /// End of [`Command::PostChallenge`].
    Licensed {
        /// Which.
        task: TaskId,
        /// The license, or the license server's refusal, or [`Error::Unreachable`].
        license: Result<License, Error<E>>,
    },
    /// End of [`Command::LoadRegistration`].
    Loaded {
        /// Which.
        task: TaskId,
        /// What was found.
        registration: Option<Registration>,
    },
    /// End of [`Command::Individualize`] or [`Command::Reidentify`].
    Identified {
        /// Which.
        task: TaskId,
        /// Who the device is from now on.
        identity: Result<Identity, Error<E>>,
    },
    /// End of [`Command::Wait`].
    Waited {
        /// Which.
        task: TaskId,
    },
}

/// What the driver has to do. The end of each command that names a task is reported, once.
#[derive(Clone, Debug, PartialEq)]
pub enum Command<E> {
    /// Seal messages into an envelope with the device's next sequence number, and sign it
    /// (`docs/protocol.md`, §2).
    Seal {
        /// Reported by [`Event::Sealed`].
        task: TaskId,
        /// Whose device id the envelope names, and whose ticket is signed; without domain keys.
        registration: Option<Registration>,
        /// The messages, in their order; 1 to 16.
        messages: Vec<RequestMessage>,
        /// Server's clock minus this device's, in seconds.
        clock_offset: f64,
    },
    /// Post an envelope to the controller.
    Post {
        /// Reported by [`Event::Posted`].
        task: TaskId,
        /// Value of `X-CTicket`, where there is to be one.
        ticket: Option<String>,
        /// The envelope.
        sealed: Sealed,
    },
    /// Make a license challenge.
    Challenge {
        /// Reported by [`Event::Challenged`].
        task: TaskId,
        /// For whom.
        ask: AskId,
        /// The film.
        movie: MovieId,
        /// As in [`Ask::License`].
        metadata: Vec<u8>,
        /// The device and ticket to be named; without domain keys.
        registration: Registration,
        /// Server's clock minus this device's, in seconds.
        clock_offset: f64,
    },
    /// Post a challenge to a license server: `POST /license` (`docs/protocol.md`, §1), without cookies,
    /// following no redirection.
    PostChallenge {
        /// Reported by [`Event::Licensed`].
        task: TaskId,
        /// Where to, as signed DRM metadata says.
        url: String,
        /// Value of `X-CTicket`.
        ticket: String,
        /// COSE octets.
        challenge: Vec<u8>,
    },
    /// Get a new device certificate for the device's keys.
    Individualize {
        /// Reported by [`Event::Identified`].
        task: TaskId,
    },
    /// Ask who is signed in, and open that account's identity.
    Reidentify {
        /// Reported by [`Event::Identified`].
        task: TaskId,
    },
    /// Look for a kept registration of the identity in use: another tab may have left a newer one.
    LoadRegistration {
        /// Reported by [`Event::Loaded`].
        task: TaskId,
    },
    /// Keep a registration, and its domain keys. A driver that cannot says so when it seals next.
    KeepRegistration(Registration),
    /// Forget the registration.
    ForgetRegistration,
    /// Forget kept licenses: this device is no longer the one that they were given to.
    ForgetLicenses,
    /// Wait this long.
    Wait {
        /// Reported by [`Event::Waited`].
        task: TaskId,
        /// How long.
        time: Duration,
    },
    /// Tell one who asked.
    Answer {
        /// Who.
        ask: AskId,
        /// What came of it.
        answer: Result<ResponseMessage, Error<E>>,
    },
}
