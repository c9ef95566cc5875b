//! Who a box is: what the factory wrote.

use std::fmt;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use decryptor::Device;
use license::{KeyLevel, SoftwareRsaKey, SoftwareSigningKey, Trust};
use nccp::BoxCode;
use reqwest::Url;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::Error;

/// The form of box files.
const VERSION: u32 = 1;
/// Octets of a box file at most.
const MAX_FILE: u64 = 64 * 1024;

/// A box file: JSON, octets as base64url without padding.
#[derive(Serialize, Deserialize)]
pub struct BoxFile {
    version: u32,
    public_url: String,
    controller_url: String,
    ca_keys: Vec<String>,
    model: String,
    serial: String,
    certificate: String,
    signing_key: Zeroizing<String>,
    rsa_key: Zeroizing<String>,
}

/// A box's identity, as the box uses it.
pub struct Identity {
    pub(crate) trust: Trust,
    /// As it is signed; `url` is the same for the client.
    pub(crate) controller_url: String,
    pub(crate) url: Url,
    pub(crate) certificate: Vec<u8>,
    pub(crate) signing: SoftwareSigningKey,
    /// Opens what is sealed for this box: the keys of its domains.
    pub(crate) rsa: SoftwareRsaKey,
    model: String,
    serial: String,
}

impl BoxFile {
    /// A new box: its keys, the certificate for them, and the site that it belongs to.
    ///
    /// # Errors
    /// [`Error::Random`] stands for keys that cannot be written down.
    pub fn new(
        (public_url, controller_url): (&str, &str),
        ca_keys: &[[u8; 32]],
        (model, serial): (&str, &str),
        certificate: &[u8],
        signing: &SoftwareSigningKey,
        rsa: &SoftwareRsaKey,
    ) -> Result<Self, Error> {
        let text = |octets: &[u8]| URL_SAFE_NO_PAD.encode(octets);
        Ok(Self {
            version: VERSION,
            public_url: public_url.to_owned(),
            controller_url: controller_url.to_owned(),
            ca_keys: ca_keys.iter().map(|key| text(key)).collect(),
            model: model.to_owned(),
            serial: serial.to_owned(),
            certificate: text(certificate),
            signing_key: Zeroizing::new(text(&*signing.to_bytes())),
            rsa_key: Zeroizing::new(text(&rsa.to_pkcs8().map_err(|_| Error::Random)?)),
        })
    }

    /// The file's octets.
    ///
    /// # Errors
    /// None in practice; [`Error::Protocol`] stands for what the encoder does not refuse.
    pub fn to_json(&self) -> Result<Zeroizing<Vec<u8>>, Error> {
        serde_json::to_vec_pretty(self).map(Zeroizing::new).map_err(|_| Error::Protocol)
    }
}

impl fmt::Debug for BoxFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BoxFile({} {}, keys redacted)", self.model, self.serial)
    }
}

impl Identity {
    /// Reads a box file, which nobody but its owner may read.
    ///
    /// # Errors
    /// [`Error::BoxFile`], [`Error::Io`].
    pub fn read(path: &Path) -> Result<Self, Error> {
        let metadata = std::fs::metadata(path).map_err(Error::io(path))?;
        let bad = |reason| Error::BoxFile { path: path.to_owned(), reason };
        if metadata.permissions().mode() & 0o077 != 0 {
            return Err(bad("others can read it; run `chmod 600` on it"));
        }
        if metadata.len() > MAX_FILE {
            return Err(bad("this is no box file"));
        }
        let octets = Zeroizing::new(std::fs::read(path).map_err(Error::io(path))?);
        Self::parse(&octets).map_err(bad)
    }

    /// Reads the octets of a box file.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn parse(octets: &[u8]) -> Result<Self, &'static str> {
        let file: BoxFile = serde_json::from_slice(octets)
            .map_err(|_| "this is no box file; `matinee box provision` makes them")?;
        if file.version != VERSION {
            return Err("this box file is of another version of matinee");
        }
        let decode = |text: &str| URL_SAFE_NO_PAD.decode(text).map_err(|_| "a field is not base64url");
        let ca_keys = file
            .ca_keys
            .iter()
            .map(|key| decode(key)?.try_into().map_err(|_| "a CA key has not 32 octets"))
            .collect::<Result<Vec<[u8; 32]>, _>>()?;
        let trust = Trust::new(file.public_url.clone(), &ca_keys).map_err(|_| "a CA key is not a key")?;
        let scalar = Zeroizing::new(decode(&file.signing_key)?);
        let scalar: Zeroizing<[u8; 32]> =
            Zeroizing::new(scalar.as_slice().try_into().map_err(|_| "the signing key has not 32 octets")?);
        let signing = SoftwareSigningKey::from_bytes(&scalar).map_err(|_| "the signing key is not a key")?;
        let rsa = SoftwareRsaKey::from_pkcs8(&Zeroizing::new(decode(&file.rsa_key)?))
            .map_err(|_| "the RSA key is not a key")?;
        let url: Url = file.controller_url.parse().map_err(|_| "the controller's URL is none")?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err("the controller's URL is none");
        }
        Ok(Self {
            trust,
            url,
            certificate: decode(&file.certificate)?,
            signing,
            rsa,
            controller_url: file.controller_url,
            model: file.model,
            serial: file.serial,
        })
    }

    /// Model and serial number.
    pub fn name(&self) -> String {
        format!("{} {}", self.model, self.serial)
    }

    /// Where people type the code in.
    pub fn activate_url(&self) -> String {
        format!("{}/activate", self.trust.public_url())
    }

    /// The same with this code in it, to be opened or scanned (RFC 8628, 3.3.1). Without it where nobody
    /// could type in such a code.
    pub fn activate_link(&self, code: &str) -> String {
        let url = self.activate_url();
        match code.parse::<BoxCode>() {
            Ok(code) => format!("{url}?code={}", code.as_str()),
            Err(_) => url,
        }
    }

    /// What the box is to those who give it licenses.
    pub(crate) fn device(&self) -> Result<Device<'_>, Error> {
        Ok(Device {
            trust: &self.trust,
            certificate: &self.certificate,
            signing_key: self.signing.public_key().map_err(decryptor::Error::from)?,
            key_level: KeyLevel::Box,
            origin: self.trust.public_url(),
            release: None,
        })
    }

    /// Names this box among others, in what it keeps.
    pub(crate) fn fingerprint(&self) -> String {
        hex::encode(&license::sha256(&self.certificate)[..16])
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identity({}, keys redacted)", self.name())
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn file() -> BoxFile {
        let signing = SoftwareSigningKey::generate().unwrap();
        let rsa = SoftwareRsaKey::generate().unwrap();
        let ca = [[0x11; 32]];
        let mut ca_key = ca;
        // A point of the curve: the base point's encoding (RFC 8032 §5.1).
        ca_key[0] = [0x66; 32];
        ca_key[0][0] = 0x58;
        let urls = ("http://localhost:8080", "http://localhost:8443/nccp/controller");
        BoxFile::new(urls, &ca_key, ("Matinee One", "0001"), b"certificate", &signing, &rsa).unwrap()
    }

    #[test]
    fn a_box_file_is_read_as_it_was_written() {
        let file = file();
        let json = file.to_json().unwrap();
        let identity = Identity::parse(&json).unwrap();
        assert_eq!(identity.name(), "Matinee One 0001");
        assert_eq!(identity.activate_url(), "http://localhost:8080/activate");
        assert_eq!(identity.activate_link("K7QX2M"), "http://localhost:8080/activate?code=K7QX2M");
        assert_eq!(identity.activate_link("K7Q&a=b"), "http://localhost:8080/activate");
        assert_eq!(identity.controller_url, "http://localhost:8443/nccp/controller");
        assert_eq!(identity.certificate, b"certificate");
        assert_eq!(URL_SAFE_NO_PAD.encode(*identity.signing.to_bytes()), *file.signing_key);
    }

    /// The box file of docs/vectors, which other implementations read.
    #[test]
    fn the_published_box_file_is_read() {
        let json = include_bytes!("../../../docs/vectors/box.json");
        let identity = Identity::parse(json).unwrap();
        assert_eq!(identity.name(), "Matinee One 0001");
        let file: BoxFile = serde_json::from_slice(json).unwrap();
        assert_eq!(*file.to_json().unwrap(), json.trim_ascii_end());
    }

    #[test]
    fn keys_are_not_shown() {
        let file = file();
        let shown = format!("{file:?} {:?}", Identity::parse(&file.to_json().unwrap()).unwrap());
        assert!(shown.contains("Matinee One 0001") && shown.contains("redacted"));
        for secret in [&file.signing_key, &file.rsa_key] {
            assert!(!shown.contains(&***secret) && !shown.contains(&secret[..12]));
        }
    }

    #[test]
    fn what_is_no_box_file_is_refused_in_words() {
        let good = String::from_utf8(file().to_json().unwrap().to_vec()).unwrap();
        for (from, to, word) in [
            ("{", "[", "no box file"),
            ("\"version\": 1", "\"version\": 2", "another version"),
            ("http://localhost:8443", "ftp://localhost:8443", "URL"),
            ("\"signing_key\": \"", "\"signing_key\": \"AAAA", "signing key"),
            ("\"rsa_key\": \"M", "\"rsa_key\": \"A", "RSA key"),
            ("\"certificate\": \"", "\"certificate\": \"!", "base64url"),
        ] {
            assert!(good.contains(from), "{from}");
            let reason = Identity::parse(good.replacen(from, to, 1).as_bytes()).unwrap_err();
            assert!(reason.contains(word), "{reason}");
        }
    }

    /// Like the site's keys: refused while others can read it.
    #[test]
    fn a_file_that_others_can_read_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("box.json");
        std::fs::write(&path, &*file().to_json().unwrap()).unwrap();
        let set = |mode| std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        set(0o640);
        let error = Identity::read(&path).unwrap_err();
        assert!(error.to_string().contains("chmod 600"), "{error}");
        set(0o600);
        assert!(Identity::read(&path).is_ok());
        assert!(matches!(Identity::read(&folder.path().join("none")), Err(Error::Io { .. })));
    }
}
