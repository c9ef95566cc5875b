//! A key in a file of its own: TOML, mode 0600.

use crate::secret::{base64url, from_base64url};
use crate::{Error, private};
use license::SiteCa;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// What a key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyKind {
    /// Certifies signers.
    SiteCa,
    /// Signs objects of one type.
    Signer,
    /// Seals tickets.
    Ticket,
    /// Content keys are derived from it.
    Common,
    /// Signs media URLs.
    Media,
    /// Certifies boxes; made by `matinee box provision`.
    FactoryCa,
    /// Seals the domains' keys in their files, and content keys that were given to the packager.
    Seal,
    /// A domain's key pair of one epoch; embedded licenses are made for it.
    Domain,
}

/// Where a key stands in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyState {
    /// Accepted already, made nothing with yet.
    Next,
    /// In use.
    Active,
    /// No longer makes anything; what it made is still accepted.
    VerifyOnly,
}

impl KeyKind {
    /// Every kind.
    pub const ALL: [Self; 8] = [
        Self::SiteCa,
        Self::Signer,
        Self::Ticket,
        Self::Common,
        Self::Media,
        Self::FactoryCa,
        Self::Seal,
        Self::Domain,
    ];

    /// The word in files and listings.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SiteCa => "site-ca",
            Self::Signer => "signer",
            Self::Ticket => "ticket",
            Self::Common => "common",
            Self::Media => "media",
            Self::FactoryCa => "factory-ca",
            Self::Seal => "seal",
            Self::Domain => "domain",
        }
    }
}

impl KeyState {
    /// The word in files and listings.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Next => "next",
            Self::Active => "active",
            Self::VerifyOnly => "verify-only",
        }
    }
}

/// A key as it lies in its file.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct KeyFile {
    pub(super) kind: KeyKind,
    pub(super) id: String,
    pub(super) state: KeyState,
    /// Unix seconds.
    pub(super) created: u64,
    /// base64url; absent where a CA's lies elsewhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    secret: Option<Zeroizing<String>>,
    /// CAs whose secret lies elsewhere: the public key, base64url.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    public: Option<String>,
    /// Signers: the type that it signs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) typ: Option<String>,
    /// Signers: the certificate's octets, base64url.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    certificate: Option<String>,
}

impl fmt::Debug for KeyFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyFile({} {} {})", self.kind.as_str(), self.id, self.state.as_str())
    }
}

impl KeyFile {
    pub(super) fn new(kind: KeyKind, id: &str, created: u64, secret: &[u8]) -> Self {
        Self {
            kind,
            id: id.to_owned(),
            state: KeyState::Active,
            created,
            secret: Some(Zeroizing::new(base64url(secret))),
            public: None,
            typ: None,
            certificate: None,
        }
    }

    pub(super) fn with_state(mut self, state: KeyState) -> Self {
        self.state = state;
        self
    }

    pub(super) fn with_certificate(mut self, typ: &str, certificate: &[u8]) -> Self {
        self.typ = Some(typ.to_owned());
        self.certificate = Some(base64url(certificate));
        self
    }

    fn damaged(&self) -> Error {
        Error::Keys(format!("{} {} is damaged", self.kind.as_str(), self.id))
    }

    /// The secret; an error in words where only the public key is here.
    pub(super) fn secret(&self) -> Result<Zeroizing<Vec<u8>>, Error> {
        match &self.secret {
            Some(secret) => from_base64url(secret).map(Zeroizing::new).ok_or_else(|| self.damaged()),
            None if self.public.is_some() => Err(Error::Keys(format!(
                "only the public key of {} {} is here: run this where its secret is, and copy what it makes",
                self.kind.as_str(),
                self.id
            ))),
            None => Err(self.damaged()),
        }
    }

    /// Whether it can sign or seal here.
    pub(super) fn has_secret(&self) -> bool {
        self.secret.is_some()
    }

    /// CAs and signers: the public key.
    pub(super) fn public_key(&self) -> Result<[u8; 32], Error> {
        match &self.public {
            Some(key) if self.secret.is_none() => {
                from_base64url(key).and_then(|key| key.try_into().ok()).ok_or_else(|| self.damaged())
            }
            _ => Ok(SiteCa::from_seed(&*self.secret_array()?).public_key()),
        }
    }

    /// CAs: the key without its secret.
    pub(super) fn without_secret(mut self) -> Result<Self, Error> {
        self.public = Some(base64url(&self.public_key()?));
        self.secret = None;
        Ok(self)
    }

    pub(super) fn secret_array<const N: usize>(&self) -> Result<Zeroizing<[u8; N]>, Error> {
        let octets = self.secret()?;
        octets.as_slice().try_into().map(Zeroizing::new).map_err(|_| self.damaged())
    }

    pub(super) fn certificate(&self) -> Result<Vec<u8>, Error> {
        self.certificate.as_deref().and_then(from_base64url).ok_or_else(|| self.damaged())
    }

    fn name(&self) -> String {
        format!("{}-{}.toml", self.kind.as_str(), self.id)
    }

    /// Writes the file, whole or not at all.
    pub(super) fn write(&self, folder: &Path) -> Result<(), Error> {
        let text = Zeroizing::new(toml::to_string(self).map_err(|_| self.damaged())?);
        replace(folder, &self.name(), text.as_bytes())
    }
}

/// Puts a file in place for its owner's eyes only, whole or not at all, and durably.
pub(super) fn replace(folder: &Path, name: &str, octets: &[u8]) -> Result<(), Error> {
    let (path, half) = (folder.join(name), folder.join(format!(".{name}.half")));
    let save = || -> std::io::Result<()> {
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&half)?;
        file.write_all(octets)?;
        file.sync_all()?;
        fs::rename(&half, &path)?;
        File::open(folder)?.sync_all()
    };
    save().map_err(Error::io(&path))
}

/// Removes a key's file.
pub(super) fn remove(folder: &Path, key: &KeyFile) -> Result<(), Error> {
    let path = folder.join(key.name());
    fs::remove_file(&path).map_err(Error::io(&path))
}

/// Every key of the folder, by kind, id. Files that others can read are refused.
pub(super) fn read_all(folder: &Path) -> Result<Vec<KeyFile>, Error> {
    let mut keys = Vec::new();
    for entry in fs::read_dir(folder).map_err(Error::io(folder))? {
        let path = entry.map_err(Error::io(folder))?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if name.starts_with('.') || !name.ends_with(".toml") {
            continue;
        }
        keys.push(read(&path)?);
    }
    keys.sort_by(|a, b| (a.kind, &a.id).cmp(&(b.kind, &b.id)));
    Ok(keys)
}

fn read(path: &PathBuf) -> Result<KeyFile, Error> {
    let mut file = File::open(path).map_err(Error::io(path))?;
    if private::is_of_others(&file.metadata().map_err(Error::io(path))?) {
        return Err(Error::KeysExposed(path.clone()));
    }
    let mut text = Zeroizing::new(String::new());
    file.read_to_string(&mut text).map_err(Error::io(path))?;
    // The parser's own message would quote the line, and with it the secret.
    toml::from_str(&text).map_err(|_| Error::Keys(format!("{} is damaged", path.display())))
}
