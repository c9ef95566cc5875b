//! `[live]`: where encoders send, beside `listen`.

use super::setting;
use crate::Error;
use serde::Deserialize;
use std::net::SocketAddr;

/// Where encoders send; by HTTP they may send to `listen`, too.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Live {
    /// Where to listen for encoders that send by HTTP, and for nobody else; by HTTPS where there is `[tls]`.
    pub http: Option<SocketAddr>,
    /// Where to listen for RTMP, usually port 1935. The stream key goes over the network in the clear.
    pub rtmp: Option<SocketAddr>,
    /// Where to listen for RTMPS, usually port 443 or 1936, with the certificate of `[tls]`.
    pub rtmps: Option<SocketAddr>,
}

impl Live {
    pub(super) fn check(&self, has_tls: bool) -> Result<(), Error> {
        if self.rtmps.is_some() && !has_tls {
            return Err(setting("live.rtmps", "needs a certificate: configure [tls]"));
        }
        Ok(())
    }

    /// How many listeners that makes.
    pub(super) fn listeners(&self) -> usize {
        [self.http, self.rtmp, self.rtmps].into_iter().flatten().count()
    }

    /// What stands before `/ingest/…` for encoders that send by HTTP, where they have a listener of their own. `host` is
    /// that of the site, without port.
    pub fn http_base(&self, host: &str, has_tls: bool) -> Option<String> {
        let (scheme, usual) = if has_tls { ("https", 443) } else { ("http", 80) };
        Some(match self.http?.port() {
            port if port == usual => format!("{scheme}://{host}"),
            port => format!("{scheme}://{host}:{port}"),
        })
    }

    /// Where encoders send an application's events to by RTMP (RTMPS where it is there): the first of OBS's two
    /// settings. `host` is that of the site, without port.
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
}
