//! The registration that this profile keeps: device id and ticket, one per account (docs/protocol.md §3).
//!
//! It lives in `localStorage`, apart from the DRM module's keys in IndexedDB: losing one does not lose the
//! other.

use std::collections::BTreeMap;

use nccp::Registration;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use web_sys::Storage;

/// A registration as it is kept.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Stored {
    /// Device id.
    pub device: String,
    /// Ticket.
    pub ticket: String,
    /// When the ticket ends, Unix seconds.
    pub expiration: u64,
    /// When to renew it, Unix seconds.
    pub renewal: u64,
    /// The identity that it was made with.
    pub component: String,
}

impl Stored {
    /// What the server answered to `register` or a renewal.
    pub fn new(registration: Registration, component: &str) -> Self {
        Self {
            device: registration.device_id.as_str().to_owned(),
            ticket: registration.ticket,
            expiration: registration.expiration,
            renewal: registration.renewal,
            component: component.to_owned(),
        }
    }

    /// What was kept of the registration: all but its domain keys, which the worker has. `None`: it does not
    /// read as one.
    pub fn registration(self) -> Option<Registration> {
        let Self { device, ticket, expiration, renewal, .. } = self;
        let device_id = device.parse().ok()?;
        Some(Registration { device_id, ticket, expiration, renewal, domain_keys: Vec::new() })
    }
}

/// `None` where the browser has none or refuses it, as it may where site data is not allowed.
fn storage() -> Option<Storage> {
    gloo::utils::window().local_storage().ok().flatten()
}

/// A value that is kept as JSON; `None`: there is none, or it does not read as one.
fn get<T: DeserializeOwned>(key: &str) -> Option<T> {
    let kept = storage()?.get_item(key).ok().flatten()?;
    serde_json::from_str(&kept).ok()
}

/// Keeps a value as JSON, where the browser lets it.
fn set<T: Serialize + ?Sized>(key: &str, value: &T) {
    if let (Some(storage), Ok(text)) = (storage(), serde_json::to_string(value)) {
        let _ = storage.set_item(key, &text);
    }
}

/// Forgets a value.
fn delete(key: &str) {
    if let Some(storage) = storage() {
        let _ = storage.remove_item(key);
    }
}

fn key(account: &str) -> String {
    format!("matinee.registration.{account}")
}

/// The account's registration with this identity, if there is one.
pub fn load(account: &str, component: &str) -> Option<Stored> {
    get::<Stored>(&key(account)).filter(|stored| stored.component == component)
}

/// Keeps it. A browser that refuses storage registers again next time.
pub fn save(account: &str, stored: &Stored) {
    set(&key(account), stored);
}

/// Forgets it.
pub fn forget(account: &str) {
    delete(&key(account));
}

const ESTIMATE: &str = "matinee.throughput";
const VOLUME: &str = "matinee.volume";

/// The throughput that an earlier viewing measured, bit/s.
pub fn throughput() -> Option<u64> {
    get(ESTIMATE)
}

/// Keeps a measured throughput.
pub fn save_throughput(bits_per_second: u64) {
    set(ESTIMATE, &bits_per_second);
}

/// The volume that the viewer chose, 0 to 1, and whether it is muted.
pub fn volume() -> Option<(f64, bool)> {
    get(VOLUME)
}

/// Keeps the volume.
pub fn save_volume(volume: f64, muted: bool) {
    set(VOLUME, &(volume, muted));
}

const CHARACTER_KEYS: &str = "matinee.character-keys";

/// Whether single letters, digits and signs are keys that do something; they are until the viewer says
/// otherwise.
pub fn character_keys() -> bool {
    get(CHARACTER_KEYS).unwrap_or(true)
}

/// Keeps whether they are.
pub fn save_character_keys(on: bool) {
    set(CHARACTER_KEYS, &on);
}

const PLAYS_NEXT: &str = "matinee.plays-next";

/// Whether the next episode, or another film, plays by itself after one; it does until the viewer says
/// otherwise.
pub fn plays_next() -> bool {
    get(PLAYS_NEXT).unwrap_or(true)
}

/// Keeps whether it does.
pub fn save_plays_next(on: bool) {
    set(PLAYS_NEXT, &on);
}

const THEATRE: &str = "matinee.theatre";

/// Whether the film has the whole window on wide screens; it does until the viewer says otherwise.
pub fn theatre() -> bool {
    get(THEATRE).unwrap_or(true)
}

/// Keeps whether it does.
pub fn save_theatre(on: bool) {
    set(THEATRE, &on);
}

/// Where the choice of a language is kept; `www/language.js` reads it before the app is there.
const LANGUAGE: &str = "matinee.language";

/// The language that the viewer chose for the site (BCP 47); `None`: as the browser asks.
pub fn language() -> Option<String> {
    get(LANGUAGE)
}

/// Keeps the choice of a language.
pub fn save_language(tag: Option<&str>) {
    match tag {
        Some(tag) => set(LANGUAGE, tag),
        None => delete(LANGUAGE),
    }
}

/// Where the choice of sound is kept.
pub const SOUND: &str = "matinee.sound";
/// Where the choice of subtitles is kept.
pub const TEXT: &str = "matinee.text";
/// No subtitles.
pub const OFF: &str = "off";

/// The track that the viewer chose last: language and role with `/` between, or [`OFF`].
pub fn track(kind: &str) -> Option<String> {
    get(kind)
}

/// Keeps the choice of a track.
pub fn save_track(kind: &str, preference: &str) {
    set(kind, preference);
}

fn picture_key(account: &str) -> String {
    format!("matinee.picture.{account}")
}

/// What the account's viewer wants of the picture on this device.
pub fn picture(account: &str) -> Option<String> {
    get(&picture_key(account))
}

/// Keeps it.
pub fn save_picture(account: &str, wish: &str) {
    set(&picture_key(account), wish);
}

fn captions_key(account: &str) -> String {
    format!("matinee.captions.{account}")
}

/// How the account's viewer wants captions to look on this device.
pub fn caption_style(account: &str) -> Option<String> {
    get(&captions_key(account))
}

/// Keeps it.
pub fn save_caption_style(account: &str, style: &str) {
    set(&captions_key(account), style);
}

/// Which films' licenses the DRM module keeps, by account: film → what names the license's rules. Only a
/// hint, so that nobody waits for the module to look where there is none.
fn licenses_key(account: &str) -> String {
    format!("matinee.licenses.{account}")
}

type Kept = BTreeMap<u64, Option<String>>;

/// Whether a film's license may be kept, and what names its rules.
pub fn kept_license(account: &str, movie: u64) -> Option<Option<String>> {
    get::<Kept>(&licenses_key(account))?.remove(&movie)
}

/// Notes that a film's license is kept, and what names its rules; or, with `None`, that it is not any more.
/// Whether that is new.
pub fn keep_license(account: &str, movie: u64, rules: Option<Option<String>>) -> bool {
    let mut kept = get::<Kept>(&licenses_key(account)).unwrap_or_default();
    let changed = match rules {
        Some(rules) => kept.insert(movie, rules.clone()) != Some(rules),
        None => kept.remove(&movie).is_some(),
    };
    if changed {
        set(&licenses_key(account), &kept);
    }
    changed
}

/// Notes that none is kept.
pub fn forget_licenses(account: &str) {
    delete(&licenses_key(account));
}
