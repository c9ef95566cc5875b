use super::sources::{FolderFile, Sources, settings};
use crate::keys::{self, KeyRing};
use crate::policy::{self, Policies};
use crate::{Config, Error, LicenseMode, Role};
use ::origin::ContentPath;
use ::origin::scope::{Form, Off, Settings, is_ignored};
use pack::Source;
use pack::layout::SOURCE_JSON;
use serde::Serialize;

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
/// [`Error`] if policies or keys cannot be read.
pub fn check(config: &Config, now: u64) -> Result<Report, Error> {
    let policies = Policies::load(config)?;
    // A site that was never started has no keys yet: nothing can be wrong with their names.
    let ring = match config.keys().is_dir() {
        true => Some(keys::load_with(&config.keys(), &config.public_url, &[], now)?),
        false => None,
    };
    let mut check = Check { config, policies, ring, report: Report::default() };
    check.server();
    check.live();
    if let Some(root) = config.sources() {
        check.sources(&Sources { root });
    }
    Ok(check.report)
}

struct Check<'a> {
    config: &'a Config,
    policies: Policies,
    ring: Option<KeyRing>,
    report: Report,
}

impl Check<'_> {
    /// Listeners for encoders.
    fn live(&mut self) {
        let live = &self.config.live;
        let (listens, in_the_clear) = (live.rtmp.or(live.rtmps).is_some(), live.rtmp);
        if listens && !self.config.has(Role::Ingest) {
            self.warn("live.rtmp and live.rtmps: nothing listens without the role ingest".to_owned());
        }
        if let Some(address) = in_the_clear.filter(|address| !address.ip().is_loopback()) {
            self.warn(format!(
                "live.rtmp = \"{address}\": stream keys go over the network in the clear; live.rtmps encrypts them"
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

    fn sources(&mut self, sources: &Sources) {
        let walk = match sources.walk() {
            Ok(walk) => walk,
            Err(error) => {
                return self.error(format!("origin.sources: {}: {error}", sources.root.display()));
            }
        };
        for file in walk.files(sources) {
            match file {
                FolderFile::None => {}
                FolderFile::Broken(error) => self.error(error.to_string()),
                FolderFile::File(file) => {
                    for form in Form::ALL
                        .into_iter()
                        .filter(|form| is_ignored(self.config.encryption(), &file, *form))
                    {
                        let (path, form) = (file.path.display(), form.name());
                        self.warn(format!("{path}: [encryption.{form}] is ignored: its scope is server"));
                    }
                }
            }
        }
        for path in &walk.contents {
            match path.parse::<ContentPath>() {
                Ok(content) => self.content(sources, &content),
                Err(reason) => self.error(format!("{path}: is not served: {reason}")),
            }
        }
    }

    fn content(&mut self, sources: &Sources, content: &ContentPath) {
        self.report.contents += 1;
        let json = sources.folder(content).join(SOURCE_JSON);
        let read = std::fs::read(&json).map_err(|error| error.to_string());
        if let Err(error) = read.and_then(|json| Source::from_json(&json).map_err(|error| error.to_string()))
        {
            self.error(format!("{}: {error}", json.display()));
        }
        let folders = sources.folder_files(content);
        let sets: Vec<_> = self.config.sets().map(str::to_owned).collect();
        for form in Form::ALL {
            for set in &sets {
                let words = self.config.set_words(set).unwrap_or_default();
                match settings(self.config.encryption(), form, content, &folders, &words) {
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
