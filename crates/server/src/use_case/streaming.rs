//! What is streamed over persistent connections, and by which rules (docs/protocol.md, section 8).

use super::{Outcome, drm_metadata};
use crate::catalogue::Pack;
use crate::config::{Application, STREAM_POLICY, Transport};
use crate::content_place::ContentPlace;
use crate::live;
use crate::media_url::{self, StreamPath};
use crate::store::{Movie, retried};
use crate::{Config, Role, Service};
use nccp::{ErrorCode, WireError};
use std::sync::Arc;

/// Why an event is refused, in words.
pub(crate) const ONLY_FILMS: &str =
    "Live events are not streamed over persistent connections: only films are.";

/// Whether a movie is of the kind that is streamed: a packaged film, no event and no content of an origin.
fn check_kind(movie: &Movie) -> Outcome<()> {
    let text = match &movie.pack {
        pack if *pack == live::pack_of(movie.id) => ONLY_FILMS,
        pack if pack.parse::<ContentPlace>().is_ok() => {
            "Contents of an origin are not streamed over persistent connections: only packaged films are."
        }
        _ => return Ok(()),
    };
    Err(WireError { text: text.to_owned(), ..ErrorCode::MovieNotAvailable.into() }.into())
}

/// The film that a name stands for, where it is in an application: a movie's number, or a pack's id.
pub(crate) async fn find(
    service: &Service,
    application: &Application,
    content: &str,
) -> Outcome<Option<(Movie, Arc<Pack>)>> {
    let movie = match content.parse::<u64>() {
        Ok(number) if number.to_string() == content => {
            retried!(async { service.store.read().await?.movie(number).await })?
        }
        _ if pack::layout::is_pack_id(content) => {
            let movies = retried!(async { service.store.read().await?.movies().await })?;
            movies.into_iter().filter(|movie| movie.pack == content).min_by_key(|movie| movie.id)
        }
        _ => None,
    };
    let Some(movie) = movie.filter(|movie| movie.available && application.has(movie.id)) else {
        return Ok(None);
    };
    check_kind(&movie)?;
    match service.catalogue.pack(&movie.pack).await {
        Ok(pack) => Ok(Some((movie, pack))),
        Err(error) => {
            tracing::error!(movie = movie.id, %error, "a movie's pack cannot be read");
            Err(ErrorCode::TryLater.into())
        }
    }
}

/// Whether a film's rules are those of persistent connections: under others it would be watched by rules that
/// nobody gave it.
pub(crate) fn check_policy(movie: &Movie) -> Outcome<()> {
    if movie.policy == STREAM_POLICY {
        return Ok(());
    }
    let text =
        format!("Persistent connections have the policy 24h only, and this title has {}.", movie.policy);
    Err(WireError { text, ..ErrorCode::PolicyRefused.into() }.into())
}

/// The DRM metadata that a playback begins with; `None` for a clear film.
pub(crate) fn metadata(
    service: &Service,
    application: &Application,
    movie: &Movie,
    pack: &Pack,
) -> Outcome<Option<Arc<[u8]>>> {
    let (now, keys) = (service.clock.now(), service.keys().changed);
    let of = (&application.name[..], movie.id);
    service.streams.metadata.get(of, (&pack.id, keys), application.update_interval, now, || {
        let players: Vec<_> = application.players.iter().map(|player| player.0.clone()).collect();
        drm_metadata::make_streamed(service, movie, pack, players, now)
    })
}

/// The URL of a film's persistent connection, where there is one.
pub(crate) fn url(service: &Service, movie: &Movie, expires: u64) -> Option<String> {
    let vod = service.config.stream.applications().into_iter().next()?;
    let served =
        vod.enabled && vod.has(movie.id) && check_kind(movie).and_then(|()| check_policy(movie)).is_ok();
    let base = base(&service.config).filter(|_| served)?;
    let (tokens, path) = (service.url_tokens(), StreamPath::of_movie(movie.id));
    Some(media_url::sign_stream(tokens.own(), base, &path, expires, service.clock.now()))
}

/// The URL before `/stream/…` in manifests.
fn base(config: &Config) -> Option<&str> {
    let own = config.has(Role::Stream).then_some(&config.public_url[..]);
    config.stream.base_url.as_deref().or(own)
}

/// Scheme, host and port that players connect to, where they are told to take persistent connections.
pub(crate) fn preferred_base(config: &Config) -> Option<String> {
    let base = base(config).filter(|_| config.stream.transport == Transport::Ws)?;
    let (scheme, rest) = base.split_once("://")?;
    let host = rest.split('/').next().unwrap_or_default();
    Some(format!("{}://{host}", scheme.replacen("http", "ws", 1)))
}

/// The URLs before `/stream/…` whose signatures are taken.
pub(crate) fn bases(config: &Config) -> Vec<&str> {
    config
        .stream
        .base_url
        .as_deref()
        .into_iter()
        .chain([&config.public_url[..], config.edge_base()])
        .collect()
}
