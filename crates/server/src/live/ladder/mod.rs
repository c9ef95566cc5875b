//! Ladders: further renditions that an ffmpeg makes here of what an encoder sends. It reads pictures from its
//! standard input and writes renditions to its standard output, so that neither a network nor a key is
//! between them, and it ends when this process does, however that ends.

mod ffmpeg;
mod rungs;
mod under_way;
mod worker;

pub use ffmpeg::unlisted;

use super::session::Session;
use crate::{Config, Role, Service};
use ffmpeg::unfit;
use std::sync::Arc;
use worker::Worker;

/// Why the encoder in hardware that the settings name encodes nothing, in words for the operator; `None`
/// where it does, or none is named, or no ladders are made. Encodes a picture, as the user who calls this,
/// and waits for it.
pub fn unfit_encoder(config: &Config) -> Option<String> {
    let live = &config.live;
    let is_wanted = config.has(Role::Ingest) && live.ladders > 0 && live.ladder_encoder.is_hardware();
    is_wanted.then(|| unfit(&live.ffmpeg, live.means())).flatten()
}

/// An encoder takes part in the session: where it sends one rendition of pictures, a ladder is made of it
/// from its first picture on.
pub(super) fn begin(service: &Arc<Service>, session: &Arc<Session>) {
    if !session.ladder.is_wanted() || session.has_ended() {
        return;
    }
    let (first, several) = session.read(|broadcast| {
        let mut sent = broadcast.different_pictures();
        let first = sent.next().map(|r| (r.id().to_owned(), r.source().clone()));
        (first, sent.next().is_some())
    });
    let Some((id, source)) = first else { return };
    if !session.ladder.takes_pictures(several) {
        return;
    }
    // Before the ladder is locked again: who publishes has the session first, and that then.
    session.change(|broadcast| broadcast.watch(&id));
    session.ladder.open(service, several, |wanted, received, health| {
        tokio::spawn(Worker::new(service, session, (source, wanted), received, health).run())
    });
}
