//! What a running server reads again when its files change: each part by itself, so that one that cannot be
//! read holds no other up.

use crate::tls::TlsIdentity;
use crate::{Config, Error, Role, Service};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// How often the files are looked at for changes.
const WATCH: Duration = Duration::from_secs(30);

/// What is read as a whole or not at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Keys,
    Policies,
    Regions,
    Tls,
    Brand,
}

/// Names, sizes and times of a part's files.
type Stamps = Vec<(PathBuf, u64, Option<SystemTime>)>;

impl Part {
    const ALL: [Self; 5] = [Self::Keys, Self::Policies, Self::Regions, Self::Tls, Self::Brand];

    fn as_str(self) -> &'static str {
        match self {
            Self::Keys => "keys",
            Self::Policies => "policies",
            Self::Regions => "regions",
            Self::Tls => "tls",
            Self::Brand => "brand",
        }
    }

    /// Whether it has files at all.
    fn is_configured(self, config: &Config) -> bool {
        match self {
            Self::Keys | Self::Policies => true,
            Self::Regions => config.regions.file.is_some(),
            Self::Tls => config.tls.is_some(),
            Self::Brand => config.has(Role::Site) && config.brand.pictures().next().is_some(),
        }
    }

    fn stamps(self, config: &Config) -> Stamps {
        let mut files: Vec<PathBuf> = match self {
            Self::Keys => std::fs::read_dir(config.keys())
                .map(|entries| entries.filter_map(|entry| Some(entry.ok()?.path())).collect())
                .unwrap_or_default(),
            Self::Policies => vec![config.policies()],
            Self::Regions => config.regions.file.clone().into_iter().collect(),
            Self::Tls => {
                config.tls.iter().flat_map(|tls| [tls.certificate.clone(), tls.key.clone()]).collect()
            }
            Self::Brand => config.brand.pictures().cloned().collect(),
        };
        files.sort();
        let stamp = |path: PathBuf| {
            let metadata = std::fs::metadata(&path).ok()?;
            Some((path, metadata.len(), metadata.modified().ok()))
        };
        files.into_iter().filter_map(stamp).collect()
    }

    fn read(self, service: &Service, tls: Option<&TlsIdentity>) -> Result<(), Error> {
        match self {
            Self::Keys => service.reload_keys(),
            Self::Policies => service.reload_policies(),
            Self::Regions => service.reload_regions(),
            Self::Tls => tls.map_or(Ok(()), TlsIdentity::reload),
            Self::Brand => service.reload_brand(),
        }
    }
}

/// A part, and its files as they were when it was last read well; `None` when the last reading failed.
#[derive(Debug, Clone)]
struct Watched {
    part: Part,
    seen: Option<Stamps>,
}

impl Watched {
    /// Reads the part again if its files have changed since it was last read well, or if `asked` to. Whether
    /// that went well; `None` where nothing was to do. Blocks on files.
    fn reload_if_changed(
        &mut self,
        service: &Service,
        tls: Option<&TlsIdentity>,
        asked: bool,
    ) -> Option<bool> {
        // Before they are read: what changes meanwhile is read the next time.
        let now = self.part.stamps(service.config());
        if !asked && self.seen.as_ref() == Some(&now) {
            return None;
        }
        let part = self.part.as_str();
        let done = match self.part.read(service, tls) {
            Ok(()) => {
                tracing::info!(part, "read again");
                self.seen = Some(now);
                true
            }
            Err(error) => {
                tracing::error!(part, %error, "kept what was there: the files cannot be read");
                self.seen = None;
                false
            }
        };
        let result = if done { "done" } else { "failed" };
        metrics::counter!("matinee_reloads_total", "part" => part, "result" => result).increment(1);
        Some(done)
    }
}

/// The parts that are configured, as their files are now.
fn watched(config: &Config) -> Vec<Watched> {
    let parts = Part::ALL.into_iter().filter(|part| part.is_configured(config));
    parts.map(|part| Watched { part, seen: Some(part.stamps(config)) }).collect()
}

/// SIGHUPs, from the moment on that this is made; one that comes before anybody waits is not lost.
#[derive(Debug)]
pub(crate) struct Hangup(Signal);

impl Hangup {
    pub(crate) fn listen() -> Option<Self> {
        signal(SignalKind::hangup()).ok().map(Self)
    }
}

/// Reads keys, policies, certificate, regions and the brand's pictures again on SIGHUP, and when their files
/// have changed. What cannot be read is tried again every half a minute.
pub(crate) async fn keep_fresh(
    service: Arc<Service>,
    tls: Option<Arc<TlsIdentity>>,
    mut hangup: Option<Hangup>,
) {
    let mut timer = tokio::time::interval(WATCH);
    timer.tick().await;
    let mut parts = watched(service.config());
    loop {
        let hung_up = async {
            match &mut hangup {
                Some(Hangup(signals)) => _ = signals.recv().await,
                None => std::future::pending().await,
            }
        };
        let asked = tokio::select! {
            () = hung_up => true,
            _ = timer.tick() => false,
        };
        let (service, tls, mut looked_at) = (Arc::clone(&service), tls.clone(), parts.clone());
        let look = move || {
            service.look_after_signers();
            for part in &mut looked_at {
                part.reload_if_changed(&service, tls.as_deref(), asked);
            }
            looked_at
        };
        match tokio::task::spawn_blocking(look).await {
            Ok(looked_at) => parts = looked_at,
            Err(error) => {
                tracing::error!(%error, "keys, policies, certificate and regions were not looked at")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Clock;
    use crate::store::AbsentStore;

    /// A part that cannot be read is tried until it can, and the others do not wait for it.
    #[test]
    fn parts_are_read_independently_and_again_after_a_failure() {
        let folder = tempfile::tempdir().unwrap();
        let mut config = Config::parse("roles = [\"edge\"]").unwrap();
        config.data = folder.path().to_owned();
        let (clock, _) = Clock::manual(1_790_000_000);
        let service = Service::with_store(config, clock, Arc::new(AbsentStore)).unwrap();
        let mut keys = watched(service.config()).remove(0);
        assert_eq!(keys.reload_if_changed(&service, None, false), None, "nothing has changed");
        assert_eq!(keys.reload_if_changed(&service, None, true), Some(true));
        let path = service.config().keys().join("media-mv-1.toml");
        let good = std::fs::read(&path).unwrap();
        std::fs::write(&path, "nonsense").unwrap();
        let mut regions = Watched { part: Part::Regions, seen: None };
        for _ in 0..2 {
            assert_eq!(keys.reload_if_changed(&service, None, false), Some(false));
        }
        assert_eq!(regions.reload_if_changed(&service, None, false), Some(true));
        std::fs::write(&path, good).unwrap();
        assert_eq!(keys.reload_if_changed(&service, None, false), Some(true));
        assert_eq!(keys.reload_if_changed(&service, None, false), None);
    }
}
