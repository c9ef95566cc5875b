//! What is said about every code: in an alert, and at greater length on the page `/help/CODE`. The words are
//! those of the page's language (`www/languages`).

/// The words for a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Words {
    /// One line, without a full stop.
    pub title: &'static str,
    /// What it means, and the first thing to do. What only a server or the player can know may stand in its
    /// place.
    pub text: &'static str,
    /// What else there is to know and to do.
    pub more: &'static str,
}

/// The words for a code, as the error table (docs/protocol.md, section 4) or the player writes it; `None`: it
/// is not known.
pub fn of(code: &str) -> Option<Words> {
    let [title, text, more] = localization::code(code)?;
    Some(Words { title, text, more })
}

#[cfg(test)]
mod tests {
    use nccp::ErrorCode;

    use super::*;

    #[test]
    fn every_code_has_words_and_only_one() {
        for code in ErrorCode::ALL.iter().filter(|code| **code != ErrorCode::Other) {
            assert!(of(code.as_str()).is_some(), "{code}");
        }
        let codes: Vec<&str> = localization::codes().collect();
        for (n, code) in codes.iter().enumerate() {
            assert!(!codes[..n].contains(code), "{code} twice");
        }
        let network = of("NETWORK").unwrap();
        assert_eq!(network.title, "The service does not answer");
        assert!(network.text.starts_with("Check your connection.") && network.more.contains("by itself"));
        assert_eq!(of("NO_SUCH_CODE"), None);
    }

    /// The table of docs/protocol.md names no code that has no words.
    #[test]
    fn the_documents_codes_have_words() {
        let document = include_str!("../../../docs/protocol.md");
        let (_, table) = document.split_once("\n## 4. Errors\n").unwrap();
        let (table, _) = table.split_once("\n## ").unwrap();
        let rows = table.lines().filter_map(|line| line.strip_prefix("| `")?.split(" | ").next());
        let codes: Vec<&str> =
            rows.flat_map(|cell| cell.split(['`', ',', ' '])).filter(|c| !c.is_empty()).collect();
        assert!(codes.len() > 20, "{codes:?}");
        for code in codes {
            assert!(of(code).is_some(), "{code}");
        }
    }
}
