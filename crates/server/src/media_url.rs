//! Signed media URLs (docs/protocol.md, section 8): which paths there are, and by which tokens they are had.
//! `urltoken` makes and checks the tokens.

use crate::client_data::without_told;
use crate::content_place::ContentPlace;
use nccp::ByteRange;
use pack::layout;
use urltoken::{Place, Signed, Signer};

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
    /// with or without `/range/{a}-{b}`; of a content `/s/{set}/[{revision}/]{path}/…`, and in the form whose
    /// segments are encrypted whole `…/aes128/{ddd}/{id}.init.mp4` and `…/{id}.{number}.m4s`.
    pub fn parse(path: &str) -> Option<Self> {
        let path = path.strip_prefix("/s/")?;
        let (path, range) = match path.rsplit_once("/range/") {
            Some((path, range)) => (path, Some(range.parse().ok()?)),
            None => (path, None),
        };
        let (above, name) = path.rsplit_once('/')?;
        let (pack, folder) = above.rsplit_once('/')?;
        let file = format!("{folder}/{name}");
        let in_the_pack = layout::is_served(&file) && is_place(pack);
        let is_part = || layout::WholePart::of(&file).is_some() && is_whole(pack);
        match in_the_pack || is_part() {
            true => Some(Self { pack: pack.to_owned(), file, range }),
            false => None,
        }
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

    fn folder(&self) -> String {
        format!("/s/{}/", self.pack)
    }
}

/// Whether a text can stand behind `/s/`: a pack's id, or where a content is.
pub(crate) fn is_place(text: &str) -> bool {
    layout::is_pack_id(text) || text.parse::<ContentPlace>().is_ok()
}

/// Whether a text is where a content is in the form whose segments are encrypted whole.
fn is_whole(text: &str) -> bool {
    text.parse::<ContentPlace>().is_ok_and(|place| place.whole)
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
        let place: ContentPlace = path.strip_prefix("/s/")?.strip_suffix("/drm")?.parse().ok()?;
        (!place.whole).then_some(Self(place))
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
        self.folder() + Self::NAME
    }

    /// A folder of its own, so that no token is for the metadata of all films.
    fn folder(&self) -> String {
        format!("/s/{}/", self.0)
    }

    const NAME: &str = "drm";
}

/// Path of a film's persistent connection: an application, and the film's name in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamPath {
    /// The application; [`DrmPath::VOD`] there always is.
    pub set: String,
    /// A movie's number or a pack's id.
    pub content: String,
}

impl StreamPath {
    /// The path of a packaged film.
    pub fn of_movie(movie: u64) -> Self {
        Self { set: DrmPath::VOD.to_owned(), content: movie.to_string() }
    }

    /// Reads `/stream/{set}/{content}`.
    pub fn parse(path: &str) -> Option<Self> {
        let (set, content) = path.strip_prefix("/stream/")?.split_once('/')?;
        (is_name(set, 64) && is_name(content, 64))
            .then(|| Self { set: set.to_owned(), content: content.to_owned() })
    }

    /// The path.
    pub fn file_path(&self) -> String {
        self.folder() + &self.content
    }

    fn folder(&self) -> String {
        format!("/stream/{}/", self.set)
    }
}

fn is_name(text: &str, most: usize) -> bool {
    (1..=most).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

/// The URL of a file, good until `expires` or as long as the signer's network takes it. `base` is the edge's
/// URL without trailing slash; times are Unix seconds.
pub fn sign(signer: &Signer, base: &str, path: &MediaPath, expires: u64, now: u64) -> Signed {
    signer.sign(&Place::new(base, &path.folder(), &path.file), expires, now)
}

/// The URL of a film's DRM metadata: for it alone, even where other tokens are for folders, since a content
/// may lie in a folder of that name.
pub fn sign_drm(signer: &Signer, base: &str, path: &DrmPath, expires: u64, now: u64) -> Signed {
    let folder = path.folder();
    let place = Place::new(base, &folder, DrmPath::NAME);
    let query = signer.file_query(&place, expires, now);
    Signed { url: format!("{base}{}?{query}", path.file_path()), expires: signer.expiration(expires, now) }
}

/// The URL of a film's persistent connection: what is signed is the one with `http`, for this film alone even
/// where other tokens are for folders; what is given is the same with `ws`.
pub fn sign_stream(signer: &Signer, base: &str, path: &StreamPath, expires: u64, now: u64) -> String {
    let query = signer.file_query(&Place::new(base, &path.folder(), &path.content), expires, now);
    let url = format!("{base}{}?{query}", path.file_path());
    url.strip_prefix("http").map_or(url.clone(), |rest| format!("ws{rest}"))
}

/// The path of a base URL, without a slash at its end: empty for an origin.
pub(crate) fn path_of(base: &str) -> &str {
    let rest = base.split_once("://").map_or(base, |(_, rest)| rest);
    rest.find('/').and_then(|at| rest.get(at..)).unwrap_or_default()
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
    /// Which of the doors that were given took it.
    pub door: usize,
}

impl<T> Granted<T> {
    /// How long a cache may keep what the URL gives, in seconds: `most`, but no longer than the URL is good.
    pub fn max_age(&self, most: u64, now: u64) -> u64 {
        self.expires.saturating_sub(now).min(most)
    }
}

/// Tokens that are taken: those of a signer, for URLs under these bases, which have no trailing slash.
#[derive(Debug)]
pub struct Door<'a> {
    /// Checks the tokens.
    pub signer: &'a Signer,
    /// The edge's own URL, or those of CDNs that pull from it.
    pub bases: Vec<&'a str>,
}

/// Checks a request's path and query; the token before the time.
///
/// # Errors
/// [`Refusal`].
pub fn verify(
    doors: &[Door<'_>],
    path: &str,
    query: Option<&str>,
    now: u64,
) -> Result<Granted<MediaPath>, Refusal> {
    check(doors, (path, query), now, |path| {
        let media = MediaPath::parse(path)?;
        let (folder, file) = (media.folder(), media.file.clone());
        Some((media, folder, file))
    })
}

/// As [`verify`], of the path of DRM metadata.
///
/// # Errors
/// [`Refusal`].
pub fn verify_drm(
    doors: &[Door<'_>],
    path: &str,
    query: Option<&str>,
    now: u64,
) -> Result<Granted<DrmPath>, Refusal> {
    check(doors, (path, query), now, |path| {
        let drm = DrmPath::parse(path)?;
        let folder = drm.folder();
        Some((drm, folder, DrmPath::NAME.to_owned()))
    })
}

/// As [`verify`], of the path of a persistent connection.
///
/// # Errors
/// [`Refusal`].
pub fn verify_stream(
    doors: &[Door<'_>],
    path: &str,
    query: Option<&str>,
    now: u64,
) -> Result<Granted<StreamPath>, Refusal> {
    check(doors, (path, query), now, |path| {
        let stream = StreamPath::parse(path)?;
        let (folder, content) = (stream.folder(), stream.content.clone());
        Some((stream, folder, content))
    })
}

/// Checks that path and query hold no octet outside 0x21 to 0x7E.
pub(crate) fn is_clean(path: &str, query: &str) -> bool {
    path.bytes().chain(query.bytes()).all(|b| (0x21..=0x7E).contains(&b))
}

/// `parse` gives what a path names, and the folder and file in it that tokens are for.
pub(crate) fn check<T>(
    doors: &[Door<'_>],
    (path, query): (&str, Option<&str>),
    now: u64,
    parse: impl FnOnce(&str) -> Option<(T, String, String)>,
) -> Result<Granted<T>, Refusal> {
    let query = query.unwrap_or_default();
    if !is_clean(path, query) {
        return Err(Refusal::Unclean);
    }
    let (query, _) = without_told(query);
    let (named, folder, file) = parse(path).ok_or(Refusal::NotFound)?;
    let mut refusal = Refusal::Forbidden;
    for (door, Door { signer, bases }) in doors.iter().enumerate() {
        for base in bases {
            let place = Place::new(base, &folder, &file);
            let Some(asked) = place.asked(path) else { return Err(Refusal::NotFound) };
            match signer.check(&asked, &query, now) {
                Ok(expires) => {
                    return Ok(Granted { path: named, expires, base: (*base).to_owned(), door });
                }
                Err(urltoken::Refusal::Expired) => refusal = Refusal::Expired,
                Err(urltoken::Refusal::Forbidden) => {}
            }
        }
    }
    Err(refusal)
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
    use urltoken::{Dialect, Secret, Settings};

    const BASE: &str = "http://localhost:8080";
    const FILE: &str = "/s/0/541/1811192541.mp4";
    const QUERY: &str = "p=44&e=1790002800&h=37bc21b1fb422168571d16a87661f25d";
    const BEFORE: u64 = 1_790_002_799;

    /// Which takes both secrets, and signs with the second.
    fn signer() -> Signer {
        let secrets = [b'0', b'1'].map(|octet| Secret::new(vec![octet; 32]));
        Signer::new(Dialect::MediaVault, &Settings::default(), &secrets).unwrap()
    }

    fn check(path: &str, query: &str, now: u64) -> Result<MediaPath, Refusal> {
        let door = Door { signer: &signer(), bases: vec!["https://films.example.org", BASE] };
        verify(&[door], path, Some(query), now).map(|granted| granted.path)
    }

    fn signed(base: &str, path: &MediaPath, expires: u64) -> String {
        sign(&signer(), base, path, expires, 0).url
    }

    /// What a player tells of itself opens nothing and closes nothing, wherever it stands; anything else
    /// does.
    #[test]
    fn what_players_tell_is_passed_over() {
        let told = "CMCD=bl%3D%282000%29%2Cv%3D2";
        for good in [
            format!("{QUERY}&{told}"),
            format!("{told}&{QUERY}"),
            QUERY.replace("&h=", &format!("&{told}&h=")),
        ] {
            assert!(check(FILE, &good, BEFORE).is_ok(), "{good}");
            assert_eq!(without_told(&good), (QUERY.into(), told.strip_prefix("CMCD=")));
            assert_eq!(check(FILE, &good, BEFORE + 1), Err(Refusal::Expired));
        }
        for bad in [
            format!("{QUERY}&{told}&{told}"),
            format!("{QUERY}&cmcd=1"),
            format!("{QUERY}&CMCD"),
            format!("{QUERY}&CMCD={}", "x".repeat(4000)),
            format!("{QUERY}&&{told}"),
            told.to_owned(),
        ] {
            assert_eq!(check(FILE, &bad, BEFORE), Err(Refusal::Forbidden), "{bad}");
        }
    }

    /// A token of a folder is good for all that lies in it, and in no other.
    #[test]
    fn tokens_of_folders() {
        let query =
            |folder: &str| signer().folder_query(&Place::new(BASE, folder, ""), 1_790_002_800, 0).unwrap();
        let thumbnails = query("/s/0/thumbnails/");
        for good in ["/s/0/thumbnails/1.jpg", "/s/0/thumbnails/2.jpg/range/0-9", "/s/0/thumbnails/sheets.vtt"]
        {
            assert!(check(good, &thumbnails, BEFORE).is_ok(), "{good}");
            assert!(check(good, &query("/s/0/"), BEFORE).is_ok(), "{good}");
        }
        assert_eq!(check("/s/0/thumbnails/1.jpg", &thumbnails, BEFORE + 1), Err(Refusal::Expired));
        assert_eq!(check("/s/1/thumbnails/1.jpg", &thumbnails, BEFORE), Err(Refusal::Forbidden));
        for folder in ["/s/0/542/", "/s/0/subtitles/", "/s/", "/", "/s/1/"] {
            for path in [FILE, "/s/0/thumbnails/1.jpg"] {
                assert_eq!(check(path, &query(folder), BEFORE), Err(Refusal::Forbidden), "{folder} {path}");
            }
        }
        // That of one film's metadata is not that of all.
        let signer = signer();
        let door = [Door { signer: &signer, bases: vec![BASE] }];
        let drm = |folder: &str| verify_drm(&door, "/s/vod/7/drm", Some(&query(folder)), BEFORE).is_ok();
        assert_eq!([drm("/s/vod/7/"), drm("/s/vod/"), drm("/s/vod/8/")], [true, false, false]);
    }

    /// A71: the documented vector.
    #[test]
    fn the_vector() {
        let path = MediaPath::parse(FILE).unwrap();
        assert_eq!(signed(BASE, &path, 1_790_002_800), format!("{BASE}{FILE}?{QUERY}"));
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
        let door = Door { signer: &signer(), bases: vec![BASE] };
        let granted = verify(&[door], FILE, Some(QUERY), BEFORE - 59).unwrap();
        assert_eq!((granted.expires, &*granted.base, granted.door), (1_790_002_800, BASE, 0));
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
    }

    /// Subtitles and thumbnails have tokens of their own, each for its file.
    #[test]
    fn other_files_of_a_pack_are_signed_alike() {
        let [text, pictures] = ["subtitles/s-de-1.vtt", "thumbnails/320.bif"].map(|file| MediaPath {
            pack: "0".into(),
            file: file.into(),
            range: None,
        });
        let url = signed(BASE, &text, 1_790_002_800);
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
        let url = signed(cdn, &path, 1_790_002_800);
        let query = url.split_once('?').map(|(_, query)| query);
        let signer = signer();
        let check = |bases: &[&'static str]| {
            let door = Door { signer: &signer, bases: bases.to_vec() };
            verify(&[door], FILE, query, BEFORE).map(|granted| granted.path)
        };
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
        let signer = signer();
        let doors = [Door { signer: &signer, bases: vec![BASE] }];
        let url = sign_drm(&signer, BASE, &path, 1_790_002_800, 0).url;
        let (text, query) = url.strip_prefix(BASE).unwrap().split_once('?').unwrap();
        assert_eq!(text, "/s/vod/60027274/drm");
        let check = |path: &str| verify_drm(&doors, path, Some(query), BEFORE);
        let read = check(text).unwrap().path;
        assert_eq!((read.movie(), &read), (Some(60027274), &path));
        assert_eq!(check("/s/vod/60027275/drm"), Err(Refusal::Forbidden));
        assert_eq!(verify_drm(&doors, text, Some(query), 1_790_002_800), Err(Refusal::Expired));
        for other in ["/s/vod/drm", "/s/vod/6//drm", "/s/v.d/6/drm", "/s//6/drm", FILE] {
            assert_eq!(check(other), Err(Refusal::NotFound), "{other}");
        }
        assert_eq!(verify(&doors, text, Some(query), BEFORE), Err(Refusal::NotFound));
        for content in ["0/7", "vod/07", "vod/x", "vod/99999999999999999999", "vod/6/7", "vod/r0123abcd/7"] {
            assert_eq!(DrmPath::parse(&format!("/s/{content}/drm")).unwrap().movie(), None, "{content}");
        }
    }

    /// And so has a persistent connection, whose URL is one for WebSocket.
    #[test]
    fn persistent_connections_have_tokens_too() {
        let path = StreamPath::of_movie(7);
        let signer = signer();
        let doors = [Door { signer: &signer, bases: vec![BASE] }];
        let url = sign_stream(&signer, BASE, &path, 1_790_002_800, BEFORE);
        let (text, query) = url.strip_prefix("ws://localhost:8080").unwrap().split_once('?').unwrap();
        assert_eq!((text, query.starts_with("p=34&e=1790002800&h=")), ("/stream/vod/7", true));
        let check = |path: &str, now| verify_stream(&doors, path, Some(query), now);
        assert_eq!(check(text, BEFORE).map(|granted| granted.path), Ok(path));
        assert_eq!(check("/stream/vod/8", BEFORE), Err(Refusal::Forbidden));
        assert_eq!(check(text, 1_790_002_800), Err(Refusal::Expired));
        for other in ["/stream/vod", "/stream/vod/7/8", "/stream/v.d/7", "/s/vod/7"] {
            assert_eq!(check(other, BEFORE), Err(Refusal::NotFound), "{other}");
        }
        let wss = sign_stream(&signer, "https://films.example.org", &StreamPath::of_movie(7), 9, 0);
        assert!(wss.starts_with("wss://films.example.org/stream/vod/7?p=38&e=9&h="), "{wss}");
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
            let url = signed(BASE, &path, 1000 + life);
            let (path_text, query) = url.strip_prefix(BASE).unwrap().split_once('?').unwrap();
            prop_assert_eq!(check(path_text, query, 1000), Ok(path));
        }
    }
}
