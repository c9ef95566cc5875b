//! Each dialect against the owner's or other independent code: the tokens below were made by it, with the
//! same keys. What is made here must be the same octets where the dialect leaves no choice, and what was made
//! there is taken here.

#![allow(clippy::unwrap_used)]

use urltoken::{Dialect, Place, Reach, Refusal, Secret, Settings, Signer};

const FILE: &str = "/s/0/541/1811192541.mp4";
const PART: &str = "/s/0/541/1811192541.mp4/range/0-23";
const SIBLING: &str = "/s/0/542/1811192542.mp4";
const E: u64 = 1_790_002_800;
const CLOUDFRONT: &str = "https://d111111abcdef8.cloudfront.net";
const GOOGLE: &str = "https://media.example.com";

fn place(base: &str) -> Place<'_> {
    Place::new(base, "/s/0/", "541/1811192541.mp4")
}

fn signer(dialect: Dialect, settings: Settings, secret: &str) -> Signer {
    Signer::new(dialect, &settings, &[Secret::from(secret)]).unwrap()
}

fn reach(reach: Reach) -> Settings {
    Settings { reach, ..Settings::default() }
}

fn named(r: Reach, id: &str) -> Settings {
    Settings { key_id: Some(id.to_owned()), ..reach(r) }
}

/// Makes the query, and takes it for the file, before its end and not after; with the reach that it has.
#[track_caller]
fn same(signer: &Signer, base: &str, query: &str) {
    let signed = signer.sign(&place(base), E, E - 10_000);
    assert_eq!(signed.url, format!("{base}{FILE}?{query}"));
    taken(signer, base, query);
}

#[track_caller]
fn taken(signer: &Signer, base: &str, query: &str) {
    let place = place(base);
    assert_eq!(signer.check(&place, query, E - 1), Ok(E));
    assert_eq!(signer.check(&place, query, E), Err(Refusal::Expired));
    let part = signer.check(&place.asked(PART).unwrap(), query, E - 1);
    let sibling =
        signer.check(&Place::new(base, "/s/0/", "542/1811192542.mp4").asked(SIBLING).unwrap(), query, E - 1);
    let below = |reach: Reach| if signer.reach() == reach { Ok(E) } else { Err(Refusal::Forbidden) };
    assert_eq!(sibling, below(Reach::Folder), "the folder's other files");
    match signer.reach() {
        Reach::File
            if [Dialect::MediaVault, Dialect::Matinee, Dialect::Nginx].contains(&signer.dialect()) =>
        {
            assert_eq!(part, Ok(E), "these let /range follow unsigned");
        }
        Reach::File => assert_eq!(part, Err(Refusal::Forbidden), "this URL alone"),
        _ => assert_eq!(part, Ok(E), "parts by path"),
    }
    let other = Place::new(base, "/s/1/", "541/1811192541.mp4");
    assert_eq!(signer.check(&other, query, E - 1), Err(Refusal::Forbidden), "another film");
}

/// A71, A72: as docs/protocol.md has it; md5sum says the same.
#[test]
fn a72_mediavault() {
    let base = "http://localhost:8080";
    let secret = "0".repeat(32);
    let one = signer(Dialect::MediaVault, reach(Reach::Ranges), &secret);
    same(&one, base, "p=44&e=1790002800&h=37bc21b1fb422168571d16a87661f25d");
    let folder = signer(Dialect::MediaVault, reach(Reach::Folder), &secret);
    same(&folder, base, "p=26&e=1790002800&h=f3697d44f02af8201925572a10c05fec");
}

/// A72: made by Python's hmac of `/s/0/541/1811192541.mp4?p=23&e=1790002800` and `/s/0/?p=5&e=1790002800`.
#[test]
fn a72_matinee() {
    let secret = "0".repeat(32);
    let one = signer(Dialect::Matinee, reach(Reach::Ranges), &secret);
    let folder = signer(Dialect::Matinee, reach(Reach::Folder), &secret);
    for base in ["http://localhost:8080", "https://cdn.example/films"] {
        same(&one, base, "p=23&e=1790002800&t=bEHOuPlOkGVAIa0Pz05QHdciCdQATk9VJzUyM2sU2nY");
        same(&folder, base, "p=5&e=1790002800&t=I-i9jo4czoTQYjgV1X9219S7HqEc_4E9CC24gSbNlXs");
    }
}

/// A72: PyPI akamai-edgeauth 0.3.2, `EdgeAuth(token_name='hdnts', key=…, end_time=1790002800)
/// .generate_acl_token(…)`.
#[test]
fn a72_edgeauth() {
    let key = "00112233445566778899aabbccddeeff";
    let base = "https://films.akamaized.example";
    let of = |r| signer(Dialect::EdgeAuth, reach(r), key);
    same(
        &of(Reach::File),
        base,
        "hdnts=exp=1790002800~acl=/s/0/541/1811192541.mp4~hmac=d369a527e95f0a03c37c68e19744512b334299b8c1654b11bac5aada48048634",
    );
    same(
        &of(Reach::Ranges),
        base,
        "hdnts=exp=1790002800~acl=/s/0/541/1811192541.mp4!/s/0/541/1811192541.mp4/range/*~hmac=38c493b47c378a0ff0ca354eea92688196ebecfa2c1b42bd8912662282100580",
    );
    same(
        &of(Reach::Folder),
        base,
        "hdnts=exp=1790002800~acl=/s/0/*~hmac=a3e829bd4f4fa31b0accd8f2eee15d77cbc58ce7fc67072c067bb894b45a1a00",
    );
    // start_time=1790000000, session_id='7', payload='x'.
    let all = "hdnts=st=1790000000~exp=1790002800~acl=/a/*!/s/0/*~id=7~data=x~hmac=dd1b894d95d8cb5fa3e465eb65c3da68690942bd0836853b9ad6cd9b1ef9722a";
    taken(&of(Reach::Folder), base, all);
    assert_eq!(of(Reach::Folder).check(&place(base), all, 1_789_999_999), Err(Refusal::Forbidden), "not yet");
}

/// A72: PyPI botocore 1.44.8, `CloudFrontSigner('K2JCJMDEHXQW5F', rsa_signer).generate_presigned_url(…)`,
/// where `rsa_signer` is RSA with SHA-256 of PyPI cryptography 50.0.2; custom policies by `build_policy(…)`.
/// The parameter `Hash-Algorithm` stands behind it as the developer guide has it.
#[test]
fn a72_cloudfront() {
    let key = include_str!("../keys/rsa.pem");
    let of = |r| signer(Dialect::CloudFront, named(r, "K2JCJMDEHXQW5F"), key);
    same(
        &of(Reach::File),
        CLOUDFRONT,
        "Expires=1790002800&Signature=ofEruiqKImy7d~6Oiu5DJy38z~VuGjRBtuR5cRhrpxRluwTyfTUMkzbgN9NdtHVtQ4FBezGrmJh73iKQ99XvlXfa6N9ujhY2J-azUTgYAISC2kmcZDaseE-K2KOlNsatmInj~Zfe~Cg9~cKZn~H-KhpXKT-lXWjC~DBc69yR9oL~rh5WoOhPXJpTHv1uCJhCKPb0HsC2ZSDQwPfT4j9g6EnsXH-YCLBtHKQOfCY6deNk9tcQPqK-th4xunPQwsugQrZdd57ZfrDankVnRK0CvJJu3BvPtsP6ov~IcQ7ugmf6zgrqstES4~PqjIIK4Q8JrbGMflDOpPaeUojHkB~9ww__&Key-Pair-Id=K2JCJMDEHXQW5F&Hash-Algorithm=SHA256",
    );
    same(
        &of(Reach::Ranges),
        CLOUDFRONT,
        "Policy=eyJTdGF0ZW1lbnQiOlt7IlJlc291cmNlIjoiaHR0cHM6Ly9kMTExMTExYWJjZGVmOC5jbG91ZGZyb250Lm5ldC9zLzAvNTQxLzE4MTExOTI1NDEubXA0KiIsIkNvbmRpdGlvbiI6eyJEYXRlTGVzc1RoYW4iOnsiQVdTOkVwb2NoVGltZSI6MTc5MDAwMjgwMH19fV19&Signature=RB-GOEBoNmMrUMEd77h0zteyygc-SsCvQ9SrTutMP5quIeOJtiMoi9Gj1yNgszUKhm60aagHFt4jSUgA0iZXJu60r7UGt4LtsRBz3XjHVbH0AlvXi~K7Z5-V1600WCk~Ma180BthsaM0ZH6KKVxiawTu9JZYUKhFLLcWqen-9mA0mW~PNKJ3onBjs~SmS7lhpt0Mt6NcFMfHZUE2BsvcNPlf9pxaEoL1lwFdHKogBkDt6jK4DC2m4Vgrw74g52c2OWAVxeG0gJxRqsvpzP3~iR2yQdu--FZKUnFFep~0AkUSLnUIzBDoF3GK4-09ILKB~7lhUqKXIMQ534rJst1XGw__&Key-Pair-Id=K2JCJMDEHXQW5F&Hash-Algorithm=SHA256",
    );
    let folder = "Policy=eyJTdGF0ZW1lbnQiOlt7IlJlc291cmNlIjoiaHR0cHM6Ly9kMTExMTExYWJjZGVmOC5jbG91ZGZyb250Lm5ldC9zLzAvKiIsIkNvbmRpdGlvbiI6eyJEYXRlTGVzc1RoYW4iOnsiQVdTOkVwb2NoVGltZSI6MTc5MDAwMjgwMH19fV19&Signature=Qt6KeEcMmdi6tn3A5qd1FZSOSDMgIwqAHHKpcqyOqTZAlDphPIeTaBmzfVPl2iL2WupUWGNxWRe0HlCWKl4eUiN9feGjB~By8RsW4FoOVHhBKyT6Q0PKkdxwja1nWFgtGqqUjrCy-GDyJj3DGHXmveGEWOPDPCcJT0034HobsXUUlqZLHYdUbEvft8I-GPP66i9w9E77GZ6GeXkmgWZn1XITNvv43founWbxDo3wliyp9TLPN04G8DgWohmH0GO0pWCi37To~3Ly6wq8p5X5Tn6Df57khv1-ihhaH9CLtjSsFCF25EefzLUVinu~2Jl3Wx~3783vW0HIEZ~Pl4FzJw__&Key-Pair-Id=K2JCJMDEHXQW5F&Hash-Algorithm=SHA256";
    same(&of(Reach::Folder), CLOUDFRONT, folder);
    // The same key in the older form of PEM.
    let older = include_str!("../keys/rsa-pkcs1.pem");
    same(&signer(Dialect::CloudFront, named(Reach::Folder, "K2JCJMDEHXQW5F"), older), CLOUDFRONT, folder);
    // By SHA-1, rightly signed.
    let sha1 = "Expires=1790002800&Signature=ocX7i4nONekvx7SKgectzUZCZ3R69uK7zLuVah4o6-2zqppaWo-iwEEtiCzgwjC0WWV1EtCQCZmxH6ehGzcCZ2hkMZThsr9AH5idOQPt1DjkdpF7dtBX-OdWbJmcWjOgZ3sOkNDOXBx1-qBFVdgg-9ndP6i~DO~uoOPh51sz8MBVr5q65e4oaA1dMrC0rarQmln99Li8Y1HMndZNfH3h1dNdeIfgFqIMOkkSWWo2xlbQnAAR32T9evAqK456bvg~yZiY6y0mG5JKI6oZD5NJ18P~VDD4ivYqD0JZm8XGPdzrGZ378V1AkrZyQD5NIEd4Z7eVrViAzB8UIArjYpbVeA__&Key-Pair-Id=K2JCJMDEHXQW5F";
    let check = |query: &str| of(Reach::File).check(&place(CLOUDFRONT), query, E - 1);
    assert_eq!(check(sha1), Err(Refusal::Forbidden));
    assert_eq!(check(&format!("{sha1}&Hash-Algorithm=SHA256")), Err(Refusal::Forbidden));
}

/// A72: `printf '1790002800/s/0/541/1811192541.mp4 films-secret' | openssl md5 -binary | openssl base64 |
/// tr +/ -_ | tr -d =`, the command of nginx's documentation. crates/server/tests/nginx asks a real nginx.
#[test]
fn a72_nginx() {
    let base = "https://nginx.example";
    let one = signer(Dialect::Nginx, reach(Reach::Ranges), "films-secret");
    same(&one, base, "md5=1nmf6sRk9ClVYs9YdGjK4w&expires=1790002800");
    let folder = signer(Dialect::Nginx, reach(Reach::Folder), "films-secret");
    same(&folder, base, "md5=iFkBHJUMP_jdIbtXe6wLrg&expires=1790002800");
}

/// A72: vectors `plain` and `path_only` of the owner's repository (BunnyWay/BunnyCDN.TokenAuthentication,
/// e2e/vectors.json), whose key is "SecurityKey"; those with countries, rate or address are refused.
#[test]
fn a72_bunny() {
    let base = "https://token-tester.b-cdn.net";
    let until = 1_598_024_587;
    let plain = Place::new(base, "/", "300kb.jpg");
    let query = "token=HS256-o10JRWlsAItyAsdKS6jJKjabHN4FrFsplDHPV1idcX4&expires=1598024587";
    let one = signer(Dialect::Bunny, reach(Reach::File), "SecurityKey");
    assert_eq!(one.sign(&plain, until, 0).url, format!("{base}/300kb.jpg?{query}"));
    assert_eq!(one.check(&plain, query, until - 1), Ok(until));
    assert_eq!(one.check(&Place::new(base, "/", "300kb.jpeg"), query, until - 1), Err(Refusal::Forbidden));
    let path = "token=HS256-uVZvT3SbEoVKYJyDJgbcsDmSFf73cv-uNUVaJiKWpbQ&token_path=%2Fabc&expires=1598024587";
    let in_folder = Place::new(base, "/abc/", "300kb.jpg");
    assert_eq!(one.check(&in_folder, path, until - 1), Ok(until));
    assert_eq!(one.check(&plain, path, until - 1), Err(Refusal::Forbidden));
    let folder = signer(Dialect::Bunny, reach(Reach::Folder), "SecurityKey");
    let whole = Place::new(base, "/abc", "");
    assert_eq!(folder.sign(&whole, until, 0).url, format!("{base}/abc?{path}"));
    for other in [
        "token=HS256-i5s3Uv7mnrFfN5nznwU2BxhILpnipYeE18TapV0WNFM&token_countries=CA%2CUS&expires=1598024587",
        "token=HS256-DAVapqNNED3Z7JkjRTYX0UOIHNtbHEuuhRNEc4A7mMQ&limit=1000&expires=1598024587",
        "token=HS256-1-L2rISTLcujMY9UFf2tbZ41d5i-Bme1g1oTK_Z2QMLJk&expires=1598024587",
    ] {
        assert_eq!(one.check(&plain, other, until - 1), Err(Refusal::Forbidden), "{other}");
    }
    for r in [Reach::File, Reach::Ranges, Reach::Folder] {
        let signer = signer(Dialect::Bunny, reach(r), "SecurityKey");
        let url = signer.sign(&place(base), E, 0).url;
        taken(&signer, base, url.split_once('?').unwrap().1);
    }
}

/// A72: PyPI cwt 3.3.0 with cbor2 (`COSE.encode(claims, key, protected={1: 5 or -7}, unprotected={4: kid})`
/// under tag 61), and npm @eyevinn/cat 0.16.4 (`generateFromJson`, `expectCwtTag`).
#[test]
fn a72_cat() {
    let base = "https://cdn.example";
    let secret = "403697de87af64611c1d32a05dab0fe1fcb715a86ab435f1ec99192d79569388";
    let of = |r| signer(Dialect::Cat, named(r, "films-1"), secret);
    same(
        &of(Reach::Ranges),
        base,
        "CAT=2D3RhEOhAQWhBEdmaWxtcy0xWCqjBBpqsUZwGQE2ARkBOKEDoQF3L3MvMC81NDEvMTgxMTE5MjU0MS5tcDRYIC5pcFMd_8cHVcxwsCGlj_1fxIm3CWWTJVF7dkk0hLg-",
    );
    // iss, exp, nbf, catm, and a prefix of the path.
    let folder = "CAT=2D3RhEOhAQWhBEdmaWxtcy0xWDKmAWVmaWxtcwQaarFGcAUaarEUcBkBOKEDoQFlL3MvMC8ZATmCY0dFVGRIRUFEGQE2AVggaHmMQ_Tmg49XKyiaWGvE1neH_0gXlg3S7tdnJhTrTd0";
    taken(&of(Reach::Folder), base, folder);
    assert_eq!(
        of(Reach::Folder).check(&place(base), folder, 1_789_989_999),
        Err(Refusal::Forbidden),
        "not yet"
    );
    // The host, and the whole path.
    let exact = "CAT=2D3RhEOhAQWhBEdmaWxtcy0xWDmjBBpqsUZwGQE4ogGhAGtjZG4uZXhhbXBsZQOhAHcvcy8wLzU0MS8xODExMTkyNTQxLm1wNBkBNgFYIFMT1TX3nhQkyom0G0zrhq_PtAQPyIUk97-L_u3IFoDY";
    taken(&of(Reach::File), base, exact);
    let elsewhere = of(Reach::File).check(&place("https://another.example"), exact, E - 1);
    assert_eq!(elsewhere, Err(Refusal::Forbidden), "another host");

    let es256 = "CAT=2D3ShEOhASahBEdmaWxtcy0xWCqjBBpqsUZwGQE2ARkBOKEDoQF3L3MvMC81NDEvMTgxMTE5MjU0MS5tcDRYQHfWp2flHEGKMWWCxihEGbrDoQGkmVL6EgD56-_yTxc5LN9qOCGo39Xr04j3tLjE7RpNX70BLk5oYwSVCrcOUPU";
    for key in [include_str!("../keys/p256.pem"), include_str!("../keys/p256-sec1.pem")] {
        let one = signer(Dialect::Cat, named(Reach::Ranges, "films-1"), key);
        taken(&one, base, es256);
        let url = one.sign(&place(base), E, 0).url;
        taken(&one, base, url.split_once('?').unwrap().1);
        assert_eq!(of(Reach::Ranges).check(&place(base), es256, E - 1), Err(Refusal::Forbidden));
    }
}

/// A72: the rule of Google's samples (GoogleCloudPlatform/python-docs-samples, media_cdn/snippets.py) by PyPI
/// cryptography 50.0.2; the key's seed is the octets 0 to 31.
#[test]
fn a72_google() {
    let key = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    let of = |r| signer(Dialect::Google, named(r, "films"), key);
    same(
        &of(Reach::File),
        GOOGLE,
        "Expires=1790002800&KeyName=films&Signature=jH6KavGfV3EpBs_R2oc-hjmy0mphYKe4Qcwj3wq3oV9Pq4YFqOjJ--zgbRSNc34fgiDJZ-MMdhb1p5O6Hh9JCQ==",
    );
    same(
        &of(Reach::Ranges),
        GOOGLE,
        "URLPrefix=aHR0cHM6Ly9tZWRpYS5leGFtcGxlLmNvbS9zLzAvNTQxLzE4MTExOTI1NDEubXA0&Expires=1790002800&KeyName=films&Signature=07kX1hoa6kUCBVxLQmEY3GUdBvjHJom-5t6c0qGJNT4bl4HwyM_49binCyNP31Z55Uth6Eub8c8xSSIvZTkBAw==",
    );
    same(
        &of(Reach::Folder),
        GOOGLE,
        "URLPrefix=aHR0cHM6Ly9tZWRpYS5leGFtcGxlLmNvbS9zLzAv&Expires=1790002800&KeyName=films&Signature=ionInTazAlsal3mkHYaLTzfAANNWVDo3UeVYP12qsJTdnvBDXA8RB1RJahGUNBBQplPG_s4zcWmPad-oUxQ8AQ==",
    );
}

/// A72: a URL of Cloudflare's own article on its rule (cloudflare-hmac.pages.dev, "HMAC validation"), whose
/// secret is "cloudflare". How long it is good is up to the rule.
#[test]
fn a72_cloudflare() {
    let settings = Settings { lifetime: Some(10_800), ..Settings::default() };
    let one = signer(Dialect::Cloudflare, settings, "cloudflare");
    let base = "https://www.justalittlebyte.ovh";
    let film = Place::new(base, "/tokenauth/", "kayak.mp4");
    let until = 1_657_026_353 + 10_800;
    let query = "verify=1657026353-ZXJWAyFwAgJSY%2B5j3CkJE80TatA33E3MEH4D%2FkSnh7M%3D";
    let signed = one.sign(&film, until, until - 1);
    assert_eq!((signed.url, signed.expires), (format!("{base}/tokenauth/kayak.mp4?{query}"), until));
    assert_eq!(one.check(&film, query, until - 1), Ok(until));
    assert_eq!(one.check(&film, query, until), Err(Refusal::Expired));
    let part = film.asked("/tokenauth/kayak.mp4/range/0-1").unwrap();
    assert_eq!(one.check(&part, query, until - 1), Err(Refusal::Forbidden));
    // The network takes it no longer than its rule says.
    let long = one.sign(&place(base), E, E - 40_000);
    assert_eq!(long.expires, E - 40_000 + 10_800);
    assert!(long.url.contains(&format!("verify={}-", E - 40_000)), "{}", long.url);
}
