use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use crate::Key;

/// Where a storage is, as an operator writes it: `file:PATH` or `s3://BUCKET`, perhaps with `/PREFIX`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// A local folder.
    File(PathBuf),
    /// A bucket, and what its objects' names begin with.
    S3 {
        /// The bucket.
        bucket: String,
        /// Where the objects begin in it.
        prefix: Option<Key>,
    },
}

/// A text is no address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "must be file:FOLDER or s3://BUCKET/PREFIX (3 to 63 small letters, digits, hyphens and dots for the bucket)"
)]
pub struct InvalidAddress;

impl Address {
    /// The folder, with relative ones below `base`; `None`: it is none.
    pub fn folder(&self, base: &Path) -> Option<PathBuf> {
        match self {
            Self::File(path) => Some(base.join(path)),
            Self::S3 { .. } => None,
        }
    }
}

impl FromStr for Address {
    type Err = InvalidAddress;

    fn from_str(text: &str) -> Result<Self, InvalidAddress> {
        if let Some(path) = text.strip_prefix("file:") {
            // `file:///srv/films` is `/srv/films`; no other machine's folder can be meant.
            let path = path.strip_prefix("//").unwrap_or(path);
            return match path {
                "" => Err(InvalidAddress),
                path => Ok(Self::File(path.into())),
            };
        }
        let rest = text.strip_prefix("s3://").ok_or(InvalidAddress)?;
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'.';
        if !(3..=63).contains(&bucket.len()) || !bucket.bytes().all(plain) || bucket.starts_with(['.', '-']) {
            return Err(InvalidAddress);
        }
        let prefix = match prefix.trim_end_matches('/') {
            "" => None,
            prefix => Some(prefix.parse().map_err(|_| InvalidAddress)?),
        };
        Ok(Self::S3 { bucket: bucket.to_owned(), prefix })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "file:{}", path.display()),
            Self::S3 { bucket, prefix: None } => write!(f, "s3://{bucket}"),
            Self::S3 { bucket, prefix: Some(prefix) } => write!(f, "s3://{bucket}/{prefix}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn addresses() {
        for (text, shown) in [
            ("file:library", "file:library"),
            ("file:///srv/films", "file:/srv/films"),
            ("s3://films", "s3://films"),
            ("s3://films/", "s3://films"),
            ("s3://my.films-1/a/b/", "s3://my.films-1/a/b"),
        ] {
            assert_eq!(text.parse::<Address>().map(|address| address.to_string()), Ok(shown.to_owned()));
        }
        for text in
            ["", "library", "file:", "s3://", "s3://ab", "s3://Films", "s3://films/../a", "s3://a b/c"]
        {
            assert_eq!(text.parse::<Address>(), Err(InvalidAddress), "{text}");
        }
        let below = |text: &str| text.parse::<Address>().ok()?.folder(Path::new("/data"));
        assert_eq!(below("file:library"), Some("/data/library".into()));
        assert_eq!(below("file:/srv"), Some("/srv".into()));
        assert_eq!(below("s3://films"), None);
    }

    proptest! {
        #[test]
        fn what_is_shown_is_read_again(text in "(file:|s3://)[a-z./-]{0,12}") {
            if let Ok(address) = text.parse::<Address>() {
                prop_assert_eq!(address.to_string().parse::<Address>(), Ok(address));
            }
        }
    }
}
