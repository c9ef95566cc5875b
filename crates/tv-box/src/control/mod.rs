//! The box's client of the controller: [`control_client`] decides what goes when (docs/protocol.md §2 to §4),
//! a task of its own carries it out.

mod driver;
mod http;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use decryptor::SessionId;
use nccp::{Activation, MovieId, RequestMessage, ResponseMessage};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use crate::drm::{Drm, wall};
use crate::state::State;
use crate::{Error, Identity};
use driver::{Asker, Driver};

/// A message to send.
#[derive(Debug)]
pub(crate) enum Ask {
    /// As it is.
    Message(RequestMessage),
    /// A license, for a session. Signed DRM metadata names the keys and may name a license server; where it
    /// is empty, it is every key of the film, from the controller.
    License { session: SessionId, movie: MovieId, metadata: Vec<u8> },
    /// A code, or whether it was entered.
    Activation,
}

/// What the box's parts hold in common.
pub(crate) struct Shared {
    pub(crate) identity: Arc<Identity>,
    state: Mutex<State>,
    drm: Mutex<Drm>,
    /// Server's clock minus this one, in seconds.
    offset: Mutex<f64>,
}

impl Shared {
    pub(crate) fn new(identity: Arc<Identity>, state: State) -> Arc<Self> {
        let drm = Drm::new(Arc::clone(&identity), state.anchor());
        Arc::new(Self { identity, state: Mutex::new(state), drm: Mutex::new(drm), offset: Mutex::new(0.0) })
    }

    /// The state, for a moment.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Licenses and keys, for a moment.
    pub(crate) fn drm(&self) -> MutexGuard<'_, Drm> {
        self.drm.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps what is known of the time, where that is due.
    pub(crate) fn keep_time(&self) -> Result<(), Error> {
        let due = self.drm().time_to_keep();
        due.map_or(Ok(()), |anchor| self.state().set_anchor(anchor))
    }

    /// Unix time as the server has it.
    pub(crate) fn server_now(&self) -> f64 {
        wall() + *self.offset.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set_offset(&self, offset: f64) {
        *self.offset.lock().unwrap_or_else(PoisonError::into_inner) = offset;
    }
}

/// The client. Clones share one queue, which ends when the last is dropped.
#[derive(Clone)]
pub(crate) struct Control {
    pub(crate) shared: Arc<Shared>,
    asks: mpsc::UnboundedSender<Vec<(Ask, Asker)>>,
}

impl Control {
    /// Starts the client, and gives its task.
    pub(crate) fn start(shared: Arc<Shared>, client: reqwest::Client) -> (Self, JoinHandle<()>) {
        let (asks, asked) = mpsc::unbounded_channel();
        let driver = Driver::new(Arc::clone(&shared), client);
        (Self { shared, asks }, tokio::spawn(driver.run(asked)))
    }

    /// Sends a message with the next envelope; what waits by then goes together.
    pub(crate) fn ask(&self, ask: Ask) -> impl Future<Output = Result<ResponseMessage, Error>> + use<> {
        let [answer] = self.ask_all([ask]);
        answer
    }

    /// Sends messages that go together.
    pub(crate) fn ask_all<const N: usize>(
        &self,
        asks: [Ask; N],
    ) -> [impl Future<Output = Result<ResponseMessage, Error>> + use<N>; N] {
        let mut together = Vec::with_capacity(N);
        let answers = asks.map(|ask| {
            let (answer, answered) = oneshot::channel();
            together.push((ask, Asker::new(answer)));
            // Where the client has ended, so has the box.
            async move { answered.await.unwrap_or(Err(Error::Unreachable)) }
        });
        let _ = self.asks.send(together);
        answers
    }

    /// Asks for a code, or polls with it. A registration is kept already when it is answered.
    pub(crate) async fn activation(&self) -> Result<Activation, Error> {
        match self.ask(Ask::Activation).await? {
            ResponseMessage::ActivationCode(activation) => Ok(activation),
            _ => Err(Error::Protocol),
        }
    }
}
