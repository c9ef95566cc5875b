//! `matinee box provision`: the factory.

use super::audit::{audited, entry};
use super::now;
use crate::{Failure, output};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use license::{SoftwareRsaKey, SoftwareSigningKey};
use serde_json::json;
use server::Config;
use server::keys::{self, BoxOrder};
use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use tv_box::BoxFile;

/// Where boxes come: what `boxes.url` says, else where their own listener is on this machine, else the site.
fn base_url(config: &Config) -> String {
    match (&config.boxes.url, config.boxes.listen) {
        (Some(url), _) => url.clone(),
        (None, Some(listen)) => {
            let scheme = if config.tls.is_some() { "https" } else { "http" };
            format!("{scheme}://localhost:{}", listen.port())
        }
        (None, None) => config.public_url.clone(),
    }
}

pub(crate) fn provision(
    config: &Config,
    (model, serial): (&str, &str),
    path: &Path,
    json: bool,
) -> Result<(), Failure> {
    keys::generate(&config.keys(), &config.public_url, now())?;
    let unlucky = |_| Failure::Command("the operating system gives no random numbers".to_owned());
    let signing = SoftwareSigningKey::generate().map_err(unlucky)?;
    let rsa = SoftwareRsaKey::generate().map_err(unlucky)?;
    let order = BoxOrder {
        signing_key: signing.public_key().map_err(unlucky)?,
        rsa_modulus: rsa.modulus().map_err(unlucky)?,
        model,
        serial,
    };
    let details = [("model", model.into()), ("serial", serial.into())];
    let done = audited(config, entry("box provision", details), || {
        Ok(keys::provision(&config.keys(), &config.public_url, &order, now())?)
    })?;
    let controller = format!("{}{}", base_url(config), nccp::CONTROLLER_PATH);
    let urls = (config.public_url.as_str(), controller.as_str());
    let file = BoxFile::new(urls, &done.ca_keys, (model, serial), &done.certificate, &signing, &rsa)?;
    let octets = file.to_json()?;
    let failed = |e: std::io::Error| Failure::Command(format!("{}: {e}", path.display()));
    // Never over another box's identity.
    let mut out = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(failed)?;
    out.write_all(&octets).and_then(|()| out.sync_all()).map_err(failed)?;
    let factory_key = URL_SAFE_NO_PAD.encode(done.factory_key);
    if json {
        return output::json(&json!({"model": model, "serial": serial, "file": path,
            "factory_key": factory_key}));
    }
    output::line(&format!(
        "Provisioned {model} {serial}: put {} onto the box and nowhere else",
        path.display()
    ))?;
    output::line(&format!("Factory key: {factory_key}"))
}
