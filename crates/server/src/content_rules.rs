//! What an origin's configuration says of a film's rules.

use crate::Config;
use crate::config::UpdateStrategy;
use crate::store::Movie;
use ::origin::scope::Settings;
use license::{Player, Policy};

/// What an origin's configuration says of a film's rules, over what the catalogue says. Nothing of packed
/// films.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct ContentRules {
    policy: Option<String>,
    license: Option<crate::LicenseMode>,
    players: Option<Vec<Player>>,
    /// Seconds.
    pub(crate) update_interval: Option<u64>,
    pub(crate) update_strategy: Option<UpdateStrategy>,
    /// When its files or folders changed last. Unix seconds.
    pub(crate) changed: u64,
}

impl ContentRules {
    pub(crate) fn new(config: &Config, set: &str, settings: &Settings, changed: u64) -> Self {
        let set = config.set.iter().find(|known| known.prefix == set);
        Self {
            policy: settings.policy.value.clone(),
            // Both were checked when they were read.
            license: settings.license.value.as_deref().and_then(|mode| mode.parse().ok()),
            players: set.and_then(crate::config::ClientSet::players),
            update_interval: settings.update_interval.value.map(|interval| interval.as_secs()),
            update_strategy: settings.update_strategy.value,
            changed,
        }
    }

    /// The movie with the policy and the license mode that hold for it.
    pub(crate) fn over(&self, mut movie: Movie) -> Movie {
        if let Some(policy) = &self.policy {
            movie.policy.clone_from(policy);
        }
        movie.license = self.license.unwrap_or(movie.license);
        movie
    }

    /// A license's rules with the players of the client set.
    pub(crate) fn players_over(&self, mut policy: Policy) -> Policy {
        if self.players.is_some() {
            policy.players.clone_from(&self.players);
        }
        policy
    }
}
