use serde::{Deserialize, Serialize};

/// Where a live event stands, as indexes, the library and the server's notes have it (docs/protocol.md,
/// section 13).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EventState {
    /// Nothing of it has come yet.
    #[default]
    Waiting,
    /// It goes on.
    Live,
    /// Its encoder is silent.
    Interrupted,
    /// It is over.
    Ended,
}

impl EventState {
    /// As it is written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Live => "live",
            Self::Interrupted => "interrupted",
            Self::Ended => "ended",
        }
    }

    /// Reads it; `None` of what this version does not know.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Waiting, Self::Live, Self::Interrupted, Self::Ended]
            .into_iter()
            .find(|state| state.as_str() == text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_are_written_as_they_are_read() {
        for state in ["waiting", "live", "interrupted", "ended"] {
            let known = EventState::parse(state).unwrap();
            assert_eq!(known.as_str(), state);
            assert_eq!(serde_json::to_string(&known).unwrap(), format!("\"{state}\""));
            assert_eq!(serde_json::from_str::<EventState>(&format!("\"{state}\"")).unwrap(), known);
        }
        assert_eq!(EventState::parse("over"), None);
    }
}
