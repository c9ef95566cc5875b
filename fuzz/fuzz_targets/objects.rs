//! Signed objects and pssh data: nothing unsigned is accepted, nothing panics.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use license::{
    Challenge, DeviceCertificate, DrmMetadata, Expected, Individualization, IndividualizationRequest,
    PsshData, SiteCa, Trust, VerifiedLicense, Version,
};

const URL: &str = "http://localhost:8080";

static TRUST: LazyLock<Option<Trust>> =
    LazyLock::new(|| Trust::new(URL, &[SiteCa::from_seed(&[1; 32]).public_key()]).ok());

fuzz_target!(|octets: &[u8]| {
    let Some(trust) = &*TRUST else { return };
    let expected = Expected {
        device_id: "d-1",
        challenge_sha256: [0; 32],
        anchor: 0,
        module_version: Version::new(0, 1, 0),
    };
    assert!(VerifiedLicense::verify(octets, trust, &expected).is_err());
    assert!(Challenge::verify(octets, trust, 0).is_err());
    assert!(DeviceCertificate::verify(octets, trust, 0).is_err());
    assert!(Individualization::verify(octets, trust, octets).is_err());
    assert!(DrmMetadata::verify(octets, trust).is_err());
    let _ = IndividualizationRequest::verify(octets, URL);
    if let Ok(data) = PsshData::decode(octets) {
        assert_eq!(data.encode(), octets);
    }
});
