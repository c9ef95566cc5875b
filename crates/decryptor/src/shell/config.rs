use base64ct::{Base64UrlUnpadded, Encoding as _};
use js_sys::Array;
use license::Trust;
use wasm_bindgen::{JsCast as _, JsValue};

use super::interop::property;
use super::keys::BUILD;

/// What the module needs of `/decryptor-config.json`.
pub(super) struct Config {
    pub(super) public_url: String,
    pub(super) controller_url: String,
    pub(super) individualize_url: String,
    /// SHA-256 of this very module, hex: the loader has compared it.
    pub(super) module_sha256: String,
    /// The site's CA keys, the signers that it has now, and the URL that everything is signed for.
    pub(super) trust: Trust,
}

impl Config {
    /// Reads it; `None` if something is missing.
    pub(super) fn read(config: &JsValue) -> Option<Self> {
        let text = |name| property(config, name).as_string();
        let public_url = text("public_url")?;
        let mut trust = Trust::new(public_url.as_str(), &keys(&property(config, "ca_keys"))?).ok()?;
        let signers = property(config, "signers");
        if !signers.is_undefined() {
            trust.only_signers(keys(&signers)?);
        }
        Some(Self {
            public_url,
            controller_url: text("controller_url")?,
            individualize_url: text("individualize_url")?,
            module_sha256: property(&property(config, BUILD), "sha256").as_string()?,
            trust,
        })
    }
}

/// A list of Ed25519 keys, base64url.
fn keys(list: &JsValue) -> Option<Vec<[u8; 32]>> {
    let mut keys = Vec::new();
    for text in list.dyn_ref::<Array>()?.iter() {
        keys.push(Base64UrlUnpadded::decode_vec(&text.as_string()?).ok()?.try_into().ok()?);
    }
    Some(keys)
}
