use super::folder_file::{FolderFile, ignored, settings};
use super::loaded::{MAX_JSON, around};
use super::sources::Sources;
use crate::brand::Look;
use crate::keys::{self, KeyRing};
use crate::policy::{self, Policies};
use crate::{Config, Error, LicenseMode, Role};
use ::origin::ContentPath;
use ::origin::scope::{Form, Off, Settings};
use futures_util::stream::{self, StreamExt as _};
use pack::Source;
use pack::layout::SOURCE_JSON;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// Files that are read together.
const TOGETHER: usize = 16;

/// What there is to say of a configuration that can be read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// What keeps something from being served, or will.
    pub errors: Vec<String>,
    /// What is probably not meant so.
    pub warnings: Vec<String>,
    /// Number of contents.
    pub contents: usize,
}

/// Looks at the configuration of the origin and at every folder of its sources. `now`: Unix seconds.
///
/// # Errors
/// [`Error`] if policies or keys cannot be read, and where a bucket's settings or credentials cannot be.
pub async fn check(config: &Config, now: u64) -> Result<Report, Error> {
    let policies = Policies::load(config)?;
    // A site that was never started has no keys yet: nothing can be wrong with their names.
    let ring = match config.keys().is_dir() {
        true => Some(keys::load_with(&config.keys(), &config.public_url, &[], now)?),
        false => None,
    };
    let mut check = Check { config, policies, ring, report: Report::default() };
    check.brand();
    check.server();
    check.live();
    check.storage();
    if let Some(sources) = Sources::open(config)? {
        check.sources(&sources).await;
    }
    Ok(check.report)
}

/// Whether a folder's `source.json` is one.
async fn is_source(sources: &Sources, folder: &str) -> Result<(), String> {
    let path = match folder {
        "" => SOURCE_JSON.to_owned(),
        folder => format!("{folder}/{SOURCE_JSON}"),
    };
    let name = sources.name(&path);
    let read = sources.read(&path, MAX_JSON).await.map_err(|error| error.to_string())?;
    let (_, json) = read.ok_or_else(|| format!("{} is gone", name.display()))?;
    Source::from_json(&json).map(|_| ()).map_err(|error| format!("{}: {error}", name.display()))
}

struct Check<'a> {
    config: &'a Config,
    policies: Policies,
    ring: Option<KeyRing>,
    report: Report,
}

impl Check<'_> {
    /// The brand's files, as a server would read them.
    fn brand(&mut self) {
        match Look::load(self.config) {
            Ok(look) => look.iter().flat_map(Look::warnings).for_each(|said| self.warn(said)),
            Err(error) => self.error(error.to_string()),
        }
    }

    /// Listeners for encoders.
    fn live(&mut self) {
        let live = &self.config.live;
        let (listens, in_the_clear) = (live.http.or(live.rtmp).or(live.rtmps).is_some(), live.rtmp);
        if listens && !self.config.has(Role::Ingest) {
            self.warn(
                "live.http, live.rtmp and live.rtmps: nothing listens without the role ingest".to_owned(),
            );
        }
        let plain = live.http.filter(|address| self.config.tls.is_none() && !address.ip().is_loopback());
        if let Some(address) = plain {
            self.warn(format!(
                "live.http = \"{address}\": stream keys go over the network in the clear; [tls] encrypts them"
            ));
        }
        if let Some(address) = in_the_clear.filter(|address| !address.ip().is_loopback()) {
            self.warn(format!(
                "live.rtmp = \"{address}\": stream keys go over the network in the clear; live.rtmps encrypts them"
            ));
        }
    }

    /// What is of S3 alone beside a library in a folder.
    fn storage(&mut self) {
        let unused = self.config.storage.unused();
        if !unused.is_empty() {
            let names = unused.join(", ");
            self.warn(format!(
                "storage.url is a folder: of storage's {names} only `matinee storage` makes use, for places in S3"
            ));
        }
    }

    fn error(&mut self, said: String) {
        if !self.report.errors.contains(&said) {
            self.report.errors.push(said);
        }
    }

    fn warn(&mut self, said: String) {
        if !self.report.warnings.contains(&said) {
            self.report.warnings.push(said);
        }
    }

    fn server(&mut self) {
        let file = self.config.encryption();
        for form in Form::ALL {
            if let Some(id) = file.forms.of(form).and_then(|table| table.content_id.as_ref()) {
                self.warn(format!(
                    "{}: encryption.{}.content_id: all contents are encrypted under the one key of \"{id}\"",
                    file.path.display(),
                    form.name()
                ));
            }
        }
        for set in &self.config.set {
            let place = format!("set {}", set.prefix);
            self.names(&place, set.common_key.as_deref(), set.policy.as_deref());
        }
    }

    fn names(&mut self, place: &str, common_key: Option<&str>, policy: Option<&str>) {
        if let (Some(id), Some(ring)) = (common_key, &self.ring)
            && ring.common_key(id).is_none()
        {
            self.error(format!(
                "{place}: there is no common key \"{id}\"; `matinee keys list` shows those that are"
            ));
        }
        if let Some(Err(error)) = policy.map(|name| self.policies.check(name)) {
            self.error(format!("{place}: {error}"));
        }
    }

    async fn sources(&mut self, sources: &Sources) {
        let walk = match sources.walk().await {
            Ok(walk) => walk,
            Err(error) => return self.error(format!("origin.sources: {error}")),
        };
        match sources.unnamed().await {
            Ok(names) => names.into_iter().for_each(|name| {
                self.warn(format!(
                    "{name}: nothing asks for it: names in a bucket have letters, digits, \".\", \"-\" and \"_\" alone"
                ));
            }),
            Err(error) => self.error(format!("origin.sources: {error}")),
        }
        let read = walk
            .settings
            .iter()
            .map(|folder| async move { (folder.clone(), FolderFile::read_or_broken(sources, folder).await) });
        let folders: BTreeMap<_, _> = stream::iter(read).buffered(TOGETHER).collect().await;
        folders.values().for_each(|file| self.folder(file));
        let all: BTreeSet<&str> = walk.contents.iter().map(String::as_str).collect();
        let read = walk.contents.iter().map(|path| async move { (path, is_source(sources, path).await) });
        let mut read = stream::iter(read).buffered(TOGETHER);
        while let Some((path, read)) = read.next().await {
            match path.parse::<ContentPath>() {
                Ok(content) => {
                    if let Some(above) = around(&content).find(|above| all.contains(above)) {
                        self.error(format!(
                            "{content} is not served: it lies within {above}, which is a content"
                        ));
                    }
                    self.content(&content, read, &folders);
                }
                Err(reason) => self.error(format!("{path}: is not served: {reason}")),
            }
        }
    }

    fn folder(&mut self, file: &FolderFile) {
        match file {
            FolderFile::None => {}
            FolderFile::Broken(error) => self.error(error.to_string()),
            FolderFile::File(file) => {
                if let Some(said) = ignored(self.config.encryption(), file) {
                    self.warn(format!("{}: {said}", file.path.display()));
                }
            }
        }
    }

    fn content(
        &mut self,
        content: &ContentPath,
        read: Result<(), String>,
        files: &BTreeMap<String, FolderFile>,
    ) {
        self.report.contents += 1;
        if let Err(error) = read {
            self.error(error);
        }
        let folders: Vec<_> =
            content.folders().map(|folder| files.get(folder).unwrap_or(&FolderFile::None)).collect();
        let sets: Vec<_> = self.config.sets().map(str::to_owned).collect();
        for form in Form::ALL {
            for set in &sets {
                let words = self.config.set_words(set).unwrap_or_default();
                let settings =
                    settings(self.config.encryption(), form, content, folders.iter().copied(), &words);
                match settings {
                    Ok(settings) => self.settings(content, &settings),
                    // Said of the file already.
                    Err(Off::Broken(_)) => {}
                    Err(off) => self.warn(format!("{content} is not served by {}: {off}", form.name())),
                }
            }
        }
    }

    fn settings(&mut self, content: &ContentPath, settings: &Settings) {
        let (key, policy) = (&settings.common_key, &settings.policy);
        self.names(&format!("{content} ({})", key.from), key.value.as_deref(), None);
        self.names(&format!("{content} ({})", policy.from), None, policy.value.as_deref());
        let mode = settings.license.value.as_deref().and_then(|mode| mode.parse::<LicenseMode>().ok());
        if let (Some(mode), Some(policy)) = (mode, &policy.value)
            && let Err(error) = policy::check_mode(&self.policies, &self.config.drm, policy, mode)
        {
            self.error(format!("{content} ({}): {error}", settings.license.from));
        }
    }
}
