//! `matinee box`: the factory.

use super::now;
use crate::args::BoxCommand;
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
use zeroize::Zeroizing;

pub(crate) fn run(config: &Config, command: BoxCommand) -> Result<(), Failure> {
    let BoxCommand::Provision { model, serial, output: path, json } = command;
    keys::generate(&config.keys(), &config.public_url, now())?;
    let unlucky = |_| Failure::Command("the operating system gives no random numbers".to_owned());
    let signing = SoftwareSigningKey::generate().map_err(unlucky)?;
    let rsa = SoftwareRsaKey::generate().map_err(unlucky)?;
    let order = BoxOrder {
        signing_key: signing.public_key().map_err(unlucky)?,
        rsa_modulus: rsa.modulus().map_err(unlucky)?,
        model: &model,
        serial: &serial,
    };
    let done = keys::provision(&config.keys(), &config.public_url, &order, now())?;
    let text = |octets: &[u8]| URL_SAFE_NO_PAD.encode(octets);
    let base = config.boxes.url.as_deref().unwrap_or(&config.public_url);
    let pkcs8 = rsa.to_pkcs8().map_err(unlucky)?;
    let file = json!({
        "version": 1,
        "public_url": config.public_url,
        "controller_url": format!("{base}{}", nccp::CONTROLLER_PATH),
        "ca_keys": done.ca_keys.iter().map(|key| text(key)).collect::<Vec<_>>(),
        "model": model,
        "serial": serial,
        "certificate": text(&done.certificate),
        "signing_key": text(&*signing.to_bytes()),
        "rsa_key": text(&pkcs8),
    });
    let octets =
        Zeroizing::new(serde_json::to_vec_pretty(&file).map_err(|e| Failure::Command(e.to_string()))?);
    let failed = |e: std::io::Error| Failure::Command(format!("{}: {e}", path.display()));
    // Never over another box's identity.
    let mut out = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).map_err(failed)?;
    out.write_all(&octets).and_then(|()| out.sync_all()).map_err(failed)?;
    if json.json {
        return output::json(&json!({"model": model, "serial": serial, "file": path,
            "factory_key": text(&done.factory_key)}));
    }
    output::line(&format!(
        "Provisioned {model} {serial}: put {} onto the box and nowhere else",
        path.display()
    ))?;
    output::line(&format!("Factory key: {}", text(&done.factory_key)))
}
