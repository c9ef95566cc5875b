//! What is said over a persistent connection (docs/protocol.md, section 8): text messages as JSON, and the
//! head of each binary one.

use crate::Error;
use crate::value::{base64_decode, base64_encode};
use serde::{Deserialize, Serialize};

/// The subprotocol that client and server agree on.
pub const SUBPROTOCOL: &str = "matinee-stream.1";

/// Octets of a client's message, at most.
pub const MAX_ASK: usize = 4096;

/// Octets of segments that may be sent before the first [`Ask::Credit`].
pub const FIRST_CREDIT: u64 = 1 << 20;

/// Octets that may be granted and not yet sent; what is granted beyond is lost.
pub const MAX_CREDIT: u64 = 1 << 30;

/// What a client asks for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "do")]
pub enum Ask {
    /// To begin, or to go on after a pause.
    Play {
        /// Where, in seconds; without it at the beginning, or where it paused.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        at: Option<f64>,
        /// Which pictures.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        video: Option<String>,
        /// Which sound.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        audio: Option<String>,
    },
    /// To go on elsewhere.
    Seek {
        /// Where, in seconds.
        at: f64,
        /// The one track that goes there, which loses what it was granted; without it all do.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        track: Option<TrackKind>,
    },
    /// To send other representations from the next segments on.
    Switch {
        /// Which pictures.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        video: Option<String>,
        /// Which sound.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        audio: Option<String>,
    },
    /// To send nothing until it asks for it.
    Pause,
    /// To send so many octets of segments more.
    Credit {
        /// How many.
        bytes: u64,
        /// The one track that they are for. From the first grant of this form on, no track has anything but
        /// what it is granted, and tracks come side by side.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        track: Option<TrackKind>,
    },
    /// What stands in front of a representation's first segment.
    Head {
        /// Which representation.
        rep: String,
    },
}

/// A track. Its number stands in binary messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TrackKind {
    /// Pictures: 0.
    Video,
    /// Sound: 1.
    Audio,
}

impl TrackKind {
    /// Its number.
    pub const fn number(self) -> u32 {
        match self {
            Self::Video => 0,
            Self::Audio => 1,
        }
    }
}

/// What a server says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "is")]
pub enum Told {
    /// DRM metadata of the playback that begins.
    Metadata {
        /// Its octets (COSE) in base64.
        data: String,
        /// The policy that it names.
        policy: String,
    },
    /// A segment follows, in binary messages.
    Segment {
        /// Of which track.
        track: TrackKind,
        /// Of which representation.
        rep: String,
        /// The same representation by its name in the manifest.
        file: String,
        /// Its number in that, from 0.
        number: u32,
        /// Where it begins in the representation's file: its first octet.
        place: u64,
        /// Its presentation time in seconds.
        start: f64,
        /// Its octets.
        bytes: u64,
        /// How many plays and seeks to a place were followed so far.
        turn: u32,
        /// `ftyp` and `moov` in base64, where the track had another representation before, or none, and its
        /// head was not sent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        init: Option<String>,
    },
    /// The answer to [`Ask::Head`].
    Head {
        /// The representation, by its name in the manifest.
        file: String,
        /// `ftyp`, `moov` and `sidx` in base64 ([`from_base64`]).
        data: String,
    },
    /// The film has been sent to its end.
    End {
        /// As of a segment.
        turn: u32,
    },
    /// The last message before the connection is closed.
    Error {
        /// An error code of the control protocol.
        code: String,
        /// Words for people.
        message: String,
    },
}

/// Octets as text messages have them.
pub fn to_base64(octets: &[u8]) -> String {
    base64_encode(octets)
}

/// The octets that a text message has as text.
///
/// # Errors
/// It is no base64.
pub fn from_base64(text: &str) -> Result<Vec<u8>, Error> {
    base64_decode(text, "data")
}

/// The head of a binary message; octets of the segment follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece {
    /// [`TrackKind::number`].
    pub track: u32,
    /// The segment's number.
    pub number: u32,
}

impl Piece {
    /// Octets of a head.
    pub const LEN: usize = 8;

    /// As it is sent: both big-endian.
    pub fn to_octets(self) -> [u8; Self::LEN] {
        let [a, b, c, d] = self.track.to_be_bytes();
        let [e, f, g, h] = self.number.to_be_bytes();
        [a, b, c, d, e, f, g, h]
    }

    /// Reads a binary message: its head, and the octets of the segment.
    pub fn read(message: &[u8]) -> Option<(Self, &[u8])> {
        let (&[a, b, c, d, e, f, g, h], octets) = message.split_first_chunk::<{ Self::LEN }>()?;
        let (track, number) = (u32::from_be_bytes([a, b, c, d]), u32::from_be_bytes([e, f, g, h]));
        Some((Self { track, number }, octets))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn messages_are_as_documented() {
        let asks = [
            (
                r#"{"do":"play","at":12.5,"video":"v720-2100","audio":"a-en-1"}"#,
                Ask::Play { at: Some(12.5), video: Some("v720-2100".into()), audio: Some("a-en-1".into()) },
            ),
            (r#"{"do":"play"}"#, Ask::Play { at: None, video: None, audio: None }),
            (r#"{"do":"seek","at":33.0}"#, Ask::Seek { at: 33.0, track: None }),
            (
                r#"{"do":"seek","at":33.0,"track":"audio"}"#,
                Ask::Seek { at: 33.0, track: Some(TrackKind::Audio) },
            ),
            (
                r#"{"do":"switch","audio":"a-de-1"}"#,
                Ask::Switch { video: None, audio: Some("a-de-1".into()) },
            ),
            (r#"{"do":"pause"}"#, Ask::Pause),
            (r#"{"do":"credit","bytes":1048576}"#, Ask::Credit { bytes: 1 << 20, track: None }),
            (
                r#"{"do":"credit","bytes":221300,"track":"video"}"#,
                Ask::Credit { bytes: 221_300, track: Some(TrackKind::Video) },
            ),
            (r#"{"do":"head","rep":"1811192541"}"#, Ask::Head { rep: "1811192541".into() }),
        ];
        for (text, ask) in asks {
            assert_eq!(serde_json::from_str::<Ask>(text).unwrap(), ask);
            assert_eq!(serde_json::to_string(&ask).unwrap(), text);
        }
        let segment = Told::Segment {
            track: TrackKind::Video,
            rep: "v720-2100".into(),
            file: "1811192541".into(),
            number: 3,
            place: 662_415,
            start: 12.0,
            bytes: 221_300,
            turn: 1,
            init: None,
        };
        assert_eq!(
            serde_json::to_string(&segment).unwrap(),
            r#"{"is":"segment","track":"video","rep":"v720-2100","file":"1811192541","number":3,"place":662415,"start":12.0,"bytes":221300,"turn":1}"#
        );
        let head = Told::Head { file: "1811192541".into(), data: to_base64(b"ftyp") };
        assert_eq!(
            serde_json::to_string(&head).unwrap(),
            r#"{"is":"head","file":"1811192541","data":"ZnR5cA=="}"#
        );
        assert_eq!(from_base64("ZnR5cA==").unwrap(), b"ftyp");
        assert!(from_base64("ZnR5cA=").is_err());
        for wrong in
            [r#"{"do":"rewind"}"#, r#"{"do":"credit","bytes":-1}"#, r#"{"do":"seek","at":1e999}"#, "[]", ""]
        {
            assert!(serde_json::from_str::<Ask>(wrong).is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn pieces_are_read_as_they_were_written(track: u32, number: u32, octets: Vec<u8>) {
            let piece = Piece { track, number };
            let message = [&piece.to_octets()[..], &octets].concat();
            prop_assert_eq!(Piece::read(&message), Some((piece, &octets[..])));
            prop_assert_eq!(Piece::read(&message[..7]), None);
        }

        #[test]
        fn reading_never_panics(text in ".{0,200}") {
            let _ = serde_json::from_str::<Ask>(&text);
            let _ = serde_json::from_str::<Told>(&text);
        }
    }
}
