//! From individualization to content keys, and what must not work on the way.

use crate::site::*;
use license::{
    Challenge, DrmMetadata, Error, Expected, Individualization, IndividualizationRequest, KeyLevel, KeyName,
    PsshData, Signer, SoftwareSigningKey, Trust, VerifiedLicense, Version,
};

/// A95, A96, A103: challenge with a key made for it, license that only this key opens.
#[test]
fn license_round_trip() {
    let site = Site::new();
    let device = Device::new(&site);
    let challenge = device.sign(&device.challenge());
    let octets = issue(&site, &challenge);
    let license = VerifiedLicense::verify(&octets, &site.trust, &expected(&challenge)).unwrap();
    assert_eq!(license.license().content_id, "movie/7");
    assert_eq!(license.license().policy, policy());
    assert_eq!(license.open_with_rsa(rsa()).unwrap(), keys());
    // B1, B41: no content key in clear.
    for (_, cek) in keys() {
        assert!(!octets.windows(16).any(|w| w == cek.expose()));
    }
}

/// A97: everything about two licenses of one challenge differs.
#[test]
fn a97_never_twice_the_same_license() {
    let site = Site::new();
    let device = Device::new(&site);
    let challenge = device.sign(&device.challenge());
    let licenses = [issue(&site, &challenge), issue(&site, &challenge)]
        .map(|octets| VerifiedLicense::verify(&octets, &site.trust, &expected(&challenge)).unwrap());
    let [a, b] = licenses.each_ref().map(VerifiedLicense::license);
    assert_ne!(a.id, b.id);
    assert_ne!(a.kek, b.kek);
    assert_ne!(a.keys[0].key, b.keys[0].key);
    let [a, b] = [device.challenge(), device.challenge()];
    assert_ne!(a.nonce, b.nonce);
}

/// A99, A127: a license is for one device and one challenge of it.
#[test]
fn a99_license_is_bound() {
    let site = Site::new();
    let device = Device::new(&site);
    let challenge = device.sign(&device.challenge());
    let octets = issue(&site, &challenge);
    let verify =
        |expected: Expected<'_>| VerifiedLicense::verify(&octets, &site.trust, &expected).map(|_| ());
    let right = expected(&challenge);
    assert_eq!(verify(right), Ok(()));
    assert_eq!(verify(Expected { device_id: "d-2", ..right }), Err(Error::Binding));
    let other = device.sign(&device.challenge());
    assert_eq!(verify(expected(&other)), Err(Error::Binding));
    // B18: not from before the latest time seen.
    assert_eq!(verify(Expected { anchor: NOW + 301, ..right }), Err(Error::Stale));
    assert_eq!(verify(Expected { anchor: NOW + 300, ..right }), Ok(()));
    assert_eq!(verify(Expected { module_version: Version::new(0, 0, 9), ..right }), Err(Error::Module));
}

/// B38: another site's CA, or the same CA for another origin.
#[test]
fn b38_other_ca_or_site_is_refused() {
    let site = Site::new();
    let device = Device::new(&site);
    let challenge = device.sign(&device.challenge());
    let octets = issue(&site, &challenge);
    let verify = |trust: &Trust| VerifiedLicense::verify(&octets, trust, &expected(&challenge)).map(|_| ());
    assert_eq!(verify(&Site::new().trust), Err(Error::NotAuthentic));
    let elsewhere = Trust::new("http://localhost:8081", &[site.ca.public_key()]).unwrap();
    assert_eq!(verify(&elsewhere), Err(Error::NotAuthentic));
    let both = Trust::new(URL, &[Site::new().ca.public_key(), site.ca.public_key()]).unwrap();
    assert_eq!(verify(&both), Ok(()));
    assert_eq!(Challenge::verify(&challenge, &elsewhere, NOW), Err(Error::Certificate));
}

#[test]
fn signers_sign_their_type_and_time_only() {
    let site = Site::new();
    let device = Device::new(&site);
    let parsed = Challenge::verify(&device.sign(&device.challenge()), &site.trust, NOW).unwrap();
    let keys = keys();
    let policy = policy();
    let grant =
        license::Grant { content_id: "c", keys: &keys, policy: &policy, now: NOW, oldest_module: VERSION };
    assert_eq!(site.devices.issue_license(&parsed, &grant).unwrap_err(), Error::SignerType);
    // A signer that ignores its certificate's validity is not believed.
    let challenge = device.sign(&device.challenge());
    let parsed = Challenge::verify(&challenge, &site.trust, NOW).unwrap();
    let late = license::Grant { now: NOW + 1001, ..grant };
    let octets = site.licenses.issue_license(&parsed, &late).unwrap();
    let verdict = VerifiedLicense::verify(&octets, &site.trust, &expected(&challenge)).map(|_| ());
    assert_eq!(verdict, Err(Error::Validity));
}

#[test]
fn signers_come_back_from_storage() {
    let site = Site::new();
    let (seed, certificate) = (site.licenses.seed(), site.licenses.certificate_octets().to_vec());
    let again = Signer::from_parts(&seed, certificate.clone(), &site.trust).unwrap();
    assert_eq!(again.certificate(), site.licenses.certificate());
    assert_eq!(Signer::from_parts(&[0; 32], certificate, &site.trust).unwrap_err(), Error::Binding);
    assert!(!format!("{:?} {:?}", site.ca, site.licenses).contains(&hex::encode(&seed[..])));
}

/// A92: a certificate of another CA, an ended one, another device's.
#[test]
fn a92_challenge_needs_a_valid_certificate() {
    let site = Site::new();
    let device = Device::new(&site);
    let verify = |octets: &[u8], now| Challenge::verify(octets, &site.trust, now).map(|_| ());
    let good = device.sign(&device.challenge());
    assert_eq!(verify(&good, NOW), Ok(()));
    assert_eq!(verify(&good, NOW + 91 * 86_400), Err(Error::Certificate));
    let foreign = Device::new(&Site::new());
    assert_eq!(verify(&foreign.sign(&foreign.challenge()), NOW), Err(Error::Certificate));
    let other = Device::new(&site);
    let stolen = Challenge { certificate: other.certificate.clone(), ..device.challenge() };
    assert_eq!(verify(&device.sign(&stolen), NOW), Err(Error::NotAuthentic));
    for out_of_range in [
        Challenge { stream_id: 1 << 53, ..device.challenge() },
        Challenge { sequence: 0, ..device.challenge() },
        Challenge { sequence: 1 << 53, ..device.challenge() },
    ] {
        assert_eq!(verify(&device.sign(&out_of_range), NOW), Err(Error::Malformed));
    }
}

/// A89: the answer belongs to one request.
#[test]
fn individualization_answers_one_request() {
    let site = Site::new();
    let key = SoftwareSigningKey::generate().unwrap();
    let (request, answer) = individualize(&site, &key);
    let (_, certificate) = Individualization::verify(&answer, &site.trust, &request).unwrap();
    assert_eq!(certificate.signing_key, key.public_key().unwrap());
    assert_eq!(certificate.expires, NOW + 90 * 86_400);
    let (again, _) = individualize(&site, &key);
    assert_eq!(Individualization::verify(&answer, &site.trust, &again).unwrap_err(), Error::Binding);
    // Self-signed by another key than it brings.
    let mut parsed = IndividualizationRequest::verify(&request, URL).unwrap();
    assert_eq!(parsed.level, KeyLevel::Software);
    parsed.level = KeyLevel::Box;
    let object = parsed.to_be_signed(URL);
    let signature = SoftwareSigningKey::generate().unwrap().sign(object.message());
    let forged = object.finish(&signature);
    assert_eq!(IndividualizationRequest::verify(&forged, URL), Err(Error::NotAuthentic));
    // This route never issues `box`.
    let certificate = site.devices.certify_device(&parsed, NOW).unwrap();
    let certificate = license::DeviceCertificate::verify(&certificate, &site.trust, NOW).unwrap();
    assert_eq!(certificate.level, KeyLevel::Software);
}

/// B45: altered metadata is refused.
#[test]
fn b45_metadata_is_signed() {
    let site = Site::new();
    let name = KeyName { kid: keys()[0].0, common_key_id: "1".into(), label: "main".into(), period: 0 };
    let metadata = DrmMetadata {
        signer: vec![],
        content_id: "movie/7".into(),
        keys: vec![name],
        policy: "24h".into(),
        license_url: Some("http://localhost:8080/license".into()),
        embedded_license: None,
        issued: NOW,
        ttl: 3600,
    };
    let octets = site.metadata.sign_metadata(metadata.clone()).unwrap();
    let read = DrmMetadata::verify(&octets, &site.trust).unwrap();
    assert_eq!(DrmMetadata { signer: vec![], ..read }, metadata);
    let at = octets.windows(3).position(|w| w == b"24h").unwrap();
    let mut altered = octets;
    altered[at] = b'9';
    assert_eq!(DrmMetadata::verify(&altered, &site.trust), Err(Error::NotAuthentic));
}

#[test]
fn pssh_data_is_deterministic() {
    let data = PsshData {
        content_id: "movie/7".into(),
        kids: keys().iter().map(|(kid, _)| *kid).collect(),
        common_key_id: "1".into(),
        label: "main".into(),
    };
    let octets = data.encode();
    let by_hand = [
        b"\xa4\x01\x67movie/7\x02\x82\x50".as_slice(),
        &[1; 16],
        b"\x50",
        &[2; 16],
        b"\x03\x611\x04\x64main",
    ]
    .concat();
    assert_eq!(octets, by_hand);
    assert_eq!(PsshData::decode(&octets).unwrap(), data);
    assert_eq!(data.key_names()[1].period, 1);
}

/// RSAES-OAEP as OpenSSL 3.0 does it: `openssl pkeyutl -encrypt -pkeyopt rsa_padding_mode:oaep -pkeyopt
/// rsa_oaep_md:sha256 -pkeyopt rsa_mgf1_md:sha256` of the bytes 0 to 31, under the key beside.
#[test]
fn oaep_opens_what_openssl_encrypted() {
    use rsa::pkcs1::DecodeRsaPrivateKey;
    let key = rsa::RsaPrivateKey::from_pkcs1_der(include_bytes!("../oaep-key.der")).unwrap();
    let key = license::SoftwareRsaKey::from(key);
    let ciphertext = include_bytes!("../oaep-ciphertext.bin");
    assert_eq!(*key.decrypt(ciphertext).unwrap(), (0..32).collect::<Vec<u8>>());
    let mut altered = *ciphertext;
    altered[255] ^= 1;
    assert_eq!(key.decrypt(&altered).unwrap_err(), Error::NotAuthentic);
}
