//! What a CDN is told with a request, where it asks for that.

use std::time::Duration;

/// What a CDN is told with a request, where it asks for that ([`Cdn::client_data`](crate::model::Cdn)), in
/// the engine's own units; `playback::cmcd` writes it as the standard has it (CTA-5004). It says how this one
/// download is needed, and nothing of who needs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientData {
    /// Bit/s of the representation that is asked for.
    pub bandwidth: u64,
    /// Bit/s of the highest representation that may be played now.
    pub top: u64,
    /// How long the segment plays; `None` of a head alone, and of a first segment whose index is not known.
    pub length: Option<Duration>,
    /// How much of the track is there ahead of the playhead.
    pub ahead: Duration,
    /// The time in which that is played; `None` while nothing plays, and of a head alone.
    pub deadline: Option<Duration>,
    /// Measured throughput in bit/s.
    pub throughput: Option<u64>,
    /// The viewer waits: it starts, was sought in, or ran dry.
    pub urgent: bool,
    /// The track ran dry since its last request.
    pub starved: bool,
    /// The film grows while it plays.
    pub live: bool,
}
