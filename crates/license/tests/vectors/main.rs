//! The vectors of `docs/vectors`, which other implementations test themselves with: each octet of them is
//! read, opened and made again here.
#![allow(missing_docs, clippy::unwrap_used, unreachable_pub)]

mod make;
mod model;

use aes_gcm::aead::{Aead as _, KeyInit as _, Payload};
use aes_gcm::{Aes256Gcm, Key, Nonce};
use aes_kw::KwAes256;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cenc::{Cek, Kid};
use ed25519_dalek::{Signer as _, SigningKey};
use license::{
    Challenge, DeviceCertificate, DrmMetadata, Error, Expected, Individualization, KeyLevel, PsshData,
    SoftwareRsaKey, SoftwareSigningKey, Trust, Typ, VerifiedLicense,
};
use minicbor::Encoder;
use model::*;
use serde::de::DeserializeOwned;

fn read<T: DeserializeOwned>(name: &str) -> T {
    serde_json::from_slice(&std::fs::read(path(name)).unwrap()).unwrap()
}

fn site() -> SiteFile {
    read("site.json")
}

fn device() -> DeviceFile {
    read("device.json")
}

#[test]
fn signers_follow_from_the_ca() {
    let site = site();
    for pair in [&site.ca, &site.factory_ca] {
        assert_eq!(&make::key_pair(pair.seed.array()), pair);
    }
    assert_eq!(site.signers.len(), Typ::OF_SIGNERS.len());
    for (typ, entry) in Typ::OF_SIGNERS.into_iter().zip(&site.signers) {
        assert_eq!(&make::signer_entry(&site, typ, entry.seed.array()), entry);
        assert_eq!(make::signer(&site, typ).certificate().key, entry.public_key.array());
    }
}

#[test]
fn a_device_is_individualized() {
    let (site, device) = (site(), device());
    let signing = SoftwareSigningKey::from_bytes(&device.signing_key.array()).unwrap();
    assert_eq!(Hex::from(signing.public_key().unwrap().as_bytes()), device.signing_public_key);
    let modulus = make::rsa_key(&device.rsa_key_pkcs8).modulus().unwrap();
    assert_eq!(Hex::from(modulus.as_bytes()), device.rsa_modulus);
    assert_eq!(Hex(make::request(&site, &device)), device.request.octets);
    assert_eq!(Hex(make::certificate(&site, &device)), device.certificate.octets);
    assert_eq!(Hex(make::answer(&site, &device)), device.answer.octets);
    let (answer, certificate) =
        Individualization::verify(&device.answer.octets.0, &make::trust(&site), &device.request.octets.0)
            .unwrap();
    assert_eq!(Hex(answer.certificate), device.certificate.octets);
    assert_eq!(answer.module_url, device.answer.module_url);
    assert_eq!(Hex::from(certificate.component), device.certificate.component);
    assert_eq!(certificate.level, KeyLevel::Webcrypto);
    assert_eq!(certificate.rsa_modulus, modulus);
    let CertificateEntry { issued, expires, .. } = device.certificate;
    assert_eq!((certificate.issued, certificate.expires), (issued, expires));
}

#[test]
fn envelopes_are_signed() {
    let (site, device): (SiteFile, DeviceFile) = (site(), device());
    let file: EnvelopesFile = read("envelopes.json");
    assert_eq!(make::envelopes(&site, &device, &read("license.json")), file.envelopes);
    let key = SoftwareSigningKey::from_bytes(&device.signing_key.array()).unwrap().public_key().unwrap();
    for envelope in &file.envelopes {
        let lines = [
            "matinee-nccp-1",
            "POST",
            &site.controller_url,
            &URL_SAFE_NO_PAD.encode(&envelope.body_sha256.0),
            &URL_SAFE_NO_PAD.encode(&envelope.ticket_sha256.0),
        ];
        assert_eq!(envelope.signing_input, lines.join("\n"));
        let signature = URL_SAFE_NO_PAD.decode(&envelope.signature).unwrap().try_into().unwrap();
        key.verify(envelope.signing_input.as_bytes(), &signature).unwrap();
        let request = nccp::Request::parse(envelope.body.as_bytes()).unwrap();
        assert_eq!(request.sequence.get(), envelope.sequence);
        assert_eq!(request.to_xml(), envelope.body);
    }
}

#[test]
fn a_challenge_is_answered_by_a_license() {
    let (site, device): (SiteFile, DeviceFile) = (site(), device());
    let LicenseFile { challenge, license, .. } = read("license.json");
    let (sig_structure, octets) = make::challenge(&site, &device, &challenge);
    assert_eq!(Hex(sig_structure), challenge.sig_structure);
    assert_eq!(Hex(octets), challenge.octets);
    assert_eq!(Hex::from(license::sha256(&challenge.octets.0)), challenge.sha256);
    let trust = make::trust(&site);
    let verified = Challenge::verify(&challenge.octets.0, &trust, site.now).unwrap();
    assert_eq!(Hex::from(verified.challenge.rsa_modulus.as_bytes()), challenge.rsa_modulus);
    let expected = Expected {
        device_id: &device.device_id,
        challenge_sha256: challenge.sha256.array(),
        anchor: site.now,
        module_version: challenge.module_version.parse().unwrap(),
    };
    assert_eq!(license.challenge_sha256.as_ref(), Some(&challenge.sha256));
    assert_eq!(license.device_id.as_ref(), Some(&device.device_id));
    let opened = VerifiedLicense::verify(&license.octets.0, &trust, &expected).unwrap();
    check_license(&site, &opened, &license, &make::rsa_key(&challenge.rsa_key_pkcs8));
    // Another device's.
    let other =
        VerifiedLicense::verify(&license.octets.0, &trust, &Expected { device_id: "d-1", ..expected });
    assert_eq!(other.unwrap_err(), Error::Binding);
}

#[test]
fn metadata_brings_a_license_for_a_domain() {
    let (site, file): (SiteFile, MetadataFile) = (site(), read("drm-metadata.json"));
    let domain_key: DomainKeyFile = read("domain-key.json");
    let trust = make::trust(&site);
    assert_eq!(Hex(make::metadata(&site, &file)), file.octets);
    assert_eq!(Hex(make::pssh_data(&file)), file.pssh_data);
    let metadata = DrmMetadata::verify(&file.octets.0, &trust).unwrap();
    assert_eq!((metadata.issued, metadata.ttl), (file.issued, file.ttl));
    assert_eq!(PsshData::decode(&file.pssh_data.0).unwrap().key_names(), metadata.keys);
    let octets = metadata.embedded_license.unwrap();
    assert_eq!(Hex(octets.clone()), file.embedded_license.octets);
    let version = file.embedded_license.oldest_module.parse().unwrap();
    let (license, domain) =
        VerifiedLicense::verify_embedded(&octets, &trust, &file.content_id, version).unwrap();
    assert_eq!(domain, make::domain(&domain_key.domain));
    assert_eq!(file.embedded_license.domain.as_ref(), Some(&domain_key.domain));
    check_license(&site, &license, &file.embedded_license, &make::rsa_key(&domain_key.rsa_key_pkcs8));
}

#[test]
fn a_domain_key_is_sealed_for_a_device() {
    let (device, file): (DeviceFile, DomainKeyFile) = (device(), read("domain-key.json"));
    let of = make::domain(&file.domain);
    let device_key = make::rsa_key(&device.rsa_key_pkcs8);
    assert_eq!(file.device_id, device.device_id);
    assert_eq!(Hex::from(of.additional_data(&file.device_id)), file.additional_data);
    assert_eq!(Hex::from(license::DOMAIN_KEY_NONCE), file.nonce);
    let opened = of.open_for(&file.sealed.0, &file.device_id, &device_key).unwrap();
    assert_eq!(Hex::from(opened.modulus().unwrap().as_bytes()), file.rsa_modulus);
    assert_eq!(Hex::from(opened.to_pkcs8().unwrap().as_slice()), file.rsa_key_pkcs8);
    // Both parts, by other code than the crate's.
    let (wrapped, sealed) = file.sealed.0.split_at(256);
    assert_eq!(Hex::from(device_key.decrypt(wrapped).unwrap().as_slice()), file.aes_key);
    let cipher = Aes256Gcm::new(&Key::<Aes256Gcm>::from(file.aes_key.array::<32>()));
    let payload = Payload { msg: &file.rsa_key_pkcs8.0, aad: &file.additional_data.0 };
    let again = cipher.encrypt(&Nonce::from(file.nonce.array::<12>()), payload).unwrap();
    assert_eq!(again, sealed);
}

#[test]
fn content_keys_follow_from_the_common_key() {
    let file: ContentKeysFile = read("content-keys.json");
    for entry in &file.periods {
        assert_eq!(&make::period(&file, entry.period), entry);
    }
    for entry in &file.ivs {
        assert_eq!(&make::iv(&file, &entry.representation_id, &entry.pack_id), entry);
    }
    // Licenses and metadata grant these keys.
    let license: LicenseFile = read("license.json");
    let metadata: MetadataFile = read("drm-metadata.json");
    for keys in [license.license.keys, metadata.embedded_license.keys] {
        let granted: Vec<_> = keys.into_iter().map(|key| (key.kid, key.cek)).collect();
        let derived: Vec<_> = file.periods.iter().map(|key| (key.kid.clone(), key.cek.clone())).collect();
        assert_eq!(granted, derived);
    }
}

#[test]
fn a_box_file_is_of_the_factory() {
    let (site, file): (SiteFile, BoxFile) = (site(), read("box.json"));
    let octets = |text: &str| URL_SAFE_NO_PAD.decode(text).unwrap();
    let factory = Trust::new(file.public_url.as_str(), &[site.factory_ca.public_key.array()]).unwrap();
    let certificate = DeviceCertificate::verify(&octets(&file.certificate), &factory, site.now).unwrap();
    assert_eq!(certificate.level, KeyLevel::Box);
    assert_eq!((certificate.model, certificate.serial), (Some(file.model), Some(file.serial)));
    let signing = octets(&file.signing_key).try_into().unwrap();
    let signing = SoftwareSigningKey::from_bytes(&signing).unwrap();
    assert_eq!(certificate.signing_key, signing.public_key().unwrap());
    let rsa = SoftwareRsaKey::from_pkcs8(&octets(&file.rsa_key)).unwrap();
    assert_eq!(certificate.rsa_modulus, rsa.modulus().unwrap());
    assert_eq!(file.ca_keys, [URL_SAFE_NO_PAD.encode(&site.ca.public_key.0)]);
    // The site's CA does not answer for boxes.
    let octets = octets(&file.certificate);
    assert_eq!(DeviceCertificate::verify(&octets, &make::trust(&site), site.now), Err(Error::NotAuthentic));
}

/// What the license says, what it opens to, and its octets, put together by another encoder than the crate's.
fn check_license(site: &SiteFile, license: &VerifiedLicense, entry: &LicenseEntry, rsa: &SoftwareRsaKey) {
    assert_eq!(license.license().policy, make::policy(&entry.policy));
    assert_eq!(Hex::from(license.kek_ciphertext()), entry.kek_ciphertext);
    assert_eq!(Hex::from(rsa.decrypt(&entry.kek_ciphertext.0).unwrap().as_slice()), entry.kek);
    let expected: Vec<_> =
        entry.keys.iter().map(|key| (Kid(key.kid.array()), Cek::new(key.cek.array()))).collect();
    assert_eq!(license.unwrap(&entry.kek.0).unwrap(), expected);
    let cipher = KwAes256::new_from_slice(&entry.kek.0).unwrap();
    for key in &entry.keys {
        let mut wrapped = [0; 24];
        cipher.wrap_key(&key.cek.0, &mut wrapped).unwrap();
        assert_eq!(Hex::from(wrapped), key.wrapped);
    }
    let signer = site.signers.iter().find(|signer| signer.typ == Typ::License.name()).unwrap();
    let payload = license_payload(entry, signer);
    assert_eq!(cose(site, signer, Typ::License, &payload), entry.octets.0);
}

type Octets = Encoder<Vec<u8>>;
type Written = Result<(), minicbor::encode::Error<core::convert::Infallible>>;

fn cbor(write: impl FnOnce(&mut Octets) -> Written) -> Vec<u8> {
    let mut out = Encoder::new(Vec::new());
    write(&mut out).unwrap();
    out.into_writer()
}

/// The payload of a license, written by minicbor.
fn license_payload(entry: &LicenseEntry, signer: &SignerEntry) -> Vec<u8> {
    let optional = [entry.device_id.is_some(), entry.challenge_sha256.is_some(), entry.domain.is_some()];
    let fields = 8 + optional.into_iter().filter(|there| *there).count() as u64;
    cbor(|out| {
        out.map(fields)?.u8(0)?.bytes(&signer.certificate.0)?;
        out.u8(1)?.bytes(&entry.id.0)?.u8(2)?.str(&entry.content_id)?;
        if let Some(device) = &entry.device_id {
            out.u8(3)?.str(device)?;
        }
        if let Some(sha256) = &entry.challenge_sha256 {
            out.u8(4)?.bytes(&sha256.0)?;
        }
        out.u8(5)?.u64(entry.issued)?.u8(6)?;
        write_policy(out, &entry.policy)?;
        out.u8(7)?.bytes(&entry.kek_ciphertext.0)?.u8(8)?.array(entry.keys.len() as u64)?;
        for key in &entry.keys {
            out.map(2)?.u8(1)?.bytes(&key.kid.0)?.u8(2)?.bytes(&key.wrapped.0)?;
        }
        out.u8(9)?.str(&entry.oldest_module)?;
        if let Some(domain) = &entry.domain {
            out.u8(10)?.map(2)?.u8(1)?.u64(domain.number)?.u8(2)?.u64(domain.epoch)?;
        }
        Ok(())
    })
}

fn write_policy(out: &mut Octets, policy: &PolicyEntry) -> Written {
    let optional = [
        policy.not_after.is_some(),
        policy.play_until.is_some(),
        policy.renew_after.is_some(),
        policy.max_height.is_some(),
        policy.players.is_some(),
    ];
    out.map(6 + optional.into_iter().filter(|there| *there).count() as u64)?;
    out.u8(1)?.str(&policy.name)?;
    if let Some(time) = policy.not_after {
        out.u8(2)?.u64(time)?;
    }
    if let Some(time) = policy.play_until {
        out.u8(3)?.u64(time)?;
    }
    out.u8(4)?.u8(policy.check)?.u8(5)?.bool(policy.persistent)?;
    if let Some(time) = policy.renew_after {
        out.u8(6)?.u64(time)?;
    }
    out.u8(7)?.u8(policy.key_level)?;
    out.u8(8)?.u8(policy.output_digital)?.u8(9)?.u8(policy.output_analog)?;
    if let Some(height) = policy.max_height {
        out.u8(10)?.u32(height)?;
    }
    if let Some(players) = &policy.players {
        out.u8(11)?.array(players.len() as u64)?;
        for player in players {
            out.map(1 + u64::from(player.release.is_some()))?.u8(1)?.str(&player.origin)?;
            if let Some(release) = &player.release {
                out.u8(2)?.bytes(&release.0)?;
            }
        }
    }
    Ok(())
}

/// COSE_Sign1 (RFC 9052 §4.2) by a signer, written by minicbor and signed by ed25519-dalek.
fn cose(site: &SiteFile, signer: &SignerEntry, typ: Typ, payload: &[u8]) -> Vec<u8> {
    let kid = &license::sha256(&signer.public_key.0)[..8];
    let protected = cbor(|out| {
        out.map(3)?.u8(1)?.i8(-8)?.u8(4)?.bytes(kid)?.u8(16)?.str(typ.name())?;
        Ok(())
    });
    let message = cbor(|out| {
        out.array(4)?.str("Signature1")?.bytes(&protected)?.bytes(site.public_url.as_bytes())?;
        out.bytes(payload)?;
        Ok(())
    });
    let signature = SigningKey::from_bytes(&signer.seed.array()).sign(&message).to_bytes();
    cbor(|out| {
        out.array(4)?.bytes(&protected)?.map(0)?.bytes(payload)?.bytes(&signature)?;
        Ok(())
    })
}
