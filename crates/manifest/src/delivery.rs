use cenc::Kid;
use pack::{Pack, Representation};

/// The IV of a representation's segment, from 0; `None` for one that is clear.
pub type WholeIv<'a> = &'a dyn Fn(&Representation, usize) -> Option<[u8; 16]>;

/// Several places where the media can be had, and who says in which order players are to use them: content
/// steering (RFC 8216bis, section 7; ISO/IEC 23009-1, 6th edition; ETSI TS 103 998).
#[derive(Clone, Copy)]
pub struct Steering<'a> {
    /// The steering server's URL.
    pub server: &'a str,
    /// The places, in the order that holds until the server says otherwise.
    pub pathways: &'a [Pathway<'a>],
}

/// A place where the media can be had.
pub struct Pathway<'a> {
    /// By this name the steering server calls it: letters, digits, `.`, `-` and `_`.
    pub id: String,
    /// The URL of the pack's folder there, with a slash at its end.
    pub root: String,
    /// As [`Delivery::query`], there.
    pub query: Box<dyn Fn(&str) -> String + 'a>,
}

impl Pathway<'_> {
    /// The URL of what lies at `path` in the pack.
    pub(crate) fn url(&self, path: &str) -> String {
        with_query(format!("{}{path}", self.root), &(self.query)(path))
    }
}

fn with_query(url: String, query: &str) -> String {
    if query.is_empty() { url } else { format!("{url}?{query}") }
}

/// What is written into manifests beside what the pack says.
#[derive(Clone, Copy)]
pub struct Delivery<'a> {
    /// The query, without `?`, behind the URL of a file of the pack (by its path in it) or of a playlist;
    /// empty: none. Of thumbnails it is asked for their folder, `thumbnails/`: the query holds for every
    /// sheet.
    pub query: &'a dyn Fn(&str) -> String,
    /// The path of the pack's folder in URLs, with a slash at its end, for `BaseURL` in MPDs; empty: relative
    /// to the MPD. ffmpeg (5.1) cannot read a relative `BaseURL` with `&` in it: it puts it back into its
    /// document without escaping it, unless it begins with a slash.
    pub root: &'a str,
    /// Whether HLS playlists have `root` in front of URLs, too: where they are not in the pack's folder
    /// themselves.
    pub absolute: bool,
    /// In MPDs and master playlists: where else the media can be had than where the manifest is. Thumbnails
    /// are had from there all the same, for their names are a pattern with one token.
    pub steering: Option<Steering<'a>>,
    /// Whether MPDs have the sheets of thumbnails, which need one query for all of a folder.
    pub sheets: bool,
    /// Pictures higher than this are left out.
    pub max_height: Option<u32>,
    /// Where EME's ClearKey gets keys, in MPDs and media playlists.
    pub clear_key: Option<&'a str>,
    /// Where the octets of a key can be had, in media playlists.
    pub key_url: Option<&'a dyn Fn(&Kid) -> String>,
    /// The film's DRM metadata in base64, for MPDs and master playlists.
    pub drm_metadata: Option<&'a str>,
    /// Where each segment is a file of its own that is encrypted whole (HLS's `AES-128`): the IV of a
    /// representation's segment, from 0; `None` for one that is clear. The pack's sizes are then those of
    /// these files.
    pub whole_iv: Option<WholeIv<'a>>,
}

impl<'a> Delivery<'a> {
    /// All pictures, and no keys for players of others.
    pub fn new(query: &'a dyn Fn(&str) -> String) -> Self {
        Self {
            query,
            root: "",
            absolute: false,
            steering: None,
            sheets: true,
            max_height: None,
            clear_key: None,
            key_url: None,
            drm_metadata: None,
            whole_iv: None,
        }
    }

    /// The URL of what lies at `path` in the pack, relative to a manifest that lies in the pack's folder
    /// `folder` (empty, or with a slash at its end).
    pub(crate) fn url(&self, folder: &str, path: &str) -> String {
        let relative = path.strip_prefix(folder).unwrap_or(path);
        let url = if self.absolute { format!("{}{path}", self.root) } else { relative.to_owned() };
        self.with_query(path, url)
    }

    /// The URL of a file as an MPD's `BaseURL` has it.
    pub(crate) fn base_url(&self, path: &str) -> String {
        self.with_query(path, format!("{}{path}", self.root))
    }

    fn with_query(&self, path: &str, url: String) -> String {
        with_query(url, &(self.query)(path))
    }

    /// The representations that are not too high, in the order of the pack.
    pub(crate) fn representations<'p>(&self, pack: &'p Pack) -> Vec<&'p Representation> {
        let fits = |r: &&Representation| {
            let height = r.video.as_ref().map(|video| video.height);
            self.max_height.is_none_or(|most| height.is_none_or(|height| height <= most))
        };
        pack.representations.iter().filter(fits).collect()
    }
}
