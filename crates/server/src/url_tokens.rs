//! The tokens of this site's media URLs: those of the edge, and those of each CDN.

use crate::config::CdnConfig;
use crate::media_url::Door;
use crate::{Config, Error};
use std::fmt;
use subtle::ConstantTimeEq as _;
use urltoken::{Dialect, Reach, Secret, Settings, Signer};
use zeroize::Zeroizing;

/// Octets that a CDN sends instead of a token at least.
const PULL: usize = 32;

/// Who signs and checks.
pub struct UrlTokens {
    own: Signer,
    /// As in the configuration; `None`: tokens as the edge's.
    cdns: Vec<Option<Signer>>,
    pull: Vec<Zeroizing<String>>,
}

impl fmt::Debug for UrlTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UrlTokens").field("own", &self.own).field("cdns", &self.cdns).finish_non_exhaustive()
    }
}

impl UrlTokens {
    /// Those that are configured. `media` are the site's media keys.
    ///
    /// # Errors
    /// [`Error::Setting`]: a dialect cannot be spoken as it is configured. [`Error::Io`],
    /// [`Error::KeysExposed`]: of a file with a secret.
    pub fn new(config: &Config, media: &[Secret]) -> Result<Self, Error> {
        let edge = &config.edge;
        let reach = reach_of(edge.prefix, !edge.token.is_exact());
        let settings = settings(reach, &edge.key_id, &edge.parameter, edge.lifetime);
        let read = |credentials: &[crate::config::Credential], name| {
            credentials.iter().map(|one| one.read(name)).collect::<Result<Vec<_>, Error>>()
        };
        let own =
            Self::signer("edge.token", edge.token, &settings, &read(&edge.secrets, "edge.secrets")?, media)?;
        let cdn = |cdn: &CdnConfig| {
            let Some(dialect) = cdn.token else { return Ok(None) };
            let reach = reach_of(cdn.prefix, cdn.has_path_ranges());
            let settings = self::settings(reach, &cdn.key_id, &cdn.parameter, cdn.lifetime);
            let secrets = read(&cdn.secrets, "cdn.secrets")?;
            Self::signer("cdn.token", dialect, &settings, &secrets, media).map(Some)
        };
        let cdns = config.cdn.iter().map(cdn).collect::<Result<Vec<_>, Error>>()?;
        let lent =
            config.cdn.iter().zip(&cdns).any(|(cdn, signer)| signer.is_none() && cdn.has_path_ranges());
        if lent && own.dialect().is_exact() {
            return Err(setting("cdn.ranges", "must be \"header\": the edge's tokens are for one URL"));
        }
        for (cdn, signer) in config.cdn.iter().zip(&cdns) {
            if cdn.cmcd && !signer.as_ref().unwrap_or(&own).takes_more() {
                let reason = "cannot be with its tokens, which sign the whole query: `cloudfront` and `google` take it with \
                              `prefix = true` or `ranges = \"path\"`, `bunny` and `cloudflare` never do";
                return Err(setting("cdn.cmcd", reason));
            }
        }
        let pull = read(&edge.pull_secrets, "edge.pull_secrets")?;
        if pull.iter().any(|secret| secret.len() < PULL) {
            return Err(setting("edge.pull_secrets", "must have at least 32 characters each"));
        }
        Ok(Self { own, cdns, pull })
    }

    fn signer(
        name: &'static str,
        dialect: Dialect,
        settings: &Settings,
        secrets: &[Zeroizing<String>],
        media: &[Secret],
    ) -> Result<Signer, Error> {
        let ours = [Dialect::MediaVault, Dialect::Matinee].contains(&dialect);
        let made = match secrets {
            [] if ours => Signer::new(dialect, settings, media),
            _ => {
                let secrets: Vec<_> = secrets.iter().map(|text| Secret::from(text.as_str())).collect();
                Signer::new(dialect, settings, &secrets)
            }
        };
        made.map_err(|error| Error::Setting { name, reason: format!("{}: {error}", dialect.as_str()) })
    }

    /// The edge's own.
    pub fn own(&self) -> &Signer {
        &self.own
    }

    /// Those of the CDN that stands at this place of the configuration.
    pub(crate) fn cdn(&self, at: usize) -> &Signer {
        self.cdns.get(at).and_then(Option::as_ref).unwrap_or(&self.own)
    }

    /// What the edge takes for media and manifests: its own tokens under its own URL and under those of CDNs
    /// that have no others, and each CDN's under that CDN's URL; they pull by the query that they were asked
    /// with.
    pub fn doors<'a>(&'a self, config: &'a Config) -> Vec<Door<'a>> {
        self.doors_beside(config, vec![config.edge_base()])
    }

    /// As [`UrlTokens::doors`], for DRM metadata.
    pub(crate) fn drm_doors<'a>(&'a self, config: &'a Config) -> Vec<Door<'a>> {
        self.doors_beside(config, vec![config.drm_base(), &config.public_url, config.edge_base()])
    }

    fn doors_beside<'a>(&'a self, config: &'a Config, mut bases: Vec<&'a str>) -> Vec<Door<'a>> {
        let mut others = Vec::new();
        for (cdn, signer) in config.cdn.iter().zip(&self.cdns) {
            match signer {
                None => bases.push(&cdn.base_url),
                Some(signer) => others.push(Door { signer, bases: vec![&cdn.base_url] }),
            }
        }
        others.insert(0, Door { signer: &self.own, bases });
        others
    }

    /// Whether a CDN sent what CDNs send that check tokens themselves.
    pub(crate) fn is_pull(&self, given: &str) -> bool {
        let same =
            |found, secret: &Zeroizing<String>| found | bool::from(secret.as_bytes().ct_eq(given.as_bytes()));
        self.pull.iter().fold(false, same)
    }
}

fn setting(name: &'static str, reason: &str) -> Error {
    Error::Setting { name, reason: reason.to_owned() }
}

fn reach_of(prefix: bool, path_ranges: bool) -> Reach {
    match (prefix, path_ranges) {
        (true, _) => Reach::Folder,
        (false, true) => Reach::Ranges,
        (false, false) => Reach::File,
    }
}

fn settings(
    reach: Reach,
    key_id: &Option<String>,
    parameter: &Option<String>,
    lifetime: Option<u64>,
) -> Settings {
    Settings { reach, key_id: key_id.clone(), parameter: parameter.clone(), lifetime }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    fn media() -> Vec<Secret> {
        vec![Secret::new(vec![7; 32])]
    }

    fn tokens(text: &str) -> Result<UrlTokens, Error> {
        UrlTokens::new(&Config::parse(text).unwrap(), &media())
    }

    const CDN: &str = "[[cdn]]\nid = 1\nname = \"a\"\nbase_url = \"https://a.example\"\n";

    #[test]
    fn what_is_configured() {
        let none = tokens("").unwrap();
        assert_eq!((none.own().dialect(), none.own().reach()), (Dialect::MediaVault, Reach::Ranges));
        let own = tokens("[edge]\ntoken = \"matinee\"\nprefix = true").unwrap();
        assert_eq!((own.own().dialect(), own.own().reach()), (Dialect::Matinee, Reach::Folder));
        let told = tokens(&format!("{CDN}cmcd = true\ntoken = \"nginx\"\nsecrets = [\"s3cret\"]"));
        assert!(told.unwrap().cdn(0).takes_more());
        let lent = tokens(&format!("{CDN}cmcd = true")).unwrap();
        assert_eq!(lent.cdn(0).dialect(), Dialect::MediaVault);
        let bunny =
            tokens(&format!("{CDN}token = \"bunny\"\nsecrets = [\"s3cret-1\", \"s3cret-2\"]")).unwrap();
        assert_eq!((bunny.cdn(0).dialect(), bunny.cdn(0).reach()), (Dialect::Bunny, Reach::File));
        assert!(!format!("{bunny:?}").contains("s3cret"));
        let path =
            tokens(&format!("{CDN}ranges = \"path\"\ntoken = \"bunny\"\nsecrets = [\"s3cret\"]")).unwrap();
        assert_eq!(path.cdn(0).reach(), Reach::Ranges);
    }

    #[test]
    fn secrets_of_files_and_of_the_environment() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("secret");
        std::fs::write(&file, "s3cret\n").unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
        let of = |secret: &str| tokens(&format!("{CDN}token = \"bunny\"\nsecrets = [\"{secret}\"]"));
        let place = urltoken::Place::new("https://a.example", "/s/0/", "541/1811192541.mp4");
        let url = |tokens: UrlTokens| tokens.cdn(0).sign(&place, 9, 0).url;
        let path = file.display();
        assert_eq!(url(of(&format!("file:{path}")).unwrap()), url(of("s3cret").unwrap()));
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(of(&format!("file:{path}")), Err(Error::KeysExposed(_))));
        assert!(of("env:MATINEE_NO_SUCH_VARIABLE").unwrap_err().to_string().contains("environment"));
    }

    #[test]
    fn what_does_not_go_together_is_said() {
        for (text, word) in [
            (format!("{CDN}token = \"bunny\""), "secret is needed"),
            (format!("{CDN}token = \"cloudflare\"\nlifetime = 0\nsecrets = [\"s3cret\"]"), "lifetime"),
            (
                format!("{CDN}token = \"cloudflare\"\nlifetime = 9\nranges = \"path\"\nsecrets = [\"s3cret\"]"),
                "header",
            ),
            (format!("{CDN}token = \"edgeauth\"\nsecrets = [\"s3cret\"]"), "hex"),
            (format!("{CDN}token = \"google\"\nsecrets = [\"{}\"]", "A".repeat(43)), "key_id"),
            (
                "[edge]\ntoken = \"cloudflare\"\nlifetime = 9\nsecrets = [\"s3cret\"]\n[[cdn]]\nid = 1\nname = \"a\"\nranges = \"path\"\nbase_url = \"https://a.example\""
                    .to_owned(),
                "cdn.ranges",
            ),
            ("[edge]\npull_secrets = [\"s3cret\"]".to_owned(), "32 characters"),
            (format!("{CDN}cmcd = true\ntoken = \"bunny\"\nsecrets = [\"s3cret\"]"), "cdn.cmcd"),
            (
                format!("{CDN}cmcd = true\ntoken = \"cloudflare\"\nlifetime = 9\nsecrets = [\"s3cret\"]"),
                "cdn.cmcd",
            ),
        ] {
            let error = tokens(&text).unwrap_err().to_string();
            assert!(error.contains(word) && !error.contains("s3cret"), "{text}: {error}");
        }
        for (text, word) in [
            (format!("{CDN}secrets = [\"s3cret\"]"), "cdn.token"),
            (format!("{CDN}token = \"akamai\""), "line 5"),
            (
                format!("{CDN}token = \"bunny\"\nsecrets = [\"s3cret\", \"s3cret\", \"s3cret\"]"),
                "cdn.secrets",
            ),
        ] {
            let error = Config::parse(&text).unwrap_err().to_string();
            assert!(error.contains(word) && !error.contains("s3cret"), "{text}: {error}");
        }
    }

    #[test]
    fn what_cdns_send_instead() {
        let tokens =
            tokens(&format!("[edge]\npull_secrets = [\"{}\", \"{}\"]", "a".repeat(32), "b".repeat(40)));
        let tokens = tokens.unwrap();
        assert!(tokens.is_pull(&"a".repeat(32)) && tokens.is_pull(&"b".repeat(40)));
        assert!(!tokens.is_pull(&"a".repeat(31)) && !tokens.is_pull("") && !tokens.is_pull(&"b".repeat(32)));
    }
}
