//! Licenses that come along with DRM metadata, and the domain keys that open them.

use crate::site::*;
use license::{
    Domain, DomainEpoch, DrmMetadata, EPOCH_SECONDS, Error, Grant, KeyLevel, KeyName, Recipient,
    SoftwareRsaKey, VerifiedLicense, Version,
};
use proptest::prelude::*;
use std::sync::OnceLock;

/// The domain's key pair; [`rsa`] is the device's.
fn domain_key() -> &'static SoftwareRsaKey {
    static KEY: OnceLock<SoftwareRsaKey> = OnceLock::new();
    KEY.get_or_init(|| SoftwareRsaKey::generate().unwrap())
}

/// The device, for whom the domain's key is sealed.
fn recipient() -> Recipient {
    Recipient::new(&rsa().modulus().unwrap()).unwrap()
}

const DOMAIN: DomainEpoch = DomainEpoch::at(Domain::Browser, NOW);

fn embedded(site: &Site) -> Vec<u8> {
    let (keys, policy) = (keys(), policy());
    let grant =
        Grant { content_id: "movie/7", keys: &keys, policy: &policy, now: NOW, oldest_module: VERSION };
    site.licenses.issue_embedded(DOMAIN, &domain_key().modulus().unwrap(), &grant).unwrap()
}

fn verify(octets: &[u8], site: &Site) -> Result<(VerifiedLicense, DomainEpoch), Error> {
    VerifiedLicense::verify_embedded(octets, &site.trust, "movie/7", VERSION)
}

/// B47: two devices of a domain open one license; B42: it is read by the decoder of all licenses; B44: its
/// end is inside.
#[test]
fn b47_every_device_of_the_domain_opens_it() {
    let site = Site::new();
    let octets = embedded(&site);
    for device in ["d-1", "d-2"] {
        let sealed = DOMAIN.seal_for(&domain_key().to_pkcs8().unwrap(), device, &recipient()).unwrap();
        let key = DOMAIN.open_for(&sealed, device, rsa()).unwrap();
        let (license, domain) = verify(&octets, &site).unwrap();
        assert_eq!(domain, DOMAIN);
        assert_eq!(license.license().policy.ends(), Some(NOW + 86_400));
        assert_eq!((&license.license().device_id, license.license().challenge_sha256), (&None, None));
        assert_eq!(license.open_with_rsa(&key).unwrap().len(), keys().len());
        assert_eq!(license.open_with_rsa(rsa()).unwrap_err(), Error::NotAuthentic);
    }
    // Made again it is another one, for the same keys.
    assert_ne!(embedded(&site), octets);
}

/// Neither kind is taken for the other, and it is for one content and for modules that are new enough.
#[test]
fn bindings_are_told_apart() {
    let site = Site::new();
    let device = Device::new(&site);
    let challenge = device.sign(&device.challenge());
    let octets = embedded(&site);
    let refused = VerifiedLicense::verify(&octets, &site.trust, &expected(&challenge)).unwrap_err();
    assert_eq!(refused, Error::Binding);
    let for_device = issue(&site, &challenge);
    assert_eq!(verify(&for_device, &site).unwrap_err(), Error::Binding);
    let other = VerifiedLicense::verify_embedded(&octets, &site.trust, "movie/8", VERSION);
    assert_eq!(other.unwrap_err(), Error::Binding);
    let old = VerifiedLicense::verify_embedded(&octets, &site.trust, "movie/7", Version::new(0, 0, 9));
    assert_eq!(old.unwrap_err(), Error::Module);
    assert_eq!(verify(&octets, &Site::new()).unwrap_err(), Error::NotAuthentic);
}

/// Exactly one binding, even if the signature is right.
#[test]
fn both_bindings_or_none_are_refused() {
    let site = Site::new();
    let octets = embedded(&site);
    let mut d = minicbor::Decoder::new(&octets);
    d.array().unwrap();
    let protected = d.bytes().unwrap();
    d.map().unwrap();
    let payload = d.bytes().unwrap();
    assert_eq!(payload[0], 0xa9);
    let issued = [&[0x05, 0x1a], &(NOW as u32).to_be_bytes()[..]].concat();
    let at = payload.windows(6).position(|w| w == issued).unwrap();
    let device = b"\x03\x63d-1".as_slice();
    let challenge = [&[0x04, 0x58, 32], &[7; 32][..]].concat();
    let domain = payload.len() - b"\x0a\xa2\x01\x01\x02\x19\x02\xb2".len();
    let with = |count: u8, parts: &[&[u8]], end: usize| {
        let payload = [&[0xa0 | count], &payload[1..at], &parts.concat(), &payload[at..end]].concat();
        verify(&signed(protected, &payload, &site.licenses.seed()), &site).map(|_| ())
    };
    let whole = payload.len();
    assert_eq!(with(9, &[], whole), Ok(()));
    let malformed = Err(Error::Malformed);
    assert_eq!(with(11, &[device, &challenge], whole), malformed);
    assert_eq!(with(10, &[device], whole), malformed);
    assert_eq!(with(10, &[&challenge], whole), malformed);
    assert_eq!(with(8, &[], domain), malformed);
    assert_eq!(with(9, &[device], domain), malformed);
    assert_eq!(with(9, &[&challenge], domain), malformed);
    // Bound to a challenge: well formed, but not embedded.
    assert_eq!(with(10, &[device, &challenge], domain), Err(Error::Binding));
}

fn signed(protected: &[u8], payload: &[u8], seed: &[u8; 32]) -> Vec<u8> {
    use ed25519_dalek::Signer;
    let bstr = |octets: &[u8]| {
        let mut out = Vec::new();
        minicbor::Encoder::new(&mut out).bytes(octets).unwrap();
        out
    };
    let input =
        [b"\x84\x6aSignature1".as_slice(), &bstr(protected), &bstr(URL.as_bytes()), &bstr(payload)].concat();
    let signature = ed25519_dalek::SigningKey::from_bytes(seed).sign(&input).to_bytes();
    [&[0x84], &bstr(protected)[..], &[0xa0], &bstr(payload), &bstr(&signature)].concat()
}

/// B38, B45: every bit counts, of the license by itself and inside its metadata.
#[test]
fn b45_any_flipped_bit_is_refused() {
    let site = Site::new();
    let name = KeyName { kid: keys()[0].0, common_key_id: "1".into(), label: "main".into(), period: 0 };
    let metadata = DrmMetadata {
        signer: vec![],
        content_id: "movie/7".into(),
        keys: vec![name],
        policy: "24h".into(),
        license_url: None,
        embedded_license: Some(embedded(&site)),
        issued: NOW,
        ttl: 3600,
    };
    let octets = site.metadata.sign_metadata(metadata).unwrap();
    let read = DrmMetadata::verify(&octets, &site.trust).unwrap();
    let license = read.embedded_license.unwrap();
    assert!(verify(&license, &site).is_ok());
    for (octets, is_metadata) in [(&license, false), (&octets, true)] {
        for bit in (0..octets.len() * 8).step_by(5) {
            let mut altered = octets.clone();
            altered[bit / 8] ^= 1 << (bit % 8);
            let refused = match is_metadata {
                true => DrmMetadata::verify(&altered, &site.trust).is_err(),
                false => verify(&altered, &site).is_err(),
            };
            assert!(refused, "bit {bit}");
        }
    }
    // B41: no content key lies in it.
    for (_, cek) in keys() {
        assert!(!octets.windows(16).any(|window| window == cek.expose()));
    }
}

/// B49: who is in which domain.
#[test]
fn b49_membership_follows_the_key_level() {
    assert_eq!(Domain::of_level(KeyLevel::Software), []);
    assert_eq!(Domain::of_level(KeyLevel::Webcrypto), [Domain::Browser, Domain::All]);
    assert_eq!(Domain::of_level(KeyLevel::Box), [Domain::Box, Domain::All]);
    for domain in Domain::ALL {
        assert_eq!(domain.name().parse(), Ok(domain));
    }
    assert_eq!(DomainEpoch::at(Domain::All, EPOCH_SECONDS * 7 - 1).epoch, 6);
    assert_eq!(DomainEpoch::at(Domain::All, EPOCH_SECONDS * 7 - 1).next().epoch, 7);
}

/// B50: what is sealed for a device is of no use to another, nor as another domain's or epoch's key.
#[test]
fn b50_a_sealed_key_is_for_one_device() {
    let pkcs8 = domain_key().to_pkcs8().unwrap();
    let sealed = DOMAIN.seal_for(&pkcs8, "d-1", &recipient()).unwrap();
    assert!(!sealed.windows(16).any(|window| window == &pkcs8[100..116]), "in the clear");
    assert!(DOMAIN.open_for(&sealed, "d-1", rsa()).is_ok());
    let refused = Error::NotAuthentic;
    assert_eq!(DOMAIN.open_for(&sealed, "d-2", rsa()).unwrap_err(), refused);
    assert_eq!(DOMAIN.open_for(&sealed, "d-1", domain_key()).unwrap_err(), refused);
    assert_eq!(DOMAIN.next().open_for(&sealed, "d-1", rsa()).unwrap_err(), refused);
    let other = DomainEpoch { domain: Domain::Box, ..DOMAIN };
    assert_eq!(other.open_for(&sealed, "d-1", rsa()).unwrap_err(), refused);
    let mut altered = sealed.clone();
    *altered.last_mut().unwrap() ^= 1;
    assert_eq!(DOMAIN.open_for(&altered, "d-1", rsa()).unwrap_err(), refused);
    assert_eq!(DOMAIN.open_for(&sealed[..255], "d-1", rsa()).unwrap_err(), Error::Malformed);
    // The form that docs/protocol.md gives.
    let aad = [b"matinee/domain/1\0browser\0\0\0\0\0\0\0\x02\xb2".as_slice(), b"d-1"].concat();
    assert_eq!(DOMAIN.additional_data("d-1"), aad);
    assert_eq!(sealed.len(), 256 + pkcs8.len() + 16);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]

    /// Whatever comes in place of a sealed key is refused without a panic.
    #[test]
    fn sealed_keys_never_panic(octets in proptest::collection::vec(any::<u8>(), 0..600), device in ".{0,20}") {
        prop_assert_eq!(license::split_domain_key(&octets).is_ok(), octets.len() >= 256);
        if octets.len() < 256 {
            prop_assert!(DOMAIN.open_for(&octets, &device, rsa()).is_err());
        }
        prop_assert!(VerifiedLicense::verify_embedded(&octets, &license::Trust::new(URL, &[]).unwrap(), "", VERSION).is_err());
    }

    /// The additional data tells all of domain, epoch and device apart.
    #[test]
    fn additional_data_is_unambiguous(a in (0usize..3, any::<u64>(), "[a-z0-9-]{0,8}"), b in (0usize..3, any::<u64>(), "[a-z0-9-]{0,8}")) {
        let of = |(domain, epoch, device): &(usize, u64, String)| {
            DomainEpoch { domain: Domain::ALL[*domain], epoch: *epoch }.additional_data(device)
        };
        prop_assert_eq!(of(&a) == of(&b), a == b);
    }
}
