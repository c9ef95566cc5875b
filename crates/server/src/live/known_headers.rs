//! Headers of tracks, for encoders that send each segment in a request of its own.

use super::events::Event;
use ::live::{Header, Name, header_of};
use std::collections::HashMap;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;

/// How long a segment waits for its header.
const OVERTAKEN: Duration = Duration::from_secs(3);
/// Headers that are kept for segments that come in requests of their own.
const MAX_HEADERS: usize = 4096;
/// Of one event.
const MAX_HEADERS_OF_EVENT: usize = 64;

/// Headers by event and track, for segments that come in requests of their own.
#[derive(Debug, Default)]
pub(crate) struct KnownHeaders {
    known: Mutex<HashMap<(Name, Name, String), Arc<Header>>>,
    /// There is another one.
    news: Notify,
}

impl KnownHeaders {
    pub(crate) fn keep(&self, event: &Event, track: &str, header: &Arc<Header>) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let name = (event.app.clone(), event.name.clone(), track.to_owned());
        let of_event =
            known.keys().filter(|(app, other, _)| *app == event.app && *other == event.name).count();
        if known.contains_key(&name) || (known.len() < MAX_HEADERS && of_event < MAX_HEADERS_OF_EVENT) {
            known.insert(name, Arc::clone(header));
        }
        drop(known);
        self.news.notify_waiters();
    }

    /// As [`KnownHeaders::find`], where the request with the header may still be on its way: encoders that
    /// wait for no answer send the first segment at once, and it can overtake.
    pub(crate) async fn find_soon(&self, event: &Event, track: &str) -> Option<(String, Arc<Header>)> {
        let found = async {
            loop {
                let mut news = pin!(self.news.notified());
                news.as_mut().enable();
                match self.find(event, track) {
                    Some(found) => break found,
                    None => news.await,
                }
            }
        };
        tokio::time::timeout(OVERTAKEN, found).await.ok()
    }

    /// The event is over.
    pub(crate) fn forget(&self, event: &Event) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|(app, name, _), _| *app != event.app || *name != event.name);
    }

    /// The header that a segment of this name belongs to, with the name that it was sent under.
    pub(crate) fn find(&self, event: &Event, track: &str) -> Option<(String, Arc<Header>)> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let own = known.iter().filter(|((app, name, _), _)| *app == event.app && *name == event.name);
        let names: Vec<&str> = own.map(|((_, _, name), _)| name.as_str()).collect();
        let name = header_of(&names, track)?.to_owned();
        let header = known.get(&(event.app.clone(), event.name.clone(), name.clone()))?;
        Some((name, Arc::clone(header)))
    }
}
