/// The types of signed objects (`typ`, RFC 9596), each with its one algorithm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Typ {
    /// `matinee-signer-certificate`
    SignerCertificate,
    /// `matinee-individualization-request`
    IndividualizationRequest,
    /// `matinee-individualization`
    Individualization,
    /// `matinee-device-certificate`
    DeviceCertificate,
    /// `matinee-challenge`
    Challenge,
    /// `matinee-license`
    License,
    /// `matinee-drm-metadata`
    DrmMetadata,
}

impl Typ {
    /// The types that a server's signers sign: one signer each.
    pub const OF_SIGNERS: [Self; 4] =
        [Self::Individualization, Self::DeviceCertificate, Self::License, Self::DrmMetadata];

    /// The name in the protected header.
    pub const fn name(self) -> &'static str {
        match self {
            Self::SignerCertificate => "matinee-signer-certificate",
            Self::IndividualizationRequest => "matinee-individualization-request",
            Self::Individualization => "matinee-individualization",
            Self::DeviceCertificate => "matinee-device-certificate",
            Self::Challenge => "matinee-challenge",
            Self::License => "matinee-license",
            Self::DrmMetadata => "matinee-drm-metadata",
        }
    }

    /// The COSE algorithm (RFC 9053 §2) −1 − n, as n: −7 ES256 for what devices sign, −8 EdDSA for the rest.
    pub(crate) const fn algorithm(self) -> u64 {
        match self {
            Self::IndividualizationRequest | Self::Challenge => 6,
            _ => 7,
        }
    }
}
