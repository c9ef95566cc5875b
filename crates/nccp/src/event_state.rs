use serde::{Deserialize, Serialize};

crate::named! {
    /// Where a live event stands, as indexes, the library and the server's notes have it (docs/protocol.md,
    /// section 13).
    #[derive(Default, Serialize, Deserialize)]
    #[serde(rename_all = "lowercase")]
    EventState {
        /// Nothing of it has come yet.
        #[default]
        Waiting = "waiting",
        /// It goes on.
        Live = "live",
        /// Its encoder is silent.
        Interrupted = "interrupted",
        /// It is over.
        Ended = "ended",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_are_written_as_they_are_read() {
        for state in ["waiting", "live", "interrupted", "ended"] {
            let known = EventState::named(state).unwrap();
            assert_eq!(known.as_str(), state);
            assert_eq!(serde_json::to_string(&known).unwrap(), format!("\"{state}\""));
            assert_eq!(serde_json::from_str::<EventState>(&format!("\"{state}\"")).unwrap(), known);
        }
        assert_eq!(EventState::named("over"), None);
    }
}
