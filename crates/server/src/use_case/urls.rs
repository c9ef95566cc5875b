//! URLs that an operator gives away: `matinee url`.

use super::authorization::BEYOND_THE_FILM;
use crate::catalogue::Pack;
use crate::content_place::ContentPlace;
use crate::keys::KeyRing;
use crate::media_url::{self, MediaPath};
use crate::playlist_url::{self, Playlist, PlaylistPath};
use crate::url_tokens::UrlTokens;
use crate::{Config, Error};
use pack::layout;

/// In which form a film is given away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// `stream.mpd`.
    Dash,
    /// `master.m3u8`.
    Hls,
    /// `master.m3u8` of the form whose segments are encrypted whole, which only an origin has.
    HlsWhole,
    /// The files themselves.
    File,
}

/// When a URL of a pack ends where nobody says: as URLs in players' manifests do. Unix seconds.
pub fn default_end(config: &Config, pack: &Pack, now: u64) -> u64 {
    let film = pack.duration.as_f64().ceil() as u64 + BEYOND_THE_FILM;
    media_url::expiration(now, config.edge.url_life.unwrap_or(film))
}

/// The URLs of a pack in that form, good until `expires` (Unix seconds): one of a manifest, or one of each
/// file with sound or pictures.
///
/// # Errors
/// As [`UrlTokens::new`]; [`Error::Setting`] for the form of an origin where the film is none of its.
pub fn of(
    config: &Config,
    keys: &KeyRing,
    pack: &Pack,
    form: Form,
    (expires, now): (u64, u64),
) -> Result<Vec<String>, Error> {
    let tokens = UrlTokens::new(config, &keys.media)?;
    let (signer, base) = (tokens.own(), config.edge_base());
    let playlist = |place: String, playlist| {
        let path = PlaylistPath { pack: place, playlist };
        vec![playlist_url::sign(signer, base, &path, expires, now).url]
    };
    Ok(match form {
        Form::Dash => playlist(pack.place.clone(), Playlist::Dash),
        Form::Hls => playlist(pack.place.clone(), Playlist::Master),
        Form::HlsWhole => {
            let place: ContentPlace = pack.place.parse().map_err(|_| Error::Setting {
                name: "form",
                reason: "only films of an origin have segments that are encrypted whole".to_owned(),
            })?;
            playlist(ContentPlace { whole: true, ..place }.to_string(), Playlist::Master)
        }
        Form::File => {
            let files = pack.representations.iter();
            let files = files.map(|r| layout::media_path(&r.downloadable_id, &r.extension));
            let path = |file| MediaPath { pack: pack.place.clone(), file, range: None };
            files.map(|file| media_url::sign(signer, base, &path(file), expires, now).url).collect()
        }
    })
}
