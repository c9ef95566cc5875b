//! References of one file to another by relative name.

use std::collections::BTreeMap;

/// A place in a text where a file's name stands.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Reference<'a> {
    /// Where the name begins, after any `./`.
    pub(super) start: usize,
    /// The name.
    pub(super) name: &'a str,
}

/// Finds the names that stand between quotes or brackets, with or without `./` before them.
pub(super) fn references<'a>(text: &str, names: impl IntoIterator<Item = &'a str>) -> Vec<Reference<'a>> {
    let mut found = Vec::new();
    for name in names {
        for (start, _) in text.match_indices(name) {
            let before = text[..start].strip_suffix("./").unwrap_or(&text[..start]);
            let opened = before.ends_with(['"', '\'', '(']);
            let closed = text[start + name.len()..].starts_with(['"', '\'', ')']);
            if opened && closed {
                found.push(Reference { start, name });
            }
        }
    }
    found.sort_by_key(|reference| reference.start);
    found
}

/// The text with every reference replaced by the new name.
pub(super) fn rewrite(text: &str, new_names: &BTreeMap<String, String>) -> String {
    let mut out = String::with_capacity(text.len() + 64);
    let mut copied = 0;
    for reference in references(text, new_names.keys().map(String::as_str)) {
        out.push_str(&text[copied..reference.start]);
        out.push_str(&new_names[reference.name]);
        copied = reference.start + reference.name.len();
    }
    out.push_str(&text[copied..]);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> BTreeMap<String, String> {
        BTreeMap::from(
            [("matinee.js", "matinee-1.js"), ("matinee_bg.wasm", "matinee_bg-2.wasm"), ("a.js", "a-3.js")]
                .map(|(old, new)| (old.to_owned(), new.to_owned())),
        )
    }

    #[test]
    fn names_between_quotes_and_brackets_are_rewritten() {
        let text =
            "import init from \"./matinee.js\";\nnew URL('matinee_bg.wasm', import.meta.url);\nurl(./a.js)";
        let expected = "import init from \"./matinee-1.js\";\nnew URL('matinee_bg-2.wasm', import.meta.url);\nurl(./a-3.js)";
        assert_eq!(rewrite(text, &names()), expected);
    }

    #[test]
    fn other_mentions_stay() {
        for text in ["// see `matinee.js`", "\"my-a.js\"", "'./lib/a.js'", "matinee.js", "'a.js.map'"] {
            assert_eq!(rewrite(text, &names()), text);
        }
    }
}
