//! Lists of the players that may play.

use super::url::check_origin;
use crate::Error;
use license::Player;
use serde::{Deserialize, Deserializer};

/// A player that may, as an origin or as a table with `origin` and `release`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedPlayer(pub Player);

impl<'de> Deserialize<'de> for ListedPlayer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged, deny_unknown_fields)]
        enum Form {
            Origin(String),
            Table { origin: String, release: Option<String> },
        }
        let (origin, release) = match Form::deserialize(deserializer)? {
            Form::Origin(origin) => (origin, None),
            Form::Table { origin, release } => (origin, release),
        };
        let octets = |text: String| {
            let octets = hex::decode(text).ok().and_then(|octets| octets.try_into().ok());
            octets.ok_or_else(|| serde::de::Error::custom("release must be 64 hexadecimal digits"))
        };
        Ok(Self(Player { origin, release: release.map(octets).transpose()? }))
    }
}

/// Whether each of them is an origin as browsers write it.
///
/// # Errors
/// [`Error::Setting`] with the setting's `name`.
pub(super) fn check(name: &'static str, players: &[ListedPlayer]) -> Result<(), Error> {
    players.iter().try_for_each(|player| check_origin(name, &player.0.origin))
}
