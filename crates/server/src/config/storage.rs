//! `[storage]`: where published films lie.

use super::url::check_base;
use super::{Config, setting};
use crate::Error;
use serde::{Deserialize, Deserializer, de};
use std::fmt;
use std::path::PathBuf;
use storage::Address;

/// Where published films lie.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StorageSettings {
    /// `file:FOLDER` (a relative one is in the data folder) or `s3://BUCKET/PREFIX`.
    #[serde(deserialize_with = "address")]
    pub url: Address,
    /// The URL of the S3 service, without trailing slash; default: Amazon's, by the region.
    pub endpoint: Option<String>,
    /// The region that requests are signed for.
    pub region: String,
    /// Whether the bucket is in the path of URLs, not in the host's name; default: where `endpoint` is named.
    pub path_style: Option<bool>,
    /// Where the key pair is from.
    pub credentials: CredentialsFrom,
    /// Bytes of the local disk that the edge may fill with what it reads from S3.
    pub cache: ByteCount,
    /// As `edge.redirect`.
    pub redirect: bool,
}

impl Default for StorageSettings {
    fn default() -> Self {
        Self {
            url: Address::File("library".into()),
            endpoint: None,
            region: "us-east-1".to_owned(),
            path_style: None,
            credentials: CredentialsFrom::default(),
            cache: ByteCount(0),
            redirect: false,
        }
    }
}

impl StorageSettings {
    /// Whether the bucket is in the path of URLs.
    pub fn is_path_style(&self) -> bool {
        self.path_style.unwrap_or(self.endpoint.is_some())
    }

    /// Checks where the service is, by the names that endpoint and region have.
    pub(super) fn check_service(&self, endpoint: &'static str, region: &'static str) -> Result<(), Error> {
        if let Some(url) = &self.endpoint {
            if url.contains('@') {
                return Err(setting(endpoint, "must not have a password in it"));
            }
            check_base(endpoint, url)?;
        }
        match self.region.is_empty() {
            true => Err(setting(region, "must not be empty")),
            false => Ok(()),
        }
    }

    fn check(&self) -> Result<(), Error> {
        self.check_service("storage.endpoint", "storage.region")?;
        match (&self.url, self.redirect) {
            (Address::File(_), true) => {
                Err(setting("storage.redirect", "must be false where storage.url is not s3://…"))
            }
            _ => Ok(()),
        }
    }

    /// Names of what is set for S3 alone, where films lie in a folder: nothing but copies to a bucket goes by
    /// it.
    pub(crate) fn unused(&self) -> Vec<&'static str> {
        let of_s3 = [
            ("endpoint", self.endpoint.is_some()),
            ("path_style", self.path_style.is_some()),
            ("cache", self.cache.0 > 0),
        ];
        let is_local = matches!(self.url, Address::File(_));
        of_s3.into_iter().filter(|(_, is_set)| is_local && *is_set).map(|(name, _)| name).collect()
    }

    /// The origin of the URLs to which viewers are sent; `None`: they are not.
    pub(crate) fn redirect_origin(&self) -> Option<String> {
        let Address::S3 { bucket, .. } = &self.url else { return None };
        let endpoint = match &self.endpoint {
            Some(endpoint) => endpoint.clone(),
            None => format!("https://s3.{}.amazonaws.com", self.region),
        };
        Some(match (self.is_path_style(), endpoint.split_once("://")) {
            (false, Some((scheme, host))) => format!("{scheme}://{bucket}.{host}"),
            _ => endpoint,
        })
    }
}

impl Config {
    /// Whether viewers are sent to S3 for what they may have.
    pub fn redirects(&self) -> bool {
        self.edge.redirect || self.storage.redirect
    }

    pub(super) fn check_storage(&self) -> Result<(), Error> {
        self.storage.check()?;
        if self.edge.redirect && matches!(self.storage.url, Address::File(_)) {
            return Err(setting("edge.redirect", "must be false where storage.url is not s3://…"));
        }
        if self.redirects() && self.storage.credentials == CredentialsFrom::Nobody {
            return Err(setting(
                "storage.credentials",
                "must not be \"none\" where edge.redirect or storage.redirect is set: viewers are sent there by URLs \
                 that a key pair signs; name one by \"env\" or \"file:PATH\", or set redirect = false",
            ));
        }
        Ok(())
    }
}

fn address<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Address, D::Error> {
    String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
}

/// Where the key pair of a bucket is from. The pair itself is never in the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum CredentialsFrom {
    /// `env`: `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and perhaps `AWS_SESSION_TOKEN`; where they are
    /// not set, what Amazon tells its own machines and containers.
    #[default]
    Environment,
    /// `file:PATH`: a file as `~/.aws/credentials`, which its owner alone can read. It is read again when it
    /// changes.
    File(PathBuf),
    /// `none`: the bucket is open.
    Nobody,
}

impl<'de> Deserialize<'de> for CredentialsFrom {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match &String::deserialize(deserializer)?[..] {
            "env" => Ok(Self::Environment),
            "none" => Ok(Self::Nobody),
            text => match text.strip_prefix("file:") {
                Some(path) if !path.is_empty() => Ok(Self::File(path.into())),
                // What stands there may be the secret itself: it is not repeated.
                _ => Err(de::Error::custom(
                    "must be \"env\", \"file:PATH\" or \"none\"; a secret does not belong here",
                )),
            },
        }
    }
}

/// A number of bytes: `20GB`, `512MiB`, or a plain number.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ByteCount(pub u64);

impl fmt::Debug for ByteCount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.0)
    }
}

impl std::str::FromStr for ByteCount {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WRONG: &str = "must be a number of bytes like 20GB or 512MiB";
        let text = text.trim();
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let number: u64 = text.get(..digits).and_then(|digits| digits.parse().ok()).ok_or(WRONG)?;
        let unit: u64 = match text.get(digits..).unwrap_or_default().trim() {
            "" | "B" => 1,
            "kB" | "KB" => 1_000,
            "MB" => 1_000_000,
            "GB" => 1_000_000_000,
            "TB" => 1_000_000_000_000,
            "KiB" => 1 << 10,
            "MiB" => 1 << 20,
            "GiB" => 1 << 30,
            "TiB" => 1 << 40,
            _ => return Err(WRONG),
        };
        number.checked_mul(unit).map(Self).ok_or(WRONG)
    }
}

impl<'de> Deserialize<'de> for ByteCount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            Number(u64),
            Text(String),
        }
        match Written::deserialize(deserializer)? {
            Written::Number(number) => Ok(Self(number)),
            Written::Text(text) => text.parse().map_err(de::Error::custom),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_written_as_people_do() {
        for (text, bytes) in [("20GB", 20_000_000_000), ("512 MiB", 512 << 20), ("7", 7), ("0", 0)] {
            assert_eq!(text.parse::<ByteCount>(), Ok(ByteCount(bytes)));
        }
        for text in ["", "GB", "1.5GB", "-1", "20 gigabytes", "99999999TB"] {
            assert!(text.parse::<ByteCount>().is_err(), "{text}");
        }
    }

    /// A library in a folder may name the service to which it is copied.
    #[test]
    fn what_is_of_s3_alone_may_stand_beside_a_folder() {
        let words = "[storage]\nurl = \"file:library\"\nendpoint = \"http://127.0.0.1:8333\"\npath_style = true\n\
                     cache = \"20GB\"\n";
        let config = Config::parse(words).expect("it is right");
        assert_eq!(config.storage.unused(), ["endpoint", "path_style", "cache"]);
        let words = words.replace("file:library", "s3://films");
        let config = Config::parse(&words).expect("it is right");
        assert_eq!(config.storage.unused(), Vec::<&str>::new());
    }

    #[test]
    fn storage_is_checked_and_no_secret_is_repeated() {
        let config = Config::parse(
            "[storage]\nurl = \"s3://films/a\"\nendpoint = \"http://127.0.0.1:8333\"\ncache = \"20GB\"\n\
             credentials = \"file:/etc/matinee/s3\"\n[edge]\nredirect = true\n",
        );
        let config = config.expect("it is right");
        assert!(config.storage.is_path_style() && config.redirects());
        assert_eq!(config.storage.redirect_origin().as_deref(), Some("http://127.0.0.1:8333"));
        let amazon =
            Config::parse("[storage]\nurl = \"s3://films\"\nregion = \"eu-central-1\"\nredirect = true\n");
        let origin = amazon.expect("it is right").storage.redirect_origin();
        assert_eq!(origin.as_deref(), Some("https://films.s3.eu-central-1.amazonaws.com"));
        for (text, word) in [
            ("[storage]\nurl = \"library\"\n", "file:FOLDER"),
            ("[storage]\nredirect = true\n", "storage.redirect"),
            ("[edge]\nredirect = true\n", "edge.redirect"),
            (
                "[storage]\nurl = \"s3://films\"\ncredentials = \"none\"\n[edge]\nredirect = true\n",
                "storage.credentials",
            ),
            ("[storage]\nurl = \"s3://films\"\ncredentials = \"none\"\nredirect = true\n", "key pair"),
            ("[storage]\nurl = \"s3://films\"\nendpoint = \"https://a:b@c\"\n", "password"),
            ("[storage]\nurl = \"s3://films\"\ncredentials = \"AKIA:wJalrXUtn\"\n", "file:PATH"),
        ] {
            let error = Config::parse(text).expect_err(text).to_string();
            assert!(error.contains(word) && !error.contains("wJalr"), "{error}");
        }
    }
}
