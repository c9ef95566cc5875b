//! Reading `matinee.toml`.

use super::Config;
use crate::Error;
use std::path::Path;

/// When a file was last changed, Unix seconds; 0 where nobody knows.
pub(crate) fn modified(path: &Path) -> u64 {
    let time = std::fs::metadata(path).and_then(|metadata| metadata.modified()).ok();
    time.and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok()).map_or(0, |since| since.as_secs())
}

/// Errors name the line and what is expected there, and never quote a value: it may be a password.
pub(super) fn parse(path: &Path, text: &str) -> Result<Config, Error> {
    let mut config: Config = toml::from_str(text).map_err(|error| {
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        let number = before.matches('\n').count();
        let place = match text.lines().nth(number).and_then(setting_on) {
            Some(name) => format!("line {}, {name}: ", number + 1),
            None => format!("line {}: ", number + 1),
        };
        let reason = format!("{place}{}", without_value(error.message()));
        Error::Config { path: path.to_owned(), reason: reason.trim().replace('\n', " ") }
    })?;
    config.locate(path, text)?;
    Ok(config)
}

/// The name in front of a line's equals sign, where it is a plain one.
fn setting_on(line: &str) -> Option<&str> {
    let name = line.split_once('=')?.0.trim();
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
    (!name.is_empty() && name.bytes().all(plain)).then_some(name)
}

/// The messages of serde that repeat what was found, without that.
fn without_value(message: &str) -> String {
    let kinds = ["invalid type", "invalid value", "invalid length", "unknown variant"];
    match kinds.into_iter().find(|kind| message.starts_with(kind)) {
        None => message.to_owned(),
        Some(kind) => match message.rsplit_once(", expected ") {
            Some((_, expected)) => format!("{kind}, expected {expected}"),
            None => kind.to_owned(),
        },
    }
}
