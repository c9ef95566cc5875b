//! The web manifest in each language. The one in `www` is English; its member `say` names the message of each
//! member that is translated.

use serde_json::{Map, Value};

use super::languages::Table;
use crate::error::Error;

/// Its name in `www`.
pub(super) const FILE: &str = "site.webmanifest";

/// Its name in a language.
pub(super) fn name(tag: &str) -> String {
    format!("site-{tag}.webmanifest")
}

/// The English manifest and, by the names of their files, those of the other languages.
///
/// # Errors
/// [`Error::Site`] for what is no manifest, or says what there is not.
pub(super) fn manifests(english: &[u8], tables: &[Table]) -> Result<Vec<(String, Vec<u8>)>, Error> {
    let wrong = |reason: &str| Error::Site(format!("{FILE}: {reason}"));
    let mut english: Map<String, Value> =
        serde_json::from_slice(english).map_err(|error| wrong(&error.to_string()))?;
    let said = english.remove("say").unwrap_or_default();
    let said = said.as_object().cloned().unwrap_or_default();
    let mut all = vec![(FILE.to_owned(), Value::Object(english.clone()).to_string().into_bytes())];
    for table in tables {
        let mut manifest = english.clone();
        manifest.insert("lang".to_owned(), table.tag.clone().into());
        manifest.insert("dir".to_owned(), table.direction.clone().into());
        for (member, message) in &said {
            let text = message.as_str().and_then(|message| table.early.get(message));
            let text = text.ok_or_else(|| wrong(&format!("there is no message {message} for {member}")))?;
            manifest.insert(member.clone(), text.clone().into());
        }
        all.push((name(&table.tag), Value::Object(manifest).to_string().into_bytes()));
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;

    #[test]
    fn each_language_has_its_own() {
        let table = Table {
            tag: "ar".to_owned(),
            direction: "rtl".to_owned(),
            early: BTreeMap::from([("early-description".to_owned(), "أفلام".to_owned())]),
            json: Vec::new(),
        };
        let english = json!({"lang": "en", "dir": "ltr", "name": "Matinee", "description": "Films",
            "say": {"description": "early-description"}});
        let made = manifests(english.to_string().as_bytes(), &[table]).unwrap();
        let read = |octets: &[u8]| serde_json::from_slice::<Value>(octets).unwrap();
        assert_eq!(made[0].0, "site.webmanifest");
        assert_eq!(
            read(&made[0].1),
            json!({"lang": "en", "dir": "ltr", "name": "Matinee", "description": "Films"})
        );
        assert_eq!(made[1].0, "site-ar.webmanifest");
        assert_eq!(
            read(&made[1].1),
            json!({"lang": "ar", "dir": "rtl", "name": "Matinee", "description": "أفلام"})
        );
    }

    #[test]
    fn what_is_no_manifest_is_refused() {
        assert!(manifests(b"[]", &[]).is_err());
        let table =
            Table { tag: "de".into(), direction: "ltr".into(), early: BTreeMap::new(), json: Vec::new() };
        let english = br#"{"say": {"description": "early-nothing"}}"#;
        let error = manifests(english, &[table]).unwrap_err().to_string();
        assert!(error.contains("early-nothing"), "{error}");
    }
}
