//! What follows from the keys and numbers in the files, without chance.
#![allow(missing_docs)]

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cenc::{CommonKey, ContentId, Kid, Label, Scheme};
use license::{
    Challenge, Check, Display, Domain, DomainEpoch, DrmMetadata, IndividualizationGrant,
    IndividualizationRequest, KeyLevel, KeyName, Output, Player, Policy, PsshData, Signer, SignerCertificate,
    SiteCa, SoftwareRsaKey, SoftwareSigningKey, Trust, Typ,
};

use crate::model::*;

pub fn key_pair(seed: [u8; 32]) -> KeyPair {
    let ca = SiteCa::from_seed(&seed);
    KeyPair { seed: seed.into(), public_key: ca.public_key().into() }
}

pub fn signer_entry(site: &SiteFile, typ: Typ, seed: [u8; 32]) -> SignerEntry {
    // A CA and a signer are both Ed25519 keys.
    let public_key = SiteCa::from_seed(&seed).public_key();
    let (not_before, not_after) = (site.now - 86_400, site.now + 365 * 86_400);
    let id = format!("{}-1", typ.name().trim_start_matches("matinee-"));
    let certificate =
        SignerCertificate { key: public_key, typ: typ.name().into(), id: id.clone(), not_before, not_after };
    let certificate = SiteCa::from_seed(&site.ca.seed.array()).certify(&site.public_url, &certificate);
    SignerEntry {
        typ: typ.name().into(),
        id,
        seed: seed.into(),
        public_key: public_key.into(),
        not_before,
        not_after,
        certificate: certificate.into(),
    }
}

pub fn trust(site: &SiteFile) -> Trust {
    Trust::new(site.public_url.as_str(), &[site.ca.public_key.array()]).unwrap()
}

pub fn signer(site: &SiteFile, typ: Typ) -> Signer {
    let entry = site.signers.iter().find(|entry| entry.typ == typ.name()).unwrap();
    Signer::from_parts(&entry.seed.array(), entry.certificate.0.clone(), &trust(site)).unwrap()
}

fn signing_key(device: &DeviceFile) -> SoftwareSigningKey {
    SoftwareSigningKey::from_bytes(&device.signing_key.array()).unwrap()
}

pub fn rsa_key(pkcs8: &Hex) -> SoftwareRsaKey {
    SoftwareRsaKey::from_pkcs8(&pkcs8.0).unwrap()
}

pub fn level(number: u8) -> KeyLevel {
    match number {
        1 => KeyLevel::Software,
        2 => KeyLevel::Webcrypto,
        _ => KeyLevel::Box,
    }
}

/// The individualization request's octets.
pub fn request(site: &SiteFile, device: &DeviceFile) -> Vec<u8> {
    let key = signing_key(device);
    let object = IndividualizationRequest {
        signing_key: key.public_key().unwrap(),
        rsa_modulus: rsa_key(&device.rsa_key_pkcs8).modulus().unwrap(),
        level: level(device.request.key_level),
        description: device.request.description.clone(),
        module_version: device.request.module_version.parse().unwrap(),
        time: device.request.time,
        nonce: device.request.nonce.array(),
    }
    .to_be_signed(&site.public_url);
    let signature = key.sign(object.message());
    object.finish(&signature)
}

/// The device certificate's octets.
pub fn certificate(site: &SiteFile, device: &DeviceFile) -> Vec<u8> {
    let request = IndividualizationRequest::verify(&device.request.octets.0, &site.public_url).unwrap();
    signer(site, Typ::DeviceCertificate).certify_device(&request, device.certificate.issued).unwrap()
}

/// The octets of the answer to the individualization request.
pub fn answer(site: &SiteFile, device: &DeviceFile) -> Vec<u8> {
    let grant = IndividualizationGrant {
        module_url: &device.answer.module_url,
        module_sha256: device.answer.module_sha256.array(),
        oldest_module: device.answer.oldest_module.parse().unwrap(),
        now: device.answer.time,
    };
    signer(site, Typ::Individualization)
        .sign_individualization(&device.request.octets.0, device.certificate.octets.0.clone(), &grant)
        .unwrap()
}

/// `Sig_structure` and octets of the challenge.
pub fn challenge(site: &SiteFile, device: &DeviceFile, entry: &ChallengeEntry) -> (Vec<u8>, Vec<u8>) {
    let key = signing_key(device);
    let object = Challenge {
        ticket_sha256: license::sha256(device.ticket.as_bytes()),
        device_id: device.device_id.clone(),
        stream_id: entry.stream_id,
        keys: entry.keys.iter().map(key_name).collect(),
        rsa_modulus: rsa_key(&entry.rsa_key_pkcs8).modulus().unwrap(),
        nonce: entry.nonce.array(),
        time: entry.time,
        certificate: device.certificate.octets.0.clone(),
        module_version: entry.module_version.parse().unwrap(),
        player_release: entry.player_release.0.clone(),
        display: match entry.display {
            0 => Display::Unknown,
            1 => Display::Single,
            _ => Display::Extended,
        },
        sequence: entry.sequence,
    }
    .to_be_signed(&site.public_url, &key.public_key().unwrap());
    let message = object.message().to_vec();
    let signature = key.sign(&message);
    (message, object.finish(&signature))
}

pub fn key_name(entry: &KeyNameEntry) -> KeyName {
    KeyName {
        kid: Kid(entry.kid.array()),
        common_key_id: entry.common_key_id.clone(),
        label: entry.label.clone(),
        period: entry.period,
    }
}

/// An envelope of these messages, signed.
pub fn envelope(
    site: &SiteFile,
    device: &DeviceFile,
    (name, sequence): (&str, u64),
    messages: Vec<nccp::RequestMessage>,
) -> EnvelopeEntry {
    let registers = matches!(messages[0], nccp::RequestMessage::Register(_));
    let ticket = (!registers).then(|| device.ticket.clone());
    let request = nccp::Request {
        device: (!registers).then(|| device.device_id.parse().unwrap()),
        sequence: nccp::Sequence::try_from(sequence).unwrap(),
        time: site.now,
        client: "matinee-web/0.1.0".into(),
        messages,
    };
    let body = request.to_xml();
    let body_sha256 = license::sha256(body.as_bytes());
    let ticket_sha256 = license::sha256(ticket.as_deref().unwrap_or_default().as_bytes());
    let signing_input = nccp::signing_input(&site.controller_url, &body_sha256, &ticket_sha256);
    let signature = signing_key(device).sign(signing_input.as_bytes());
    EnvelopeEntry {
        name: name.into(),
        sequence,
        time: site.now,
        ticket,
        body,
        body_sha256: body_sha256.into(),
        ticket_sha256: ticket_sha256.into(),
        signing_input,
        signature: URL_SAFE_NO_PAD.encode(signature),
    }
}

/// Registration, and the one envelope that starts a film.
pub fn envelopes(site: &SiteFile, device: &DeviceFile, license: &LicenseFile) -> Vec<EnvelopeEntry> {
    let movie_id = nccp::MovieId::try_from(license.challenge.stream_id).unwrap();
    let register = nccp::RequestMessage::Register(nccp::Register {
        certificate: device.certificate.octets.0.clone(),
        name: "Chromium on Linux".into(),
        machine: "Mozilla/5.0 (X11; Linux x86_64)".into(),
        grant: None,
    });
    let start = vec![
        nccp::RequestMessage::UserMovieMetadata { movie_id },
        nccp::RequestMessage::MovieMetadata { movie_id },
        nccp::RequestMessage::Authorization { movie_id },
        nccp::RequestMessage::License { stream_id: movie_id, challenge: license.challenge.octets.0.clone() },
    ];
    vec![
        envelope(site, device, ("register", 1), vec![register]),
        envelope(site, device, ("start of a film", license.challenge.sequence + 1), start),
    ]
}

pub fn policy(entry: &PolicyEntry) -> Policy {
    let output = |number| match number {
        0 => Output::NotRequired,
        1 => Output::BestAvailable,
        _ => Output::Required,
    };
    let player = |player: &PlayerEntry| Player {
        origin: player.origin.clone(),
        release: player.release.as_ref().map(Hex::array),
    };
    Policy {
        name: entry.name.clone(),
        not_after: entry.not_after,
        play_until: entry.play_until,
        check: if entry.check == 0 { Check::Start } else { Check::Continuous },
        persistent: entry.persistent,
        renew_after: entry.renew_after,
        key_level: level(entry.key_level),
        output_digital: output(entry.output_digital),
        output_analog: output(entry.output_analog),
        max_height: entry.max_height,
        players: entry.players.as_ref().map(|players| players.iter().map(player).collect()),
    }
}

pub fn domain(entry: &DomainEntry) -> DomainEpoch {
    DomainEpoch { domain: entry.domain.parse::<Domain>().unwrap(), epoch: entry.epoch }
}

/// The DRM metadata's octets.
pub fn metadata(site: &SiteFile, file: &MetadataFile) -> Vec<u8> {
    let metadata = DrmMetadata {
        signer: vec![],
        content_id: file.content_id.clone(),
        keys: file.keys.iter().map(key_name).collect(),
        policy: file.policy.clone(),
        license_url: file.license_url.clone(),
        embedded_license: Some(file.embedded_license.octets.0.clone()),
        issued: file.issued,
        ttl: file.ttl,
    };
    signer(site, Typ::DrmMetadata).sign_metadata(metadata).unwrap()
}

/// The data of the `pssh` box that the same film has.
pub fn pssh_data(file: &MetadataFile) -> Vec<u8> {
    PsshData {
        content_id: file.content_id.clone(),
        kids: file.keys.iter().map(|key| Kid(key.kid.array())).collect(),
        common_key_id: file.keys[0].common_key_id.clone(),
        label: file.keys[0].label.clone(),
    }
    .encode()
}

/// Keys of a rotation period.
pub fn period(file: &ContentKeysFile, period: u32) -> PeriodEntry {
    let common = CommonKey::new(file.common_key.array());
    let (content, label): (ContentId, Label) =
        (file.content_id.parse().unwrap(), file.label.parse().unwrap());
    PeriodEntry {
        period,
        kid: cenc::derive_kid(&common, &content, &label, period).as_bytes().into(),
        cek: cenc::derive_cek(&common, &content, &label, period).expose().into(),
    }
}

/// Base IVs of a representation.
pub fn iv(file: &ContentKeysFile, representation_id: &str, pack_id: &str) -> IvEntry {
    let common = CommonKey::new(file.common_key.array());
    let content: ContentId = file.content_id.parse().unwrap();
    let of = |scheme| {
        let iv = cenc::base_iv(cenc::IvKey::Common(&common), scheme, &content, representation_id, pack_id);
        iv.unwrap().as_bytes().into()
    };
    IvEntry {
        representation_id: representation_id.into(),
        pack_id: pack_id.into(),
        cenc: of(Scheme::Cenc),
        cbcs: of(Scheme::Cbcs),
    }
}
