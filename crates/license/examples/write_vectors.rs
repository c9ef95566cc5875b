//! Writes the test vectors of `docs/vectors` anew, with other RSA keys and other chance:
//! `cargo run -p license --features issue,software --example write_vectors`.
#![allow(missing_docs, clippy::unwrap_used, unreachable_pub)]

#[path = "../tests/vectors/make.rs"]
mod make;
#[path = "../tests/vectors/model.rs"]
mod model;

use aes_gcm::aead::{Aead as _, KeyInit as _, Payload};
use aes_gcm::{Aes256Gcm, Key, Nonce};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cenc::{Cek, Kid};
use license::{
    BoxIdentity, Challenge, DomainEpoch, Expected, Grant, IndividualizationRequest, Recipient, Signer,
    SiteCa, SoftwareRsaKey, SoftwareSigningKey, Typ, VerifiedLicense, Version,
};
use model::*;

const NOW: u64 = 1_790_000_000;
const MODULE: Version = Version::new(0, 1, 0);

/// A key that everybody can make again.
fn seed(of: &str) -> [u8; 32] {
    license::sha256(format!("matinee test vectors: {of}").as_bytes())
}

fn half(of: &str) -> [u8; 16] {
    seed(of)[..16].try_into().unwrap()
}

/// A fresh RSA key: PKCS#8 and modulus.
fn rsa() -> (Hex, Hex) {
    let key = SoftwareRsaKey::generate().unwrap();
    (key.to_pkcs8().unwrap().as_slice().into(), key.modulus().unwrap().as_bytes().into())
}

fn write(name: &str, file: &impl serde::Serialize) {
    std::fs::write(path(name), serde_json::to_string_pretty(file).unwrap() + "\n").unwrap();
}

fn main() {
    let site = site();
    let device = device(&site);
    let keys = content_keys();
    let license = license_file(&site, &device, &keys);
    let domain_key = domain_key(&device);
    let metadata = metadata(&site, &keys, &domain_key);
    let envelopes = EnvelopesFile {
        about: "Envelopes of the device in device.json, and their signatures. Bodies follow from the other files; signatures are deterministic (RFC 6979).".into(),
        envelopes: make::envelopes(&site, &device, &license),
    };
    write("box.json", &box_file(&site));
    write("site.json", &site);
    write("device.json", &device);
    write("content-keys.json", &keys);
    write("license.json", &license);
    write("domain-key.json", &domain_key);
    write("drm-metadata.json", &metadata);
    write("envelopes.json", &envelopes);
}

fn site() -> SiteFile {
    let mut site = SiteFile {
        about: "A site's CA, its factory's CA, and a signer for each type. Seeds are SHA-256 of \"matinee test vectors: \" and a name; certificates follow from them.".into(),
        public_url: "http://localhost:8080".into(),
        controller_url: "http://localhost:8080/nccp/controller".into(),
        now: NOW,
        ca: make::key_pair(seed("site CA")),
        factory_ca: make::key_pair(seed("factory CA")),
        signers: vec![],
    };
    for typ in Typ::OF_SIGNERS {
        let entry = make::signer_entry(&site, typ, seed(typ.name()));
        site.signers.push(entry);
    }
    site
}

fn device(site: &SiteFile) -> DeviceFile {
    let signing = SoftwareSigningKey::from_bytes(&seed("device signing key")).unwrap();
    let (rsa_key_pkcs8, rsa_modulus) = rsa();
    let mut device = DeviceFile {
        about: "A browser's device: private keys, individualization request and answer, certificate; device id and ticket as a registration gave them (the ticket is opaque, this one is just text). The RSA key is drawn; all else follows from the keys.".into(),
        signing_key: seed("device signing key").into(),
        signing_public_key: signing.public_key().unwrap().as_bytes().into(),
        rsa_key_pkcs8,
        rsa_modulus,
        device_id: "d-00112233445566778899aabbccddeeff".into(),
        ticket: "dGhpcyB0aWNrZXQgaXMgb3BhcXVlIHRvIGNsaWVudHM".into(),
        request: RequestEntry {
            key_level: 2,
            description: "Chromium on Linux".into(),
            module_version: MODULE.to_string(),
            time: NOW,
            nonce: half("individualization nonce").into(),
            octets: Hex(vec![]),
        },
        answer: AnswerEntry {
            module_url: "/assets/decryptor_bg-0123456789abcdef.wasm".into(),
            module_sha256: seed("DRM module").into(),
            oldest_module: MODULE.to_string(),
            time: NOW,
            octets: Hex(vec![]),
        },
        certificate: CertificateEntry {
            component: Hex(vec![]),
            issued: NOW,
            expires: NOW + 90 * 86_400,
            octets: Hex(vec![]),
        },
    };
    device.request.octets = make::request(site, &device).into();
    let request = IndividualizationRequest::verify(&device.request.octets.0, &site.public_url).unwrap();
    device.certificate.component = request.component().into();
    device.certificate.octets = make::certificate(site, &device).into();
    device.answer.octets = make::answer(site, &device).into();
    device
}

fn content_keys() -> ContentKeysFile {
    let mut file = ContentKeysFile {
        about: "Content keys, KIDs and base IVs that follow from a common key.".into(),
        common_key: half("common key").into(),
        common_key_id: "common-1".into(),
        content_id: "movie/60027274".into(),
        label: "main".into(),
        periods: vec![],
        ivs: vec![],
    };
    file.periods = [0, 1].map(|period| make::period(&file, period)).into();
    let pack_id = hex::encode(half("pack"));
    file.ivs = ["v720-1500", "a-und-1"].map(|id| make::iv(&file, id, &pack_id)).into();
    file
}

fn licensed_keys(file: &ContentKeysFile) -> Vec<(Kid, Cek)> {
    file.periods.iter().map(|period| (Kid(period.kid.array()), Cek::new(period.cek.array()))).collect()
}

fn key_names(keys: &ContentKeysFile) -> Vec<KeyNameEntry> {
    let name = |period: &PeriodEntry| KeyNameEntry {
        kid: period.kid.clone(),
        common_key_id: keys.common_key_id.clone(),
        label: keys.label.clone(),
        period: period.period,
    };
    keys.periods.iter().map(name).collect()
}

/// What an issued license says.
fn license_entry(
    license: &VerifiedLicense,
    policy: PolicyEntry,
    rsa: &SoftwareRsaKey,
    octets: Vec<u8>,
) -> LicenseEntry {
    let kek = rsa.decrypt(license.kek_ciphertext()).unwrap();
    let ceks = license.unwrap(&kek).unwrap();
    let fields = license.license();
    let key = |(wrapped, (kid, cek)): (&license::WrappedKey, &(Kid, Cek))| LicensedKey {
        kid: kid.as_bytes().into(),
        cek: cek.expose().into(),
        wrapped: wrapped.key.into(),
    };
    LicenseEntry {
        id: fields.id.into(),
        content_id: fields.content_id.clone(),
        device_id: fields.device_id.clone(),
        challenge_sha256: fields.challenge_sha256.map(Hex::from),
        issued: fields.issued,
        policy,
        kek_ciphertext: fields.kek.into(),
        kek: kek.as_slice().into(),
        keys: fields.keys.iter().zip(&ceks).map(key).collect(),
        oldest_module: fields.oldest_module.to_string(),
        domain: fields.domain.map(domain_entry),
        octets: octets.into(),
    }
}

fn license_file(site: &SiteFile, device: &DeviceFile, keys: &ContentKeysFile) -> LicenseFile {
    let (rsa_key_pkcs8, rsa_modulus) = rsa();
    let mut challenge = ChallengeEntry {
        stream_id: 60_027_274,
        keys: key_names(keys),
        rsa_key_pkcs8,
        rsa_modulus,
        nonce: half("challenge nonce").into(),
        time: NOW,
        module_version: MODULE.to_string(),
        player_release: seed("player release").into(),
        display: 1,
        sequence: 2,
        sig_structure: Hex(vec![]),
        octets: Hex(vec![]),
        sha256: Hex(vec![]),
    };
    let (sig_structure, octets) = make::challenge(site, device, &challenge);
    challenge.sha256 = license::sha256(&octets).into();
    (challenge.sig_structure, challenge.octets) = (sig_structure.into(), octets.into());

    let policy = PolicyEntry {
        name: "studio".into(),
        not_after: Some(NOW + 172_800),
        play_until: Some(NOW + 86_400),
        check: 1,
        persistent: true,
        renew_after: Some(NOW + 43_200),
        key_level: 2,
        output_digital: 1,
        output_analog: 0,
        max_height: Some(1080),
        players: Some(vec![PlayerEntry {
            origin: site.public_url.clone(),
            release: Some(seed("player release").into()),
        }]),
    };
    let trust = make::trust(site);
    let verified = Challenge::verify(&challenge.octets.0, &trust, NOW).unwrap();
    let grant = Grant {
        content_id: &keys.content_id,
        keys: &licensed_keys(keys),
        policy: &make::policy(&policy),
        now: NOW,
        oldest_module: MODULE,
    };
    let octets = make::signer(site, Typ::License).issue_license(&verified, &grant).unwrap();
    let expected = Expected {
        device_id: &device.device_id,
        challenge_sha256: challenge.sha256.array(),
        anchor: NOW,
        module_version: MODULE,
    };
    let license = VerifiedLicense::verify(&octets, &trust, &expected).unwrap();
    let license = license_entry(&license, policy, &make::rsa_key(&challenge.rsa_key_pkcs8), octets);
    LicenseFile {
        about: "A challenge of the device in device.json with the RSA key that was made for it, and the license that answers it. License id, KEK and OAEP's seed are drawn; all else follows.".into(),
        challenge,
        license,
    }
}

fn domain_entry(of: DomainEpoch) -> DomainEntry {
    let number = license::Domain::ALL.iter().zip(1..).find(|(domain, _)| **domain == of.domain).unwrap().1;
    DomainEntry { domain: of.domain.name().into(), number, epoch: of.epoch }
}

fn domain_key(device: &DeviceFile) -> DomainKeyFile {
    let of = DomainEpoch::at(license::Domain::Browser, NOW);
    let (rsa_key_pkcs8, rsa_modulus) = rsa();
    let modulus = make::rsa_key(&device.rsa_key_pkcs8).modulus().unwrap();
    let sealed =
        of.seal_for(&rsa_key_pkcs8.0, &device.device_id, &Recipient::new(&modulus).unwrap()).unwrap();
    let (wrapped, _) = license::split_domain_key(&sealed).unwrap();
    let aes_key = make::rsa_key(&device.rsa_key_pkcs8).decrypt(wrapped).unwrap();
    let additional_data = of.additional_data(&device.device_id);
    // The two parts are what they are said to be.
    let cipher = Aes256Gcm::new(&Key::<Aes256Gcm>::try_from(aes_key.as_slice()).unwrap());
    let nonce = Nonce::from(license::DOMAIN_KEY_NONCE);
    let again = cipher.encrypt(&nonce, Payload { msg: &rsa_key_pkcs8.0, aad: &additional_data }).unwrap();
    assert_eq!(sealed[256..], again);
    DomainKeyFile {
        about: "A domain's private key, sealed for the device in device.json. The domain's RSA key, K and OAEP's seed are drawn.".into(),
        domain: domain_entry(of),
        rsa_key_pkcs8,
        rsa_modulus,
        device_id: device.device_id.clone(),
        aes_key: aes_key.as_slice().into(),
        nonce: license::DOMAIN_KEY_NONCE.into(),
        additional_data: additional_data.into(),
        sealed: sealed.into(),
    }
}

fn metadata(site: &SiteFile, keys: &ContentKeysFile, domain_key: &DomainKeyFile) -> MetadataFile {
    let policy = PolicyEntry {
        name: "48h".into(),
        not_after: Some(NOW + 172_800),
        play_until: None,
        check: 0,
        persistent: false,
        renew_after: None,
        key_level: 1,
        output_digital: 0,
        output_analog: 0,
        max_height: None,
        players: None,
    };
    let grant = Grant {
        content_id: &keys.content_id,
        keys: &licensed_keys(keys),
        policy: &make::policy(&policy),
        now: NOW,
        oldest_module: MODULE,
    };
    let rsa = make::rsa_key(&domain_key.rsa_key_pkcs8);
    let octets = make::signer(site, Typ::License)
        .issue_embedded(make::domain(&domain_key.domain), &rsa.modulus().unwrap(), &grant)
        .unwrap();
    let (license, _) =
        VerifiedLicense::verify_embedded(&octets, &make::trust(site), &keys.content_id, MODULE).unwrap();
    let mut file = MetadataFile {
        about: "DRM metadata with an embedded license for the domain of domain-key.json, and the data of the pssh box of the same film. License id, KEK and OAEP's seed are drawn; all else follows.".into(),
        content_id: keys.content_id.clone(),
        keys: key_names(keys),
        policy: policy.name.clone(),
        license_url: Some(format!("{}/license", site.public_url)),
        embedded_license: license_entry(&license, policy, &rsa, octets),
        issued: NOW,
        ttl: 3600,
        octets: Hex(vec![]),
        pssh_data: Hex(vec![]),
    };
    file.octets = make::metadata(site, &file).into();
    file.pssh_data = make::pssh_data(&file).into();
    file
}

/// As `matinee box provision` writes it.
fn box_file(site: &SiteFile) -> BoxFile {
    let factory = SiteCa::from_seed(&site.factory_ca.seed.array());
    let signer: Signer = factory
        .new_signer(&site.public_url, Typ::DeviceCertificate, "factory", NOW, NOW + 20 * 365 * 86_400)
        .unwrap();
    let signing = SoftwareSigningKey::from_bytes(&seed("box signing key")).unwrap();
    let (rsa_key, _) = rsa();
    let identity = BoxIdentity {
        signing_key: signing.public_key().unwrap(),
        rsa_modulus: make::rsa_key(&rsa_key).modulus().unwrap(),
        module_version: MODULE,
        model: "Matinee One",
        serial: "0001",
        issued: NOW,
        expires: NOW + 20 * 365 * 86_400,
    };
    let text = |octets: &[u8]| URL_SAFE_NO_PAD.encode(octets);
    BoxFile {
        version: 1,
        public_url: site.public_url.clone(),
        controller_url: site.controller_url.clone(),
        ca_keys: vec![text(&site.ca.public_key.0)],
        model: identity.model.into(),
        serial: identity.serial.into(),
        certificate: text(&signer.certify_box(&identity).unwrap()),
        signing_key: text(&*signing.to_bytes()),
        rsa_key: text(&rsa_key.0),
    }
}
