//! What is known of a film that plays, for whoever helps.

use nccp::Manifest;
use playback::DynamicRange;

use crate::{decryptor_proxy::Decrypting, stream::Way};

/// The numbers of a film that plays. There are no keys in it, no tickets and no addresses: of those there is
/// the host's name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Statistics {
    /// Seconds of the film, or of the event.
    pub position: f64,
    /// Size of the picture in pixels.
    pub picture: (u32, u32),
    /// Size of the element in device pixels.
    pub element: (u32, u32),
    /// The representation of the picture.
    pub video: Option<Form>,
    /// The representation of the sound.
    pub audio: Option<Form>,
    /// Seconds that are buffered ahead.
    pub buffer: f64,
    /// Measured, in bit/s.
    pub throughput: Option<u64>,
    /// What decrypting the film has taken.
    pub decrypting: Decrypting,
    /// Pictures decoded, dropped ones among them, and dropped ones.
    pub frames: (u32, u32),
    /// How often the film waited for media.
    pub stalls: u64,
    /// How often another size of the picture was taken.
    pub switches: u64,
    /// Name of the host that was asked for media last.
    pub host: Option<String>,
    /// By which way the media come, where the site prefers persistent connections.
    pub way: Option<Way>,
    /// The license that it plays by; `None` without one.
    pub license: Option<Lease>,
    /// Of an event, seconds behind what is live, and what they are to be.
    pub latency: Option<(f64, f64)>,
}

/// Of a representation: what it is coded as, and how large it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Form {
    /// RFC 6381.
    pub codecs: String,
    /// The dynamic range of pictures.
    pub range: DynamicRange,
    /// Mean, in bit/s.
    pub bitrate: u32,
}

/// The life of a license, in seconds from now.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Lease {
    /// Until it ends; `None`: it does not.
    pub ends: Option<f64>,
    /// Until another is asked for; `None`: none is.
    pub renewed: Option<f64>,
}

impl Form {
    /// Of a file of a manifest.
    pub(super) fn of(manifest: &Manifest, id: &str) -> Option<Self> {
        let file = manifest.downloadables.iter().find(|file| file.id == id)?;
        // A manifest tells kbit/s.
        Some(Self {
            codecs: file.codecs.clone(),
            range: DynamicRange::of(file),
            bitrate: file.bitrate.saturating_mul(1000),
        })
    }
}

/// The name of a URL's host, with its port.
pub(super) fn host(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit('@').next()?;
    (!host.is_empty()).then_some(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_an_address_there_is_the_host_only() {
        for (url, expected) in [
            ("https://cdn1.example/s/1/2.mp4/range/0-9?t=secret", Some("cdn1.example")),
            ("http://localhost:8080?t=secret", Some("localhost:8080")),
            ("https://user:secret@cdn.example/x", Some("cdn.example")),
            ("/relative", None),
            ("https:///x", None),
        ] {
            assert_eq!(host(url), expected, "{url}");
        }
    }
}
