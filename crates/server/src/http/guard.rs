//! Who may ask at all: the right host, no foreign page; and the headers that keep pages to themselves.

use super::body::{self, NotSingle};
use super::error::JsonError;
use super::{address, controller};
use crate::use_case::streaming;
use crate::{Config, Role, Service};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use nccp::{CONTROLLER_PATH, ErrorCode};
use std::sync::Arc;

/// The player alone: beside `/cdm`, the one page that may be in a frame.
pub(super) const PLAYER: &str = "/embed";

/// Whether a page of that origin may call with cookies.
pub(super) fn is_listed(config: &Config, origin: &str) -> bool {
    origin == config.public_url || config.embedders.iter().any(|listed| listed == origin)
}

/// Whether a request that changes something comes from where it may. Without `Origin` and `Sec-Fetch-Site`
/// the caller is no browser.
fn comes_from_us(config: &Config, headers: &HeaderMap) -> bool {
    // Two of one name are from nowhere, whichever of them is listed.
    let text = |name: HeaderName| match body::single(headers, name.as_str()) {
        Ok(value) => value,
        Err(NotSingle) => Some("null"),
    };
    let origin = text(header::ORIGIN);
    let site = text(HeaderName::from_static("sec-fetch-site"));
    let listed = origin.is_some_and(|origin| is_listed(config, origin));
    match (origin, site) {
        (Some(_), None | Some(_)) if !listed => false,
        (_, None) | (_, Some("same-origin")) => true,
        (_, Some(_)) => listed,
    }
}

/// Refuses what another site's page sends with our cookies.
pub(super) async fn refuse_foreign_posts(
    State(service): State<Arc<Service>>,
    request: Request,
    next: Next,
) -> Response {
    let harmless = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    if harmless || comes_from_us(&service.config, request.headers()) {
        next.run(request).await
    } else {
        match request.uri().path() {
            CONTROLLER_PATH => controller::refuse_origin(&service),
            _ => JsonError::new(StatusCode::FORBIDDEN, ErrorCode::OriginRefused).into_response(),
        }
    }
}

/// The budget of an address for the site, before anything else is done for it.
pub(super) async fn throttle_site(
    State(service): State<Arc<Service>>,
    request: Request,
    next: Next,
) -> Response {
    match service.throttle.site_request(address::of(&request)) {
        Ok(()) => next.run(request).await,
        Err(throttled) => JsonError::from(throttled).into_response(),
    }
}

/// Sends a browser that came by another name to `public_url`, for which cookies and signatures are made.
pub(super) async fn redirect_to_public_host(
    State(service): State<Arc<Service>>,
    request: Request,
    next: Next,
) -> Response {
    let path = request.uri().path();
    let exempt =
        ["/healthz", "/readyz"].contains(&path) || path.starts_with("/s/") || path.starts_with("/stream/");
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    let config = &service.config;
    if exempt || !reads || !config.has(Role::Site) || is_public_host(config, request.headers()) {
        return next.run(request).await;
    }
    let path = request.uri().path_and_query().map_or("/", |pq| pq.as_str());
    // A request line may hold an absolute URI; its path begins with a slash all the same.
    Redirect::temporary(&format!("{}{path}", config.public_url)).into_response()
}

fn is_public_host(config: &Config, headers: &HeaderMap) -> bool {
    let default_port = if config.is_https() { ":443" } else { ":80" };
    let plain = |host: &str| host.strip_suffix(default_port).unwrap_or(host).to_ascii_lowercase();
    // HTTP/1.0 clients may send no host.
    headers
        .get(header::HOST)
        .is_none_or(|host| host.to_str().is_ok_and(|host| plain(host) == plain(config.public_host())))
}

/// The policies of the answers: of the one page that may be in frames of those who embed, and of all others.
#[derive(Debug)]
pub(super) struct PagePolicies {
    player: Option<HeaderValue>,
    others: Option<HeaderValue>,
}

impl PagePolicies {
    pub(super) fn new(config: &Config) -> Self {
        let policy =
            |embedders: &[String]| HeaderValue::try_from(content_security_policy(config, embedders)).ok();
        Self { player: policy(&config.embedders), others: policy(&[]) }
    }

    fn of(&self, path: &str) -> Option<&HeaderValue> {
        if path == PLAYER { self.player.as_ref() } else { self.others.as_ref() }
    }
}

/// A page's policy (docs/protocol.md, section 1), with the origins in whose frames it may be.
fn content_security_policy(config: &Config, embedders: &[String]) -> String {
    let mut origins: Vec<&str> = config.cdn.iter().map(|cdn| origin_of(&cdn.base_url)).collect();
    origins.push(origin_of(config.edge_base()));
    // Where the edge sends players for media.
    let redirect = config.storage.redirect_origin().filter(|_| config.redirects());
    origins.extend(redirect.as_deref().map(origin_of));
    let listed = |mut origins: Vec<&str>| -> String {
        origins.retain(|origin| *origin != config.public_url);
        origins.sort_unstable();
        origins.dedup();
        origins.iter().map(|origin| format!(" {origin}")).collect()
    };
    let cdns = listed(origins.clone());
    origins.push(origin_of(config.drm_base()));
    origins.extend(config.drm.license_url.as_deref().map(origin_of));
    let reports = config.cmcd.target(&config.public_url);
    origins.extend(reports.as_deref().map(origin_of));
    let mut services = listed(origins);
    // Not every browser takes 'self' for a WebSocket of the own origin, too.
    if let Some(stream) = streaming::preferred_base(config) {
        services += " ";
        services += &stream;
    }
    let embedders = if embedders.is_empty() { "'none'".to_owned() } else { embedders.join(" ") };
    format!(
        "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; connect-src 'self'{services}; \
         media-src 'self' blob:; img-src 'self'{cdns}; style-src 'self'; font-src 'self'; manifest-src 'self'; base-uri 'none'; \
         form-action 'self'; frame-ancestors {embedders}; require-trusted-types-for 'script'; \
         trusted-types default"
    )
}

/// The policy of the frame that holds the DRM module alone (`/cdm`): its script, its worker, and this server.
pub(super) fn cdm_security_policy(config: &Config) -> String {
    let embedders: String = config.embedders.iter().map(|origin| format!(" {origin}")).collect();
    format!(
        "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; connect-src 'self'; base-uri 'none'; \
         form-action 'none'; frame-ancestors 'self'{embedders}; sandbox allow-scripts allow-same-origin; \
         require-trusted-types-for 'script'; trusted-types default"
    )
}

/// Scheme, host and port of a URL.
fn origin_of(url: &str) -> &str {
    let host = url.find("://").map_or(0, |at| at + 3);
    url[host..].find('/').map_or(url, |at| &url[..host + at])
}

/// Headers of every answer but the edge's media.
pub(super) async fn security_headers(
    State((service, policies)): State<(Arc<Service>, Arc<PagePolicies>)>,
    request: Request,
    next: Next,
) -> Response {
    let path = request.uri().path();
    let media = path.starts_with("/s/");
    let policy = policies.of(path).cloned();
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if service.config.is_https() {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
    }
    if !media {
        if let Some(policy) = policy {
            // One that a page has already is stricter.
            headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(policy);
        }
        headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
        // On plain-http pages browsers ignore it, with an error for each.
        if !service.config.is_plain_http() {
            headers.insert(
                HeaderName::from_static("cross-origin-opener-policy"),
                HeaderValue::from_static("same-origin"),
            );
        }
        // What a listed page may read by CORS must not be withheld from it by this.
        let shared = headers.contains_key(header::ACCESS_CONTROL_ALLOW_CREDENTIALS);
        let policy = if shared { "cross-origin" } else { "same-origin" };
        headers
            .entry(HeaderName::from_static("cross-origin-resource-policy"))
            .or_insert(HeaderValue::from_static(policy));
        headers.insert(
            HeaderName::from_static("permissions-policy"),
            HeaderValue::from_static("camera=(), geolocation=(), microphone=()"),
        );
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(text: &str) -> Config {
        Config::parse(text).unwrap()
    }

    fn headers(origin: Option<&str>, site: Option<&str>) -> HeaderMap {
        let mut headers = HeaderMap::new();
        if let Some(origin) = origin {
            headers.insert(header::ORIGIN, origin.parse().unwrap());
        }
        if let Some(site) = site {
            headers.insert("sec-fetch-site", site.parse().unwrap());
        }
        headers
    }

    #[test]
    fn only_listed_pages_may_post() {
        let config = config("embedders = [\"https://partner.example\"]");
        let us = Some("http://localhost:8080");
        let partner = Some("https://partner.example");
        for (origin, site, expected) in [
            (None, None, true),
            (us, None, true),
            (us, Some("same-origin"), true),
            (None, Some("same-origin"), true),
            (partner, Some("cross-site"), true),
            (Some("https://evil.example"), None, false),
            (Some("https://evil.example"), Some("same-origin"), false),
            (Some("null"), None, false),
            (None, Some("cross-site"), false),
            (None, Some("same-site"), false),
            (None, Some("none"), false),
        ] {
            assert_eq!(comes_from_us(&config, &headers(origin, site)), expected, "{origin:?} {site:?}");
        }
    }

    #[test]
    fn the_policy_names_cdns_and_embedders() {
        let policy = |config: &Config| content_security_policy(config, &config.embedders);
        let plain = policy(&config(""));
        assert!(
            plain.contains("connect-src 'self';") && plain.contains("frame-ancestors 'none';"),
            "{plain}"
        );
        assert!(!plain.contains("unsafe-inline") && !plain.contains("'unsafe-eval'"));
        let cdns = policy(&config(
            "embedders = [\"https://partner.example\"]\n[[cdn]]\nid = 1\nname = \"c\"\nbase_url = \"https://c.example/films\"",
        ));
        assert!(cdns.contains("connect-src 'self' https://c.example;"), "{cdns}");
        assert!(cdns.contains("frame-ancestors https://partner.example;"), "{cdns}");
        // Where the edge sends players.
        let redirect =
            "[storage]\nurl = \"s3://films/a\"\nendpoint = \"https://s3.example\"\n[edge]\nredirect = true";
        assert!(policy(&config(redirect)).contains("connect-src 'self' https://s3.example;"));
        let license = policy(&config(
            "[drm]\nlicense_url = \"https://l.example/license\"\nbase_url = \"https://m.example\"",
        ));
        assert!(license.contains("connect-src 'self' https://l.example https://m.example;"), "{license}");
        assert!(license.contains("img-src 'self';"), "{license}");
        // Where players are told to report to.
        let reports = policy(&config("[cmcd]\nreport_to = \"https://r.example/cmcd\""));
        assert!(reports.contains("connect-src 'self' https://r.example;"), "{reports}");
        assert!(reports.contains("img-src 'self';"), "{reports}");
        // B87: where players are told to take the persistent connection.
        let stream = "public_url = \"https://a.example\"\n[stream]\ntransport = \"ws\"";
        assert!(policy(&config(stream)).contains("connect-src 'self' wss://a.example;"));
        let other = "[stream]\ntransport = \"ws\"\nbase_url = \"http://b.example:81/films\"";
        assert!(policy(&config(other)).contains("connect-src 'self' ws://b.example:81;"));
        let elsewhere = "roles = [\"site\"]\n[stream]\ntransport = \"ws\"";
        assert!(policy(&config(elsewhere)).contains("connect-src 'self';"));
    }

    #[test]
    fn the_cdm_frame_is_for_the_listed_and_does_nothing_else() {
        let alone = cdm_security_policy(&config(""));
        assert!(
            alone.contains("frame-ancestors 'self';") && alone.contains("connect-src 'self';"),
            "{alone}"
        );
        let listed = cdm_security_policy(&config("embedders = [\"https://partner.example\"]"));
        assert!(listed.contains("frame-ancestors 'self' https://partner.example;"), "{listed}");
        for never in ["unsafe-inline", "'unsafe-eval'", "style-src", "img-src", "media-src", "allow-popups"] {
            assert!(!listed.contains(never), "{listed}");
        }
    }

    #[test]
    fn hosts_compare_without_case_and_default_port() {
        let config = config("public_url = \"https://films.example.org\"");
        let host = |h: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, h.parse().unwrap());
            is_public_host(&config, &headers)
        };
        assert!(host("Films.example.org") && host("films.example.org:443"));
        assert!(!host("films.example.org:8443") && !host("evil.example"));
    }
}
