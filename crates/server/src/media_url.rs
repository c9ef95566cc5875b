//! Signed media URLs in the MediaVault form (docs/protocol.md, section 8): `?p=P&e=E&h=H`.

use crate::contents::ContentPlace;
use md5::{Digest, Md5};
use nccp::ByteRange;
use pack::layout;
use std::fmt;
use std::fmt::Write as _;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// A secret that edge and controller share: at least 32 octets.
#[derive(Clone)]
pub struct MediaSecret(Zeroizing<Vec<u8>>);

impl MediaSecret {
    /// The secret, `None` when it is shorter than 32 octets.
    pub fn new(octets: Vec<u8>) -> Option<Self> {
        (octets.len() >= 32).then(|| Self(Zeroizing::new(octets)))
    }

    /// H: hex MD5 of secret ‖ URL up to the file's name ‖ `?p=P&e=E`.
    fn hash(&self, file_url: &str, query: &str) -> String {
        let mut md5 = Md5::new();
        md5.update(&*self.0);
        md5.update(file_url.as_bytes());
        md5.update(query.as_bytes());
        hex::encode(md5.finalize())
    }
}

impl fmt::Debug for MediaSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MediaSecret([redacted])")
    }
}

/// Path of a file under an edge or an origin: pack or content, and file in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MediaPath {
    /// The pack; of an origin's film where it is: set, revision and path.
    pub pack: String,
    /// The file's path within the pack, such as `541/1811192541.mp4` or `subtitles/s-de-1.vtt`.
    pub file: String,
    /// `/range/a-b` that followed.
    pub range: Option<ByteRange>,
}

impl MediaPath {
    /// Reads `/s/{pack}/{ddd}/{id}.{ext}`, `/s/{pack}/subtitles/{id}.vtt` or `/s/{pack}/thumbnails/{file}`,
    /// with or without `/range/{a}-{b}`; of a content `/s/{set}/[{revision}/]{path}/…`.
    pub fn parse(path: &str) -> Option<Self> {
        let path = path.strip_prefix("/s/")?;
        let (path, range) = match path.rsplit_once("/range/") {
            Some((path, range)) => (path, Some(range.parse().ok()?)),
            None => (path, None),
        };
        let (above, name) = path.rsplit_once('/')?;
        let (pack, folder) = above.rsplit_once('/')?;
        let file = format!("{folder}/{name}");
        if !is_place(pack) || !layout::is_served(&file) {
            return None;
        }
        Some(Self { pack: pack.to_owned(), file, range })
    }

    /// The file's name without folder and extension; with its folder where it is no downloadable.
    pub fn name(&self) -> &str {
        let name = self.file.rsplit_once('.').map_or(&self.file[..], |(name, _)| name);
        name.split_once('/').map_or(name, |(_, id)| if layout::is_downloadable_id(id) { id } else { name })
    }

    /// The file's extension, without dot.
    pub fn extension(&self) -> &str {
        self.file.rsplit_once('.').map_or("", |(_, extension)| extension)
    }

    /// The path up to and with the file's name.
    pub fn file_path(&self) -> String {
        format!("/s/{}/{}", self.pack, self.file)
    }

    /// Up to where the path may be signed: the file, or for thumbnails their folder as well.
    fn signed_paths(&self) -> Vec<String> {
        let file = self.file_path();
        let folder = format!("/s/{}/{}/", self.pack, layout::THUMBNAILS);
        if file.starts_with(&folder) { vec![file, folder] } else { vec![file] }
    }
}

/// Whether a text can stand behind `/s/`: a pack's id, or where a content is.
pub(crate) fn is_place(text: &str) -> bool {
    layout::is_pack_id(text) || text.parse::<ContentPlace>().is_ok()
}

/// Path of a film's DRM metadata: a set of films, and the film's name in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DrmPath(ContentPlace);

impl DrmPath {
    /// The set of packaged films.
    pub const VOD: &str = "vod";

    /// The path of a packaged film.
    pub fn of_movie(movie: u64) -> Self {
        Self(ContentPlace::of_movie(movie))
    }

    /// Reads `/s/{set}/{content}/drm`.
    pub fn parse(path: &str) -> Option<Self> {
        Some(Self(path.strip_prefix("/s/")?.strip_suffix("/drm")?.parse().ok()?))
    }

    /// The packaged film's number.
    pub fn movie(&self) -> Option<u64> {
        self.0.movie()
    }

    /// The content.
    pub(crate) fn place(&self) -> &ContentPlace {
        &self.0
    }

    /// The path.
    pub fn file_path(&self) -> String {
        format!("/s/{}/drm", self.0)
    }
}

/// The URL of a file, good until `expires`.
///
/// `base` is the edge's URL without trailing slash.
pub fn sign(secret: &MediaSecret, base: &str, path: &MediaPath, expires: u64) -> String {
    sign_path(secret, base, &path.file_path(), expires)
}

/// The URL of a film's DRM metadata, good until `expires`.
pub fn sign_drm(secret: &MediaSecret, base: &str, path: &DrmPath, expires: u64) -> String {
    sign_path(secret, base, &path.file_path(), expires)
}

fn sign_path(secret: &MediaSecret, base: &str, file_path: &str, expires: u64) -> String {
    format!("{base}{file_path}?{}", token(secret, base, file_path, expires))
}

/// The path of a base URL, without a slash at its end: empty for an origin.
pub(crate) fn path_of(base: &str) -> &str {
    let rest = base.split_once("://").map_or(base, |(_, rest)| rest);
    rest.find('/').and_then(|at| rest.get(at..)).unwrap_or_default()
}

/// The query, without `?`, by which a path under an edge is good until `expires`.
pub(crate) fn token(secret: &MediaSecret, base: &str, path: &str, expires: u64) -> String {
    let url = format!("{base}{path}");
    let mut query = format!("?p={}&e={expires}", url.len());
    let hash = secret.hash(&url, &query);
    let _ = write!(query, "&h={hash}");
    query.split_off(1)
}

/// Why a URL gives nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// Octets outside 0x21 to 0x7E (400).
    Unclean,
    /// No path of ours (404).
    NotFound,
    /// The token is missing, malformed or wrong (403).
    Forbidden,
    /// It is over (400, as in the study).
    Expired,
}

/// What a good URL gives, and until when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Granted<T> {
    /// What its path names.
    pub path: T,
    /// E: the URL is good before this time, Unix seconds.
    pub expires: u64,
    /// The URL before the path under which it was signed.
    pub base: String,
}

impl<T> Granted<T> {
    /// How long a cache may keep what the URL gives, in seconds: `most`, but no longer than the URL is good.
    pub fn max_age(&self, most: u64, now: u64) -> u64 {
        self.expires.saturating_sub(now).min(most)
    }
}

/// Checks a request's path and query against the secrets that are live; the hash before the time. `bases` are
/// the URLs without trailing slash under which the files may have been signed: the edge's own and those of
/// the CDNs that pull from it.
///
/// # Errors
/// [`Refusal`].
pub fn verify(
    secrets: &[MediaSecret],
    bases: &[&str],
    path: &str,
    query: Option<&str>,
    now: u64,
) -> Result<Granted<MediaPath>, Refusal> {
    check(secrets, bases, (path, query), now, |path| {
        let media = MediaPath::parse(path)?;
        let signed = media.signed_paths();
        Some((media, signed))
    })
}

/// As [`verify`], of the path of DRM metadata.
///
/// # Errors
/// [`Refusal`].
pub fn verify_drm(
    secrets: &[MediaSecret],
    bases: &[&str],
    path: &str,
    query: Option<&str>,
    now: u64,
) -> Result<Granted<DrmPath>, Refusal> {
    check(secrets, bases, (path, query), now, |path| {
        let drm = DrmPath::parse(path)?;
        let signed = vec![drm.file_path()];
        Some((drm, signed))
    })
}

/// `parse` gives what a path names, and up to where it may be signed.
pub(crate) fn check<T>(
    secrets: &[MediaSecret],
    bases: &[&str],
    (path, query): (&str, Option<&str>),
    now: u64,
    parse: impl FnOnce(&str) -> Option<(T, Vec<String>)>,
) -> Result<Granted<T>, Refusal> {
    let query = query.unwrap_or_default();
    if !path.bytes().chain(query.bytes()).all(|b| (0x21..=0x7E).contains(&b)) {
        return Err(Refusal::Unclean);
    }
    let (named, signed_paths) = parse(path).ok_or(Refusal::NotFound)?;
    let token = Token::parse(query).ok_or(Refusal::Forbidden)?;
    let signed = format!("?{}", token.signed);
    // All secrets, bases and paths of that length are tried, whichever matches.
    let mut signed_under = None;
    for base in bases {
        for file_path in signed_paths.iter().filter(|path| token.prefix == base.len() + path.len()) {
            let file_url = format!("{base}{file_path}");
            let good = secrets.iter().fold(subtle::Choice::from(0), |good, secret| {
                good | secret.hash(&file_url, &signed).as_bytes().ct_eq(token.hash.as_bytes())
            });
            if bool::from(good) {
                signed_under = Some(*base);
            }
        }
    }
    let base = signed_under.ok_or(Refusal::Forbidden)?;
    if now >= token.expires {
        return Err(Refusal::Expired);
    }
    Ok(Granted { path: named, expires: token.expires, base: base.to_owned() })
}

struct Token<'a> {
    prefix: usize,
    expires: u64,
    hash: &'a str,
    /// `p=P&e=E` as it stands.
    signed: &'a str,
}

impl<'a> Token<'a> {
    /// `p`, `e`, `h` once each and nothing else, `h` last.
    fn parse(query: &'a str) -> Option<Self> {
        let (signed, hash) = query.split_once("&h=")?;
        let (p, e) = signed.split_once('&')?;
        let number = |s: &str| -> Option<u64> {
            let plain = !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
            if plain { s.parse().ok() } else { None }
        };
        Some(Self {
            prefix: usize::try_from(number(p.strip_prefix("p=")?)?).ok()?,
            expires: number(e.strip_prefix("e=")?)?,
            hash,
            signed,
        })
    }
}

/// E: `now + life`, rounded up to the hour unless lives are below two hours.
pub fn expiration(now: u64, life: u64) -> u64 {
    let end = now.saturating_add(life);
    if life < 7200 { end } else { end.div_ceil(3600).saturating_mul(3600) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const BASE: &str = "http://localhost:8080";
    const FILE: &str = "/s/0/541/1811192541.mp4";
    const QUERY: &str = "p=44&e=1790002800&h=37bc21b1fb422168571d16a87661f25d";
    const BEFORE: u64 = 1_790_002_799;

    fn secrets() -> Vec<MediaSecret> {
        vec![MediaSecret::new(vec![b'1'; 32]).unwrap(), MediaSecret::new(vec![b'0'; 32]).unwrap()]
    }

    fn check(path: &str, query: &str, now: u64) -> Result<MediaPath, Refusal> {
        verify(&secrets(), &["https://films.example.org", BASE], path, Some(query), now)
            .map(|granted| granted.path)
    }

    /// A token of the folder of thumbnails is good for all that lie in it, and of no other folder.
    #[test]
    fn a_token_for_all_thumbnails() {
        let query = token(&secrets()[0], BASE, "/s/0/thumbnails/", 1_790_002_800);
        for good in ["/s/0/thumbnails/1.jpg", "/s/0/thumbnails/2.jpg/range/0-9", "/s/0/thumbnails/sheets.vtt"]
        {
            assert!(check(good, &query, BEFORE).is_ok(), "{good}");
        }
        assert_eq!(check("/s/0/thumbnails/1.jpg", &query, BEFORE + 1), Err(Refusal::Expired));
        assert_eq!(check("/s/1/thumbnails/1.jpg", &query, BEFORE), Err(Refusal::Forbidden));
        for folder in ["/s/0/541/", "/s/0/subtitles/", "/s/0/"] {
            let query = token(&secrets()[0], BASE, folder, 1_790_002_800);
            for path in [FILE, "/s/0/subtitles/s-de-1.vtt", "/s/0/thumbnails/1.jpg"] {
                assert_eq!(check(path, &query, BEFORE), Err(Refusal::Forbidden), "{folder} {path}");
            }
        }
    }

    /// A71: the documented vector.
    #[test]
    fn the_vector() {
        let path = MediaPath::parse(FILE).unwrap();
        assert_eq!(sign(&secrets()[1], BASE, &path, 1_790_002_800), format!("{BASE}{FILE}?{QUERY}"));
        assert_eq!(check(FILE, QUERY, BEFORE), Ok(path));
        let ranged = check("/s/0/541/1811192541.mp4/range/0-23", QUERY, BEFORE).unwrap();
        assert_eq!(ranged.range, Some(ByteRange::new(0, 23).unwrap()));
    }

    /// A73, A74: hash before time; 403 and 400 are told apart.
    #[test]
    fn hash_comes_before_time() {
        assert_eq!(check(FILE, QUERY, 1_790_002_800), Err(Refusal::Expired));
        let raised = QUERY.replace("1790002800", "1790002801");
        assert_eq!(check(FILE, &raised, BEFORE), Err(Refusal::Forbidden));
        assert_eq!(check(FILE, &raised, 1_800_000_000), Err(Refusal::Forbidden));
    }

    #[test]
    fn what_a_url_gives_is_kept_no_longer_than_it_is_good() {
        let granted = verify(&secrets(), &[BASE], FILE, Some(QUERY), BEFORE - 59).unwrap();
        assert_eq!(granted.expires, 1_790_002_800);
        assert_eq!((granted.max_age(3600, BEFORE - 59), granted.max_age(30, BEFORE - 59)), (60, 30));
        assert_eq!((granted.max_age(3600, BEFORE), granted.max_age(3600, BEFORE + 9)), (1, 0));
    }

    #[test]
    fn nothing_but_p_e_h_in_that_order() {
        for query in [
            "",
            "p=44&e=1790002800",
            "e=1790002800&p=44&h=37bc21b1fb422168571d16a87661f25d",
            "p=44&p=44&e=1790002800&h=37bc21b1fb422168571d16a87661f25d",
            "p=44&e=1790002800&h=37bc21b1fb422168571d16a87661f25d&x=1",
            "p=44&e=1790002800&h=37bc21b1fb422168571d16a87661f25d&h=37bc21b1fb422168571d16a87661f25d",
            "p=44&e=1790002800&h=37BC21B1FB422168571D16A87661F25D",
            "p=+44&e=1790002800&h=37bc21b1fb422168571d16a87661f25d",
            "p=43&e=1790002800&h=37bc21b1fb422168571d16a87661f25d",
            "p=99999999999999999999&e=1790002800&h=37bc21b1fb422168571d16a87661f25d",
        ] {
            assert_eq!(check(FILE, query, BEFORE), Err(Refusal::Forbidden), "{query}");
        }
        assert_eq!(check("/s/0/541/1811192541.mp4é", QUERY, BEFORE), Err(Refusal::Unclean));
        for path in [
            "/s/0/542/1811192541.mp4",
            "/s/0/541/1811192541.mp4/range/5-2",
            "/s/0/541/1811192541.mp4/range/0-23/x",
            "/s/0/541/1811192541.mp4/other",
            "/s/../541/1811192541.mp4",
            "/s/0/541/181119254.mp4",
            "/s/0/541/1811192541",
            "/t/0/541/1811192541.mp4",
            "/s/0/pack.json",
            "/s/0/subtitles/pack.json",
            "/s/0/subtitles/../pack.json",
            "/s/0/keys/s-de-1.vtt",
            "/s/0/thumbnails/1.bif/../2.bif",
        ] {
            assert_eq!(check(path, QUERY, BEFORE), Err(Refusal::NotFound), "{path}");
        }
    }

    #[test]
    fn a_signature_is_for_one_file() {
        let path = MediaPath { pack: "1".into(), ..MediaPath::parse(FILE).unwrap() };
        assert_eq!(check(&path.file_path(), QUERY, BEFORE), Err(Refusal::Forbidden));
        assert!(MediaSecret::new(vec![0; 31]).is_none());
    }

    /// Subtitles and thumbnails have tokens of their own, each for its file.
    #[test]
    fn other_files_of_a_pack_are_signed_alike() {
        let [text, pictures] = ["subtitles/s-de-1.vtt", "thumbnails/320.bif"].map(|file| MediaPath {
            pack: "0".into(),
            file: file.into(),
            range: None,
        });
        let url = sign(&secrets()[0], BASE, &text, 1_790_002_800);
        let (path, query) = url.strip_prefix(BASE).unwrap().split_once('?').unwrap();
        assert_eq!((path, check(path, query, BEFORE)), ("/s/0/subtitles/s-de-1.vtt", Ok(text.clone())));
        assert_eq!(check(&pictures.file_path(), query, BEFORE), Err(Refusal::Forbidden));
        assert_eq!((text.name(), text.extension()), ("subtitles/s-de-1", "vtt"));
        assert_eq!(MediaPath::parse(FILE).unwrap().name(), "1811192541");
    }

    /// A82: what was signed under a CDN's URL is good at the edge from which that CDN pulls, under no other.
    #[test]
    fn urls_of_each_base_are_good() {
        let path = MediaPath::parse(FILE).unwrap();
        let cdn = "http://cdn1.example.net/films";
        let url = sign(&secrets()[0], cdn, &path, 1_790_002_800);
        let query = url.split_once('?').map(|(_, query)| query);
        let check =
            |bases: &[&str]| verify(&secrets(), bases, FILE, query, BEFORE).map(|granted| granted.path);
        assert_eq!(check(&[BASE, cdn]), Ok(path));
        assert_eq!(check(&[BASE]), Err(Refusal::Forbidden));
        // As long, but another.
        assert_eq!(check(&[BASE, "http://cdn2.example.net/films"]), Err(Refusal::Forbidden));
        assert_eq!(check(&[]), Err(Refusal::Forbidden));
    }

    #[test]
    fn expirations_are_whole_hours_unless_short() {
        assert_eq!(expiration(1_790_000_000, 21_600), 1_790_024_400);
        assert_eq!(expiration(3600, 7200), 10_800);
        assert_eq!(expiration(1_790_000_000, 60), 1_790_000_060);
    }

    /// What an origin makes has a pack's names below set, revision and path.
    #[test]
    fn contents_have_paths_of_their_own() {
        for (path, place) in [
            ("/s/vod/a/541/1811192541.mp4", "vod/a"),
            ("/s/vod/r0123abcd/films/a/541/1811192541.mp4", "vod/r0123abcd/films/a"),
            ("/s/schools/Die%20Br%C3%BCcke/subtitles/s-de-1.vtt", "schools/Die%20Br%C3%BCcke"),
        ] {
            let read = MediaPath::parse(path).unwrap();
            assert_eq!((read.pack.as_str(), read.file_path()), (place, path.to_owned()));
            let range = MediaPath::parse(&format!("{path}/range/0-9")).unwrap();
            assert_eq!((range.file_path(), range.range), (path.to_owned(), ByteRange::new(0, 9).ok()));
        }
        for path in [
            "/s/vod/../541/1811192541.mp4",
            "/s/vod/.a/541/1811192541.mp4",
            "/s/vod/a%2Fb/541/1811192541.mp4",
            "/s/vod/%61/541/1811192541.mp4",
            "/s/vod/a//541/1811192541.mp4",
            "/s/v.d/a/541/1811192541.mp4",
            "/s/vod/a/541/1811192541.mp4/range/0-9/range/0-9",
        ] {
            assert_eq!(MediaPath::parse(path), None, "{path}");
        }
    }

    /// The same token over another path; each is good for its own.
    #[test]
    fn drm_metadata_has_tokens_too() {
        let path = DrmPath::of_movie(60027274);
        let url = sign_drm(&secrets()[0], BASE, &path, 1_790_002_800);
        let (text, query) = url.strip_prefix(BASE).unwrap().split_once('?').unwrap();
        assert_eq!(text, "/s/vod/60027274/drm");
        let check = |path: &str| verify_drm(&secrets(), &[BASE], path, Some(query), BEFORE);
        let read = check(text).unwrap().path;
        assert_eq!((read.movie(), &read), (Some(60027274), &path));
        assert_eq!(check("/s/vod/60027275/drm"), Err(Refusal::Forbidden));
        assert_eq!(verify_drm(&secrets(), &[BASE], text, Some(query), 1_790_002_800), Err(Refusal::Expired));
        for other in ["/s/vod/drm", "/s/vod/6//drm", "/s/v.d/6/drm", "/s//6/drm", FILE] {
            assert_eq!(check(other), Err(Refusal::NotFound), "{other}");
        }
        assert_eq!(verify(&secrets(), &[BASE], text, Some(query), BEFORE), Err(Refusal::NotFound));
        for content in ["0/7", "vod/07", "vod/x", "vod/99999999999999999999", "vod/6/7", "vod/r0123abcd/7"] {
            assert_eq!(DrmPath::parse(&format!("/s/{content}/drm")).unwrap().movie(), None, "{content}");
        }
    }

    proptest! {
        #[test]
        fn checking_never_panics(path in "/s/.{0,60}", query in ".{0,80}") {
            let _ = check(&path, &query, 0);
        }

        #[test]
        fn what_is_signed_verifies(pack in "[a-f0-9]{32}", id in "[0-9]{10}", life in 1u64..100_000) {
            let file = layout::media_path(&id, "mp4");
            let path = MediaPath { pack, file, range: None };
            let url = sign(&secrets()[0], BASE, &path, 1000 + life);
            let (path_text, query) = url.strip_prefix(BASE).unwrap().split_once('?').unwrap();
            prop_assert_eq!(check(path_text, query, 1000), Ok(path));
        }
    }
}
