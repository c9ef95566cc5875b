//! `application.toml` and `event.toml`: how an application's events are encrypted and kept.

use cenc::{ContentId, Level, Scheme};
use ladder::Rung;
use serde::Deserialize;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// Longest window: a day.
const MAX_WINDOW: Duration = Duration::from_secs(86_400);

/// What is wrong with a file of settings.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// It cannot be read: line and reason, without any value, which may be a key.
    #[error("line {line}: {reason}")]
    Syntax {
        /// From 1.
        line: usize,
        /// What is wrong.
        reason: String,
    },
    /// A setting has a value that it cannot have.
    #[error("{name} {reason}")]
    Value {
        /// The setting.
        name: &'static str,
        /// What it must be.
        reason: &'static str,
    },
}

const fn bad(name: &'static str, reason: &'static str) -> SettingsError {
    SettingsError::Value { name, reason }
}

/// How often keys change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rotate {
    /// After so many segments.
    Segments(u32),
    /// After so many segments as come nearest to this time.
    Time(Duration),
}

impl FromStr for Rotate {
    type Err = SettingsError;

    /// Reads `5` (segments) or `10s`.
    fn from_str(text: &str) -> Result<Self, SettingsError> {
        const BAD: SettingsError =
            bad("rotate", "must be a number of segments, like 10, or a time, like 60s");
        match text.parse::<u32>() {
            Ok(0) => Err(BAD),
            Ok(segments) => Ok(Self::Segments(segments)),
            Err(_) => match humantime::parse_duration(text) {
                Ok(time) if !time.is_zero() && time <= MAX_WINDOW => Ok(Self::Time(time)),
                _ => Err(BAD),
            },
        }
    }
}

/// `[encryption]`, which holds no secret: all of it holds, or none. An event's table takes the place of its
/// application's wholly.
#[derive(Debug)]
pub struct Encryption {
    /// `false`: the stream is clear.
    pub enabled: bool,
    /// Counter mode or CBC with a pattern.
    pub scheme: Scheme,
    /// Which samples of pictures are encrypted.
    pub level: Level,
    /// Id of the site's common key that its keys follow from; `None`: the one that films are packaged with.
    pub common_key: Option<String>,
    /// Its own content id; `None`: one of each session.
    pub content_id: Option<ContentId>,
    /// How often the key changes; `None`: never.
    pub rotate: Option<Rotate>,
    /// Name of its licenses' policy; `None`: the movie's.
    pub policy: Option<String>,
    /// Players that DRM metadata is for, in the order of the file.
    pub players: Vec<String>,
}

impl Default for Encryption {
    fn default() -> Self {
        Self {
            enabled: true,
            scheme: Scheme::Cenc,
            level: Level::High,
            common_key: None,
            content_id: None,
            rotate: None,
            policy: None,
            players: Vec::new(),
        }
    }
}

/// What holds for an event.
#[derive(Debug)]
pub struct Settings {
    /// How it is encrypted.
    pub encryption: Encryption,
    /// How far back one can go while it is live.
    pub window: Duration,
    /// Wanted length of segments.
    pub segment: Duration,
    /// Wanted length of parts.
    pub part: Duration,
    /// Renditions to make of what the encoder sends, highest first; empty: none.
    pub ladder: Vec<Rung>,
}

/// Where an event's encryption settings are from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SetBy {
    /// Nobody said anything.
    Server,
    /// `application.toml`.
    Application,
    /// `event.toml`.
    Event,
}

impl fmt::Display for SetBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Server => "server",
            Self::Application => "application",
            Self::Event => "event",
        })
    }
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct File {
    allow_event: Option<bool>,
    window: Option<String>,
    segment: Option<String>,
    part: Option<String>,
    ladder: Option<toml::Value>,
    encryption: Option<Table>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Table {
    enabled: Option<bool>,
    scheme: Option<String>,
    level: Option<String>,
    common_key: Option<String>,
    content_id: Option<String>,
    rotate: Option<String>,
    policy: Option<String>,
    players: Vec<String>,
}

impl Settings {
    /// What an event's two files say together; `None` for a file that is not there. The event's own may have
    /// `[encryption]` only where the application's has `allow_event = true`, and is ignored otherwise; then
    /// it is all that holds, and nothing of the application's `[encryption]` does (B107).
    ///
    /// # Errors
    /// [`SettingsError`], and which of the two files has it: `true` for the event's.
    pub fn read(
        application: Option<&str>,
        event: Option<&str>,
    ) -> Result<(Self, SetBy), (SettingsError, bool)> {
        let parse = |text: Option<&str>, of_event| match text.map(parse).transpose() {
            Ok(file) => Ok(file.unwrap_or_default()),
            Err(error) => Err((error, of_event)),
        };
        let (application, event) = (parse(application, false)?, parse(event, true)?);
        let allowed = application.allow_event == Some(true);
        let (encryption, from) = match (event.encryption.filter(|_| allowed), application.encryption) {
            (Some(table), _) => (table.check().map_err(|e| (e, true))?, SetBy::Event),
            (None, Some(table)) => (table.check().map_err(|e| (e, false))?, SetBy::Application),
            (None, None) => (Encryption::default(), SetBy::Server),
        };
        let time = |name, own: &Option<String>, theirs: &Option<String>, default, range| {
            let text = own.as_deref().map(|text| (text, true));
            let text = text.or(theirs.as_deref().map(|text| (text, false)));
            text.map_or(Ok(default), |(text, of_event)| {
                duration(name, text, range).map_err(|e| (e, of_event))
            })
        };
        let millis = Duration::from_millis;
        // One of the event's own takes the place of the application's wholly; an empty one is none.
        let ladder = match (&event.ladder, &application.ladder) {
            (Some(own), _) => ladder(own).map_err(|e| (e, true))?,
            (None, Some(theirs)) => ladder(theirs).map_err(|e| (e, false))?,
            (None, None) => Vec::new(),
        };
        let settings = Self {
            encryption,
            window: time(
                "window",
                &event.window,
                &application.window,
                millis(300_000),
                (millis(10_000), MAX_WINDOW),
            )?,
            segment: time(
                "segment",
                &event.segment,
                &application.segment,
                millis(2000),
                (millis(1000), millis(10_000)),
            )?,
            part: time("part", &event.part, &application.part, millis(500), (millis(200), millis(2000)))?,
            ladder,
        };
        if settings.part > settings.segment {
            return Err((bad("part", "must not be longer than a segment"), event.part.is_some()));
        }
        Ok((settings, from))
    }

    /// Segments under each key; 0: the key never changes.
    pub fn segments_per_key(&self) -> u32 {
        match self.encryption.rotate {
            None => 0,
            Some(Rotate::Segments(segments)) => segments,
            Some(Rotate::Time(time)) => {
                // Bounded: a day in segments of a second.
                ((time.as_secs_f64() / self.segment.as_secs_f64()).round() as u32).max(1)
            }
        }
    }
}

fn parse(text: &str) -> Result<File, SettingsError> {
    toml::from_str(text).map_err(|error: toml::de::Error| {
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        let message = error.message();
        // What repeats the value that was found says only what was expected.
        let reason = match message.rsplit_once(", expected ") {
            Some((_, expected)) => format!("expected {expected}"),
            None => message.to_owned(),
        };
        SettingsError::Syntax { line, reason: reason.replace('\n', " ") }
    })
}

fn ladder(value: &toml::Value) -> Result<Vec<Rung>, SettingsError> {
    let reason = "must be heights, like [1080, 720, 480], or [[ladder]] tables of height (48 to 4320) and max_kbps \
                  (64 to 200000); 12 at most";
    ladder::of_setting(value).map_err(|_| bad("ladder", reason))
}

fn duration(
    name: &'static str,
    text: &str,
    (least, most): (Duration, Duration),
) -> Result<Duration, SettingsError> {
    let reason = match name {
        "window" => "must be a time from 10s to 24h",
        "segment" => "must be a time from 1s to 10s",
        _ => "must be a time from 200ms to 2s",
    };
    match humantime::parse_duration(text) {
        Ok(time) if (least..=most).contains(&time) => Ok(time),
        _ => Err(bad(name, reason)),
    }
}

impl Table {
    fn check(self) -> Result<Encryption, SettingsError> {
        let default = Encryption::default();
        let scheme = self.scheme.map_or(Ok(default.scheme), |text| text.parse());
        let level = self.level.map_or(Ok(default.level), |text| text.parse());
        let content = self.content_id.map(|text| text.parse()).transpose();
        Ok(Encryption {
            enabled: self.enabled.unwrap_or(true),
            scheme: scheme.map_err(|_| bad("encryption.scheme", "must be cenc or cbcs"))?,
            level: level.map_err(|_| bad("encryption.level", "must be high, medium or low"))?,
            common_key: self.common_key,
            content_id: content
                .map_err(|_| bad("encryption.content_id", "must be visible ASCII without spaces"))?,
            rotate: self.rotate.map(|text| text.parse()).transpose()?,
            policy: self.policy,
            players: self.players,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// B82, B106, B107: an event's encryption settings take the place of the application's wholly, where the
    /// application lets them.
    #[test]
    fn b107_the_event_wins_wholly_or_not_at_all() {
        let application = "[encryption]\nscheme = \"cbcs\"\nrotate = \"10s\"\npolicy = \"strict\"\n";
        let allowing = format!("allow_event = true\n{application}");
        let event = "[encryption]\nlevel = \"low\"\n";
        let read = |a: Option<&str>, e| Settings::read(a, e).unwrap();
        let (own, from) = read(Some(&allowing), Some(event));
        assert_eq!(
            (own.encryption.scheme, own.encryption.level, from),
            (Scheme::Cenc, Level::Low, SetBy::Event)
        );
        assert_eq!((own.encryption.rotate, own.encryption.policy), (None, None), "nothing is merged");
        let (ignored, from) = read(Some(application), Some(event));
        assert_eq!((ignored.encryption.scheme, ignored.encryption.level), (Scheme::Cbcs, Level::High));
        assert_eq!((ignored.segments_per_key(), from), (5, SetBy::Application));
        let (none, from) = read(Some("allow_event = true"), None);
        assert!(none.encryption.enabled && from == SetBy::Server);
    }

    #[test]
    fn what_is_no_encryption_is_the_events_own_anyway() {
        let (settings, _) =
            Settings::read(Some("window = \"1h\""), Some("window = \"2m\"\nsegment = \"4s\"")).unwrap();
        assert_eq!((settings.window.as_secs(), settings.segment.as_secs()), (120, 4));
        let ladder = |own: &str| {
            let (settings, _) = Settings::read(Some("ladder = [720, 1080]"), Some(own)).unwrap();
            settings.ladder.iter().map(|rung| (rung.height, rung.max_kbps)).collect::<Vec<_>>()
        };
        assert_eq!(ladder(""), [(1080, 6000), (720, 3500)]);
        assert_eq!(ladder("[[ladder]]\nheight = 480\nmax_kbps = 700"), [(480, 700)]);
        assert!(ladder("ladder = []").is_empty());
    }

    #[test]
    fn errors_say_where_and_never_what() {
        let secret = "[encryption]\ncommon_key = 12345678\n";
        let (error, of_event) = Settings::read(Some(secret), None).unwrap_err();
        assert!(matches!(error, SettingsError::Syntax { line: 2, .. }) && !of_event, "{error}");
        assert!(!error.to_string().contains("1234"), "{error}");
        for text in [
            "[encryption]\nscheme = \"cens\"",
            "[encryption]\nrotate = \"0\"",
            "[encryption]\ncontent_id = \"a b\"",
            "window = \"1s\"",
            "segment = \"1m\"",
            "segment = \"1s\"\npart = \"2s\"",
            "windows = \"1s\"",
            "ladder = 720",
            "ladder = [\"720p\"]",
        ] {
            assert!(Settings::read(Some(text), None).is_err(), "{text}");
        }
        let (error, of_event) = Settings::read(None, Some("part = \"1h\"")).unwrap_err();
        assert!(of_event, "{error}");
    }
}
