//! The state machine: what there is to do next.

mod recovering;
mod sending;

use std::time::Duration;

use nccp::{Registration, RequestMessage, ResponseMessage, ShownGrant};

use crate::{
    envelope::{Holds, Lane, Served},
    error::Error,
    event::{Ask, AskId, Command, Event, Identity, TaskId},
    item::{Item, Queue},
    kind::{Kind, Registering},
    recovery::Step,
};

/// What a client is made with.
#[derive(Clone, Debug)]
pub struct Config {
    /// What kind of device it speaks for.
    pub kind: Kind,
    /// Which device.
    pub identity: Identity,
    /// The registration that was kept. Domain keys are not looked at.
    pub registration: Option<Registration>,
    /// Seed of the jitter.
    pub seed: u64,
}

/// The client of the controller. See the [crate] documentation.
#[derive(Debug)]
pub struct Client<E> {
    kind: Kind,
    rng: fastrand::Rng,
    identity: Identity,
    registration: Option<Registration>,
    grant: Option<ShownGrant>,
    // The ticket is the last envelope's own: if it has ended nevertheless, only the controller can say so.
    fresh: bool,
    // Server's clock minus this device's, in seconds.
    offset: f64,
    queue: Queue,
    lane: Lane,
    // Challenges at license servers.
    served: Vec<Served>,
    // Messages that wait, each for itself, before they are sent again.
    waiting: Vec<(TaskId, Item)>,
    tasks: u64,
    commands: Vec<Command<E>>,
}

impl<E: Clone> Client<E> {
    /// A client that waits to be asked.
    pub fn new(config: Config) -> Self {
        let Config { kind, identity, registration, seed } = config;
        Self {
            kind,
            rng: fastrand::Rng::with_seed(seed),
            identity,
            registration: registration.map(without_keys),
            grant: None,
            fresh: false,
            offset: 0.0,
            queue: Queue::default(),
            lane: Lane::Free,
            served: Vec::new(),
            waiting: Vec::new(),
            tasks: 0,
            commands: Vec::new(),
        }
    }

    /// Takes one event and says what to do, in order. `now` is this device's clock, since the Unix epoch; it
    /// may be wrong, and may jump.
    pub fn handle(&mut self, now: Duration, event: Event<E>) -> Vec<Command<E>> {
        match event {
            Event::Asked(asks) => asks.into_iter().for_each(|(id, ask)| self.queue.push(Item::new(id, ask))),
            Event::Gone { ask } => self.gone(ask),
            Event::Sealed { task, sealed } => self.sealed(task, sealed),
            Event::Posted { task, answer } => self.posted(now, task, answer),
            Event::Challenged { task, challenge } => self.challenged(now, task, challenge),
            Event::Licensed { task, license } => self.licensed(task, license),
            Event::Loaded { task, registration } => self.loaded(task, registration),
            Event::Identified { task, identity } => self.identified(task, identity),
            Event::Waited { task } => self.waited(task),
        }
        self.pump(now);
        std::mem::take(&mut self.commands)
    }

    /// Shows this grant when it registers from now on, in place of cookies.
    pub fn show(&mut self, grant: ShownGrant) {
        self.grant = Some(grant);
    }

    /// The registration in use, without its domain keys.
    pub fn registration(&self) -> Option<&Registration> {
        self.registration.as_ref()
    }

    /// Server's clock minus this device's, in seconds, as the last answer told it; 0 where they agree.
    pub fn clock_offset(&self) -> f64 {
        self.offset
    }

    /// Unix time as the server has it.
    fn server_now(&self, now: Duration) -> f64 {
        now.as_secs_f64() + self.offset
    }

    fn task(&mut self) -> TaskId {
        self.tasks += 1;
        TaskId(self.tasks)
    }

    /// Does what is due next, as long as nothing is under way.
    fn pump(&mut self, now: Duration) {
        while matches!(self.lane, Lane::Free) && !self.queue.is_empty() {
            let codes = self.queue.take(|item| !item.needs_registration());
            if !codes.is_empty() {
                self.ask_for_code(codes);
            } else if self.prepare(now) {
                self.compose(now);
            }
        }
    }

    /// Sees to what the next envelope needs. `true`: nothing more.
    fn prepare(&mut self, now: Duration) -> bool {
        let registration = self.registration.clone().filter(|_| !self.queue.needs(Step::Register));
        if self.queue.needs(Step::Reidentify) {
            self.identify(Step::Reidentify);
        } else if self.queue.needs(Step::Individualize) {
            self.identify(Step::Individualize);
        } else if let Some(registration) = registration {
            let over = !self.fresh && registration.expiration as f64 <= self.server_now(now);
            if !over && !self.queue.needs(Step::Renew) {
                return true;
            }
            let message = renewal(&registration);
            self.seal(Holds::Renewal, vec![message], Some(registration));
        } else {
            self.replace_registration();
        }
        false
    }

    fn identify(&mut self, step: Step) {
        let task = self.task();
        self.lane = Lane::Identifying(task, step);
        self.commands.push(match step {
            Step::Reidentify => Command::Reidentify { task },
            _ => Command::Individualize { task },
        });
    }

    fn replace_registration(&mut self) {
        match self.kind.registering {
            Registering::ByCookies { .. } => {
                let task = self.task();
                self.lane = Lane::Loading(task);
                self.commands.push(Command::LoadRegistration { task });
            }
            Registering::ByCode => {
                if self.registration.take().is_some() {
                    self.commands.push(Command::ForgetRegistration);
                }
                for item in self.queue.take(Item::needs_registration) {
                    self.answer(&item, Err(Error::NotActivated));
                }
            }
        }
    }

    /// There is a good ticket from now on.
    fn keep(&mut self, registration: Registration) {
        self.commands.push(Command::KeepRegistration(registration.clone()));
        self.registration = Some(without_keys(registration));
        self.fresh = true;
        self.queue.fulfil(&[Step::Renew, Step::Register]);
    }

    fn loaded(&mut self, task: TaskId, found: Option<Registration>) {
        if !matches!(self.lane, Lane::Loading(at) if at == task) {
            return;
        }
        self.lane = Lane::Free;
        let ticket = self.registration.as_ref().map(|registration| &registration.ticket);
        match found.filter(|found| ticket != Some(&found.ticket)) {
            Some(newer) => {
                self.registration = Some(without_keys(newer));
                self.fresh = false;
                self.queue.fulfil(&[Step::Renew, Step::Register]);
            }
            None => self.register(),
        }
    }

    fn identified(&mut self, task: TaskId, identity: Result<Identity, Error<E>>) {
        let step = match self.lane {
            Lane::Identifying(at, step) if at == task => step,
            _ => return,
        };
        self.lane = Lane::Free;
        match identity {
            Ok(identity) => {
                if identity.id != self.identity.id {
                    self.registration = None;
                }
                self.identity = identity;
                self.queue.fulfil(&[step]);
            }
            Err(error) => self.recover_waiting(step, &error),
        }
    }

    fn waited(&mut self, task: TaskId) {
        if matches!(self.lane, Lane::Held(at) if at == task) {
            self.lane = Lane::Free;
        }
        if let Some(at) = self.waiting.iter().position(|(of, _)| *of == task) {
            let (_, item) = self.waiting.swap_remove(at);
            self.queue.push(item);
        }
    }

    fn gone(&mut self, ask: AskId) {
        let under_way = self.lane.items_mut().into_iter();
        let served = self.served.iter_mut().map(|served| &mut served.item);
        let waiting = self.waiting.iter_mut().map(|(_, item)| item);
        let all = self.queue.iter_mut().chain(under_way).chain(served).chain(waiting);
        all.filter(|item| item.id == ask).for_each(|item| item.gone = true);
    }

    fn answer(&mut self, item: &Item, answer: Result<ResponseMessage, Error<E>>) {
        self.commands.push(Command::Answer { ask: item.id, answer });
    }
}

fn renewal(registration: &Registration) -> RequestMessage {
    RequestMessage::AuthenticationRenewal { device_id: registration.device_id.clone() }
}

/// Domain keys are the driver's to keep.
fn without_keys(registration: Registration) -> Registration {
    Registration { domain_keys: Vec::new(), ..registration }
}
