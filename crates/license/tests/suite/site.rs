//! A whole site and a software device, for the tests.
#![allow(dead_code, unreachable_pub)] // the DRM module's suite has it, too

use std::sync::OnceLock;

use cenc::{Cek, Kid};
use license::{
    Challenge, Check, Display, Expected, Grant, Individualization, IndividualizationGrant,
    IndividualizationRequest, KeyLevel, Output, Policy, Signer, SiteCa, SoftwareRsaKey, SoftwareSigningKey,
    Trust, Typ, Version,
};

pub const URL: &str = "http://localhost:8080";
pub const NOW: u64 = 1_790_000_000;
pub const VERSION: Version = Version::new(0, 1, 0);

pub struct Site {
    pub ca: SiteCa,
    pub trust: Trust,
    pub individualization: Signer,
    pub devices: Signer,
    pub licenses: Signer,
    pub metadata: Signer,
}

impl Site {
    pub fn new() -> Self {
        Self::at(URL)
    }

    pub fn at(url: &str) -> Self {
        let ca = SiteCa::generate().unwrap();
        let signer = |typ| ca.new_signer(url, typ, "test", NOW - 1000, NOW + 1000).unwrap();
        Self {
            trust: Trust::new(url, &[ca.public_key()]).unwrap(),
            individualization: signer(Typ::Individualization),
            devices: signer(Typ::DeviceCertificate),
            licenses: signer(Typ::License),
            metadata: signer(Typ::DrmMetadata),
            ca,
        }
    }
}

/// RSA keys take a second to make: one for all tests.
pub fn rsa() -> &'static SoftwareRsaKey {
    static KEY: OnceLock<SoftwareRsaKey> = OnceLock::new();
    KEY.get_or_init(|| SoftwareRsaKey::generate().unwrap())
}

pub struct Device {
    pub key: SoftwareSigningKey,
    pub certificate: Vec<u8>,
}

impl Device {
    pub fn new(site: &Site) -> Self {
        let key = SoftwareSigningKey::generate().unwrap();
        let (octets, answer) = individualize(site, &key);
        let (answer, _) = Individualization::verify(&answer, &site.trust, &octets).unwrap();
        Self { key, certificate: answer.certificate }
    }

    pub fn challenge(&self) -> Challenge {
        Challenge {
            ticket_sha256: license::sha256(b"ticket"),
            device_id: "d-1".into(),
            stream_id: 7,
            keys: vec![],
            rsa_modulus: rsa().modulus().unwrap(),
            nonce: license::nonce().unwrap(),
            time: NOW,
            certificate: self.certificate.clone(),
            module_version: VERSION,
            player_release: vec![],
            display: Display::Single,
            sequence: 1,
        }
    }

    pub fn sign(&self, challenge: &Challenge) -> Vec<u8> {
        let object = challenge.to_be_signed(URL, &self.key.public_key().unwrap());
        let signature = self.key.sign(object.message());
        object.finish(&signature)
    }
}

pub fn request(key: &SoftwareSigningKey) -> Vec<u8> {
    let request = IndividualizationRequest {
        signing_key: key.public_key().unwrap(),
        rsa_modulus: rsa().modulus().unwrap(),
        level: KeyLevel::Software,
        description: "test".into(),
        module_version: VERSION,
        time: NOW,
        nonce: license::nonce().unwrap(),
    };
    let object = request.to_be_signed(URL);
    let signature = key.sign(object.message());
    object.finish(&signature)
}

/// The request's octets and the answer's.
pub fn individualize(site: &Site, key: &SoftwareSigningKey) -> (Vec<u8>, Vec<u8>) {
    let octets = request(key);
    let parsed = IndividualizationRequest::verify(&octets, URL).unwrap();
    let certificate = site.devices.certify_device(&parsed, NOW).unwrap();
    let grant = IndividualizationGrant {
        module_url: "/assets/decryptor_bg.wasm",
        module_sha256: [3; 32],
        oldest_module: VERSION,
        now: NOW,
    };
    let answer = site.individualization.sign_individualization(&octets, certificate, &grant).unwrap();
    (octets, answer)
}

pub fn policy() -> Policy {
    Policy {
        name: "24h".into(),
        not_after: Some(NOW + 86_400),
        play_until: None,
        check: Check::Start,
        persistent: false,
        renew_after: None,
        key_level: KeyLevel::Software,
        output_digital: Output::NotRequired,
        output_analog: Output::NotRequired,
        max_height: None,
        players: None,
    }
}

pub fn keys() -> Vec<(Kid, Cek)> {
    vec![(Kid([1; 16]), Cek::new([0x11; 16])), (Kid([2; 16]), Cek::new([0x22; 16]))]
}

/// A license for the challenge of these octets.
pub fn issue(site: &Site, challenge: &[u8]) -> Vec<u8> {
    let challenge = Challenge::verify(challenge, &site.trust, NOW).unwrap();
    let keys = keys();
    let policy = policy();
    let grant =
        Grant { content_id: "movie/7", keys: &keys, policy: &policy, now: NOW, oldest_module: VERSION };
    site.licenses.issue_license(&challenge, &grant).unwrap()
}

pub fn expected(challenge: &[u8]) -> Expected<'static> {
    Expected {
        device_id: "d-1",
        challenge_sha256: license::sha256(challenge),
        anchor: NOW,
        module_version: VERSION,
    }
}
