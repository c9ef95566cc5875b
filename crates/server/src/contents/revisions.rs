//! Which settings made a revision: kept in the data folder, so that whoever has its URLs is served on after
//! the settings have changed. Each server keeps its own.

use crate::content_place::ContentPlace;
use crate::keys::KeyRing;
use crate::private;
use crate::secret::sha256;
use ::origin::scope::{Form, Settings};
use cenc::{ContentId, Level, Scheme};
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::task::spawn_blocking;

/// Revisions that are remembered of a content for a client set; those that were made longest ago are
/// forgotten.
const MOST: usize = 32;
/// Longest file that is read, in octets.
const MAX_FILE: u64 = 64 << 10;

/// What encrypts a revision. A clear one is not remembered: who encrypts a film means it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Revision {
    revision: String,
    form: String,
    scheme: String,
    level: String,
    /// As settings write it.
    rotate: Option<String>,
    /// Milliseconds.
    clear_lead: u64,
    content_id: String,
    common_key: String,
}

impl Revision {
    /// By a form's settings, under a common key.
    pub(super) fn new(revision: &str, form: Form, settings: &Settings, common_key: &str) -> Self {
        let lead = settings.clear_lead.value.as_millis();
        Self {
            revision: revision.to_owned(),
            form: form.name().to_owned(),
            scheme: settings.scheme.value.to_string(),
            level: settings.level.value.to_string(),
            rotate: settings.rotate.value.map(|rotate| rotate.to_string()),
            clear_lead: u64::try_from(lead).unwrap_or(u64::MAX),
            content_id: settings.content_id.value.as_str().to_owned(),
            common_key: common_key.to_owned(),
        }
    }

    /// The form that it was made for: its rules are those that hold today.
    pub(super) fn form(&self) -> Option<Form> {
        Form::ALL.into_iter().find(|form| form.name() == self.form)
    }

    pub(super) fn common_key(&self) -> &str {
        &self.common_key
    }

    /// Today's settings of its form, but encrypted as it was; `None`: that is no encryption.
    pub(super) fn over(&self, today: &Settings) -> Option<Settings> {
        let mut settings = today.clone();
        settings.enabled.value = true;
        settings.scheme.value = self.scheme.parse::<Scheme>().ok()?;
        settings.level.value = self.level.parse::<Level>().ok()?;
        settings.rotate.value = match self.rotate.as_deref() {
            None => None,
            Some("0") => return None,
            Some(text) => Some(serde_json::from_value(text.into()).ok()?),
        };
        settings.clear_lead.value = Duration::from_millis(self.clear_lead);
        settings.content_id.value = self.content_id.parse::<ContentId>().ok()?;
        Some(settings)
    }
}

/// The table: a file for each content of a client set and each way of encrypting it, samples or whole
/// segments.
#[derive(Debug)]
pub(super) struct Revisions {
    folder: PathBuf,
    /// Whoever writes has it.
    writing: Mutex<()>,
}

impl Revisions {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self { folder, writing: Mutex::default() }
    }

    /// What made a revision of a content, as far as is known here.
    pub(super) async fn find(&self, place: &ContentPlace, revision: &str) -> Option<Revision> {
        let path = self.path(place);
        let all = spawn_blocking(move || read(&path)).await.ok()?.ok()?;
        all.into_iter().find(|made| made.revision == revision)
    }

    /// Remembers what makes a revision. Of those before, the ones stay whose common keys are not retired.
    /// Where it cannot be written, the revision ends with these settings.
    pub(super) async fn keep(self: &Arc<Self>, place: &ContentPlace, made: Revision, ring: &Arc<KeyRing>) {
        let (this, path, ring) = (Arc::clone(self), self.path(place), Arc::clone(ring));
        let written = spawn_blocking(move || {
            let _turn = this.writing.lock().unwrap_or_else(PoisonError::into_inner);
            let mut all = read(&path)?;
            if all.contains(&made) {
                return Ok(());
            }
            all.retain(|other| {
                other.revision != made.revision && ring.common_key(&other.common_key).is_some()
            });
            all.push(made);
            let many = all.len().saturating_sub(MOST);
            all.drain(..many);
            write(&this.folder, &path, &all)
        });
        match written.await.map_err(io::Error::other).and_then(|written| written) {
            Ok(()) => {}
            Err(error) => {
                tracing::warn!(%place, %error, "a revision cannot be remembered: it ends when the settings change");
            }
        }
    }

    fn path(&self, place: &ContentPlace) -> PathBuf {
        let of = ContentPlace { revision: None, ..place.clone() }.to_string();
        self.folder.join(format!("{}.revisions", hex::encode(sha256(of.as_bytes()))))
    }
}

/// None, where there is no such file, or it is none of ours.
fn read(path: &Path) -> io::Result<Vec<Revision>> {
    let mut octets = Vec::new();
    match File::open(path) {
        Ok(file) => file.take(MAX_FILE + 1).read_to_end(&mut octets)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    Ok(serde_json::from_slice(&octets).unwrap_or_default())
}

fn write(folder: &Path, path: &Path, all: &[Revision]) -> io::Result<()> {
    private::make_folder(folder)?;
    let unfinished = path.with_extension(format!("{}.part", std::process::id()));
    let octets = serde_json::to_vec(all).map_err(io::Error::other)?;
    let write = || {
        let mut file = File::create(&unfinished)?;
        file.write_all(&octets)?;
        // The power may go: half a table would be none.
        file.sync_all()?;
        fs::rename(&unfinished, path)
    };
    let done = write();
    if done.is_err() {
        let _ = fs::remove_file(&unfinished);
    }
    done
}

#[cfg(test)]
mod tests {
    use super::*;
    use ::origin::scope::{Folder, SetWords, SettingsFile, resolve};
    use proptest::prelude::*;

    fn settings_of(text: &str) -> Settings {
        let file = SettingsFile::parse("matinee.toml", text).unwrap();
        let content = "films/a".parse().unwrap();
        resolve(&file, Form::Own, &content, &[Folder::None], &SetWords::default()).unwrap()
    }

    /// What was made by settings is made again by others; who it is for, and by which rules, they say
    /// themselves.
    #[test]
    fn a_revision_keeps_how_it_was_encrypted() {
        let before = "[encryption.own]\nscheme = \"cbcs\"\nlevel = \"low\"\nrotate = \"1m 30s\"\nclear_lead = \"8s\"\n\
                      content_id = \"one\"\npolicy = \"24h\"\n";
        for before in [before.to_owned(), before.replace("\"1m 30s\"", "7"), String::new()] {
            let before = settings_of(&before);
            let made = Revision::new("r0123abcd", Form::Own, &before, "ck-1");
            let text = serde_json::to_string(&made).unwrap();
            let made: Revision = serde_json::from_str(&text).unwrap();
            assert_eq!((made.form(), made.common_key()), (Some(Form::Own), "ck-1"));
            let today =
                settings_of("[encryption.own]\nenabled = false\npolicy = \"48h\"\ncontent_id = \"two\"\n");
            let over = made.over(&today).unwrap();
            assert_eq!((over.scheme.value, over.level.value), (before.scheme.value, before.level.value));
            assert_eq!(
                (over.rotate.value, over.clear_lead.value),
                (before.rotate.value, before.clear_lead.value)
            );
            assert_eq!(over.content_id.value, before.content_id.value);
            assert_eq!((over.enabled.value, over.policy.value.as_deref()), (true, Some("48h")));
        }
    }

    proptest! {
        /// Whatever stands in the file, it is read or it is nothing.
        #[test]
        fn damaged_tables_are_none(octets in proptest::collection::vec(any::<u8>(), 0..200), word in "[ -~]{0,12}") {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("a.revisions");
            fs::write(&path, octets).unwrap();
            let _ = read(&path);
            let of = Revision::new(&word, Form::Own, &settings_of(""), &word);
            let made = Revision { rotate: Some(word.clone()), scheme: word.clone(), ..of };
            prop_assert!(made.over(&settings_of("")).is_none() || ["cenc", "cbcs"].contains(&&word[..]));
        }
    }
}
