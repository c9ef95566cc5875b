//! Messages on their way.

use std::collections::VecDeque;

use nccp::MovieId;

use crate::{
    event::{Ask, AskId},
    recovery::{Step, Tried},
};

/// Most messages of one envelope, with room for a renewal: an envelope takes 16.
const MOST_MESSAGES: usize = 15;

/// A message that somebody waits for.
#[derive(Debug)]
pub(crate) struct Item {
    pub(crate) id: AskId,
    pub(crate) ask: Ask,
    pub(crate) tried: Tried,
    /// What has to be done before it is sent again.
    pub(crate) needs: Vec<Step>,
    /// Nobody waits for it any more.
    pub(crate) gone: bool,
}

impl Item {
    pub(crate) fn new(id: AskId, ask: Ask) -> Self {
        Self { id, ask, tried: Tried::default(), needs: Vec::new(), gone: false }
    }

    /// All but codes are asked for with a ticket.
    pub(crate) fn needs_registration(&self) -> bool {
        !matches!(self.ask, Ask::Activation)
    }

    /// The film, and the DRM metadata that names its keys.
    pub(crate) fn license(&self) -> Option<(MovieId, &[u8])> {
        match &self.ask {
            Ask::License { movie, metadata } => Some((*movie, metadata)),
            _ => None,
        }
    }

    /// Forgets the DRM metadata of a license: it is every key of the film then, from the controller. `false`:
    /// there was none.
    pub(crate) fn ask_for_all_keys(&mut self) -> bool {
        match &mut self.ask {
            Ask::License { metadata, .. } if !metadata.is_empty() => {
                metadata.clear();
                true
            }
            _ => false,
        }
    }
}

/// What waits to be sent.
#[derive(Debug, Default)]
pub(crate) struct Queue(VecDeque<Item>);

impl Queue {
    pub(crate) fn push(&mut self, item: Item) {
        self.0.push_back(item);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Item> {
        self.0.iter_mut()
    }

    /// Whether a message has to have this done before it is sent.
    pub(crate) fn needs(&self, step: Step) -> bool {
        self.0.iter().any(|item| item.needs.contains(&step))
    }

    /// This was done.
    pub(crate) fn fulfil(&mut self, steps: &[Step]) {
        for item in &mut self.0 {
            item.needs.retain(|need| !steps.contains(need));
        }
    }

    /// Takes out what is of this kind, in its order.
    pub(crate) fn take(&mut self, wanted: impl Fn(&Item) -> bool) -> Vec<Item> {
        let (taken, left) = self.0.drain(..).partition(wanted);
        self.0 = left;
        Vec::from(taken)
    }

    /// Takes out the next envelope's messages: licenses first.
    pub(crate) fn take_batch(&mut self) -> Vec<Item> {
        self.0.make_contiguous().sort_by_key(|item| item.license().is_none());
        self.0.drain(..self.0.len().min(MOST_MESSAGES)).collect()
    }
}
