//! Envelopes under way.

use nccp::{Answer, Outcome, RequestMessage, Response, ResponseMessage};

use crate::{error::Error, event::TaskId, item::Item, recovery::Step};

/// What the client is at. One envelope, or one thing that has to be done before it, at a time.
#[derive(Debug)]
pub(crate) enum Lane {
    Free,
    /// The service is busy or silent: nothing is sent until this wait is over.
    Held(TaskId),
    /// Looks for a registration that another tab left.
    Loading(TaskId),
    /// Individualizes or identifies itself anew.
    Identifying(TaskId, Step),
    /// Waits for challenges.
    Composing(Vec<Part>),
    Sealing(TaskId, Envelope),
    Posting(TaskId, Envelope),
}

/// A message of an envelope that is being composed.
#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) item: Item,
    pub(crate) body: Body,
}

#[derive(Debug)]
pub(crate) enum Body {
    /// The challenge is being made.
    Awaited(TaskId),
    Ready(RequestMessage),
}

/// An envelope on its way.
#[derive(Debug)]
pub(crate) struct Envelope {
    pub(crate) holds: Holds,
    /// The ticket that it goes with.
    pub(crate) ticket: Option<String>,
}

/// What an envelope is for.
#[derive(Debug)]
pub(crate) enum Holds {
    Register,
    Renewal,
    /// A code is asked for, by all of these.
    Activation(Vec<Item>),
    /// These messages, and behind them a renewal where it was due.
    Messages(Vec<Item>),
}

impl Lane {
    /// The messages that are under way in it.
    pub(crate) fn items_mut(&mut self) -> Vec<&mut Item> {
        match self {
            Self::Composing(parts) => parts.iter_mut().map(|part| &mut part.item).collect(),
            Self::Sealing(_, envelope) | Self::Posting(_, envelope) => match &mut envelope.holds {
                Holds::Activation(items) | Holds::Messages(items) => items.iter_mut().collect(),
                Holds::Register | Holds::Renewal => Vec::new(),
            },
            Self::Free | Self::Held(_) | Self::Loading(_) | Self::Identifying(..) => Vec::new(),
        }
    }
}

/// A challenge for a license server, whose answer is awaited beside the envelopes.
#[derive(Debug)]
pub(crate) struct Served {
    pub(crate) task: TaskId,
    pub(crate) item: Item,
    /// The ticket that it goes with.
    pub(crate) ticket: String,
}

/// The answers to the messages, in order, or the error of the whole envelope.
pub(crate) fn answers<E>(response: Response) -> Result<Vec<Result<ResponseMessage, Error<E>>>, Error<E>> {
    let answer = |answer| match answer {
        Answer::Done(message) => Ok(message),
        Answer::Failed { error, .. } => Err(Error::Refused(error)),
    };
    match response.outcome {
        Outcome::Refused(error) => Err(Error::Refused(error)),
        Outcome::Answers(answers) => Ok(answers.into_iter().map(answer).collect()),
    }
}
