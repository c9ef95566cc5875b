use serde::{Deserialize, Serialize};

use crate::{SegmentId, SessionId, StreamId};

/// What the page asks of the worker.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case", rename_all_fields = "camelCase")]
#[non_exhaustive]
pub enum Request {
    /// Loads this profile's device identity for an account, making and individualizing one where there is
    /// none or its certificate has run out. Answer: [`Reply::Identity`](crate::Reply::Identity).
    Open {
        /// `account` of `/api/library`: keys the identity.
        account: String,
        /// SHA-256 of the app's wasm, hex; empty when unknown. Goes into challenges.
        release: String,
    },
    /// Individualizes again with the same device keys, after the server refused the certificate.
    /// Answer: [`Reply::Identity`](crate::Reply::Identity).
    Individualize,
    /// Forgets this account's device keys and makes new ones: a new device. Answer:
    /// [`Reply::Identity`](crate::Reply::Identity).
    ResetIdentity,
    /// Seals control messages: gives the next sequence number, writes the envelope, signs it.
    /// Answer: [`Reply::Sealed`](crate::Reply::Sealed).
    Seal {
        /// Device id, once there is one.
        device: Option<String>,
        /// Ticket that the envelope goes with.
        ticket: Option<String>,
        /// The message elements, as XML with the prefix `nccp`.
        messages: String,
        /// Server's clock minus this clock, seconds.
        clock_offset: f64,
    },
    /// Opens a license session. Answer: [`Reply::Session`](crate::Reply::Session).
    CreateSession,
    /// Makes a license challenge with a fresh RSA key. Answer: [`Reply::Challenge`](crate::Reply::Challenge).
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
        init_data: Vec<u8>,
        /// What the page knows of the displays.
        display: Display,
        /// Server's clock minus this clock, seconds.
        clock_offset: f64,
    },
    /// Takes a license. Answer: [`Reply::Keys`](crate::Reply::Keys).
    Update {
        /// The session that asked for it.
        session: SessionId,
        /// base64 of the license's COSE octets, as in the `license` message.
        license: String,
    },
    /// Takes the license that this device keeps for a movie (a policy with `persistent`), without asking
    /// anybody. Answer: [`Reply::Keys`](crate::Reply::Keys); an error when there is none that still holds,
    /// and then it is gone.
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
    /// Forgets the licenses that this device keeps, of one movie or of all. Answer:
    /// [`Reply::Done`](crate::Reply::Done).
    Forget {
        /// The movie; `None`: all.
        stream_id: Option<f64>,
    },
    /// The displays have changed. [`Event::Keys`](crate::Event::Keys) says for every session with a license
    /// what its keys are good for now; streams that wait for that continue. Answer:
    /// [`Reply::Done`](crate::Reply::Done).
    Display {
        /// What the page knows of them now.
        display: Display,
    },
    /// Takes a domain's private key, as a registration brought it; the license of films whose license comes
    /// along needs it. Answer: [`Reply::Done`](crate::Reply::Done).
    KeepDomainKey {
        /// Device id of the registration.
        device: String,
        /// The domain.
        domain: String,
        /// The epoch.
        epoch: f64,
        /// base64 of the sealed key.
        key: String,
    },
    /// Opens the license that lies in DRM metadata, without asking anybody. Answer:
    /// [`Reply::Keys`](crate::Reply::Keys); an error when there is none, or it has ended, or is not for this
    /// device, player or these displays: then a license may be asked for.
    OpenEmbedded {
        /// The session that takes it.
        session: SessionId,
        /// base64 of the metadata's COSE octets.
        metadata: String,
        /// What the page knows of the displays.
        display: Display,
    },
    /// Closes a session and zeroizes its keys. Answer: [`Reply::Done`](crate::Reply::Done).
    CloseSession {
        /// The session.
        session: SessionId,
    },
    /// Takes an init segment (`bytes`) for a stream, replacing an earlier one. Answer:
    /// [`Reply::Init`](crate::Reply::Init) with the clear one.
    PrepareInit {
        /// The stream.
        stream: StreamId,
    },
    /// Takes the next bytes (`bytes`, any chunking) of a segment of a stream. Clear fragments come as
    /// [`Event::Fragment`](crate::Event::Fragment) as they complete; while a key is missing they are held and
    /// [`Event::NeedKey`](crate::Event::NeedKey) says so. Answer: [`Reply::Done`](crate::Reply::Done), with
    /// `last` only after the segment's last fragment has gone out.
    Push {
        /// The stream.
        stream: StreamId,
        /// The segment that the bytes belong to; another number than before starts a segment afresh.
        segment: SegmentId,
        /// These are the segment's last bytes.
        last: bool,
    },
    /// Begins a segment that is encrypted whole, whatever is in it: AES-128-CBC with PKCS #7 padding, HLS's
    /// `AES-128` (RFC 8216 §4.3.2.4). Its [`Push`](Self::Push)es follow; it needs no init segment, and comes
    /// clear, whole, as one [`Event::Fragment`](crate::Event::Fragment), for which a missing key is waited as
    /// ever. Segments without this are not encrypted whole. Answer: [`Reply::Done`](crate::Reply::Done).
    Whole {
        /// The stream.
        stream: StreamId,
        /// The segment, afresh even if it has begun.
        segment: SegmentId,
        /// Its key's KID, hex.
        kid: String,
        /// Its IV, 32 hexadecimal digits (without a playlist's `0x`).
        iv: String,
    },
    /// Drops what a stream holds of unfinished segments, after a seek or an abort; its init segment stays.
    /// Pending pushes are answered with [`DrmError::Aborted`](crate::DrmError::Aborted). Answer:
    /// [`Reply::Done`](crate::Reply::Done).
    Drop {
        /// The stream.
        stream: StreamId,
    },
    /// Ends a stream. Answer: [`Reply::Done`](crate::Reply::Done).
    CloseStream {
        /// The stream.
        stream: StreamId,
    },
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
