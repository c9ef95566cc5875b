//! What one request or connection of an encoder sends, into the session of its event.

use super::events::Event;
use super::ladder;
use super::session::{Closed, Session};
use crate::{Error, Service};
use ::live::{Handle, InputSample, OpenError, Source};
use std::sync::Arc;

/// Why an encoder's tracks are not taken.
#[derive(Debug)]
pub(crate) enum FeedError {
    /// A track cannot be added.
    Open(OpenError),
    /// The operator has ended the event.
    Ended,
    /// A session cannot begin.
    Failed(Error),
}

/// An encoder's part in the event's session. It is left when this is dropped.
pub(crate) struct Feed<'a> {
    service: &'a Arc<Service>,
    event: &'a Event,
    session: Option<Arc<Session>>,
    handles: Vec<(u32, Handle)>,
}

impl<'a> Feed<'a> {
    pub(crate) const fn new(service: &'a Arc<Service>, event: &'a Event) -> Self {
        Self { service, event, session: None, handles: Vec::new() }
    }

    /// Takes part in the event's session with those of the tracks that do not yet, or in a new one where the
    /// tracks are others than those of the one that there is. `name` is what the encoder calls them by.
    pub(crate) async fn enter(&mut self, name: &str, sources: &[Source]) -> Result<(), FeedError> {
        for again in [true, false] {
            let event = self.service.live.events.find(&self.event.app, &self.event.name);
            if event.map_err(FeedError::Failed)?.is_none_or(|event| event.known.ended.is_some()) {
                return Err(FeedError::Ended);
            }
            let session = self.service.live.take_in(self.service, self.event).await;
            let session = session.map_err(FeedError::Failed)?;
            if self.session.as_ref().is_some_and(|before| !Arc::ptr_eq(before, &session)) {
                self.leave();
            }
            // From here on, what was opened is closed in any case.
            self.session = Some(Arc::clone(&session));
            let mut changed = false;
            for source in sources {
                if self.handles.iter().any(|(id, _)| *id == source.track_id) {
                    continue;
                }
                match session.open(self.service, name, source).await {
                    Ok(handle) => self.handles.push((source.track_id, handle)),
                    Err(OpenError::Changed) if again => changed = true,
                    Err(error) => return Err(FeedError::Open(error)),
                }
            }
            if !changed {
                ladder::begin(self.service, &session);
                return Ok(());
            }
            tracing::info!(event = %self.event.name, "the encoder sends something else: a new session");
            self.leave();
            session.finish(self.service.clock.millis()).await;
        }
        Ok(())
    }

    /// Samples of a track; those of a session that has ended begin the next one.
    pub(crate) async fn push(
        &mut self,
        name: &str,
        sources: &[Source],
        track: u32,
        samples: Vec<InputSample>,
    ) -> Result<(), FeedError> {
        if self.session.as_ref().is_none_or(|session| session.has_ended()) {
            self.leave();
            self.enter(name, sources).await?;
        }
        let handle = self.handles.iter().find(|(id, _)| *id == track).map(|(_, handle)| *handle);
        let (Some(session), Some(handle)) = (&self.session, handle) else { return Ok(()) };
        // One that ended meanwhile is left with the next samples.
        if let Err(Closed) = session.push(self.service, handle, samples).await {
            self.leave();
        }
        Ok(())
    }

    /// Nothing more comes of these tracks.
    pub(crate) fn leave(&mut self) {
        if let Some(session) = self.session.take() {
            self.handles.drain(..).for_each(|(_, handle)| session.close(handle));
        }
        self.handles.clear();
    }
}

impl Drop for Feed<'_> {
    fn drop(&mut self) {
        self.leave();
    }
}
