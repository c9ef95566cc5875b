//! Encodings of octets as text. Readers take one form of each text and refuse all others.

use crate::Unusable;
use base64::Engine as _;
use base64::alphabet::Alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE, BASE64_URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

pub(crate) fn base64(octets: &[u8]) -> String {
    BASE64_STANDARD.encode(octets)
}

/// base64url without padding.
pub(crate) fn base64url(octets: &[u8]) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(octets)
}

pub(crate) fn from_base64url(text: &str) -> Option<Vec<u8>> {
    BASE64_URL_SAFE_NO_PAD.decode(text).ok()
}

/// base64url with padding.
pub(crate) fn base64url_padded(octets: &[u8]) -> String {
    BASE64_URL_SAFE.encode(octets)
}

/// base64url with its whole padding or none.
pub(crate) fn from_base64url_padded(text: &str) -> Option<Vec<u8>> {
    let config = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let octets = GeneralPurpose::new(&base64::alphabet::URL_SAFE, config).decode(text).ok()?;
    (text == base64url_padded(&octets) || text == base64url(&octets)).then_some(octets)
}

const LETTERS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-~";

fn cloudfront() -> Option<GeneralPurpose> {
    let config = GeneralPurposeConfig::new()
        .with_encode_padding(false)
        .with_decode_padding_mode(DecodePaddingMode::RequireNone);
    Alphabet::new(LETTERS).ok().map(|letters| GeneralPurpose::new(&letters, config))
}

/// CloudFront's base64: `-` for `+`, `~` for `/`, `_` for `=`.
pub(crate) fn cloudfront_base64(octets: &[u8]) -> String {
    base64(octets).replace('+', "-").replace('/', "~").replace('=', "_")
}

pub(crate) fn from_cloudfront_base64(text: &str) -> Option<Vec<u8>> {
    let octets = cloudfront()?.decode(text.trim_end_matches('_')).ok()?;
    (cloudfront_base64(&octets) == text).then_some(octets)
}

/// All but RFC 3986's unreserved characters as `%XX`.
pub(crate) fn percent(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for octet in text.bytes() {
        if octet.is_ascii_alphanumeric() || b"-._~".contains(&octet) {
            out.push(char::from(octet));
        } else {
            out.push_str(&format!("%{octet:02X}"));
        }
    }
    out
}

/// What [`percent`] gives, back; nothing else.
pub(crate) fn from_percent(text: &str) -> Option<String> {
    let mut octets = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, more @ ..] = rest {
        rest = more;
        let octet = if *first == b'%' {
            let (digits, more) = rest.split_at_checked(2)?;
            rest = more;
            u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?
        } else {
            *first
        };
        octets.push(octet);
    }
    let back = String::from_utf8(octets).ok()?;
    (percent(&back) == text).then_some(back)
}

/// Decimal digits without a leading zero.
pub(crate) fn number(text: &str) -> Option<u64> {
    let number = text.parse::<u64>().ok()?;
    (number.to_string() == text).then_some(number)
}

/// The first block of a PEM file (RFC 7468).
pub(crate) fn pem(text: &str) -> Result<Zeroizing<Vec<u8>>, Unusable> {
    let wrong = Unusable("a private key must be a PEM file");
    let (_, rest) = text.split_once("-----BEGIN ").ok_or(wrong)?;
    let (_, rest) = rest.split_once("-----").ok_or(wrong)?;
    let (body, _) = rest.split_once("-----END ").ok_or(wrong)?;
    let letters: Zeroizing<String> = Zeroizing::new(body.split_ascii_whitespace().collect());
    BASE64_STANDARD.decode(letters.as_bytes()).map(Zeroizing::new).map_err(|_| wrong)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn one_form_of_each_text() {
        assert_eq!(from_percent("%2Fabc"), Some("/abc".into()));
        for text in ["%2fabc", "/abc", "%2", "%", "%41", "%+1", "%FF", "ä"] {
            assert_eq!(from_percent(text), None, "{text}");
        }
        assert_eq!(
            (number("0"), number("17"), number("017"), number("+1"), number("")),
            (Some(0), Some(17), None, None, None)
        );
        assert_eq!(from_base64url_padded("AA=="), Some(vec![0]));
        assert_eq!(from_base64url_padded("AA"), Some(vec![0]));
        for text in ["AA=", "AB==", "AA==="] {
            assert_eq!(from_base64url_padded(text), None, "{text}");
        }
        assert_eq!(from_cloudfront_base64("~-8_"), Some(vec![0xfe | 0x01, 0xef]));
        for text in ["~-8", "~-8=", "/+8_", "~-9_", "~-8__"] {
            assert_eq!(from_cloudfront_base64(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn there_and_back(octets: Vec<u8>, text: String) {
            let sent = cloudfront_base64(&octets);
            prop_assert_eq!(from_cloudfront_base64(&sent), Some(octets.clone()));
            prop_assert_eq!(from_base64url_padded(&base64url_padded(&octets)), Some(octets));
            prop_assert_eq!(from_percent(&percent(&text)), Some(text.clone()));
            let _ = (pem(&text), from_percent(&text), from_cloudfront_base64(&text), number(&text));
        }
    }
}
