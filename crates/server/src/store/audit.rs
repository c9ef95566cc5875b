//! The audit log: what subscribers and operators did, and what was refused to them.

use serde::Serialize;
use serde_json::{Map, Value};

/// What an entry says that was done as asked.
const DONE: &str = "done";

/// Who did it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Actor {
    /// Somebody by the network: a subscriber, a device.
    Client,
    /// Somebody at the command line.
    Operator,
}

impl Actor {
    /// As it is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Operator => "operator",
        }
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        [Self::Client, Self::Operator].into_iter().find(|actor| actor.as_str() == text)
    }
}

/// One entry. It is written in the transaction of what it tells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AuditEntry {
    /// When, Unix seconds.
    pub at: u64,
    /// Who did it.
    pub actor: Actor,
    /// What: `login`, `register`, `license`, …; an operator's is the command, like `device remove`.
    pub action: String,
    /// `done`, or the code of the error.
    pub result: String,
    /// Whose account it is about.
    pub account: Option<i64>,
    /// The device.
    pub device: Option<String>,
    /// The movie.
    pub movie: Option<u64>,
    /// From where, as `log.addresses` has it.
    pub network: Option<String>,
    /// What else there is to say: keys, policy, what a command was told.
    pub details: Map<String, Value>,
}

impl AuditEntry {
    /// What a client did.
    pub fn client(action: &str, at: u64) -> Self {
        Self {
            at,
            actor: Actor::Client,
            action: action.to_owned(),
            result: DONE.to_owned(),
            account: None,
            device: None,
            movie: None,
            network: None,
            details: Map::new(),
        }
    }

    /// What an operator does by a command now; with the name that they signed in to this machine by, as far
    /// as it says.
    pub fn operator(action: &str) -> Self {
        let name = ["SUDO_USER", "USER", "LOGNAME"].into_iter().find_map(|name| std::env::var(name).ok());
        let entry = Self { actor: Actor::Operator, ..Self::client(action, crate::Clock::System.now()) };
        match name {
            Some(name) => entry.with("user", name),
            None => entry,
        }
    }

    /// What came of it, if it was not done: the code of the error.
    #[must_use]
    pub fn result(mut self, result: &str) -> Self {
        result.clone_into(&mut self.result);
        self
    }

    /// Whose account it is about.
    #[must_use]
    pub fn of(self, account: i64) -> Self {
        Self { account: Some(account), ..self }
    }

    /// The device.
    #[must_use]
    pub fn on(self, device: &str) -> Self {
        Self { device: Some(device.to_owned()), ..self }
    }

    /// The movie.
    #[must_use]
    pub fn movie(self, movie: u64) -> Self {
        Self { movie: Some(movie), ..self }
    }

    /// From where it was done, as far as that is written down.
    #[must_use]
    pub fn from(self, network: Option<&str>) -> Self {
        Self { network: network.map(str::to_owned), ..self }
    }

    /// One more detail.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.details.insert(name.to_owned(), value.into());
        self
    }
}

/// An entry as it is read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Audited {
    /// Its number; later ones are greater.
    pub id: i64,
    /// What was written.
    #[serde(flatten)]
    pub entry: AuditEntry,
    /// The account's address, if there is that account.
    pub email: Option<String>,
}

/// Which entries are asked for; what is absent does not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// About this account.
    pub account: Option<i64>,
    /// About this device.
    pub device: Option<String>,
    /// About this movie.
    pub movie: Option<u64>,
    /// Not before, Unix seconds.
    pub since: Option<u64>,
    /// Only those with greater numbers.
    pub after: i64,
    /// So many at most.
    pub most: u32,
}
