use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use zeroize::Zeroizing;

use crate::Key;

/// What is known of a bucket.
#[derive(Debug, Clone)]
pub struct S3Settings {
    /// Its name.
    pub bucket: String,
    /// Where the objects begin in it; `None`: at the top.
    pub prefix: Option<Key>,
    /// The URL of the service, such as `https://s3.example.org`; `None`: Amazon's, by the region.
    pub endpoint: Option<String>,
    /// The region that requests are signed for.
    pub region: String,
    /// Whether the bucket is named in the path (`https://host/bucket/key`), not in the host's name.
    pub path_style: bool,
    /// Who asks.
    pub credentials: Credentials,
    /// How long is waited, and how often is tried.
    pub patience: Patience,
}

/// How long is waited for a store, and how often is tried again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patience {
    /// For a connection.
    pub connect: Duration,
    /// For the next bytes of an answer. A store that sends slowly is waited for; one that sends nothing is
    /// not.
    pub read: Duration,
    /// For the answer to a write, the time in which a part of 8 MiB is sent included.
    pub write: Duration,
    /// How often a request is tried again.
    pub retries: u32,
    /// The first pause before that; each later one is about twice as long.
    pub first_pause: Duration,
    /// The longest pause.
    pub longest_pause: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            read: Duration::from_secs(20),
            write: Duration::from_secs(600),
            retries: 6,
            first_pause: Duration::from_millis(100),
            longest_pause: Duration::from_secs(8),
        }
    }
}

/// A key pair, and the token that comes along with a temporary one.
#[derive(Clone, PartialEq, Eq)]
pub struct AccessKey {
    /// Its name, which is no secret.
    pub id: String,
    /// The secret.
    pub secret: Zeroizing<String>,
    /// The token of a temporary one.
    pub token: Option<Zeroizing<String>>,
}

impl fmt::Debug for AccessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessKey").field("id", &self.id).finish_non_exhaustive()
    }
}

impl AccessKey {
    /// The key pair in a text as `~/.aws/credentials` has it: lines `aws_access_key_id = …`,
    /// `aws_secret_access_key = …` and perhaps `aws_session_token = …`, those of `[default]` where there are
    /// several sections. `None` if one of the first two is missing. Comments begin with `#` or `;`.
    pub fn parse(text: &str) -> Option<Self> {
        let (mut id, mut secret, mut token) = (None, None, None);
        let mut is_ours = true;
        for line in text.lines().map(str::trim).filter(|line| !line.starts_with(['#', ';'])) {
            if let Some(section) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
                is_ours = section.trim() == "default";
            }
            let Some((name, value)) = line.split_once('=').filter(|_| is_ours) else { continue };
            let value = Some(value.trim()).filter(|value| !value.is_empty());
            match name.trim() {
                "aws_access_key_id" => id = value,
                "aws_secret_access_key" => secret = value,
                "aws_session_token" => token = value,
                _ => {}
            }
        }
        Some(Self {
            id: id?.to_owned(),
            secret: Zeroizing::new(secret?.to_owned()),
            token: token.map(|token| Zeroizing::new(token.to_owned())),
        })
    }
}

/// Who asks.
#[derive(Clone)]
pub enum Credentials {
    /// Nobody: the bucket is open to everybody.
    Anonymous,
    /// A key pair that holds as long as the process.
    Fixed(AccessKey),
    /// A key pair that is asked for again and again, for it may change: what is told is kept for half a
    /// minute.
    Source(Arc<dyn Fn() -> io::Result<AccessKey> + Send + Sync>),
    /// What Amazon's own services tell their machines: by the variables of a web identity or a container, or
    /// by the machine's metadata.
    Machine,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Anonymous => "Anonymous",
            Self::Fixed(_) => "Fixed([redacted])",
            Self::Source(_) => "Source([redacted])",
            Self::Machine => "Machine",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_pair_in_a_file() {
        let text = "# mine\n[other]\naws_access_key_id = X\n\n[default]\n aws_access_key_id=AKIA\n\
                    aws_secret_access_key = a/b=c+d \n";
        let key = AccessKey::parse(text).expect("there is a pair");
        assert_eq!((&key.id[..], key.secret.as_str(), key.token.is_some()), ("AKIA", "a/b=c+d", false));
        assert!(!format!("{key:?} {:?}", Credentials::Fixed(key.clone())).contains("a/b"));
        let plain = AccessKey::parse("aws_access_key_id=A\naws_secret_access_key=B\naws_session_token=C");
        assert_eq!(plain.and_then(|key| key.token).map(|token| token.to_string()), Some("C".to_owned()));
        for text in ["", "aws_access_key_id = A", "[b]\naws_access_key_id=A\naws_secret_access_key=B"] {
            assert_eq!(AccessKey::parse(text), None);
        }
    }
}
