use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use cenc::{ContentId, Level, Scheme};
use cmaf::Rotation;
use serde::de::{Error as _, Visitor};
use serde::{Deserialize, Deserializer};

/// Longest rotation, clear lead and update interval: a day and a year.
const DAY: Duration = Duration::from_secs(86_400);
const YEAR: Duration = Duration::from_secs(366 * 86_400);

/// A form of delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Form {
    /// What Matinee's own players play.
    Own,
    /// `stream.mpd`.
    Dash,
    /// `master.m3u8`.
    Hls,
}

impl Form {
    /// Every form.
    pub const ALL: [Self; 3] = [Self::Own, Self::Dash, Self::Hls];

    /// The name of its table.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Own => "own",
            Self::Dash => "dash",
            Self::Hls => "hls",
        }
    }
}

/// Who says how a form's contents are encrypted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// The server's file, for all.
    #[default]
    Server,
    /// The folders of the contents, and nobody else.
    Content,
}

/// When players that are running learn of changed rules.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Strategy {
    /// When they start the next time.
    #[default]
    Start,
    /// With their next report.
    Force,
}

/// The tables of a file, as they stand there.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Forms {
    /// `[encryption.own]`
    pub own: Option<Table>,
    /// `[encryption.dash]`
    pub dash: Option<Table>,
    /// `[encryption.hls]`
    pub hls: Option<Table>,
}

impl Forms {
    /// The table of a form, where there is one.
    pub const fn of(&self, form: Form) -> Option<&Table> {
        match form {
            Form::Own => self.own.as_ref(),
            Form::Dash => self.dash.as_ref(),
            Form::Hls => self.hls.as_ref(),
        }
    }
}

/// `[encryption.FORM]`: what is said, and nothing else.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Table {
    /// In the server's file alone.
    pub scope: Option<Scope>,
    /// Whether the content is encrypted; else it is served clear.
    pub enabled: Option<bool>,
    /// `cenc` or `cbcs`.
    #[serde(deserialize_with = "text")]
    pub scheme: Option<Scheme>,
    /// Id of the common key.
    pub common_key: Option<String>,
    /// What keys are derived for.
    #[serde(deserialize_with = "text")]
    pub content_id: Option<ContentId>,
    /// `high`, `medium` or `low`.
    #[serde(deserialize_with = "text")]
    pub level: Option<Level>,
    /// How often the key changes.
    pub rotate: Option<Rotate>,
    /// How much of the beginning is clear.
    pub clear_lead: Option<Period>,
    /// Name of the licenses' policy.
    pub policy: Option<String>,
    /// Where licenses come from: `server`, `embedded`, `embedded-browser`, `embedded-box`, `embedded-all`.
    pub license: Option<String>,
    /// Time after which caches that ask get new DRM metadata.
    pub update_interval: Option<Period>,
    /// When running players learn of changed rules.
    pub update_strategy: Option<Strategy>,
}

impl Table {
    /// What types alone do not refuse: name and reason.
    pub(super) fn check(&self) -> Result<(), (&'static str, &'static str)> {
        let modes = ["server", "embedded", "embedded-browser", "embedded-box", "embedded-all"];
        if self.license.as_deref().is_some_and(|mode| !modes.contains(&mode)) {
            return Err((
                "license",
                "must be server, embedded, embedded-browser, embedded-box or embedded-all",
            ));
        }
        if self.clear_lead.is_some_and(|lead| lead.0 > DAY) {
            return Err(("clear_lead", "must be at most 24h"));
        }
        if self.update_interval.is_some_and(|interval| interval.0.as_secs() == 0 || interval.0 > YEAR) {
            return Err(("update_interval", "must be 1s to 1 year"));
        }
        match self.rotate {
            Some(Rotate(Rotation::Segments(0))) => Err(("rotate", "must be at least one segment")),
            Some(Rotate(Rotation::Time(time))) if time > DAY => Err(("rotate", "must be at most 24h")),
            _ => Ok(()),
        }
    }
}

fn text<'de, T, D>(input: D) -> Result<Option<T>, D::Error>
where
    T: FromStr<Err: fmt::Display>,
    D: Deserializer<'de>,
{
    let text = String::deserialize(input)?;
    text.parse().map(Some).map_err(D::Error::custom)
}

/// A time: seconds as a number, or like `90s`, `5m` or `1h 30m`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period(pub Duration);

impl<'de> Deserialize<'de> for Period {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        let said = input.deserialize_any(NumberOrText)?;
        match said {
            Said::Number(seconds) => Ok(Self(Duration::from_secs(seconds))),
            Said::Text(text) => humantime::parse_duration(&text)
                .map(Self)
                .map_err(|_| D::Error::custom("must be a time, like 90s, 5m or 1h")),
        }
    }
}

/// `rotate`: a number of segments, or a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rotate(pub Rotation);

impl fmt::Display for Rotate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Rotation::Segments(count) => write!(f, "{count}"),
            Rotation::Time(time) => write!(f, "{}", humantime::format_duration(time)),
        }
    }
}

impl<'de> Deserialize<'de> for Rotate {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        let wrong = || D::Error::custom("must be a number of segments, like 10, or a time, like 60s or 5m");
        let rotation = match input.deserialize_any(NumberOrText)? {
            Said::Number(count) => Rotation::Segments(u32::try_from(count).map_err(|_| wrong())?),
            Said::Text(text) => match text.parse() {
                Ok(count) => Rotation::Segments(count),
                Err(_) => Rotation::Time(humantime::parse_duration(&text).map_err(|_| wrong())?),
            },
        };
        Ok(Self(rotation))
    }
}

enum Said {
    Number(u64),
    Text(String),
}

struct NumberOrText;

impl Visitor<'_> for NumberOrText {
    type Value = Said;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number or a text")
    }

    fn visit_u64<E>(self, number: u64) -> Result<Said, E> {
        Ok(Said::Number(number))
    }

    fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<Said, E> {
        u64::try_from(number).map(Said::Number).map_err(|_| E::custom("must not be negative"))
    }

    fn visit_str<E>(self, text: &str) -> Result<Said, E> {
        Ok(Said::Text(text.to_owned()))
    }
}
