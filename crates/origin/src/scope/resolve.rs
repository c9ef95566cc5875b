use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use cenc::{ContentId, Level, Scheme};

use super::{FileError, Form, Rotate, Scope, SettingsFile, Strategy, Table};
use crate::ContentPath;

/// What a folder says of the contents in it and below it.
#[derive(Debug, Clone)]
pub enum Folder<'a> {
    /// Nothing: it has no file.
    None,
    /// What its file says.
    File(&'a SettingsFile),
    /// It has a file that cannot be read.
    Broken(&'a FileError),
}

/// What a client set says for itself. It goes over what server and folders say, because nothing else tells
/// sets apart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SetWords {
    /// Id of the common key.
    pub common_key: Option<Value<String>>,
    /// Name of the policy.
    pub policy: Option<Value<String>>,
}

/// A value, and who said so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Value<T> {
    /// The value.
    pub value: T,
    /// Who said so.
    pub from: From,
}

/// Who said what a value is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum From {
    /// Nobody.
    Default,
    /// A file, on a line.
    File {
        /// Where it is.
        path: PathBuf,
        /// From 1.
        line: usize,
    },
}

/// Displays as `file:line`, or `default`.
impl fmt::Display for From {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { path, line } => write!(f, "{}:{line}", path.display()),
        }
    }
}

/// The settings that hold for a content by a form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Whether it is encrypted; else it is served clear.
    pub enabled: Value<bool>,
    /// Counter mode, or CBC with a pattern.
    pub scheme: Value<Scheme>,
    /// Id of the common key; `None`: the active one.
    pub common_key: Value<Option<String>>,
    /// What keys are derived for; `None` for a path that can be none.
    pub content_id: Value<ContentId>,
    /// Which samples of a video.
    pub level: Value<Level>,
    /// How often the key changes; `None`: never.
    pub rotate: Value<Option<Rotate>>,
    /// How much of the beginning is clear.
    pub clear_lead: Value<Duration>,
    /// Name of the policy; `None`: the film's own in the catalogue.
    pub policy: Value<Option<String>>,
    /// Where licenses come from; `None`: as the catalogue says.
    pub license: Value<Option<String>>,
    /// `None`: the server's `drm.update_interval`.
    pub update_interval: Value<Option<Duration>>,
    /// `None`: the server's `drm.update_strategy`.
    pub update_strategy: Value<Option<Strategy>>,
}

/// Why a content is not served by a form.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Off {
    /// The scope is `content`, and nobody covers it.
    #[error(
        "the scope of encryption.{form} is content, and no folder of {content} has a table [encryption.{form}]"
    )]
    Uncovered {
        /// The form.
        form: &'static str,
        /// The content.
        content: String,
    },
    /// The file that might cover it cannot be read.
    #[error(transparent)]
    Broken(#[from] FileError),
}

/// Whether what a folder says of a form is ignored.
pub fn is_ignored(server: &SettingsFile, folder: &SettingsFile, form: Form) -> bool {
    scope(server, form) == Scope::Server && folder.forms.of(form).is_some()
}

fn scope(server: &SettingsFile, form: Form) -> Scope {
    server.forms.of(form).and_then(|table| table.scope).unwrap_or_default()
}

/// The settings for a content by a form. `folders` are those that it lies in, the nearest first.
///
/// # Errors
/// [`Off`]: by this form it is not served at all.
pub fn resolve(
    server: &SettingsFile,
    form: Form,
    content: &ContentPath,
    folders: &[Folder<'_>],
    set: &SetWords,
) -> Result<Settings, Off> {
    let none = Table::default();
    let (file, table) = match scope(server, form) {
        Scope::Server => (server, server.forms.of(form).unwrap_or(&none)),
        Scope::Content => nearest(form, content, folders)?,
    };
    let from = |name: &str| {
        let line = file.lines.of(&format!("encryption.{}.{name}", form.name()));
        // Tables that were never text have no lines.
        line.map_or(From::Default, |line| From::File { path: file.path.clone(), line })
    };
    let content_id = match (&table.content_id, content.content_id()) {
        (Some(id), _) => Value { value: id.clone(), from: from("content_id") },
        // A path always is one: its form in URLs is printable.
        (None, id) => Value { value: id.unwrap_or_else(|| ContentId::of_movie(0)), from: From::Default },
    };
    Ok(Settings {
        enabled: said(table.enabled, true, from("enabled")),
        scheme: said(table.scheme, Scheme::Cenc, from("scheme")),
        common_key: over(set.common_key.as_ref(), table.common_key.as_ref(), from("common_key")),
        content_id,
        level: said(table.level, Level::High, from("level")),
        rotate: Value { value: table.rotate, from: from("rotate") },
        clear_lead: said(table.clear_lead.map(|lead| lead.0), Duration::ZERO, from("clear_lead")),
        policy: over(set.policy.as_ref(), table.policy.as_ref(), from("policy")),
        license: Value { value: table.license.clone(), from: from("license") },
        update_interval: Value {
            value: table.update_interval.map(|interval| interval.0),
            from: from("update_interval"),
        },
        update_strategy: Value { value: table.update_strategy, from: from("update_strategy") },
    })
}

fn nearest<'a>(
    form: Form,
    content: &ContentPath,
    folders: &[Folder<'a>],
) -> Result<(&'a SettingsFile, &'a Table), Off> {
    for folder in folders {
        match folder {
            Folder::None => {}
            Folder::Broken(error) => return Err(Off::Broken((*error).clone())),
            Folder::File(file) => {
                if let Some(table) = file.forms.of(form) {
                    return Ok((file, table));
                }
            }
        }
    }
    Err(Off::Uncovered { form: form.name(), content: content.to_string() })
}

fn said<T>(said: Option<T>, default: T, from: From) -> Value<T> {
    match said {
        Some(value) => Value { value, from },
        None => Value { value: default, from: From::Default },
    }
}

fn over(set: Option<&Value<String>>, table: Option<&String>, from: From) -> Value<Option<String>> {
    match set {
        Some(said) => Value { value: Some(said.value.clone()), from: said.from.clone() },
        None => Value { value: table.cloned(), from },
    }
}

/// A value for people and programs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Plain {
    /// Yes or no.
    Flag(bool),
    /// Seconds.
    Seconds(u64),
    /// A word.
    Text(String),
    /// None.
    Absent,
}

impl fmt::Display for Plain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(flag) => write!(f, "{flag}"),
            Self::Seconds(seconds) => write!(f, "{seconds}"),
            Self::Text(text) => f.write_str(text),
            Self::Absent => f.write_str("-"),
        }
    }
}

/// A setting by its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// Its name in the table.
    pub name: &'static str,
    /// Its value.
    pub value: Plain,
    /// Who said so.
    pub from: From,
}

impl Settings {
    /// All settings, in the order in which documents name them.
    pub fn shown(&self) -> Vec<Shown> {
        let text = |text: Option<String>| text.map_or(Plain::Absent, Plain::Text);
        let interval = self.update_interval.value;
        let strategy = self.update_strategy.value.map(|strategy| match strategy {
            Strategy::Start => "start".to_owned(),
            Strategy::Force => "force".to_owned(),
        });
        let values = [
            ("enabled", Plain::Flag(self.enabled.value), &self.enabled.from),
            ("scheme", Plain::Text(self.scheme.value.to_string()), &self.scheme.from),
            ("common_key", text(self.common_key.value.clone()), &self.common_key.from),
            ("content_id", Plain::Text(self.content_id.value.to_string()), &self.content_id.from),
            ("level", Plain::Text(self.level.value.to_string()), &self.level.from),
            ("rotate", text(self.rotate.value.map(|rotate| rotate.to_string())), &self.rotate.from),
            ("clear_lead", Plain::Seconds(self.clear_lead.value.as_secs()), &self.clear_lead.from),
            ("policy", text(self.policy.value.clone()), &self.policy.from),
            ("license", text(self.license.value.clone()), &self.license.from),
            (
                "update_interval",
                interval.map_or(Plain::Absent, |time| Plain::Seconds(time.as_secs())),
                &self.update_interval.from,
            ),
            ("update_strategy", text(strategy), &self.update_strategy.from),
        ];
        values.map(|(name, value, from)| Shown { name, value, from: from.clone() }).into()
    }
}
