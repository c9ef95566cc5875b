//! `[live]`: where encoders send, beside `listen`, and what is made of it.

use super::setting;
use crate::Error;
use ::live::transcode::{Encoder, Means};
use serde::Deserialize;
use std::net::SocketAddr;
use std::num::NonZero;
use std::path::PathBuf;
use std::time::Duration;

/// Seconds that a ladder may be behind before it makes less.
const BEHIND: (u64, u64) = (2, 3600);
/// Seconds before a rendition that was left out is tried again, at first.
const AGAIN: (u64, u64) = (1, 3600);
/// Most ladders at a time.
const MOST_LADDERS: usize = 64;
/// Most threads of a part of ffmpeg.
const MOST_THREADS: usize = 64;

/// Where encoders send; by HTTP they may send to `listen`, too.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Live {
    /// Where to listen for encoders that send by HTTP, and for nobody else; by HTTPS where there is `[tls]`.
    pub http: Option<SocketAddr>,
    /// Where to listen for RTMP, usually port 1935. The stream key goes over the network in the clear.
    pub rtmp: Option<SocketAddr>,
    /// Where to listen for RTMPS, usually port 443 or 1936, with the certificate of `[tls]`.
    pub rtmps: Option<SocketAddr>,
    /// Events at a time of which further renditions are made; 0: none.
    pub ladders: usize,
    /// Threads of each part of an ffmpeg that makes them; 0: the processors that there are, divided by
    /// `ladders`.
    pub ladder_threads: usize,
    /// Seconds that one may be behind its encoder before it makes one rendition less.
    pub ladder_behind: u64,
    /// Seconds after which a rendition that was left out so is tried again, at first; the pause doubles with
    /// each time, up to 16 of them.
    pub ladder_again: u64,
    /// What encodes them: `libx264`, or an encoder in hardware, which is tried when the server starts.
    pub ladder_encoder: Encoder,
    /// The device that it is on, like `/dev/dri/renderD128`; of `h264_nvenc` a card's number. Without it the
    /// first one.
    pub ladder_device: Option<String>,
    /// The program that makes them.
    pub ffmpeg: PathBuf,
}

impl Default for Live {
    fn default() -> Self {
        Self {
            http: None,
            rtmp: None,
            rtmps: None,
            ladders: 2,
            ladder_threads: 0,
            ladder_behind: 8,
            ladder_again: 120,
            ladder_encoder: Encoder::X264,
            ladder_device: None,
            ffmpeg: PathBuf::from("ffmpeg"),
        }
    }
}

impl Live {
    pub(super) fn check(&self, has_tls: bool) -> Result<(), Error> {
        if self.rtmps.is_some() && !has_tls {
            return Err(setting("live.rtmps", "needs a certificate: configure [tls]"));
        }
        if self.ladders > MOST_LADDERS {
            return Err(setting("live.ladders", "must be a number from 0 to 64"));
        }
        if self.ladder_threads > MOST_THREADS {
            return Err(setting("live.ladder_threads", "must be a number from 0 to 64"));
        }
        if !(BEHIND.0..=BEHIND.1).contains(&self.ladder_behind) {
            return Err(setting("live.ladder_behind", "must be a number of seconds from 2 to 3600"));
        }
        if !(AGAIN.0..=AGAIN.1).contains(&self.ladder_again) {
            return Err(setting("live.ladder_again", "must be a number of seconds from 1 to 3600"));
        }
        if let Some(device) = &self.ladder_device {
            if !self.ladder_encoder.is_hardware() {
                return Err(setting(
                    "live.ladder_device",
                    "is of an encoder in hardware: see live.ladder_encoder",
                ));
            }
            let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
            if device.is_empty() || device.starts_with('-') || !device.chars().all(is_plain) {
                return Err(setting(
                    "live.ladder_device",
                    "must be a path like /dev/dri/renderD128, or a number",
                ));
            }
        }
        if self.ffmpeg.as_os_str().is_empty() {
            return Err(setting("live.ffmpeg", "must be the path of a program, or its name"));
        }
        Ok(())
    }

    /// Threads of each part of an ffmpeg.
    pub(crate) fn threads(&self) -> usize {
        match self.ladder_threads {
            0 => std::thread::available_parallelism().map_or(1, NonZero::get).div_ceil(self.ladders.max(1)),
            said => said,
        }
    }

    /// What ladders are encoded with.
    pub fn means(&self) -> Means<'_> {
        let (encoder, device) = (self.ladder_encoder, self.ladder_device.as_deref());
        Means { encoder, device, threads: self.threads() }
    }

    /// The shortest pause before a step that was too much is tried again.
    pub(crate) const fn again(&self) -> Duration {
        Duration::from_secs(self.ladder_again)
    }

    /// How far behind its encoder a ladder may be.
    pub(crate) const fn behind(&self) -> Duration {
        Duration::from_secs(self.ladder_behind)
    }

    /// How many listeners that makes.
    pub(super) fn listeners(&self) -> usize {
        [self.http, self.rtmp, self.rtmps].into_iter().flatten().count()
    }

    /// What stands before `/ingest/…` for encoders that send by HTTP, where they have a listener of their
    /// own. `host` is that of the site, without port.
    pub fn http_base(&self, host: &str, has_tls: bool) -> Option<String> {
        let (scheme, usual) = if has_tls { ("https", 443) } else { ("http", 80) };
        Some(match self.http?.port() {
            port if port == usual => format!("{scheme}://{host}"),
            port => format!("{scheme}://{host}:{port}"),
        })
    }

    /// Where encoders send an application's events to by RTMP (RTMPS where it is there): the first of OBS's
    /// two settings. `host` is that of the site, without port.
    pub fn server(&self, host: &str, app: &str) -> Option<String> {
        let (scheme, usual, address) = match (self.rtmps, self.rtmp) {
            (Some(address), _) => ("rtmps", 443, address),
            (None, Some(address)) => ("rtmp", 1935, address),
            (None, None) => return None,
        };
        Some(match address.port() {
            port if port == usual => format!("{scheme}://{host}/{app}"),
            port => format!("{scheme}://{host}:{port}/{app}"),
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::Config;
    use ::live::transcode::Encoder;

    #[test]
    fn encoders_are_told_where() {
        let of = |text: &str| Config::parse(text).map(|config| config.live.server("films.example", "school"));
        assert_eq!(of("").unwrap(), None);
        let plain = of("[live]\nrtmp = \"0.0.0.0:1935\"").unwrap();
        assert_eq!(plain.as_deref(), Some("rtmp://films.example/school"));
        let error = of("[live]\nrtmps = \"0.0.0.0:1936\"").unwrap_err().to_string();
        assert!(error.contains("live.rtmps") && error.contains("[tls]"), "{error}");
        let tls = "public_url = \"https://films.example\"\n[tls]\ncertificate = \"a\"\nkey = \"b\"\n";
        let both = of(&format!("{tls}[live]\nrtmp = \"[::]:1935\"\nrtmps = \"[::]:1936\"")).unwrap();
        assert_eq!(both.as_deref(), Some("rtmps://films.example:1936/school"));
        assert!(of("[live]\nrtmp = 1935").is_err());

        let live = Config::parse("[live]\nhttp = \"0.0.0.0:8081\"").unwrap().live;
        assert_eq!(live.http_base("films.example", false).as_deref(), Some("http://films.example:8081"));
        let live = Config::parse("[live]\nhttp = \"[::]:443\"").unwrap().live;
        assert_eq!(live.http_base("films.example", true).as_deref(), Some("https://films.example"));
        assert_eq!(live.listeners(), 1);
        assert_eq!(Config::parse("").unwrap().live.http_base("films.example", true), None);
    }

    #[test]
    fn ladders_are_bounded() {
        let live = |text: &str| Config::parse(&format!("[live]\n{text}\n")).map(|config| config.live);
        let usual = live("").unwrap();
        assert_eq!((usual.ladders, usual.behind().as_secs()), (2, 8));
        assert!(usual.threads() >= 1);
        assert_eq!(live("ladders = 0\nladder_threads = 3").unwrap().threads(), 3);
        assert_eq!((usual.means().encoder, usual.again().as_secs()), (Encoder::X264, 120));
        let hard = live("ladder_encoder = \"h264_vaapi\"\nladder_device = \"/dev/dri/renderD129\"").unwrap();
        assert_eq!(
            (hard.means().encoder, hard.means().device),
            (Encoder::Vaapi, Some("/dev/dri/renderD129"))
        );
        for (bad, name) in [
            ("ladders = 65", "live.ladders"),
            ("ladder_threads = 65", "live.ladder_threads"),
            ("ladder_behind = 1", "live.ladder_behind"),
            ("ffmpeg = \"\"", "live.ffmpeg"),
            ("ladder_again = 0", "live.ladder_again"),
            ("ladder_encoder = \"h264_magic\"", "ladder_encoder"),
            ("ladder_device = \"/dev/dri/renderD128\"", "live.ladder_device"),
            ("ladder_encoder = \"h264_vaapi\"\nladder_device = \"a,b=c\"", "live.ladder_device"),
        ] {
            let error = live(bad).unwrap_err().to_string();
            assert!(error.contains(name), "{error}");
        }
    }
}
