use super::folder_file::{folders_of, settings};
use super::sources::Sources;
use crate::config::{UpdateStrategy, VOD};
use crate::{Config, Error};
use ::origin::ContentPath;
use ::origin::scope::{Form, From, Plain, Shown};
use serde_json::{Value, json};

/// The tables of the server's file that say where films lie and how they are served. None of them has a secret.
const TABLES: [&str; 6] = ["origin", "encryption", "set", "drm", "storage", "live"];

/// What the server's file says of contents and live events: each name with value, file and line.
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
    let mut shown = serde_json::Map::new();
    for (name, line) in file.lines.names() {
        let table = name.split('.').next().unwrap_or_default();
        let value = values.pointer(&format!("/{}", name.replace('.', "/")));
        let Some(value) =
            value.filter(|value| !value.is_object() && (TABLES.contains(&table) || name == "edge.redirect"))
        else {
            continue;
        };
        // A list of tables has its names below.
        if value.as_array().is_some_and(|list| list.iter().any(Value::is_object)) && table == "set" {
            continue;
        }
        shown.insert(name.to_owned(), json!({"value": value, "file": file.path, "line": line}));
    }
    Ok(Value::Object(shown))
}

/// What holds for a content: by each form of delivery its settings, each with value, file and line (both null for
/// what nobody says), or why it is not served so.
///
/// # Errors
/// [`Error::Setting`] for a path or a set that cannot be, where there are no sources, and where a bucket does not say
/// what is there.
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
    let there = sources.look(&format!("{content}/{}", pack::layout::SOURCE_JSON)).await;
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
