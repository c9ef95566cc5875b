//! The messages that clients send.

use crate::Error;
use crate::ids::{DeviceId, MovieId};
use crate::value::{Decimal, PolicyVersion, Seconds, base64_decode, base64_encode, single_line};
use crate::xml::Element;
use std::fmt;
use std::str::FromStr;

crate::named! {
    /// Names of the messages: the elements' local names.
    #[non_exhaustive]
    MessageName {
        /// `ping`
        Ping = "ping",
        /// `register`
        Register = "register",
        /// `authenticationrenewal`
        AuthenticationRenewal = "authenticationrenewal",
        /// `accountinfo`
        AccountInfo = "accountinfo",
        /// `queue`
        Queue = "queue",
        /// `moviemetadata`
        MovieMetadata = "moviemetadata",
        /// `usermoviemetadata`
        UserMovieMetadata = "usermoviemetadata",
        /// `authorization`
        Authorization = "authorization",
        /// `license`
        License = "license",
        /// `takeover`
        Takeover = "takeover",
        /// `logblob`
        LogBlob = "logblob",
        /// `activationcode`
        ActivationCode = "activationcode",
    }
}

impl FromStr for MessageName {
    type Err = Error;

    fn from_str(s: &str) -> Result<Self, Error> {
        Self::named(s).ok_or(Error::UnknownMessage)
    }
}

/// A message of a request.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum RequestMessage {
    /// Is anybody there, and what time is it?
    Ping,
    /// Takes a slot for this device; the account comes from the session cookies.
    Register(Register),
    /// Asks for a new ticket before or after the old one's end.
    AuthenticationRenewal {
        /// The device that the ticket names.
        device_id: DeviceId,
    },
    /// Name, plan and devices of the account.
    AccountInfo,
    /// The account's list.
    Queue,
    /// Title, cast, runtime of a movie.
    MovieMetadata {
        /// Which one.
        movie_id: MovieId,
    },
    /// This account's history with a movie.
    UserMovieMetadata {
        /// Which one.
        movie_id: MovieId,
    },
    /// The manifest of a movie.
    Authorization {
        /// Which one.
        movie_id: MovieId,
    },
    /// A license for a stream.
    License {
        /// The movie.
        stream_id: MovieId,
        /// COSE octets of the challenge.
        challenge: Vec<u8>,
    },
    /// Ends what plays on another device of the account, so that this one may play.
    Takeover {
        /// What is to play here.
        movie_id: MovieId,
        /// Where to stop.
        device_id: DeviceId,
    },
    /// How playback goes.
    LogBlob(LogBlob),
    /// A box without account asks for, or polls with, a code.
    ActivationCode {
        /// COSE octets of the box's certificate.
        certificate: Vec<u8>,
    },
}

/// The message `register`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Register {
    /// COSE octets of the device certificate.
    pub certificate: Vec<u8>,
    /// What people call the device; at most 80 characters, on one line.
    pub name: String,
    /// Description of the machine; at most 400 characters, on one line.
    pub machine: String,
    /// In place of cookies: for a page of another site.
    pub grant: Option<ShownGrant>,
}

/// A grant as a player shows it (docs/protocol.md, section 1).
#[derive(Clone, PartialEq, Eq)]
pub struct ShownGrant {
    /// As the operator's backend got it: 1 to 4,096 characters from `!` to `~`.
    pub token: String,
    /// The origin of the page that the player is embedded in; at most 300 characters from `!` to `~`.
    pub origin: Option<String>,
}

impl fmt::Debug for ShownGrant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ShownGrant([redacted], for {:?})", self.origin)
    }
}

impl ShownGrant {
    fn to_element(&self) -> Element {
        let element = Element::with_text("grant", &self.token);
        match &self.origin {
            Some(origin) => element.attr("origin", origin),
            None => element,
        }
    }

    fn read(element: &Element) -> Result<Option<Self>, Error> {
        let visible = |text: &str, most| text.len() <= most && text.bytes().all(|b| b.is_ascii_graphic());
        let Some(grant) = element.first("grant").filter(|grant| !grant.text.is_empty()) else {
            return Ok(None);
        };
        let origin = grant.attribute("origin").filter(|origin| !origin.is_empty());
        if !visible(&grant.text, MAX_GRANT) || !origin.is_none_or(|origin| visible(origin, MAX_ORIGIN)) {
            return Err(Error::Value("grant"));
        }
        Ok(Some(Self { token: grant.text.clone(), origin: origin.map(str::to_owned) }))
    }
}

/// The message `logblob`.
#[derive(Debug, Clone, PartialEq)]
pub struct LogBlob {
    /// The movie being played.
    pub movie_id: MovieId,
    /// Seconds from the beginning, 0 to 999,999,999.999.
    pub position: f64,
    /// What occasioned the report.
    pub event: LogEvent,
    /// At most 32 counters, named by `[a-z_]{1,32}`.
    pub counters: Vec<(String, u64)>,
    /// The rules that it plays by, as its license's answer named them: 1 to 64 characters from `!` to `~`.
    pub policy_version: Option<String>,
}

crate::named! {
    /// What occasions a `logblob`.
    #[derive(Default)]
    LogEvent {
        /// The timer.
        #[default]
        Interval = "interval",
        /// Playback was paused.
        Pause = "pause",
        /// Another position was chosen.
        Seek = "seek",
        /// The end was reached.
        End = "end",
        /// The page went away.
        Hide = "hide",
    }
}

impl FromStr for LogEvent {
    type Err = Error;

    fn from_str(s: &str) -> Result<Self, Error> {
        Self::named(s).ok_or(Error::Value("event"))
    }
}

/// Most characters of a device's name.
pub(crate) const MAX_NAME: usize = 80;
/// Most characters of a machine's description.
pub(crate) const MAX_MACHINE: usize = 400;
/// Most characters of a grant.
pub(crate) const MAX_GRANT: usize = 4096;
/// Most characters of an origin.
pub(crate) const MAX_ORIGIN: usize = 300;
/// Most counters of a `logblob`.
pub(crate) const MAX_COUNTERS: usize = 32;

impl RequestMessage {
    /// The message's name.
    pub fn name(&self) -> MessageName {
        match self {
            Self::Ping => MessageName::Ping,
            Self::Register(_) => MessageName::Register,
            Self::AuthenticationRenewal { .. } => MessageName::AuthenticationRenewal,
            Self::AccountInfo => MessageName::AccountInfo,
            Self::Queue => MessageName::Queue,
            Self::MovieMetadata { .. } => MessageName::MovieMetadata,
            Self::UserMovieMetadata { .. } => MessageName::UserMovieMetadata,
            Self::Authorization { .. } => MessageName::Authorization,
            Self::License { .. } => MessageName::License,
            Self::Takeover { .. } => MessageName::Takeover,
            Self::LogBlob(_) => MessageName::LogBlob,
            Self::ActivationCode { .. } => MessageName::ActivationCode,
        }
    }

    /// The message as an XML element with the prefix `nccp`, for [`seal_envelope`](crate::seal_envelope).
    pub fn to_xml(&self) -> String {
        let mut out = String::new();
        self.to_element().write_fragment(&mut out);
        out
    }

    /// The message as an element.
    pub fn to_element(&self) -> Element {
        let element = Element::new(self.name().as_str());
        match self {
            Self::Ping | Self::AccountInfo | Self::Queue => element,
            Self::Register(register) => {
                let element = element
                    .text_child("certificate", base64_encode(&register.certificate))
                    .text_child("name", &register.name)
                    .text_child("machine", &register.machine);
                match &register.grant {
                    Some(grant) => element.child(grant.to_element()),
                    None => element,
                }
            }
            Self::AuthenticationRenewal { device_id } => element.text_child("deviceid", device_id),
            Self::MovieMetadata { movie_id }
            | Self::UserMovieMetadata { movie_id }
            | Self::Authorization { movie_id } => element.attr("movie_id", movie_id),
            Self::License { stream_id, challenge } => {
                element.attr("stream_id", stream_id).text_child("challenge", base64_encode(challenge))
            }
            Self::Takeover { movie_id, device_id } => {
                element.attr("movie_id", movie_id).text_child("deviceid", device_id)
            }
            Self::LogBlob(log) => {
                let counters = log.counters.iter().fold(Element::new("counters"), |list, (name, value)| {
                    list.child(Element::with_text("counter", value).attr("name", name))
                });
                let element = element
                    .attr("movie_id", log.movie_id)
                    .text_child("position", Seconds(log.position))
                    .text_child("event", log.event.as_str());
                let element = match &log.policy_version {
                    Some(version) => element.text_child("policyversion", version),
                    None => element,
                };
                if log.counters.is_empty() { element } else { element.child(counters) }
            }
            Self::ActivationCode { certificate } => {
                element.text_child("certificate", base64_encode(certificate))
            }
        }
    }

    pub(crate) fn read(element: &Element) -> Result<Self, Error> {
        let movie_id = || element.parsed_attribute("movie_id");
        let octets = |name| base64_decode(element.required_text(name)?, name);
        Ok(match element.name.parse::<MessageName>()? {
            MessageName::Ping => Self::Ping,
            MessageName::AccountInfo => Self::AccountInfo,
            MessageName::Queue => Self::Queue,
            MessageName::Register => Self::Register(Register {
                certificate: octets("certificate")?,
                name: line(element, "name", MAX_NAME)?,
                machine: line(element, "machine", MAX_MACHINE)?,
                grant: ShownGrant::read(element)?,
            }),
            MessageName::AuthenticationRenewal => {
                Self::AuthenticationRenewal { device_id: required(element, "deviceid")? }
            }
            MessageName::MovieMetadata => Self::MovieMetadata { movie_id: movie_id()? },
            MessageName::UserMovieMetadata => Self::UserMovieMetadata { movie_id: movie_id()? },
            MessageName::Authorization => Self::Authorization { movie_id: movie_id()? },
            MessageName::License => Self::License {
                stream_id: element.parsed_attribute("stream_id")?,
                challenge: octets("challenge")?,
            },
            MessageName::Takeover => {
                Self::Takeover { movie_id: movie_id()?, device_id: required(element, "deviceid")? }
            }
            MessageName::LogBlob => Self::LogBlob(LogBlob {
                movie_id: movie_id()?,
                position: required::<Seconds>(element, "position")?.0,
                event: value(element, "event")?.unwrap_or_default(),
                counters: counters(element)?,
                policy_version: value::<PolicyVersion>(element, "policyversion")?.map(|version| version.0),
            }),
            MessageName::ActivationCode => Self::ActivationCode { certificate: octets("certificate")? },
        })
    }
}

/// A child's value, if the child is there; an empty one counts as absent. Nothing may stand around it, blanks
/// included.
fn value<T: FromStr>(element: &Element, name: &'static str) -> Result<Option<T>, Error> {
    let text = element.first(name).map(|child| child.text.as_str()).filter(|text| !text.is_empty());
    text.map(|text| text.parse().map_err(|_| Error::Value(name))).transpose()
}

/// The value of a child that must be there.
fn required<T: FromStr>(element: &Element, name: &'static str) -> Result<T, Error> {
    value(element, name)?.ok_or(Error::Missing(name))
}

/// Text for people, on one line; empty where the child is absent.
fn line(element: &Element, name: &'static str, most: usize) -> Result<String, Error> {
    let line = single_line(element.child_text(name).unwrap_or_default());
    if line.chars().count() > most { Err(Error::Value(name)) } else { Ok(line) }
}

fn counters(element: &Element) -> Result<Vec<(String, u64)>, Error> {
    let Some(list) = element.first("counters") else { return Ok(Vec::new()) };
    let counters: Vec<_> = list
        .all("counter")
        .map(|counter| {
            let name = counter.required("name")?;
            let fits = (1..=32).contains(&name.len());
            if !fits || !name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_') {
                return Err(Error::Value("counter"));
            }
            let value: Decimal = counter.text.parse().map_err(|_| Error::Value("counter"))?;
            Ok((name.to_owned(), value.0))
        })
        .collect::<Result<_, Error>>()?;
    if counters.len() > MAX_COUNTERS { Err(Error::Value("counters")) } else { Ok(counters) }
}
