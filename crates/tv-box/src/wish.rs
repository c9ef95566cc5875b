//! What a viewer, or who runs the box, wants.

use tokio::sync::mpsc;

/// What somebody wants of a running box.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// Pause, or resume.
    Pause,
    /// Leave this film for the next.
    Next,
    /// End, in order.
    Stop,
}

/// Waits for the wish to stop; other wishes mean nothing now.
pub(crate) async fn stopped(wishes: &mut mpsc::Receiver<Wish>) {
    loop {
        match wishes.recv().await {
            Some(Wish::Stop) => return,
            Some(_) => {}
            None => return std::future::pending().await,
        }
    }
}
