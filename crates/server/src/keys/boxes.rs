//! The factory: certificates for boxes, under a CA of their own.

use super::file::{self, KeyFile, KeyKind, KeyState};
use super::folder::lock;
use crate::Error;
use license::{BoxIdentity, RsaModulus, SigningPublicKey, SiteCa, Typ, Version};
use std::path::Path;

/// Seconds that a box's certificate holds: 20 years, as nobody asks for a new one.
const BOX_LIFE: u64 = 20 * 365 * 86_400;
/// Longest model and serial number, in characters.
const MAX_NAME: usize = 32;

/// A box to be provisioned: its public keys and what is printed on it.
#[derive(Debug, Clone, Copy)]
pub struct BoxOrder<'a> {
    /// Verifies all that the box signs.
    pub signing_key: SigningPublicKey,
    /// Takes what is encrypted for the box.
    pub rsa_modulus: RsaModulus,
    /// Its model.
    pub model: &'a str,
    /// Its serial number.
    pub serial: &'a str,
}

/// What a box is given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProvisionedBox {
    /// COSE octets of its certificate.
    pub certificate: Vec<u8>,
    /// Public keys of the site's CA, by which it verifies licenses.
    pub ca_keys: Vec<[u8; 32]>,
    /// Public key of the factory's CA: servers without its file name it in `boxes.factory_keys`.
    pub factory_key: [u8; 32],
}

/// Certifies a box. The factory's CA is made when there is none; a signer is made for this one certificate
/// and forgotten.
///
/// # Errors
/// [`Error::Setting`] for an unusable model or serial number; [`Error::Keys`], [`Error::Io`].
pub fn provision(
    folder: &Path,
    public_url: &str,
    order: &BoxOrder<'_>,
    now: u64,
) -> Result<ProvisionedBox, Error> {
    for (name, text) in [("model", order.model), ("serial", order.serial)] {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_. ".contains(c);
        if text.is_empty() || text.len() > MAX_NAME || !text.chars().all(plain) {
            let reason =
                format!("must be 1 to {MAX_NAME} letters, digits, spaces, dots, dashes and underscores");
            return Err(Error::Setting { name, reason });
        }
    }
    let _guard = lock(folder)?;
    let keys = file::read_all(folder)?;
    let of = |kind: KeyKind| keys.iter().filter(move |key| key.kind == kind);
    let ca_keys = of(KeyKind::SiteCa).map(KeyFile::public_key).collect::<Result<Vec<_>, Error>>()?;
    if ca_keys.is_empty() {
        return Err(Error::Keys("the site has no keys yet; run `matinee keys generate`".to_owned()));
    }
    let random = |_| Error::Internal("no random numbers");
    let factory = match of(KeyKind::FactoryCa).find(|key| key.state == KeyState::Active) {
        Some(key) => SiteCa::from_seed(&*key.secret_array()?),
        None => {
            let ca = SiteCa::generate().map_err(random)?;
            KeyFile::new(KeyKind::FactoryCa, "factory-1", now, &*ca.seed()).write(folder)?;
            ca
        }
    };
    // It signs this once, and is forgotten.
    let end = now.saturating_add(BOX_LIFE);
    let signer =
        factory.new_signer(public_url, Typ::DeviceCertificate, "factory", now, end).map_err(random)?;
    let version = env!("CARGO_PKG_VERSION").parse::<Version>();
    let identity = BoxIdentity {
        signing_key: order.signing_key,
        rsa_modulus: order.rsa_modulus,
        module_version: version.map_err(|_| Error::Internal("the version has no three numbers"))?,
        model: order.model,
        serial: order.serial,
        issued: now,
        expires: now.saturating_add(BOX_LIFE),
    };
    let certificate = signer.certify_box(&identity).map_err(random)?;
    Ok(ProvisionedBox { certificate, ca_keys, factory_key: factory.public_key() })
}
