use super::folder_file::{folders_of, settings};
use super::sources::Sources;
use crate::config::{UpdateStrategy, VOD};
use crate::{Config, Error};
use ::origin::ContentPath;
use ::origin::scope::{Form, From, Plain, Shown};
use serde_json::{Value, json};

/// The whole configuration as it is in force: each name with its value, and where that is from: `file` and
/// `line`, or else `from`: `default`, `environment`, or `command line or environment`. Secrets are not in it.
///
/// # Errors
/// [`Error::Io`] if the file cannot be read again.
pub fn of_server(config: &Config) -> Result<Value, Error> {
    let file = config.encryption();
    let text = match file.path.as_os_str().is_empty() {
        true => String::new(),
        false => std::fs::read_to_string(&file.path).map_err(Error::io(&file.path))?,
    };
    let values: Value = toml::from_str(&text).unwrap_or_default();
    let is_overridden = |name: &str| config.overridden.contains(&name);
    let mut shown = serde_json::Map::new();
    for (name, value) in config.listed() {
        let from = match is_overridden(name) {
            true => "command line or environment",
            false => "default",
        };
        let value = redacted(name, value);
        shown.insert(name.to_owned(), json!({"value": value, "file": null, "line": null, "from": from}));
    }
    for (name, line) in file.lines.names() {
        let value = values.pointer(&format!("/{}", name.replace('.', "/")));
        // Tables have their names below, and so have lists of tables.
        let is_list = |value: &Value| value.as_array().is_some_and(|list| list.iter().any(Value::is_object));
        let Some(value) = value.filter(|value| !value.is_object() && !is_list(value)) else { continue };
        if !is_overridden(name) {
            let value = redacted(name, value.clone());
            let said = json!({"value": value, "file": file.path, "line": line, "from": "file"});
            shown.insert(name.to_owned(), said);
        }
    }
    if std::env::var_os("MATINEE_DATABASE_URL").is_some() {
        let said = json!({"value": REDACTED, "file": null, "line": null, "from": "environment"});
        shown.insert("database.url".to_owned(), said);
    }
    Ok(Value::Object(shown))
}

/// In place of a secret.
const REDACTED: &str = "[redacted]";

/// A value without what is secret in it: what opens something by itself, and addresses with a password. Where
/// a secret is from may be seen.
fn redacted(name: &str, value: Value) -> Value {
    let last = name.rsplit('.').next().unwrap_or_default();
    let is_secret = name == "database.url" || ["secrets", "pull_secrets"].contains(&last);
    match value {
        Value::Array(list) => list.into_iter().map(|value| redacted(name, value)).collect(),
        Value::String(text) => {
            let names_place = text.starts_with("file:") || text.starts_with("env:");
            let has_password = text.contains("://") && text.contains('@');
            match (is_secret && !names_place) || has_password {
                true => REDACTED.into(),
                false => text.into(),
            }
        }
        other => other,
    }
}

/// What holds for a content: by each form of delivery its settings, each with value, file and line (both null
/// for what nobody says), or why it is not served so.
///
/// # Errors
/// [`Error::Setting`] for a path or a set that cannot be, where there are no sources, and where a bucket does
/// not say what is there.
pub async fn by_path(config: &Config, path: &str, set: Option<&str>) -> Result<Value, Error> {
    let set = set.unwrap_or(VOD);
    let setting = |name, reason: String| Error::Setting { name, reason };
    let content: ContentPath = path.parse().map_err(|reason: &str| setting("path", reason.to_owned()))?;
    let words = config.set_words(set).ok_or_else(|| setting("set", format!("there is no set \"{set}\"")))?;
    let sources = Sources::open(config)?;
    let sources = sources.ok_or_else(|| setting("origin.sources", "there are none".to_owned()))?;
    let folders = folders_of(&sources, &content).await;
    let mut forms = serde_json::Map::new();
    for form in Form::ALL {
        let shown = match settings(config.encryption(), form, &content, &folders, &words) {
            Ok(settings) => {
                let values = settings.shown().into_iter().map(|shown| with_drm(config, shown));
                let values: serde_json::Map<_, _> =
                    values.map(|shown| (shown.name.to_owned(), plain(&shown))).collect();
                json!({"served": true, "settings": values})
            }
            Err(off) => json!({"served": false, "reason": off.to_string()}),
        };
        forms.insert(form.name().to_owned(), shown);
    }
    let there = sources.stamp(&format!("{content}/{}", pack::layout::SOURCE_JSON)).await;
    let there = there.map_err(|error| setting("origin.sources", error.to_string()))?;
    Ok(json!({"path": content.as_str(), "set": set, "exists": there.is_some(), "forms": forms}))
}

fn plain(shown: &Shown) -> Value {
    let value = match &shown.value {
        Plain::Flag(flag) => json!(flag),
        Plain::Seconds(seconds) => json!(seconds),
        Plain::Text(text) => json!(text),
        Plain::Absent => Value::Null,
    };
    match &shown.from {
        From::Default => json!({"value": value, "file": null, "line": null}),
        From::File { path, line } => json!({"value": value, "file": path, "line": line}),
    }
}

/// What nobody says of a content is as `[drm]` says it.
fn with_drm(config: &Config, shown: Shown) -> Shown {
    let value = match (shown.name, &shown.value) {
        ("update_interval", Plain::Absent) => Plain::Seconds(config.drm.update_interval),
        ("update_strategy", Plain::Absent) => Plain::Text(
            match config.drm.update_strategy {
                UpdateStrategy::Start => "start",
                UpdateStrategy::Force => "force",
            }
            .to_owned(),
        ),
        _ => return shown,
    };
    let file = config.encryption();
    let line = file.lines.of(&format!("drm.{}", shown.name));
    let from = line.map_or(From::Default, |line| From::File { path: file.path.clone(), line });
    Shown { value, from, ..shown }
}
