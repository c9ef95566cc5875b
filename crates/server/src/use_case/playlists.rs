//! DASH and HLS manifests of packs, made when they are asked for (docs/delivery.md).

use super::cdns;
use super::drm_metadata;
use super::interop::{self, Allowed};
use crate::catalogue::Pack;
use crate::content_place::ContentPlace;
use crate::contents::{Octets, Unserved};
use crate::media_url::{self, Granted};
use crate::playlist_url::{Playlist, PlaylistPath};
use crate::store::Movie;
use crate::{Error, Service};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cenc::Kid;
use manifest::{Delivery, Pathway, Steering, dash, hls};
use std::sync::Arc;
use urltoken::{Place, Reach, Signer};

/// A manifest.
pub(crate) struct ManifestText {
    pub(crate) text: String,
    pub(crate) media_type: &'static str,
}

/// Why there is no manifest now.
#[derive(Debug)]
pub(crate) enum NoPlaylist {
    /// The content is not served.
    Unserved(Unserved),
    /// Segments that are encrypted whole are of no use without their keys, and the film's policy gives out
    /// none.
    NoKeys,
    /// It cannot be made.
    Failed(Error),
}

impl<E: Into<Error>> From<E> for NoPlaylist {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

/// Makes the manifest that a good URL names; `None` where there is no such thing. `query` is the URL's own:
/// it lets a player ask for keys where the film's policy has them given out. `signer` took it.
///
/// URLs in a manifest hold as long as somebody needs who got it in the last second in which it could be had:
/// for the length of the film after its own end. URLs in media playlists end with these, and so do tokens for
/// the whole folder, which open the manifest, too: tokens do not renew themselves.
pub(crate) async fn make(
    service: &Service,
    granted: &Granted<PlaylistPath>,
    signer: &Signer,
    query: &str,
) -> Result<Option<ManifestText>, NoPlaylist> {
    let PlaylistPath { pack: id, playlist } = &granted.path;
    let (pack, film, content) = match id.parse::<ContentPlace>() {
        Ok(place) => {
            let film = service.content(&place, granted.path.form()).await.map_err(NoPlaylist::Unserved)?;
            (Arc::clone(&film.pack), Arc::clone(&film.film), Some(film))
        }
        Err(_) => {
            if !service.catalogue.has(id).await? {
                return Ok(None);
            }
            let found = service.descriptions.get(service.catalogue.library(), id).await?;
            let Some(pack) = found else { return Ok(None) };
            (pack, service.film(id).await?, None)
        }
    };
    let whole = content.as_ref().and_then(|content| match &content.octets {
        Octets::Whole(whole) => Some(whole),
        _ => None,
    });
    if whole.is_some() && *playlist == Playlist::Dash {
        return Ok(None);
    }
    // With the revision of its keys: other playlists are to be of the same.
    let id = &film.place;
    let length = pack.duration.value.div_ceil(u64::from(pack.duration.timescale.max(1)));
    let ends = |signer: &Signer| match playlist {
        Playlist::Dash | Playlist::Master if signer.reach() != Reach::Folder => {
            granted.expires.saturating_add(length)
        }
        _ => granted.expires,
    };
    let expires = ends(signer);
    let (now, folder) = (service.clock.now(), format!("/s/{id}/"));
    let token = |path: &str| match path.strip_suffix('/') {
        None => signer.query(&Place::new(&granted.base, &folder, path), expires, now),
        // Where there are no such tokens, there are no sheets.
        Some(_) => {
            let all = format!("{folder}{path}");
            signer.folder_query(&Place::new(&granted.base, &all, ""), expires, now).unwrap_or_default()
        }
    };
    let movie = interop::film(service, &film).await?;
    let metadata = match (playlist, &movie) {
        (Playlist::Dash | Playlist::Master, Some(movie)) if whole.is_none() => {
            metadata(service, movie, &film)?
        }
        _ => None,
    };
    let allowed = movie.and_then(|movie| interop::allowed(service, movie));
    let gives = |what: fn(&Allowed) -> bool| allowed.as_ref().is_some_and(what);
    if whole.is_some() && !gives(Allowed::hls_keys) {
        return Err(NoPlaylist::NoKeys);
    }
    let (public, of) = (&service.config.public_url, granted.path.file_path());
    let clear_key = format!("{public}{}?of={of}&{query}", interop::CLEAR_KEY);
    let key_url = |kid: &Kid| format!("{public}{}/{kid}?of={of}&{query}", interop::HLS_KEY);
    let iv = |r: &pack::Representation, segment: usize| {
        let number = pack.representations.iter().position(|other| other.id == r.id)?;
        whole?.iv(number, segment)
    };
    let root = format!("{}/s/{id}/", media_url::path_of(&granted.base));
    // One draw for each URL of a manifest, which is the nearest thing to a device here; a copy in a cache is
    // of that URL.
    let (tokens, seed) = (service.url_tokens(), cdns::seed_of(query));
    let steered = match playlist {
        // Whoever pulls without a token gets files of packs, and neither playlists nor contents.
        Playlist::Dash => cdns::steered(&service.config, &tokens, seed, content.is_some()),
        Playlist::Master => cdns::steered(&service.config, &tokens, seed, true),
        Playlist::Media(_) | Playlist::IFrames(_) | Playlist::Subtitles(_) => Vec::new(),
    };
    let at: &str = &folder;
    let pathways = steered.iter().map(|cdn| {
        let (base, signer, expires) = (cdn.base_url, cdn.signer, ends(cdn.signer));
        let query = move |path: &str| signer.query(&Place::new(base, at, path), expires, now);
        Pathway { id: cdn.id.to_string(), root: format!("{base}{at}"), query: Box::new(query) }
    });
    let pathways: Vec<Pathway<'_>> = pathways.collect();
    let server = format!("{public}{}?s={seed:016x}", cdns::STEERING);
    let steering = (!pathways.is_empty()).then_some(Steering { server: &server, pathways: &pathways });
    let delivery = Delivery {
        root: &root,
        absolute: granted.path.pack != *id,
        steering,
        sheets: !signer.dialect().is_exact(),
        query: &token,
        max_height: allowed.as_ref().and_then(Allowed::max_height),
        clear_key: gives(Allowed::clear_key).then_some(&*clear_key),
        key_url: if gives(Allowed::hls_keys) { Some(&key_url) } else { None },
        drm_metadata: metadata.as_deref(),
        whole_iv: if whole.is_some() { Some(&iv) } else { None },
    };
    let text = match playlist {
        Playlist::Dash => Some(dash::mpd(&pack, &delivery)),
        Playlist::Master => Some(hls::master(&pack, &delivery)),
        Playlist::Media(id) => hls::media(&pack, id, &delivery),
        Playlist::IFrames(id) => hls::i_frames(&pack, id, &delivery),
        Playlist::Subtitles(id) => hls::subtitles(&pack, id, &delivery),
    };
    let media_type = match playlist {
        Playlist::Dash => "application/dash+xml",
        _ => "application/vnd.apple.mpegurl",
    };
    Ok(text.map(|text| ManifestText { text, media_type }))
}

/// DRM metadata in base64, where a license comes along with it: a new one each time (docs/protocol.md,
/// section 6).
fn metadata(service: &Service, movie: &Movie, pack: &Pack) -> Result<Option<String>, Error> {
    if movie.license.domain().is_none() {
        return Ok(None);
    }
    let made = drm_metadata::make(service, movie, pack, service.clock.now()).map_err(|failure| {
        let code = failure.code();
        tracing::error!(movie = movie.id, code = code.as_str(), "no DRM metadata could be made");
        Error::Internal("no DRM metadata could be made")
    })?;
    Ok(made.filter(|made| made.domain.is_some()).map(|made| STANDARD.encode(made.octets)))
}
