use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::task::{Context, Poll, Waker};

use nccp::ByteRange;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::link::Bucket;
use crate::{Count, Exchange, Fault, Kind, Link, Network, Rule};

/// What the proxy's handle and its connections share.
pub(crate) struct State {
    pub(crate) upstream: SocketAddr,
    settings: Mutex<Settings>,
    log: Mutex<Log>,
    wakers: Mutex<Vec<Waker>>,
    /// Whether the network works.
    pub(crate) network: watch::Sender<Network>,
    /// Counts the times that all connections were reset.
    pub(crate) resets: watch::Sender<u64>,
}

struct Settings {
    link: Link,
    rules: Vec<Rule>,
    down: Bucket,
    up: Bucket,
}

#[derive(Default)]
struct Log {
    exchanges: Vec<Exchange>,
    /// Exchanges that were forgotten: numbers continue.
    forgotten: usize,
    connections: u64,
}

impl State {
    pub(crate) fn new(upstream: SocketAddr) -> Self {
        Self {
            upstream,
            settings: Mutex::new(Settings {
                link: Link::default(),
                rules: Vec::new(),
                down: Bucket::new(Instant::now()),
                up: Bucket::new(Instant::now()),
            }),
            log: Mutex::default(),
            wakers: Mutex::default(),
            network: watch::Sender::new(Network::Up),
            resets: watch::Sender::new(0),
        }
    }

    pub(crate) fn link(&self) -> Link {
        lock(&self.settings).link
    }

    pub(crate) fn set_link(&self, link: Link) {
        lock(&self.settings).link = link;
    }

    pub(crate) fn add_rule(&self, rule: Rule) {
        lock(&self.settings).rules.push(rule);
    }

    pub(crate) fn clear_rules(&self) {
        lock(&self.settings).rules.clear();
    }

    /// The fault that a request gets: the first rule's that takes it.
    pub(crate) fn fault_for(&self, method: &str, path: &str, range: Option<ByteRange>) -> Option<Fault> {
        lock(&self.settings).rules.iter_mut().find_map(|rule| rule.takes(method, path, range))
    }

    /// Books octets of answers: when they are through.
    pub(crate) fn reserve_down(&self, octets: usize) -> Instant {
        let settings = &mut *lock(&self.settings);
        settings.down.reserve(Instant::now(), settings.link, octets)
    }

    /// Books octets of requests: when they are through.
    pub(crate) fn reserve_up(&self, octets: usize) -> Instant {
        let settings = &mut *lock(&self.settings);
        settings.up.reserve(Instant::now(), settings.link, octets)
    }

    pub(crate) fn set_network(&self, network: Network) {
        self.network.send_replace(network);
        lock(&self.wakers).drain(..).for_each(Waker::wake);
    }

    /// Ready unless the network is silent.
    pub(crate) fn poll_sound(&self, context: &Context<'_>) -> Poll<()> {
        if *self.network.borrow() != Network::Silent {
            return Poll::Ready(());
        }
        lock(&self.wakers).push(context.waker().clone());
        // It may have come back between the two.
        if *self.network.borrow() == Network::Silent { Poll::Pending } else { Poll::Ready(()) }
    }

    pub(crate) fn connected(&self) {
        lock(&self.log).connections += 1;
    }

    pub(crate) fn connections(&self) -> u64 {
        lock(&self.log).connections
    }

    /// Notes a request; gives its number.
    pub(crate) fn note(&self, exchange: Exchange) -> usize {
        let log = &mut *lock(&self.log);
        log.exchanges.push(exchange);
        log.forgotten + log.exchanges.len() - 1
    }

    /// Changes what is noted of a request, unless that was forgotten.
    pub(crate) fn amend(&self, number: usize, change: impl FnOnce(&mut Exchange)) {
        let log = &mut *lock(&self.log);
        let place = number.checked_sub(log.forgotten);
        if let Some(exchange) = place.and_then(|place| log.exchanges.get_mut(place)) {
            change(exchange);
        }
    }

    pub(crate) fn exchanges(&self) -> Vec<Exchange> {
        lock(&self.log).exchanges.clone()
    }

    pub(crate) fn counts(&self) -> BTreeMap<Kind, Count> {
        let mut counts = BTreeMap::<Kind, Count>::new();
        for exchange in &lock(&self.log).exchanges {
            let count = counts.entry(exchange.kind).or_default();
            count.requests += 1;
            count.octets += exchange.octets;
        }
        counts
    }

    pub(crate) fn forget(&self) {
        let log = &mut *lock(&self.log);
        log.forgotten += log.exchanges.len();
        log.exchanges.clear();
        log.connections = 0;
    }
}

/// What is behind a lock stays whole if its holder panics: every change is one step.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
