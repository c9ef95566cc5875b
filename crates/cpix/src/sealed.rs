//! Content keys that are encrypted for recipients (CPIX 2.3, clause "Key Management", with RFC 6030, section
//! 6, and XML Encryption): under a document key by AES-256-CBC, with a MAC by HMAC-SHA512 over IV and
//! ciphertext; document key and MAC key under each recipient's RSA key.

use aes::Aes256;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockModeDecrypt as _, BlockModeEncrypt as _, KeyIvInit as _};
use cenc::{Cek, Kid};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha512;
use zeroize::Zeroizing;

use crate::xml::{Element, put};
use crate::{Error, MAX_KEYS, MAX_RECIPIENTS, Recipient, RecipientKey};

const AES256_CBC: &str = "http://www.w3.org/2001/04/xmlenc#aes256-cbc";
const RSA_OAEP: &str = "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p";
const HMAC_SHA512: &str = "http://www.w3.org/2001/04/xmldsig-more#hmac-sha512";
const SHA1: &str = "http://www.w3.org/2000/09/xmldsig#sha1";

/// Document keys of a document at most: each costs a private operation.
const MAX_DOCUMENT_KEYS: usize = 100;
/// Octets of a MAC key at least.
const MIN_MAC_KEY: usize = 32;
/// Octets of an IV and of a block.
const BLOCK: usize = 16;

/// What a document has for one of its recipients, opened.
pub(crate) struct Delivery {
    documents: Vec<DocumentKey>,
    mac: Zeroizing<Vec<u8>>,
}

struct DocumentKey {
    key: Zeroizing<Vec<u8>>,
    /// The content keys that are under it; none: all.
    kids: Option<Vec<Kid>>,
}

impl Delivery {
    /// Opens the first `DeliveryData` whose certificate is of the private key.
    pub(crate) fn open<'a>(
        deliveries: impl Iterator<Item = &'a Element>,
        key: &RecipientKey,
    ) -> Result<Self, Error> {
        let deliveries: Vec<&Element> = deliveries.take(MAX_RECIPIENTS + 1).collect();
        if deliveries.is_empty() {
            return Err(Error::NotEncrypted);
        }
        if deliveries.len() > MAX_RECIPIENTS {
            return Err(Error::Invalid { element: "DeliveryDataList", what: "number of recipients" });
        }
        let own = deliveries.into_iter().find(|delivery| is_for(delivery, key));
        let own = own.ok_or(Error::OtherRecipient)?;
        let elements: Vec<&Element> =
            own.children.iter().filter(|child| child.name == "DocumentKey").collect();
        if elements.is_empty() || elements.len() > MAX_DOCUMENT_KEYS {
            return Err(Error::Invalid { element: "DeliveryData", what: "DocumentKey" });
        }
        let several = elements.len() > 1;
        let documents = elements.into_iter().map(|element| DocumentKey::open(element, several, key));
        let documents = documents.collect::<Result<_, Error>>()?;
        let method = own.first("MACMethod").ok_or(Error::NoMac)?;
        algorithm(method.attribute("Algorithm"), HMAC_SHA512, "MACMethod")?;
        // The schema has MACKey; some write Key.
        let mac = method.first("MACKey").or_else(|| method.first("Key")).ok_or(Error::NoMac)?;
        let mac = key.decrypt(&cipher_value(mac, RSA_OAEP, "MACMethod")?)?;
        match mac.len() >= MIN_MAC_KEY {
            true => Ok(Self { documents, mac }),
            false => Err(Error::NotAuthentic),
        }
    }

    /// A content key, from its `Secret`: the MAC is verified before anything is decrypted. Whatever is wrong
    /// with the octets is one error.
    pub(crate) fn content_key(&self, kid: Kid, secret: &Element) -> Result<Zeroizing<Vec<u8>>, Error> {
        if secret.first("EncryptedValue").is_none() {
            return Err(match secret.first("PlainValue") {
                Some(_) => Error::NotEncrypted,
                None => Error::NoValue(kid),
            });
        }
        let sealed = cipher_value(secret, AES256_CBC, "ContentKey")?;
        let tag = secret.first("ValueMAC").ok_or(Error::NoMac)?.compact();
        let tag = BASE64.decode(tag.as_bytes()).map_err(|_| Error::NotAuthentic)?;
        mac(&self.mac, &sealed)?.verify_slice(&tag).map_err(|_| Error::NotAuthentic)?;
        let is_under =
            |document: &&DocumentKey| document.kids.as_ref().is_none_or(|kids| kids.contains(&kid));
        let document = self.documents.iter().find(is_under).ok_or(Error::NoValue(kid))?;
        let (iv, sealed) = sealed.split_at_checked(BLOCK).ok_or(Error::NotAuthentic)?;
        let mut octets = Zeroizing::new(sealed.to_vec());
        let cipher = cbc::Decryptor::<Aes256>::new_from_slices(&document.key, iv);
        let cipher = cipher.map_err(|_| Error::NotAuthentic)?;
        let length = cipher.decrypt_padded::<Pkcs7>(&mut octets).map_err(|_| Error::NotAuthentic)?.len();
        octets.truncate(length);
        Ok(octets)
    }
}

impl DocumentKey {
    fn open(element: &Element, several: bool, key: &RecipientKey) -> Result<Self, Error> {
        if let Some(name) = element.attribute("Algorithm") {
            algorithm(Some(name), AES256_CBC, "DocumentKey")?;
        }
        let kids = match element.attribute("encryptsKey") {
            Some(list) => Some(kids(list)?),
            None if several => return Err(Error::Invalid { element: "DocumentKey", what: "encryptsKey" }),
            None => None,
        };
        let secret = element.first("Data").and_then(|data| data.first("Secret"));
        let secret = secret.ok_or(Error::Invalid { element: "DocumentKey", what: "Secret" })?;
        let key = key.decrypt(&cipher_value(secret, RSA_OAEP, "DocumentKey")?)?;
        Ok(Self { key, kids })
    }
}

/// Names of keys with white space between; no more than a document may have.
fn kids(list: &str) -> Result<Vec<Kid>, Error> {
    let names = list.split_ascii_whitespace().take(MAX_KEYS + 1).map(str::parse::<Kid>);
    let kids: Vec<Kid> = names
        .collect::<Result<_, _>>()
        .map_err(|_| Error::Invalid { element: "DocumentKey", what: "encryptsKey" })?;
    if kids.len() > MAX_KEYS { Err(Error::TooManyKeys) } else { Ok(kids) }
}

/// Whether a `DeliveryData` has a certificate of the private key.
fn is_for(delivery: &Element, key: &RecipientKey) -> bool {
    let named = |name: &'static str| move |child: &&Element| child.name == name;
    let delivery_keys = delivery.children.iter().filter(named("DeliveryKey"));
    let data = delivery_keys.flat_map(|element| element.children.iter().filter(named("X509Data")));
    let mut certificates = data.flat_map(|data| data.children.iter().filter(named("X509Certificate")));
    certificates.any(|certificate| {
        let der = BASE64.decode(certificate.compact().as_bytes()).ok();
        der.and_then(Recipient::from_der).is_some_and(|recipient| key.is_of(&recipient))
    })
}

/// An algorithm must be the one that CPIX has for the purpose.
fn algorithm(found: Option<&str>, needed: &str, element: &'static str) -> Result<(), Error> {
    if found == Some(needed) {
        return Ok(());
    }
    let found: String = found.unwrap_or("none").chars().take(80).collect();
    Err(Error::Unsupported(format!("{element} by the algorithm {found}")))
}

/// The octets of an `EncryptedValue` in an element, or of the element where it is of that type itself.
fn cipher_value(element: &Element, needed: &str, name: &'static str) -> Result<Vec<u8>, Error> {
    let value = element.first("EncryptedValue").unwrap_or(element);
    let method = value.first("EncryptionMethod");
    algorithm(method.and_then(|method| method.attribute("Algorithm")), needed, name)?;
    if let Some(digest) = method.and_then(|method| method.first("DigestMethod")) {
        algorithm(digest.attribute("Algorithm"), SHA1, name)?;
    }
    let text = value.first("CipherData").and_then(|data| data.first("CipherValue"));
    let octets = text.and_then(|text| BASE64.decode(text.compact().as_bytes()).ok());
    octets.ok_or(Error::Invalid { element: name, what: "CipherValue" })
}

/// The MAC of IV and ciphertext, to be verified or taken.
fn mac(key: &[u8], sealed: &[u8]) -> Result<Hmac<Sha512>, Error> {
    let mut mac = Hmac::<Sha512>::new_from_slice(key).map_err(|_| Error::NotAuthentic)?;
    mac.update(sealed);
    Ok(mac)
}

/// Keys of a document that is to be written for recipients.
pub(crate) struct Sealing {
    document: Zeroizing<[u8; 32]>,
    mac: Zeroizing<[u8; 64]>,
}

impl Sealing {
    /// Fresh keys.
    pub(crate) fn new() -> Result<Self, Error> {
        let mut keys = Self { document: Zeroizing::new([0; 32]), mac: Zeroizing::new([0; 64]) };
        getrandom::fill(keys.document.as_mut_slice()).map_err(|_| Error::Random)?;
        getrandom::fill(keys.mac.as_mut_slice()).map_err(|_| Error::Random)?;
        Ok(keys)
    }

    /// The list of those that can open the document.
    pub(crate) fn deliveries(&self, recipients: &[Recipient]) -> Result<String, Error> {
        let mut out = String::from("  <cpix:DeliveryDataList>\n");
        for recipient in recipients {
            out.push_str("    <cpix:DeliveryData>\n");
            write_delivery_key(&mut out, recipient);
            put(
                &mut out,
                format_args!("      <cpix:DocumentKey Algorithm=\"{AES256_CBC}\"><cpix:Data><pskc:Secret>"),
            );
            out.push_str("<pskc:EncryptedValue>");
            write_cipher_value(&mut out, RSA_OAEP, &recipient.encrypt(self.document.as_slice())?);
            out.push_str("</pskc:EncryptedValue></pskc:Secret></cpix:Data></cpix:DocumentKey>\n");
            put(&mut out, format_args!("      <cpix:MACMethod Algorithm=\"{HMAC_SHA512}\"><pskc:MACKey>"));
            write_cipher_value(&mut out, RSA_OAEP, &recipient.encrypt(self.mac.as_slice())?);
            out.push_str("</pskc:MACKey></cpix:MACMethod>\n    </cpix:DeliveryData>\n");
        }
        out.push_str("  </cpix:DeliveryDataList>\n");
        Ok(out)
    }

    /// What stands in the `Secret` of a content key.
    pub(crate) fn secret(&self, key: &Cek) -> Result<String, Error> {
        let mut sealed = [0; 3 * BLOCK];
        let (iv, octets) = sealed.split_at_mut(BLOCK);
        getrandom::fill(iv).map_err(|_| Error::Random)?;
        // Encrypted in place, and a block of padding behind it.
        octets[..BLOCK].copy_from_slice(key.expose());
        let cipher = cbc::Encryptor::<Aes256>::new_from_slices(self.document.as_slice(), iv);
        let cipher = cipher.map_err(|_| Error::NotAuthentic)?;
        cipher.encrypt_padded::<Pkcs7>(octets, BLOCK).map_err(|_| Error::NotAuthentic)?;
        let tag = mac(self.mac.as_slice(), &sealed)?.finalize().into_bytes();
        let mut out = String::from("<pskc:EncryptedValue>");
        write_cipher_value(&mut out, AES256_CBC, &sealed);
        put(
            &mut out,
            format_args!("</pskc:EncryptedValue><pskc:ValueMAC>{}</pskc:ValueMAC>", BASE64.encode(tag)),
        );
        Ok(out)
    }
}

/// Who a recipient is.
pub(crate) fn write_delivery_key(out: &mut String, recipient: &Recipient) {
    out.push_str("      <cpix:DeliveryKey><ds:X509Data><ds:X509Certificate>");
    BASE64.encode_string(recipient.certificate(), out);
    out.push_str("</ds:X509Certificate></ds:X509Data></cpix:DeliveryKey>\n");
}

fn write_cipher_value(out: &mut String, algorithm: &str, octets: &[u8]) {
    put(
        out,
        format_args!("<enc:EncryptionMethod Algorithm=\"{algorithm}\"/><enc:CipherData><enc:CipherValue>"),
    );
    BASE64.encode_string(octets, out);
    out.push_str("</enc:CipherValue></enc:CipherData>");
}
