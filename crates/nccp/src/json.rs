//! Bodies of the JSON routes (docs/protocol.md, section 1).

use crate::code::ErrorCode;
use crate::ids::{DeviceId, MovieId};
use crate::metadata::Art;
use crate::value::Seconds;
use crate::wire_error::{Playing, WireError};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;

/// Body of an error: `{"error":{"code":…,"message":…}}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorBody {
    /// The error.
    pub error: ErrorDetail,
}

/// The error itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorDetail {
    /// An [`ErrorCode`] as text.
    pub code: String,
    /// Words for people.
    pub message: String,
    /// With `STREAM_LIMIT`: where films are playing, the one that began first at the head.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub playing: Vec<Playing>,
}

impl ErrorBody {
    /// The code; unknown ones become [`ErrorCode::Other`].
    pub fn code(&self) -> ErrorCode {
        self.error.code.parse().unwrap_or(ErrorCode::Other)
    }
}

impl From<WireError> for ErrorBody {
    fn from(error: WireError) -> Self {
        let WireError { code, text, playing, .. } = error;
        Self { error: ErrorDetail { code: code.as_str().to_owned(), message: text, playing } }
    }
}

impl From<ErrorCode> for ErrorBody {
    fn from(code: ErrorCode) -> Self {
        WireError::from(code).into()
    }
}

/// `POST /login`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Login {
    /// Email address of the account.
    pub email: String,
    /// Its password.
    pub password: String,
    /// Forms only: where to go afterwards.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

impl std::fmt::Debug for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Login")
            .field("email", &self.email)
            .field("password", &"[redacted]")
            .finish_non_exhaustive()
    }
}

/// `GET /api/library`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Library {
    /// Opaque, stable id by which the browser keys its device identity.
    pub account: String,
    /// The account's email address.
    pub email: String,
    /// The catalogue.
    pub movies: Vec<LibraryMovie>,
    /// How many TV boxes are among the account's devices: they show its list.
    #[serde(default)]
    pub boxes: u32,
}

/// A movie of the catalogue.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LibraryMovie {
    /// Its number.
    pub movie_id: MovieId,
    /// Title.
    pub title: String,
    /// Year of release.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub year: Option<u16>,
    /// What it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub synopsis: Option<String>,
    /// Length in seconds.
    pub runtime: f64,
    /// Age rating.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rating: Option<String>,
    /// Names of the cast.
    #[serde(default)]
    pub cast: Vec<String>,
    /// What kinds of film it is, as the operator calls them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub genres: Vec<String>,
    /// Which episode of a series it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub episode: Option<Episode>,
    /// When it was added to the catalogue, Unix seconds; 0: not known.
    #[serde(default)]
    pub added: u64,
    /// Pictures.
    #[serde(default)]
    pub art: Vec<Art>,
    /// Where to resume, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<f64>,
    /// When it was last watched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub watched_at: Option<u64>,
    /// Whether it is on the account's list.
    #[serde(default)]
    pub queued: bool,
    /// Whether the account likes it, where it has said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub liked: Option<bool>,
    /// How many in a hundred of those who have said so like it, 0 to 100; absent where they are few.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub likes: Option<u8>,
    /// Whether the account's plan includes it and it can be played.
    #[serde(default)]
    pub playable: bool,
    /// Whether the manifest brings an embedded license, so that none needs to be asked for.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub embedded: bool,
    /// Of a live event: `waiting`, `live`, `interrupted` or `ended`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// Of a live event: when it is to begin, in Unix seconds, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub starts: Option<u64>,
}

/// `PUT /api/votes/{id}`: what the account thinks of a movie.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vote {
    /// Whether it likes it.
    pub liked: bool,
}

/// A movie's place in a series.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Episode {
    /// Name of the series, alike for all its episodes.
    pub series: String,
    /// Season, 0 for specials.
    pub season: u16,
    /// Number in the season.
    pub number: u16,
}

/// `GET /api/films/{id}`: a movie of the catalogue with what its own page tells.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Film {
    /// As the library has it.
    pub film: LibraryMovie,
    /// What can be heard.
    #[serde(default)]
    pub audio: Vec<FilmTrack>,
    /// What can be read.
    #[serde(default)]
    pub subtitles: Vec<FilmTrack>,
    /// Chapters, ascending.
    #[serde(default)]
    pub chapters: Vec<FilmChapter>,
}

/// A track of sound or of subtitles.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FilmTrack {
    /// BCP 47; `und` where it is not known.
    pub language: String,
    /// Name for people, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
}

/// A chapter.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FilmChapter {
    /// Seconds from the beginning.
    pub start: f64,
    /// Its name.
    pub title: String,
}

/// `GET /api/devices`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Devices {
    /// Slots there are.
    pub limit: u32,
    /// Devices that hold one.
    pub devices: Vec<Device>,
}

/// A device of the account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Device {
    /// Its id.
    pub device_id: DeviceId,
    /// Its name.
    pub name: String,
    /// `browser` or `box`.
    pub kind: String,
    /// Its slot, from 1.
    pub slot: u32,
    /// When it registered first.
    pub registered_at: u64,
    /// In which country that was (ISO 3166-1 alpha-2), where region data told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registered_in: Option<String>,
    /// When it was last heard of.
    pub last_seen: u64,
    /// In which country that was, where region data told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_seen_in: Option<String>,
    /// Whether it is the asking browser's.
    pub this_device: bool,
    /// What was last watched there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub watched: Option<LastWatched>,
}

/// What was last watched on a device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastWatched {
    /// Title of the movie.
    pub title: String,
    /// When the device last told of it, Unix seconds.
    pub at: u64,
}

/// `PATCH /api/devices/{id}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RenameDevice {
    /// What the subscriber calls it; empty: what it calls itself.
    pub name: String,
}

/// `GET /api/sessions`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sessions {
    /// Those of the account, the last used first.
    pub sessions: Vec<Session>,
}

/// A browser that is signed in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Names it to `DELETE /api/sessions/{id}`.
    pub session_id: String,
    /// The browser, for people; empty where it is not known.
    pub browser: String,
    /// When it signed in.
    pub signed_in_at: u64,
    /// When it was last used, to the hour.
    pub last_used: u64,
    /// Whether it is the asking browser's.
    pub this_session: bool,
    /// From which network it signed in, where the operator has that written down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<String>,
}

/// The least characters of a password that is chosen.
pub const MIN_PASSWORD: usize = 8;

/// `POST /account/password`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangePassword {
    /// The password so far.
    pub old_password: String,
    /// The one from now on.
    pub new_password: String,
    /// Whether TV boxes stay registered.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub keep_boxes: bool,
}

impl std::fmt::Debug for ChangePassword {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ChangePassword").field("keep_boxes", &self.keep_boxes).finish_non_exhaustive()
    }
}

/// `POST /Player/unregister_device`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnregisterDevice {
    /// The device to remove.
    pub device_id: DeviceId,
}

/// `POST /v/{token}`: opens a link to a film.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenShare {
    /// Where the link asks for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
}

impl fmt::Debug for OpenShare {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OpenShare([redacted])")
    }
}

/// The answer to it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenedShare {
    /// In place of cookies, for `register`.
    pub grant: String,
    /// The film.
    pub movie_id: MovieId,
}

impl fmt::Debug for OpenedShare {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OpenedShare([redacted], {})", self.movie_id)
    }
}

/// `POST /playerevent`.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct PlayerEvent {
    /// The movie.
    pub movie_id: MovieId,
    /// What happened.
    pub event: PlayerEventKind,
    /// An error code of the player.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// Position in seconds, 0 to 999,999,999.999 as in a `logblob`.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "position")]
    pub position: Option<f64>,
    /// In place of cookies: the ticket that a grant got.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticket: Option<String>,
}

impl fmt::Debug for PlayerEvent {
    /// Without the ticket.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { movie_id, event, code, position, ticket } = self;
        let mut shown = f.debug_struct("PlayerEvent");
        shown
            .field("movie_id", movie_id)
            .field("event", event)
            .field("code", code)
            .field("position", position);
        shown.field("ticket", &ticket.as_ref().map(|_| "[redacted]")).finish()
    }
}

fn position<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    let seconds = Option::<f64>::deserialize(deserializer)?.map(Seconds::try_from).transpose();
    Ok(seconds.map_err(D::Error::custom)?.map(|seconds| seconds.0))
}

/// What happened in the player.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PlayerEventKind {
    /// The player is there.
    Ready,
    /// The first frame was shown.
    Playing,
    /// The end was reached.
    Ended,
    /// It cannot continue.
    Error,
    /// The page was hidden or left: where playback stood then.
    Hide,
}

/// `POST /activate`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Activate {
    /// The code, as typed: any case, spaces and dashes do not count.
    pub code: String,
    /// The second step: yes, this box.
    #[serde(default)]
    pub confirm: bool,
}

impl std::fmt::Debug for Activate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Activate").field("code", &"[redacted]").field("confirm", &self.confirm).finish()
    }
}

/// Answer of `POST /activate`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Activated {
    /// Which step is done.
    pub state: ActivateState,
    /// The code in its plain form, for the second step.
    pub code: String,
    /// Model and serial number of the box.
    pub name: String,
    /// When the code ends.
    pub expires: u64,
    /// Devices that hold a slot.
    pub devices: u32,
    /// Slots there are.
    pub limit: u32,
    /// There is no slot for the box: it gets one as soon as a device is removed.
    pub limit_reached: bool,
}

/// Steps of an activation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ActivateState {
    /// The code is a box's: ask whether it is the right one.
    Confirm,
    /// The box takes its slot when it next asks.
    Confirmed,
}

/// `GET /decryptor-config.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DecryptorConfig {
    /// What all COSE objects are bound to.
    pub public_url: String,
    /// Where envelopes go, and what is signed.
    pub controller_url: String,
    /// Where devices are individualized.
    pub individualize_url: String,
    /// Ed25519 public keys of the site CA, base64url.
    pub ca_keys: Vec<String>,
    /// Ed25519 public keys of the signers that are trusted, base64url; absent: all that the CA certified.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signers: Option<Vec<String>>,
    /// The DRM module; absent when the server was started without the site's files.
    pub module: Option<DecryptorModule>,
    /// The module for browsers without SIMD or `crypto.subtle`.
    pub compat: Option<DecryptorModule>,
    /// The server's time.
    pub time: u64,
}

/// Where a DRM module is, and what it must hash to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DecryptorModule {
    /// Path of the JavaScript glue.
    pub js: String,
    /// Path of the wasm.
    pub wasm: String,
    /// Hex SHA-256 of the wasm's octets.
    pub sha256: String,
    /// Version of the module.
    pub version: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ticket_of_a_players_report_is_not_shown() {
        let event = r#"{"movie_id":7,"event":"ready","ticket":"3ecre7"}"#;
        let event: PlayerEvent = serde_json::from_str(event).unwrap();
        assert_eq!(event.ticket.as_deref(), Some("3ecre7"));
        let shown = format!("{event:?}");
        assert!(!shown.contains("3ecre7") && shown.contains("redacted"), "{shown}");
    }
}
