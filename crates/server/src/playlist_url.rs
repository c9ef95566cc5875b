//! Paths of manifests under an edge, signed like files (docs/protocol.md, section 8).

use crate::media_url::{self, Door, Granted, Refusal};
use origin::scope::Form;
use pack::layout;
use urltoken::{Place, Signed, Signer};

/// Path of a manifest: the pack, and which of its manifests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlaylistPath {
    /// The pack; of an origin's film where it is: set, revision and path.
    pub pack: String,
    /// Which.
    pub playlist: Playlist,
}

/// A manifest of a pack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Playlist {
    /// `stream.mpd`: DASH.
    Dash,
    /// `master.m3u8`: HLS's multivariant playlist.
    Master,
    /// `{ddd}/{id}.m3u8`: the media playlist of the representation with this downloadable id.
    Media(String),
    /// `{ddd}/{id}.iframes.m3u8`: the playlist of that representation's pictures that are decoded by
    /// themselves.
    IFrames(String),
    /// `subtitles/{id}.m3u8`: the media playlist of these subtitles.
    Subtitles(String),
}

impl PlaylistPath {
    /// Reads `/s/{pack}/…`.
    pub fn parse(path: &str) -> Option<Self> {
        let (above, name) = path.strip_prefix("/s/")?.rsplit_once('/')?;
        let (pack, playlist) = match name {
            "stream.mpd" => (above, Playlist::Dash),
            "master.m3u8" => (above, Playlist::Master),
            _ => {
                let (pack, folder) = above.rsplit_once('/')?;
                let name = name.strip_suffix(".m3u8")?;
                let (id, playlist): (_, fn(String) -> Playlist) = match name.strip_suffix(".iframes") {
                    Some(id) => (id, Playlist::IFrames),
                    None => (name, Playlist::Media),
                };
                let is_media = layout::is_downloadable_id(id) && id.get(7..) == Some(folder);
                match folder {
                    layout::SUBTITLES if layout::is_name(name) => {
                        (pack, Playlist::Subtitles(name.to_owned()))
                    }
                    _ if is_media => (pack, playlist(id.to_owned())),
                    _ => return None,
                }
            }
        };
        media_url::is_place(pack).then(|| Self { pack: pack.to_owned(), playlist })
    }

    /// The path.
    pub fn file_path(&self) -> String {
        self.folder() + &self.name()
    }

    /// The form of delivery that it is of: of an origin's film, which has other keys for each.
    pub(crate) fn form(&self) -> Form {
        match self.playlist {
            Playlist::Dash => Form::Dash,
            _ => Form::Hls,
        }
    }

    fn folder(&self) -> String {
        format!("/s/{}/", self.pack)
    }

    fn name(&self) -> String {
        match &self.playlist {
            Playlist::Dash => "stream.mpd".to_owned(),
            Playlist::Master => "master.m3u8".to_owned(),
            Playlist::Media(id) => layout::media_path(id, "m3u8"),
            Playlist::IFrames(id) => layout::media_path(id, "iframes.m3u8"),
            Playlist::Subtitles(id) => format!("{}/{id}.m3u8", layout::SUBTITLES),
        }
    }
}

/// The URL of a manifest, good until `expires`. `base` is the edge's URL without trailing slash.
pub fn sign(signer: &Signer, base: &str, path: &PlaylistPath, expires: u64, now: u64) -> Signed {
    signer.sign(&Place::new(base, &path.folder(), &path.name()), expires, now)
}

/// As [`media_url::verify`], of the path of a manifest.
///
/// # Errors
/// [`Refusal`].
pub fn verify(
    doors: &[Door<'_>],
    path: &str,
    query: Option<&str>,
    now: u64,
) -> Result<Granted<PlaylistPath>, Refusal> {
    media_url::check(doors, (path, query), now, |path| {
        let playlist = PlaylistPath::parse(path)?;
        let (folder, name) = (playlist.folder(), playlist.name());
        Some((playlist, folder, name))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use urltoken::{Dialect, Secret, Settings};

    #[test]
    fn paths() {
        for path in [
            "/s/8e06/stream.mpd",
            "/s/8e06/master.m3u8",
            "/s/8e06/541/1811192541.m3u8",
            "/s/8e06/541/1811192541.iframes.m3u8",
            "/s/8e06/subtitles/s-de-1.m3u8",
            "/s/vod/films/a/stream.mpd",
            "/s/vod/r0123abcd/films/a/541/1811192541.m3u8",
        ] {
            assert_eq!(PlaylistPath::parse(path).unwrap().file_path(), path);
        }
        for path in [
            "/s/8e06/stream.mpd/",
            "/s/stream.mpd",
            "/s/8e06/540/1811192541.m3u8",
            "/s/8e06/540/1811192541.iframes.m3u8",
            "/s/8e06/541/1811192541.iframes.iframes.m3u8",
            "/s/8e06/subtitles/s-de-1.iframes.m3u8",
            "/s/8e06/541/1811192541.mp4",
            "/s/8e06/subtitles/.m3u8",
            "/s/8e06/subtitles/../a.m3u8",
            "/s/8e06/thumbnails/1.m3u8",
            "/s/../master.m3u8",
            "/s/8e06/other.m3u8",
        ] {
            assert_eq!(PlaylistPath::parse(path), None, "{path}");
        }
    }

    #[test]
    fn a_token_is_for_one_manifest() {
        let secret = [Secret::new(vec![b'0'; 32])];
        let signer = Signer::new(Dialect::MediaVault, &Settings::default(), &secret).unwrap();
        let base = "https://films.example";
        let path = PlaylistPath::parse("/s/8e06/master.m3u8").unwrap();
        let url = sign(&signer, base, &path, 1000, 0).url;
        let query = url.split_once('?').unwrap().1;
        let check = |path: &str, now| {
            let door = Door { signer: &signer, bases: vec!["https://cdn.example", base] };
            verify(&[door], path, Some(query), now)
        };
        let granted = check("/s/8e06/master.m3u8", 999).unwrap();
        assert_eq!((granted.path, granted.base.as_str(), granted.expires), (path, base, 1000));
        assert_eq!(check("/s/8e06/master.m3u8", 1000), Err(Refusal::Expired));
        // As long as the other: only the hash tells.
        assert_eq!(check("/s/8e07/master.m3u8", 999), Err(Refusal::Forbidden));
        assert_eq!(check("/s/8e06/stream.mpd", 999), Err(Refusal::Forbidden));
    }
}
