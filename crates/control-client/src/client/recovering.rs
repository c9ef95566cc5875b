//! What becomes of messages that were refused.

use nccp::{ErrorCode, ResponseMessage};

use super::{Client, Item};
use crate::{
    envelope::Lane,
    error::Error,
    event::Command,
    recovery::{Step, Tried},
};

impl<E: Clone> Client<E> {
    /// What the next envelope needs, and this step was to bring, cannot be had: everybody who waits for one
    /// is told, or something else is tried.
    pub(super) fn recover_waiting(&mut self, step: Step, error: &Error<E>) {
        let mut items = self.queue.take(Item::needs_registration);
        items.iter_mut().for_each(|item| item.tried.note(step));
        self.recover_all(items, error);
    }

    /// Nothing of an envelope ran: its messages are sent again after what the error table says, or told. A
    /// service that is busy or silent is left alone by all.
    pub(super) fn recover_all(&mut self, items: Vec<Item>, error: &Error<E>) {
        self.notice(error);
        let random = self.rng.f64();
        let mut pause = None;
        for mut item in items {
            match self.next_step(&mut item, error, None) {
                None => self.answer(&item, Err(error.clone())),
                Some(step) => {
                    if step == Step::Wait {
                        pause = pause.max(Some(item.tried.pause(random)));
                    }
                    self.queue.push(item);
                }
            }
        }
        if let Some(time) = pause {
            let task = self.task();
            self.lane = Lane::Held(task);
            self.commands.push(Command::Wait { task, time });
        }
    }

    /// A message has its answer, or is sent again after what the error table says. One that has to wait holds
    /// up nothing else. `ticket` is the one that it went with.
    pub(super) fn settle(
        &mut self,
        mut item: Item,
        answer: Result<ResponseMessage, Error<E>>,
        ticket: Option<&str>,
    ) {
        let error = match answer {
            Err(error) => error,
            answer => return self.answer(&item, answer),
        };
        self.notice(&error);
        let step = if item.gone { None } else { self.next_step(&mut item, &error, ticket) };
        match step {
            None => self.answer(&item, Err(error)),
            Some(Step::Wait) => {
                let (task, time) = (self.task(), item.tried.pause(self.rng.f64()));
                self.waiting.push((task, item));
                self.commands.push(Command::Wait { task, time });
            }
            Some(_) => self.queue.push(item),
        }
    }

    /// Whether the controller has to be asked instead: the license server does not know the ticket (of a box
    /// with a controller of its own, for one), or has been silent for long.
    pub(super) fn license_server_is_no_use(&self, item: &mut Item, error: &Error<E>) -> bool {
        let silent = matches!(error, Error::Unreachable) && item.tried.is_tired();
        let useless = silent || error.code() == Some(ErrorCode::NotAuthentic);
        if !useless || item.gone || !item.ask_for_all_keys() {
            return false;
        }
        item.tried = Tried::default();
        true
    }

    /// What to do about an error before the message is sent again; `None`: nothing is left.
    fn next_step(&self, item: &mut Item, error: &Error<E>, ticket: Option<&str>) -> Option<Step> {
        let steps = match error {
            Error::Refused(error) => self.kind.recoveries.steps(error),
            Error::Unreachable => &[Step::Wait],
            _ => &[],
        };
        let step = item.tried.next(steps, item.needs_registration())?;
        let now = self.registration.as_ref().map(|registration| registration.ticket.as_str());
        // The ticket that was refused may have been replaced meanwhile.
        let replaced = ticket.is_some() && now.is_some() && now != ticket;
        let done = match step {
            Step::Renew | Step::Register => replaced,
            Step::Reidentify | Step::Individualize => false,
            Step::AdoptTime | Step::Again | Step::Wait => true,
        };
        if !done {
            item.needs.push(step);
        }
        Some(step)
    }

    /// An account's licenses go with its device.
    fn notice(&mut self, error: &Error<E>) {
        if matches!(error.code(), Some(ErrorCode::DeviceUnknown | ErrorCode::RenewOtherCustomer)) {
            self.commands.push(Command::ForgetLicenses);
        }
    }
}
