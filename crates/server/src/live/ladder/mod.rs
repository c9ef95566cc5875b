//! Ladders: further renditions that an ffmpeg makes here of what an encoder sends. It reads pictures from its
//! standard input and writes renditions to its standard output, so that neither a network nor a key is
//! between them, and it ends when this process does, however that ends.

mod ffmpeg;
mod rungs;
mod under_way;
mod worker;

pub use ffmpeg::unfit;

use super::session::Session;
use crate::Service;
use std::sync::Arc;
use worker::Worker;

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
