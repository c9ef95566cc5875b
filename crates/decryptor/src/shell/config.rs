use base64ct::{Base64UrlUnpadded, Encoding as _};
use license::Trust;
use wasm_bindgen::JsValue;

use super::interop::{property, typed};
use super::keys::BUILD;

/// What the module needs of `/decryptor-config.json`.
pub(super) struct Config {
    pub(super) public_url: String,
    pub(super) controller_url: String,
    pub(super) individualize_url: String,
    /// SHA-256 of this very module, hex: the loader has compared it.
    pub(super) module_sha256: String,
    ca_keys: Vec<String>,
    /// Those that are not retired.
    signers: Option<Vec<String>>,
}

impl Config {
    /// Reads it; `None` if something is missing.
    pub(super) fn read(config: &JsValue) -> Option<Self> {
        let text = |name| property(config, name).as_string();
        let list = |keys: js_sys::Array| keys.iter().map(|key| key.as_string()).collect::<Option<_>>();
        let signers = typed::<js_sys::Array>(config, "signers");
        Some(Self {
            public_url: text("public_url")?,
            controller_url: text("controller_url")?,
            individualize_url: text("individualize_url")?,
            module_sha256: property(&property(config, BUILD), "sha256").as_string()?,
            ca_keys: list(typed::<js_sys::Array>(config, "ca_keys")?)?,
            signers: match signers {
                Some(keys) => Some(list(keys)?),
                None => None,
            },
        })
    }

    /// The site's CA keys, the signers that it has now, and the URL that everything is signed for.
    pub(super) fn trust(&self) -> Option<Trust> {
        let key = |text: &String| Base64UrlUnpadded::decode_vec(text).ok()?.try_into().ok();
        let list = |keys: &[String]| keys.iter().map(key).collect::<Option<Vec<[u8; 32]>>>();
        let trust = Trust::new(self.public_url.as_str(), &list(&self.ca_keys)?).ok()?;
        match &self.signers {
            Some(signers) => Some(trust.only_signers(list(signers)?)),
            None => Some(trust),
        }
    }
}
