//! What a store holds.

use super::{Networks, SequenceWindow};
use crate::LicenseMode;
use license::KeyLevel;
use nccp::json::Episode;

/// A subscriber.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Key of the row; never leaves the server.
    pub id: i64,
    /// Opaque, stable name that browsers key their identity by: `a-` and hex.
    pub handle: String,
    /// Address, lowercase; of a subject of grants `subject:` and what the operator's backend calls it.
    pub email: String,
    /// What people call whoever has it; empty: the address.
    pub name: String,
    /// What it may play.
    pub plan: String,
    /// Whether it is locked out.
    pub disabled: bool,
    /// When it was made.
    pub created: u64,
}

impl Account {
    /// What people are shown of whose it is.
    pub fn shown_name(&self) -> &str {
        if self.name.is_empty() { &self.email } else { &self.name }
    }
}

/// A key by which a program of the operator's calls: only its hash is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// The first part of its text.
    pub id: String,
    /// What the operator calls it.
    pub name: String,
    /// SHA-256 of its second part.
    pub secret_hash: [u8; 32],
    /// What may be done with it.
    pub scopes: Vec<String>,
    /// When it was made.
    pub created: u64,
    /// When it was last used, to the hour; 0: never.
    pub last_used: u64,
}

/// A link to a film: of it only the hash is kept.
#[derive(Clone, PartialEq, Eq)]
pub struct Share {
    /// What the operator calls it by.
    pub id: String,
    /// SHA-256 of its token.
    pub token_hash: [u8; 32],
    /// The account that those are who open it.
    pub account: i64,
    /// The film.
    pub movie: u64,
    /// Hash of the password that it asks for.
    pub password_hash: Option<String>,
    /// When it ends.
    pub ends: Option<u64>,
    /// Devices that may have opened it.
    pub devices: u32,
    /// When it was made.
    pub created: u64,
}

impl std::fmt::Debug for Share {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Share").field("id", &self.id).field("movie", &self.movie).finish_non_exhaustive()
    }
}

/// A session: only hashes are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// SHA-256 of the cookie `MatineeShopperID`.
    pub id_hash: [u8; 32],
    /// SHA-256 of the cookie `MatineeShopperSecret`.
    pub secret_hash: [u8; 32],
    /// Whose it is.
    pub account: i64,
    /// When somebody signed in.
    pub created: u64,
    /// When it was last used, to the hour.
    pub last_used: u64,
    /// The browser, for people: `Firefox on Linux`.
    pub browser: String,
    /// From where somebody signed in, as far as it may be written down; empty: it is not known.
    pub network: String,
    /// When it ends.
    pub expires: u64,
}

/// A registered device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// Its id.
    pub id: String,
    /// Whose it is.
    pub account: i64,
    /// Slot from 1, `None` after it was de-authorized.
    pub slot: Option<u32>,
    /// P-256 key, compressed.
    pub signing_key: Vec<u8>,
    /// The component that its certificate named; zeros until it is known.
    pub component: [u8; 16],
    /// How it keeps its keys.
    pub level: KeyLevel,
    /// `browser` or `box`.
    pub kind: String,
    /// Name for people: the one that the subscriber gave it, else the one that it registered by.
    pub name: String,
    /// SHA-256 of the browser's cookie.
    pub browser_hash: Option<[u8; 32]>,
    /// Counts registrations.
    pub epoch: u32,
    /// Sequence numbers seen in this epoch.
    pub window: SequenceWindow,
    /// Where it was heard from lately.
    pub networks: Networks,
    /// When it first registered.
    pub registered: u64,
    /// In which country that was (ISO 3166-1 alpha-2), if region data told.
    pub registered_in: Option<String>,
    /// When it was last heard of.
    pub last_seen: u64,
    /// In which country that was, if region data told.
    pub used_in: Option<String>,
    /// When its keys were last replaced; 0 = never.
    pub replaced: u64,
}

impl Device {
    /// What changes with each request of it, now.
    pub fn state(&self, now: u64) -> DeviceState {
        DeviceState {
            window: self.window.clone(),
            networks: self.networks.clone(),
            last_seen: now,
            used_in: self.used_in.clone(),
        }
    }
}

/// A device about to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewDevice {
    /// Its id.
    pub id: String,
    /// Whose it is.
    pub account: i64,
    /// P-256 key, compressed.
    pub signing_key: Vec<u8>,
    /// How it keeps its keys.
    pub level: KeyLevel,
    /// `browser` or `box`.
    pub kind: String,
    /// Name for people.
    pub name: String,
    /// Description of the machine.
    pub machine: String,
    /// SHA-256 of the browser's cookie.
    pub browser_hash: Option<[u8; 32]>,
    /// Sequence number of the registration.
    pub sequence: u64,
    /// Now.
    pub registered: u64,
    /// In which country that is (ISO 3166-1 alpha-2), if region data tells.
    pub country: Option<String>,
    /// When this browser last took a lost device's place, 0 for never: it carries over, so that the pause
    /// cannot be evaded.
    pub replaced: u64,
}

/// What a device says when it registers again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registered {
    /// How it keeps its keys.
    pub level: KeyLevel,
    /// Name for people.
    pub name: String,
    /// Description of the machine.
    pub machine: String,
    /// SHA-256 of the browser's cookie.
    pub browser_hash: Option<[u8; 32]>,
    /// Sequence number of the registration.
    pub sequence: u64,
    /// Now.
    pub now: u64,
}

/// Whose transaction begins, and what it is going to ask for.
#[derive(Debug, Clone, Copy)]
pub struct Ahead<'a> {
    /// The account that the device is to be of.
    pub account: i64,
    /// The device.
    pub device: &'a str,
    /// What it will ask for.
    pub wants: Wants<'a>,
    /// Now, Unix seconds.
    pub now: u64,
}

/// What a device is going to ask for, besides itself and its account.
#[derive(Clone, Copy)]
pub enum Wants<'a> {
    /// Nothing that is read ahead.
    Nothing,
    /// A movie, when the account first played it, and a lease of it.
    Movie(u64),
    /// Another ticket, with a session by the hashes of its two cookies, and its domains' keys.
    Renewal {
        /// The hashes.
        session: Option<(&'a [u8; 32], &'a [u8; 32])>,
    },
}

impl std::fmt::Debug for Wants<'_> {
    /// Without the hashes of cookies.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Nothing => f.write_str("Nothing"),
            Self::Movie(movie) => f.debug_tuple("Movie").field(movie).finish(),
            Self::Renewal { .. } => f.write_str("Renewal"),
        }
    }
}

/// What changes with each request of a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceState {
    /// Sequence numbers seen.
    pub window: SequenceWindow,
    /// Where it was heard from lately.
    pub networks: Networks,
    /// Now.
    pub last_seen: u64,
    /// In which country it is, if region data tells.
    pub used_in: Option<String>,
}

/// What came of asking for a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slot {
    /// It is this one, from 1.
    Taken(u32),
    /// All are taken.
    Full,
}

/// That a device may play a movie now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// The device.
    pub device: String,
    /// What it is called.
    pub name: String,
    /// The place that it has, if it has one.
    pub slot: Option<u32>,
    /// What it plays.
    pub movie: u64,
    /// What that is called.
    pub title: Option<String>,
    /// When it began.
    pub began: u64,
    /// When it ends, where no report keeps it.
    pub ends: u64,
}

/// A lease about to be given, or kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewLease<'a> {
    /// Whose.
    pub account: i64,
    /// On which device.
    pub device: &'a str,
    /// Of which movie.
    pub movie: u64,
    /// Now.
    pub now: u64,
    /// When it ends, where no report keeps it.
    pub ends: u64,
    /// Whether the player has reported that it plays.
    pub reported: bool,
}

/// A movie of the catalogue.
#[derive(Debug, Clone, PartialEq)]
pub struct Movie {
    /// Its number.
    pub id: u64,
    /// Title.
    pub title: String,
    /// Year of release.
    pub year: Option<u16>,
    /// Names of the cast.
    pub cast: Vec<String>,
    /// What kinds of film it is.
    pub genres: Vec<String>,
    /// Which episode of a series it is.
    pub episode: Option<Episode>,
    /// What it is about.
    pub synopsis: Option<String>,
    /// Age rating.
    pub rating: Option<String>,
    /// Seconds.
    pub runtime: f64,
    /// The pack that holds its files.
    pub pack: String,
    /// Name of the policy that licenses carry.
    pub policy: String,
    /// Plans that may play it; empty: every plan but `none`.
    pub plans: Vec<String>,
    /// Countries (ISO 3166-1 alpha-2) from which it may be watched; empty: all that the server allows.
    pub regions: Vec<String>,
    /// Where its licenses come from.
    pub license: LicenseMode,
    /// Whether it can be played now.
    pub available: bool,
    /// When it was added.
    pub added: u64,
    /// When it was last put in, with whatever differed; 0 before that was remembered.
    pub changed: u64,
}

/// A movie about to be added.
#[derive(Debug, Clone, PartialEq)]
pub struct NewMovie {
    /// Its number.
    pub id: u64,
    /// Title.
    pub title: String,
    /// Year of release.
    pub year: Option<u16>,
    /// Names of the cast.
    pub cast: Vec<String>,
    /// What kinds of film it is.
    pub genres: Vec<String>,
    /// Which episode of a series it is.
    pub episode: Option<Episode>,
    /// What it is about.
    pub synopsis: Option<String>,
    /// Age rating.
    pub rating: Option<String>,
    /// Seconds.
    pub runtime: f64,
    /// The pack that holds its files.
    pub pack: String,
    /// Name of the policy that licenses carry.
    pub policy: String,
    /// Plans that may play it; empty: every plan but `none`.
    pub plans: Vec<String>,
    /// Countries (ISO 3166-1 alpha-2) from which it may be watched; empty: all that the server allows.
    pub regions: Vec<String>,
    /// Where its licenses come from.
    pub license: LicenseMode,
}

/// A poster that a movie was given after it was packaged: it is shown in place of the pack's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Poster {
    /// Name of its file: 32 hexadecimal digits of the file's SHA-256, and `.jpg`.
    pub name: String,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
}

/// A poster about to be given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPoster<'a> {
    /// What is told of it.
    pub poster: &'a Poster,
    /// Its file.
    pub octets: &'a [u8],
}

impl NewMovie {
    /// A movie of which nothing else is known: for every plan and region, with licenses from the server. Its
    /// length is in seconds.
    pub fn new(
        id: u64,
        title: impl Into<String>,
        pack: impl Into<String>,
        runtime: f64,
        policy: impl Into<String>,
    ) -> Self {
        Self {
            id,
            title: title.into(),
            year: None,
            cast: Vec::new(),
            genres: Vec::new(),
            episode: None,
            synopsis: None,
            rating: None,
            runtime,
            pack: pack.into(),
            policy: policy.into(),
            plans: Vec::new(),
            regions: Vec::new(),
            license: LicenseMode::default(),
        }
    }
}

/// A movie as it is, to be put in again with something changed.
impl From<Movie> for NewMovie {
    fn from(movie: Movie) -> Self {
        let Movie {
            id,
            title,
            year,
            cast,
            genres,
            episode,
            synopsis,
            rating,
            runtime,
            pack,
            policy,
            plans,
            regions,
            license,
            ..
        } = movie;
        Self {
            id,
            title,
            year,
            cast,
            genres,
            episode,
            synopsis,
            rating,
            runtime,
            pack,
            policy,
            plans,
            regions,
            license,
        }
    }
}

/// One viewing of a movie.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Viewing {
    /// When it began.
    pub started: u64,
    /// When it was last reported.
    pub seen: u64,
    /// Where it was then, in seconds.
    pub position: f64,
    /// Whether it reached the end.
    pub finished: bool,
}

impl Viewing {
    /// Where to resume: the beginning after the end was reached.
    pub fn resume(&self) -> f64 {
        if self.finished { 0.0 } else { self.position }
    }
}

/// How many accounts have said what they think of a movie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VoteCount {
    /// The movie's number.
    pub movie: u64,
    /// How many have.
    pub votes: u64,
    /// How many of them like it.
    pub likes: u64,
}

/// What was last watched on a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watched {
    /// The device.
    pub device: String,
    /// The movie's title.
    pub title: String,
    /// When the device last told of it.
    pub at: u64,
}

/// A line of the playback log.
#[derive(Debug, Clone, PartialEq)]
pub struct LogEntry {
    /// Whose playback.
    pub account: i64,
    /// On which device; events of the page have none.
    pub device: Option<String>,
    /// Of which movie.
    pub movie: u64,
    /// When.
    pub at: u64,
    /// What happened.
    pub event: String,
    /// The player's error code.
    pub code: Option<String>,
    /// Seconds from the beginning.
    pub position: Option<f64>,
    /// The player's counters.
    pub counters: Vec<(String, u64)>,
}

/// A code that a box shows, to be typed in on the site.
#[derive(Clone, PartialEq, Eq)]
pub struct ActivationCode {
    /// Six symbols.
    pub code: String,
    /// The box's P-256 key, compressed: one live code each.
    pub signing_key: Vec<u8>,
    /// Model and serial number.
    pub name: String,
    /// When it ends.
    pub expires: u64,
    /// The account whose owner typed it in.
    pub account: Option<i64>,
}

impl std::fmt::Debug for ActivationCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ActivationCode")
            .field("code", &"[redacted]")
            .field("name", &self.name)
            .field("expires", &self.expires)
            .field("account", &self.account)
            .finish_non_exhaustive()
    }
}
