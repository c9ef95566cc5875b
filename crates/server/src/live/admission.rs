//! Who may send an event, whatever it is sent by.

use super::events::Event;
use crate::Service;
use crate::throttle::Throttled;
use ::live::Name;
use std::net::IpAddr;

/// Why nothing is taken of an encoder.
#[derive(Debug)]
pub(crate) enum Denied {
    /// There is no such event.
    Unknown,
    /// It gave no key.
    NoKey,
    /// It gave a wrong one.
    WrongKey,
    /// Its address gave too many wrong ones.
    Throttled(Throttled),
    /// The event is over.
    Ended,
    /// The event cannot be read.
    Failed,
}

impl Denied {
    /// For people.
    pub(crate) fn in_words(&self) -> String {
        match self {
            Self::Unknown => "There is no such event.".to_owned(),
            Self::NoKey | Self::WrongKey => "The stream key is missing or wrong.".to_owned(),
            Self::Throttled(throttled) => {
                format!("Too many wrong stream keys. Try again in {} seconds.", throttled.0)
            }
            Self::Ended => "This event has ended.".to_owned(),
            Self::Failed => "Try again later.".to_owned(),
        }
    }
}

/// The event of these names, for who has its key: one of those given.
pub(crate) fn admit(
    service: &Service,
    from: IpAddr,
    (app, event): (&Name, &Name),
    keys: &[&str],
) -> Result<Event, Denied> {
    let found = service.live.events.find(app, event).map_err(|error| {
        tracing::error!(%error, "a live event cannot be read");
        Denied::Failed
    })?;
    let event = found.ok_or(Denied::Unknown)?;
    if keys.is_empty() {
        return Err(Denied::NoKey);
    }
    // A try is counted as wrong until it was right.
    let reserved = service.throttle.stream_key(from).map_err(Denied::Throttled)?;
    if !keys.iter().fold(false, |good, key| good | event.has_key(key)) {
        tracing::warn!(app = %event.app, event = %event.name, "a wrong stream key");
        metrics::counter!("matinee_ingest_refused_total").increment(1);
        return Err(Denied::WrongKey);
    }
    service.throttle.stream_key_was_right(reserved);
    match event.known.ended {
        Some(_) => Err(Denied::Ended),
        None => Ok(event),
    }
}
