//! The queue: what waits goes together, what fails is remedied by the error table.

use std::time::Duration;

use nccp::recovery::{Step, Tried};
use nccp::{Action, ErrorCode, ResponseMessage};
use tokio::sync::{mpsc, oneshot};

use super::Ask;
use super::exchange::Exchange;
use crate::Error;

/// Most messages of one envelope, with room for a renewal.
const MOST_MESSAGES: usize = 15;

/// Most messages that are asked together.
const MOST_TOGETHER: usize = 4;

/// The queue's own entrance. Weak: the queue ends when nobody else can ask.
type Again = mpsc::WeakUnboundedSender<Vec<Item>>;

/// A message that waits for its answer.
pub(super) struct Item {
    pub(super) ask: Ask,
    tried: Tried,
    /// A challenge was refused and may be tried once more.
    rechallenged: bool,
    answer: oneshot::Sender<Result<ResponseMessage, Error>>,
}

/// What came of each message that was sent.
pub(super) type Answered = Vec<(Item, Result<ResponseMessage, Error>)>;

impl Item {
    pub(super) fn new(ask: Ask, answer: oneshot::Sender<Result<ResponseMessage, Error>>) -> Self {
        Self { ask, tried: Tried::default(), rechallenged: false, answer }
    }

    /// Asks for a code, and so without a registration.
    fn is_for_code(&self) -> bool {
        matches!(self.ask, Ask::Activation)
    }

    pub(super) fn answer(self, answer: Result<ResponseMessage, Error>) {
        // Whoever asked may have gone.
        let _ = self.answer.send(answer);
    }
}

/// Sends what comes until nobody can send anything more.
pub(super) async fn run(mut exchange: Exchange, mut items: mpsc::UnboundedReceiver<Vec<Item>>, again: Again) {
    while let Some(mut batch) = items.recv().await {
        while batch.len() + MOST_TOGETHER <= MOST_MESSAGES
            && let Ok(more) = items.try_recv()
        {
            batch.extend(more);
        }
        let (codes, mut batch): (Vec<Item>, Vec<Item>) = batch.into_iter().partition(Item::is_for_code);
        for item in codes {
            send(&mut exchange, vec![item], &again).await;
        }
        batch.sort_by_key(|item| !matches!(item.ask, Ask::License { .. }));
        if !batch.is_empty() {
            send(&mut exchange, batch, &again).await;
        }
    }
}

/// Sends a batch until its envelope is taken, or there is nothing left to do about it.
async fn send(exchange: &mut Exchange, mut batch: Vec<Item>, again: &Again) {
    let mut tried = Tried::default();
    let for_code = batch.iter().any(Item::is_for_code);
    loop {
        batch = match exchange.envelope(batch).await {
            Ok(answered) => return settle(exchange, answered, again).await,
            Err((rest, error)) => match remedy(exchange, &mut tried, error, for_code).await {
                Ok(wait) => {
                    tokio::time::sleep(wait).await;
                    rest
                }
                Err(error) => {
                    let mut rest = rest.into_iter();
                    let first = rest.next();
                    rest.for_each(|item| item.answer(Err(again_as(&error))));
                    if let Some(first) = first {
                        first.answer(Err(error));
                    }
                    return;
                }
            },
        };
    }
}

/// The error for one of several who asked.
fn again_as(error: &Error) -> Error {
    match error {
        Error::Refused(wire) => Error::Refused(wire.clone()),
        Error::NotActivated => Error::NotActivated,
        Error::Protocol => Error::Protocol,
        Error::Random => Error::Random,
        Error::Io { path, source } => Error::Io { path: path.clone(), source: source.kind().into() },
        _ => Error::Unreachable,
    }
}

/// Gives each message its answer; those that may be tried again wait beside the queue, and then are.
async fn settle(exchange: &mut Exchange, answered: Answered, again: &Again) {
    for (mut item, answer) in answered {
        let error = match answer {
            Err(error) if !item.answer.is_closed() => error,
            answer => {
                item.answer(answer);
                continue;
            }
        };
        let once_more = error.code() == Some(ErrorCode::ChallengeInvalid) && !item.rechallenged;
        let wait = if once_more {
            // A browser individualizes anew; a box's certificate is the factory's, but the ticket or the clock may have changed.
            item.rechallenged = true;
            Ok(Duration::ZERO)
        } else {
            let mut tried = std::mem::take(&mut item.tried);
            let wait = remedy(exchange, &mut tried, error, item.is_for_code()).await;
            item.tried = tried;
            wait
        };
        match (wait, again.upgrade()) {
            (Ok(wait), Some(queue)) => drop(tokio::spawn(async move {
                tokio::time::sleep(wait).await;
                // Where the queue has ended, the answer's other end is told so by the drop.
                let _ = queue.send(vec![item]);
            })),
            (Ok(_), None) => item.answer(Err(Error::Unreachable)),
            (Err(error), _) => item.answer(Err(error)),
        }
    }
}

/// Does what the error table says about `error`, and says how long to wait before the next try; gives the error back when nothing is
/// left to do.
async fn remedy(
    exchange: &mut Exchange,
    tried: &mut Tried,
    error: Error,
    for_code: bool,
) -> Result<Duration, Error> {
    let step = match &error {
        // A browser goes to its login page; a box is given an account by a code.
        Error::Refused(wire) if wire.action == Action::Login => Step::Register,
        Error::Refused(wire) => tried.step(wire, fastrand::f64()),
        Error::Unreachable => tried.silent(fastrand::f64()),
        _ => Step::GiveUp,
    };
    let not_authentic = error.code() == Some(ErrorCode::NotAuthentic);
    match step {
        Step::Renew | Step::Register | Step::Reidentify if for_code => Err(error),
        // What was damaged on its way is no reason to forget the account: the registration is only if its renewal fails, too.
        Step::Register if not_authentic => match exchange.renew().await {
            Ok(()) => Ok(Duration::ZERO),
            Err(error) if error.code() == Some(ErrorCode::NotAuthentic) => Err(exchange.deactivate()),
            Err(error) => Err(error),
        },
        Step::GiveUp if not_authentic && !for_code => Err(exchange.deactivate()),
        Step::AdoptTime => Ok(Duration::ZERO), // every answer's time is adopted where it arrives
        Step::Renew => exchange.renew().await.map(|()| Duration::ZERO),
        Step::Register | Step::Reidentify => Err(exchange.deactivate()),
        Step::Wait(time) => Ok(time.max(Duration::from_millis(100))),
        Step::Individualize | Step::GiveUp => Err(error),
    }
}
