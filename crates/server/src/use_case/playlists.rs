//! DASH and HLS manifests of packs, made when they are asked for (docs/delivery.md).

use super::interop::{self, Allowed};
use crate::media_url::{self, Granted};
use crate::playlist_url::{Playlist, PlaylistPath};
use crate::{Error, Service};
use cenc::Kid;
use manifest::{Delivery, dash, hls};

/// A manifest.
pub(crate) struct Made {
    pub(crate) text: String,
    pub(crate) media_type: &'static str,
}

/// Makes the manifest that a good URL names; `None` where there is no such thing. `query` is the URL's own: it
/// lets a player ask for keys where the film's policy has them given out.
///
/// URLs in a manifest hold as long as somebody needs who got it in the last second in which it could be had: for
/// the length of the film after its own end. URLs in media playlists end with these: tokens do not renew
/// themselves.
pub(crate) async fn make(
    service: &Service,
    granted: &Granted<PlaylistPath>,
    query: &str,
) -> Result<Option<Made>, Error> {
    let PlaylistPath { pack: id, playlist } = &granted.path;
    let found = service.descriptions.get(service.catalogue.library(), id).await?;
    let Some(pack) = found else { return Ok(None) };
    let length = pack.duration.value.div_ceil(u64::from(pack.duration.timescale.max(1)));
    let expires = match playlist {
        Playlist::Dash | Playlist::Master => granted.expires.saturating_add(length),
        Playlist::Media(_) | Playlist::Subtitles(_) => granted.expires,
    };
    let keys = service.keys();
    // `load` refuses a ring without one.
    let Some(secret) = keys.media.first() else { return Ok(None) };
    let token = |path: &str| media_url::token(secret, &granted.base, &format!("/s/{id}/{path}"), expires);
    let allowed = interop::allowed(service, id, pack.movie_id).await?;
    let gives = |what: fn(&Allowed) -> bool| allowed.as_ref().is_some_and(what);
    let (public, of) = (&service.config.public_url, granted.path.file_path());
    let clear_key = format!("{public}{}?of={of}&{query}", interop::CLEAR_KEY);
    let key_url = |kid: &Kid| format!("{public}{}/{kid}?of={of}&{query}", interop::HLS_KEY);
    let root = format!("{}/s/{id}/", media_url::path_of(&granted.base));
    let delivery = Delivery {
        root: &root,
        query: &token,
        max_height: allowed.as_ref().and_then(Allowed::max_height),
        clear_key: gives(Allowed::clear_key).then_some(&*clear_key),
        key_url: if gives(Allowed::hls_keys) { Some(&key_url) } else { None },
    };
    let text = match playlist {
        Playlist::Dash => Some(dash::mpd(&pack, &delivery)),
        Playlist::Master => Some(hls::master(&pack, &delivery)),
        Playlist::Media(id) => hls::media(&pack, id, &delivery),
        Playlist::Subtitles(id) => hls::subtitles(&pack, id, &delivery),
    };
    let media_type = match playlist {
        Playlist::Dash => "application/dash+xml",
        _ => "application/vnd.apple.mpegurl",
    };
    Ok(text.map(|text| Made { text, media_type }))
}
