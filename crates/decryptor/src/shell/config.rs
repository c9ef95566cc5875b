use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use license::Trust;
use serde::Deserialize;

/// What the module needs of `/decryptor-config.json`.
#[derive(Debug, Deserialize)]
pub(super) struct Config {
    pub(super) public_url: String,
    pub(super) controller_url: String,
    pub(super) individualize_url: String,
    ca_keys: Vec<String>,
}

impl Config {
    /// The site's CA keys and the URL that everything is signed for.
    pub(super) fn trust(&self) -> Option<Trust> {
        let key = |text: &String| URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok();
        let keys = self.ca_keys.iter().map(key).collect::<Option<Vec<[u8; 32]>>>()?;
        Trust::new(self.public_url.as_str(), &keys).ok()
    }
}
