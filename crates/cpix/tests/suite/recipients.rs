//! Documents whose keys are encrypted for recipients: one by OpenSSL, our own, and such as must not pass.
#![allow(clippy::unwrap_used)]

use cenc::{Cek, Kid, KidAndKey, Scheme};
use cpix::{ContentKey, Document, Error, MAX_KEYS, MAX_RECIPIENTS, Recipient, RecipientKey, Request};
use proptest::prelude::*;
use rsa::RsaPrivateKey;
use rsa::pkcs1::EncodeRsaPrivateKey as _;
use rsa::pkcs8::{DecodePrivateKey as _, LineEnding};

/// By `openssl req -x509 -newkey rsa:2048 -nodes`; nothing else is protected with it.
const KEY: &str = include_str!("../openssl/key.pem");
const CERTIFICATE: &str = include_str!("../openssl/certificate.pem");
/// A certificate whose key nobody has.
const OTHER: &str = include_str!("../openssl/other.pem");
/// By OpenSSL 3.0: `pkeyutl -encrypt` with `rsa_padding_mode:oaep` and SHA-1 for document key and MAC key,
/// `enc -aes-256-cbc` for the octets 0 to 15, `dgst -sha512 -mac HMAC` of IV and ciphertext.
const DOCUMENT: &str = include_str!("../openssl/document.xml");

fn key() -> RecipientKey {
    RecipientKey::from_pem(KEY).unwrap()
}

fn open(text: &str) -> Result<Document, Error> {
    Document::open(text.as_bytes(), &key())
}

fn recipient() -> Recipient {
    Recipient::from_pem(CERTIFICATE).unwrap()
}

fn other() -> Recipient {
    Recipient::from_pem(OTHER).unwrap()
}

fn document(keys: u8) -> Document {
    let key = |n: u8| ContentKey {
        key: KidAndKey { kid: Kid([n; 16]), cek: Cek::new([!n; 16]) },
        scheme: Some(Scheme::Cbcs),
        iv: Some([n; 16]),
    };
    Document {
        content_id: Some("film".to_owned()),
        keys: (0..keys).map(key).collect(),
        ..Document::default()
    }
}

#[test]
fn what_openssl_encrypted_is_opened() {
    let read = open(DOCUMENT).unwrap();
    let kid: Kid = "0a0b0c0d0e0f10111213141516171819".parse().unwrap();
    let cek: [u8; 16] = std::array::from_fn(|n| n as u8);
    assert_eq!(read.keys.len(), 1);
    assert_eq!(read.keys[0].key, KidAndKey { kid, cek: Cek::new(cek) });
    assert_eq!(read.keys[0].scheme, Some(Scheme::Cbcs));
    assert_eq!(Document::parse(DOCUMENT.as_bytes()), Err(Error::Encrypted));
    // As SPEKE's documentation has the MAC key, and with the digest said that CPIX has.
    let other_form = DOCUMENT
        .replace("<pskc:MACKey>", "<cpix:Key><pskc:EncryptedValue>")
        .replace("</pskc:MACKey>", "</pskc:EncryptedValue></cpix:Key>")
        .replace(
            "rsa-oaep-mgf1p\"/>",
            "rsa-oaep-mgf1p\"><ds:DigestMethod Algorithm=\"http://www.w3.org/2000/09/xmldsig#sha1\"/>\
             </enc:EncryptionMethod>",
        );
    assert_ne!(other_form, DOCUMENT);
    assert_eq!(open(&other_form), Ok(read));
    assert!(matches!(open(&other_form.replace("xmldsig#sha1", "xmlenc#sha256")), Err(Error::Unsupported(_))));
}

#[test]
fn every_recipient_opens_what_is_written_and_nobody_reads_a_key_in_it() {
    let document = document(3);
    for recipients in [vec![recipient()], vec![other(), recipient()]] {
        let text = document.to_xml_for(&recipients).unwrap();
        assert_eq!(text.matches("<cpix:DeliveryData>").count(), recipients.len());
        assert!(!text.contains("PlainValue"), "{text}");
        assert_eq!(open(&text).as_ref(), Ok(&document));
        assert_eq!(Document::parse(text.as_bytes()), Err(Error::Encrypted));
        // Keys and IVs are fresh.
        assert_ne!(document.to_xml_for(&recipients).unwrap(), text);
    }
    let text = document.to_xml_for(&[other()]).unwrap();
    assert_eq!(open(&text), Err(Error::OtherRecipient));
    for number in [0, MAX_RECIPIENTS + 1] {
        assert!(matches!(document.to_xml_for(&vec![other(); number]), Err(Error::Invalid { .. })));
    }
}

/// The text with another octet at the begin of the nth element of a name, which has base64.
fn changed(text: &str, name: &str, nth: usize) -> String {
    let begin = format!("<{name}>");
    let (at, _) = text.match_indices(&begin).nth(nth).unwrap();
    let at = at + begin.len();
    let octet = if text[at..].starts_with('A') { "B" } else { "A" };
    format!("{}{octet}{}", &text[..at], &text[at + 1..])
}

/// The text without the first element of a name.
fn without(text: &str, name: &str) -> String {
    let end = format!("</{name}>");
    let from = text.find(&format!("<{name}")).unwrap();
    let to = text.find(&end).unwrap() + end.len();
    format!("{}{}", &text[..from], &text[to..])
}

/// Document key, MAC key, content key and its MAC: whatever is changed, the answer is the same.
#[test]
fn what_was_changed_is_not_opened_and_the_reason_is_not_said() {
    for (name, nth) in
        [("enc:CipherValue", 0), ("enc:CipherValue", 1), ("enc:CipherValue", 2), ("pskc:ValueMAC", 0)]
    {
        assert_eq!(open(&changed(DOCUMENT, name, nth)), Err(Error::NotAuthentic), "{name} {nth}");
    }
    // A MAC that is cut short is none.
    let (before, rest) = DOCUMENT.split_once("<pskc:ValueMAC>").unwrap();
    let (_, after) = rest.split_once("</pskc:ValueMAC>").unwrap();
    for tag in ["", "AAAA"] {
        let text = format!("{before}<pskc:ValueMAC>{tag}</pskc:ValueMAC>{after}");
        assert_eq!(open(&text), Err(Error::NotAuthentic), "{tag:?}");
    }
}

#[test]
fn what_is_not_as_cpix_has_it_is_refused_by_name() {
    let kid = "encryptsKey=\"ffffffff-ffff-ffff-ffff-ffffffffffff\"";
    let kids = "ffffffff-ffff-ffff-ffff-ffffffffffff ".repeat(MAX_KEYS + 1);
    let secret =
        DOCUMENT.split_once("<cpix:DocumentKey").unwrap().1.split_once("</cpix:DocumentKey>").unwrap().0;
    let second = format!("<cpix:DocumentKey{secret}</cpix:DocumentKey>");
    let many = "<cpix:DeliveryData></cpix:DeliveryData>".repeat(MAX_RECIPIENTS);
    for (text, words) in [
        (without(DOCUMENT, "cpix:MACMethod"), "no MAC"),
        (without(DOCUMENT, "pskc:ValueMAC"), "no MAC"),
        (without(DOCUMENT, "cpix:DeliveryDataList"), "not encrypted"),
        (without(DOCUMENT, "cpix:DocumentKey"), "DocumentKey"),
        (without(DOCUMENT, "cpix:DeliveryKey"), "other recipients"),
        (DOCUMENT.replace("#rsa-oaep-mgf1p", "#rsa-1_5"), "#rsa-1_5 is not supported"),
        (DOCUMENT.replace("#aes256-cbc", "#aes128-cbc"), "#aes128-cbc is not supported"),
        (DOCUMENT.replace("#hmac-sha512", "#hmac-sha1"), "#hmac-sha1 is not supported"),
        (DOCUMENT.replace("<cpix:DocumentKey ", &format!("<cpix:DocumentKey {kid} ")), "no value for key"),
        (DOCUMENT.replace("<cpix:DocumentKey ", "<cpix:DocumentKey encryptsKey=\"x\" "), "encryptsKey"),
        (
            DOCUMENT.replace("<cpix:DocumentKey ", &format!("<cpix:DocumentKey encryptsKey=\"{kids}\" ")),
            "more than 1000 keys",
        ),
        (DOCUMENT.replace("<cpix:MACMethod", &format!("{second}<cpix:MACMethod")), "encryptsKey"),
        (
            DOCUMENT.replace("</cpix:DeliveryDataList>", &format!("{many}</cpix:DeliveryDataList>")),
            "recipients",
        ),
        (document(1).to_xml().to_string(), "not encrypted"),
    ] {
        let error = open(&text).unwrap_err().to_string();
        assert!(error.contains(words), "{words}: {error}");
    }
    // A key in the clear among the others is no way in.
    let plain = document(1).to_xml().to_string();
    let (_, plain) = plain.split_once("<cpix:ContentKeyList>").unwrap();
    let (plain, _) = plain.split_once("</cpix:ContentKeyList>").unwrap();
    let both = DOCUMENT.replace("</cpix:ContentKeyList>", &format!("{plain}</cpix:ContentKeyList>"));
    assert_eq!(open(&both), Err(Error::NotEncrypted));
}

#[test]
fn keys_and_certificates_in_pem() {
    let pkcs1 = RsaPrivateKey::from_pkcs8_pem(KEY).unwrap().to_pkcs1_pem(LineEnding::LF).unwrap();
    let pkcs1 = RecipientKey::from_pem(&pkcs1).unwrap();
    assert!(pkcs1.is_of(&recipient()) && key().is_of(&recipient()) && !key().is_of(&other()));
    assert_eq!(format!("{:?}", key()), "RecipientKey(redacted)");
    // A chain's first, with words before it.
    let chain = format!("subject=CN = A packager\n{CERTIFICATE}{OTHER}");
    assert_eq!(Recipient::from_pem(&chain), Ok(recipient()));
    for text in ["", KEY, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
        assert_eq!(Recipient::from_pem(text), Err(Error::Certificate));
    }
    for text in ["", CERTIFICATE, "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"] {
        assert!(matches!(RecipientKey::from_pem(text), Err(Error::PrivateKey)));
    }
}

/// A key server is told whom to encrypt for, and nothing that it has to make.
#[test]
fn a_request_names_its_recipient() {
    let certificate: String = CERTIFICATE.lines().filter(|line| !line.starts_with("-----")).collect();
    let recipient = recipient();
    let request = Request {
        content_id: "film",
        kid: Kid([1; 16]),
        scheme: Scheme::Cenc,
        systems: &[],
        recipient: Some(&recipient),
    };
    let text = request.to_xml();
    assert!(text.contains(&format!("<ds:X509Certificate>{certificate}</ds:X509Certificate>")), "{text}");
    assert!(!text.contains("DocumentKey") && !text.contains("MACMethod"), "{text}");
    assert!(!Request { recipient: None, ..request }.to_xml().contains("DeliveryData"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_change_is_refused_or_changes_nothing(at: prop::sample::Index, octet in 0x20u8..0x7f) {
        let mut octets = DOCUMENT.as_bytes().to_vec();
        let at = at.index(octets.len());
        octets[at] = octet;
        if let Ok(read) = Document::open(&octets, &key()) {
            let cek: [u8; 16] = std::array::from_fn(|n| n as u8);
            prop_assert_eq!(read.keys[0].key.cek.expose(), &cek);
        }
    }

    #[test]
    fn any_certificate_is_read_or_refused(
        octets: Vec<u8>,
        at: prop::sample::Index,
        octet: u8,
        keep: prop::sample::Index,
    ) {
        use base64::Engine as _;
        let base64 = base64::engine::general_purpose::STANDARD;
        let pem = |der: &[u8]| {
            format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----", base64.encode(der))
        };
        let _ = Recipient::from_pem(&pem(&octets));
        let body: String = CERTIFICATE.lines().filter(|line| !line.starts_with("-----")).collect();
        let mut der = base64.decode(body).unwrap();
        prop_assert!(Recipient::from_pem(&pem(&der[..keep.index(der.len())])).is_err());
        let at = at.index(der.len());
        der[at] = octet;
        let _ = Recipient::from_pem(&pem(&der));
    }
}
