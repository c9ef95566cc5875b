//! The forms of URLs that are configured.

use super::setting;
use crate::Error;

/// An origin: scheme, host, perhaps port, nothing after.
pub(crate) fn check_origin(name: &'static str, origin: &str) -> Result<(), Error> {
    check_base(name, origin)?;
    let host = origin.split_once("://").map_or("", |(_, host)| host);
    if host.contains('/') {
        return Err(setting(
            name,
            "must be an origin: scheme, host and port without a path or trailing slash",
        ));
    }
    // Compared with what browsers send as `Origin`.
    let default_port = if origin.starts_with("https:") { ":443" } else { ":80" };
    if origin.bytes().any(|b| b.is_ascii_uppercase()) || host.ends_with(default_port) {
        return Err(setting(
            name,
            "must be written as browsers do: in lower case, without the scheme's own port",
        ));
    }
    Ok(())
}

/// A URL that paths are appended to. It stands in headers, so it holds nothing that could end one.
pub(super) fn check_base(name: &'static str, base: &str) -> Result<(), Error> {
    let host = base.strip_prefix("http://").or_else(|| base.strip_prefix("https://")).unwrap_or_default();
    let clean = |b: u8| b.is_ascii_alphanumeric() || b"-._~:/[]%".contains(&b);
    if host.is_empty() || host.starts_with('/') || base.ends_with('/') || !base.bytes().all(clean) {
        let reason =
            format!("\"{base}\" must begin with http:// or https:// and a host and end without a slash");
        return Err(Error::Setting { name, reason });
    }
    Ok(())
}
