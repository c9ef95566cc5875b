use crate::cbor::{cbor_map, cbor_number};
use crate::signer::SignedByServer;
use crate::{Error, RsaModulus, SigningPublicKey, ToBeSigned, Trust, Typ, Version, cbor, sha256};

/// How well a device keeps its keys. Browser levels are self-declared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyLevel {
    /// Keys in memory of a program.
    Software,
    /// Non-extractable WebCrypto keys.
    Webcrypto,
    /// A box with factory keys.
    Box,
}

cbor_number!(KeyLevel { 1: Software, 2: Webcrypto, 3: Box });

/// A new device's public keys and description, signed by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndividualizationRequest {
    /// Verifies all that the device signs.
    pub signing_key: SigningPublicKey,
    /// Takes what is encrypted for the device.
    pub rsa_modulus: RsaModulus,
    /// How it keeps its keys.
    pub level: KeyLevel,
    /// Stable description of browser and machine, at most 400 bytes.
    pub description: String,
    /// Version of the DRM module.
    pub module_version: Version,
    /// The client's clock, Unix seconds.
    pub time: u64,
    /// Fresh random bytes.
    pub nonce: [u8; 16],
}

cbor_map!(IndividualizationRequest {
    1: signing_key,
    2: rsa_modulus,
    3: level,
    4: description,
    5: module_version,
    6: time,
    7: nonce
});

impl IndividualizationRequest {
    /// The request, to be signed by the new signing key itself.
    pub fn to_be_signed(&self, public_url: &str) -> ToBeSigned {
        ToBeSigned::new(
            Typ::IndividualizationRequest,
            self.signing_key.as_bytes(),
            public_url,
            cbor::encode(self),
        )
    }

    /// Verifies a request by the key that it brings.
    ///
    /// # Errors
    /// [`Error::Malformed`], [`Error::NotAuthentic`].
    #[cfg(feature = "issue")]
    pub fn verify(octets: &[u8], public_url: &str) -> Result<Self, Error> {
        let object = crate::cose::Unverified::parse(octets, Typ::IndividualizationRequest)?;
        let request: Self = cbor::decode(object.payload)?;
        object.verify_es256(&request.signing_key.decompress()?, public_url)?;
        if request.description.len() > 400 { Err(Error::Malformed) } else { Ok(request) }
    }
}

/// The answer to an [`IndividualizationRequest`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Individualization {
    /// The signer's certificate, COSE octets.
    pub signer: Vec<u8>,
    /// The device certificate, COSE octets.
    pub certificate: Vec<u8>,
    /// URL of the current DRM module, a path or absolute.
    pub module_url: String,
    /// SHA-256 of its wasm.
    pub module_sha256: [u8; 32],
    /// Oldest module version still trusted.
    pub oldest_module: Version,
    /// SHA-256 of the request's COSE octets.
    pub request_sha256: [u8; 32],
    /// The server's time, Unix seconds.
    pub time: u64,
}

cbor_map!(Individualization {
    0: signer,
    1: certificate,
    2: module_url,
    3: module_sha256,
    4: oldest_module,
    5: request_sha256,
    6: time
});

impl Individualization {
    /// Verifies the answer to the request of these octets, and the device certificate in it: signatures, that
    /// both answer this very request, and that the certificate holds at the server's time.
    ///
    /// # Errors
    /// [`Error::Malformed`], [`Error::NotAuthentic`], [`Error::Validity`], [`Error::Binding`].
    pub fn verify(octets: &[u8], trust: &Trust, request: &[u8]) -> Result<(Self, DeviceCertificate), Error> {
        let answer: Self = trust.verify(octets)?;
        let sent = crate::cose::Unverified::parse(request, Typ::IndividualizationRequest)?;
        let sent: IndividualizationRequest = cbor::decode(sent.payload)?;
        let certificate = DeviceCertificate::verify(&answer.certificate, trust, answer.time)?;
        let bound = answer.request_sha256 == sha256(request)
            && certificate.signing_key == sent.signing_key
            && certificate.rsa_modulus == sent.rsa_modulus;
        if bound { Ok((answer, certificate)) } else { Err(Error::Binding) }
    }
}

impl SignedByServer for Individualization {
    const TYP: Typ = Typ::Individualization;

    fn signer(&self) -> &[u8] {
        &self.signer
    }

    fn issued(&self) -> u64 {
        self.time
    }

    fn check_form(&self) -> Result<(), Error> {
        Ok(())
    }
}

/// What the site says of a device: these keys, this level, until then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceCertificate {
    /// The signer's certificate, COSE octets.
    pub signer: Vec<u8>,
    /// Names the device's DRM component.
    pub component: [u8; 16],
    /// Verifies all that the device signs.
    pub signing_key: SigningPublicKey,
    /// Takes what is encrypted for the device.
    pub rsa_modulus: RsaModulus,
    /// How it keeps its keys.
    pub level: KeyLevel,
    /// Version of the DRM module when issued.
    pub module_version: Version,
    /// First second of validity.
    pub issued: u64,
    /// Last second of validity.
    pub expires: u64,
    /// Model of a box.
    pub model: Option<String>,
    /// Serial number of a box.
    pub serial: Option<String>,
}

cbor_map!(DeviceCertificate {
    0: signer,
    1: component,
    2: signing_key,
    3: rsa_modulus,
    4: level,
    5: module_version,
    6: issued,
    7: expires,
    8: model,
    9: serial
});

impl DeviceCertificate {
    /// Verifies a certificate down to the CA, and that it has not ended at `now`.
    ///
    /// # Errors
    /// [`Error::Malformed`], [`Error::NotAuthentic`], [`Error::Validity`].
    pub fn verify(octets: &[u8], trust: &Trust, now: u64) -> Result<Self, Error> {
        let certificate: Self = trust.verify(octets)?;
        if now > certificate.expires { Err(Error::Validity) } else { Ok(certificate) }
    }
}

/// A device certificate that was verified, with its key's point: what a server keeps of a device that comes
/// again.
#[cfg(feature = "issue")]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckedDevice {
    /// The certificate.
    pub certificate: DeviceCertificate,
    /// The point of its signing key.
    pub point: crate::SigningPoint,
}

#[cfg(feature = "issue")]
impl CheckedDevice {
    /// As [`DeviceCertificate::verify`], and that its signing key is one.
    ///
    /// # Errors
    /// [`Error::Malformed`], [`Error::NotAuthentic`], [`Error::Validity`].
    pub fn verify(octets: &[u8], trust: &Trust, now: u64) -> Result<Self, Error> {
        let certificate = DeviceCertificate::verify(octets, trust, now)?;
        Ok(Self { point: certificate.signing_key.decompress()?, certificate })
    }

    /// That the certificate holds at another time, too.
    ///
    /// # Errors
    /// [`Error::Validity`].
    pub fn check_time(&self, now: u64) -> Result<(), Error> {
        if now > self.certificate.expires { Err(Error::Validity) } else { Ok(()) }
    }
}

impl SignedByServer for DeviceCertificate {
    const TYP: Typ = Typ::DeviceCertificate;

    fn signer(&self) -> &[u8] {
        &self.signer
    }

    fn issued(&self) -> u64 {
        self.issued
    }

    fn check_form(&self) -> Result<(), Error> {
        if self.issued <= self.expires { Ok(()) } else { Err(Error::Malformed) }
    }
}
