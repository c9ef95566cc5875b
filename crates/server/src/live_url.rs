//! URLs of live events (docs/protocol.md, section 13). One token is good for all of an event, whatever its
//! sessions.

use crate::keys::KeyRing;
use crate::media_url::{self, Door, Granted, Refusal};
use crate::url_tokens::UrlTokens;
use crate::{Config, Error};
use urltoken::{Place, Signer};

/// Path of something of a live event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LivePath {
    /// The application.
    pub app: String,
    /// The event.
    pub event: String,
    /// What follows, such as `0a1b2c3d/v720-1/17.m4s`; no part of it is empty.
    pub rest: Vec<String>,
}

impl LivePath {
    /// Reads `/s/live/{app}/{event}/…`.
    pub fn parse(path: &str) -> Option<Self> {
        let mut parts = path.strip_prefix("/s/live/")?.split('/').map(str::to_owned);
        let (app, event, rest) = (parts.next()?, parts.next()?, parts.collect::<Vec<_>>());
        let plain = |part: &String| is_name(&part.replace('.', "-"), 64) && !part.starts_with('.');
        let named = is_name(&app, 64) && is_name(&event, 64) && (1..=3).contains(&rest.len());
        (named && rest.iter().all(plain)).then_some(Self { app, event, rest })
    }

    /// The event's folder, `/s/live/{app}/{event}/`: what tokens are for.
    pub fn folder(&self) -> String {
        folder(&self.app, &self.event)
    }
}

fn folder(app: &str, event: &str) -> String {
    format!("/s/live/{app}/{event}/")
}

fn is_name(text: &str, most: usize) -> bool {
    (1..=most).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

/// The query that opens everything of an event until `expires` (Unix seconds), without question mark. Empty
/// where the signer's dialect has no tokens for folders: such a network cannot carry live events.
pub fn sign(signer: &Signer, base: &str, (app, event): (&str, &str), expires: u64, now: u64) -> String {
    let folder = folder(app, event);
    signer.folder_query(&Place::new(base, &folder, ""), expires, now).unwrap_or_default()
}

/// The address of something of an event at the own edge, whatever the session: `name` is `master.m3u8`,
/// `stream.mpd`, `index.json` or `drm`.
///
/// # Errors
/// As [`UrlTokens::new`].
pub fn of(
    config: &Config,
    keys: &KeyRing,
    (app, event): (&str, &str),
    name: &str,
    (expires, now): (u64, u64),
) -> Result<String, Error> {
    let (tokens, base) = (UrlTokens::new(config, &keys.media)?, config.edge_base());
    let token = sign(tokens.own(), base, (app, event), expires, now);
    Ok(format!("{base}{}{name}?{token}", folder(app, event)))
}

/// A query apart: the token as it was signed, and what players and readers of the index add to it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LiveQuery {
    /// The token's parameters, in their order; empty without one.
    pub token: String,
    /// Everything else: `since`, `wait`, `CMCD`, and what begins with `_HLS_` or `_DASH_`.
    pub others: Vec<(String, String)>,
}

impl LiveQuery {
    /// Takes a query apart.
    pub fn parse(query: &str) -> Self {
        let (mut token, mut others) = (Vec::new(), Vec::new());
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let added = ["since", "wait", "CMCD"].contains(&name)
                || ["_HLS_", "_DASH_"].iter().any(|beginning| name.starts_with(beginning));
            match added {
                true => others.push((name.to_owned(), value.to_owned())),
                false => token.push(pair),
            }
        }
        Self { token: token.join("&"), others }
    }

    /// The value of another parameter.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.others.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }
}

/// As [`media_url::verify`], of something of a live event, whose query may hold more than the token.
///
/// # Errors
/// [`Refusal`].
pub fn verify(
    doors: &[Door<'_>],
    path: &str,
    query: &LiveQuery,
    now: u64,
) -> Result<Granted<LivePath>, Refusal> {
    if !query.others.iter().all(|(name, value)| media_url::is_clean(name, value)) {
        return Err(Refusal::Unclean);
    }
    media_url::check(doors, (path, Some(&query.token)), now, |path| {
        let live = LivePath::parse(path)?;
        let (folder, file) = (live.folder(), live.rest.join("/"));
        Some((live, folder, file))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use urltoken::{Dialect, Secret, Settings};

    const BASE: &str = "http://localhost:8080";
    const BEFORE: u64 = 1_790_000_000;

    fn signer(dialect: Dialect) -> Signer {
        Signer::new(dialect, &Settings::default(), &[Secret::new(vec![b'0'; 32])]).unwrap()
    }

    /// One token for all of an event, and nothing beside it.
    #[test]
    fn live_events_have_one_token_each() {
        for dialect in [Dialect::MediaVault, Dialect::Matinee, Dialect::Nginx] {
            let signer = signer(dialect);
            let query = sign(&signer, BASE, ("school", "lecture"), 1_790_002_800, BEFORE);
            let doors = [Door { signer: &signer, bases: vec![BASE] }];
            let check = |path: &str, query: &str| {
                verify(&doors, path, &LiveQuery::parse(query), BEFORE).map(|granted| granted.path)
            };
            let path = "/s/live/school/lecture/0a1b2c3d/v720-1/17.3.m4s";
            let read = check(path, &query).unwrap();
            assert_eq!((read.app.as_str(), read.event.as_str(), read.rest.len()), ("school", "lecture", 3));
            assert!(check("/s/live/school/lecture/index.json", &query).is_ok());
            // Players add to the query, in front or behind.
            let more = format!("_HLS_msn=17&{query}&_HLS_part=3");
            assert_eq!(check(path, &more), Ok(read));
            let parsed = LiveQuery::parse(&more);
            let added = (parsed.get("_HLS_msn"), parsed.get("_HLS_part"), parsed.get("p"));
            assert_eq!(added, (Some("17"), Some("3"), None));
            assert_eq!(parsed.token, query);
            for other in ["/s/live/school/lecture2/x/index.json", "/s/live/school/lectur/e/index.json"] {
                assert_eq!(check(other, &query), Err(Refusal::Forbidden), "{other}");
            }
            for none in [
                "/s/live/school/lecture",
                "/s/live/school/lecture/",
                "/s/live/school/lecture/a/../b",
                "/s/live/school/lecture/a//b",
                "/s/live/school/lecture/a/b/c/d",
                "/s/live//lecture/index.json",
            ] {
                assert_eq!(check(none, &query), Err(Refusal::NotFound), "{none}");
            }
            assert_eq!(check(path, ""), Err(Refusal::Forbidden));
            assert_eq!(check(path, &format!("{query}&p=1")), Err(Refusal::Forbidden));
        }
    }

    proptest! {
        #[test]
        fn checking_never_panics(path in "/s/.{0,60}", query in ".{0,80}") {
            let signer = signer(Dialect::MediaVault);
            let _ = verify(&[Door { signer: &signer, bases: vec![BASE] }], &path, &LiveQuery::parse(&query), 0);
        }
    }
}
