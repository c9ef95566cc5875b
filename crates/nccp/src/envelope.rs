//! The request and the answer as wholes.

use crate::answer::ResponseMessage;
use crate::code::ErrorCode;
use crate::ids::{DeviceId, MAX_INTEGER, Sequence};
use crate::manifest::Manifest;
use crate::request::{MessageName, RequestMessage};
use crate::value::Decimal;
use crate::wire_error::WireError;
use crate::xml::{self, Element, Limits};
use crate::{Error, sign};

/// Most messages of one envelope.
pub(crate) const MAX_MESSAGES: usize = 16;

/// A request to the controller.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// The sender, once it has an id.
    pub device: Option<DeviceId>,
    /// Number of the request.
    pub sequence: Sequence,
    /// The sender's clock.
    pub time: u64,
    /// The sender's software, as `matinee-web/0.1.0`; may be empty.
    pub client: String,
    /// 1 to 16 messages, in order.
    pub messages: Vec<RequestMessage>,
}

/// A request that was not understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refused {
    /// The request's number where it could be read, else 0: what the answer's `sequence` says.
    pub sequence: u64,
    /// What was wrong.
    pub error: Error,
}

impl Request {
    /// Reads a request.
    ///
    /// # Errors
    /// [`Error::TooLarge`] (413) or anything else (400), with the sequence number where it could be read.
    pub fn parse(bytes: &[u8]) -> Result<Self, Refused> {
        let root = xml::parse(bytes, Limits::REQUEST).map_err(|error| Refused { sequence: 0, error })?;
        Self::read(&root).map_err(|error| Refused {
            sequence: root.parsed_attribute::<Sequence>("sequence").map_or(0, Sequence::get),
            error,
        })
    }

    fn read(root: &Element) -> Result<Self, Error> {
        if root.name != "request" {
            return Err(Error::WrongRoot);
        }
        if root.children.is_empty() || root.children.len() > MAX_MESSAGES {
            return Err(Error::MessageCount);
        }
        let sequence: Sequence = root.parsed_attribute("sequence")?;
        if sequence.get() == 0 {
            return Err(Error::Value("sequence"));
        }
        let time = root.parsed_attribute::<Decimal>("time")?.0;
        if time >= MAX_INTEGER {
            return Err(Error::Value("time"));
        }
        let client = root.attribute("client").unwrap_or_default();
        if client.chars().count() > 100 {
            return Err(Error::Value("client"));
        }
        Ok(Self {
            device: root.opt_attribute("device")?,
            sequence,
            time,
            client: client.to_owned(),
            messages: root.children.iter().map(RequestMessage::read).collect::<Result<_, _>>()?,
        })
    }

    /// Writes the request.
    pub fn to_xml(&self) -> String {
        let messages: String = self.messages.iter().map(RequestMessage::to_xml).collect();
        sign::seal_envelope(self.device.as_ref(), self.sequence, self.time, &self.client, &messages)
    }
}

/// An answer of the controller.
#[derive(Debug, Clone, PartialEq)]
pub struct Response {
    /// The request's number; 0 when it could not be read.
    pub sequence: u64,
    /// The server's clock.
    pub time: u64,
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of a request.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// The whole envelope was refused: nothing ran.
    Refused(WireError),
    /// An answer for each message, in their order.
    Answers(Vec<Answer>),
}

/// What came of one message.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// It was done.
    Done(ResponseMessage),
    /// It failed; the others of the envelope ran all the same.
    Failed {
        /// Which message.
        message: MessageName,
        /// Why.
        error: WireError,
    },
}

impl Response {
    /// An answer that refuses the whole envelope.
    pub fn refused(sequence: u64, time: u64, code: ErrorCode) -> Self {
        Self { sequence, time, outcome: Outcome::Refused(code.into()) }
    }

    /// Reads an answer. Messages of later versions are skipped.
    ///
    /// # Errors
    /// [`Error`] when it is not an answer of this protocol.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let root = xml::parse(bytes, Limits::RESPONSE)?;
        if root.name != "response" {
            return Err(Error::WrongRoot);
        }
        let mut answers = Vec::new();
        let mut refused = None;
        for child in &root.children {
            if child.name == "error" {
                let error = WireError::read(child)?;
                match child.attribute("message") {
                    None => refused = Some(error),
                    Some(name) => {
                        if let Ok(message) = name.parse() {
                            answers.push(Answer::Failed { message, error });
                        }
                    }
                }
            } else {
                match ResponseMessage::read(child) {
                    Ok(message) => answers.push(Answer::Done(message)),
                    Err(Error::UnknownMessage) => {}
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(Self {
            sequence: root.parsed_attribute::<Decimal>("sequence")?.0,
            time: root.parsed_attribute::<Decimal>("time")?.0,
            outcome: refused.map_or(Outcome::Answers(answers), Outcome::Refused),
        })
    }

    /// Writes the answer.
    pub fn to_xml(&self) -> String {
        let root = Element::new("response").attr("sequence", self.sequence).attr("time", self.time);
        match &self.outcome {
            Outcome::Refused(error) => root.child(error.to_element(None)),
            Outcome::Answers(answers) => answers.iter().fold(root, |root, answer| {
                root.child(match answer {
                    Answer::Done(message) => message.to_element(),
                    Answer::Failed { message, error } => error.to_element(Some(*message)),
                })
            }),
        }
        .write_document()
    }
}

impl Manifest {
    /// Reads a manifest that stands alone: the element `authorization` as the root.
    ///
    /// # Errors
    /// [`Error`] when it is not one.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let root = xml::parse(bytes, Limits::RESPONSE)?;
        if root.name == MessageName::Authorization.as_str() {
            Self::read(&root)
        } else {
            Err(Error::WrongRoot)
        }
    }

    /// Writes the manifest as a document of its own.
    pub fn to_xml(&self) -> String {
        self.to_element().write_document()
    }
}
