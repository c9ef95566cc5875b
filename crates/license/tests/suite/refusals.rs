//! Nothing but the exact octets is accepted.

use crate::site::*;
use license::{
    Challenge, DeviceCertificate, DrmMetadata, Error, Individualization, IndividualizationRequest, PsshData,
    VerifiedLicense,
};
use proptest::prelude::*;

fn flips(octets: &[u8], step: usize) -> impl Iterator<Item = Vec<u8>> + '_ {
    (0..octets.len() * 8).step_by(step).map(|bit| {
        let mut altered = octets.to_vec();
        altered[bit / 8] ^= 1 << (bit % 8);
        altered
    })
}

/// B38: every single bit of a license counts.
#[test]
fn b38_any_flipped_bit_of_a_license_is_refused() {
    let site = Site::new();
    let device = Device::new(&site);
    let challenge = device.sign(&device.challenge());
    let octets = issue(&site, &challenge);
    for (bit, altered) in flips(&octets, 1).enumerate() {
        assert!(VerifiedLicense::verify(&altered, &site.trust, &expected(&challenge)).is_err(), "bit {bit}");
    }
}

#[test]
fn any_flipped_bit_of_challenge_certificate_or_answer_is_refused() {
    let site = Site::new();
    let device = Device::new(&site);
    let challenge = device.sign(&device.challenge());
    for (i, altered) in flips(&challenge, 7).enumerate() {
        assert!(Challenge::verify(&altered, &site.trust, NOW).is_err(), "flip {i}");
    }
    // A signer's certificate that was verified before is taken by its octets, and only by them.
    let mut remembering = site.trust.clone();
    remembering.remember(site.devices.certificate_octets()).unwrap();
    for trust in [&site.trust, &remembering] {
        DeviceCertificate::verify(&device.certificate, trust, NOW).unwrap();
        for (i, altered) in flips(&device.certificate, 1).enumerate() {
            assert!(DeviceCertificate::verify(&altered, trust, NOW).is_err(), "flip {i}");
        }
    }
    assert!(remembering.remember(&device.certificate).is_err());
    let (request, answer) = individualize(&site, &device.key);
    for (i, altered) in flips(&request, 7).enumerate() {
        assert!(IndividualizationRequest::verify(&altered, URL).is_err(), "flip {i}");
    }
    for (i, altered) in flips(&answer, 7).enumerate() {
        assert!(Individualization::verify(&altered, &site.trust, &request).is_err(), "flip {i}");
    }
}

/// Splits a signed object into protected header, payload and signature.
fn parts(octets: &[u8]) -> (Vec<u8>, Vec<u8>, Vec<u8>) {
    let mut d = minicbor::Decoder::new(octets);
    assert_eq!(d.array().unwrap(), Some(4));
    let protected = d.bytes().unwrap().to_vec();
    assert_eq!(d.map().unwrap(), Some(0));
    (protected, d.bytes().unwrap().to_vec(), d.bytes().unwrap().to_vec())
}

fn head(major: u8, len: usize) -> Vec<u8> {
    match len {
        0..=23 => vec![major << 5 | len as u8],
        24..=255 => vec![major << 5 | 24, len as u8],
        _ => vec![major << 5 | 25, (len >> 8) as u8, len as u8],
    }
}

fn bstr(octets: &[u8]) -> Vec<u8> {
    [head(2, octets.len()), octets.to_vec()].concat()
}

/// An object as an attacker who holds the CA key might write it: any header, any payload, with a right
/// signature.
fn signed(protected: &[u8], unprotected: &[u8], payload: &[u8], seed: &[u8; 32]) -> Vec<u8> {
    use ed25519_dalek::Signer;
    let input =
        [b"\x84\x6aSignature1".as_slice(), &bstr(protected), &bstr(URL.as_bytes()), &bstr(payload)].concat();
    let signature = ed25519_dalek::SigningKey::from_bytes(seed).sign(&input).to_bytes();
    [&[0x84], &bstr(protected)[..], unprotected, &bstr(payload), &bstr(&signature)].concat()
}

/// With right signatures throughout, so that only the form can be the reason.
#[test]
fn form_is_pinned() {
    let site = Site::new();
    let device = Device::new(&site);
    let challenge = device.sign(&device.challenge());
    let octets = issue(&site, &challenge);
    let (protected, payload, signature) = parts(&octets);
    let seed = *site.licenses.seed();
    let verify =
        |octets: &[u8]| VerifiedLicense::verify(octets, &site.trust, &expected(&challenge)).map(|_| ());
    assert_eq!(signed(&protected, &[0xa0], &payload, &seed), octets);
    assert_eq!(verify(&octets), Ok(()));

    let with = |protected: &[u8]| verify(&signed(protected, &[0xa0], &payload, &seed));
    let edit = |from: &[u8], to: &[u8]| {
        let at = protected.windows(from.len()).position(|w| w == from).unwrap();
        [&protected[..at], to, &protected[at + from.len()..]].concat()
    };
    let refused = Err(Error::Malformed);
    // alg −7 or −19 instead of −8; typ of another type; as a text; a fourth header; header missing; labels in
    // another order.
    assert_eq!(with(&edit(&[0x01, 0x27], &[0x01, 0x26])), refused);
    assert_eq!(with(&edit(&[0x01, 0x27], &[0x01, 0x32])), refused);
    assert_eq!(with(&edit(b"matinee-license", b"matinee-licensf")), refused);
    let mut extra = protected.clone();
    extra[0] = 0xa4;
    extra.extend_from_slice(&[0x18, 0x20, 0x00]);
    assert_eq!(with(&extra), refused);
    let mut less = edit(&[0x01, 0x27], &[]);
    less[0] = 0xa2;
    assert_eq!(with(&less), refused);
    let mut order = edit(&[0x01, 0x27], &[]);
    order.extend_from_slice(&[0x01, 0x27]);
    assert_eq!(with(&order), refused);
    let mut twice = protected.clone();
    twice[0] = 0xa4;
    twice.splice(1..1, [0x01, 0x27]);
    assert_eq!(with(&twice), refused);
    // alg in a longer form than needed.
    assert_eq!(with(&edit(&[0x01, 0x27], &[0x01, 0x38, 0x07])), refused);
    // Something unprotected; a tag; an indefinite array; trailing bytes; truncated.
    assert_eq!(verify(&signed(&protected, &[0xa1, 0x01, 0x27], &payload, &seed)), refused);
    assert_eq!(verify(&[&[0xd2], &octets[..]].concat()), refused);
    let body = [&bstr(&protected)[..], &[0xa0], &bstr(&payload), &bstr(&signature)].concat();
    assert_eq!(verify(&[&[0x9f], &body[..], &[0xff]].concat()), refused);
    assert_eq!(verify(&[&octets[..], &[0]].concat()), refused);
    assert_eq!(verify(&octets[..octets.len() - 1]), refused);

    // The payload: another label, trailing bytes, an integer in a longer form.
    let pay = |payload: &[u8]| verify(&signed(&protected, &[0xa0], payload, &seed));
    let mut label = payload.clone();
    assert_eq!(label[0], 0xaa);
    label[0] = 0xab;
    label.extend_from_slice(&[0x18, 0x63, 0x00]);
    assert_eq!(pay(&label), refused);
    assert_eq!(pay(&[&payload[..], &[0]].concat()), refused);
    let issued = [&[0x05, 0x1a], &(NOW as u32).to_be_bytes()[..]].concat();
    let at = payload.windows(6).position(|w| w == issued).unwrap();
    let long = [&payload[..at], &[0x05, 0x1b, 0, 0, 0, 0], &payload[at + 2..]].concat();
    assert_eq!(pay(&long), refused);
    // A license by the signer of something else.
    let (seed, certificate) = (*site.devices.seed(), site.devices.certificate_octets());
    let own = site.licenses.certificate_octets();
    let at = payload.windows(own.len()).position(|w| w == own).unwrap();
    let head_len = head(2, own.len()).len();
    let swapped = [&payload[..at - head_len], &bstr(certificate), &payload[at + own.len()..]].concat();
    let kid = &license::sha256(&site.devices.certificate().key)[..8];
    let own_kid = &license::sha256(&site.licenses.certificate().key)[..8];
    let header = edit(own_kid, kid);
    assert_eq!(verify(&signed(&header, &[0xa0], &swapped, &seed)), Err(Error::NotAuthentic));
}

/// A challenge without a sequence number, as devices made them once, is no challenge; with a right signature,
/// so that only the form can be the reason.
#[test]
fn a_challenge_needs_its_number() {
    let site = Site::new();
    let device = Device::new(&site);
    let octets = device.sign(&device.challenge());
    let (protected, mut payload, _) = parts(&octets);
    let sign = |payload: &[u8]| {
        let input =
            [b"\x84\x6aSignature1".as_slice(), &bstr(&protected), &bstr(URL.as_bytes()), &bstr(payload)];
        let signature = device.key.sign(&input.concat());
        [&[0x84], &bstr(&protected)[..], &[0xa0], &bstr(payload), &bstr(&signature)].concat()
    };
    assert!(Challenge::verify(&sign(&payload), &site.trust, NOW).is_ok());
    assert_eq!(payload[0], 0xac);
    payload[0] = 0xab;
    assert_eq!(payload.split_off(payload.len() - 2), [12, 1]);
    assert_eq!(Challenge::verify(&sign(&payload), &site.trust, NOW).unwrap_err(), Error::Malformed);
}

/// RFC 8032 §7.1, test 1.
#[test]
fn rfc_8032_vector() {
    use ed25519_dalek::Signer;
    let seed = hex::decode("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60").unwrap();
    let seed = seed.try_into().unwrap();
    let public = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
    assert_eq!(hex::encode(license::SiteCa::from_seed(&seed).public_key()), public);
    let signature = ed25519_dalek::SigningKey::from_bytes(&seed).sign(b"");
    assert_eq!(
        hex::encode(signature.to_bytes()),
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    /// Arbitrary octets are refused without a panic.
    #[test]
    fn parsers_never_panic(octets in proptest::collection::vec(any::<u8>(), 0..400)) {
        never_accepts(&octets);
    }

    /// So are octets that look like CBOR.
    #[test]
    fn parsers_never_panic_on_cbor(parts in proptest::collection::vec(cbor(), 0..20)) {
        never_accepts(&parts.concat());
    }
}

fn cbor() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        (0u8..8, 0u8..32).prop_map(|(major, info)| vec![major << 5 | info]),
        proptest::collection::vec(any::<u8>(), 0..70).prop_map(|octets| bstr(&octets)),
        Just(vec![0x84]),
        Just(b"\x6fmatinee-license".to_vec()),
        // Lengths that nothing justifies.
        Just(vec![0x9b, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
        Just(vec![0x5b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
    ]
}

fn never_accepts(octets: &[u8]) {
    let trust = license::Trust::new(URL, &[license::SiteCa::from_seed(&[1; 32]).public_key()]).unwrap();
    assert!(VerifiedLicense::verify(octets, &trust, &expected(b"")).is_err());
    assert!(Challenge::verify(octets, &trust, NOW).is_err());
    assert!(DeviceCertificate::verify(octets, &trust, NOW).is_err());
    assert!(IndividualizationRequest::verify(octets, URL).is_err());
    assert!(Individualization::verify(octets, &trust, octets).is_err());
    assert!(DrmMetadata::verify(octets, &trust).is_err());
    if let Ok(data) = PsshData::decode(octets) {
        assert_eq!(data.encode(), octets);
    }
}

/// A signer that the site no longer names: what it signed is refused, however good its certificate.
#[test]
fn a_signer_that_is_not_named_is_not_trusted() {
    let site = Site::new();
    let key = license::SoftwareSigningKey::generate().unwrap();
    let (octets, answer) = individualize(&site, &key);
    let named = |signers: &[&license::Signer]| {
        let keys = signers.iter().map(|signer| signer.certificate().key).collect();
        let mut trust = site.trust.clone();
        trust.only_signers(keys);
        Individualization::verify(&answer, &trust, &octets).map(|_| ())
    };
    assert!(named(&[&site.licenses, &site.individualization, &site.devices]).is_ok());
    assert!(named(&[&site.licenses, &site.devices]).is_err());
    assert!(named(&[]).is_err());
}
