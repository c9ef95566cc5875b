//! The site's three cookies.

use crate::Config;
use crate::secret::CookieSecret;
use crate::use_case::login::{SESSION_LIFE, SessionCookies};
use axum::http::{HeaderMap, HeaderValue, header};

const ID: &str = "MatineeShopperID";
const SECRET: &str = "MatineeShopperSecret";
const BROWSER: &str = "MatineeDevice";
/// Seconds that the browser's cookie lives: 400 days, the most that browsers allow.
const BROWSER_LIFE: u64 = 34_560_000;

/// With https the names say that no other host or path can have set them.
fn name(config: &Config, name: &str) -> String {
    if config.is_https() { format!("__Host-{name}") } else { name.to_owned() }
}

fn value<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|v| v.to_str().ok())
        .flat_map(|v| v.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(n, _)| *n == name)
        .map(|(_, v)| v)
}

/// The session's cookies, if both are there and have our form.
pub(super) fn session(config: &Config, headers: &HeaderMap) -> Option<SessionCookies> {
    let id = value(headers, &name(config, ID))?;
    SessionCookies::parse(id, value(headers, &name(config, SECRET))?)
}

/// The browser's cookie.
pub(super) fn browser(config: &Config, headers: &HeaderMap) -> Option<CookieSecret> {
    CookieSecret::parse::<16>(value(headers, &name(config, BROWSER))?)
}

fn set(config: &Config, cookie: &str, value: &str, life: u64) -> HeaderValue {
    let secure = if config.is_https() { "; Secure" } else { "" };
    let name = name(config, cookie);
    let text = format!("{name}={value}; HttpOnly; SameSite=Lax; Path=/; Max-Age={life}{secure}");
    // Values are base64url and names our own.
    let mut value = HeaderValue::from_str(&text).unwrap_or_else(|_| HeaderValue::from_static(""));
    value.set_sensitive(true);
    value
}

/// `Set-Cookie` for a new session.
pub(super) fn begin(config: &Config, session: &SessionCookies) -> [HeaderValue; 2] {
    [
        set(config, ID, session.id.expose(), SESSION_LIFE),
        set(config, SECRET, session.secret.expose(), SESSION_LIFE),
    ]
}

/// `Set-Cookie` that ends the session.
pub(super) fn end(config: &Config) -> [HeaderValue; 2] {
    [set(config, ID, "", 0), set(config, SECRET, "", 0)]
}

/// `Set-Cookie` for the browser.
pub(super) fn remember_browser(config: &Config, browser: &CookieSecret) -> HeaderValue {
    set(config, BROWSER, browser.expose(), BROWSER_LIFE)
}
