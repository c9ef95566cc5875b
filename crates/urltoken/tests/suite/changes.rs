//! What of a token and its path may be changed: nothing. And two secrets, and what cannot be used.

#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use urltoken::{Dialect, Place, Reach, Refusal, Secret, Settings, Signer};

const BASE: &str = "https://cdn.example/films";
const E: u64 = 1_790_002_800;
const NOW: u64 = E - 3600;

/// A secret that a dialect can use; another for another `n`.
fn secret(dialect: Dialect, n: u8) -> String {
    match dialect {
        Dialect::EdgeAuth | Dialect::Cat => format!("{n:02x}").repeat(32),
        Dialect::CloudFront => include_str!("../keys/rsa.pem").to_owned(),
        // The first octet alone differs.
        Dialect::Google => format!("{}AECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8", char::from(b'A' + n)),
        _ => format!("{n:03}").repeat(12),
    }
}

fn settings(dialect: Dialect, reach: Reach) -> Settings {
    let named = [Dialect::CloudFront, Dialect::Google, Dialect::Cat].contains(&dialect);
    Settings {
        reach: if dialect.is_exact() { Reach::File } else { reach },
        key_id: named.then(|| "K1".to_owned()),
        lifetime: dialect.is_exact().then_some(7200),
        parameter: None,
    }
}

/// Every dialect, with each kind of key that it has.
fn signers(reach: Reach) -> Vec<Signer> {
    let mut all: Vec<Signer> = Dialect::ALL
        .into_iter()
        .map(|dialect| {
            let secrets = [Secret::from(&*secret(dialect, 1))];
            Signer::new(dialect, &settings(dialect, reach), &secrets).unwrap()
        })
        .collect();
    let es256 = Secret::from(include_str!("../keys/p256.pem"));
    all.push(Signer::new(Dialect::Cat, &settings(Dialect::Cat, reach), &[es256]).unwrap());
    all
}

fn place() -> Place<'static> {
    Place::new(BASE, "/s/0/", "541/1811192541.mp4")
}

fn query(signed: &str) -> &str {
    signed.split_once('?').unwrap().1
}

const REACHES: [Reach; 3] = [Reach::File, Reach::Ranges, Reach::Folder];

/// A74: no bit of a token can be another, in no dialect; nothing can be put in, taken out or appended.
#[test]
fn a74_every_bit_counts() {
    for signer in REACHES.into_iter().flat_map(signers) {
        let (dialect, url) = (signer.dialect(), signer.sign(&place(), E, NOW).url);
        let good = query(&url);
        assert_eq!(signer.check(&place(), good, NOW), Ok(E), "{dialect:?}");
        let refused = |changed: &[u8]| {
            if let Ok(text) = std::str::from_utf8(changed) {
                assert_eq!(signer.check(&place(), text, NOW), Err(Refusal::Forbidden), "{dialect:?} {text}");
            }
        };
        for at in 0..good.len() {
            for bit in 0..8 {
                let mut changed = good.as_bytes().to_vec();
                changed[at] ^= 1 << bit;
                refused(&changed);
            }
            refused(&[&good.as_bytes()[..at], &good.as_bytes()[at + 1..]].concat());
            refused(&good.as_bytes()[..at]);
        }
        for more in ["&", "&x=1", "=", "_", " ", "%", "0", "A"] {
            refused(&[good.as_bytes(), more.as_bytes()].concat());
        }
        refused(&[b"x=1&", good.as_bytes()].concat());
        refused(&[good.as_bytes(), b"&", good.as_bytes()].concat());
    }
}

/// A74: a token is for its path: with any bit of file or folder changed it opens nothing.
#[test]
fn a74_every_bit_of_the_path_counts() {
    let path = "541/1811192541.mp4";
    for signer in [Reach::File, Reach::Ranges].into_iter().flat_map(signers) {
        let url = signer.sign(&place(), E, NOW).url;
        for at in 0..path.len() {
            for bit in 0..7 {
                let mut name = path.as_bytes().to_vec();
                name[at] ^= 1 << bit;
                let name = String::from_utf8(name).unwrap();
                let other = Place::new(BASE, "/s/0/", &name);
                let given = signer.check(&other, query(&url), NOW);
                assert_eq!(given, Err(Refusal::Forbidden), "{:?} {name}", signer.dialect());
            }
        }
    }
    for signer in signers(Reach::Folder) {
        let url = signer.sign(&place(), E, NOW).url;
        for folder in ["/s/1/", "/s/", "/s/00/", "/t/0/"] {
            let other = Place::new(BASE, folder, path);
            assert_eq!(signer.check(&other, query(&url), NOW), Err(Refusal::Forbidden), "{folder}");
        }
    }
}

/// Two live secrets: the first signs, both are taken, and another is not.
#[test]
fn two_secrets_live() {
    for dialect in Dialect::ALL {
        // One RSA key is enough of them here.
        if dialect == Dialect::CloudFront {
            continue;
        }
        let of = |secrets: &[u8]| {
            let secrets: Vec<_> = secrets.iter().map(|n| Secret::from(&*secret(dialect, *n))).collect();
            Signer::new(dialect, &settings(dialect, Reach::File), &secrets).unwrap()
        };
        let [old, both, new] = [of(&[1]), of(&[2, 1]), of(&[2])];
        let by = |signer: &Signer| signer.sign(&place(), E, NOW).url;
        assert_eq!(both.check(&place(), query(&by(&old)), NOW), Ok(E), "{dialect:?}");
        assert_eq!(new.check(&place(), query(&by(&both)), NOW), Ok(E), "{dialect:?}");
        assert_eq!(old.check(&place(), query(&by(&both)), NOW), Err(Refusal::Forbidden), "{dialect:?}");
        assert!(!format!("{both:?} {:?}", Secret::from("hidden")).contains("hidden"));
    }
}

/// No dialect takes another's tokens.
#[test]
fn dialects_are_told_apart() {
    for one in signers(Reach::File) {
        let url = one.sign(&place(), E, NOW).url;
        for other in signers(Reach::File) {
            let taken = other.check(&place(), query(&url), NOW).is_ok();
            let es256 = |url: &str| url.contains("CAT=2D3S");
            let same =
                one.dialect() == other.dialect() && es256(&url) == es256(&other.sign(&place(), E, NOW).url);
            assert_eq!(taken, same, "{:?} by {:?}", one.dialect(), other.dialect());
        }
    }
}

#[test]
fn what_cannot_be_used_is_said() {
    let new = |dialect, settings: Settings, secret: &str| {
        Signer::new(dialect, &settings, &[Secret::from(secret)]).map(drop).map_err(|error| error.to_string())
    };
    let of = |dialect| settings(dialect, Reach::File);
    for (dialect, settings, secret, word) in [
        (Dialect::EdgeAuth, of(Dialect::EdgeAuth), "xyz", "hex"),
        (Dialect::EdgeAuth, of(Dialect::EdgeAuth), "abc", "hex"),
        (Dialect::Cat, of(Dialect::Cat), "aabb", "32 octets"),
        (Dialect::Cat, of(Dialect::Cat), include_str!("../keys/rsa.pem"), "P-256"),
        (Dialect::CloudFront, Settings::default(), include_str!("../keys/rsa.pem"), "key_id"),
        (Dialect::CloudFront, of(Dialect::CloudFront), include_str!("../keys/p256.pem"), "RSA"),
        (Dialect::CloudFront, of(Dialect::CloudFront), "text", "PEM"),
        (Dialect::Google, of(Dialect::Google), "AAEC", "32 octets"),
        (Dialect::Nginx, of(Dialect::Nginx), "two words", "blanks"),
        (
            Dialect::Cloudflare,
            Settings { lifetime: Some(0), ..of(Dialect::Cloudflare) },
            "secret",
            "lifetime",
        ),
        (
            Dialect::Cloudflare,
            Settings { reach: Reach::Ranges, ..of(Dialect::Cloudflare) },
            "secret",
            "header",
        ),
        (Dialect::Bunny, Settings { lifetime: Some(1), ..of(Dialect::Bunny) }, "secret", "lifetime"),
        (Dialect::Bunny, Settings { key_id: Some("a".into()), ..of(Dialect::Bunny) }, "secret", "key_id"),
        (
            Dialect::Bunny,
            Settings { parameter: Some("a".into()), ..of(Dialect::Bunny) },
            "secret",
            "parameter",
        ),
        (
            Dialect::EdgeAuth,
            Settings { parameter: Some("a&b".into()), ..of(Dialect::EdgeAuth) },
            "aa",
            "letters",
        ),
        (
            Dialect::Google,
            Settings { key_id: Some("a&b".into()), ..of(Dialect::Google) },
            &"A".repeat(43),
            "letters",
        ),
    ] {
        let error = new(dialect, settings, secret).unwrap_err();
        assert!(error.contains(word), "{dialect:?}: {error}");
    }
    assert!(Signer::new(Dialect::Matinee, &Settings::default(), &[]).is_err());
}

proptest! {
    #[test]
    fn any_query_is_read(text in ".{0,200}", expires: u64, now: u64) {
        for signer in signers(Reach::File) {
            if signer.dialect() == Dialect::CloudFront {
                continue;
            }
            prop_assert!(signer.check(&place(), &text, now).is_err());
            let signed = signer.sign(&place(), expires, now);
            let given = signer.check(&place(), query(&signed.url), now);
            prop_assert_eq!(given.is_ok(), signed.expires > now, "{:?} {:?}", signer.dialect(), given);
        }
    }

    /// Queries that begin as tokens do.
    #[test]
    fn any_almost_query_is_read(rest in "[ -~]{0,120}", which in 0usize..9) {
        let start = ["p=1&e=", "hdnts=exp=", "Policy=", "Expires=", "md5=", "token=HS256-", "CAT=", "URLPrefix=", "verify="][which];
        let text = [start, &*rest].concat();
        for signer in signers(Reach::File) {
            prop_assert!(signer.check(&place(), &text, 0).is_err());
        }
    }

    /// Octets that are no CBOR, or some, behind the right beginning.
    #[test]
    fn any_cbor_is_read(octets in proptest::collection::vec(any::<u8>(), 0..80)) {
        use base64::Engine as _;
        let token = [&[0xD8, 0x3D, 0xD1, 0x84][..], &octets].concat();
        let token = base64::prelude::BASE64_URL_SAFE_NO_PAD.encode(token);
        let settings = settings(Dialect::Cat, Reach::File);
        let signer = Signer::new(Dialect::Cat, &settings, &[Secret::from(&*"aa".repeat(32))]).unwrap();
        let text = ["CAT=", &*token].concat();
        prop_assert!(signer.check(&place(), &text, 0).is_err());
    }
}

/// What nobody has to say: how long Cloudflare's rule takes a token, and how a network calls a key of CAT. A
/// token that names a key is not one that names none.
#[test]
fn what_has_a_default() {
    let place = Place::new("https://media.example.com", "/s/0/", "film.mp4");
    let (now, end) = (1_790_000_000, 1_790_100_000);
    let cloudflare =
        Signer::new(Dialect::Cloudflare, &Settings::default(), &[Secret::from("secret")]).unwrap();
    assert_eq!(cloudflare.sign(&place, end, now).expires, now + 10_800);
    let secret = [Secret::from(&*"aa".repeat(32))];
    let of = |key_id: Option<&str>| {
        let settings = Settings { key_id: key_id.map(str::to_owned), ..Settings::default() };
        Signer::new(Dialect::Cat, &settings, &secret).unwrap()
    };
    let (named, nameless) = (of(Some("K1")), of(None));
    for (one, other) in [(&named, &nameless), (&nameless, &named)] {
        let query = one.query(&place, end, now);
        assert_eq!(one.check(&place, &query, now), Ok(end));
        assert!(other.check(&place, &query, now).is_err());
    }
}
