//! The site's languages: tables out of message files (`www/languages/*.ftl`), for the app and its loader.

use std::collections::BTreeMap;

use fluent_compiler::{Reference, WITHOUT_THE_APP};
use serde_json::json;

use crate::error::Error;

/// The file that the others follow, and that the app has in it.
const ENGLISH: &str = "en";

/// A language's table.
pub(super) struct Table {
    /// The language (BCP 47), as its file is called.
    pub(super) tag: String,
    /// `ltr` or `rtl`.
    pub(super) direction: String,
    /// What is said without the app, by the keys of the messages.
    pub(super) early: BTreeMap<String, String>,
    /// What the app and its loader fetch.
    pub(super) json: Vec<u8>,
}

/// A table for each language but English, by the texts of the files. Without files there are none.
///
/// # Errors
/// [`Error::Site`] for a file that does not have what the English one has.
pub(super) fn tables(files: &BTreeMap<String, String>) -> Result<Vec<Table>, Error> {
    let Some(english) = files.get(ENGLISH) else {
        let missing = || Error::Site(format!("there is no languages/{ENGLISH}.ftl, which the others follow"));
        return if files.is_empty() { Ok(Vec::new()) } else { Err(missing()) };
    };
    let wrong =
        |tag: &str, error: fluent_compiler::Error| Error::Site(format!("languages/{tag}.ftl: {error}"));
    let reference = Reference::parse(english).map_err(|error| wrong(ENGLISH, error))?;
    let others = files.iter().filter(|(tag, _)| *tag != ENGLISH);
    others
        .map(|(tag, text)| {
            let patterns = reference.translate(text).map_err(|error| wrong(tag, error))?;
            table(tag, &reference, &patterns)
        })
        .collect()
}

fn table(tag: &str, reference: &Reference, patterns: &[String]) -> Result<Table, Error> {
    let said = || reference.messages.iter().map(|message| message.key.as_str()).zip(patterns);
    let direction = said().find(|(key, _)| *key == "direction").map(|(_, direction)| direction.clone());
    let direction = direction.filter(|direction| ["ltr", "rtl"].contains(&direction.as_str()));
    let direction = direction
        .ok_or_else(|| Error::Site(format!("languages/{tag}.ftl: `direction` is neither ltr nor rtl")))?;
    let early = said().filter(|(key, _)| key.starts_with(WITHOUT_THE_APP));
    let early: BTreeMap<String, String> = early.map(|(key, text)| (key.to_owned(), text.clone())).collect();
    let json = json!({
        "language": tag,
        "fingerprint": reference.fingerprint(),
        "early": early,
        "messages": patterns,
    });
    Ok(Table { tag: tag.to_owned(), direction, json: json.to_string().into_bytes(), early })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(of: &[(&str, &str)]) -> BTreeMap<String, String> {
        of.iter().map(|(tag, text)| ((*tag).to_owned(), (*text).to_owned())).collect()
    }

    const ENGLISH_TEXT: &str = "direction = ltr\nearly-wait = Wait\nplay = Play { $title }\n";

    #[test]
    fn every_language_but_english_gets_a_table() {
        let arabic = "direction = rtl\nplay = تشغيل { $title }\nearly-wait = انتظر\n";
        let tables = tables(&files(&[("en", ENGLISH_TEXT), ("ar", arabic)])).unwrap();
        assert_eq!(tables.len(), 1);
        assert_eq!((tables[0].tag.as_str(), tables[0].direction.as_str()), ("ar", "rtl"));
        let json: serde_json::Value = serde_json::from_slice(&tables[0].json).unwrap();
        assert_eq!(json["messages"], json!(["rtl", "انتظر", "تشغيل {0}"]));
        assert_eq!(json["early"], json!({"early-wait": "انتظر"}));
        assert_eq!(json["fingerprint"], Reference::parse(ENGLISH_TEXT).unwrap().fingerprint());
        assert!(super::tables(&files(&[])).unwrap().is_empty());
    }

    #[test]
    fn a_file_that_does_not_follow_the_english_one_is_refused_by_name() {
        for (of, problem) in [
            (
                files(&[("en", ENGLISH_TEXT), ("de", "direction = ltr\n")]),
                "languages/de.ftl: early-wait: is missing",
            ),
            (
                files(&[("en", "direction = ltr\n"), ("de", "direction = up\n")]),
                "languages/de.ftl: `direction` is neither",
            ),
            (files(&[("de", "direction = ltr\n")]), "no languages/en.ftl"),
        ] {
            let error = tables(&of).err().unwrap().to_string();
            assert!(error.contains(problem), "{error}");
        }
    }
}
