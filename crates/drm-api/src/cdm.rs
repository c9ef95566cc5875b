//! The content decryption module: license sessions, and streams of media.

use serde::{Deserialize, Serialize};

/// Number of a license session, given out by the worker.
pub type SessionId = u32;

/// Number of a decryption stream, chosen by the page: one per `SourceBuffer`.
pub type StreamId = u32;

/// What the page asks of sessions and streams.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case", rename_all_fields = "camelCase")]
#[non_exhaustive]
pub enum Request {
    /// Opens a license session. Answer: [`Reply::Session`].
    CreateSession,
    /// Makes a license challenge with a fresh RSA key. Answer: [`Reply::Challenge`].
    GenerateRequest {
        /// The session to which the license will come.
        session: SessionId,
        /// The movie, as the protocol's stream id.
        stream_id: f64,
        /// Device id of the ticket.
        device: String,
        /// Ticket that the license request goes with.
        ticket: String,
        /// DRM metadata or pssh boxes that name the keys; empty: every key that the policy grants.
        #[serde(with = "serde_bytes")]
        init_data: Vec<u8>,
        /// What the page knows of the displays.
        display: Display,
        /// Server's clock minus this clock, seconds.
        clock_offset: f64,
    },
    /// Takes a license. Answer: [`Reply::Keys`].
    Update {
        /// The session that asked for it.
        session: SessionId,
        /// The license's COSE octets.
        #[serde(with = "serde_bytes")]
        license: Vec<u8>,
    },
    /// Takes the license that this device keeps for a movie (a policy with `persistent`), without asking
    /// anybody. Answer: [`Reply::Keys`]; an error when there is none that still holds, and then it is gone.
    Load {
        /// The session that takes it.
        session: SessionId,
        /// The movie, as the protocol's stream id.
        stream_id: f64,
        /// Device id of the registration: a license of another one's is of no use any more.
        device: String,
        /// What the page knows of the displays.
        display: Display,
    },
    /// Takes the license that lies in DRM metadata, without asking anybody. Answer: [`Reply::Keys`]; an error
    /// when there is none, or it has ended, or is not for this device, player or these displays: then a
    /// license may be asked for.
    OpenEmbedded {
        /// The session that takes it.
        session: SessionId,
        /// The metadata's COSE octets.
        #[serde(with = "serde_bytes")]
        metadata: Vec<u8>,
        /// What the page knows of the displays.
        display: Display,
    },
    /// Forgets the licenses that this device keeps, of one movie or of all. Answer: [`Reply::Done`].
    Forget {
        /// The movie; `None`: all.
        stream_id: Option<f64>,
    },
    /// Closes a session and zeroizes its keys. Answer: [`Reply::Done`].
    CloseSession {
        /// The session.
        session: SessionId,
    },
    /// The displays have changed. [`Event::Keys`](crate::Event::Keys) says for every session with a license
    /// what its keys are good for now; streams that wait for that continue. Answer: [`Reply::Done`].
    Display {
        /// What the page knows of them now.
        display: Display,
    },
    /// Takes an init segment (`bytes`) for a stream, replacing an earlier one. Answer: [`Reply::Init`] with
    /// the clear one, but where the stream has a source buffer in the worker ([`crate::source`]).
    PrepareInit {
        /// The stream.
        stream: StreamId,
    },
    /// Takes the next bytes (`bytes`, any chunking) of a segment of a stream. All messages of a segment have
    /// one id; another id begins another segment, and the one before, if unfinished, is answered with
    /// [`DrmError::Aborted`](crate::DrmError::Aborted).
    ///
    /// Answers: [`Reply::Fragment`] for each clear fragment as it completes, but where the stream has a
    /// source buffer in the worker ([`crate::source`]), which takes them; while a key is missing fragments
    /// are held, and [`Reply::NeedKey`] says so; after the last one [`Reply::Done`]. An error ends it, too:
    /// what still comes of the segment is passed over.
    Push {
        /// The stream.
        stream: StreamId,
        /// In a segment's first message: it is encrypted whole, whatever is in it.
        whole: Option<Whole>,
        /// These are the segment's last bytes.
        last: bool,
    },
    /// Drops what a stream holds of unfinished segments, after a seek or an abort; its init segment stays.
    /// What is pending is answered with [`DrmError::Aborted`](crate::DrmError::Aborted). Answer:
    /// [`Reply::Done`].
    Drop {
        /// The stream.
        stream: StreamId,
    },
    /// Ends a stream. Answer: [`Reply::Done`].
    CloseStream {
        /// The stream.
        stream: StreamId,
    },
}

/// A segment that is encrypted whole: AES-128-CBC with PKCS #7 padding, HLS's `AES-128` (RFC 8216 §4.3.2.4).
/// It needs no init segment, and comes clear as one fragment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Whole {
    /// Its key's KID, hex.
    pub kid: String,
    /// Its IV, 32 hexadecimal digits (without a playlist's `0x`).
    pub iv: String,
}

/// What the page knows of the displays that the window may be on (workers have no `screen`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Display {
    /// `screen.isExtended` is not there.
    #[default]
    Unknown,
    /// One display.
    Single,
    /// More than one.
    Extended,
}

/// What sessions and streams answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "camelCase")]
#[non_exhaustive]
pub enum Reply {
    /// A new session.
    Session {
        /// Its number.
        session: SessionId,
    },
    /// A license challenge.
    Challenge {
        /// Its COSE octets.
        #[serde(with = "serde_bytes")]
        challenge: Vec<u8>,
        /// Where it is to be sent, where DRM metadata says so; else with the controller's next envelope.
        license_url: Option<String>,
    },
    /// The keys that a session now has.
    Keys {
        /// Each KID's state.
        keys: Vec<KeyState>,
        /// When the license ends, Unix seconds.
        expiration: Option<f64>,
        /// Highest picture height that the policy allows.
        max_height: Option<u32>,
        /// When to ask for a new license, Unix seconds.
        renew_after: Option<f64>,
        /// Playback that has started ends with the license, too.
        continuous: bool,
        /// This device keeps the license: [`Request::Load`] finds it.
        persistent: bool,
    },
    /// A clear init segment (`bytes`) and what it said.
    Init {
        /// KIDs (hex) of the protected tracks; empty for clear media.
        kids: Vec<String>,
        /// Its pssh boxes, whole.
        #[serde(with = "serde_bytes")]
        init_data: Vec<u8>,
    },
    /// A clear fragment (`bytes`: whole `moof` and `mdat` boxes, or a segment that was encrypted
    /// [whole](Whole)) of a segment, in order. More follows.
    Fragment,
    /// A segment's fragments are held, for no session has these keys. More follows.
    NeedKey {
        /// The KIDs, hex.
        kids: Vec<String>,
    },
    /// Done; nothing to say.
    Done,
}

/// A KID and what it is good for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyState {
    /// Hex.
    pub kid: String,
    /// May it decrypt now?
    pub status: KeyStatus,
}

/// State of a key, in EME's terms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum KeyStatus {
    /// Decrypts.
    Usable,
    /// Its license has ended.
    Expired,
    /// The displays do not allow it now.
    OutputRestricted,
}
