//! Key and IV derivation against values computed independently (Python `hashlib`/`hmac`, checked with
//! `cryptography`'s HKDF), common key 000102…0f.

use cenc::{Cek, CommonKey, Error, IvKey, Kid, Label, Scheme, base_iv, derive_cek, derive_kid};

const COMMON: &str = "000102030405060708090a0b0c0d0e0f";

fn common() -> CommonKey {
    COMMON.parse().unwrap()
}

/// B25, B26: key and KID follow from common key, content id, label and period alone.
#[test]
fn cek_and_kid_equal_independent_hkdf() {
    let rows = [
        ("movie/1", "main", 0, "be174860d5cbff55d0e1989d6aa2e4d2", "e721c63032cfadbf75597eab3ba4edfe"),
        ("movie/60027274", "cbcs", 3, "5d7012742f126ec1a4038c425926fd48", "bca0ed6ce83b2fdc96130e9edeffe1ac"),
    ];
    for (content, label, period, cek, kid) in rows {
        let (content, label) = (content.parse().unwrap(), label.parse::<Label>().unwrap());
        assert_eq!(derive_cek(&common(), &content, &label, period), cek.parse::<Cek>().unwrap());
        assert_eq!(derive_kid(&common(), &content, &label, period), kid.parse::<Kid>().unwrap());
    }
}

/// B27: the base IV, of which cenc takes the first half.
#[test]
fn base_iv_equals_independent_hkdf() {
    let content = "movie/1".parse().unwrap();
    let of = |scheme| {
        base_iv(IvKey::Common(&common()), scheme, &content, "v720-2500", "00112233445566778899aabbccddeeff")
            .unwrap()
    };
    assert_eq!(of(Scheme::Cbcs).to_string(), "d38c6e4edcd869032c2a81f6f3f339da");
    assert_eq!(of(Scheme::Cenc).to_string(), "d38c6e4edcd86903");
    let given = Cek::new(*common().expose());
    let same = base_iv(
        IvKey::Given(&given),
        Scheme::Cenc,
        &content,
        "v720-2500",
        "00112233445566778899aabbccddeeff",
    );
    assert_eq!(same.unwrap(), of(Scheme::Cenc));
}

#[test]
fn length_prefixes_separate_the_fields() {
    let content = "movie/1".parse().unwrap();
    let of = |r: &str, p: &str| base_iv(IvKey::Common(&common()), Scheme::Cenc, &content, r, p).unwrap();
    assert_ne!(of("ab", "c"), of("a", "bc"));
    let long = "x".repeat(65_536);
    assert_eq!(
        base_iv(IvKey::Common(&common()), Scheme::Cenc, &content, &long, ""),
        Err(Error::NameLength(65_536))
    );
}
