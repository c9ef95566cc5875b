//! The server's half: who may sign, and what is signed.

use core::fmt;

use aes_kw::{KeyInit, KwAes256};
use cenc::{Cek, Kid};
use ed25519_dalek::{Signer as _, SigningKey};
use zeroize::Zeroizing;

use crate::backend::{Ed25519Key, OaepKey};
use crate::{
    DeviceCertificate, DomainEpoch, DrmMetadata, Error, Individualization, IndividualizationRequest,
    KeyLevel, License, Policy, RsaModulus, SignerCertificate, SigningPublicKey, ToBeSigned, Trust, Typ,
    VerifiedChallenge, Version, WrappedKey, cbor, nonce, sha256,
};

/// Days of a device certificate.
const DEVICE_CERTIFICATE_SECONDS: u64 = 90 * 86_400;

pub(crate) fn random_seed() -> Result<Zeroizing<[u8; 32]>, Error> {
    let mut seed = Zeroizing::new([0; 32]);
    getrandom::fill(seed.as_mut()).map_err(|_| Error::Random)?;
    Ok(seed)
}

/// The site's certificate authority: an Ed25519 key that certifies signers. Wiped when dropped.
pub struct SiteCa(SigningKey);

impl SiteCa {
    /// A fresh key.
    ///
    /// # Errors
    /// [`Error::Random`].
    pub fn generate() -> Result<Self, Error> {
        Ok(Self::from_seed(&*random_seed()?))
    }

    /// A stored key: the 32-byte seed (RFC 8032 §5.1.5).
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(SigningKey::from_bytes(seed))
    }

    /// The seed, to be stored.
    pub fn seed(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.0.to_bytes())
    }

    /// The public key, for `/decryptor-config.json` and [`Trust`].
    pub fn public_key(&self) -> [u8; 32] {
        self.0.verifying_key().to_bytes()
    }

    /// Certifies a key; the certificate's COSE octets.
    pub fn certify(&self, public_url: &str, certificate: &SignerCertificate) -> Vec<u8> {
        let key = self.0.verifying_key();
        let object =
            ToBeSigned::new(Typ::SignerCertificate, key.as_bytes(), public_url, cbor::encode(certificate));
        let signature = self.0.sign(object.message()).to_bytes();
        object.finish(&signature)
    }

    /// Makes and certifies a fresh signer for one type. `id` names the key to operators.
    ///
    /// # Errors
    /// [`Error::Random`].
    pub fn new_signer(
        &self,
        public_url: &str,
        typ: Typ,
        id: &str,
        not_before: u64,
        not_after: u64,
    ) -> Result<Signer, Error> {
        let seed = random_seed()?;
        let key = Ed25519Key::from_seed(&seed)?;
        let certificate = SignerCertificate {
            key: key.public_key()?,
            typ: typ.name().to_owned(),
            id: id.to_owned(),
            not_before,
            not_after,
        };
        let octets = self.certify(public_url, &certificate);
        Ok(Signer { key, seed, public_url: public_url.to_owned(), certificate, octets })
    }
}

impl fmt::Debug for SiteCa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SiteCa(redacted)")
    }
}

/// What a factory says of a box.
#[derive(Debug, Clone, Copy)]
pub struct BoxIdentity<'a> {
    /// Verifies all that the box signs.
    pub signing_key: SigningPublicKey,
    /// Takes what is encrypted for the box.
    pub rsa_modulus: RsaModulus,
    /// Version of its DRM module.
    pub module_version: Version,
    /// Its model.
    pub model: &'a str,
    /// Its serial number.
    pub serial: &'a str,
    /// First second of validity.
    pub issued: u64,
    /// Last second of validity.
    pub expires: u64,
}

/// A certified key that signs objects of one type for one site. Wiped when dropped.
pub struct Signer {
    key: Ed25519Key,
    seed: Zeroizing<[u8; 32]>,
    public_url: String,
    certificate: SignerCertificate,
    octets: Vec<u8>,
}

impl Signer {
    /// A stored signer: seed and certificate, which must be the CA's and fit.
    ///
    /// # Errors
    /// [`Error::Malformed`], [`Error::NotAuthentic`], or [`Error::Binding`] if the certificate is another
    /// key's.
    pub fn from_parts(seed: &[u8; 32], certificate: Vec<u8>, trust: &Trust) -> Result<Self, Error> {
        let key = Ed25519Key::from_seed(seed)?;
        let parsed = trust.signer(&certificate)?;
        if parsed.key != key.public_key()? {
            return Err(Error::Binding);
        }
        let (seed, public_url) = (Zeroizing::new(*seed), trust.public_url().to_owned());
        Ok(Self { key, seed, public_url, certificate: parsed, octets: certificate })
    }

    /// The seed, to be stored.
    pub fn seed(&self) -> Zeroizing<[u8; 32]> {
        self.seed.clone()
    }

    /// What its certificate says.
    pub fn certificate(&self) -> &SignerCertificate {
        &self.certificate
    }

    /// The certificate's COSE octets, to be stored.
    pub fn certificate_octets(&self) -> &[u8] {
        &self.octets
    }

    fn sign(&self, typ: Typ, payload: Vec<u8>) -> Result<Vec<u8>, Error> {
        if self.certificate.typ != typ.name() {
            return Err(Error::SignerType);
        }
        let object = ToBeSigned::new(typ, &self.certificate.key, &self.public_url, payload);
        let signature = self.key.sign(object.message())?;
        Ok(object.finish(&signature))
    }

    /// Signs DRM metadata (its `signer` field is filled in).
    ///
    /// # Errors
    /// [`Error::SignerType`] unless this signer is for DRM metadata; [`Error::Malformed`] without a key.
    pub fn sign_metadata(&self, metadata: DrmMetadata) -> Result<Vec<u8>, Error> {
        if metadata.keys.is_empty() {
            return Err(Error::Malformed);
        }
        self.sign(Typ::DrmMetadata, cbor::encode(&DrmMetadata { signer: self.octets.clone(), ..metadata }))
    }

    /// Signs a device certificate for a request's keys, valid for 90 days from `now`.
    /// A request of level `box` gets `software`: boxes have theirs from the factory.
    ///
    /// # Errors
    /// [`Error::SignerType`] unless this signer is for device certificates; [`Error::Random`].
    pub fn certify_device(&self, request: &IndividualizationRequest, now: u64) -> Result<Vec<u8>, Error> {
        let certificate = DeviceCertificate {
            signer: self.octets.clone(),
            // The same keys are the same component, however often they ask.
            component: request.component(),
            signing_key: request.signing_key,
            rsa_modulus: request.rsa_modulus,
            level: if request.level == KeyLevel::Box { KeyLevel::Software } else { request.level },
            module_version: request.module_version,
            issued: now,
            expires: now.saturating_add(DEVICE_CERTIFICATE_SECONDS),
            model: None,
            serial: None,
        };
        self.sign(Typ::DeviceCertificate, cbor::encode(&certificate))
    }

    /// A box's certificate, as the factory makes it; its COSE octets. Only a factory's CA may have certified
    /// this signer: who verifies takes boxes from it alone.
    ///
    /// # Errors
    /// [`Error::SignerType`] unless this signer is for device certificates.
    pub fn certify_box(&self, identity: &BoxIdentity<'_>) -> Result<Vec<u8>, Error> {
        let certificate = DeviceCertificate {
            signer: self.octets.clone(),
            component: nonce()?,
            signing_key: identity.signing_key,
            rsa_modulus: identity.rsa_modulus,
            level: KeyLevel::Box,
            module_version: identity.module_version,
            issued: identity.issued,
            expires: identity.expires,
            model: Some(identity.model.to_owned()),
            serial: Some(identity.serial.to_owned()),
        };
        self.sign(Typ::DeviceCertificate, cbor::encode(&certificate))
    }

    /// Signs the answer to the individualization request of these octets.
    ///
    /// # Errors
    /// [`Error::SignerType`] unless this signer is for individualization answers.
    pub fn sign_individualization(
        &self,
        request_octets: &[u8],
        certificate: Vec<u8>,
        grant: &IndividualizationGrant<'_>,
    ) -> Result<Vec<u8>, Error> {
        let answer = Individualization {
            signer: self.octets.clone(),
            certificate,
            module_url: grant.module_url.to_owned(),
            module_sha256: grant.module_sha256,
            oldest_module: grant.oldest_module,
            request_sha256: sha256(request_octets),
            time: grant.now,
        };
        self.sign(Typ::Individualization, cbor::encode(&answer))
    }

    /// Issues a license for a challenge: a fresh KEK under the challenge's RSA key, each CEK under the KEK, a
    /// fresh license id. Never twice the same.
    ///
    /// # Errors
    /// [`Error::SignerType`] unless this signer is for licenses; [`Error::Malformed`] without a key or for an
    /// unusable modulus; [`Error::Random`].
    pub fn issue_license(&self, challenge: &VerifiedChallenge, grant: &Grant<'_>) -> Result<Vec<u8>, Error> {
        let &VerifiedChallenge { ref challenge, sha256, .. } = challenge;
        let bind = |license| License {
            device_id: Some(challenge.device_id.clone()),
            challenge_sha256: Some(sha256),
            ..license
        };
        self.license(&challenge.rsa_modulus, grant, bind)
    }

    /// Issues a license for every device of a domain, to be embedded in DRM metadata: as
    /// [`issue_license`](Self::issue_license), but under the domain's RSA key.
    ///
    /// # Errors
    /// As [`issue_license`](Self::issue_license).
    pub fn issue_embedded(
        &self,
        domain: DomainEpoch,
        modulus: &RsaModulus,
        grant: &Grant<'_>,
    ) -> Result<Vec<u8>, Error> {
        self.license(modulus, grant, |license| License { domain: Some(domain), ..license })
    }

    fn license(
        &self,
        modulus: &RsaModulus,
        grant: &Grant<'_>,
        bind: impl FnOnce(License) -> License,
    ) -> Result<Vec<u8>, Error> {
        if grant.keys.is_empty() {
            return Err(Error::Malformed);
        }
        let kek = random_seed()?;
        let cipher = KwAes256::new_from_slice(kek.as_ref()).map_err(|_| Error::Malformed)?;
        let wrap = |(kid, cek): &(Kid, Cek)| {
            let mut key = [0; 24];
            cipher.wrap_key(cek.expose(), &mut key).map_err(|_| Error::Malformed)?;
            Ok(WrappedKey { kid: *kid, key })
        };
        let license = License {
            signer: self.octets.clone(),
            id: nonce()?,
            content_id: grant.content_id.to_owned(),
            device_id: None,
            challenge_sha256: None,
            issued: grant.now,
            policy: grant.policy.clone(),
            kek: OaepKey::new(modulus)?.encrypt(kek.as_ref())?,
            keys: grant.keys.iter().map(wrap).collect::<Result<_, Error>>()?,
            oldest_module: grant.oldest_module,
            domain: None,
        };
        self.sign(Typ::License, cbor::encode(&bind(license)))
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer").field("certificate", &self.certificate).finish_non_exhaustive()
    }
}

impl IndividualizationRequest {
    /// The component id of its keys: the first half of the SHA-256 of both.
    pub fn component(&self) -> [u8; 16] {
        let mut keys = self.signing_key.as_bytes().to_vec();
        keys.extend_from_slice(self.rsa_modulus.as_bytes());
        let mut component = [0; 16];
        component.copy_from_slice(&sha256(&keys)[..16]);
        component
    }
}

/// What goes into an individualization answer beside the certificate.
#[derive(Debug, Clone, Copy)]
pub struct IndividualizationGrant<'a> {
    /// URL of the current DRM module, a path or absolute.
    pub module_url: &'a str,
    /// SHA-256 of its wasm.
    pub module_sha256: [u8; 32],
    /// Oldest module version still trusted.
    pub oldest_module: Version,
    /// The server's time, Unix seconds.
    pub now: u64,
}

/// What a license is to grant.
#[derive(Debug, Clone)]
pub struct Grant<'a> {
    /// What the keys are for.
    pub content_id: &'a str,
    /// The keys; at least one.
    pub keys: &'a [(Kid, Cek)],
    /// The rules, with absolute times.
    pub policy: &'a Policy,
    /// The server's time, Unix seconds.
    pub now: u64,
    /// Oldest module version that may use it.
    pub oldest_module: Version,
}
