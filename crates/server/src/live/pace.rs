//! How fast an encoder may send.

use std::time::Duration;
use tokio::time::Instant;

/// Octets a second that one request or connection may send on average, and in advance of that.
const RATE: f64 = 25e6;
const BURST: f64 = 64e6;

/// Who sends faster than anybody needs waits.
pub(crate) struct Pace {
    left: f64,
    at: Instant,
}

impl Pace {
    pub(crate) fn new() -> Self {
        Self { left: BURST, at: Instant::now() }
    }

    pub(crate) async fn wait(&mut self, octets: usize) {
        let now = Instant::now();
        self.left = (self.left + RATE * now.duration_since(self.at).as_secs_f64()).min(BURST) - octets as f64;
        self.at = now;
        if self.left < 0.0 {
            tokio::time::sleep(Duration::from_secs_f64(-self.left / RATE)).await;
        }
    }
}
